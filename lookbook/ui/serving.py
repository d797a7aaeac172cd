"""Launch of the site: gradio's server with the guard in front and limits on connections."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import APIRouter
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from gradio.route_utils import FnIndexInferError
from gradio.routes import API_PREFIX, App, ORJSONResponse, templates
from gradio.state_holder import SessionState, StateHolder
from jinja2 import FunctionLoader
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from lookbook.ui.branding import Branding
from lookbook.ui.guard import Guard, GuardOptions, refuse_addresses
from lookbook.ui.hub_login import HubLogin, page
from lookbook.ui.login import Login, Sessions
from lookbook.ui.login import router as login_router
from lookbook.ui.logs import SITE_LOG
from lookbook.ui.messages import language
from lookbook.ui.page_head import HeadMiddleware
from lookbook.ui.pictures import PictureFiles
from lookbook.ui.retention import CLOSED_PAGE_TTL
from lookbook.ui.site import Site
from lookbook.ui.stubs import no_servers
from lookbook.ui.theme import CSS, theme
from lookbook.ui.tools import Tools
from lookbook.ui.uploads import room

_API_INFO = "({} if config.get('auth_required') else gradio_api_info)"
_MAX_DETAIL = 200  # characters of an error of gradio
HeadTags = Callable[[str, str], str]
SESSIONS = 2000  # of visitors whose state is kept in memory
IDLE_SECONDS = 15.0  # that a connection may be open without a request
_IDLE_PER_CLIENT = 32
_SHARES = 4  # one client may have as many requests open as this part of all connections
_LOOK_SECONDS = 1.0
STOP_SECONDS = 30.0  # that running answers get when the site is stopped
# gradio's own texts follow the browser: this makes them follow the language of the page, which
# stays as it is where gradio has no texts of it
_LANGUAGE_SCRIPT = (
    "<script>{const page = document.documentElement, language = page.lang;"
    "Object.defineProperty(navigator, 'language', {value: language});"
    "new MutationObserver(() => { if (page.lang !== language) page.lang = language; })"
    ".observe(page, {attributeFilter: ['lang']});}</script>"
)


class LightSession(SessionState):
    """The state of one visitor's page without a copy of what the page shows.

    gradio keeps every answer, photos included, to write them to disk for its deep links, which the
    site does not serve.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values = {}
        self.state_data, self._state_ttl = {}, {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = CLOSED_PAGE_TTL

    def __setitem__(self, key: int, value: Any) -> None:
        """Set a state or a changed component.

        gradio would also describe the component, with a JSON schema of its values: a tenth of the
        processor time of a search.
        """
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, gr.State):
            self._state_ttl[key] = block.time_to_live, datetime.now()
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Keep nothing."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Keep nothing."""


class LightSessions(StateHolder):
    """The sessions of all visitors, the newest SESSIONS of them."""

    def __getitem__(self, session_id: str) -> SessionState:
        """Return a session, a new one where there is none."""
        if session_id not in self.session_data:
            self.session_data[session_id] = LightSession(self.blocks)
        return super().__getitem__(session_id)


class GuardedApp(App):
    """gradio's app with the guard as its outermost middleware.

    `head_tags` returns the tags of the page's head, from a query string and the site's address;
    `picture_folder` has the catalogue's pictures, see `PictureFiles`.
    """

    def __init__(
        self,
        options: GuardOptions,
        checks: Mapping[str, Callable[[], object]],
        users: Mapping[str, str],
        head_tags: HeadTags | None = None,
        hub: HubLogin | None = None,
        picture_folder: Path | None = None,
        **kwargs: Any,
    ) -> None:
        self.guard_options, self.guard_checks = options, checks
        self.users, self.head_tags, self.hub = users, head_tags, hub
        self.picture_folder = picture_folder
        self.guard: Guard | None = None
        self.login: Login | None = None
        super().__init__(default_response_class=ORJSONResponse, **kwargs)
        self.add_exception_handler(RequestValidationError, _refuse_values)
        self.add_exception_handler(HTTPException, _refuse_shortly)
        for kind in (LookupError, TypeError, ValueError, FnIndexInferError):
            self.add_exception_handler(kind, _refuse_call)
        self.state_holder = LightSessions()

    def build_middleware_stack(self) -> Any:
        """Put the guard before gradio's own middleware, and the head's tags behind it."""
        if self.head_tags is not None:
            self.user_middleware.append(Middleware(HeadMiddleware, tags=self.head_tags))
        if self.hub is not None:
            self.user_middleware.append(self.hub.middleware())
        if self.users or self.hub is not None:
            cookie = f"access-token-unsecure-{self.cookie_id}"
            sessions = Sessions()
            self.tokens = sessions  # type: ignore[assignment]  # any mapping will do
            self.login = Login(self.users, sessions, cookie, page if self.hub else None)
        inner: ASGIApp = super().build_middleware_stack()
        if self.picture_folder is not None:
            inner = PictureFiles(inner, self.picture_folder)
        self.guard = Guard(inner, self.guard_options, self.guard_checks, room, self.login)
        return self.guard


async def _refuse_shortly(request: Request, error: Exception) -> Response:
    """Answer as the framework does, with no more than the beginning of what a client sent."""
    assert isinstance(error, HTTPException)
    if isinstance(error.detail, str) and len(error.detail) > _MAX_DETAIL:
        error.detail = error.detail[:_MAX_DETAIL] + "…"
    return await http_exception_handler(request, error)


async def _refuse_values(request: Request, error: Exception) -> JSONResponse:
    """Answer values of the wrong types; the framework would send all of them back."""
    sentence = "The request has other values than this address expects: see /gradio_api/info."
    return JSONResponse({"detail": sentence, "error": sentence}, 422)


async def _refuse_call(request: Request, error: Exception) -> JSONResponse:
    """Answer a call by an unknown name or number, which gradio takes for a fault of the server.

    Callbacks run in the queue: what they raise does not arrive here.
    """
    if not request.url.path.startswith("/gradio_api/"):
        raise error
    route = getattr(request.scope.get("route"), "path", "an unknown route")
    # where it was raised, in case it is a fault of ours after all, but no value of the request
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f", {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    SITE_LOG.info("a request to %s ended in %s%s", route, type(error).__name__, place)
    sentence = "There is no such endpoint, or it has other parameters: see /gradio_api/info."
    return JSONResponse({"detail": sentence, "error": sentence}, 400)


def launch(
    site: gr.Blocks,
    options: GuardOptions,
    checks: Mapping[str, Callable[[], object]] | None = None,
    queue_size: int = 64,
    connections: int = 1000,
    branding: Branding | None = None,
    routes: Sequence[APIRouter] = (),
    users: Mapping[str, str] | None = None,
    head_tags: HeadTags | None = None,
    hub: HubLogin | None = None,
    picture_folder: Path | None = None,
    mcp_server: bool = False,
    **how: Any,
) -> None:
    """Serve a site until it is closed; returns at once.

    `queue_size` is the number of requests that may wait, `connections` of those that may be open;
    `routes` are served beside gradio's; `users` are names and passwords without which nothing of
    the catalogue is shown, `hub` lets in those with an account of Hugging Face, without both
    everybody may see it; `head_tags` gives the tags of the page's head, `picture_folder` has the
    pictures at /pictures/NAME; `mcp_server` offers the endpoints as tools; `how` goes to gradio's
    launch. The API stays open through the queue: gradio's `api_open` is about routes that skip it.
    """
    branding = branding or Branding()
    options = replace(options, open_requests=max(connections // _SHARES, 1))
    if isinstance(site, Site):
        site.answer_seconds = options.answer_seconds
    refuse_addresses()
    adapt_pages()
    app = GuardedApp(options, checks or {}, users or {}, head_tags, hub, picture_folder)
    for router in [*routes, login_router(), *([hub.router()] if hub else [])]:
        app.include_router(router)
    allow_open_files(2 * connections + 500)
    if mcp_server:
        site.mcp_server = True  # says the page of the endpoints
        app.mount(f"{API_PREFIX}/mcp", Tools(site, lambda: _client_of_tools(site, app.login)))
    with no_servers():
        site.queue(default_concurrency_limit=8, max_size=queue_size, api_open=False)
    site.launch(
        theme=theme(),
        css=CSS + branding.css(),
        footer_links=["api"] if branding.shows("api") else [],
        ssr_mode=False,
        show_error=True,
        run_history=False,
        enable_monitoring=False,
        state_session_capacity=SESSIONS,
        max_file_size=options.max_upload,
        prevent_thread_lock=True,
        _app=app,
        # gradio would ask for its own page, and end a busy start that takes more than 3 s
        _frontend=False,
        auth=list(users.items()) if users else None,
        **how,
    )
    _limit_connections(site.server, connections)


def _limit_connections(server: Any, count: int) -> None:
    """Limit the open connections of a running server, and close idle ones from now on.

    Each new connection reads its settings; gradio's launch has no parameters for them.
    """
    server.config.limit_concurrency = count
    server.config.timeout_keep_alive = 5
    protocol = server.config.http_protocol_class
    server.config.http_protocol_class = without_surplus(protocol, count // 2)
    args = (server.server_state,)
    threading.Thread(target=close_idle_connections, args=args, daemon=True).start()


def _client_of_tools(site: gr.Blocks, login: Login | None) -> Any:
    """Return the site's own client, by which a tool calls an endpoint, logged in.

    None where nobody logs in: gradio's own will do. It reads what endpoints there are; a call
    itself bears the login of whoever calls the tool.
    """
    from gradio_client import Client

    if login is None:
        return None
    headers = {"x-gradio-user": "mcp", "cookie": login.cookie_of_tools()}
    return Client(
        site.local_url, download_files=False, verbose=False, analytics_enabled=False,
        ssl_verify=False, _skip_components=False, headers=headers,
    )  # fmt: skip


def block_until_stopped(site: gr.Blocks, seconds: float = STOP_SECONDS) -> None:
    """Wait for Ctrl+C or SIGTERM; then begin nothing new, finish what runs, and close.

    What still runs after `seconds` is given up.
    """
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.set())
    with contextlib.suppress(KeyboardInterrupt):
        while site.is_running and not stopping.wait(0.2):
            pass
    if stopping.is_set():
        guard_of(site).stopping = True
        deadline = time.monotonic() + seconds
        while is_answering(site) and time.monotonic() < deadline:
            time.sleep(0.1)
    site.close(verbose=False)


def guard_of(site: gr.Blocks) -> Guard:
    """Return the guard of a site that is served."""
    guard = getattr(site.app, "guard", None)
    assert isinstance(guard, Guard), "the site is not served yet"
    return guard


def is_answering(site: gr.Blocks) -> bool:
    """Whether anybody waits for an answer."""
    queue = site._queue
    running = any(job is not None for job in queue.active_jobs)
    return running or len(queue) > 0 or guard_of(site).answering > 0


def adapt_pages() -> None:
    """Make gradio's page name the language of the request, which it calls English.

    And keep the endpoints out of the page of the login, where gradio lists them.
    """
    env = templates.env
    original = env.loader
    if original is None or isinstance(original, FunctionLoader):
        return

    def source(name: str) -> str:
        page = original.get_source(env, name)[0]
        page = page.replace('lang="en"', 'lang="{{ page_language() }}"', 1)
        page = page.replace("{{ gradio_api_info |", f"{{{{ {_API_INFO} |", 1)
        return page.replace("<head>", "<head>" + _LANGUAGE_SCRIPT, 1)

    env.globals["page_language"] = language
    env.loader = FunctionLoader(source)


def allow_open_files(count: int) -> None:
    """Raise the process's own limit of open files to `count`, where the system allows it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = count if hard == resource.RLIM_INFINITY else min(count, hard)
        if most > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def without_surplus(protocol: Any, count: int) -> Any:
    """Return a protocol of the server that closes idle connections at once when many are open.

    With more than `count`, of one client only the newest few idle ones stay: one that opens them
    faster than `close_idle_connections` looks would keep everybody else out.
    """
    due = False

    def close(connections: Sequence[Any]) -> None:
        nonlocal due
        due = False
        since = {(one, getattr(one, "cycle", None)): one.made for one in connections}
        close_idle(connections, since, time.monotonic(), math.inf)

    class Protocol(protocol):
        def connection_made(self, transport: Any) -> None:
            nonlocal due
            super().connection_made(transport)
            self.made = time.monotonic()
            if len(self.connections) > count and not due:
                due = True  # once for all that arrive together
                self.loop.call_soon(lambda: close(list(self.connections)))

    return Protocol


def close_idle_connections(state: Any, idle_seconds: float = IDLE_SECONDS) -> None:
    """Close connections without a request, for ever: uvicorn waits for the first one without end.

    `state` is that of the server. Of one client only the newest few may be idle.
    """
    since: dict[Any, float] = {}
    while True:
        time.sleep(_LOOK_SECONDS)
        with contextlib.suppress(RuntimeError):  # the set changed while it was read, the loop ended
            since = close_idle(list(state.connections), since, time.monotonic(), idle_seconds)


def close_idle(
    connections: Sequence[Any], since: Mapping[Any, float], now: float, idle_seconds: float
) -> dict[Any, float]:
    """Close those that were idle for long; return since when the idle ones are.

    `since` is the answer of the last call. Its keys hold the request that was answered last, as a
    connection that is used again and again may be idle whenever it is looked at.
    """
    idle = [(one, getattr(one, "cycle", None)) for one in connections if _is_idle(one)]
    found = {key: since.get(key, now) for key in idle}
    of_client: Counter[str] = Counter()
    for key in sorted(idle, key=found.__getitem__, reverse=True):
        connection = key[0]
        client = (connection.client or ("", 0))[0]
        of_client[client] += 1
        if now - found[key] > idle_seconds or of_client[client] > _IDLE_PER_CLIENT:
            connection.loop.call_soon_threadsafe(_close_unless_used, *key)
    return found


def _close_unless_used(connection: Any, cycle: Any) -> None:
    """Close a connection, on the server's own thread, if no request has arrived meanwhile."""
    if getattr(connection, "cycle", None) is cycle:
        connection.transport.close()


def _is_idle(connection: Any) -> bool:
    cycle = getattr(connection, "cycle", None)
    return cycle is None or bool(getattr(cycle, "response_complete", False))
