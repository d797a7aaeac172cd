"""Metrics, logs and the end of a site: what is said, to whom, and that answers are finished."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from lookbook.events import new_visitor
from lookbook.search.index import Index
from lookbook.search.item_table import UnknownItem
from lookbook.search.query import Query
from lookbook.ui import build_site
from lookbook.ui.guard import Guard, GuardOptions
from lookbook.ui.metrics import ACTIONS, METRICS, Metrics, may_read
from lookbook.ui.recall_probe import RecallProbe, recall
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from tests.ports import free_port
from tests.tiny_index import publish_tiny
from tests.unit.ui.test_guard import echo

REPOSITORY = Path(__file__).parents[3]


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Values by name and labels, as Prometheus reads them."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if "le" not in sample.labels
    }


def grown(before: dict) -> dict[tuple[str, ...], float]:
    """What has changed since, times left out."""
    after = samples(METRICS)
    named = {name for name in after if not name[0].endswith(("_created", "_sum"))}
    changes = {name: after[name] - before.get(name, 0) for name in named}
    return {name: change for name, change in changes.items() if change}


def test_answers_are_counted_by_action_and_events_where_they_are_recorded(tmp_path):
    publish_tiny(tmp_path / "index")
    index = Index.open(tmp_path / "index")
    search = SearchService(index, lambda: None, tmp_path / "thumbs")
    visitors = VisitorService(index, tmp_path / "state", tmp_path)
    before = samples(METRICS)
    search.search(Query(count=4))
    search.search(Query(item="a-1"))
    search.search(Query(positive=("a-2",)))
    search.search(Query(pictures=(index.vector("a-3"),)))
    token, _ = visitors.toggle_like("", "a-1")
    visitors.record(token, "view", "a-2", "site")
    visitors.record("", "view", "a-2", "site")
    visitors.for_you(token, 5, visitors.context())
    count = "lookbook_answer_seconds_count"
    changed = grown(before)
    explored = changed.pop(("lookbook_events_total",)) - 2  # the feed records what it explores
    assert changed == {
        (count, "filters"): 1,
        (count, "item"): 2,
        (count, "photo"): 1,
        (count, "feed"): 1,
    }
    assert 0 <= explored <= 5


def test_answers_that_fail_are_counted_by_action(tmp_path):
    publish_tiny(tmp_path / "index")
    search = SearchService(Index.open(tmp_path / "index"), lambda: None, tmp_path / "thumbs")
    before = samples(METRICS)
    search.run(Query(item="a-1"), None)
    for _ in range(2):
        with pytest.raises(UnknownItem):
            search.run(Query(item="nothing"), None)
    name, count = "lookbook_failed_answers_total", "lookbook_answer_seconds_count"
    assert grown(before) == {(name, "item"): 2, (count, "item"): 3}


def test_every_action_has_a_number_of_failures_from_the_start():
    values = samples(Metrics())
    assert [values["lookbook_failed_answers_total", action] for action in ACTIONS] == [0] * 6


def test_index_and_queue_are_asked_when_the_metrics_are_read():
    metrics, name = Metrics(), ["one"]
    metrics.watch(lambda: 3, lambda: 30, lambda: name[0])
    first = samples(metrics)
    assert first["lookbook_queue_length",] == 3 and first["lookbook_items",] == 30
    assert first["lookbook_index_info", "one"] == 1
    name[0] = "two"
    assert "lookbook_index_info", "one" not in samples(metrics)
    assert samples(metrics)["lookbook_index_info", "two"] == 1


def test_a_sampled_search_is_compared_with_exact_search(tmp_path):
    publish_tiny(tmp_path / "index")
    index = Index.open(tmp_path / "index")
    probe, before = RecallProbe(every=2), samples(METRICS)
    for query in (Query(item="a-1"), Query(words="red"), Query(item="a-2"), Query(item="a-3")):
        probe.note(query, index)
        probe.wait()
    probe.note(Query(item="gone"), index)
    probe.wait()
    after = samples(METRICS)
    count, total = ("lookbook_recall_probe_count",), ("lookbook_recall_probe_sum",)
    assert after[count] - before[count] == 1, "the second of the three by item"
    assert after[total] - before[total] == recall(Query(item="a-2"), index)


def test_the_recall_of_an_engine_that_finds_the_wrong_half_is_a_half(tmp_path, monkeypatch):
    publish_tiny(tmp_path / "index")
    index, ranked = Index.open(tmp_path / "index"), Index.rank_rows

    def half(self, *args, exact=False, kind="photo"):
        rows, scores = ranked(self, *args, exact=True)
        return (rows, scores) if exact else (rows[: len(rows) // 2], scores)

    monkeypatch.setattr(Index, "rank_rows", half)
    assert recall(Query(item="a-1"), index) == 0.5


def guarded(client=("127.0.0.1", 1), **options) -> TestClient:
    return TestClient(Guard(echo, GuardOptions(**options)), client=client)


def test_refusals_are_counted_by_reason():
    before, site = samples(METRICS), guarded(rate=1, max_body=2**20)
    site.get("/monitoring")
    site.post("/gradio_api/queue/join", content=bytes(2**20 + 1))
    site.post("/gradio_api/queue/join", content=iter([bytes(2**20), b"x"]))
    for _ in range(12):
        site.post("/gradio_api/queue/join")
    changed = {name[1]: count for name, count in grown(before).items()}
    assert changed["address"] == 1 and changed["size"] == 2 and changed["rate"] >= 2


def test_metrics_are_off_unless_asked_for_and_then_for_this_machine():
    assert guarded().get("/metrics").status_code == 404
    own = guarded(metrics=True).get("/metrics")
    assert own.status_code == 200 and "lookbook_answer_seconds_bucket" in own.text
    assert own.headers["content-type"].startswith("text/plain")
    other = guarded(("192.0.2.1", 1), metrics=True)
    assert other.get("/metrics").status_code == 401
    through_a_proxy = {"x-forwarded-for": "192.0.2.1"}
    assert guarded(metrics=True).get("/metrics", headers=through_a_proxy).status_code == 401


def test_another_machine_needs_the_token():
    site = guarded(("192.0.2.1", 1), metrics=True, metrics_token="secret")
    assert site.get("/metrics", headers={"authorization": "Bearer secret"}).status_code == 200
    for wrong in ("Bearer", "Bearer other", "Basic secret", "secret"):
        assert site.get("/metrics", headers={"authorization": wrong}).status_code == 401
    scope = {"headers": [(b"authorization", b"Bearer None")], "client": ("192.0.2.1", 1)}
    assert not may_read(scope, None)


def test_a_site_that_stops_begins_nothing_new():
    guard = Guard(echo, GuardOptions(), {"index": lambda: True})
    site = TestClient(guard)
    guard.stopping = True
    answer = site.post("/gradio_api/queue/join")
    assert answer.status_code == 503 and answer.headers["retry-after"] == "10"
    assert site.get("/").status_code == 200
    assert site.get("/healthz").status_code == 200
    assert site.get("/readyz").json() == {"ok": False, "index": True, "running": False}
    assert guard.answering == 0


@pytest.fixture
def app(tmp_path):
    """A site as app.py serves it, with metrics and logs as JSON."""
    publish_tiny(tmp_path / "index")
    port = free_port()
    command = [
        sys.executable, "app.py", "--index", tmp_path / "index", "--state", tmp_path / "state",
        "--port", port, "--metrics", "--log-format", "json", "--no-mcp",
    ]  # fmt: skip
    process = subprocess.Popen(
        [*map(str, command)],
        cwd=REPOSITORY,
        env=os.environ | {"LOOKBOOK_AUTH": ""},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if httpx.get(address + "/healthz").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    yield process, address
    process.kill()
    process.wait()


def ask(address: str, endpoint: str, joined=lambda: None, **arguments) -> str:
    join = httpx.post(f"{address}/gradio_api/call/v2/{endpoint}", json=arguments, timeout=30)
    joined()
    path = f"{address}/gradio_api/call/v2/{endpoint}/{join.json()['event_id']}"
    return httpx.get(path, timeout=60).text


def test_sigterm_finishes_answers_and_logs_nothing_of_a_visitor(app):
    process, address = app
    token, answers = new_visitor(), []
    assert "event: complete" in ask(address, "similar", item="a-7")
    httpx.get(address + f"/secret-address?visitor={token}")
    httpx.get(address + f"/gradio_api/call/about/{token}", timeout=30)  # no such event
    for path in ("call/v2/similar", "queue/join", "cancel", "mcp/"):
        httpx.post(f"{address}/gradio_api/{path}", json={"data": [token], "a-7": [[token]]})
    accepted = threading.Semaphore(0)

    def similar(number: int) -> None:
        answers.append(ask(address, "similar", accepted.release, item=f"a-{number}"))

    askers = [threading.Thread(target=similar, args=(number,)) for number in range(8)]
    for asker in askers:
        asker.start()
    for _ in askers:
        assert accepted.acquire(timeout=60)
    process.send_signal(signal.SIGTERM)
    for asker in askers:
        asker.join()
    assert process.wait(40) == 0
    assert [answer.count("event: complete") for answer in answers] == [1] * len(answers)
    log = process.stderr.read()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    told = [line for line in lines if line.get("action") == "item"]
    assert told and all(line["outcome"] == "answered" for line in told)
    assert [line["refused"] for line in lines if "refused" in line] == ["address"]
    assert not re.search(rf"{token}|secret-address|a-7|127\.0\.0\.1", log)


def test_without_the_api_no_endpoint_has_a_name(tmp_path):
    publish_tiny(tmp_path / "index")
    index = Index.open(tmp_path / "index")
    site = build_site(index, lambda: None, state=tmp_path / "state", offer_api=False)
    assert site.get_api_info()["named_endpoints"] == {}
    without = guarded(api=False)
    for path in ("/gradio_api/call/about", "/gradio_api/call/v2/about", "/gradio_api/mcp/"):
        assert without.post(path).status_code == 404
        assert guarded().post(path).status_code == 200
    assert without.post("/gradio_api/queue/join").status_code == 200, "the pages go on"
