"""Fill the disk, or make it read-only, at each place that writes."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.faults.children import Outcome, Tell, run
from benchmarks.faults.report import Results
from benchmarks.faults.serving import Serve
from benchmarks.faults.works import WORKS, Publish, Work, prepare_all
from lookbook.index import EngineUnavailable
from lookbook.index.engines.contract import available

_PAGE = 4096
_MOST = 150
_AMPLE = 64 << 20
_SOME = (1, 6, 30)  # free pages of 4 KiB


def disks(folder: Path, every_page: bool = False) -> Results:
    """Give each kind of work less space than it needs, more and more of it, and none to write to.

    `every_page`: try every number of free pages of 4 KiB, up to what is enough or 150, not some.
    """
    results, mountable = Results("disks"), can_mount(folder)
    works = [*WORKS, *_of_other_engines()]
    if mountable:  # a limit on files is one on those of its temporary folder too
        works.append(Serve())
    prepared = prepare_all(folder / "prepared", works)
    for work, template in prepared.items():
        disk = Disk(folder / "disk" / work.name, template, mountable)
        for pages in range(_MOST if every_page else 0) or _SOME:
            outcome, problems = _on_full_disk(disk, work, pages)
            results.add(f"{work.name}: {pages} pages left", *problems)
            if outcome.done and work.stops:
                break
        results.add(f"{work.name}: read-only", *_on_read_only_disk(disk, work))
    results.note = "on a tmpfs" if mountable else "without a mount: by a limit on the size of files"
    return results


def _of_other_engines() -> list[Work]:
    try:
        available("hnswlib")
    except EngineUnavailable:
        return []
    return [Publish("hnswlib")]


class Disk:
    """A small disk that holds a copy of a folder; where none can be mounted, a folder."""

    def __init__(self, folder: Path, template: Path, mountable: bool) -> None:
        self.folder, self.template, self.mountable = folder, template, mountable

    @contextmanager
    def mounted(self, **options: str) -> Iterator[Path]:
        """Mount it, large enough, with a fresh copy."""
        self.folder.mkdir(parents=True)
        if self.mountable:
            _mount("-t", "tmpfs", "-o", f"size={_AMPLE}", "tmpfs", str(self.folder))
        root = self.folder / "work"
        try:
            shutil.copytree(self.template, root)
            yield root
        finally:
            if self.mountable:
                subprocess.run(["umount", str(self.folder)], check=True)
            shutil.rmtree(self.folder)

    def leave(self, pages: int) -> None:
        """Leave so many free pages; no file may grow beyond them where nothing is mounted."""
        if self.mountable:
            used = shutil.disk_usage(self.folder).used
            self._remount(f"size={used + pages * _PAGE}")
        else:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (pages * _PAGE, most))

    def enlarge(self) -> None:
        """Make room again, and let it be written to."""
        if self.mountable:
            self._remount(f"size={_AMPLE},rw")
        else:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            _set_modes(self.folder, 0o755)

    def make_read_only(self) -> None:
        """Let nothing be written."""
        if self.mountable:
            self._remount("ro")
        else:
            _set_modes(self.folder, 0o555)

    def _remount(self, options: str) -> None:
        _mount("-o", f"remount,{options}", str(self.folder))


def can_mount(folder: Path) -> bool:
    """Whether this user may mount a tmpfs."""
    place = folder / "mount"
    place.mkdir(parents=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={_PAGE}", "tmpfs", str(place))
    except (OSError, subprocess.CalledProcessError):
        return False
    subprocess.run(["umount", str(place)], check=True)
    return True


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _set_modes(folder: Path, mode: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(mode if path.is_dir() else mode & 0o666)


def _on_full_disk(disk: Disk, work: Work, pages: int) -> tuple[Outcome, list[str]]:
    with disk.mounted() as root:
        disk.leave(pages)
        outcome = run(partial(_do, work, root))
        problems = _not_one_sentence(outcome, work)
        problems += _problem("on the full disk", partial(_check_readable, work, root, outcome))
        disk.enlarge()
        problems += _problem("with space again", lambda tell: work.check(root, outcome.told))
        problems += _problem("done again", lambda tell: work.finish(root, outcome.told))
    return outcome, problems


def _on_read_only_disk(disk: Disk, work: Work) -> list[str]:
    if not disk.mountable and os.geteuid() == 0:
        return []  # modes do not bind root
    with disk.mounted() as root:
        disk.make_read_only()
        outcome = run(partial(_do, work, root))
        problems = _not_one_sentence(outcome, work)
        problems += ["it worked"] if outcome.done and work.stops else []
        problems += _problem("read-only", partial(_check_readable, work, root, outcome))
        disk.enlarge()
        problems += _problem("writable again", lambda tell: work.finish(root, outcome.told))
    return problems


def _do(work: Work, root: Path, tell: Tell) -> None:
    work.do(root, tell)


def _check_readable(work: Work, root: Path, outcome: Outcome, tell: Tell) -> None:
    if work.reads_without_space:
        work.check(root, outcome.told)


def _not_one_sentence(outcome: Outcome, work: Work) -> list[str]:
    if outcome.done or (outcome.refused and work.stops):
        return []
    return [f"expected one sentence, found: {outcome}"]


def _problem(name: str, check: Callable[[Tell], object]) -> list[str]:
    outcome = run(check)
    return [] if outcome.done else [f"{name}: {outcome}"]
