"""What is set of the C library, and the cores that a container leaves."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from lookbook.encoding import cpu

# each thread takes blocks from the heap and keeps one of them: its heap cannot be given back
_THREADS = """
import ctypes, threading
from lookbook.encoding.cpu import limit_malloc_arenas

limit_malloc_arenas(2)
libc = ctypes.CDLL("libc.so.6")
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(12)

def work():
    together.wait()
    libc.malloc(1000)
    together.wait()

threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.malloc_stats()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_threads_share_two_heaps():
    done = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True)
    if "Arena 0" not in done.stderr:
        pytest.skip("another C library")
    assert "Arena 1" in done.stderr and "Arena 2" not in done.stderr, done.stderr


def machine(root: Path, cgroup: str, **files: str) -> Path:
    """Write the files of /proc and /sys/fs/cgroup that tell the quota; "__" stands for "/"."""
    contents = {"proc/self/cgroup": cgroup}
    contents |= {f"sys/fs/cgroup/{name.replace('__', '/')}": text for name, text in files.items()}
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/\n", {}, math.inf),
        ("", {"cpu.max": "150000 100000\n"}, math.inf),
        ("0::/pod/app\n", {"pod__cpu.max": "200000 100000", "pod__app__cpu.max": "max 100000"}, 2),
        ("0::/pod/app\n", {"cpu.max": "400000 100000", "pod__app__cpu.max": "50000 100000"}, 0.5),
        ("0::/app\n", {"other__cpu.max": "100000 100000"}, math.inf),
        ("0::/app\n", {"app__cpu.max": "not a number"}, math.inf),
        ("0::/app\n", {"app__cpu.max": "100000 0"}, math.inf),
    ],
)
def test_the_quota_of_version_2_is_the_least_on_the_way_up(tmp_path, cgroup, files, cores):
    assert cpu.cpu_quota(machine(tmp_path, cgroup, **files)) == cores


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize("folder", ["", "docker/app/"])
@pytest.mark.parametrize(("quota", "cores"), [("250000\n", 2.5), ("-1\n", math.inf)])
def test_the_quota_of_version_1_is_that_of_the_process(tmp_path, mount, folder, quota, cores):
    cgroup = "7:memory:/docker/app\n4:cpu,cpuacct:/docker/app\n0::/\n"
    files = {
        f"{mount}/{folder}cpu.cfs_quota_us": quota,
        f"{mount}/{folder}cpu.cfs_period_us": "100000\n",
    }
    assert cpu.cpu_quota(machine(tmp_path, cgroup, **files)) == cores


@pytest.mark.parametrize(
    ("affinity", "quota", "cores"),
    [({3, 5, 8}, math.inf, 3), ({3, 5, 8}, 1.5, 2), ({3, 5, 8}, 0.25, 1), ({3}, 4.0, 1)],
)
def test_cores_are_the_least_of_affinity_and_quota(monkeypatch, affinity, quota, cores):
    monkeypatch.setattr(cpu.os, "sched_getaffinity", lambda pid: affinity, raising=False)
    monkeypatch.setattr(cpu, "cpu_quota", lambda: quota)
    assert cpu.available_cores() == cores
