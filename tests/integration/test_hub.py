"""Data sets and models through the Hub's own client libraries, against a small Hub on this machine.

The libraries read HF_ENDPOINT and the like when they are imported, so each client is a process.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
from hub_server import Repository, serving
from PIL import Image, ImageDraw

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
COLOURS = {"red": (220, 20, 20), "green": (20, 160, 20), "blue": (20, 20, 220)}
SHAPES = ["circle", "square"]
DRAWN = [(colour, shape) for colour in COLOURS for shape in SHAPES]

# the libraries take seconds to import, so one process opens several data sets
OPEN = """
import json, sys, time
start = time.perf_counter()
from lookbook.catalog import CatalogError, open_catalog
from lookbook.images.loading import ImageError, load_rgb

def pixel(picture):
    try:
        return load_rgb(picture).getpixel((32, 32))
    except ImageError as error:
        return error.reason

def tell(name, options):
    told = {}
    try:
        catalog = open_catalog(name, **options)
        told = {"source": catalog.source, "licence": catalog.licence, "total": catalog.total}
        told["items"] = [
            [i.id, i.title, i.attributes, type(i.image).__name__, pixel(i.image)] for i in catalog
        ]
        told["rejected"] = [r.reason for r in catalog.rejected]
        told["notes"] = catalog.notes
    except CatalogError as error:
        told["error"] = str(error)
    told["seconds"] = time.perf_counter() - start
    return told

print(json.dumps([tell(name, options) for name, options in json.loads(sys.argv[1])]))
"""

ENCODE = """
import json, sys
from lookbook.encoding.encoder import Encoder
models, photos = json.loads(sys.argv[1]), json.loads(sys.argv[2])
told = []
for model in models:
    encoder = Encoder.load(model, precision="float32", device="cpu")
    told.append([encoder.identity, encoder.encode(photos).tolist()])
print(json.dumps(told))
"""

DOWNLOAD = """
import json, sys
from huggingface_hub import snapshot_download
for name in json.loads(sys.argv[1]):
    snapshot_download(name, repo_type="dataset")
print(json.dumps({}))
"""


def draw(colour, shape):
    image = Image.new("RGB", (64, 64), "white")
    pen = ImageDraw.Draw(image)
    (pen.ellipse if shape == "circle" else pen.rectangle)((12, 12, 52, 52), fill=COLOURS[colour])
    return image


def client(program, *arguments, endpoint, home, **environment):
    """Run a program with the real libraries pointed at `endpoint`; gives the JSON it printed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    env |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1"}
    env |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-c", program, *map(json.dumps, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def shapes_repository(folder):
    """Drawn shapes as `push_to_hub` stores them: parquet with an Image and a ClassLabel."""
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "shape": datasets.ClassLabel(names=SHAPES),
            "colour": datasets.Value("string"),
            "title": datasets.Value("string"),
            "product_id": datasets.Value("int64"),
        }
    )
    rows = {
        "image": [draw(*drawn) for drawn in DRAWN],
        "shape": [shape for _, shape in DRAWN],
        "colour": [colour for colour, _ in DRAWN],
        "title": [f"A {colour} {shape}" for colour, shape in DRAWN],
        "product_id": [100 + n for n in range(len(DRAWN))],
    }
    whole = datasets.Dataset.from_dict(rows, features=features)
    (folder / "data").mkdir(parents=True)
    blank = {**whole[0], "image": None}
    test = datasets.Dataset.from_list([blank, whole[1]], features=features)
    for split, part in {"train": whole, "test": test}.items():
        part.to_parquet(folder / f"data/{split}-00000-of-00001.parquet")
    return Repository("datasets", "drawn/shapes", folder, {"license": "cc0-1.0"})


def folder_repository(folder):
    """An imagefolder: the pictures are files of the repository."""
    for colour, shape in DRAWN:
        path = folder / "train" / shape / f"{colour}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(colour, shape).save(path)
    (folder / "train/circle/broken.png").write_bytes(b"no picture")
    return Repository("datasets", "drawn/folder", folder)


def names_repository(folder):
    """Only the names of files, two of which this machine has, too."""
    own = folder.parent / "own.png"
    draw("red", "circle").save(own)
    names = [str(own), "pyproject.toml", "https://example.org/a.png"]
    folder.mkdir()
    datasets.Dataset.from_dict({"image": names}).to_parquet(folder / "train.parquet")
    return Repository("datasets", "drawn/names", folder)


def long_repository(folder):
    """A price that is a word in row 550, and an id that stands twice, beyond the first 500 rows."""
    features = datasets.Features({"image": datasets.Image(), "id": datasets.Value("string")})
    features["price"] = datasets.Value("string")
    rows = {"image": [draw("red", "circle")] * 560}
    rows["id"] = [*map(str, range(559)), "5"]
    rows["price"] = ["ask us" if n == 550 else f"{n}.50" for n in range(560)]
    folder.mkdir()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / "train.parquet")
    return Repository("datasets", "drawn/long", folder)


def configs_repository(folder):
    """Two configurations in one repository."""
    text = "---\nconfigs:\n"
    for config in ("summer", "winter"):
        data = datasets.Dataset.from_dict({"image": [draw("red", "circle")], "season": [config]})
        data = data.cast_column("image", datasets.Image())
        (folder / config).mkdir(parents=True)
        data.to_parquet(folder / config / "train.parquet")
        text += f"- config_name: {config}\n  data_files: {config}/train.parquet\n"
    (folder / "README.md").write_text(text + "---\n")
    return Repository("datasets", "drawn/seasons", folder)


def model_repository(folder):
    """A ResNet of a few thousand weights, as `save_pretrained` leaves it."""
    import torch
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    sizes = [8, 8, 12, 16]
    config = ResNetConfig(embedding_size=8, hidden_sizes=sizes, depths=[1] * 4, layer_type="basic")
    ResNetModel(config).save_pretrained(folder)
    processor = {
        "image_processor_type": "ConvNextImageProcessor",
        "size": {"shortest_edge": 64},
        "crop_pct": 1.0,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return Repository("models", "drawn/tiny-resnet", folder)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repositories")
    makers = [shapes_repository, folder_repository, names_repository, configs_repository]
    makers.append(long_repository)
    makers.append(model_repository)
    with serving([make(folder / make.__name__) for make in makers]) as server:
        yield server


@pytest.fixture
def no_hub():
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def silent_hub():
    """An address that takes every connection and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


def near(pixel, colour):
    return max(abs(a - b) for a, b in zip(pixel, COLOURS[colour], strict=True)) < 8


CASES = {
    "shapes": ["drawn/shapes", {}],
    "selected": ["drawn/shapes", {"where": ["shape=square", "colour!=red"], "limit": 1}],
    "test": ["drawn/shapes", {"split": "test"}],
    "dev": ["drawn/shapes", {"split": "dev"}],
    "folder": ["drawn/folder", {}],
    "names": ["drawn/names", {}],
    "seasons": ["drawn/seasons", {}],
    "winter": ["drawn/seasons:winter", {}],
    "nothing": ["someone/nothing", {}],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def opened(hub, home):
    """What a client with network tells of each case."""
    told = client(OPEN, list(CASES.values()), endpoint=hub.address, home=home)
    return dict(zip(CASES, told, strict=True))


def test_data_set_is_streamed_undecoded_with_the_names_of_its_classes(opened, hub, home):
    told = opened["shapes"]
    assert told["source"] == {
        "kind": "hub",
        "name": "drawn/shapes",
        "split": "train",
        "revision": hub.repositories["datasets", "drawn/shapes"].revision,
        "where": [],
        "limit": None,
    }
    assert told["licence"] == "cc0-1.0" and told["rejected"] == []
    assert [item[0] for item in told["items"]] == [str(100 + n) for n in range(6)]
    for (colour, shape), item in zip(DRAWN, told["items"], strict=True):
        _, title, attributes, kind, pixel = item
        assert title == f"A {colour} {shape}"
        assert attributes == {"shape": shape, "colour": colour}
        assert kind == "bytes" and near(pixel, colour)
    assert not list(home.rglob("*.parquet")), "nothing is stored, so it need not fit the disk"


def test_selection_limit_and_split(opened):
    assert [item[1] for item in opened["selected"]["items"]] == ["A green square"]
    assert opened["test"]["source"]["split"] == "test"
    assert "no split 'dev'; its splits are test, train" in opened["dev"]["error"]


def test_row_without_a_picture_is_rejected(opened):
    assert [item[1] for item in opened["test"]["items"]] == ["A red square"]
    assert opened["test"]["rejected"] == ["missing"]


def test_pictures_that_are_files_of_the_repository(opened):
    items = opened["folder"]["items"]
    labels = [(item[2]["label"], item[3]) for item in items]
    assert labels == [("circle", "bytes")] * 4 + [("square", "bytes")] * 3
    broken = [item[4] for item in items if isinstance(item[4], str)]
    assert broken == ["not-a-picture"], "handed on undecoded, and the stream went on"
    pixels = [item[4] for item in items if not isinstance(item[4], str)]
    assert sum(near(pixel, "blue") for pixel in pixels) == 2


def test_data_set_cannot_fetch_files_of_this_machine(opened):
    assert "none of its 3 rows has a usable picture" in opened["names"]["error"]


def test_several_configurations_are_named_and_can_be_chosen(opened):
    for word in ("summer", "winter", "drawn/seasons:CONFIG"):
        assert word in opened["seasons"]["error"]
    assert [item[2] for item in opened["winter"]["items"]] == [{"season": "winter"}]


def test_data_set_that_the_hub_does_not_have(opened):
    assert "someone/nothing: the Hub has no such data set" in opened["nothing"]["error"]


@pytest.mark.parametrize("address", ["no_hub", "silent_hub"])
def test_without_network_an_id_fails_soon_and_says_what_to_do(address, request, tmp_path):
    endpoint = request.getfixturevalue(address)
    told = client(OPEN, [CASES["nothing"]], endpoint=endpoint, home=tmp_path)[0]
    assert told["seconds"] < 15  # the library alone retries for 23 s; a busy machine takes 6
    assert "\n" not in told["error"]
    for word in (
        "someone/nothing",
        "local folder",
        "parquet",
        "HF_HUB_OFFLINE",
        "house collection",
    ):
        assert word in told["error"]


def test_offline_mode_fails_soon_too(no_hub, tmp_path):
    offline = {"HF_HUB_OFFLINE": "1"}
    told = client(OPEN, [CASES["nothing"]], endpoint=no_hub, home=tmp_path, **offline)[0]
    assert "HF_HUB_OFFLINE is set and no copy is cached" in told["error"]
    assert told["seconds"] < 15  # the library alone retries for 23 s; a busy machine takes 6


def test_downloaded_data_set_needs_no_network(hub, no_hub, tmp_path):
    client(DOWNLOAD, ["drawn/shapes", "drawn/folder"], endpoint=hub.address, home=tmp_path)
    cases = [CASES["shapes"], CASES["folder"]]
    shapes, folder = client(OPEN, cases, endpoint=no_hub, home=tmp_path)
    assert [item[1] for item in shapes["items"]] == [f"A {c} {s}" for c, s in DRAWN]
    assert shapes["source"]["revision"] == hub.repositories["datasets", "drawn/shapes"].revision
    assert len(folder["items"]) == 7 and folder["rejected"] == []


def test_a_cached_copy_is_understood_by_all_rows_and_a_stream_says_that_it_is_not(
    hub, no_hub, tmp_path
):
    case = ["drawn/long", {}]
    streamed = client(OPEN, [case], endpoint=hub.address, home=tmp_path)[0]
    assert "the columns are understood by the first 500 rows" in " ".join(streamed["notes"])
    client(DOWNLOAD, ["drawn/long"], endpoint=hub.address, home=tmp_path)
    cached = client(OPEN, [case], endpoint=no_hub, home=tmp_path)[0]
    notes = " ".join(cached["notes"])
    assert "first 500 rows" not in notes
    assert "the column 'price': 1 cells are no amount: line 550 'ask us'" in notes
    assert "1 ids of the column 'id' stand twice" in notes
    assert len(streamed["items"]) == len(cached["items"]) == 560


def test_short_and_picture_only_data_sets_are_not_said_to_be_sampled(opened):
    assert not any("first 500" in n for c in ("shapes", "folder") for n in opened[c]["notes"])


MISSING_MODEL = """
import json, sys, time
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.errors import EncoderError
start = time.perf_counter()
try:
    Encoder.load(json.loads(sys.argv[1]))
except EncoderError as error:
    print(json.dumps([str(error), time.perf_counter() - start]))
"""


@pytest.mark.parametrize("address", ["no_hub", "silent_hub"])
def test_without_network_a_model_fails_soon_and_says_what_to_do(address, request, tmp_path):
    endpoint = request.getfixturevalue(address)
    sentence, seconds = client(MISSING_MODEL, "someone/model", endpoint=endpoint, home=tmp_path)
    assert seconds < 5
    for words in ("someone/model", "local folder", "leave out --model"):
        assert words in sentence


def test_model_from_the_hub_gives_the_vectors_of_its_folder(hub, no_hub, tmp_path):
    repository = hub.repositories["models", "drawn/tiny-resnet"]
    photos = []
    for colour, shape in DRAWN[:3]:
        photos.append(str(tmp_path / f"{colour}-{shape}.png"))
        draw(colour, shape).save(photos[-1])
    models = [repository.name, str(repository.folder)]
    remote, local = client(ENCODE, models, photos, endpoint=hub.address, home=tmp_path)
    identity, vectors = remote[0], np.array(remote[1])
    assert vectors.shape == (3, 16)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.abs(vectors - np.array(local[1])).max() < 1e-5
    assert np.abs(vectors[0] - vectors[2]).max() > 1e-3, "other pictures, other vectors"
    assert identity["id"] == repository.name
    assert identity["revision"] == local[0]["revision"], "the same weights, wherever they lie"
    offline = {"HF_HUB_OFFLINE": "1"}
    cached = client(ENCODE, models[:1], photos, endpoint=no_hub, home=tmp_path, **offline)
    assert cached == [remote]
