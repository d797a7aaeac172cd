"""The device that an encoder runs on, by torch's names: "cpu", "cuda", "cuda:1", "mps"."""

from __future__ import annotations

import sys
from pathlib import Path

from lookbook.encoding.errors import EncoderError
from lookbook.encoding.hub import first_line

# what the drivers of NVIDIA, of NVIDIA under WSL and of AMD open
_GPU_FILES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


def choose_device(name: str) -> str:
    """Return the device called `name`; "auto" is CUDA, then MPS, then the CPU.

    torch is imported where there may be another device than the CPU only. Raises EncoderError for a
    device that cannot be used, and without torch where it would be asked.
    """
    if name == "cpu" or (name == "auto" and not _may_have_gpu()):
        return "cpu"
    try:
        import torch
    except ImportError as error:
        raise EncoderError(
            f"device {name!r} needs torch, which cannot be imported ({first_line(error)}): "
            "pip install torch, or choose --device cpu"
        ) from None

    if name == "auto":
        others = [("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())]
        return next((name for name, available in others if available), "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise EncoderError(f"device {name!r} cannot be used: {first_line(error)}") from None
    return "cpu" if device.type == "cpu" else str(device)  # "cpu:0" is the CPU, too


def _may_have_gpu() -> bool:
    """Return whether torch may find a GPU; on Linux there is none without its device file."""
    return not sys.platform.startswith("linux") or any(Path(f).exists() for f in _GPU_FILES)
