"""Convolutions in int8: rescaled without a change, rounded with a small one."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import ResNetConfig, ResNetModel
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil

from lookbook.catalog import open_catalog
from lookbook.commands import embed
from lookbook.encoding.backends import openvino_backend
from lookbook.encoding.backends.int8_network import blocks, quantize, rescale
from lookbook.encoding.backends.torch_backend import network_input
from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder, load_network
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.int8 import INT8_FILE, Int8Calibration
from lookbook.index.publishing import CURRENT
from lookbook.indexing import build, by_ray
from lookbook.indexing.reuse import precision_to_keep
from lookbook.search.index import Index
from lookbook.search.opening import load_matching_encoder
from lookbook.training.int8_calibration import (
    Moments,
    Reading,
    best_scales,
    calibrate,
    rounding_noise,
)
from tests.shapes import COLOURS, draw_shape


@pytest.fixture(scope="module")
def pictures():
    return [draw_shape(colour, kind) for colour in COLOURS for kind in range(3)]


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A ResNet of bottleneck blocks with random weights, as transformers saves it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.manual_seed(0)
    config = ResNetConfig(
        embedding_size=16, hidden_sizes=[32, 64, 64, 96], depths=[1, 2, 1, 2], hidden_act="relu"
    )
    folder = tmp_path / "bottleneck"
    ResNetModel(config).save_pretrained(folder)
    ConvNextImageProcessorPil(size={"shortest_edge": 64}, crop_pct=1.0).save_pretrained(folder)
    return folder


def pixels_of(model, pictures) -> torch.Tensor:
    preprocessing = Encoder.load(model, precision="float32", backend="torch").preprocessing
    pixels = np.stack([preprocessing.preprocess(picture) for picture in pictures])
    return network_input(pixels, preprocessing, "cpu")


def calibration_of(model, pictures, agreement: float = 0.9995) -> Int8Calibration:
    """Calibrate `model` on pictures and write the result into its folder."""
    revision = Encoder.load(model, precision="float32", backend="torch").revision
    found = calibrate(load_network(model), pixels_of(model, pictures), revision)
    calibration = replace(found, agreement=agreement)
    calibration.save(model)
    return calibration


def test_rescaled_channels_change_no_map(model, pictures):
    plain, network, pixels = load_network(model), load_network(model), pixels_of(model, pictures)
    draw = torch.Generator().manual_seed(1)
    scales = {
        name: size.exp().numpy()
        for block in blocks(network.model)
        for name, channels in [
            (f"stages.{block.stage}", block.layers[-1].convolution.out_channels),
            *(
                (name, layer.convolution.out_channels)
                for name, layer in zip(block.inner_names(), block.layers, strict=False)
            ),
        ]
        for size in [torch.randn(channels, generator=draw)]
    }
    rescaled = rescale(network, scales)
    with torch.inference_mode():
        for stage in (-2, -1):
            (expected,), (found,) = (n.feature_maps(pixels, [stage]) for n in (plain, rescaled))
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_predicted_noise_is_that_of_rounding():
    draw = torch.Generator().manual_seed(2)
    spread = torch.linspace(0.2, 3, 24)
    values = torch.rand(4000, 24, generator=draw) * spread
    weight = torch.randn(16, 24, 1, 1, generator=draw)
    reading = Reading.of(Moments(values.amax(0), values.square().mean(0)), weight)
    scales = spread.sqrt()
    step = (values / scales).amax() / 255
    rounded = (values / scales / step).round() * step
    matrix = weight[:, :, 0, 0] * scales
    steps = matrix.abs().amax(1, keepdim=True) / 127
    output = rounded @ ((matrix / steps).round() * steps).T
    exact = values @ weight[:, :, 0, 0].T
    signal = (values.square().mean(0) * weight[:, :, 0, 0].square().sum(0)).sum()
    measured = (output - exact).square().mean(0).sum() / signal
    assert float(measured / rounding_noise(reading, scales)) == pytest.approx(1, abs=0.3)


def test_an_outlying_channel_is_scaled_down():
    largest = torch.ones(32)
    largest[5] = 60
    reading = Reading.of(
        Moments(largest, (largest / 4).square()),
        torch.randn(8, 32, 1, 1, generator=torch.Generator().manual_seed(3)),
    )
    scales = best_scales([reading])
    assert scales.argmax() == 5
    before = rounding_noise(reading, torch.ones(32))
    assert rounding_noise(reading, scales) < 0.5 * before


def test_even_channels_are_never_made_worse():
    even = Reading.of(Moments(torch.ones(16), torch.ones(16)), torch.ones(4, 16, 3, 3))
    assert rounding_noise(even, best_scales([even])) <= rounding_noise(even, torch.ones(16))


def test_vectors_in_int8_are_near_those_in_float32(model, pictures):
    calibration_of(model, pictures)
    exact = Encoder.load(model, precision="float32", backend="openvino")
    rounded = Encoder.load(model, precision="int8")
    assert (rounded.precision, rounded.backend.name) == ("int8", "openvino")
    cosines = (exact.encode(pictures) * rounded.encode(pictures)).sum(1)
    assert 0.999 < cosines.mean() < 0.9999999  # near, and indeed rounded
    maps = [encoder.feature_map(pictures[0], 64) for encoder in (exact, rounded)]
    assert np.linalg.norm(maps[0] - maps[1]) < 0.1 * np.linalg.norm(maps[0])


def test_auto_is_int8_where_the_model_is_calibrated(model, pictures):
    assert Encoder.load(model, backend="openvino").precision != "int8"
    calibration_of(model, pictures)
    assert Encoder.load(model).precision == "int8"
    assert Encoder.load(model, backend="torch").precision != "int8"
    assert Encoder.load(model, pooling="max").precision != "int8"


def test_auto_is_never_int8_where_vectors_do_not_agree(model, pictures):
    calibration_of(model, pictures, agreement=0.9985)
    assert Encoder.load(model, backend="openvino").precision != "int8"


def test_auto_falls_back_where_int8_cannot_be_computed(model, pictures, monkeypatch):
    calibration_of(model, pictures)
    compiled = openvino_backend.OpenVinoBackend

    def refuse(graph, precision, concurrent=False):
        if precision == "int8":
            raise RuntimeError("no kernel for it")
        return compiled(graph, precision, concurrent)

    monkeypatch.setattr(openvino_backend, "OpenVinoBackend", refuse)
    encoder = Encoder.load(model)
    assert encoder.precision in ("float32", "bfloat16")
    assert encoder.identity["precision"] == encoder.precision
    assert encoder.encode(pictures[:1]).shape == (1, encoder.dim)
    with pytest.raises(EncoderError, match="no kernel for it"):
        Encoder.load(model, precision="int8")


def test_vectors_of_another_calibration_are_others_where_they_do_not_agree(tiny_model):
    encoder = Encoder.load(tiny_model, precision="float32", backend="torch")
    encoder.precision = "int8"

    def identity(agreement, digest):
        encoder.int8 = Int8Calibration(encoder.revision, agreement, {}, {}, digest)
        return encoder.identity

    assert identity(0.9985, "a") != identity(0.9985, "b")
    assert identity(0.9995, "a") == identity(0.9995, "b")


def test_gpus_of_a_cluster_are_not_asked_for_int8():
    by_ray._check_precision("int8", 0)
    by_ray._check_precision("bfloat16", 2)
    with pytest.raises(by_ray.RayError, match="--precision float32"):
        by_ray._check_precision("int8", 2)


@pytest.mark.parametrize(("agreement", "precision"), [(0.9995, "int8"), (0.9985, "float32")])
def test_an_index_is_searched_in_int8_where_vectors_agree(
    model, pictures, shapes, tmp_path, agreement, precision
):
    built = Encoder.load(model, precision="float32")
    build(open_catalog(str(shapes)), built, tmp_path / "index", quiet=True)
    calibration_of(model, pictures, agreement)
    index = Index.open(tmp_path / "index")
    assert load_matching_encoder(index, str(model)).precision == precision


def test_an_index_in_int8_is_searched_by_torch_where_vectors_agree(
    model, pictures, shapes, tmp_path
):
    calibration_of(model, pictures)
    build(open_catalog(str(shapes)), Encoder.load(model), tmp_path / "index", quiet=True)
    index = Index.open(tmp_path / "index")
    assert index.manifest.encoder["precision"] == "int8"
    encoder = load_matching_encoder(index, str(model), backend="torch")
    assert encoder.precision in ("float32", "bfloat16")


def test_an_update_goes_on_in_the_precision_of_its_index(model, pictures, shapes, tmp_path, capsys):
    def encoded_anew(*options):
        """Update the index; return its precision and how many pictures were encoded."""
        arguments = ("--dataset", str(shapes), "--model", str(model), "--output", str(index))
        assert embed.main([*arguments, "--json", *options]) == 0
        counts = json.loads(capsys.readouterr().out.splitlines()[-1])
        return Index.open(index).manifest.encoder["precision"], counts["encoded"]

    index = tmp_path / "index"
    assert encoded_anew("--precision", "float32") == ("float32", 15)
    calibration_of(model, pictures)  # "auto" is int8 from now on
    assert encoded_anew("--title-column", "id") == ("float32", 0)
    assert encoded_anew("--precision", "int8") == ("int8", 15)
    assert encoded_anew("--title-column", "kind") == ("int8", 0)
    precision, encoded = encoded_anew("--backend", "torch")
    assert precision != "int8", "it cannot be computed by torch"
    assert encoded == 15
    assert encoded_anew("--fresh") == ("int8", 15)


def test_an_update_goes_on_in_an_int8_that_was_asked_for_though_it_disagrees(
    model, pictures, shapes, tmp_path, capsys
):
    calibration_of(model, pictures, agreement=0.9985)
    index = str(tmp_path / "index")
    arguments = ["--dataset", str(shapes), "--model", str(model), "--output", index, "--json"]
    assert embed.main([*arguments, "--precision", "int8"]) == 0
    assert embed.main([*arguments, "--title-column", "id"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["encoded"] == 0
    assert Index.open(index).manifest.encoder["precision"] == "int8"


def test_an_index_of_another_encoder_says_nothing_of_the_precision(tiny_model, shapes, tmp_path):
    index = tmp_path / "index"
    encoder = Encoder.load(tiny_model, precision="float32", backend="torch")
    other_precision = encoder.identity | {"precision": "int8"}
    assert precision_to_keep(index, other_precision) is None, "there is no index"
    build(open_catalog(str(shapes)), encoder, index, quiet=True)
    assert precision_to_keep(index, other_precision) == "float32"
    for name, other in {"revision": "0" * 16, "pooling": "max", "denoise": True}.items():
        assert precision_to_keep(index, other_precision | {name: other}) is None
    (index / CURRENT).write_text("no name of a generation!")
    assert precision_to_keep(index, other_precision) is None, "the build says what is wrong"


def test_a_calibration_of_other_weights_is_left_alone(model, pictures):
    replace(calibration_of(model, pictures), revision="0" * 16).save(model)
    with pytest.warns(UserWarning, match="of revision 0000000000000000"):
        assert Encoder.load(model, backend="openvino").precision != "int8"


def test_a_calibration_is_no_part_of_the_revision(model, pictures):
    before = Encoder.load(model, precision="float32", backend="torch").revision
    calibration_of(model, pictures)
    assert Encoder.load(model, precision="float32", backend="torch").revision == before


def test_what_cannot_be_computed_in_int8_is_refused(model, pictures, tiny_model):
    with pytest.raises(EncoderError, match=INT8_FILE):
        Encoder.load(model, precision="int8")
    calibration = calibration_of(model, pictures)
    with pytest.raises(EncoderError, match="backend torch"):
        Encoder.load(model, precision="int8", backend="torch")
    with pytest.raises(EncoderError, match="bottleneck"):
        quantize(load_network(tiny_model), calibration)
    missing = replace(calibration, ranges={})
    with pytest.raises(EncoderError, match="of another network"):
        quantize(load_network(model), missing)


@pytest.mark.parametrize("damage", ["cut", "zero", "without a revision"])
def test_a_damaged_calibration_gets_a_sentence(model, pictures, damage):
    calibration = calibration_of(model, pictures)
    file = model / INT8_FILE
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:200])
    elif damage == "zero":
        name = next(iter(calibration.ranges))
        replace(calibration, ranges=calibration.ranges | {name: 0.0}).save(model)
    else:
        from safetensors.numpy import load_file, save_file

        save_file(load_file(file), file)
    with pytest.raises(EncoderError, match=INT8_FILE):
        Encoder.load(model)


def test_the_shipped_encoder_agrees_with_itself_in_int8(pictures):
    exact, rounded = (
        Encoder.load(DEFAULT_MODEL, precision=precision, backend="openvino")
        for precision in ("float32", "int8")
    )
    assert rounded.int8.agrees
    assert "float32" in rounded.compatible_precisions
    assert (exact.encode(pictures) * rounded.encode(pictures)).sum(1).mean() > 0.998
