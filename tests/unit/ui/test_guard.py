"""The guard in front of gradio, alone and before the real site on a tiny index."""

from __future__ import annotations

import asyncio
import http.server
import json
import socket
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import httpx
import pytest
import uvicorn
from gradio.state_holder import SessionState
from starlette.testclient import TestClient
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from lookbook.schema.message import Message
from lookbook.search.index import Index
from lookbook.ui import build_site, serving
from lookbook.ui.components.base import GARMENTS_EVENT
from lookbook.ui.guard import Guard, GuardOptions, TokenBuckets, client_of, is_allowed
from lookbook.ui.site import Site
from tests.asynchronous import run as run_coroutine
from tests.ports import free_port
from tests.tiny_index import publish_tiny

MB = 2**20


async def echo(scope, receive, send):
    """An app that reads the whole request, and lets every origin read the answer."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    headers = [(b"access-control-allow-origin", b"https://other.example")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(size).encode()})


def guarded(checks=None, **options) -> TestClient:
    return TestClient(Guard(echo, GuardOptions(**options), checks))


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/config", "/assets/index.js", "/theme.css", "/gradio_api/info"),
        *("/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/upload"),
        *("/gradio_api/file=/tmp/thumbs/1.webp", "/gradio_api/mcp/", "/gradio_api/call/item/7"),
        *("/gradio_api/heartbeat/abc", "/gradio_api/component_server/"),
        *(f"/pictures/{'0123456789abcdef' * 2}.{end}" for end in ("webp", "avif", "jpg")),
        "/plotly-6.4.0.js",
    ],
)
def test_what_the_site_needs_is_let_through(path):
    assert is_allowed(path)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/pictures/../events.sqlite",
            "/pictures/1.webp",
            "/pictures/" + "0" * 32 + ".py",
            "/embed/",
            "/embed/similar",
        ),
        *("/monitoring", "/monitoring/summary", "/gradio_api/openapi.json", "/docs"),
        *("/gradio_api/deep_link", "/gradio_api/process_recording", "/gradio_api/vibe-edit/"),
        *("/gradio_api/proxy=https://x.hf.space/", "/gradio_api/api/x"),
        *("/gradio_api/file=http://127.0.0.1/", "/gradio_api/file=HTTPS://host/x.png"),
        *("/gradio_api/file=//host/x", "/gradio_api/file=\\\\host\\x", "/gradio_api/file= ftp://h"),
        "/gradio_api/stream/a/b/c/playlist.m3u8",
        "/gradio_api/dev/reload",
    ],
)
def test_other_routes_of_gradio_are_not_found(path):
    assert not is_allowed(path)


def test_a_large_body_gets_a_sentence_whatever_its_header_says():
    client, text = guarded(max_body=MB, max_upload=2 * MB), b'"' + b"x" * (MB - 2) + b'"'
    assert client.post("/gradio_api/queue/join", content=text).status_code == 200
    announced = client.post("/gradio_api/queue/join", content=text + b" ")
    streamed = client.post("/gradio_api/queue/join", content=iter([text, b" "]))
    for answer in (announced, streamed):
        assert answer.status_code == 413
        assert answer.json()["detail"] == "The request is too large: up to 1 MB are accepted."
    assert client.post("/gradio_api/upload", content=bytes(2 * MB)).status_code == 200
    assert client.post("/gradio_api/upload", content=bytes(2 * MB + 1)).status_code == 413


def test_a_bucket_refills_with_time_and_large_requests_cost_more():
    now = [0.0]
    buckets = TokenBuckets(rate=2, burst=10, clock=lambda: now[0])
    assert [buckets.wait("a", 5), buckets.wait("a", 5)] == [0, 0]
    assert buckets.wait("a", 1) == 0.5
    assert buckets.wait("b", 1) == 0, "another client has its own"
    now[0] = 0.5
    assert buckets.wait("a", 1) == 0
    now[0] = 100
    assert buckets.wait("a", 10) == 0 and buckets.wait("a", 1) > 0
    now[0] = 200
    assert buckets.wait("a", 1000) == 0, "no request costs more than a full bucket"


def test_buckets_of_many_clients_take_bounded_memory():
    now = [0.0]
    buckets = TokenBuckets(rate=1, burst=1, clock=lambda: now[0])
    for n in range(12_000):
        buckets.wait(str(n), 1)
    assert len(buckets._buckets) == 10_000
    now[0] = 2.0  # all are full again, so nothing of them is kept
    buckets.wait("a", 1)
    assert list(buckets._buckets) == ["a"]


def test_too_many_requests_get_a_sentence_and_the_time_to_wait():
    client = at_one_moment(guarded(rate=1))
    answers = [client.post("/gradio_api/queue/join") for _ in range(12)]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["detail"].startswith("Too many requests: please wait 1 s")
    assert client.get("/theme.css").status_code == 200, "what costs next to nothing has no limit"
    free = guarded(rate=0)
    assert {free.post("/gradio_api/queue/join").status_code for _ in range(50)} == {200}


def at_one_moment(client: TestClient) -> TestClient:
    """Stop the clock of a client's limits, so that a slow machine refills nothing."""
    client.app.buckets.clock = lambda: 0.0
    return client


@pytest.mark.parametrize("path", ["/", "/config", "/config/"])
def test_the_page_counts_as_four_requests(path):
    client = at_one_moment(guarded(rate=2))  # 20 requests at once
    answers = [client.get(path) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "2"
    assert client.post("/gradio_api/queue/join").status_code == 429, "of the same limit"


def test_a_visitor_who_opens_many_pages_at_once_does_not_meet_the_limit():
    client = at_one_moment(guarded())
    for _ in range(12):  # tabs, each with the events of its page
        assert client.get("/").status_code == 200
        assert {client.post("/gradio_api/queue/join").status_code for _ in range(8)} == {200}


def test_headers_of_every_answer():
    for path, status in (("/", 200), ("/monitoring", 404), ("/healthz", 200)):
        answer = guarded().get(path, headers={"origin": "https://other.example"})
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        assert "object-src 'none'" in answer.headers["content-security-policy"]
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    framed = guarded(frame_ancestors="'self' https://shop.example").get("/")
    assert framed.headers["content-security-policy"].endswith("'self' https://shop.example")
    assert "x-frame-options" not in framed.headers


@pytest.mark.parametrize("path", ["/embed/similar", "/embed/look.json", "/embed/widget.js"])
def test_only_a_shops_own_pages_may_embed(path):
    shop, other = "https://shop.example", "https://other.example"
    assert guarded().get(path, headers={"origin": shop}).status_code == 404
    client = guarded(embed_origins=(shop,))
    own = client.get(path, headers={"origin": shop})
    assert own.headers["access-control-allow-origin"] == shop
    assert own.headers["content-security-policy"].endswith(f"frame-ancestors 'self' {shop}")
    assert "x-frame-options" not in own.headers
    assert "access-control-allow-origin" not in client.get(path, headers={"origin": other}).headers
    page = client.get("/", headers={"origin": shop})
    assert "access-control-allow-origin" not in page.headers
    assert page.headers["x-frame-options"] == "SAMEORIGIN"


def test_embedding_shares_the_limit_of_requests():
    client = guarded(embed_origins=("https://shop.example",), rate=0.5)
    codes = [client.get("/embed/similar.json?item=1").status_code for _ in range(8)]
    assert codes == [200] * 5 + [429] * 3


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "https://a; b", "*"])
def test_an_origin_that_is_none_is_refused(origin):
    with pytest.raises(ValueError, match="expected origins such as https"):
        GuardOptions(embed_origins=(origin,))


def test_alive_and_ready():
    def broken():
        raise OSError("gone")

    client = guarded({"index": lambda: True, "database": broken, "encoder": lambda: False})
    assert client.get("/healthz").json() == {"ok": True}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "index": True, "database": False, "encoder": False}
    assert guarded({"index": lambda: True}).get("/readyz").json() == {"ok": True, "index": True}


def opened(client: str, count: int, **options) -> list[int]:
    """Open `count` requests at once of a client that sends no end of their bodies; the statuses.

    Those that stay open have none.
    """
    guard = Guard(echo, GuardOptions(**options))
    statuses = []

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def never():
        await asyncio.Event().wait()

    async def run():
        scope = {
            "type": "http", "path": "/gradio_api/reset", "method": "POST", "headers": [],
            "client": (client, 5), "query_string": b"",
        }  # fmt: skip
        tasks = [asyncio.create_task(guard(dict(scope), never, send)) for _ in range(count)]
        await asyncio.sleep(0.1)
        other = asyncio.create_task(guard({**scope, "client": ("192.0.2.7", 5)}, never, send))
        await asyncio.sleep(0.1)
        assert not other.done(), "another client has its own"
        for task in [*tasks, other]:
            task.cancel()
        await asyncio.gather(*tasks, other, return_exceptions=True)

    run_coroutine(run())
    assert guard.answering == 0 and not guard.open_of_client
    return statuses


def test_one_client_may_have_so_many_requests_open():
    assert opened("192.0.2.1", 5, open_requests=3) == [429, 429]
    assert opened("192.0.2.1", 3, open_requests=3) == []


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "::1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("no:address", "no:address"),
    ],
)
def test_a_network_of_ipv6_is_one_client(address, client):
    assert client_of({"client": (address, 5)}) == client
    assert client_of({}) == ""


def test_uploads_end_where_there_is_no_room():
    client = TestClient(Guard(echo, GuardOptions(), room=lambda: 100))
    assert client.post("/gradio_api/upload", content=bytes(100)).status_code == 200
    answer = client.post("/gradio_api/upload", content=bytes(101))
    assert answer.status_code == 503 and "try again" in answer.json()["detail"]
    assert client.post("/gradio_api/queue/join", content=b"1" + b" " * 100).status_code == 200


# before the real site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    publish_tiny(folder / "index")
    return build_site(Index.open(folder / "index"), lambda: None, state=folder / "state")


@pytest.fixture(scope="module")
def address(site):
    port = free_port()
    options = GuardOptions(rate=50, max_body=MB)
    serving.launch(
        site, options, site.checks, server_name="127.0.0.1", server_port=port, quiet=True,
        mcp_server=True,
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}"
    site.close()


@pytest.fixture
def foreign():
    """The address of another server on this machine, and the requests that it got."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()


def call(address: str, endpoint: str, **arguments):
    """Return ("complete" or "error", answer) of an endpoint through the queue."""
    content = json.dumps(arguments)  # half a character as an escape, as a script would send it
    headers = {"content-type": "application/json"}
    url = f"{address}/gradio_api/call/v2/{endpoint}"
    join = httpx.post(url, content=content, headers=headers)
    assert join.status_code == 200, join.text
    path = f"/gradio_api/call/v2/{endpoint}/{join.json()['event_id']}"
    lines = httpx.get(address + path, timeout=30).text.splitlines()
    at = max(n for n, line in enumerate(lines) if line.startswith("event: "))
    return lines[at].removeprefix("event: "), json.loads(lines[at + 1].removeprefix("data: "))


def test_page_and_api_are_served_through_the_guard(address):
    page = httpx.get(address + "/", headers={"origin": "https://other.example"})
    assert page.status_code == 200 and "gradio" in page.text
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in page.headers
    assert call(address, "about")[0] == "complete"
    assert httpx.get(address + "/gradio_api/info").status_code == 200
    assert httpx.get(address + "/healthz").status_code == 200
    assert httpx.get(address + "/readyz").json()["database"] is True


@pytest.mark.parametrize("query", ["page=2", "%70age=x&words=red", "deep_link=../../etc", "page"])
def test_other_pages_of_gradio_in_a_link_are_ignored(address, query):
    plain = httpx.get(address + "/config").json()
    for path in ("/", "/config"):
        assert httpx.get(f"{address}{path}?{query}").status_code == 200
    assert httpx.get(f"{address}/config?{query}").json() == plain


def test_the_other_parameters_of_a_link_arrive_as_they_are():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["query_string"])
        await echo(scope, receive, send)

    client = TestClient(Guard(app, GuardOptions()))
    for query in ("words=a%26page%3D2+b&n=3", "", "&&where=page%3D1&", "page=1&n=3&deep%5Flink=x"):
        client.get("/?" + query)
    assert seen == [b"words=a%26page%3D2+b&n=3", b"", b"&&where=page%3D1&", b"n=3"]


def test_a_session_keeps_neither_answers_nor_photos(site, address):
    photo = "data:image/png;base64," + "A" * 400_000
    call(address, "search_by_picture", picture={"url": photo, "path": ""}, words="")
    sessions = list(site.app.state_holder.session_data.values())
    assert sessions
    assert {type(session) for session in sessions} == {serving.LightSession}
    assert all(session.config_values == {} for session in sessions)
    first = next(iter(site.blocks))
    tracemalloc.start()
    for n in range(100):
        site.app.state_holder[f"visitor{n}"][first]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 100 < 40_000, "bytes of one session"


def test_functions_cannot_be_called_past_the_queue(site, address):
    queued = [n for n, event in site.fns.items() if event.queue and event.fn is not None]
    assert len(queued) > 20
    for number in queued:
        body = {"data": [], "fn_index": number, "session_hash": "a"}
        answer = httpx.post(f"{address}/gradio_api/run/predict", json=body)
        assert answer.status_code == 404, site.fns[number].fn
    assert httpx.post(f"{address}/gradio_api/run/about", json={"data": []}).status_code == 404
    assert httpx.post(f"{address}/gradio_api/api/about", json={"data": []}).status_code == 404


def test_no_address_is_fetched_for_anybody(address, foreign, monkeypatch):
    url, requests = foreign

    async def validated(host):  # as if the other server were a public one
        return "127.0.0.1"

    monkeypatch.setattr("safehttpx.async_validate_url", validated)
    answer = httpx.get(f"{address}/gradio_api/file={url}/file")
    assert answer.status_code == 404
    picture = {"path": f"{url}/path.png", "meta": {"_type": "gradio.FileData"}}
    event, told = call(address, "search_by_picture", picture=picture, words="")
    assert event == "error" and "fetches no addresses" in str(told)
    picture = {"url": f"{url}/url.png", "path": f"{url}/x", "meta": {"_type": "gradio.FileData"}}
    assert call(address, "search_by_picture", picture=picture, words="")[0] == "error"
    assert requests == []


@pytest.mark.parametrize("path", ["file:///etc/passwd", "../../x.png", "/etc/passwd", "\ud800"])
def test_no_answer_names_a_folder_of_the_server(address, path, capfd):
    picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
    event, told = call(address, "search_by_picture", picture=picture, words="")
    assert event == "error"
    assert told["error"] in {"No picture arrived.", "That did not work. Please try again later."}
    assert "Traceback" not in capfd.readouterr().err, "a visitor's mistake fills no log"


def test_too_few_values_and_scripts_of_the_page_get_a_sentence(site, address, capfd):
    join = httpx.post(f"{address}/gradio_api/call/search", json={"data": []})
    answer = httpx.get(f"{address}/gradio_api/call/search/{join.json()['event_id']}", timeout=30)
    assert "search: expected 10 values, found 0" in answer.text
    script = next(number for number, event in site.fns.items() if event.fn is None)
    body = {"data": [], "fn_index": script, "session_hash": "a"}
    assert httpx.post(f"{address}/gradio_api/queue/join", json=body).status_code == 200
    with httpx.stream("GET", f"{address}/gradio_api/queue/data?session_hash=a") as lines:
        told = next(line for line in lines.iter_lines() if "process_completed" in line)
    assert "There is nothing at this address." in told
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device", "/srv/shop/state"), "That did not work."),
        (ValueError("/srv/shop/index is damaged"), "That did not work."),
        (ValueError(Message("The picture is <b>")), "The picture is &lt;b&gt;"),
        (gr.Error("a sentence"), "a sentence"),
    ],
)
def test_an_error_of_a_page_is_a_message_or_the_general_sentence(error, told):
    def fail():
        raise error

    with Site() as blocks:
        gr.Button().click(fail, api_visibility="private")
    (function,) = blocks.fns.values()
    answer = blocks.process_api(function, [], state=SessionState(blocks))
    with ThreadPoolExecutor(1) as thread, pytest.raises(gr.Error) as raised:
        thread.submit(asyncio.run, answer).result()  # browser tests leave a loop in this thread
    assert raised.value.message.startswith(told)
    assert "/srv" not in raised.value.message


def test_an_answer_that_takes_too_long_is_a_sentence():
    ended = threading.Event()

    def hang():
        ended.wait(60)
        return "late"

    with Site() as blocks:
        gr.Button().click(hang, None, gr.Textbox(), api_visibility="private")
    blocks.answer_seconds = 0.1
    (function,) = blocks.fns.values()

    async def ask():
        try:
            await blocks.process_api(function, [], state=SessionState(blocks))
        finally:
            ended.set()  # its thread goes on until then

    with ThreadPoolExecutor(1) as thread, pytest.raises(gr.Error) as raised:
        thread.submit(asyncio.run, ask()).result()
    assert raised.value.message == "This takes too long: please try again later."


def test_what_runs_after_an_answer_may_take_longer_than_an_answer():
    def locate():
        time.sleep(0.2)  # longer than an answer may take, however busy the machine is
        return "found"

    with Site() as blocks:
        gr.Button().click(locate, None, gr.Textbox(), **GARMENTS_EVENT)
    blocks.answer_seconds = 0.01
    (function,) = blocks.fns.values()

    def ask():
        return run_coroutine(blocks.process_api(function, [], state=SessionState(blocks)))

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(ask).result()["data"] == ["found"]


def test_gradio_would_have_fetched_it():
    """The function that is replaced is the one through which gradio fetches."""
    from gradio import processing_utils

    with pytest.raises(gr.Error, match="fetches no addresses"):
        processing_utils.ssrf_protected_download("http://127.0.0.1/x", "folder")


@pytest.mark.parametrize("text", ["\ud800", "shirt \udfff"])
def test_half_a_character_gets_a_sentence(address, text):
    for endpoint, arguments in (
        ("search_by_words", {"words": text}),
        ("find_by_name", {"text": text}),
        ("item", {"item": text}),
        ("filters", {"where": [text]}),
    ):
        join = httpx.post(
            f"{address}/gradio_api/call/v2/{endpoint}",
            content=json.dumps(arguments),  # with an escape, as a script would send it
            headers={"content-type": "application/json"},
        )
        assert join.status_code == 200
        answer = httpx.get(f"{join.url}/{join.json()['event_id']}", timeout=30)
        assert "half a character" in answer.text, endpoint


_DEEP = b"[" * 200_000 + b"]" * 200_000
_ROUTES = ["mcp/", "queue/join", "call/about", "call/v2/about", "run/about", "cancel", "reset"]


@pytest.mark.parametrize("route", [*_ROUTES, "component_server"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_DEEP, id="deep"),
        pytest.param(b'{"data":' + _DEEP + b"}", id="deep data"),
        pytest.param(b'{"data":' + b"[" * 900 + b"]" * 900 + b"}", id="nested 900 times"),
        pytest.param(b'{"data":[' + b"9" * 100_000 + b"]}", id="digits"),
        pytest.param(b'{"data":["\xff"]}', id="no text"),
        pytest.param(b"[" + b"1," * 250_000 + b"1]", id="many values"),
        pytest.param(b"{data", id="no JSON"),
    ],
)
def test_what_cannot_be_parsed_gets_one_sentence_at_each_route(address, route, body, capfd):
    answer = post_json(address, route, body)
    assert answer.status_code == 400
    assert answer.json()["detail"] == (
        "The request cannot be read: expected JSON of at most 64 levels and 200,000 values."
    )
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("route", [*_ROUTES, "component_server"])
@pytest.mark.parametrize(
    "body",
    [
        *(b'{"data":[NaN],"SECRET":1e999}', b'{"data":["\\ud800SECRET"]}', b"[]", b"null", b""),
        b'{"data":"SECRET","nothing":[[1]]}',
    ],
)
def test_values_of_the_wrong_type_get_a_sentence_and_do_not_come_back(address, route, body, capfd):
    answer = post_json(address, route, body)
    if route != "call/about":  # answers with an id, and the sentence at its address
        assert 400 <= answer.status_code < 500, answer.text
    if route != "mcp/":  # a library's own answer, which names the field and clips its value
        assert "SECRET" not in answer.text
    logged = capfd.readouterr().err
    assert "Traceback" not in logged and "SECRET" not in logged


def test_a_call_by_unknown_names_gets_a_sentence(address):
    for route, body in (("nothing", b"{}"), ("search_by_words", b'{"word":"x"}')):
        answer = post_json(address, "call/v2/" + route, body)
        assert answer.status_code == 400 and "There is no such endpoint" in answer.json()["detail"]


_LONG = "x" * 5000


@pytest.mark.parametrize(
    ("endpoint", "arguments"),
    [
        *((name, {"item": _LONG}) for name in ("item", "similar", "also_liked", "link", "search")),
        *(("complete_the_look", {"item": _LONG}), ("for_you", {"liked": [_LONG]})),
        *(("for_you", {"season": _LONG}), ("for_you", {"budget": -1, "season": _LONG})),
        *(("search", {"more": [_LONG]}), ("search", {"less": [_LONG]}), ("search", {_LONG: 1})),
        *(("link", {"match": _LONG}), ("link", {"words": _LONG})),
        ("find_by_name", {"text": _LONG}),
        *(("filters", {"where": [_LONG[:500]]}), ("filters", {"where": [_LONG[:400] + "=1"]})),
        *(("filters", {"where": ["price<=" + _LONG[:400]]}), ("filters", {"where": {"a": _LONG}})),
        *((_LONG, {}), ("item", {"item": {"a": [_LONG]}})),
    ],
)
def test_no_error_sends_back_all_that_a_client_sent(address, endpoint, arguments):
    answer = post_json(address, f"call/v2/{endpoint}", json.dumps(arguments).encode())
    if answer.status_code == 200:
        path = f"/gradio_api/call/v2/{endpoint}/{answer.json()['event_id']}"
        answer = httpx.get(address + path, timeout=30)
        assert "event: error" in answer.text
    assert len(answer.text) < 600 and "x" * 100 not in answer.text


def test_a_path_that_is_refused_is_not_sent_back_whole(address):
    answer = httpx.get(f"{address}/gradio_api/file={_LONG}")
    assert answer.status_code == 403 and len(answer.text) < 300


@pytest.mark.parametrize("number", [-1, 999_999])
def test_a_call_by_an_unknown_number_gets_a_sentence(address, number, capfd):
    body = {"data": [], "fn_index": number, "session_hash": "a"}
    server = {"data": [], "component_id": number, "fn_name": "x", "session_hash": "a"}
    form = {"x": (None, "y")}
    for answer in (
        httpx.post(f"{address}/gradio_api/queue/join", json=body),
        httpx.post(f"{address}/gradio_api/run/about", json=body),
        httpx.post(f"{address}/gradio_api/run/nothing", json={"data": []}),
        httpx.post(f"{address}/gradio_api/call/nothing", json={"data": []}),
        httpx.post(f"{address}/gradio_api/component_server", json=server),
        httpx.post(f"{address}/gradio_api/component_server", files=form),
    ):
        assert 400 <= answer.status_code < 500 and answer.json()["detail"]
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("path", ["queue/data?session_hash=nobody", "call/about/no", "call/x/y"])
def test_an_unknown_event_leaves_no_traceback(address, path, capfd):
    assert "404" in httpx.get(f"{address}/gradio_api/{path}", timeout=30).text
    assert httpx.get(address + "/healthz").status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def post_json(address: str, route: str, body: bytes) -> httpx.Response:
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    return httpx.post(f"{address}/gradio_api/{route}", content=body, headers=headers, timeout=30)


def test_large_json_is_refused_by_the_site(address):
    answer = httpx.post(f"{address}/gradio_api/queue/join", json={"data": ["x" * 2 * MB]})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["upload", "queue/join", "run/search", "call/search"])
def test_a_large_body_without_a_length_is_refused_by_the_site(address, path):
    def body():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        for _ in range(41 if path == "upload" else 2):
            yield b"x" * MB

    kind = "multipart/form-data; boundary=x" if path == "upload" else "application/json"
    with httpx.Client() as client:
        answer = client.post(
            f"{address}/gradio_api/{path}", content=body(), headers={"content-type": kind}
        )
    assert answer.status_code == 413 and "too large" in answer.text


def test_idle_connections_are_closed_and_the_site_stays_open(address):
    host, port = address.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(100)]
    deadline = time.monotonic() + 20
    closed = 0
    while closed < 60 and time.monotonic() < deadline:
        time.sleep(0.5)
        closed = sum(_is_closed(connection) for connection in idle)
    assert closed >= 60, "of one client only a few may be idle"
    assert httpx.get(address + "/healthz").status_code == 200
    for connection in idle:
        connection.close()


@pytest.fixture
def crowded():
    """The address of a server of at most 100 connections that closes the surplus above 50."""
    protocol = serving.without_surplus(AutoHTTPProtocol, 50)

    async def app(scope, receive, send):
        if scope["path"] == "/slow":
            await asyncio.sleep(1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answered"})

    port = free_port()
    config = uvicorn.Config(
        app, port=port, http=protocol, limit_concurrency=100, lifespan="off", log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(30)


def test_one_client_that_opens_many_connections_keeps_nobody_out(crowded):
    busy = socket.create_connection(("127.0.0.1", crowded))
    busy.sendall(b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    idle = []
    for _ in range(10):
        for _ in range(30):
            idle.append(socket.create_connection(("127.0.0.1", crowded)))
            idle[-1].sendall(b"GET / HTTP/1.1\r\nx: ")  # and never the end
        assert httpx.get(f"http://127.0.0.1:{crowded}/", timeout=30).text == "answered"
    assert busy.recv(1000).startswith(b"HTTP/1.1 200"), "what is being answered is no surplus"
    for connection in (busy, *idle):
        connection.close()


class Answered:
    """A request that was answered."""

    response_complete = True


class Connection:
    """A connection of uvicorn on a loop that does what it is told only when `run` is called."""

    client = ("127.0.0.1", 1)

    def __init__(self):
        self.loop = self.transport = self
        self.cycle, self.closed, self.told = None, False, []

    def answered(self):
        self.cycle = Answered()

    def call_soon_threadsafe(self, function, *args):
        self.told.append((function, args))

    def run(self):
        for function, args in self.told:
            function(*args)

    def close(self):
        self.closed = True


def test_a_connection_that_is_used_again_and_again_is_not_idle():
    idle, used, just_used = one = [Connection() for _ in range(3)]
    since = {}
    for now in (0, 10, 20):
        used.answered()
        since = serving.close_idle(one, since, now, idle_seconds=15)
    just_used.answered()  # after it was found idle, before the loop closes it
    for connection in one:
        connection.run()
    assert [connection.closed for connection in one] == [True, False, False]
    assert idle.told and just_used.told and not used.told


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_machine_that_is_too_busy_to_answer_at_once_does_not_stop_the_start(monkeypatch):
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)
    with gr.Blocks() as site:
        gr.Textbox()
    port = free_port()
    serving.launch(site, GuardOptions(), server_name="127.0.0.1", server_port=port, quiet=True)
    try:
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code == 200
    finally:
        site.close()
