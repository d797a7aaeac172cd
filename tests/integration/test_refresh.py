"""A refresh publishes models that are not worse, whole or not at all, without the forgotten."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lookbook.__main__ import main
from lookbook.events import Event, EventStore, new_visitor
from lookbook.index import publish, rollback
from lookbook.index.publishing import published
from lookbook.recommend import Interactions, ModelCorrupt
from lookbook.recommend.feed import Feed, models_root
from lookbook.recommend.model_store import Models, knows_forgotten, open_published
from lookbook.retraining import RefreshJob, refresh
from lookbook.search.index import Index
from tests.tiny_index import write_plain
from tests.tiny_shop import ITEMS, checkerboard, checkerboard_items

REPOSITORY = Path(__file__).parents[2]
START = datetime(2026, 5, 1, 12, tzinfo=UTC)

# As in test_publish: publishes in copies of a root, killed just before each step that there is.
_KILLED = """
import os, shutil, signal, sys
from lookbook.index.publishing import prune, publish
from lookbook.recommend.model_store import Models
from tests.tiny_shop import checkerboard, checkerboard_items

start, work = sys.argv[1:]
items = checkerboard_items()
models = Models.fit(checkerboard(items), items)

def die_before(last):
    steps = 0
    def counted(call):
        def wrapper(*args, **kwargs):
            nonlocal steps
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)
            steps += 1
            return call(*args, **kwargs)
        return wrapper
    for name in ("replace", "rename", "fsync", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))
    folder = models.write(f"{work}/{last}", {"who": "new"})
    publish(f"{work}/{last}", folder)
    prune(f"{work}/{last}")
    os._exit(0)

last, status = -1, signal.SIGKILL
while status == signal.SIGKILL:
    last += 1
    shutil.copytree(start, f"{work}/{last}")
    child = os.fork()
    if not child:
        try:
            die_before(last)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
assert status == 0, status
print(last)
"""


@pytest.fixture(scope="module")
def items():
    return checkerboard_items()


@pytest.fixture
def shop(items, tmp_path, monkeypatch):
    """A published index in a folder of its own, its events beside it."""
    monkeypatch.delenv("LOOKBOOK_DATABASE_URL", raising=False)
    columns = {n: [values[c] for c in codes] for n, (values, codes) in items.columns.items()}
    folder = write_plain(
        tmp_path / "index",
        vectors=items.vectors,
        items={"id": items.ids, "title": items.titles} | columns,
        thumbs=[b"picture"] * len(items),
        encoder={"id": "tiny"},
        trees=2,
    )
    publish(tmp_path / "index", folder)
    return Index.open(tmp_path / "index")


@pytest.fixture
def store(shop):
    opened = EventStore.for_index(shop.generation.root)
    yield opened
    opened.close()


def visits(store, people=20, day=0):
    """Each takes six items of one colour of the board in two days; returns the tokens."""
    tokens = [new_visitor() for _ in range(people)]
    for number, token in enumerate(tokens):
        mine = [row for row in range(ITEMS) if row % 2 == number % 2]
        for place, row in enumerate(np.random.default_rng(number).permutation(mine)[:6]):
            when = START + timedelta(days=day + place // 3, minutes=number)
            store.record(Event(token, "like", f"i{row}", time=when))
    return tokens


def pattern(layout, days, seed, people=40):
    """Who takes what: on the `board` items of their own colour, in `noise` two that do not match.

    Noise comes from other people: pairs of an even and an odd item, again and again.
    """
    draw = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        for day in days:
            one = 2 * int(draw.integers(ITEMS // 2))
            if layout == "board":
                rows.append((f"p{person}", one + person % 2, day))
            else:
                rows += [(f"q{seed}-{person}", one, day), (f"q{seed}-{person}", 19 - one, day)]
    return rows


def interactions(rows):
    users, taken, days = zip(*rows, strict=True)
    return Interactions.of(users, np.array(taken), np.array(days, float), ITEMS)


def test_without_events_nothing_is_published(shop, store):
    report = refresh(shop, store)
    assert not report.live
    assert "no events" in str(report)
    assert published(models_root(shop)) == []


def test_a_refresh_goes_live_in_a_feed_that_is_open(shop, store):
    feed = Feed(shop, store)
    assert feed.models.generation is None
    visits(store)
    report = refresh(shop, store)
    assert report.live
    assert report.new.n >= 5
    assert feed.models.generation == report.generation
    assert feed.also_liked("i2", k=3)[0].row % 2 == 0
    about = json.loads((models_root(shop) / report.generation / "manifest.json").read_text())
    assert about["evaluation"]["new"]["value"] == report.new.value
    assert about["weights"]["other colour"] != 0


def test_a_worse_model_stays_away(shop, store):
    board, few = pattern("board", range(6), 0), pattern("board", (8,), 5)
    newest = pattern("board", (20, 21), 2)
    first = refresh(shop, store, interactions=interactions(board))
    assert first.live
    noise = pattern("noise", range(8, 12), 1, people=60)
    worse = refresh(shop, store, interactions=interactions(few + noise + newest))
    assert not worse.live
    assert worse.new.value < worse.running.value
    assert "worse" in worse.reason
    assert published(models_root(shop)) == [first.generation]


def test_a_better_model_comes(shop, store):
    board, few = pattern("board", range(6), 0), pattern("board", (8,), 5)
    newest = pattern("board", (20, 21), 2)
    first = refresh(shop, store, interactions=interactions(pattern("noise", range(6), 1)))
    better = refresh(shop, store, interactions=interactions(board + few + newest))
    assert better.live
    assert better.new.value > better.running.value
    assert published(models_root(shop)) == [better.generation, first.generation]


def test_a_new_model_is_measured_on_what_neither_has_seen(shop, store, items, monkeypatch):
    first = interactions(pattern("board", range(6), 0))
    refresh(shop, store, interactions=first)
    seen = []
    module = importlib.import_module("lookbook.retraining.refresh")
    measured = module.accuracy_metrics

    def watched(ranked, people, relevant, fitted, tested_days):
        seen.append((fitted.day.max(), tested_days.day.min()))
        return measured(ranked, people, relevant, fitted, tested_days)

    monkeypatch.setattr(module, "accuracy_metrics", watched)
    later = pattern("board", range(6), 0) + pattern("board", (6, 7, 8), 4)
    refresh(shop, store, interactions=interactions(later))
    assert len(seen) == 2
    assert all(
        fitted < tested_days and tested_days > first.day.max() for fitted, tested_days in seen
    )


def test_a_rollback_is_one_command(shop, store, capsys):
    visits(store)
    first = refresh(shop, store)
    visits(store, people=1, day=9)  # too few to compare
    second = refresh(shop, store)
    feed = Feed(shop, store)
    assert second.live
    assert feed.models.generation == second.generation
    assert main(["rollback", "--models", "--index", str(shop.generation.root)]) == 0
    assert first.generation in capsys.readouterr().out
    assert feed.models.generation == first.generation
    with pytest.raises(FileNotFoundError, match="no earlier generation"):
        rollback(models_root(shop))


def test_forgotten_visitors_leave_the_models_and_no_rollback_returns_to_them(shop, store, items):
    tokens = visits(store)
    first = refresh(shop, store)
    visits(store, people=1, day=9)
    second = refresh(shop, store)
    for token in tokens[::2]:  # all who took even items
        store.forget(token)
    third = refresh(shop, store)
    root = models_root(shop)
    assert third.live
    assert "forgotten" in third.reason
    assert published(root) == [third.generation]
    assert not any((root / g).exists() for g in (first.generation, second.generation))
    taken = open_published(root, items).hybrid.item_features.event_counts
    assert taken[0::2].sum() < taken[1::2].sum()


def test_a_forgotten_visitor_leaves_the_models_though_the_clock_was_set_back(
    shop, store, monkeypatch
):
    tokens = visits(store)
    first = refresh(shop, store)
    root = models_root(shop)
    year_ago = SimpleNamespace(time=lambda: time.time() - 365 * 86_400, monotonic=time.monotonic)
    monkeypatch.setattr("lookbook.events.store.time", year_ago)
    for times in range(2):  # the second one while the clock is before the first
        store.forget(tokens[times])
        report = refresh(shop, store)
        assert report.live and "forgotten" in report.reason
        assert report.events == first.events - 6 * (times + 1)
        assert published(root) == [report.generation]
    assert refresh(shop, store).reason.startswith("the new models"), "nobody since"
    assert report.generation in published(root)


def test_models_in_memory_are_fitted_anew_though_the_clock_was_set_back(shop, store, monkeypatch):
    tokens = visits(store)
    feed = Feed(shop, store)
    known = feed.models.hybrid.item_features.event_counts.sum()
    monkeypatch.setattr(
        "lookbook.events.store.time", SimpleNamespace(time=lambda: 1.0, monotonic=time.monotonic)
    )
    store.forget(tokens[0])
    assert feed.models.hybrid.item_features.event_counts.sum() < known
    again = feed.models
    assert feed.models is again, "fitted once"


def test_models_of_earlier_versions_are_told_by_the_time_of_their_events():
    then = datetime(2026, 5, 1, tzinfo=UTC)
    before = {"as_of": then.isoformat()}
    assert not knows_forgotten(before, 0.0)
    assert not knows_forgotten(before, then.timestamp() - 1)
    assert knows_forgotten(before, then.timestamp())
    for unknown in ({}, {"as_of": None}, {"as_of": "x"}):
        assert knows_forgotten(unknown, 1.0)


def test_when_all_are_forgotten_the_models_go(shop, store):
    tokens = visits(store, people=4)
    refresh(shop, store)
    feed = Feed(shop, store)
    for token in tokens:
        store.forget(token)
    assert not refresh(shop, store).live
    assert published(models_root(shop)) == []
    assert feed.models.generation is None
    assert len(feed.for_you(k=3)) == 3


def test_forgetting_strangers_changes_no_model(shop, store):
    visits(store)
    first = refresh(shop, store)
    visits(store, people=2, day=9)
    second = refresh(shop, store)
    before = published(models_root(shop))
    assert set(before) == {first.generation, second.generation}
    for _ in range(10):
        store.forget(new_visitor())
    visits(store, people=2, day=12)
    third = refresh(shop, store)
    assert "forgotten" not in third.reason
    assert second.generation in published(models_root(shop))


@pytest.mark.parametrize("times", [1, 99])
def test_whoever_is_forgotten_during_a_refresh_is_in_no_new_model(shop, store, monkeypatch, times):
    tokens = visits(store)
    first = refresh(shop, store)
    real, left = Models.fit, [*tokens[:times]]

    def forgetting(interactions, items):
        models = real(interactions, items)
        if left:
            store.forget(left.pop())
        return models

    monkeypatch.setattr(Models, "fit", forgetting)
    report = refresh(shop, store)
    current = published(models_root(shop))
    if times == 1:
        assert report.live and current == [report.generation]
        assert report.events == first.events - 6, "without the six likes of the forgotten one"
    else:
        assert not report.live and "were forgotten while" in report.reason
        assert current == [first.generation], "the last good models stay until others are trained"


def test_a_refresh_killed_while_it_publishes_leaves_a_whole_generation(items, tmp_path):
    start, work = tmp_path / "start", tmp_path / "work"
    known = checkerboard(items)
    old = Models.fit(known.before(3), items).write(start, {"who": "old"})
    publish(start, old)
    command = [sys.executable, "-c", _KILLED, str(start), str(work)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outcomes = []
    for step in range(int(done.stdout) + 1):
        root = work / str(step)
        outcomes.append(open_published(root, items).manifest["who"])  # verifies every checksum
        for folder in root.glob("[!.]*/"):
            Models.open(folder, items)
    changed = outcomes.index("new")
    assert outcomes == ["old"] * changed + ["new"] * (len(outcomes) - changed)
    assert 5 < changed < len(outcomes) - 1


def test_damaged_models_are_refused_and_the_feed_goes_on(shop, store, items):
    visits(store)
    report = refresh(shop, store)
    path = models_root(shop) / report.generation / "hybrid.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelCorrupt, match="the manifest says"):
        open_published(models_root(shop), items)
    assert len(Feed(shop, store).for_you(k=3)) == 3
    assert refresh(shop, store).live  # the next refresh mends it


def test_the_command_says_what_it_did(shop, store, capsys):
    visits(store)
    assert main(["refresh", "--index", str(shop.generation.root)]) == 0
    assert "the first models are live; 120 events; new 0." in capsys.readouterr().out


def test_models_that_cannot_be_measured_are_live_and_called_unmeasured(shop, store):
    store.record([Event(new_visitor(), "like", "i1"), Event(new_visitor(), "like", "i2")])
    few = "unmeasured: fewer than 5 people took something new in the newest events"
    for which in ("first", "new"):
        report = refresh(shop, store)
        assert report.live and report.new is None
        assert f"the {which} models are live, {few}" in str(report)


def test_the_commands_find_the_state_that_the_site_was_given(shop, tmp_path, capsys):
    state, index = tmp_path / "state", ["--index", str(shop.generation.root)]
    command = ["refresh", *index, "--state", str(state)]
    assert main(command) == 2
    assert "expected the folder that app.py keeps its --state in" in capsys.readouterr().err
    state.mkdir()
    kept = EventStore.for_index(state)
    visits(kept)
    kept.close()
    assert main(command) == main(command) == 0
    assert "120 events" in capsys.readouterr().out
    new, old = published(state / "models")
    assert published(models_root(shop)) == []
    assert main(["rollback", "--models", *index, "--state", str(state)]) == 0
    assert published(state / "models")[0] == old != new


def test_a_job_refreshes_once_enough_has_happened(shop, store):
    feed = Feed(shop, store)
    job = RefreshJob(shop, store, events=100, poll_seconds=0.02).start()
    store.record(Event(new_visitor(), "like", "i1"))
    time.sleep(0.2)
    assert job.last is None
    visits(store)
    until = time.monotonic() + 30
    while job.last is None and time.monotonic() < until:
        time.sleep(0.05)
    job.stop()
    assert job.last.live
    assert feed.models.generation == job.last.generation
    with pytest.raises(ValueError, match="seconds, events, or both"):
        RefreshJob(shop, store)


def test_a_job_refreshes_by_the_clock_and_survives_a_failure(shop, store, monkeypatch):
    import lookbook.retraining.job as module

    turns, real = [], module.refresh

    def failing_once(*args):
        turns.append(1)
        if len(turns) == 1:
            raise OSError("the disk is full")
        return real(*args)

    monkeypatch.setattr(module, "refresh", failing_once)
    visits(store, people=4)
    job = RefreshJob(shop, store, seconds=0.05, poll_seconds=0.02).start()
    until = time.monotonic() + 30
    while job.last is None and time.monotonic() < until:
        time.sleep(0.05)
    job.stop()
    assert job.last.live
    assert len(turns) >= 2
