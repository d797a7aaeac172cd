"""Tools for agents that cannot be made: each request is told, and none waits for ever."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from lookbook.ui.tools import Tools
from tests.asynchronous import run as run_coroutine


def test_a_server_that_does_not_start_fails_each_request_and_starts_later(monkeypatch):
    failures, answered = ["no room", "no room"], []

    @asynccontextmanager
    async def lifespan(app):
        if failures:
            raise RuntimeError(failures.pop())
        yield

    async def answer(scope, receive, send):
        answered.append(scope)

    server = SimpleNamespace(
        lifespan=lifespan, launch_mcp_on_sse=lambda app, path, root: app.mount(path, answer)
    )
    tools = Tools(SimpleNamespace(root_path=""), lambda: None)
    monkeypatch.setattr(tools, "_make", lambda: server)

    async def ask():
        for _ in range(2):
            with pytest.raises(RuntimeError, match="no room"):
                await asyncio.wait_for(tools("request", None, None), 60)
        await tools("request", None, None)
        await tools("another", None, None)

    run_coroutine(ask())
    assert answered == ["request", "another"]
