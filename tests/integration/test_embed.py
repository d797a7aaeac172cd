"""embed.py as a user runs it: whole, killed and resumed, with other options, on bad catalogues."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookbook import Encoder, Index
from lookbook.catalog import open_catalog
from lookbook.images.loading import content_hash
from lookbook.index import published
from lookbook.indexing import BuildError, BuildOptions, build
from lookbook.indexing.embedding_cache import EmbeddingCache, EncodedImage
from lookbook.indexing.encode_catalog import SHARD, encode_catalog
from lookbook.indexing.pipeline import whitening
from lookbook.search.calibration import calibration
from lookbook.search.enrichment import evaluation, projection_2d
from lookbook.search.opening import EncoderMismatch, load_matching_encoder
from lookbook.search.product_groups import product_groups
from tests.shapes import COLOURS, draw_shape

ROOT = Path(__file__).resolve().parents[2]


def embed(*options: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, ROOT / "embed.py", *options],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def build_shapes(shapes: Path, model: Path, output: Path, **options) -> Index:
    encoder = Encoder.load(model, precision=options.pop("precision", "float32"))
    built = BuildOptions(model=str(model), **options)
    build(open_catalog(str(shapes)), encoder, output, built, quiet=True)
    return Index.open(output)


@pytest.fixture(scope="module")
def index(shapes, tiny_model, tmp_path_factory) -> Index:
    return build_shapes(shapes, tiny_model, tmp_path_factory.mktemp("index"))


def test_the_command_builds_an_index_and_says_what_it_did(shapes, tiny_model, tmp_path):
    done = embed("--dataset", str(shapes), "--model", str(tiny_model), "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "15 pieces" in done.stdout
    assert "rejected: 1 " in done.stdout
    assert "images/s" in done.stdout
    assert "finds 100 % of the true nearest 15" in done.stdout
    assert "title from 'title', picture from 'file_name', id from 'id'\n" in done.stdout
    assert "  broken.jpg: " in done.stdout
    [report] = tmp_path.glob("*/report.json")
    assert done.stdout.splitlines()[-2:] == [
        f"report: {report}",
        f"next: python app.py --index {tmp_path}",
    ]
    index = Index.open(tmp_path)
    assert len(index) == 15
    assert not (tmp_path / ".work").exists()


def test_a_build_stores_what_it_learns_of_its_result(index):
    enrich = {"calibration.json", "map.npy", "evaluation.json"}
    assert enrich < set(index.manifest.files)
    assert calibration(index).kind == "kind"
    assert projection_2d(index).shape == (15, 2)
    assert set(evaluation(index)["evaluation"]) <= set(index.columns)


def test_rejected_pictures_are_listed_with_their_reason(index):
    report = json.loads((index.generation.path / "report.json").read_text())
    assert [row["id"] for row in report["rejected"]] == ["broken"]
    assert report["rejected"][0]["reason"]
    assert report["rejected"][0]["sentence"].endswith(".")


def test_each_picture_finds_itself_by_file_and_by_bytes(index, shapes):
    """Parity: the query path gives the vector that the offline path stored."""
    encoder = load_matching_encoder(index)
    for id in index.ids:
        path = shapes / f"{id[:-1]}-{id[-1]}.png"
        vector = encoder.encode([path.read_bytes()])[0]
        np.testing.assert_allclose(vector, index.vector(id), atol=2e-3)  # stored as float16
        assert index.search(vector, k=1)[0].id == id


def test_a_large_jpeg_goes_the_same_way_offline_and_as_a_query(tiny_model, tmp_path):
    """Draft decoding must not depend on who asks."""
    noise = np.random.default_rng(0).integers(0, 255, (1500, 1125, 3), np.uint8)
    photo = Image.fromarray(noise).resize((1125, 1500), Image.Resampling.BILINEAR)
    (tmp_path / "photos").mkdir()
    photo.save(tmp_path / "photos" / "large.jpg", quality=85)
    draw_shape("red", 0).save(tmp_path / "photos" / "small.png")
    index = build_shapes(tmp_path / "photos", tiny_model, tmp_path / "index")
    from lookbook.ui.services.search import SearchService

    search_service = SearchService(index, lambda: load_matching_encoder(index), tmp_path / "thumbs")
    photo = (tmp_path / "photos" / "large.jpg").read_bytes()
    vector = search_service.encode_photo(photo, crop=False).vector
    [large] = [id for id in index.ids if "large" in id]
    np.testing.assert_allclose(vector, index.vector(large), atol=1e-3)


def test_filters_select_what_is_indexed(shapes, tiny_model, tmp_path):
    done = embed(
        *("--dataset", str(shapes), "--model", str(tiny_model), "--output", str(tmp_path)),
        *("--where", "colour=red|blue", "--where", "kind!=2", "--limit", "4", "--no-map"),
    )
    assert done.returncode == 0, done.stderr
    index = Index.open(tmp_path)
    assert projection_2d(index) is None
    assert len(index) == 3  # the fourth is the broken one
    assert set(index.values("colour")) <= {"red", "blue"}
    assert "2" not in {str(kind) for kind in index.values("kind")}


def many_pictures(folder: Path, count: int) -> Path:
    """Pictures that are all different, as files."""
    folder.mkdir()
    draw = np.random.default_rng(3)
    for i in range(count):
        small = Image.fromarray(draw.integers(0, 255, (6, 4, 3), np.uint8))
        small.resize((120, 160), Image.Resampling.BICUBIC).save(folder / f"{i:04}.jpg")
    return folder


def test_a_killed_run_goes_on_where_it_was(tiny_model, tmp_path):
    folder, output = many_pictures(tmp_path / "many", 1500), tmp_path / "index"
    command = [sys.executable, ROOT / "embed.py", "--dataset", folder, "--model", tiny_model]
    kills = 0
    for shards in (1, 3):  # shards on disk when the run is killed
        running = subprocess.Popen(
            [*map(str, command), "--output", str(output)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while running.poll() is None and len(list(output.glob(".work/*/*.safetensors"))) < shards:
            time.sleep(0.02)
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
            kills += running.wait() == -signal.SIGKILL
        assert not published(output), "nothing may be published before the end"
    assert kills == 2
    before = len(EmbeddingCache(*work_of(output, tiny_model)))
    assert before >= 3 * SHARD
    done = embed("--dataset", str(folder), "--model", str(tiny_model), "--output", str(output))
    assert done.returncode == 0, done.stderr
    assert f"encoded {1500 - before:,} pictures" in done.stdout
    whole = embed(
        *("--dataset", str(folder), "--model", str(tiny_model)),
        *("--output", str(tmp_path / "whole")),
    )
    assert whole.returncode == 0, whole.stderr
    resumed, once = Index.open(output), Index.open(tmp_path / "whole")
    assert resumed.ids == once.ids
    np.testing.assert_allclose(resumed.generation.vectors, once.generation.vectors, atol=4e-3)
    assert resumed.thumb(resumed.ids[700]) == once.thumb(once.ids[700])


def work_of(output: Path, model: Path) -> tuple[Path, dict]:
    return output / ".work", Encoder.load(model).identity


def test_another_encoder_never_takes_over_vectors(shapes, tiny_model, tmp_path):
    """What one encoder left half done is nothing to another."""
    first = Encoder.load(tiny_model, precision="float32")
    cache = EmbeddingCache(tmp_path / ".work", first.identity)
    wrong = np.full(first.dim, first.dim**-0.5, np.float32)
    for path in shapes.glob("*.png"):
        digest = content_hash(path.read_bytes())
        cache.add_shard([EncodedImage(digest, wrong, np.zeros(768, np.uint8), b"webp")])
    other = Encoder.load(tiny_model, precision="float32", pooling="max")
    options = BuildOptions(model=str(tiny_model))
    build(open_catalog(str(shapes)), other, tmp_path, options, quiet=True)
    index = Index.open(tmp_path)
    assert not np.isclose(index.generation.vectors @ wrong, 1).any()


def test_fresh_encodes_all_again(shapes, tiny_model, tmp_path):
    encoder = Encoder.load(tiny_model, precision="float32")
    cache = EmbeddingCache(tmp_path / ".work", encoder.identity)
    wrong = np.full(encoder.dim, encoder.dim**-0.5, np.float32)
    digest = content_hash((shapes / "red-0.png").read_bytes())
    cache.add_shard([EncodedImage(digest, wrong, np.zeros(768, np.uint8), b"webp")])
    summary = build(open_catalog(str(shapes)), encoder, tmp_path, quiet=True, resume=False)
    assert summary.encoded == 15


def test_a_shard_cut_short_is_encoded_again(shapes, tiny_model, tmp_path):
    encoder = Encoder.load(tiny_model, precision="float32")
    cache = EmbeddingCache(tmp_path / ".work", encoder.identity)
    (cache.folder / "000000000.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    summary = build(open_catalog(str(shapes)), encoder, tmp_path, quiet=True)
    assert summary.encoded == 15


def test_the_same_picture_twice_is_encoded_once_and_shown_once(tiny_model, tmp_path):
    folder = tmp_path / "twice"
    folder.mkdir()
    for name in ("one", "two"):
        draw_shape("red", 0).save(folder / f"{name}.png")
    draw_shape("blue", 2).save(folder / "other.png")
    index = build_shapes(folder, tiny_model, tmp_path / "index")
    assert len(index) == 3
    assert index.manifest.source
    hits = index.search(load_matching_encoder(index).encode([draw_shape("red", 0)])[0], k=3)
    assert len(hits) == 2
    assert len(index.search(index.generation.vectors[0].astype(np.float32), k=3, fold=False)) == 3


def test_a_small_shop_shows_all_its_pieces_and_counts_colours(tiny_model, tmp_path):
    """Titles of a colour and a kind are pieces of their own; a longer name is one product."""
    folder = tmp_path / "small"
    folder.mkdir()
    rows = ["file_name,title"]
    for colour in COLOURS:
        for kind, name in enumerate(("bag", "T-shirt", "linen shirt Anna")):
            draw_shape(colour, kind).save(folder / f"{colour}-{kind}.png")
            rows.append(f"{colour}-{kind}.png,{colour.title()} {name}")
    rows = [f"{row},{n if n else 'price'}" for n, row in enumerate(rows)]
    for n in range(7):
        (folder / f"broken-{n}.jpg").write_bytes(b"no picture")
    (folder / "metadata.csv").write_text("\n".join(rows))
    encoder = Encoder.load(tiny_model, precision="float32")
    summary = build(open_catalog(str(folder)), encoder, tmp_path / "index", quiet=True)
    first = "15 pieces; 5 of them shown as 1 product in several colours"
    assert str(summary).splitlines()[0] == first
    index = Index.open(tmp_path / "index")
    assert len(set(product_groups(index).tolist())) == 11
    assert "price from 'price'" in str(summary) and "id from" not in str(summary)
    assert [name for name, _ in summary.listed_rejections] == [f"broken-{n}.jpg" for n in range(5)]
    assert "\n  and 2 more\n" in str(summary)


def test_whitened_vectors_are_uncorrelated_and_queries_follow(shapes, tiny_model, tmp_path):
    index = build_shapes(shapes, tiny_model, tmp_path, dim=4)
    assert (index.manifest.dim, index.dim) == (4, 32)
    vector = load_matching_encoder(index).encode([shapes / "green-1.png"])[0]
    assert index.search(vector, k=1)[0].id == "green1"


def test_whitening_gives_unit_variance_in_each_direction():
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(500, 6)) @ draw.normal(size=(6, 6)) + 3
    mean, matrix = whitening(vectors.astype(np.float32), 3)
    white = (vectors - mean) @ matrix
    np.testing.assert_allclose(np.cov(white.T), np.eye(3), atol=0.05)
    with pytest.raises(BuildError, match="--dim 7: 500 pictures with vectors of length 6 allow"):
        whitening(vectors, 7)


@pytest.mark.parametrize("metric", ["angular", "euclidean", "dot"])
def test_every_metric_finds_the_same_picture_first(shapes, tiny_model, tmp_path, metric):
    index = build_shapes(shapes, tiny_model, tmp_path, metric=metric)
    vector = load_matching_encoder(index).encode([shapes / "blue-2.png"])[0]
    assert index.search(vector, k=1)[0].id == "blue2"


def test_a_catalogue_with_no_usable_picture_is_an_error(tiny_model, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"nothing")
    done = embed("--dataset", str(folder), "--model", str(tiny_model), "--output", str(tmp_path))
    assert done.returncode == 2
    assert "no usable picture among 1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--dataset", "./not-there"], "not-there"),
        (["--dataset", "SHAPES", "--where", "price<=cheap"], "expected a number"),
        (["--dataset", "SHAPES", "--where", "nonsense"], "nonsense"),
        (["--dataset", "SHAPES", "--where", "fabric=silk"], "fabric"),
        (["--dataset", "SHAPES", "--title-column", "headline"], "headline"),
        (["--dataset", "SHAPES", "--model", "./no-model"], "no-model"),
        (["--dataset", "SHAPES", "--dim", "9999"], "allow 1 to"),
        (
            ["--dataset", "SHAPES", "--engine", "exact", "--trees", "9"],
            "has no option 'trees'",
        ),
        (["--dataset", "SHAPES", "--engine", "exact", "--recall", "0.9"], "--recall"),
        (["--split", "test"], "the house collection has no split 'test'"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence(shapes, tiny_model, tmp_path, options, sentence):
    options = [str(shapes) if option == "SHAPES" else option for option in options]
    if "--model" not in options:
        options += ["--model", str(tiny_model)]
    done = embed(*options, "--output", str(tmp_path))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_index_is_not_searched_with_another_encoder(index, tiny_model, tmp_path):
    other = tmp_path / "tiny"
    shutil.copytree(tiny_model, other)
    import torch
    from safetensors.torch import save_file

    save_file({"projection": torch.eye(32)}, other / "projection.safetensors")
    with pytest.raises(EncoderMismatch, match="revision"):
        load_matching_encoder(index, str(other))
    with pytest.raises(ValueError, match="length 32"):
        index.search(np.ones(16, np.float32))


def test_items_keep_order_titles_and_attributes(index, shapes):
    names = sorted(path.stem for path in shapes.glob("*.png"))  # broken.jpg is not there
    assert index.ids == [name.replace("-", "") for name in names]
    item = index.item("yellow2")
    assert item.title == "Yellow shape 2"
    assert item.attributes["colour"] == "yellow"
    assert set(index.values("colour")) == set(COLOURS)


def test_two_writers_do_not_clear_away_each_others_work(shapes, tiny_model, tmp_path):
    import fcntl

    (tmp_path / ".lock").touch()
    with (tmp_path / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BuildError, match=r"another embed.py is writing here"):
            build_shapes(shapes, tiny_model, tmp_path)
    assert len(build_shapes(shapes, tiny_model, tmp_path)) == 15


def test_names_and_numbers_that_no_table_likes_do_not_stop_a_run(tiny_model, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    draw_shape("red", 0).save(folder / "plain.png")
    draw_shape("blue", 1).save(os.fsencode(folder) + b"/caf\xe9.png", "PNG")
    rows = [
        {"file_name": "plain.png", "title": "half \ud800 a character", "stock": 2**70},
    ]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    index = build_shapes(folder, tiny_model, tmp_path / "index")
    assert len(index) == 2
    assert "half ? a character" in index.titles
    assert index.values("stock") == {str(2**70): 1}


def test_denoising_changes_the_vectors_of_noise_and_queries_follow(tiny_model, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    plain, quiet = (
        Encoder.load(tiny_model, precision="float32", denoise=denoise) for denoise in (False, True)
    )
    assert not np.allclose(plain.encode([noise]), quiet.encode([noise]), atol=1e-3)
    folder = many_pictures(tmp_path / "few", 3)
    options = BuildOptions(model=str(tiny_model))
    build(open_catalog(str(folder)), quiet, tmp_path / "index", options, quiet=True)
    assert load_matching_encoder(Index.open(tmp_path / "index")).preprocessing.denoise


def test_every_option_of_the_forest_reaches_it(shapes, tiny_model, tmp_path):
    plain = build_shapes(shapes, tiny_model, tmp_path / "a").generation
    other = build_shapes(
        shapes, tiny_model, tmp_path / "b", trees=7, seed=3, recall=0.5, licence="CC0"
    ).generation
    assert (other.manifest.trees, other.manifest.seed) == (7, 3)
    assert (other.manifest.recall_target, other.manifest.licence) == (0.5, "CC0")
    forests = [(g.path / "forest.ann").read_bytes() for g in (plain, other)]
    assert forests[0] != forests[1]


def test_a_catalogue_streams(tiny_model, tmp_path):
    """No more than a few chunks of pictures are ever asked for ahead of the encoder."""
    from lookbook.catalog import Item

    encoder = Encoder.load(tiny_model, precision="float32")
    ahead: list[int] = []

    class Stream:
        total = None
        rejected = ()

        def __iter__(self):
            for i in range(4 * SHARD):
                ahead.append(i + 1 - len(cache))
                picture = Image.new("RGB", (32, 32), (i % 256, i // 256 * 40, 99))
                yield Item(str(i), picture, "", {})

    cache = EmbeddingCache(tmp_path, encoder.identity)
    kept = encode_catalog(Stream(), encoder, cache, batch_size=64, quiet=True)
    assert len(kept.items) == 4 * SHARD
    assert max(ahead) <= 2 * SHARD + 1
