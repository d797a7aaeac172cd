"""What this machine can do, and what its memory is told, for embedding and for training."""

from __future__ import annotations

import ctypes
import platform


def supports_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 itself.

    Emulated on an AMD EPYC without AVX-512, a ResNet-50 took six times as long as in float32.
    oneDNN also says yes where it emulates at half the speed, so an Intel or AMD processor is asked.
    """
    import torch

    if not torch.backends.mkldnn.is_available() or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    of_x86 = platform.machine() in ("x86_64", "AMD64")
    return not of_x86 or torch.cpu._is_avx512_bf16_supported()


def disable_malloc_trim() -> None:
    """Let glibc keep freed blocks: handing feature maps back to the system costs time."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-3, 2**31 - 1)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass  # another C library: slower, not wrong
