"""The device that a training runs on: a CPU or an NVIDIA GPU (CUDA)."""

from __future__ import annotations

import numpy as np
import torch

from lookbook.encoding.cpu import supports_bfloat16

DEVICES = ("auto", "cpu", "cuda")
RESIDENT_SHARE = 0.25  # of the free memory of a GPU that a source's photos may take there


def choose_device(name: str) -> str:
    """Return "cpu" or "cuda" for one of DEVICES. Raises ValueError when there is no GPU."""
    available = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if available else "cpu"
    if name == "cuda" and not available:
        raise ValueError(
            f"expected an NVIDIA GPU and a torch built for CUDA, found torch {torch.__version__} "
            "that sees none; install another build of torch or use --device cpu"
        )
    return name


def mixed_precision(device: torch.device) -> torch.autocast:
    """Run convolutions in bfloat16 on a GPU and where the CPU supports it, else in float32."""
    is_cpu = device.type == "cpu"
    return torch.autocast(device.type, torch.bfloat16, enabled=not is_cpu or supports_bfloat16())


def place_photos(images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return decoded photos, uint8, on a GPU that has room for them, else as they are.

    Batches of a GPU are gathered there, without a copy from main memory in each step.
    """
    photos = torch.from_numpy(images)
    if device.type == "cpu":
        return photos
    free, _ = torch.cuda.mem_get_info(device)
    return photos.to(device) if images.nbytes < RESIDENT_SHARE * free else photos
