"""Bodies: JSON within limits, and time for what arrives."""

from __future__ import annotations

import asyncio

import pytest

from lookbook.ui import request_bodies
from lookbook.ui.request_bodies import (
    MAX_DEPTH,
    MAX_VALUES,
    RefusedBody,
    RequestBody,
    is_json_request,
    is_plain_json,
)
from tests.asynchronous import run as run_coroutine


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (b"{}", True),
        (b'{"data": ["a", 1, null, {"b": [1.5]}]}', True),
        (nested(MAX_DEPTH), True),
        (nested(MAX_DEPTH + 1), False),
        (b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH, True),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), False),
        (nested(200_000), False),
        (b"[" + b"1," * (MAX_VALUES - 1) + b"1]", True),
        (b"[" + b"1," * MAX_VALUES + b"1]", False),
        (b"9" * 5000, False),
        (b'"\xff"', False),
        (b"{", False),
        (b"", False),
    ],
)
def test_json_within_its_limits_is_plain(body, plain):
    assert is_plain_json(body) is plain


@pytest.mark.parametrize(
    ("method", "path", "kind", "is_json"),
    [
        ("POST", "/gradio_api/queue/join", "application/json", True),
        ("POST", "/gradio_api/mcp/", "text/plain", True),
        ("POST", "/gradio_api/cancel", "", True),
        ("POST", "/gradio_api/upload", "Multipart/form-data; boundary=x", False),
        ("POST", "/gradio_api/upload", "", False),
        ("GET", "/gradio_api/mcp/", "application/json", False),
        ("POST", "/owner/upload", "application/zip", False),
        ("POST", "/login", "application/x-www-form-urlencoded", False),
    ],
)
def test_only_what_gradio_would_parse_is_read_whole(method, path, kind, is_json):
    assert is_json_request(method, path, kind) is is_json


def receiver(*messages):
    left = list(messages)

    async def receive():
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


def part(body: bytes, more: bool = True) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


def test_json_arrives_in_one_message_and_then_the_server_is_asked():
    gone = {"type": "http.disconnect"}
    body = RequestBody(receiver(part(b"[1,"), part(b"2]", False), gone), 100, is_json=True)
    assert run_coroutine(body.receive()) == part(b"[1,2]", False)
    assert run_coroutine(body.receive()) == gone
    assert body.refusal is None


def test_a_client_that_goes_away_within_its_json_is_no_fault():
    gone = {"type": "http.disconnect"}
    body = RequestBody(receiver(part(b"[1,"), gone), 100, is_json=True)
    assert run_coroutine(body.receive()) == gone and body.refusal is None


@pytest.mark.parametrize("is_json", [True, False])
def test_a_body_that_does_not_arrive_is_given_up(is_json):
    body = RequestBody(receiver(part(b"[")), 100, is_json=is_json, first_seconds=0.05)

    async def read():
        while True:
            await body.receive()

    with pytest.raises(RefusedBody):
        run_coroutine(read())
    assert body.refusal[:2] == ("slow", 408)


def test_what_arrives_gives_a_body_more_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(request_bodies.time, "monotonic", lambda: now[0])
    parts = [part(bytes(100_000)) for _ in range(5)]
    body = RequestBody(receiver(*parts), 10**9, first_seconds=5)
    for second in range(5):
        now[0] = 9.0 * second  # slower than the first five seconds, faster than SLOWEST
        assert run_coroutine(body.receive())["body"]
    now[0] = 55.5
    with pytest.raises(RefusedBody):
        run_coroutine(body.receive())
