"""Login with Hugging Face: OpenID Connect (authlib) in front of everything.

Who comes back from the Hub gets the cookie of `Login`, as after the form with names and passwords.
On a Space, `hf_oauth: true` in the head of README.md gives the variables; elsewhere an OAuth app of
huggingface.co does (https://huggingface.co/docs/hub/oauth), with SITE/login/callback as its
redirect address.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

from lookbook.ui.login import HUB_CALLBACK, HUB_PAGE, SESSION_SECONDS
from lookbook.ui.messages import _

try:  # as authlib chooses
    from httpx2 import HTTPError
except ImportError:
    from httpx import HTTPError  # type: ignore[assignment]

_VARIABLES = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")
_SCOPES = "openid profile"
_QUERY = "query"  # of the page that was asked for, in the cookie of a login under way
_MAX_QUERY = 1500  # characters: a browser keeps no cookie of more than 4 KB


@dataclass(frozen=True)
class HubLogin:
    """How the Hub is asked who a visitor is; `host` is the public one of a Space, else "".

    `allowed` are names of users and organisations; none of them: whoever has an account.
    """

    client_id: str
    client_secret: str
    provider: str
    allowed: frozenset[str]
    host: str = ""

    @classmethod
    def of(cls, allowed: frozenset[str], environment: Mapping[str, str]) -> HubLogin:
        """Read the variables of a Space. Raises ValueError where one is missing."""
        missing = [name for name in _VARIABLES if not environment.get(name)]
        if missing:
            raise ValueError(
                f"--auth huggingface: {' and '.join(missing)} must be set. On a Space, hf_oauth: "
                "true in the head of README.md does that; elsewhere an OAuth app of "
                "huggingface.co gives them"
            )
        provider = environment.get("OPENID_PROVIDER_URL") or "https://huggingface.co"
        host = environment.get("SPACE_HOST", "").split(",")[0].strip()
        client_id, client_secret = (environment[name] for name in _VARIABLES)
        return cls(client_id, client_secret, provider.rstrip("/"), allowed, host)

    def middleware(self) -> Middleware:
        """Return what keeps the state of a login under way in a signed cookie."""
        key = hashlib.sha256(f"lookbook {self.client_secret}".encode()).hexdigest()
        return Middleware(
            SessionMiddleware,
            secret_key=key,
            session_cookie="hub-login",
            max_age=600,
            same_site="lax",
            https_only=bool(self.host),
        )

    def router(self) -> APIRouter:
        """Return the two addresses of a login."""
        from authlib.integrations.base_client.errors import OAuthError
        from authlib.integrations.starlette_client import OAuth
        from joserfc.errors import JoseError

        router = APIRouter(include_in_schema=False)
        hub = OAuth().register(
            "hub",
            client_id=self.client_id,
            client_secret=self.client_secret,
            server_metadata_url=f"{self.provider}/.well-known/openid-configuration",
            client_kwargs={"scope": _SCOPES},
        )

        @router.get(HUB_PAGE)
        async def begin(request: Request) -> Response:
            """Send the visitor to the Hub."""
            here = f"https://{self.host}" if self.host else str(request.base_url).rstrip("/")
            query = request.url.query
            request.session[_QUERY] = query if len(query) <= _MAX_QUERY else ""
            try:
                answer: Response = await hub.authorize_redirect(request, here + HUB_CALLBACK)
            except HTTPError:
                return HTMLResponse(page(query, _("Hugging Face does not answer.")), 502)
            return answer

        @router.get(HUB_CALLBACK)
        async def end(request: Request) -> Response:
            """Let in whom the Hub knows, if the site is for them."""
            query = str(request.session.pop(_QUERY, ""))
            try:
                token = await hub.authorize_access_token(request)
                claims = await hub.userinfo(token=token)
                _refuse_another(token, claims)
            # the visitor said no, the login is too old, or the answer is not the Hub's
            except (OAuthError, JoseError, ValueError):
                return HTMLResponse(page(query, _("The login did not succeed.")), 401)
            except HTTPError:
                return HTMLResponse(page(query, _("Hugging Face does not answer.")), 502)
            name = str(claims.get("preferred_username") or "")
            if not name or (self.allowed and not self.allowed & names(claims)):
                return HTMLResponse(page(query, _("This site is not open to your account.")), 403)
            return self._let_in(name, query, request)

        return router

    def _let_in(self, name: str, query: str, request: Request) -> Response:
        # of the link that was asked for only the query string is kept, so that no login leads to
        # another site
        response, login = RedirectResponse(f"/?{query}" if query else "/", 303), request.app.login
        response.set_cookie(
            login.cookie,
            # no user of the Hub is taken for the site's own client, or for a user with a password
            login.sessions.begin(f"hub:{name}"),
            max_age=int(SESSION_SECONDS),
            httponly=True,
            secure=bool(self.host) or request.url.scheme == "https",
            samesite="none" if self.host else "lax",  # the Hub shows a Space in a frame
        )
        return response


def _refuse_another(token: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Raise ValueError where the identity of a login and the user's data are of two people."""
    identity = token.get("userinfo")
    if not identity or identity.get("sub") != claims.get("sub"):
        raise ValueError("the provider's two answers are not of the same person")


def names(claims: Mapping[str, Any]) -> set[str]:
    """Return the names of a user and of the organisations that the Hub says they belong to."""
    organisations = claims.get("orgs") or []
    found = [claims, *(one for one in organisations if isinstance(one, Mapping))]
    return {str(one["preferred_username"]) for one in found if one.get("preferred_username")}


def page(query: str, sentence: str = "") -> str:
    """Return the page of whoever is not logged in and asked for the view of a query string.

    The Hub's own page opens in no frame.
    """
    address = html.escape(f"{HUB_PAGE}?{query}" if query else HUB_PAGE)
    text = f"<p>{html.escape(sentence)}</p>" if sentence else ""
    link = html.escape(_("Log in with Hugging Face"))
    return (
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<style>body{font:1.1rem system-ui;display:grid;place-content:center;min-height:90vh;"
        "text-align:center}a{padding:.8em 1.4em;border:1px solid;border-radius:2em;color:inherit;"
        f"text-decoration:none}}</style><title>{link}</title><main>{text}"
        f"<a href='{address}' target=_blank rel=noopener>{link}</a></main>"
    )
