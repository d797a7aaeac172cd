"""What is set of the C library."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
