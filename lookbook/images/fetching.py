"""Fetch a file by its address: within limits of size and time, from public hosts only.

Used for the pictures and feeds of a catalogue, and for the address that a visitor pastes.
"""

from __future__ import annotations

import ipaddress
import math
import os
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lookbook.images.loading import ImageError, Limits
from lookbook.schema.text import excerpt

if TYPE_CHECKING:
    import httpx

USER_AGENT = "lookbook/0.1 (catalogue reader)"
_HEADERS = {
    "User-Agent": USER_AGENT,
    "Accept": "image/*,*/*;q=0.8",
    "Accept-Encoding": "gzip",  # what `_parts` can decompress in steps
}
_MAX_REDIRECTS = 5
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_WAIT = 30.0  # seconds that Retry-After may ask for
_MAX_FAILURES = 4  # of connections in a row, after which a host is not asked again
_CHUNK = 2**18  # bytes that are decompressed at once


class FetchRefused(Exception):  # noqa: N818
    """Why nothing was fetched: a slug and a sentence; `again` where another try may help.

    `away`: it says nothing of the file, so that the copy of last time may be used.
    """

    def __init__(
        self,
        reason: str,
        sentence: str,
        again: bool = False,
        wait: float = 0.0,
        away: bool | None = None,
    ) -> None:
        super().__init__(sentence)
        self.reason, self.again, self.wait = reason, again, wait
        self.away = again if away is None else away


@dataclass(frozen=True)
class Fetched:
    """The bytes of an answer, None for "not modified", and its headers."""

    data: bytes | None
    headers: Mapping[str, str]


class _OfThread(threading.local):
    ends = math.inf  # of the request that this thread makes, in seconds of time.monotonic()


class Fetcher:
    """Asks hosts over HTTP, from any number of threads; nothing is asked before the first `get`.

    `timeout` seconds without a byte end a try; `parallel` connections at once, `rate` requests a
    second to one host. `allow_local` lets addresses of this machine and of private networks be
    asked; `refused` ends the sentence about those that are not. `proxies`: those of the environment
    are used; they look names up themselves, so that a name of a private network is not noticed.
    """

    def __init__(
        self,
        timeout: float = 20.0,
        parallel: int = 8,
        rate: float = 20.0,
        allow_local: bool = False,
        refused: str = "refused",
        proxies: bool = True,
    ) -> None:
        self.timeout, self.parallel, self.rate = timeout, parallel, rate
        self.allow_local, self.refused, self.proxies = allow_local, refused, proxies
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._of_thread = _OfThread()
        self._next: dict[str, float] = {}
        self._failures: Counter = Counter()

    def get(
        self, url: str, limit: int, ends: float, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        """Ask once; raises FetchRefused.

        At most `limit` bytes are read, until the time `ends` of time.monotonic(). `headers` may
        hold validators of what is known already.
        """
        import httpx

        self._of_thread.ends = ends
        location = url
        for _ in range(_MAX_REDIRECTS + 1):
            host = self._checked(location)
            if time.monotonic() > ends:
                raise FetchRefused("timeout", f"{short_url(url)} is too slow.")
            self._take_turn(host)
            try:
                with self._client().stream("GET", location, headers=dict(headers or {})) as answer:
                    self._failures.pop(host, None)
                    if answer.has_redirect_location:
                        location = str(answer.url.join(answer.headers.get("location", "")))
                        continue
                    if answer.status_code == 304 and headers:
                        return Fetched(None, answer.headers)
                    _check_status(answer)
                    return Fetched(_body(answer, limit, ends), answer.headers)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise self._refusal(error, url, host, ends) from None
        raise FetchRefused(
            "redirects", f"{short_url(url)} leads on more than {_MAX_REDIRECTS} times."
        )

    def _refusal(self, error: Exception, url: str, host: str, ends: float) -> FetchRefused:
        """Return what an error of httpx means for whoever asked for `url`."""
        import httpx

        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
            return self._no_host(host, error)
        if isinstance(error, httpx.TimeoutException):
            if time.monotonic() >= ends:
                return FetchRefused("timeout", f"{short_url(url)} is too slow.")
            waited = f"{self.timeout:g} s"
            return FetchRefused("timeout", f"{short_url(url)} gave nothing for {waited}.", True)
        if isinstance(error, httpx.InvalidURL):
            return FetchRefused("address", f"{short_url(url)} is no address: {error}.")
        sentence = f"{short_url(url)} broke off: {type(error).__name__}."
        return FetchRefused("broken-off", sentence, True)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def _no_host(self, host: str, error: Exception) -> FetchRefused:
        from lookbook.images.guarded_network import NO_HOST, PRIVATE

        if PRIVATE in str(error):
            return FetchRefused("local", self._local(host))
        with self._lock:
            self._failures[host] += 1
        if NO_HOST in str(error):
            again = self._failures[host] < 2
            sentence = f"There is no host {host}, or no network."
            return FetchRefused("missing", sentence, again, away=True)
        return FetchRefused("no-answer", f"The host {host} does not answer: {error}.", True)

    def _checked(self, url: str) -> str:
        """The host of an address that may be asked; raises FetchRefused."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError as error:
            raise FetchRefused("address", f"{short_url(url)} is no address: {error}.") from None
        if parts.scheme not in ("http", "https") or not host:
            raise FetchRefused("address", f"{short_url(url)} leads to what is not fetched.")
        if not self.allow_local and (host == "localhost" or _is_private(host)):
            raise FetchRefused("local", self._local(host))
        if self._failures[host] >= _MAX_FAILURES:
            sentence = f"The host {host} did not answer, and is asked no more."
            raise FetchRefused("missing", sentence, away=True)
        return host

    def _take_turn(self, host: str) -> None:
        """Wait until this host may be asked again."""
        with self._lock:
            at = max(time.monotonic(), self._next.get(host, 0.0))
            self._next[host] = at + 1 / self.rate
        time.sleep(max(0.0, at - time.monotonic()))

    def _client(self) -> httpx.Client:
        import httpx

        from lookbook.images.guarded_network import GuardedNetwork

        with self._lock:
            if self._http is None:
                limits = httpx.Limits(max_connections=2 * self.parallel)
                transport = httpx.HTTPTransport(limits=limits)
                transport._pool._network_backend = GuardedNetwork(
                    transport._pool._network_backend, self.allow_local, lambda: self._of_thread.ends
                )
                self._http = httpx.Client(
                    transport=None if self.proxies and _has_proxy() else transport,
                    trust_env=self.proxies,
                    timeout=self.timeout,
                    headers=_HEADERS,
                    limits=limits,
                )
            return self._http

    def _local(self, host: str) -> str:
        return f"The host {host} is this machine or one of a private network: {self.refused}."


def fetch_picture(url: str, seconds: float = 10.0, allow_local: bool = False) -> bytes:
    """Return the bytes at an address that a visitor gave, within `seconds`; raises ImageError.

    Nothing is kept of it: no cache, no cookie, no memory of the host.
    """
    fetcher = Fetcher(timeout=seconds / 2, parallel=1, allow_local=allow_local, proxies=False)
    try:
        fetched = fetcher.get(url.strip(), Limits.max_bytes, time.monotonic() + seconds)
    except FetchRefused as refused:
        raise ImageError(refused.reason, str(refused)) from None
    finally:
        fetcher.close()
    return fetched.data or b""


def _check_status(answer: httpx.Response) -> None:
    status = answer.status_code
    if status < 300:
        return
    url = short_url(str(answer.url))
    if status in (404, 410):
        raise FetchRefused("missing", f"{url} is not there (status {status}).")
    retry_after = answer.headers.get("retry-after", "")
    wait = min(float(retry_after), _MAX_WAIT) if retry_after.isdigit() else 0.0
    sentence = f"{url} answered with status {status}."
    raise FetchRefused("status", sentence, again=status in _RETRIED, wait=wait)


def _body(answer: httpx.Response, limit: int, ends: float) -> bytes:
    """The bytes of an answer; raises FetchRefused for too many, or too slow ones."""
    url = short_url(str(answer.url))
    length = answer.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise FetchRefused(
            "too-many-bytes", f"{url} has {int(length):,} bytes, at most {limit:,} are read."
        )
    parts, size = [], 0
    for part in _parts(answer):
        parts.append(part)
        size += len(part)
        if max(size, answer.num_bytes_downloaded) > limit:
            raise FetchRefused("too-many-bytes", f"{url} has more than {limit:,} bytes.")
        if time.monotonic() > ends:
            raise FetchRefused(
                "timeout", f"{url} is too slow: {size:,} bytes until the time was up."
            )
    if not size:
        raise FetchRefused("empty", f"{url} is empty.", again=True)
    return b"".join(parts)


def _parts(answer: httpx.Response) -> Iterator[bytes]:
    """The body, decompressed in steps; raises FetchRefused.

    httpx decompresses each part that arrives as a whole: a few KB may hold gigabytes. A gzip may
    have several members, one after the other, and zeros behind them.
    """
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        yield from answer.iter_raw()
        return
    url = short_url(str(answer.url))
    if coding not in ("gzip", "x-gzip"):
        raise FetchRefused(
            "encoding", f"{url} is sent as {excerpt(coding, 40)}: gzip is read, or none."
        )
    broken_off = FetchRefused("broken-off", f"{url} is no whole gzip.", True)
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for part in answer.iter_raw():
            if decoder.eof:
                yield b""  # zeros alone give nothing, but count as read
            while part := part.lstrip(b"\0") if decoder.eof else part:
                if decoder.eof:
                    decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
                yield decoder.decompress(part, _CHUNK)
                part = decoder.unused_data or decoder.unconsumed_tail
    except zlib.error:
        raise broken_off from None
    if answer.num_bytes_downloaded and not decoder.eof:
        raise broken_off


def short_url(url: str) -> str:
    """Return an address as a sentence can hold it."""
    return url if len(url) <= 120 else url[:117] + "..."


def _is_private(host: str) -> bool:
    """Whether a literal address is not a public one; a name is not looked up here."""
    from lookbook.images.guarded_network import is_public

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return not is_public(host)


def _has_proxy() -> bool:
    """Whether a proxy is set: it looks names up itself."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return any(os.environ.get(n) or os.environ.get(n.lower()) for n in names)
