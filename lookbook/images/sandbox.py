"""Decode pictures in child processes with limits of memory and CPU time.

For formats whose cost cannot be told from their structure: the items of an AVIF or HEIC file hold
video streams with sizes of their own. A child stays for the next picture (4 ms for a small one; the
first waits 0.4 s for its start) and is replaced when it was killed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

CPU_SECONDS = 4  # of one picture: one of 48 million pixels takes about 2
WALL_SECONDS = 20.0  # on a machine that is busy with other things
MEMORY = 600 * 2**20  # address space above what the child starts with; half of it is for threads
_HEAD = struct.Struct(">II")
# without lookbook/__init__.py, which imports the encoder and takes a second
_START = (
    "import sys, types; package = types.ModuleType('lookbook'); package.__path__ = [sys.argv[1]]; "
    "sys.modules['lookbook'] = package; from lookbook.images.loading import decode_job; "
    "from lookbook.images.sandbox import serve; serve(decode_job)"
)
_idle: list[subprocess.Popen[bytes]] = []
_places = threading.BoundedSemaphore(os.cpu_count() or 1)  # children at once
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # the pipes are the parent's


class SandboxError(Exception):
    """The child was killed: the picture needed more memory or time than it may."""


def run_in_child(job: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return what `decode_job` of loading.py answers in a child: (facts as JSON, bytes).

    Raises SandboxError when the child was killed, OSError when none can be started.
    """
    with _places:
        child = _idle.pop() if _idle else _start()
        timer = threading.Timer(WALL_SECONDS, child.kill)
        timer.daemon = True
        timer.start()
        try:
            assert child.stdin and child.stdout
            _send(child.stdin, job, data)
            answer = _receive(child.stdout)
        except (OSError, EOFError):
            answer = None
        finally:
            timer.cancel()
        if answer is None or child.poll() is not None:
            _stop(child)
            raise SandboxError
        _idle.append(child)
        return answer


def _start() -> subprocess.Popen[bytes]:
    package = Path(__file__).resolve().parents[1]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _START, str(package)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            with contextlib.suppress(OSError):  # closing flushes
                pipe.close()


def serve(work: Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]) -> None:
    """Answer jobs from standard input until it ends; runs in the child."""
    _limit_memory()
    while True:
        try:
            job, data = _receive(sys.stdin.buffer)
        except EOFError:
            return
        _limit_cpu()
        _send(sys.stdout.buffer, *work(job, data))


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows, macOS: time alone
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        most = math.ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def _send(pipe: IO[bytes], facts: dict[str, Any], data: bytes) -> None:
    head = json.dumps(facts).encode()
    pipe.write(_HEAD.pack(len(head), len(data)) + head)
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    facts, data = _HEAD.unpack(_read(pipe, _HEAD.size))
    return json.loads(_read(pipe, facts)), _read(pipe, data)


def _read(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data
