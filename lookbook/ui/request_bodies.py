"""The body of a request: how large it may be, how long it may take to arrive, and which JSON it is.

gradio reads bodies without these limits: a client that sends one byte a minute would keep its
connection for days, and lists nested in thousands of lists end in errors of the server.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping, ValuesView
from typing import Any

from lookbook.ui.messages import _

Message = MutableMapping[str, Any]
Refusal = tuple[str, int, str]  # reason, status, sentence

MAX_DEPTH = 64  # of JSON: lists and objects in each other
MAX_VALUES = 200_000  # of JSON: what is parsed takes up to a hundred times the memory of its text
FIRST_SECONDS = 30.0  # that any body gets to arrive
SLOWEST = 10_000.0  # bytes a second: what arrives gives a body more time
_MIB = 2**20
_FORMS = ("multipart/", "application/x-www-form-urlencoded")


class RefusedBody(Exception):  # noqa: N818
    """The body is not read on; `RequestBody.refusal` says why."""


class RequestBody:
    """Receives the body of one request in place of the server's `receive`.

    `limit` is bytes, whatever the header says. With `is_json` the body is read whole and checked
    before the app sees any of it. Once `refusal` is set, `receive` raises RefusedBody.
    """

    def __init__(
        self,
        receive: Callable[[], Awaitable[Message]],
        limit: int,
        is_json: bool = False,
        first_seconds: float = FIRST_SECONDS,
    ) -> None:
        self.refusal: Refusal | None = None
        self._receive, self._limit, self._is_json = receive, limit, is_json
        self._deadline, self._size, self._is_whole = time.monotonic() + first_seconds, 0, False

    async def receive(self) -> Message:
        """Return the next message of the server."""
        if self._is_whole:
            return await self._receive()
        return await (self._json() if self._is_json else self._next())

    async def _next(self) -> Message:
        left = self._deadline + self._size / SLOWEST - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left)):
                message = await self._receive()
        except TimeoutError:
            self._refuse("slow", 408, _("The request did not arrive in time: please try again."))
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            self._refuse("size", 413, too_large(self._limit))
        self._is_whole = not message.get("more_body", False)
        return message

    async def _json(self) -> Message:
        parts: list[bytes] = []
        while not self._is_whole:
            message = await self._next()
            if message["type"] != "http.request":  # the client is gone
                return message
            parts.append(message.get("body", b""))
        body = b"".join(parts)
        if body and not is_plain_json(body):
            sentence = _(
                "The request cannot be read: expected JSON of at most {depth} levels and {count} "
                "values.",
                depth=MAX_DEPTH,
                count=MAX_VALUES,
            )
            self._refuse("json", 400, sentence)
        return {"type": "http.request", "body": body, "more_body": False}

    def _refuse(self, *refusal: Any) -> None:
        self.refusal = refusal  # type: ignore[assignment]
        raise RefusedBody


def is_json_request(method: str, path: str, content_type: str) -> bool:
    """Tell whether gradio would read the body of a request as JSON."""
    is_form = content_type.lower().startswith(_FORMS) or path == "/gradio_api/upload"
    return method == "POST" and path.startswith("/gradio_api/") and not is_form


def is_plain_json(body: bytes) -> bool:
    """Tell whether a body is JSON within MAX_DEPTH and MAX_VALUES; commas of texts count, too."""
    if sum(body.count(mark) for mark in (b"[", b"{", b",")) > MAX_VALUES:
        return False
    try:
        level = _containers([json.loads(body)])
    except (ValueError, RecursionError):  # also digits without end, and bytes that are no text
        return False
    for _level in range(MAX_DEPTH):
        if not level:
            return True
        level = _containers([inner for outer in level for inner in outer])
    return not level


def too_large(limit: int) -> str:
    """Return the sentence for a request of more than `limit` bytes."""
    return _("The request is too large: up to {size} MB are accepted.", size=limit / _MIB)


def _containers(values: list[Any]) -> list[list[Any]]:
    lists = [value.values() if isinstance(value, dict) else value for value in values]
    return [list(each) for each in lists if isinstance(each, (list, ValuesView))]
