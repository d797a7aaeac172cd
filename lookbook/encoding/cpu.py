"""Properties of this machine's CPU and C library, for encoding and training."""

from __future__ import annotations

import contextlib
import ctypes
import math
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
    """Return how many cores this process may keep busy, at least 1.

    `taskset` and the cpuset of a container allow fewer than the machine has, and so does a quota of
    processor time (`docker run --cpus 1.5`), which is rounded up.
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, math.ceil(min(cores, cpu_quota())))


def cpu_quota(root: Path = Path("/")) -> float:
    """Return how many cores' time the cgroups of this process may use, infinite without a quota.

    The least of the process's own cgroup and those above it; version 2 (`cpu.max`) and version 1
    (`cpu.cfs_quota_us`). `root` is the folder that has `proc` and `sys`.
    """
    quotas = [
        _quota(folder)
        for mount, path in _cpu_cgroups(root)
        for folder in (mount, *(mount / part for part in (path, *path.parents)))
    ]
    return min(quotas, default=math.inf)


def _cpu_cgroups(root: Path) -> list[tuple[Path, Path]]:
    """Where the hierarchies that limit processor time are mounted, and this process in them.

    A container often sees its own cgroup as the mounted folder itself.
    """
    found, mounts = [], root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        inside = Path(path.lstrip("/"))
        if not controllers:  # version 2, alone or beside version 1
            found += [(mounts, inside), (mounts / "unified", inside)]
        elif "cpu" in controllers.split(","):
            found += [(mounts / name, inside) for name in ("cpu", "cpu,cpuacct", controllers)]
    return found


def _quota(cgroup: Path) -> float:
    """The quota of one cgroup in cores; infinite where it has none or is not there."""
    quota, _, period = _text(cgroup / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = (
            _text(cgroup / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")
        )
    if not (quota.isdecimal() and period.isdecimal() and int(period)):  # "max", and -1 in version 1
        return math.inf
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


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
