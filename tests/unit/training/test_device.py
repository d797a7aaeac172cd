"""Where a training computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookbook.training.device import RESIDENT_SHARE, choose_device, mixed_precision, place_photos


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert [choose_device(name) for name in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert [choose_device(name) for name in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(ValueError, match=r"expected an NVIDIA GPU .* found torch .*--device cpu"):
        choose_device("cuda")


@pytest.mark.parametrize("supported", [True, False])
def test_convolutions_are_in_bfloat16_where_the_processor_has_it(monkeypatch, supported):
    monkeypatch.setattr("lookbook.training.device.supports_bfloat16", lambda: supported)
    convolution = torch.nn.Conv2d(3, 4, 3)
    with mixed_precision(torch.device("cpu")):
        result = convolution(torch.rand(1, 3, 8, 8))
    assert result.dtype == (torch.bfloat16 if supported else torch.float32)


def test_photos_lie_on_a_device_that_has_room_for_them(monkeypatch):
    photos, gpu = np.zeros((4, 8, 8, 4), np.uint8), torch.device("meta")
    assert place_photos(photos, torch.device("cpu")).data_ptr() == photos.ctypes.data, "no copy"
    for free, expected in ((photos.nbytes / RESIDENT_SHARE + 1, "meta"), (photos.nbytes, "cpu")):
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda device, free=free: (free, 2 * free))
        assert place_photos(photos, gpu).device.type == expected
