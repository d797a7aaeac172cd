"""The job of one upload: its dry run, then its indexing, each a process of low priority.

They are the commands `lookbook catalog` and `lookbook embed`: what a hostile file breaks or fills
is that process, and the site goes on answering.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from lookbook import settings
from lookbook.index import Manifest
from lookbook.schema.message import Message

_PACKAGE = Path(__file__).resolve().parents[3]  # the folder that `lookbook` is imported from
_NICENESS = 10
_CGROUP = Path("/sys/fs/cgroup")
_CGROUP_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")  # of versions 2 and 1, in bytes
_CHECK_SECONDS = 600.0  # for the dry run, which fetches nothing
_MAX_OUTPUT = 4 * 2**20  # bytes of a command's output that are read
_BAR = re.compile(r"(?:(?P<stage>[A-Za-z][\w ]*): *)?\d+%\|.*?\| *(?P<done>\d+)/(?P<total>\d+)")
_COUNT = re.compile(r"(?P<done>\d+) items \[")
_PATHS = re.compile(r"^(report|next): .*\n?", re.MULTILINE)
_log = logging.getLogger(__name__)
EMPTY, CHECKING, CHECKED, INDEXING, DONE, FAILED = (
    *("empty", "checking", "checked", "indexing", "done", "failed"),
)


@dataclass(frozen=True)
class Status:
    """Where the job is: `stage`, the upload's `name`, and what that stage has to tell.

    `report` is that of the dry run, as `CatalogReport.to_json` gives it; `done` of `total` (0: not
    known) pictures are encoded, or `step` is under way; `message` is a result or a reason.
    """

    stage: str = EMPTY
    name: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    step: str = ""
    done: int = 0
    total: int = 0
    message: str = ""

    @property
    def busy(self) -> bool:
        """Whether a process is under way."""
        return self.stage in (CHECKING, INDEXING)


class CatalogueJob:
    """At most one upload at a time, in `folder`; `output` is the folder of the index."""

    def __init__(self, folder: Path, output: Path, options: Sequence[str] = ()) -> None:
        self._folder, self._output, self._options = folder, output, tuple(options)
        self._status, self._data_set = Status(), Path()
        self._number = 0  # of the upload: what an earlier one still does counts no more
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        atexit.register(self.stop)

    @property
    def status(self) -> Status:
        """Where the job is now."""
        return self._status

    def reserve(self, name: str) -> Path:
        """Begin with another upload: return an empty folder for it; raises ValueError when busy."""
        with self._lock:
            if self._status.busy:
                raise ValueError(
                    Message("A catalogue is being read just now: wait or stop it first.")
                )
            self._reset(Status(CHECKING, name))
            self._folder.mkdir(parents=True)
        return self._folder

    def refuse(self, reason: str) -> None:
        """End with the reason why an upload is not taken; nothing of it is kept."""
        with self._lock:
            self._reset(replace(self._status, stage=FAILED, message=reason))

    def check(self, data_set: Path) -> None:
        """Start the dry run of a data set in the folder; returns at once."""
        self._data_set = data_set
        self._start(self._check)

    def index(self) -> None:
        """Start the indexing of what was checked; raises ValueError where nothing was."""
        with self._lock:
            if self._status.stage != CHECKED:
                raise ValueError(
                    Message("There is no checked catalogue to index: upload one first.")
                )
            self._status = replace(self._status, stage=INDEXING)
        self._start(self._index)

    def discard(self) -> None:
        """Forget an upload; stops what is under way. The published index stays as it is."""
        with self._lock:
            self._reset(Status())
        self.stop()

    def stop(self) -> None:
        """End the process that is under way."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)

    def wait(self, seconds: float) -> Status:
        """Wait until nothing is under way, at most so many seconds."""
        end = time.monotonic() + seconds
        while self._status.busy and time.monotonic() < end:
            time.sleep(0.05)
        return self._status

    def _reset(self, status: Status) -> None:
        """Show a status with nothing stored; what is still under way may not change it."""
        self._number += 1
        self._status = status
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, work: Callable[[], Status]) -> None:
        number = self._number

        def run() -> None:
            try:
                status = work()
            except Exception as error:  # shown to the owner instead of an endless "under way"
                status = replace(self._status, stage=FAILED, message=str(error))
            with self._lock:
                if number != self._number:  # discarded meanwhile
                    return
                if status.stage == CHECKED:
                    self._status = status
                else:
                    self._reset(status)

        threading.Thread(target=run, name="owner-job", daemon=True).start()

    def _check(self) -> Status:
        code, out, errors = self._run("catalog", "--json", timeout=_CHECK_SECONDS)
        if code:
            message = _message_of(out) or _last_line(errors)
            return replace(self._status, stage=FAILED, message=message)
        return replace(self._status, stage=CHECKED, report=json.loads(out))

    def _index(self) -> Status:
        output = ("--output", str(self._output.resolve()))
        code, out, errors = self._run("embed", *output, *self._options)
        if code:
            return replace(self._status, stage=FAILED, message=_last_line(errors))
        return replace(self._status, stage=DONE, message=_PATHS.sub("", out).strip())

    def _run(
        self, command: str, *options: str, timeout: float | None = None
    ) -> tuple[int, str, str]:
        """Run a command of lookbook on the data set; return (exit status, stdout, stderr).

        It gets the path relative to its own folder, so that no report names a folder of the server.
        """
        data_set = self._data_set
        arguments = [
            sys.executable,
            "-m",
            "lookbook",
            command,
            "--dataset",
            data_set.name,
            *options,
        ]
        path = os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH")]))
        with tempfile.TemporaryFile() as out:
            reader, writer = _terminal()
            try:
                process = subprocess.Popen(
                    arguments,
                    cwd=data_set.parent,
                    env=_environment(path),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=writer,
                )
            finally:
                os.close(writer)
            self._process = process
            _lower_priority(process.pid)
            _limit_memory(process.pid)
            errors = self._follow(reader, process, timeout)
            code = process.wait()
            out.seek(0)
            return code, out.read(_MAX_OUTPUT).decode("utf-8", "replace"), errors

    def _follow(self, reader: int, process: subprocess.Popen[bytes], timeout: float | None) -> str:
        """Read progress and errors until the process ends; return the last of them."""
        timer = threading.Timer(timeout or 0, process.kill)
        if timeout:
            timer.start()
        text = ""
        with os.fdopen(reader, "rb", buffering=0) as lines:
            while chunk := _read(lines):
                text = (text + chunk.decode("utf-8", "replace"))[-8192:]
                self._note_progress(text)
        timer.cancel()
        return text

    def _note_progress(self, text: str) -> None:
        for part in reversed(re.split(r"[\r\n]", text)[-4:]):
            if (found := _BAR.search(part) or _COUNT.search(part)) is None:
                continue
            parts = found.groupdict()
            step, total = parts.get("stage") or "", int(parts.get("total") or 0)
            with self._lock:
                if self._status.busy:
                    done = int(parts["done"])
                    self._status = replace(self._status, step=step, done=done, total=total)
            return


def embed_options(manifest: Manifest) -> list[str]:
    """Return the options of `embed` that give an index which the site of this one can show.

    The precision is not among them: `embed` keeps that of the published index where this machine
    computes it, and takes another where it does not.
    """
    encoder = manifest.encoder
    options = ["--metric", manifest.metric, "--engine", manifest.built or "exact"]
    for name in ("model", "pooling"):
        if encoder.get(name):
            options += [f"--{name}", str(encoder[name])]
    if manifest.dim != manifest.raw_dim:
        options += ["--dim", str(manifest.dim)]
    if encoder.get("denoise"):
        options.append("--denoise")
    if not encoder.get("normalize", True):
        options.append("--no-normalize")
    for name, value in manifest.pictures.items():
        options += [f"--{name.replace('_', '-')}", str(value)]
    if manifest.licence:
        options += ["--licence", manifest.licence]
    return options


def _environment(path: str) -> dict[str, str]:
    """Return the environment of a command: without secrets of the site, with its own modules."""
    secrets = settings.secrets_of_site()
    own = {name: value for name, value in os.environ.items() if name not in secrets}
    return own | {"PYTHONPATH": path}


def _terminal() -> tuple[int, int]:
    """Return (reader, writer) for stderr: of a terminal where there are some, as tqdm needs it."""
    try:
        import pty
        import termios

        reader, writer = pty.openpty()
        termios.tcsetwinsize(writer, (24, 100))  # tqdm draws nothing where there are no columns
        return reader, writer
    except (ImportError, OSError):  # Windows: the stage is shown without progress
        return os.pipe()


def _read(lines: IO[bytes]) -> bytes:
    try:
        return lines.read(4096)
    except OSError:  # a terminal whose writer has gone
        return b""


def _lower_priority(process: int) -> None:
    with contextlib.suppress(AttributeError, OSError):  # Windows; ended already
        os.setpriority(os.PRIO_PROCESS, process, _NICENESS)


def _message_of(out: str) -> Message | None:
    """Return why `lookbook catalog --json` failed, where it says so in a translatable form."""
    try:
        return Message.from_json(json.loads(out)["error"])
    except (ValueError, KeyError, TypeError):
        return None


def _limit_memory(process: int) -> None:
    """Let a command have half of the memory at most, and be the first to end where none is left."""
    try:
        import resource

        half = _memory() // 2
        with contextlib.suppress(OSError):  # Linux
            Path(f"/proc/{process}/oom_score_adj").write_text("1000")
        resource.prlimit(process, resource.RLIMIT_DATA, (half, half))
    except ProcessLookupError:
        return  # ended already
    except (ImportError, AttributeError, OSError, ValueError) as error:  # Windows, macOS: always
        _log.warning("a command of the owner's page runs without a limit of memory: %s", error)


def _memory() -> int:
    """Return the bytes of memory that there are: of the machine, or of this container."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for name in _CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no such version; "max": no limit
            found.append(int((_CGROUP / name).read_text()))
    return min(found)


def _last_line(errors: str) -> str:
    lines = [line.strip() for line in re.split(r"[\r\n]", errors) if line.strip()]
    if not lines:
        return Message("it was stopped")
    if lines[-1].startswith("MemoryError"):
        return Message("it needs more memory than there is for it")
    return re.sub(r"^python -m lookbook \w+: ", "", lines[-1])
