"""The device is found without torch where there is none but the CPU."""

from __future__ import annotations

import sys

import pytest
import torch

from lookbook.encoding import device
from lookbook.encoding.device import choose_device
from lookbook.encoding.errors import EncoderError


@pytest.mark.parametrize("there_is", [False, True])
def test_torch_is_asked_where_a_gpu_has_a_device_file(tmp_path, monkeypatch, there_is):
    monkeypatch.setattr(device.sys, "platform", "linux")
    file = tmp_path / "gpu"
    monkeypatch.setattr(device, "_GPU_FILES", (str(file),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    if there_is:
        file.touch()
    assert choose_device("auto") == ("cuda" if there_is else "cpu")
    assert choose_device("cpu") == "cpu"


def test_a_device_that_there_is_not_is_named():
    with pytest.raises(EncoderError, match="device 'quantum' cannot be used"):
        choose_device("quantum")


def test_the_cpu_has_one_name():
    assert choose_device("cpu:0") == "cpu"


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_a_gpu_without_torch_is_an_error_that_says_so(tmp_path, monkeypatch, name):
    monkeypatch.setattr(device, "_GPU_FILES", (str(tmp_path),))
    monkeypatch.setitem(sys.modules, "torch", None)  # not importable
    with pytest.raises(EncoderError, match="needs torch, which cannot be imported"):
        choose_device(name)
    assert choose_device("cpu") == "cpu"
