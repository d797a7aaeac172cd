"""Pictures by address: what a visitor pastes, from public hosts within limits."""

from __future__ import annotations

import http.server
import io
import threading
import time

import pytest
from PIL import Image

from lookbook.images.fetching import fetch_picture
from lookbook.images.loading import ImageError, Limits, load_rgb


class Host(http.server.BaseHTTPRequestHandler):
    """A small host: a picture, a redirect to it, an endless answer, a slow one, none."""

    def do_GET(self):
        path = self.path
        if path == "/moved.png":
            self.send_response(302)
            self.send_header("Location", "/a.png")
            self.end_headers()
        elif path == "/loop.png":
            self.send_response(302)
            self.send_header("Location", "/loop.png")
            self.end_headers()
        elif path == "/a.png":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(picture())
        elif path in ("/slow.png", "/huge.png"):
            self.send_response(200)
            if path == "/huge.png":
                self.send_header("Content-Length", str(Limits.max_bytes + 1))
            self.end_headers()
            for _ in range(40 if path == "/slow.png" else 0):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        else:
            self.send_error(404)

    def log_message(self, *args):
        """Say nothing."""


def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (40, 60), (200, 30, 30)).save(written, "PNG")
    return written.getvalue()


@pytest.fixture
def host():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize("path", ["/a.png", "/moved.png"])
def test_a_picture_is_fetched_also_where_its_address_leads_on(host, path):
    data = fetch_picture(f" {host}{path}\n", allow_local=True)
    assert load_rgb(data).size == (40, 60)


@pytest.mark.parametrize(
    "path, reason",
    [
        ("/gone.png", "missing"),
        ("/huge.png", "too-many-bytes"),
        ("/slow.png", "timeout"),
        ("/loop.png", "redirects"),
    ],
)
def test_what_cannot_be_had_is_said_in_time(host, path, reason):
    started = time.monotonic()
    with pytest.raises(ImageError) as caught:
        fetch_picture(host + path, seconds=1, allow_local=True)
    assert caught.value.reason == reason
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("path", ["/a.png", "/moved.png"])
def test_a_private_host_is_refused_without_a_word_of_options(host, path):
    with pytest.raises(ImageError) as caught:
        fetch_picture(host + path)
    assert caught.value.reason == "local"
    assert "--" not in str(caught.value)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://a.example/b", "data:,x", "x"])
def test_other_schemes_are_refused(address):
    with pytest.raises(ImageError) as caught:
        fetch_picture(address)
    assert caught.value.reason == "address"


def test_a_proxy_of_the_environment_does_not_lead_into_a_private_network(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    import socket

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(ImageError) as caught:
        fetch_picture("http://shop.example/a.png")
    assert caught.value.reason == "local"
