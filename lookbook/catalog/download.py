"""Pictures and feeds by address: politely, within limits, and only what changed since last time."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lookbook.images.loading import ImageError, Limits
from lookbook.resources import cache_folder
from lookbook.schema.columns import CatalogError

if TYPE_CHECKING:
    import httpx

USER_AGENT = "lookbook/0.1 (catalogue reader)"
_MAX_REDIRECTS = 5
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_WAIT = 30.0  # seconds that Retry-After may ask for
_MAX_FAILURES = 4  # of connections in a row, after which a host is not asked again
_MAX_TABLE_BYTES = 512 * 2**20
_STORES = ("s3", "gs", "gcs", "az", "abfs", "hf")  # what fsspec's own drivers read
_TYPES = {
    **{"text/csv": ".csv", "application/csv": ".csv", "text/tab-separated-values": ".tsv"},
    **{"application/json": ".json", "application/xml": ".xml", "text/xml": ".xml"},
    **{"application/rss+xml": ".xml", "application/atom+xml": ".xml"},
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".xlsx", ".xml")


@dataclass(frozen=True)
class Downloads:
    """How things are fetched by address.

    `parallel` pictures at once, `rate` requests a second to one host; a try ends after `timeout`
    seconds without a byte, a picture after `deadline` seconds in all; `retries` more tries, each
    after twice the wait of the last, beginning with `wait` seconds. `allow_local` lets addresses
    of this machine and of private networks be fetched, and `file://`. `cache`: the folder that
    keeps what was fetched.
    """

    parallel: int = 8
    rate: float = 20.0
    timeout: float = 20.0
    deadline: float = 60.0
    retries: int = 3
    wait: float = 0.5
    max_bytes: int = Limits.max_bytes
    allow_local: bool = False
    cache: Path = field(default_factory=lambda: cache_folder("downloads"))


class _Refused(Exception):  # noqa: N818
    """An answer that is no picture: a slug and a sentence; `again` where another try may help.

    `away`: it says nothing of the picture, so that the copy of last time may be used.
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


class Downloader:
    """Fetches by address, from any number of threads; nothing is asked before the first fetch."""

    def __init__(self, downloads: Downloads) -> None:
        self.downloads = downloads
        self.parallel = downloads.parallel
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._next: dict[str, float] = {}
        self._failures: Counter = Counter()

    def fetch(self, url: str) -> bytes:
        """The picture at an address; raises ImageError with one sentence when it cannot be had."""
        scheme = url.partition(":")[0].lower()
        try:
            if scheme in ("http", "https"):
                return self._get(url, self.downloads.max_bytes, self.downloads.deadline)[0]
            if scheme == "file":
                return self._file(url)
            if scheme in _STORES:
                return self._from_store(url)
        except _Refused as refused:
            raise ImageError(refused.reason, str(refused)) from None
        raise ImageError("address", f"Addresses that begin with {scheme}: are not fetched.")

    def table(self, url: str) -> tuple[Path, str]:
        """(file, version) of the feed at an address, kept in the cache; raises CatalogError."""
        if urlsplit(url).scheme.lower() not in ("http", "https"):
            raise CatalogError(f"{url}: expected an address that begins with https: or http:")
        try:
            data, kept = self._get(url, _MAX_TABLE_BYTES, 10 * self.downloads.deadline)
        except _Refused as refused:
            raise CatalogError(f"{url}: {refused}") from None
        suffix = _suffix(url, kept.get("type") or "", data)
        path = self._entry(url).with_suffix(suffix)
        _write(path, data)
        return path, hashlib.sha256(data).hexdigest()

    # the cache

    def _entry(self, url: str) -> Path:
        digest = hashlib.sha256(url.encode()).hexdigest()
        return self.downloads.cache / digest[:2] / digest

    def _kept(self, url: str) -> tuple[bytes | None, dict[str, Any]]:
        entry = self._entry(url)
        try:
            kept = json.loads(entry.with_suffix(".meta").read_text(encoding="utf-8"))
            data = entry.with_suffix(".data").read_bytes()
        except (OSError, ValueError):
            return None, {}
        whole = hashlib.sha256(data).hexdigest() == kept.get("sha256")
        return (data, kept) if whole else (None, {})

    def _keep(self, url: str, data: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        kept = {
            "url": url,
            "etag": headers.get("etag"),
            "modified": headers.get("last-modified"),
            "type": headers.get("content-type"),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        entry = self._entry(url)
        with contextlib.suppress(OSError):  # a full disk costs the cache, not the picture
            _write(entry.with_suffix(".data"), data)
            _write(entry.with_suffix(".meta"), json.dumps(kept).encode())
        return kept

    # HTTP

    def _get(self, url: str, limit: int, seconds: float) -> tuple[bytes, dict[str, Any]]:
        data, kept = self._kept(url)
        ends, tries = time.monotonic() + seconds, self.downloads.retries + 1
        for number in range(tries):
            try:
                return self._try(url, data, kept, limit, ends)
            except _Refused as refused:
                wait = max(refused.wait, self.downloads.wait * 2**number * random.uniform(0.8, 1.2))
                last = number + 1 == tries or time.monotonic() + wait > ends
                if refused.again and not last:
                    time.sleep(wait)
                    continue
                if refused.away and data is not None:
                    return data, kept
                raise
        raise AssertionError("unreachable")

    def _try(
        self, url: str, data: bytes | None, kept: dict[str, Any], limit: int, ends: float
    ) -> tuple[bytes, dict[str, Any]]:
        import httpx

        validators = {}
        if data is not None:
            validators = {
                "If-None-Match": kept.get("etag"),
                "If-Modified-Since": kept.get("modified"),
            }
        headers = {name: value for name, value in validators.items() if value}
        location = url
        for _ in range(_MAX_REDIRECTS + 1):
            host = self._checked(location)
            self._take_turn(host)
            try:
                with self._client().stream("GET", location, headers=headers) as answer:
                    self._failures.pop(host, None)
                    if answer.has_redirect_location:
                        location = str(answer.url.join(answer.headers.get("location", "")))
                        continue
                    if answer.status_code == 304 and data is not None:
                        return data, kept
                    _check_status(answer)
                    body = _body(answer, limit, ends)
                    return body, self._keep(url, body, answer.headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise self._no_host(host, error) from None
            except httpx.TimeoutException:
                waited = f"{self.downloads.timeout:g} s"
                raise _Refused(
                    "timeout", f"{_short(url)} gave nothing for {waited}.", True
                ) from None
            except httpx.InvalidURL as error:
                raise _Refused("address", f"{_short(url)} is no address: {error}.") from None
            except httpx.HTTPError as error:
                sentence = f"{_short(url)} broke off: {type(error).__name__}."
                raise _Refused("broken-off", sentence, True) from None
        raise _Refused("redirects", f"{_short(url)} leads on more than {_MAX_REDIRECTS} times.")

    def _no_host(self, host: str, error: Exception) -> _Refused:
        if _PRIVATE in str(error):
            return _Refused("local", _local(host))
        with self._lock:
            self._failures[host] += 1
        if _NO_HOST in str(error):
            again = self._failures[host] < 2
            sentence = f"There is no host {host}, or no network."
            return _Refused("missing", sentence, again, away=True)
        return _Refused("no-answer", f"The host {host} does not answer: {error}.", True)

    def _checked(self, url: str) -> str:
        """The host of an address that may be asked; raises _Refused."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError as error:
            raise _Refused("address", f"{_short(url)} is no address: {error}.") from None
        if parts.scheme not in ("http", "https") or not host:
            raise _Refused("address", f"{_short(url)} leads to what is not fetched.")
        if not self.downloads.allow_local and (host == "localhost" or _is_private(host)):
            raise _Refused("local", _local(host))
        if self._failures[host] >= _MAX_FAILURES:
            sentence = f"The host {host} did not answer, and is asked no more."
            raise _Refused("missing", sentence, away=True)
        return host

    def _take_turn(self, host: str) -> None:
        """Wait until this host may be asked again."""
        with self._lock:
            at = max(time.monotonic(), self._next.get(host, 0.0))
            self._next[host] = at + 1 / self.downloads.rate
        time.sleep(max(0.0, at - time.monotonic()))

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._http is None:
                d = self.downloads
                limits = httpx.Limits(max_connections=2 * d.parallel)
                transport = httpx.HTTPTransport(limits=limits)
                backend = _guarded(transport._pool._network_backend, d.allow_local)
                transport._pool._network_backend = backend
                self._http = httpx.Client(
                    transport=None if _has_proxy() else transport,
                    timeout=d.timeout,
                    headers={"User-Agent": USER_AGENT, "Accept": "image/*,*/*;q=0.8"},
                    limits=limits,
                )
            return self._http

    # other places

    def _file(self, url: str) -> bytes:
        if not self.downloads.allow_local:
            raise _Refused("local", "A file:// address is refused without --allow-local-urls.")
        path = Path(unquote(urlsplit(url).path))
        try:
            if not path.is_file():
                raise OSError
            with path.open("rb") as file:
                return file.read(self.downloads.max_bytes + 1)
        except OSError:
            raise _Refused("missing", f"The file of {_short(url)} is not there.") from None

    def _from_store(self, url: str) -> bytes:
        import fsspec

        try:
            with fsspec.open(url, "rb") as file:
                return file.read(self.downloads.max_bytes + 1)
        except FileNotFoundError:
            raise _Refused("missing", f"{_short(url)} is not there.") from None
        except Exception as error:  # of any of the drivers
            reason = " ".join(str(error).split())[:200]
            raise _Refused("store", f"{_short(url)} cannot be read: {reason}.") from None


def _check_status(answer: httpx.Response) -> None:
    status = answer.status_code
    if status < 300:
        return
    url = _short(str(answer.url))
    if status in (404, 410):
        raise _Refused("missing", f"{url} is not there (status {status}).")
    retry_after = answer.headers.get("retry-after", "")
    wait = min(float(retry_after), _MAX_WAIT) if retry_after.isdigit() else 0.0
    sentence = f"{url} answered with status {status}."
    raise _Refused("status", sentence, again=status in _RETRIED, wait=wait)


def _body(answer: httpx.Response, limit: int, ends: float) -> bytes:
    """The bytes of an answer; raises _Refused for too many, or too slow ones."""
    url = _short(str(answer.url))
    length = answer.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise _Refused(
            "too-many-bytes", f"{url} has {int(length):,} bytes, at most {limit:,} are read."
        )
    parts, size = [], 0
    for part in answer.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _Refused("too-many-bytes", f"{url} has more than {limit:,} bytes.")
        if time.monotonic() > ends:
            raise _Refused("timeout", f"{url} is too slow: {size:,} bytes until the time was up.")
    if not size:
        raise _Refused("empty", f"{url} is empty.", again=True)
    return b"".join(parts)


def _short(url: str) -> str:
    return url if len(url) <= 120 else url[:117] + "..."


def _local(host: str) -> str:
    return (
        f"The host {host} is this machine or one of a private network: refused without "
        "--allow-local-urls."
    )


_PRIVATE, _NO_HOST = "leads to a private address", "no such host"


def _is_private(host: str) -> bool:
    """Whether a literal address is not a public one; a name is not looked up here."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _guarded(backend: Any, allow_local: bool) -> Any:
    """A network backend that looks a name up once, and connects to public addresses only."""
    import httpcore

    class Guarded(httpcore.NetworkBackend):
        def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> Any:
            try:
                resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except OSError:
                raise httpcore.ConnectError(_NO_HOST) from None
            addresses = [str(place[4][0]) for place in resolved]
            if not allow_local and any(_is_private(address) for address in addresses):
                raise httpcore.ConnectError(_PRIVATE)
            return backend.connect_tcp(addresses[0], port, *args, **options)

        def sleep(self, seconds: float) -> None:
            time.sleep(seconds)

    return Guarded()


def _has_proxy() -> bool:
    """Whether a proxy is set: it looks names up itself."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return any(os.environ.get(n) or os.environ.get(n.lower()) for n in names)


def _suffix(url: str, kind: str, data: bytes) -> str:
    """Which kind of table an answer is: by its address, its type, or how it begins."""
    named = Path(urlsplit(url).path).suffix.lower()
    if named in _TABLES:
        return named
    by_type = _TYPES.get(kind.partition(";")[0].strip().lower())
    if by_type:
        return by_type
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    signs: Iterator[tuple[bytes, str]] = iter(
        ((b"<", ".xml"), (b"PK", ".xlsx"), (b"[", ".json"), (b"{", ".jsonl"))
    )
    return next((suffix for sign, suffix in signs if head.startswith(sign)), ".csv")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    partial.write_bytes(data)
    partial.replace(path)
