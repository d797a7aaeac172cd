"""What the processor and the memory of this machine are told, for embedding and for training."""

from __future__ import annotations

import ctypes


def computes_in_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 itself; emulated it takes six times as long."""
    import torch

    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


def keep_memory() -> None:
    """Let glibc keep freed blocks: handing feature maps back to the system costs time."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-3, 2**31 - 1)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass  # another C library: slower, not wrong
