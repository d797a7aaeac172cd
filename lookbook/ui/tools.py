"""The endpoints as tools for agents (MCP), made when the first agent asks for them.

gradio makes them when the site is launched, and imports mcp for it: a quarter of a second and 20 MB
of each start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import gradio as gr
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from lookbook.ui import messages
from lookbook.ui.stubs import with_mcp


class Tools:
    """An ASGI app of gradio's server of tools for a site.

    `client` gives the client by which a tool calls an endpoint, None for gradio's own.
    """

    def __init__(self, site: gr.Blocks, client: Callable[[], Any | None]) -> None:
        self._site, self._client = site, client
        self._lock = asyncio.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the first one waits until the tools are made."""
        async with self._lock:
            if self._app is None:
                server = await run_in_threadpool(self._make)
                self._app = await self._start(server)
        await self._app(scope, receive, send)

    def _make(self) -> Any:
        messages.use_language("en")  # whatever the language of the first request
        site = self._site
        server = with_mcp().GradioMCPServer(site)
        server._local_url = site.local_url
        server._client_instance = self._client()
        return server

    async def _start(self, server: Any) -> ASGIApp:
        """Return what answers; the sessions of the server end with the loop of this request.

        Raises what the server raises, and the next request tries again.
        """
        started = asyncio.get_running_loop().create_future()

        async def run() -> None:
            try:
                async with server.lifespan(None):
                    started.set_result(None)
                    await asyncio.Event().wait()
            except Exception as error:
                if started.done():
                    raise
                started.set_exception(error)

        self._sessions = asyncio.create_task(run())
        await started
        mounted = _Mounted()
        server.launch_mcp_on_sse(mounted, "", self._site.root_path)
        assert mounted.app is not None, "gradio mounts its tools in another way"
        return mounted.app


class _Mounted:
    """Takes what is mounted on it."""

    app: ASGIApp | None = None

    def mount(self, path: str, app: ASGIApp) -> None:
        self.app = app
