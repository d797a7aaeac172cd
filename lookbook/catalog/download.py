"""Pictures and feeds by address: politely, within limits, and only what changed since last time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lookbook.images.fetching import Fetcher, FetchRefused, short_url
from lookbook.images.loading import ImageError, Limits
from lookbook.resources import cache_folder
from lookbook.schema.columns import CatalogError
from lookbook.schema.message import Message

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


class Downloader:
    """Fetches by address, from any number of threads; nothing is asked before the first fetch."""

    def __init__(self, downloads: Downloads) -> None:
        self.downloads = downloads
        self.parallel = downloads.parallel
        self._fetcher = Fetcher(
            downloads.timeout,
            downloads.parallel,
            downloads.rate,
            downloads.allow_local,
            refused="refused without --allow-local-urls",
        )

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
        except FetchRefused as refused:
            raise ImageError(refused.reason, str(refused)) from None
        message = Message("Addresses that begin with {scheme}: are not fetched.", scheme=scheme)
        raise ImageError("address", message)

    def table(self, url: str) -> tuple[Path, str]:
        """(file, version) of the feed at an address, kept in the cache; raises CatalogError."""
        if urlsplit(url).scheme.lower() not in ("http", "https"):
            raise CatalogError(f"{url}: expected an address that begins with https: or http:")
        try:
            data, kept = self._get(url, _MAX_TABLE_BYTES, 10 * self.downloads.deadline)
        except FetchRefused as refused:
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
                headers = _validators(kept) if data is not None else {}
                fetched = self._fetcher.get(url, limit, ends, headers)
                if fetched.data is None:
                    assert data is not None  # an answer of "not modified" to its validators
                    return data, kept
                return fetched.data, self._keep(url, fetched.data, fetched.headers)
            except FetchRefused as refused:
                wait = max(refused.wait, self.downloads.wait * 2**number * random.uniform(0.8, 1.2))
                last = number + 1 == tries or time.monotonic() + wait > ends
                if refused.again and not last:
                    time.sleep(wait)
                    continue
                if refused.away and data is not None:
                    return data, kept
                raise
        raise AssertionError("unreachable")

    # other places

    def _file(self, url: str) -> bytes:
        if not self.downloads.allow_local:
            raise FetchRefused("local", "A file:// address is refused without --allow-local-urls.")
        path = Path(unquote(urlsplit(url).path))
        try:
            if not path.is_file():
                raise OSError
            with path.open("rb") as file:
                return file.read(self.downloads.max_bytes + 1)
        except OSError:
            raise FetchRefused("missing", f"The file of {short_url(url)} is not there.") from None

    def _from_store(self, url: str) -> bytes:
        import fsspec

        try:
            with fsspec.open(url, "rb") as file:
                return file.read(self.downloads.max_bytes + 1)
        except FileNotFoundError:
            raise FetchRefused("missing", f"{short_url(url)} is not there.") from None
        except Exception as error:  # of any of the drivers
            reason = " ".join(str(error).split())[:200]
            raise FetchRefused("store", f"{short_url(url)} cannot be read: {reason}.") from None


def _validators(kept: Mapping[str, Any]) -> dict[str, str]:
    headers = {"If-None-Match": kept.get("etag"), "If-Modified-Since": kept.get("modified")}
    return {name: value for name, value in headers.items() if value}


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
