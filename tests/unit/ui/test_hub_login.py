"""Login with Hugging Face, played by a provider of OpenID Connect on this machine."""

from __future__ import annotations

import html
import secrets
import threading
import time

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Form, Header
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from lookbook.search.index import Index
from lookbook.ui import build_site, serving
from lookbook.ui.guard import GuardOptions
from lookbook.ui.hub_login import HubLogin, names
from lookbook.ui.login import parse_hub_names
from tests.ports import free_port
from tests.tiny_index import publish_tiny

CLIENT, SECRET = "client", "its secret"
MEMBER = {"sub": "1", "preferred_username": "ann", "orgs": [{"preferred_username": "our-shop"}]}
STRANGER = {"sub": "2", "preferred_username": "eve", "orgs": []}


class OtherNonces(dict):
    """Of a provider that answers with the identity of another login."""

    def pop(self, code):
        return "of another login"


class Provider:
    """An identity provider: whoever asks to log in is `person`, at once."""

    def __init__(self) -> None:
        self.port, self.person, self.key = free_port(), MEMBER, RSAKey.generate_key(2048)
        self.identity = None  # of the signed token, where it is not that of `person`
        self.url, self.codes = f"http://127.0.0.1:{self.port}", {}
        config = uvicorn.Config(self.app(), port=self.port, log_level="error")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def metadata():
            places = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            found = {f"{name}_endpoint": f"{self.url}/{path}" for name, path in places.items()}
            return found | {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}

        @app.get("/jwks")
        def jwks():
            return {"keys": [self.key.as_dict(private=False) | {"alg": "RS256", "use": "sig"}]}

        @app.get("/authorize")
        def authorize(redirect_uri: str, state: str, client_id: str, nonce: str):
            assert client_id == CLIENT
            code = secrets.token_urlsafe()
            self.codes[code] = nonce
            return RedirectResponse(f"{redirect_uri}?code={code}&state={state}")

        @app.post("/token")
        def token(code: str = Form(), authorization: str = Header()):
            nonce, now = self.codes.pop(code), int(time.time())
            claims = {"iss": self.url, "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 60}
            sub = (self.identity or self.person)["sub"]
            signed = jwt.encode({"alg": "RS256"}, claims | {"sub": sub}, self.key)
            return {"access_token": "access", "token_type": "bearer", "id_token": signed}

        @app.get("/userinfo")
        def userinfo(authorization: str = Header()):
            assert authorization == "Bearer access"
            return self.person

        return app


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    yield provider
    provider.server.should_exit = True
    provider.thread.join(10)


@pytest.fixture(scope="module")
def address(tmp_path_factory, provider):
    """A site that is open to the members of our-shop."""
    folder = tmp_path_factory.mktemp("site")
    publish_tiny(folder / "index")
    site = build_site(Index.open(folder / "index"), lambda: None, state=folder / "state")
    hub = HubLogin(CLIENT, SECRET, provider.url, frozenset({"our-shop"}))
    port = free_port()
    serving.launch(
        site, GuardOptions(rate=0), site.checks, routes=site.routes, hub=hub,
        server_name="127.0.0.1", server_port=port, quiet=True, mcp_server=True,
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}"
    site.close()


@pytest.fixture
def visitor(address, provider):
    provider.person = MEMBER
    with httpx.Client(base_url=address, follow_redirects=True, timeout=30) as client:
        yield client


def test_nothing_is_shown_before_the_login(visitor):
    shown = visitor.get("/")
    assert shown.status_code == 401 and "/login/huggingface" in shown.text
    for path in ("/config", "/gradio_api/info", "/pictures/" + "0" * 32 + ".webp", "/login"):
        assert visitor.get(path).status_code == 401, path


def test_a_member_of_the_organisation_sees_the_site(visitor):
    shown = visitor.get("/login/huggingface")
    assert shown.status_code == 200 and shown.url.path == "/"
    assert visitor.get("/config").json()["components"]


def test_whoever_logs_out_can_log_in_again(visitor):
    visitor.get("/login/huggingface")
    visitor.get("/logout")
    assert visitor.get("/config").status_code == 401
    visitor.get("/login/huggingface")
    assert visitor.get("/config").status_code == 200


def test_each_browser_has_a_session_of_its_own(address, visitor):
    with httpx.Client(base_url=address, follow_redirects=True, timeout=30) as other:
        for browser in (visitor, other):
            browser.get("/login/huggingface")
        tokens = [{value for name, value in b.cookies.items()} for b in (visitor, other)]
        assert not tokens[0] & tokens[1]
        visitor.get("/logout", headers={"sec-fetch-site": "cross-site"})
        assert visitor.get("/config").status_code == 200, "a link of another site logged out"
        visitor.get("/logout")
        assert visitor.get("/config").status_code == 401
        assert other.get("/config").status_code == 200
        visitor.get("/login/huggingface")
        visitor.get("/logout", params={"everywhere": 1})
        assert other.get("/config").status_code == 401


def test_the_view_that_was_asked_for_is_shown_after_the_login(visitor):
    shown = visitor.get("/?item=a-1&where=colour%3Dred&n=5")
    address = html.unescape(shown.text.split("<a href='")[1].split("'")[0])
    assert address == "/login/huggingface?item=a-1&where=colour%3Dred&n=5"
    shown = visitor.get(address)
    assert shown.status_code == 200 and shown.url.path == "/"
    assert shown.url.query == b"item=a-1&where=colour%3Dred&n=5"
    visitor.get("/logout")
    assert visitor.get("/login/huggingface").url.query == b"", "the view of an earlier login"


@pytest.mark.parametrize(
    "query",
    [
        *("next=https://evil.example", "//evil.example", "/../evil", "@evil.example", "#x"),
        *("%0d%0alocation:https://evil.example", "\\\\evil.example", "x" * 3000, "a='><script>x"),
    ],
)
def test_no_login_leads_to_another_site(visitor, address, query):
    shown = visitor.get(f"{address}/?{query}")
    assert "<script" not in shown.text and "evil" not in str(shown.headers)
    link = html.unescape(shown.text.split("<a href='")[1].split("'")[0])
    assert link.startswith("/login/huggingface")
    for wanted in (link, f"/login/huggingface?{query}"):
        shown = visitor.get(wanted)
        assert shown.url.host == "127.0.0.1" and shown.url.path == "/"
        assert all(step.url.host == "127.0.0.1" for step in shown.history)
        assert not shown.history[-1].headers["location"].startswith("//")


def test_two_answers_about_two_people_let_nobody_in(visitor, provider, monkeypatch):
    monkeypatch.setattr(provider, "identity", STRANGER)
    assert visitor.get("/login/huggingface").status_code == 401
    assert visitor.get("/config").status_code == 401


def test_an_identity_for_another_login_lets_nobody_in(visitor, provider, monkeypatch):
    monkeypatch.setattr(provider, "codes", OtherNonces())
    shown = visitor.get("/login/huggingface")
    assert shown.status_code == 401 and "did not succeed" in shown.text
    assert visitor.get("/config").status_code == 401


def test_a_stranger_is_told_that_the_site_is_not_open_to_them(visitor, provider):
    provider.person = STRANGER
    shown = visitor.get("/login/huggingface")
    assert shown.status_code == 403 and "not open to your account" in shown.text
    assert visitor.get("/config").status_code == 401


def test_an_answer_that_was_not_asked_for_lets_nobody_in(visitor):
    forged = visitor.get("/login/callback", params={"code": "x", "state": "y"})
    assert forged.status_code == 401 and "did not succeed" in forged.text
    assert visitor.get("/config").status_code == 401


def test_a_hub_that_is_away_is_named(tmp_path):
    publish_tiny(tmp_path / "index")
    site = build_site(Index.open(tmp_path / "index"), lambda: None, state=tmp_path / "state")
    hub = HubLogin(CLIENT, SECRET, f"http://127.0.0.1:{free_port()}", frozenset())
    port = free_port()
    serving.launch(
        site, GuardOptions(rate=0), hub=hub, server_name="127.0.0.1", server_port=port, quiet=True
    )
    answer = httpx.get(f"http://127.0.0.1:{port}/login/huggingface")
    site.close()
    assert answer.status_code == 502 and "does not answer" in answer.text


def test_names_are_those_of_the_user_and_of_their_organisations():
    assert names(MEMBER) == {"ann", "our-shop"}
    assert names({"preferred_username": "ann", "orgs": None}) == {"ann"}


def test_what_auth_may_say():
    assert parse_hub_names("huggingface") == frozenset()
    assert parse_hub_names("huggingface=ann, our-shop") == {"ann", "our-shop"}
    assert parse_hub_names("huggingface:password") is None
    assert parse_hub_names("ann:password") is None
    for empty in ("huggingface=", "huggingface= ,"):
        with pytest.raises(ValueError, match="expected names"):
            parse_hub_names(empty)


def test_without_the_variables_of_a_space_a_sentence_says_how_to_get_them():
    with pytest.raises(ValueError, match=r"OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET.*hf_oauth"):
        HubLogin.of(frozenset(), {})
    found = HubLogin.of(
        frozenset(),
        {"OAUTH_CLIENT_ID": "a", "OAUTH_CLIENT_SECRET": "b", "SPACE_HOST": "x.hf.space,y"},
    )
    assert (found.provider, found.host) == ("https://huggingface.co", "x.hf.space")
