"""Properties of this machine's CPU and C library, for encoding and training."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from pathlib import Path


def processor_name() -> str:
    """Return the processor's model name and instruction sets, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = ("model name", "flags", "Features")
    return " ".join(sorted({line for line in lines if line.startswith(names)}))


def available_cores() -> int:
    """Return how many cores this process may run on, at least 1.

    `taskset` and the cpuset of a container allow fewer than the machine has; a quota of time
    (`docker run --cpus`) is not seen.
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def supports_bfloat16() -> bool:
    """Return whether this CPU has bfloat16 instructions.

    Emulated on an AMD EPYC without AVX-512, a ResNet-50 took six times as long as in float32.
    oneDNN also reports support where it emulates at half the speed, so on x86 the CPU is asked.
    """
    import torch

    onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not onednn or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    is_x86 = platform.machine() in ("x86_64", "AMD64")
    return not is_x86 or torch.cpu._is_avx512_bf16_supported()


def disable_malloc_trim() -> None:
    """Let glibc keep freed blocks: returning feature maps to the system is slow."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-3, 2**31 - 1)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass  # another C library: slower, still correct


def limit_malloc_arenas(count: int = 2) -> None:
    """Let the threads of this process share so many of glibc's heaps, and not a heap each.

    Every heap keeps what the largest photo took that its thread has decoded: a site whose some
    fifty threads take turns grew for minutes. Call it before threads are started.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").mallopt(-8, count)  # M_ARENA_MAX
