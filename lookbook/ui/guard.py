"""What stands in front of gradio: allowed routes, limits for each client, and response headers.

gradio serves more routes than the site uses: a proxy that fetches addresses, a writer of sessions
to disk, a video converter, monitoring. Only what the pages, the API and its tools need is let
through. An ASGI middleware, as nothing of it concerns gradio's components.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from starlette.exceptions import HTTPException

from lookbook.ui.login import Login
from lookbook.ui.messages import SCOPE_KEY, _, choose_language, use_language
from lookbook.ui.metrics import METRICS, may_read
from lookbook.ui.pictures import PICTURE_PATH
from lookbook.ui.request_bodies import RequestBody, is_json_request, too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_MIB = 2**20
_PAGES = re.compile(
    r"/(config/?|favicon\.ico|theme\.css|robots\.txt|manifest\.json|pwa_icon(/\d+)?"
    r"|(assets|static|svelte)/.*)?",
    re.DOTALL,
)
# run/ is for events without a queue, such as suggestions: gradio refuses all others there, as
# `api_open` is off
_API = re.compile(
    r"/gradio_api/(info/?|startup-events|theme\.css|app_id/?|user/?|login_check/?|token/?"
    r"|file=.*|component_server/?|heartbeat/[^/]+"
    r"|queue/(join|data|status)|run/[^/]+|call/.*|cancel|reset/?"
    r"|upload|upload_progress|mcp(/.*)?)",
    re.DOTALL,
)
_PLOTLY = re.compile(r"/plotly-[0-9.]+\.js")
_EMBED = re.compile(r"/embed/((similar|look)(\.json)?|widget\.js)")  # for a shop's own pages
_LOGIN = re.compile(r"/(login|logout)/?|/login/(huggingface|callback)")
_LOGIN_COST = 20  # requests that one attempt to log in counts as
_STREAMS = re.compile(r"/gradio_api/(heartbeat|mcp)/.*")  # open as long as a page or a program is
_OWNER = re.compile(r"/owner(/(login|logout|upload|index|discard|publish|rollback|plotly\.js))?")
_COSTLY_GET = re.compile(r"/(config/?)?$|/embed/(similar|look)|/login/(huggingface|callback)")
_PAGE = re.compile(r"/(config/?)?")
_PAGES_OF_GRADIO = (b"page", b"deep_link")  # parameters for which gradio has no page here: 500
_PAGE_COST = 4  # requests that the page counts as: the processor time of so many searches
_ADDRESS = re.compile(r"\s*([a-z][a-z0-9+.-]+:|//|\\\\)", re.IGNORECASE)  # of another machine
_COSTLY = re.compile(r"/gradio_api/(queue/join|component_server|run/|call/|upload$|mcp)|/login/?$")
_TOKEN_BYTES = 2**18  # bytes of a request that cost as much as one more request
_CHECK_SECONDS = 5.0  # a database may be locked
_THIS_MACHINE = ("127.0.0.1", "::1")
_SUBSCRIBER_BITS = 64  # of an IPv6 address: the rest is the subscriber's own choice
_MAX_CLIENTS = 10_000  # whose requests are counted
# gr.HTML compiles its templates and scripts in the page, hence unsafe-eval
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors "
)


@dataclass(frozen=True)
class GuardOptions:
    """Limits and headers of the site.

    `rate` is requests a second for each client, with ten seconds' worth at once; 0 for no limit.
    Those count that cost the site something; the page counts as four.
    `max_upload` and `max_body` are bytes of an upload and of any other request. `frame_ancestors`
    are the sites that may show this one in a frame, as in a content security policy.
    `embed_origins` are the origins of a shop whose pages may show similar pieces (`embed`); without
    them nobody's may. `language` is that of every answer, None: the one that a browser prefers.
    `metrics` serves /metrics to this machine, and to others with `metrics_token`. Without `api` no
    endpoint can be called by name.
    `owner` opens the owner's page, whose uploads may have `owner_upload` bytes.
    `answer_seconds` are those that an answer of the page or of an endpoint may take.
    `open_requests` are those that one client may have open at once, an open page among them.
    """

    rate: float = 20.0
    max_upload: int = 40 * _MIB
    max_body: int = 32 * _MIB
    frame_ancestors: str = "'self'"
    embed_origins: tuple[str, ...] = ()
    language: str | None = None
    metrics: bool = False
    metrics_token: str | None = None
    api: bool = True
    owner: bool = False
    owner_upload: int = 1000 * _MIB
    answer_seconds: float = 30.0
    open_requests: int = 250

    def __post_init__(self) -> None:
        for origin in self.embed_origins:
            if not re.fullmatch(r"https?://[^/\s;,'\"]+", origin):
                raise ValueError(
                    f"embed-origins: expected origins such as https://shop.example, found "
                    f"{origin!r}"
                )


class TokenBuckets:
    """A token bucket for each client: `rate` tokens a second, at most `burst` saved.

    A client whose bucket is full again is forgotten when the next one comes.
    """

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, cost: float) -> float:
        """Take `cost` tokens and return 0, or take none and return the seconds to wait."""
        now = self.clock()
        tokens, then = self._buckets.pop(client, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        cost = min(cost, self.burst)
        missing = cost - tokens
        self._buckets[client] = (tokens if missing > 0 else tokens - cost, now)
        while self._buckets and (len(self._buckets) > _MAX_CLIENTS or self._is_full_again(now)):
            self._buckets.popitem(last=False)
        return max(0.0, missing / self.rate)

    def _is_full_again(self, now: float) -> bool:
        """Whether nothing is left to count of the client that has not asked for longest."""
        tokens, then = next(iter(self._buckets.values()))
        return tokens + (now - then) * self.rate >= self.burst


class Guard:
    """The middleware; `checks` name what /readyz asks, each raising for whatever is not ready.

    `room` returns how many more bytes of uploads are accepted, `login` decides who may see the
    site, None: everybody. Once `stopping` is set, nothing new is begun; `answering` counts the
    requests that are being answered.
    """

    def __init__(
        self,
        app: App,
        options: GuardOptions,
        checks: Mapping[str, Callable[[], object]] | None = None,
        room: Callable[[], int] | None = None,
        login: Login | None = None,
    ) -> None:
        self.login, self.stopping, self.answering = login, False, 0
        self.app, self.options, self.checks, self.room = app, options, checks or {}, room
        self.buckets = TokenBuckets(options.rate, 10 * options.rate) if options.rate else None
        self.open_of_client: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is refused; pass any other on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _headers(scope)
        scope[SCOPE_KEY] = self.options.language or choose_language(
            headers.get("accept-language", "")
        )
        use_language(scope[SCOPE_KEY])
        send = self._with_headers(scope, headers, send)
        path = scope["path"]
        if path in ("/healthz", "/readyz"):
            await self._health(path, send)
        elif path == "/metrics" and self.options.metrics:
            await self._metrics(scope, send)
        elif (refusal := self._refusal(scope, headers)) is not None:
            reason, status, sentence, wait = refusal
            METRICS.refuse(reason)
            if reason == "login" and path == "/" and self.login and self.login.page:
                query = scope["query_string"].decode("latin-1")
                await _show(send, status, self.login.page(query))
            else:
                await _answer(send, status, sentence, wait, self._challenge(status))
        else:
            await self._pass_on(scope, receive, send)

    async def _metrics(self, scope: Scope, send: Send) -> None:
        if not may_read(scope, self.options.metrics_token):
            METRICS.refuse("login")
            await _answer(send, 401, "The metrics are for this machine, or for a bearer token.")
            return
        await _send(send, 200, CONTENT_TYPE, METRICS.text())

    def _challenge(self, status: int) -> list[tuple[bytes, bytes]]:
        by_password = status == 401 and self.login is not None and not self.login.page
        return [(b"www-authenticate", b'Basic realm="site"')] if by_password else []

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[str, int, str, float] | None:
        """Return (reason, status, sentence, seconds to wait) of a request that is refused."""
        path = scope["path"]
        if not self._serves(path):
            return "address", 404, _("There is nothing at this address."), 0
        if self.open_of_client[client_of(scope)] >= self.options.open_requests:
            sentence = _("Too many requests at once: please close other pages of this site.")
            return "open", 429, sentence, 1
        length = headers.get("content-length", "")
        size = int(length) if length.isdecimal() else 0
        if size > self._limit(path):
            return "size", 413, too_large(self._limit(path)), 0
        if path == "/gradio_api/upload" and self.room is not None and self.room() < size:
            sentence = _("Too many pictures are being looked at: try again in two minutes.")
            return "uploads", 503, sentence, 120
        wait = self._wait(scope, headers, size)
        if wait:
            seconds = math.ceil(wait)
            sentence = _(
                "Too many requests: please wait {seconds} s and try again.", seconds=seconds
            )
            return "rate", 429, sentence, wait
        if self.login is not None and not self.login.admits(scope):
            return "login", 401, _("Please log in first."), 0
        if self.stopping and scope["method"] == "POST":
            return "stopping", 503, _("The site is being restarted: try again in a moment."), 10
        return None

    def _serves(self, path: str) -> bool:
        if self.login is not None and _LOGIN.fullmatch(path):
            return True
        if not self.options.api and path.startswith(("/gradio_api/call", "/gradio_api/mcp")):
            return False
        options = self.options
        opened = (options.embed_origins and is_embed(path)) or (options.owner and is_owner(path))
        return bool(opened) or is_allowed(path)

    def _wait(self, scope: Scope, headers: dict[str, str], size: int) -> float:
        costly = _COSTLY if scope["method"] == "POST" else _COSTLY_GET
        if self.buckets is None or not costly.match(scope["path"]):
            return 0.0
        client = client_of(scope)
        if client in _THIS_MACHINE and headers.get("x-gradio-user") == "mcp":
            return 0.0  # the site's own call for a tool, whose request was counted
        cost = 1 + size / _TOKEN_BYTES
        if _LOGIN.fullmatch(scope["path"]):
            cost = _LOGIN_COST
        elif _PAGE.fullmatch(scope["path"]):
            cost = _PAGE_COST
        return self.buckets.wait(client, cost)

    def _limit(self, path: str) -> int:
        if path == "/owner/upload":
            return self.options.owner_upload
        is_upload = path == "/gradio_api/upload"
        return self.options.max_upload if is_upload else self.options.max_body

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the app, unless the body turns out to be one that is refused."""
        path, headers, started = scope["path"], _headers(scope), False
        is_json = is_json_request(scope["method"], path, headers.get("content-type", ""))
        body = RequestBody(receive, self._limit(path), is_json)

        async def noted(message: Message) -> None:
            nonlocal started
            if body.refusal is not None and not started:
                return  # another error than the one it is: the refusal is sent below
            started = True
            if message.get("status") == 503:  # gradio's own refusal
                METRICS.refuse("queue")
            await send(message)

        if _PAGE.fullmatch(path):
            scope = {**scope, "query_string": _without_pages(scope.get("query_string", b""))}
        try:
            with self._counted(scope):
                await self.app(scope, body.receive, noted)
        except Exception as error:
            if started and isinstance(error.__cause__, HTTPException):
                await send({"type": "http.response.body", "body": b""})
                return  # an unknown event, which gradio notices after its stream has begun
            if body.refusal is None or started:
                raise
        if body.refusal is not None and not started:
            reason, status, sentence = body.refusal
            METRICS.refuse(reason)
            await _answer(send, status, sentence)

    @contextmanager
    def _counted(self, scope: Scope) -> Iterator[None]:
        """Count a request while it is open."""
        client, counts = client_of(scope), not _STREAMS.fullmatch(scope["path"])
        self.answering += counts
        self.open_of_client[client] += 1
        try:
            yield
        finally:
            self.answering -= counts
            self.open_of_client[client] -= 1
            if not self.open_of_client[client]:
                del self.open_of_client[client]

    def _with_headers(self, scope: Scope, headers: dict[str, str], send: Send) -> Send:
        """Add the security headers; only a shop's own pages may read what is for them."""
        frames, embedded = self.options.frame_ancestors, is_embed(scope["path"])
        if embedded:
            frames = " ".join(["'self'", *self.options.embed_origins])
        elif is_owner(scope["path"]):
            frames = "'none'"
        added = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"content-security-policy", (_POLICY + frames).encode()),
        ]
        origin = headers.get("origin", "")
        if embedded and origin in self.options.embed_origins:
            added += [(b"access-control-allow-origin", origin.encode()), (b"vary", b"Origin")]
        if frames in ("'self'", "'none'"):
            word = b"SAMEORIGIN" if frames == "'self'" else b"DENY"
            added.append((b"x-frame-options", word))

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [
                    (name, value)
                    for name, value in message.get("headers", [])
                    if not name.lower().startswith(b"access-control-allow-")
                ]
                if self.login is not None:  # a proxy must show nobody what another logged in for
                    kept = [_for_one_browser(*pair) for pair in kept]
                message = {**message, "headers": [*kept, *added]}
            await send(message)

        return wrapped

    async def _health(self, path: str, send: Send) -> None:
        """Answer /healthz (alive) and /readyz (every check passes)."""
        results: dict[str, Any] = {}
        for name, check in self.checks.items() if path == "/readyz" else ():
            try:
                waited = asyncio.wait_for(asyncio.to_thread(check), _CHECK_SECONDS)
                results[name] = bool(await waited)
            except Exception:  # any failure means the same: not ready
                results[name] = False
        if self.stopping and path == "/readyz":
            results["running"] = False
        ready = all(results.values())
        await _respond(send, 200 if ready else 503, {"ok": ready, **results})


def client_of(scope: Scope) -> str:
    """Return what clients are told apart by: the address, of IPv6 the network of one subscriber."""
    address = str((scope.get("client") or ("", 0))[0])
    if ":" not in address or address in _THIS_MACHINE:
        return address
    try:
        number = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = number.ipv4_mapped
    return str(mapped or ipaddress.IPv6Network((number, _SUBSCRIBER_BITS), strict=False))


def is_allowed(path: str) -> bool:
    """Tell whether the site serves a path; addresses in place of a file's path it does not."""
    if path.startswith("/gradio_api/file="):
        return not _ADDRESS.match(path.removeprefix("/gradio_api/file="))
    return any(routes.fullmatch(path) for routes in (PICTURE_PATH, _PAGES, _PLOTLY, _API))


def is_embed(path: str) -> bool:
    """Tell whether a path is one that a shop's own pages ask for."""
    return bool(_EMBED.fullmatch(path))


def is_owner(path: str) -> bool:
    """Tell whether a path belongs to the owner's page."""
    return bool(_OWNER.fullmatch(path))


def refuse_addresses() -> None:
    """Make gradio fetch no address for anybody: neither a file's path nor a tool's argument."""
    from gradio import Error, processing_utils

    async def refuse(url: str, *args: object, **kwargs: object) -> None:
        message = "This site fetches no addresses: please upload the picture itself."
        raise Error(message, print_exception=False)

    processing_utils.async_ssrf_protected_get = refuse  # type: ignore[assignment]


def _for_one_browser(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    is_shared = name.lower() == b"cache-control" and value.startswith(b"public")
    return name, b"private" + value.removeprefix(b"public") if is_shared else value


def _without_pages(query: bytes) -> bytes:
    """Return a query string without the parameters that name another page of gradio."""
    parts = query.split(b"&")
    names = [unquote_to_bytes(part.partition(b"=")[0]) for part in parts]
    kept = [part for part, name in zip(parts, names, strict=True) if name not in _PAGES_OF_GRADIO]
    return b"&".join(kept)


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


async def _answer(
    send: Send,
    status: int,
    sentence: str,
    wait: float = 0,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send a refusal as gradio's pages and clients read it."""
    after = [(b"retry-after", str(math.ceil(wait)).encode())] if wait else []
    await _respond(send, status, {"detail": sentence, "error": sentence}, [*headers, *after])


async def _show(send: Send, status: int, page: str) -> None:
    """Send a page of HTML."""
    headers = [(b"cache-control", b"no-store")]
    await _send(send, status, "text/html; charset=utf-8", page.encode(), headers)


async def _respond(
    send: Send,
    status: int,
    content: dict[str, Any],
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    await _send(send, status, "application/json", json.dumps(content).encode(), headers or [])


async def _send(
    send: Send,
    status: int,
    content_type: str,
    body: bytes,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    start = [(b"content-type", content_type.encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
