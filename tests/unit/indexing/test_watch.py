"""What a watch does when, on a clock of its own: each test says what is seen at which second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lookbook.catalog import CatalogError
from lookbook.indexing.watch import local_fingerprint, watch


class EndOfTimeError(Exception):
    """The clock has come to its end: a watch has none."""


class Clock:
    """Runs `watch` on a clock that only sleeping moves; keeps when it ran and what failed.

    `version` and `run` are given the second; what they raise is a failure of the data.
    """

    def __init__(self, version: Callable[[float], object], run=lambda at: None) -> None:
        self.now = 0.0
        self.version, self.run = version, run
        self.looks: list[float] = []
        self.runs: list[float] = []
        self.failures: list[tuple[float, str, float]] = []

    def go(self, until: float, seconds: float = 10.0) -> Clock:
        with pytest.raises(EndOfTimeError):
            watch(
                self.looked,
                self.ran,
                done="first",
                seconds=seconds,
                failed=lambda error, wait: self.failures.append((self.now, str(error), wait)),
                sleep=lambda wait: self.sleep(wait, until),
            )
        return self

    def sleep(self, wait: float, until: float) -> None:
        self.now += wait
        if self.now > until:
            raise EndOfTimeError

    def looked(self) -> object:
        self.looks.append(self.now)
        return self.version(self.now)

    def ran(self) -> None:
        self.runs.append(self.now)
        self.run(self.now)


def test_it_runs_once_for_each_new_version_after_it_has_settled():
    clock = Clock(lambda at: "first" if at < 25 else "second" if at < 55 else "third").go(100)
    assert clock.runs == [32.0, 64.0]
    assert clock.failures == []


def test_what_is_still_being_copied_is_waited_for():
    clock = Clock(lambda at: "first" if at < 15 else min(at, 30.0)).go(60)
    assert clock.runs == [32.0], "the copy grew until second 30"


def test_a_version_that_comes_back_during_the_copy_needs_no_run():
    assert Clock(lambda at: "other" if 10 <= at < 12 else "first").go(60).runs == []


def test_what_changes_during_a_run_makes_it_run_again():
    changes = iter(["second", "second", "third", "third"] + ["third"] * 9)
    assert Clock(lambda at: next(changes)).go(60).runs == [12.0, 24.0]


def test_a_source_that_cannot_be_looked_up_is_asked_less_and_less_often_until_it_is_back():
    def version(at: float) -> object:
        if 10 <= at < 3000:
            raise CatalogError("no network")
        return "first" if at < 10 else "second"

    clock = Clock(version).go(4000)
    waits = [wait for _, _, wait in clock.failures]
    assert waits[:7] == [20, 40, 80, 160, 320, 600, 600]
    assert [at for at, _, _ in clock.failures[:4]] == [10, 30, 70, 150]
    assert {message for _, message, _ in clock.failures} == {"no network"}
    [run] = clock.runs
    assert 3000 < run < 3000 + 610
    after = [at for at in clock.looks if at > run]
    assert after[1] - after[0] == 10, "once it is back it is looked at as often as before"


def test_a_run_that_fails_is_tried_less_and_less_often_and_goes_on():
    def run(at: float) -> None:
        if at < 500:
            raise OSError("the disk is full")

    clock = Clock(lambda at: "second", run).go(1000)
    assert [wait for _, _, wait in clock.failures] == [20, 40, 80, 160, 320]
    gaps = [b - a for a, b in zip(clock.runs, clock.runs[1:], strict=False)]
    assert gaps == sorted(gaps) and gaps[-1] >= 300
    assert len(clock.runs) == 6, "the sixth succeeds, and nothing is new after it"


def test_a_mended_file_is_not_kept_waiting():
    """Half a file fails at first; the whole one is another version and read at the next look."""

    def run(at: float) -> None:
        if at < 340:
            raise CatalogError("not a workbook")

    clock = Clock(lambda at: "half" if at < 340 else "whole", run).go(600)
    assert clock.failures[-1][2] == 160, "the next try of the same half is far away"
    last = [at for at in clock.runs if at > 340]
    assert len(last) == 1 and last[0] < 340 + 2 * 12 + 10


@pytest.mark.parametrize("seconds", [1.0, 3600.0])
def test_waits_grow_to_ten_minutes_or_stay_what_was_asked_for(seconds):
    def version(at: float) -> object:
        raise OSError("away")

    clock = Clock(version).go(20 * 3600, seconds)
    assert max(wait for _, _, wait in clock.failures) == max(600, seconds)


def test_an_error_of_the_program_is_not_hidden():
    def version(at: float) -> object:
        raise TypeError("a mistake")

    with pytest.raises(TypeError):
        Clock(version).go(100)


def test_the_version_of_a_folder_changes_with_its_files_and_not_with_the_index_inside(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    index = tmp_path / "index"
    first = local_fingerprint(str(tmp_path), index)
    index.mkdir()
    (index / "CURRENT").write_text("x")
    assert local_fingerprint(str(tmp_path), index) == first
    (tmp_path / "b.jpg").write_bytes(b"b")
    second = local_fingerprint(str(tmp_path), index)
    (tmp_path / "b.jpg").write_bytes(b"bb")
    assert len({first, second, local_fingerprint(str(tmp_path), index)}) == 3
    assert local_fingerprint("https://example.org/feed.csv", Path("index")) is None
