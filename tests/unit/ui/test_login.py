"""With users set, nothing of the catalogue is shown to whoever has not logged in."""

from __future__ import annotations

from importlib import metadata

import httpx
import pytest
from gradio_client import Client

from lookbook.search.index import Index
from lookbook.ui import build_site, serving
from lookbook.ui import login as login_module
from lookbook.ui.guard import GuardOptions
from lookbook.ui.login import Login, Sessions, parse_users
from tests.ports import free_port
from tests.tiny_index import publish_tiny

SHOP = "https://shop.example"
PASSWORD = "open sesame"  # as of the test's own site


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A site on a tiny index behind a login, and its address."""
    folder = tmp_path_factory.mktemp("site")
    publish_tiny(folder / "index")
    site = build_site(Index.open(folder / "index"), lambda: None, state=folder / "state")
    port = free_port()
    serving.launch(
        site, GuardOptions(rate=50, embed_origins=(SHOP,)), site.checks, routes=site.routes,
        picture_folder=site.picture_folder, users={"ann": PASSWORD, "bob": "b"},
        server_name="127.0.0.1", server_port=port, quiet=True, mcp_server=True,
    )  # fmt: skip
    yield site, f"http://127.0.0.1:{port}"
    site.close()


@pytest.fixture(scope="module")
def address(served):
    return served[1]


def routes(site) -> list[str]:
    """Every address that the server knows, its parameters filled in."""
    paths = [*site.app.openapi()["paths"], "/gradio_api/mcp/", "/gradio_api/mcp/sse"]
    picture = "/pictures/" + "0" * 32 + ".webp"
    filled = [
        path.replace("{digest}", "0" * 32).replace("{", "").replace("}", "") for path in paths
    ]
    return [*filled, picture, "/embed/similar?item=a-1", "/embed/similar.json?item=a-1"]


def test_no_address_tells_anything_of_the_catalogue_without_login(served):
    site, address = served
    tried = 0
    for path in routes(site):
        for method in ("GET", "POST"):
            answer = httpx.request(method, address + path)
            assert answer.status_code in (200, 401, 404, 405, 422, 302, 303, 307, 400), path
            assert "a-1" not in answer.text and "a shirt" not in answer.text, path
            assert "search_by" not in answer.text, path
            tried += 1
    assert tried > 60


@pytest.mark.parametrize(
    "path",
    [
        *("/config", "/gradio_api/info", "/gradio_api/call/about/1", "/gradio_api/mcp/"),
        *("/embed/similar.json?item=a-1", "/embed/look?item=a-1", "/embed/widget.js"),
        *("/gradio_api/file=/etc/hostname", "/pictures/" + "0" * 32 + ".webp"),
        *("/gradio_api/queue/data", "/gradio_api/heartbeat/a", "/gradio_api/upload"),
    ],
)
def test_a_refusal_asks_for_the_login(address, path):
    answer = httpx.get(address + path)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "Please log in first."
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_no_proxy_keeps_what_is_behind_a_login(address):
    path = f"/plotly-{metadata.version('plotly')}.js"
    answer = httpx.get(address + path, auth=("ann", PASSWORD))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_picture_that_is_there_is_behind_the_login_too(served, method):
    site, address = served
    name = "f" * 32 + ".webp"
    (site.picture_folder / name).write_bytes(b"a picture")
    refused = httpx.request(method, f"{address}/pictures/{name}")
    assert refused.status_code == 401 and b"a picture" not in refused.content
    answer = httpx.request(method, f"{address}/pictures/{name}", auth=("ann", PASSWORD))
    assert answer.status_code == 200
    assert answer.content == (b"a picture" if method == "GET" else b"")
    assert answer.headers["content-length"] == str(len(b"a picture"))
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_health_needs_no_login(address):
    assert httpx.get(address + "/healthz").status_code == 200
    assert httpx.get(address + "/readyz").status_code in (200, 503)


def test_the_form_lets_in_who_knows_the_password(address):
    with httpx.Client(base_url=address) as client:
        assert "auth_required" in client.get("/").text
        wrong = client.post("/login", data={"username": "ann", "password": "b"})
        assert wrong.status_code == 400
        assert client.get("/config").status_code == 401
        right = client.post("/login", data={"username": "ann", "password": PASSWORD})
        assert right.json() == {"success": True}
        assert client.get("/config").json()["username"] == "ann"
        shown = client.get("/embed/similar.json?item=a-1")
        assert len(shown.json()["items"]) == 8


def test_programs_send_the_password_along(address):
    right = ("ann", PASSWORD)
    assert httpx.get(address + "/gradio_api/info", auth=right).status_code == 200
    assert httpx.get(address + "/embed/look.json?item=a-1", auth=right).status_code == 200
    for wrong in (("ann", "b"), ("bob", PASSWORD), ("", ""), ("ann", "")):
        assert httpx.get(address + "/gradio_api/info", auth=wrong).status_code == 401
    for header in ("Basic", "Basic ???", "Bearer x", "basic " + "A" * 10_000):
        answer = httpx.get(address + "/gradio_api/info", headers={"authorization": header})
        assert answer.status_code == 401


@pytest.mark.parametrize("cookie", ["access-token-unsecure-x=y", "=;;=", "access-token="])
def test_an_invented_cookie_is_none(address, cookie):
    assert httpx.get(address + "/config", headers={"cookie": cookie}).status_code == 401


def test_the_client_of_the_api_logs_in(address):
    client = Client(address, auth=("ann", PASSWORD), verbose=False)
    assert client.predict(api_name="/about")["pieces"] == 30


def test_tools_answer_who_logged_in(address):
    call = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "about", "arguments": {}},
    }  # fmt: skip
    headers = {"accept": "application/json, text/event-stream"}
    url = address + "/gradio_api/mcp/"
    assert httpx.post(url, json=call, headers=headers).status_code == 401
    names = httpx.post(
        url, json=call | {"method": "tools/list", "params": {}}, headers=headers,
        auth=("ann", PASSWORD), timeout=120,  # the tools are made now
    )  # fmt: skip
    assert names.status_code == 200
    name = next(part for part in names.text.split('"') if part.endswith("about"))
    call["params"]["name"] = name
    answer = httpx.post(url, json=call, headers=headers, auth=("ann", PASSWORD), timeout=120)
    assert "pieces" in answer.text and 'isError":true' not in answer.text


def test_a_logout_ends_one_session_of_the_form_or_all(address):
    one, other = httpx.Client(base_url=address), httpx.Client(base_url=address)
    for browser in (one, other):
        browser.post("/login", data={"username": "bob", "password": "b"})
        assert browser.get("/config").status_code == 200
    one.get("/logout")
    assert (one.get("/config").status_code, other.get("/config").status_code) == (401, 200)
    other.get("/logout?everywhere=1")
    assert other.get("/config").status_code == 401


def test_guessing_passwords_is_slow(served, monkeypatch):
    site, address = served
    buckets = serving.guard_of(site).buckets
    now = buckets.clock()
    monkeypatch.setattr(buckets, "clock", lambda: now)  # however long the guesses take
    guesses = [{"username": "ann", "password": str(n)} for n in range(40)]
    codes = [httpx.post(address + "/login", data=guess).status_code for guess in guesses]
    assert codes.count(429) >= 8 and set(codes) == {400, 429}


@pytest.mark.parametrize("text", ["ann", "ann:", ":x", "ann:x,bob"])
def test_a_user_without_password_is_refused(text):
    with pytest.raises(ValueError, match="expected USER:PASSWORD") as refused:
        parse_users(text)
    assert "x" not in str(refused.value).replace("expected", "")


def test_several_users_are_read():
    assert parse_users("ann:x:y, bob:z") == {"ann": "x:y", "bob": "z"}
    assert parse_users("") == {}


def test_a_session_ends_by_itself():
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    token = sessions.begin("ann")
    sessions["of gradio's form"] = "bob"
    assert sessions[token] == "ann" and set(sessions.values()) == {"ann", "bob"}
    now[0] = login_module.SESSION_SECONDS - 1
    assert token in sessions
    now[0] += 1
    assert token not in sessions and sessions.get("of gradio's form") is None
    assert len(sessions) == 0


def test_of_many_sessions_the_newest_are_kept(monkeypatch):
    monkeypatch.setattr(login_module, "_MAX_OF_USER", 3)
    monkeypatch.setattr(login_module, "_MAX_SESSIONS", 5)
    sessions = Sessions()
    of_ann = [sessions.begin("ann") for _ in range(6)]
    assert [token in sessions for token in of_ann] == [False] * 3 + [True] * 3
    of_bob = [sessions.begin("bob") for _ in range(3)]
    assert [token in sessions for token in [*of_ann[3:], *of_bob]] == [False] + [True] * 5


def test_the_session_of_the_tools_stays_however_many_log_in(monkeypatch):
    monkeypatch.setattr(login_module, "_MAX_SESSIONS", 3)
    login = Login({}, Sessions(), "access-token-unsecure-x")
    token = login.cookie_of_tools().partition("=")[2]
    of_others = [login.sessions.begin(f"user {n}") for n in range(5)]
    assert token in login.sessions
    assert [other in login.sessions for other in of_others] == [False] * 3 + [True] * 2


def test_a_logout_everywhere_with_two_sessions_of_one_user_in_the_cookie():
    login = Login({}, Sessions(), "access-token-x")
    of_ann = [login.sessions.begin("ann") for _ in range(3)]
    of_bob = login.sessions.begin("bob")
    cookie = f"access-token-x={of_ann[0]}; access-token-unsecure-x={of_ann[1]}"
    assert len(login._tokens(cookie)) == 2
    login.log_out(cookie, everywhere=True)
    assert list(login.sessions) == [of_bob]


def test_a_session_ends_while_others_are_walked_through():
    sessions = Sessions(lambda: 0.0)
    tokens = [sessions.begin(user) for user in ("ann", "bob", "eve")]
    before = sessions._sessions
    del sessions[tokens[1]]
    assert list(before) == tokens, "who walks through the sessions has all of them"
    assert list(sessions) == [tokens[0], tokens[2]]
    with pytest.raises(KeyError):
        del sessions[tokens[1]]


def test_tools_go_on_when_sessions_end_and_no_user_ends_theirs():
    now = [0.0]
    login = Login({"ann": "b"}, Sessions(lambda: now[0]), "access-token-unsecure-x")
    cookie = login.cookie_of_tools()
    now[0] = 1e9
    for user in ("ann", "mcp", "tools", "hub:tools"):
        login.sessions.end_all_of(user)
    scope = {"path": "/config", "headers": [(b"cookie", cookie.encode())]}
    assert login.admits(scope)
