"""Pictures by address: what a visitor pastes, from public hosts within limits."""

from __future__ import annotations

import gzip
import http.server
import io
import math
import socket
import threading
import time
import tracemalloc
import zlib

import httpcore
import pytest
from PIL import Image

from lookbook.images.fetching import Fetcher, FetchRefused, fetch_picture
from lookbook.images.guarded_network import GuardedNetwork, is_public
from lookbook.images.loading import ImageError, Limits, load_rgb


def bomb() -> bytes:
    """Zeros, ten times as many as a picture may have bytes, in a thousandth of that."""
    coder = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    parts = [coder.compress(bytes(2**20)) for _ in range(10 * Limits.max_bytes // 2**20)]
    return b"".join(parts) + coder.flush()


CODED = {
    "/a.png.gzip": ("gzip", lambda: gzip.compress(picture())),
    "/bomb.png": ("gzip", bomb),
    "/cut.png": ("gzip", lambda: gzip.compress(picture())[:-40] + bytes(40)),
    "/short.png": ("gzip", lambda: gzip.compress(picture())[:-9]),
    "/behind.png": ("gzip", lambda: gzip.compress(picture()) + b"no gzip"),
    "/padded.png": ("gzip", lambda: gzip.compress(picture()) + bytes(2**20)),
    "/members.png": (
        "gzip",
        lambda: gzip.compress(picture()[:50]) + bytes(3) + gzip.compress(picture()[50:]),
    ),
    "/empty-members.png": ("gzip", lambda: gzip.compress(b"") * 50_000),
    "/brotli.png": ("br", lambda: b"any"),
    "/twice.png": ("gzip, gzip", lambda: gzip.compress(bomb())),
}


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
        elif path in CODED:
            coding, body = CODED[path]
            self.send_response(200)
            self.send_header("Content-Encoding", coding)
            self.end_headers()
            self.wfile.write(body())
        elif path == "/slow-head.png":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(40):
                self.wfile.write(f"x-{number}: y\r\n".encode())
                self.wfile.flush()
                time.sleep(0.1)
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


@pytest.mark.parametrize("path", ["/a.png", "/moved.png", "/a.png.gzip", "/padded.png"])
def test_a_picture_is_fetched_also_where_its_address_leads_on(host, path):
    data = fetch_picture(f" {host}{path}\n", allow_local=True)
    assert load_rgb(data).size == (40, 60)


@pytest.mark.parametrize(
    "path, reason",
    [
        ("/gone.png", "missing"),
        ("/huge.png", "too-many-bytes"),
        ("/slow.png", "timeout"),
        ("/slow-head.png", "timeout"),
        ("/loop.png", "redirects"),
        ("/cut.png", "broken-off"),
        ("/short.png", "broken-off"),
        ("/behind.png", "broken-off"),
        ("/brotli.png", "encoding"),
        ("/twice.png", "encoding"),
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


def test_what_is_compressed_is_read_in_steps(host):
    tracemalloc.start()
    with pytest.raises(ImageError) as caught:
        fetch_picture(f"{host}/bomb.png", seconds=60, allow_local=True)
    assert caught.value.reason == "too-many-bytes"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * Limits.max_bytes


def test_a_gzip_of_several_members_is_read_whole(host):
    assert fetch_picture(f"{host}/members.png", allow_local=True) == picture()


@pytest.mark.parametrize("path", ["/padded.png", "/empty-members.png"])
def test_what_arrives_counts_where_it_decompresses_to_nothing(host, path):
    fetcher = Fetcher(allow_local=True, proxies=False)
    with pytest.raises(FetchRefused) as caught:
        fetcher.get(host + path, 2**19, math.inf)
    fetcher.close()
    assert caught.value.reason == "too-many-bytes"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "::127.0.0.1"),
        *("::ffff:127.0.0.1", "::ffff:0a00:1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1"),
        *("2002:7f00:1::", "2002:a00:1::5", "2001:0:4136:e378::1", "localhost", ""),
    ],
)
def test_what_is_no_address_of_the_public_internet(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"],
)
def test_what_is_one(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("0177.0.0.1", "address"),
        *((name, "local") for name in ("0x7f.1", "2130706433", "127.1", "localhost.")),
        *((name, "local") for name in ("[::ffff:7f00:1]", "[::]")),
    ],
)
def test_this_machine_is_refused_however_it_is_written(monkeypatch, name, reason):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)  # what most systems answer
    with pytest.raises(ImageError) as caught:
        fetch_picture(f"http://{name}/a.png")
    assert caught.value.reason == reason


def test_a_name_that_is_another_address_when_it_is_looked_up_again(monkeypatch):
    looked_up, connected = [], []

    def lookup(name, port, *args, **kwargs):
        looked_up.append("8.8.8.8" if not looked_up else "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (looked_up[-1], port))]

    class Backend(httpcore.NetworkBackend):
        def connect_tcp(self, host, *args, **kwargs):
            connected.append(host)
            raise httpcore.ConnectError("this is only a test")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    network = GuardedNetwork(Backend(), False, lambda: math.inf)
    with pytest.raises(httpcore.ConnectError, match="only a test"):
        network.connect_tcp("rebinding.example", 80)
    with pytest.raises(httpcore.ConnectError, match="private"):
        network.connect_tcp("rebinding.example", 80)
    assert connected == ["8.8.8.8"] and len(looked_up) == 2, "looked up once a connection"


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://a.example/b", "data:,x", "x"])
def test_other_schemes_are_refused(address):
    with pytest.raises(ImageError) as caught:
        fetch_picture(address)
    assert caught.value.reason == "address"


def test_a_proxy_of_the_environment_does_not_lead_into_a_private_network(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(ImageError) as caught:
        fetch_picture("http://shop.example/a.png")
    assert caught.value.reason == "local"
