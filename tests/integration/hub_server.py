"""A small Hub on this machine: the part of its protocol that loading a repository needs.

Serves folders as repositories to the real client libraries when HF_ENDPOINT points here. Nothing is
imitated on the client's side.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_INFO = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/revision/([^/]+))?")
_TREE = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)/tree/([^/]+)(?:/(.*))?")
_PATHS = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)/paths-info/([^/]+)")
_FILE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class Repository:
    """A folder served under an id; its revision is a hash of what it holds."""

    kind: str  # "models" or "datasets", as the addresses have it
    name: str
    folder: Path
    card: dict = field(default_factory=dict)

    def files(self) -> dict[str, bytes]:
        paths = sorted(p for p in self.folder.rglob("*") if p.is_file())
        return {p.relative_to(self.folder).as_posix(): p.read_bytes() for p in paths}

    @property
    def revision(self) -> str:
        digest = hashlib.sha1(usedforsecurity=False)
        for name, data in self.files().items():
            digest.update(name.encode() + data)
        return digest.hexdigest()

    def info(self) -> dict:
        return {
            "_id": "0",
            "id": self.name,
            "modelId": self.name,
            "author": self.name.split("/")[0],
            "sha": self.revision,
            "private": False,
            "gated": False,
            "disabled": False,
            "tags": [],
            "cardData": self.card,
            "siblings": [{"rfilename": name} for name in self.files()],
        }

    def entries(self, below: str, recursive: bool) -> list[dict]:
        """The tree API's listing of a folder."""
        start = f"{below}/" if below else ""
        records = {}
        for name, data in self.files().items():
            if not name.startswith(start):
                continue
            first, deeper, _ = name[len(start) :].partition("/")
            if deeper:
                records[start + first] = {"type": "directory", "oid": "0" * 40, "size": 0}
            if recursive or not deeper:
                records[name] = {"type": "file", "oid": etag(data), "size": len(data)}
        return [{"path": path, **entry} for path, entry in records.items()]


def etag(data: bytes) -> str:
    """git's own hash of a file, which the Hub gives as its ETag."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class HubServer(ThreadingHTTPServer):
    """Repositories at `http://127.0.0.1:PORT`; `requests` notes what the clients asked for."""

    daemon_threads = True

    def __init__(self, repositories: list[Repository]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = {(r.kind, r.name): r for r in repositories}
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        if match := _INFO.fullmatch(path):
            self._with_repository(match, lambda repository: self._json(repository.info()))
        elif match := _TREE.fullmatch(path):
            self._with_repository(match, lambda r: self._tree(r, match[4] or ""))
        elif match := _FILE.fullmatch(path):
            self._with_repository(match, lambda r: self._file(r, match[4]))
        else:
            self._error(HTTPStatus.NOT_FOUND, "EntryNotFound")

    do_HEAD = do_GET  # noqa: N815 (http.server's own name)

    def do_POST(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"POST {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if match := _PATHS.fullmatch(path):
            self._with_repository(match, lambda r: self._json(self._asked(r, body)))
        else:
            self._error(HTTPStatus.NOT_FOUND, "EntryNotFound")

    def _with_repository(self, match: re.Match, answer) -> None:
        kind = "models" if match[1] is None else match[1].strip("/")
        repository = self.server.repositories.get((kind, match[2]))
        if repository is None:
            self._error(HTTPStatus.NOT_FOUND, "RepoNotFound")
        elif match[3] not in (None, "main", repository.revision):
            self._error(HTTPStatus.NOT_FOUND, "RevisionNotFound")
        else:
            answer(repository)

    def _tree(self, repository: Repository, below: str) -> None:
        query = parse_qs(urlsplit(self.path).query)
        recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
        entries = repository.entries(below.strip("/"), recursive)
        if below and not entries:
            self._error(HTTPStatus.NOT_FOUND, "EntryNotFound")
        else:
            self._json(entries)

    def _asked(self, repository: Repository, body: bytes) -> list[dict]:
        if "json" in self.headers.get("Content-Type", ""):
            paths = json.loads(body)["paths"]
        else:
            paths = parse_qs(body.decode()).get("paths", [])
        paths = {path.strip("/") for path in ([paths] if isinstance(paths, str) else paths)}
        return [e for e in repository.entries("", recursive=True) if e["path"] in paths]

    def _file(self, repository: Repository, name: str) -> None:
        data = repository.files().get(name)
        if data is None:
            self._error(HTTPStatus.NOT_FOUND, "EntryNotFound", repository.revision)
            return
        headers = {
            "ETag": f'"{etag(data)}"',
            "X-Repo-Commit": repository.revision,
            "X-Linked-Size": str(len(data)),
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
        }
        byte_range = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not byte_range:
            self._send(HTTPStatus.OK, data, headers)
            return
        first = int(byte_range[1])
        last = min(int(byte_range[2] or len(data) - 1), len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        self._send(HTTPStatus.PARTIAL_CONTENT, data[first : last + 1], headers)

    def _json(self, content: object) -> None:
        data = json.dumps(content).encode()
        self._send(HTTPStatus.OK, data, {"Content-Type": "application/json"})

    def _error(self, status: HTTPStatus, code: str, revision: str | None = None) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": code}
        headers |= {"X-Repo-Commit": revision} if revision else {}
        self._send(status, b"", headers)

    def _send(self, status: HTTPStatus, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(repositories: list[Repository]) -> Iterator[HubServer]:
    """Run a HubServer for as long as the block lasts."""
    with HubServer(repositories) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
