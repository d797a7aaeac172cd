"""The encoder gives the same vectors whatever the batch, the input type or the thread."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.heads import HEADS_FILE
from lookbook.encoding.pooling import average_pool, max_pool_stages
from lookbook.images.loading import ImageError
from tests.shapes import COLOURS, draw_shape


@pytest.fixture(scope="module")
def encoder(tiny_model) -> Encoder:
    return Encoder.load(tiny_model, precision="float32")


@pytest.fixture(scope="module")
def pictures():
    return [draw_shape(colour, kind) for colour in COLOURS for kind in range(3)]


def as_png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_vectors_have_norm_one_and_the_model_dimension(encoder, pictures):
    vectors = encoder.encode(pictures)
    assert vectors.shape == (15, 32) == (15, encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_picture_alone_and_in_a_batch_gets_the_same_vector(tiny_model, pictures, precision):
    encoder = Encoder.load(tiny_model, precision=precision)
    together = encoder.encode(pictures, batch_size=7)
    alone = np.concatenate([encoder.encode([picture]) for picture in pictures])
    atol = 1e-5 if precision == "float32" else 4e-3  # one step of bfloat16 at this size
    np.testing.assert_allclose(together, alone, atol=atol)


def test_bytes_path_image_and_array_give_the_same_vector(encoder, tmp_path):
    picture = draw_shape("green", 1)
    path = tmp_path / "green.png"
    path.write_bytes(as_png(picture))
    forms = [picture, as_png(picture), path, str(path), np.asarray(picture)]
    vectors = encoder.encode(forms)
    np.testing.assert_allclose(vectors, np.repeat(vectors[:1], len(forms), 0), atol=1e-6)


def test_similar_images_are_closer_than_different_ones(encoder):
    red, dark_red, blue = encoder.encode(
        [draw_shape("red", 0), draw_shape("red", 0, (126, 168)), draw_shape("blue", 2)]
    )
    assert red @ dark_red > red @ blue


def test_folding_batch_norms_does_not_change_the_network(tiny_model, encoder, pictures):
    from transformers import AutoModel

    network = AutoModel.from_pretrained(tiny_model, dtype=torch.float32).eval()
    p = encoder.preprocessing
    pixels = np.stack([p.preprocess(picture) for picture in pictures]).astype(np.float32)
    ready = (pixels * p.scale - np.array(p.mean)) / np.array(p.std)
    with torch.inference_mode():
        maps = network(torch.from_numpy(ready).permute(0, 3, 1, 2).float()).last_hidden_state
    expected = torch.nn.functional.normalize(maps.mean((2, 3)), dim=1).numpy()
    np.testing.assert_allclose(encoder.encode(pictures), expected, atol=1e-5)


def test_each_pooling_computes_its_formula(tiny_model, pictures):
    encoder = Encoder.load(tiny_model, precision="float32")
    (maps,) = encoder.backend.feature_maps(
        encoder.preprocessing.preprocess(pictures[0])[None], (-1,)
    )
    flat = maps[0].reshape(len(maps[0]), -1)
    expected = {
        "avg": flat.mean(1),
        "max": flat.max(1),
        "gem": np.cbrt((np.maximum(flat, 1e-6) ** 3).mean(1)),
    }
    for pooling, vector in expected.items():
        vectors = Encoder.load(tiny_model, pooling=pooling, precision="float32").encode(
            pictures[:1]
        )
        np.testing.assert_allclose(vectors[0], vector / np.linalg.norm(vector), atol=1e-5)


def test_identity_changes_with_everything_that_changes_vectors(tiny_model, tmp_path):
    def identity(**options) -> str:
        return json.dumps(Encoder.load(tiny_model, **options).identity)

    plain = identity(precision="float32")
    assert plain == identity(precision="float32")
    others = [
        identity(precision="bfloat16"),
        identity(precision="float32", pooling="max"),
        identity(precision="float32", denoise=True),
    ]
    assert len({plain, *others}) == 4


def test_other_weights_are_another_revision(tiny_model, tmp_path):
    import shutil

    copy = tmp_path / "tiny"
    shutil.copytree(tiny_model, copy)
    before = Encoder.load(copy).revision
    save_file({"projection": torch.eye(32)[:4]}, copy / "projection.safetensors")
    after = Encoder.load(copy)
    assert after.revision != before
    assert after.dim == 4  # the projection was used


def test_the_detail_head_reads_maxima_and_follows_the_projection(tiny_model, pictures, tmp_path):
    import shutil

    folder = tmp_path / "detailed"
    shutil.copytree(tiny_model, folder)
    plain = Encoder.load(folder, precision="float32")
    maps = plain.backend.feature_maps(plain.preprocessing.preprocess(pictures[0])[None], (-2, -1))
    before, last = (m[0].reshape(len(m[0]), -1) for m in maps)
    wide = len(last) + len(before)
    rows = {"projection": torch.eye(len(last))[:3], "detail": torch.randn(4, wide)}
    save_file(rows, folder / "projection.safetensors")
    large = np.concatenate([last.max(1), before.max(1)])
    expected = np.concatenate([last.mean(1)[:3], rows["detail"].numpy() @ large])
    vector = Encoder.load(folder, precision="float32").encode(pictures[:1])[0]
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
    other = Encoder.load(folder, precision="float32", pooling="max")
    assert other.dim == len(last), "heads are trained on averages and dropped for other poolings"


def category_head(wide: int) -> CategoryHead:
    """Two classes, told apart by the first of `wide` features."""
    bottleneck = torch.zeros(1, wide)
    bottleneck[0, 0] = 1
    return CategoryHead(
        bottleneck, torch.tensor([[0.0], [5.0]]), torch.tensor([0.0, -1.0]), torch.eye(2)
    )


def test_the_category_head_reads_both_poolings_and_comes_last(tiny_model, pictures, tmp_path):
    import shutil

    folder = tmp_path / "category"
    shutil.copytree(tiny_model, folder)
    plain = Encoder.load(folder, precision="float32")
    pixels = plain.preprocessing.preprocess(pictures[0])[None]
    maps = [torch.from_numpy(m) for m in plain.backend.feature_maps(pixels, (-2, -1))]
    everything = torch.cat([average_pool(maps), max_pool_stages(maps)], 1)
    head = category_head(everything.shape[1])
    save_file({"projection": torch.eye(32)[:3], **head.arrays()}, folder / HEADS_FILE)
    encoder = Encoder.load(folder, precision="float32")
    expected = np.concatenate([everything[0, :3].numpy(), head(everything)[0].numpy()])
    vector = encoder.encode(pictures[:1])[0]
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
    positions = encoder.projected_map(pictures[0])
    mean = positions.reshape(-1, 5).mean(axis=0)
    np.testing.assert_allclose(mean, expected, atol=1e-4)


def product_encoder(tiny_model, folder, **words):
    """The tiny model with a general head of 3 and product heads of 4 and 2 dimensions."""
    import shutil

    shutil.copytree(tiny_model, folder)
    plain = Encoder.load(folder, precision="float32")
    blank = np.zeros((1, plain.preprocessing.size, plain.preprocessing.size, 3), np.uint8)
    channels = sum(m.shape[1] for m in plain.backend.feature_maps(blank, (-2, -1)))
    torch.manual_seed(0)
    heads = {"design": torch.rand(4, channels), "instance": torch.rand(2, channels)}
    save_file({"projection": torch.eye(32)[:3], **heads}, folder / HEADS_FILE)
    if words:
        save_file({"words": torch.tensor(list(words.values()))}, folder / "words.safetensors")
        (folder / "words.json").write_text(json.dumps({"words": list(words), "pieces": []}))
    return Encoder.load(folder, precision="float32"), heads


def test_product_heads_are_directions_of_the_maxima_and_come_last(tiny_model, pictures, tmp_path):
    encoder, heads = product_encoder(tiny_model, tmp_path / "product")
    pixels = encoder.preprocessing.preprocess(pictures[0])[None]
    maps = [torch.from_numpy(m) for m in encoder.backend.feature_maps(pixels, (-2, -1))]
    maxima = max_pool_stages(maps)[0]
    vector = encoder.encode(pictures[:1])[0]
    sides = np.split(vector, [3, 7])
    np.testing.assert_allclose(np.linalg.norm(sides[0]), 1 / np.sqrt(1.5), atol=1e-5)
    for side, weights in zip(sides[1:], heads.values(), strict=True):
        direction = (weights @ maxima).numpy()
        expected = 0.5 / np.sqrt(1.5) * direction / np.linalg.norm(direction)
        np.testing.assert_allclose(side, expected, atol=1e-4)


def test_positions_add_up_to_a_vector_with_product_heads(tiny_model, pictures, tmp_path):
    encoder, _ = product_encoder(tiny_model, tmp_path / "product")
    mean = encoder.projected_map(pictures[0]).reshape(-1, encoder.dim).mean(0)
    vector = encoder.encode(pictures[:1])[0]
    np.testing.assert_allclose(mean / np.linalg.norm(mean), vector, atol=1e-4)


def test_texts_say_nothing_of_single_products(tiny_model, tmp_path):
    encoder, _ = product_encoder(tiny_model, tmp_path / "text", red=[0.0, 3.0, 4.0])
    vector = encoder.encode_text(["red"])
    np.testing.assert_allclose(vector, [[0, 0.6, 0.8, 0, 0, 0, 0, 0, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"projection": torch.eye(32), "design": torch.eye(4)}, "design: expected .*, found 4"),
        ({"projection": torch.eye(32), "instance": torch.ones(4)}, "instance: expected rows and"),
        ({"other": torch.eye(4)}, "expected an array called projection, found other"),
        ({"projection": torch.eye(4)}, "projection: expected 32 columns .*, found 4"),
        ({"projection": torch.eye(32), "detail": torch.eye(4)}, "detail: expected .*, found 4"),
        (
            {"projection": torch.eye(32)} | category_head(4).arrays(),
            "kinds.read: expected .*, found 4",
        ),
        ({"projection": torch.ones(32)}, r"projection: expected rows and columns, found \(32,\)"),
        ({"projection": torch.eye(32)[:0]}, r"expected rows and columns, found \(0, 32\)"),
        ({"projection": torch.eye(32) / 0}, "projection: expected numbers up to 65,504, found"),
    ],
)
def test_heads_of_another_model_are_rejected_by_name(tiny_model, pictures, tmp_path, rows, message):
    import shutil

    folder = tmp_path / "wrong"
    shutil.copytree(tiny_model, folder)
    save_file(rows, folder / "projection.safetensors")
    with pytest.raises(EncoderError, match=message):
        Encoder.load(folder).encode(pictures[:1])


def test_a_truncated_file_is_rejected_by_name(tiny_model, tmp_path):
    import shutil

    folder = tmp_path / "short"
    shutil.copytree(tiny_model, folder)
    save_file({"projection": torch.eye(32)}, folder / HEADS_FILE)
    for name in (HEADS_FILE, "model.safetensors"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(EncoderError, match="safetensors"):
            Encoder.load(folder)
        (folder / name).write_bytes(whole)
    Encoder.load(folder)


LISTED = '{"words": ["red"], "pieces": []}'


@pytest.mark.parametrize(
    ("arrays", "listed", "message"),
    [
        ({"words": torch.ones(1, 7)}, LISTED, r"shape \(1, 32\), found \(1, 7\)"),
        ({"words": torch.ones(3, 32)}, LISTED, r"shape \(1, 32\), found \(3, 32\)"),
        ({"word": torch.ones(1, 32)}, LISTED, "found None"),
        ({"words": torch.ones(1, 32) / 0}, LISTED, "infinities or NaN"),
        ({"words": torch.ones(1, 32)}, '{"words": ["red"]}', "lists called words and pieces"),
        ({"words": torch.ones(1, 32)}, "[", "lists called words and pieces"),
    ],
)
def test_text_embeddings_of_another_shape_are_rejected(
    tiny_model, tmp_path, arrays, listed, message
):
    import shutil

    folder = tmp_path / "words"
    shutil.copytree(tiny_model, folder)
    save_file({"projection": torch.eye(32)}, folder / HEADS_FILE)
    save_file(arrays, folder / "words.safetensors")
    (folder / "words.json").write_text(listed)
    with pytest.raises(EncoderError, match=message):
        Encoder.load(folder)


def test_text_and_images_share_a_space(tiny_model, tmp_path):
    """A table that puts the word `red` at the mean of red images must find red images."""
    import shutil

    from safetensors.numpy import save_file as save_arrays

    folder = tmp_path / "text"
    shutil.copytree(tiny_model, folder)
    save_file({"projection": torch.eye(32)}, folder / "projection.safetensors")
    reds, blues = ([draw_shape(c, k) for k in range(3)] for c in ("red", "blue"))
    bare = Encoder.load(folder, precision="float32")
    table = np.stack([bare.encode(shapes).mean(0) for shapes in (blues, reds)])
    save_arrays({"words": table.astype(np.float16)}, folder / "words.safetensors")
    (folder / "words.json").write_text(json.dumps({"words": ["blue", "red"], "pieces": []}))
    encoder = Encoder.load(folder, precision="float32")
    text_vectors = encoder.encode_text(["Red!", "a blue one"])
    image_vectors = encoder.encode([*reds, *blues])
    closeness = text_vectors @ image_vectors.T
    assert closeness[0, :3].min() > closeness[0, 3:].max()
    assert closeness[1, 3:].min() > closeness[1, :3].max()
    assert encoder.unknown_words("a blue one") == ["a", "one"]
    with pytest.raises(EncoderError, match="none of the words in 'zebra'"):
        encoder.encode_text(["zebra"])


def test_a_model_without_text_embeddings_reports_it(encoder):
    with pytest.raises(EncoderError, match="not trained on words"):
        encoder.encode_text(["red"])


def test_threads_get_the_same_vectors(encoder, pictures):
    expected = encoder.encode(pictures)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: encoder.encode(pictures), range(8)):
            np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_bad_images_and_options_are_rejected_with_a_message(encoder, tiny_model, tmp_path):
    with pytest.raises(ImageError):
        encoder.encode([b"not a picture"])
    with pytest.raises(EncoderError, match="pooling 'median' is not one of avg, max, gem"):
        Encoder.load(tiny_model, pooling="median")
    with pytest.raises(EncoderError, match="precision 'int3'"):
        Encoder.load(tiny_model, precision="int3")
    with pytest.raises(EncoderError, match="not a transformers vision model"):
        Encoder.load(tmp_path)


def test_no_images_give_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, 32)
