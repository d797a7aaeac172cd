"""A web server on this machine for pictures and feeds: slow, failing, redirecting, lying."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pictures:
    """What is served by path, and how often each path was asked for.

    `fail` maps a path to the statuses of its first answers, `delay` to seconds before an answer,
    `types` to a content type, `redirect` to another address; `drip` sends a byte at a time.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.fail: dict[str, list[int]] = {}
        self.delay: dict[str, float] = {}
        self.types: dict[str, str] = {}
        self.redirect: dict[str, str] = {}
        self.drip: set[str] = set()
        self.tags = True
        self.asked: Counter = Counter()
        self.answers: Counter = Counter()
        self.agents: set[str] = set()
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.address = ""


@contextmanager
def serving() -> Iterator[Pictures]:
    """A server on 127.0.0.1; stops at the end."""
    pictures = Pictures()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            with pictures.lock:
                pictures.asked[self.path] += 1
                pictures.agents.add(self.headers.get("User-Agent", ""))
                pictures.at_once += 1
                pictures.most_at_once = max(pictures.most_at_once, pictures.at_once)
            try:
                self.answer()
            finally:
                with pictures.lock:
                    pictures.at_once -= 1

        def status(self, code, **headers):
            with pictures.lock:
                pictures.answers[code] += 1
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def answer(self):
            path = self.path.partition("?")[0]
            time.sleep(pictures.delay.get(path, 0))
            if pictures.fail.get(path):
                return self.status(pictures.fail[path].pop(0), Content_Length="0")
            if path in pictures.redirect:
                return self.status(302, Location=pictures.redirect[path], Content_Length="0")
            if path not in pictures.files:
                return self.status(404, Content_Length="0")
            data = pictures.files[path]
            tag = f'"{hash(data)}"'
            headers = {"ETag": tag} if pictures.tags else {}
            if pictures.tags and self.headers.get("If-None-Match") == tag:
                return self.status(304, **headers)
            kind = pictures.types.get(path, "image/png")
            self.status(200, Content_Type=kind, Content_Length=str(len(data)), **headers)
            for start in range(0, len(data), 1 if path in pictures.drip else len(data)):
                self.wfile.write(data[start : start + (1 if path in pictures.drip else len(data))])
                time.sleep(0.05 if path in pictures.drip else 0)
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pictures.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield pictures
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
