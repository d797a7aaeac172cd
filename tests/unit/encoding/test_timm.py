"""Models of timm: their preprocessing, and what is said where timm is not installed."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from lookbook import Encoder
from lookbook.encoding.backends.torch_backend import Network
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.preprocessing import Preprocessing

INCEPTION = {
    "input_size": (3, 299, 299),
    "mean": (0.5, 0.5, 0.5),
    "std": (0.5, 0.5, 0.5),
    "crop_pct": 0.875,
    "interpolation": "bicubic",
}


@pytest.fixture
def timm_folder(tmp_path):
    """The configuration that a model of timm has on the Hub."""
    config = {"architecture": "inception_v3", "num_classes": 1000, "pretrained_cfg": INCEPTION}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def test_a_model_of_timm_brings_its_own_preprocessing():
    found = Preprocessing.of(SimpleNamespace(data_config=INCEPTION))
    assert (found.size, found.scale) == (299, 1 / 255)
    assert (found.mean, found.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_without_timm_one_sentence_says_what_to_install(timm_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(EncoderError, match=r"model of timm, which cannot.*pip install timm"):
        Encoder.load(timm_folder)


@pytest.mark.parametrize(("fixed", "config"), [(True, {"fixed_input_size": True}), (False, {})])
def test_a_transformer_of_timm_keeps_its_input_size(fixed, config):
    model = SimpleNamespace(config=SimpleNamespace(pretrained_cfg=config))
    assert Network(model, None, "avg").fixed_size is fixed
