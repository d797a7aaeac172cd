"""Run functions in child processes that may be killed, crash or hang without harm."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from tqdm import tqdm

TIMEOUT = 120.0  # seconds after which a child counts as hanging
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree")
Tell = Callable[[Any], None]  # writes a JSON value to the parent


@dataclass
class Outcome:
    """What became of a child: `told` are the values it wrote, in order.

    `signal` is what ended it, `error` "Type: message" of what it raised, `refused` whether that is
    an error which every command prints as one sentence, `hung` whether it had to be ended.
    """

    told: list[Any] = field(default_factory=list)
    signal: int = 0
    error: str = ""
    refused: bool = False
    hung: bool = False
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Whether the function returned."""
        return not (self.signal or self.error or self.hung)

    def __str__(self) -> str:
        if self.hung:
            return "hung"
        if self.signal:
            return f"killed by {signal.Signals(self.signal).name}"
        return self.error or "done"


def run(function: Callable[[Tell], object], kill_after: float | None = None) -> Outcome:
    """Call `function` in a forked child, killed after `kill_after` seconds where given."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    began = time.monotonic()
    child = os.fork()
    if not child:
        os.close(reading)
        _be_child(function, writing)
    os.close(writing)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)  # not reaped yet: the number is still the child's
    outcome = _read(child, reading)
    outcome.seconds = time.monotonic() - began
    return outcome


def _be_child(function: Callable[[Tell], object], writing: int) -> None:
    def tell(value: Any) -> None:
        os.write(writing, json.dumps(value).encode() + b"\n")

    # its monitor, a thread of the parent, may have held the old lock when the child was forked
    tqdm.set_lock(RLock())
    try:
        function(tell)
        os._exit(0)
    except BaseException as error:
        refused = isinstance(error, (OSError, ValueError, LookupError)) and bool(str(error))
        message = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        with suppress(BaseException):
            tell({"error": message, "refused": refused})
        os._exit(1)


def _read(child: int, reading: int) -> Outcome:
    """Read what a child tells until it ends; end it where that takes too long."""
    import select

    outcome, content, deadline = Outcome(), b"", time.monotonic() + TIMEOUT
    while not outcome.hung:
        ready, _, _ = select.select([reading], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            outcome.hung = True
            os.kill(child, signal.SIGKILL)
        elif part := os.read(reading, 1 << 16):
            content += part
        else:
            break
    os.close(reading)
    _, status = os.waitpid(child, 0)
    outcome.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    # a child that was killed while it wrote leaves half a line
    outcome.told = [json.loads(line) for line in content.split(b"\n")[:-1]]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        last = outcome.told.pop() if outcome.told else {"error": "ended without a word"}
        outcome.error, outcome.refused = last["error"], last.get("refused", False)
    return outcome


class Steps:
    """Name each change that this process is about to make below a folder, or die before one.

    A step is a file opened for writing, renamed, removed or put on disk, a folder made or removed,
    a statement or a commit of the database. Works only in a child: an audit hook stays for good.
    """

    def __init__(self, folder: Path, last: int | None = None) -> None:
        self.names: list[str] = []
        self._folder, self._last = str(folder), last
        sys.addaudithook(self._audit)
        self._count_fsync()
        self._count_database()

    def step(self, name: str) -> None:
        """Record a step; die where it is the last one."""
        if len(self.names) == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)

    def _audit(self, event: str, args: Sequence[Any]) -> None:
        changes = event == "open" and isinstance(args[2], int) and args[2] & _WRITING
        if not (changes or event in _CHANGES) or not args:
            return
        if isinstance(args[0], (str, Path)) and str(args[0]).startswith(self._folder):
            self.step(f"{event.removeprefix('os.')} {Path(args[0]).name}")

    def _count_fsync(self) -> None:
        fsync = os.fsync

        def counted(descriptor: int) -> None:
            self.step("fsync")
            fsync(descriptor)

        os.fsync = counted

    def _count_database(self) -> None:
        from sqlalchemy import Engine, event

        def statement(*args: Any) -> None:
            self.step(f"statement {args[2].split()[0]}")

        event.listen(Engine, "before_cursor_execute", statement)
        event.listen(Engine, "commit", lambda connection: self.step("commit"))
