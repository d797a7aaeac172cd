"""A real PostgreSQL for the tests: started in a temporary folder, stopped at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port


def _programs() -> Path | None:
    """Where Debian's package puts them."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return programs[-1].parent if programs else None


def _run(*command: str | Path, folder: Path) -> None:
    """As the user postgres where we are root: initdb refuses to be root."""
    how = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, **how
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout}\n{done.stderr}"


@contextmanager
def postgres() -> Iterator[str | None]:
    """The URL of a fresh server on 127.0.0.1; None where PostgreSQL is not installed."""
    with postgres_server() as server:
        yield server and server.url


@dataclass(frozen=True)
class Server:
    """A server that can go away and come back."""

    url: str
    stop: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def postgres_server() -> Iterator[Server | None]:
    """A fresh server on 127.0.0.1; None where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="lookbook-pg-"))  # pytest's own is closed to others
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data, port = folder / "data", free_port()
        _run(
            *(programs / "initdb", "-D", data, "-U", "shop", "-A", "trust", "-E", "UTF8"),
            *("--no-sync", "--locale=C"),
            folder=folder,
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        log = folder / "log"
        control = (programs / "pg_ctl", "-D", data)

        def start() -> None:
            _run(*control, "-l", log, "-w", "-o", options, "start", folder=folder)

        def stop() -> None:
            _run(*control, "-m", "immediate", "stop", folder=folder)

        start()
        try:
            yield Server(f"postgresql://shop@127.0.0.1:{port}/postgres", stop, start)
        finally:
            if (data / "postmaster.pid").exists():
                stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
