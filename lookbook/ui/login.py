"""Login before everything: by gradio's form and cookie, or by HTTP Basic authentication.

`hub_login` gives the same cookie to whoever logs in with Hugging Face. Each login is a session of
its own, which ends by itself after SESSION_SECONDS.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

SESSION_SECONDS = 12 * 3600.0  # from a login until the next one is needed
_MAX_OF_USER, _MAX_SESSIONS = 50, 10_000
_TOOLS = ":tools"  # user of the site's own client; no name before a password has a colon

# what the form of the login itself needs, without anything of the catalogue
_OPEN = re.compile(
    r"/(login/?|logout/?|favicon\.ico|theme\.css|(assets|static|svelte)/.*)?"
    r"|/gradio_api/(login_check/?|app_id/?|user/?|startup-events|theme\.css)",
    re.DOTALL,
)

HUB_PAGE, HUB_CALLBACK = "/login/huggingface", "/login/callback"
_OPEN_TO_HUB = re.compile(
    rf"{HUB_PAGE}|{HUB_CALLBACK}|/logout/?|/favicon\.ico|/gradio_api/startup-events"
)


def parse_hub_names(text: str) -> frozenset[str] | None:
    """Read huggingface or huggingface=NAME,NAME; None where it is neither. Raises ValueError."""
    provider, equals, names = text.partition("=")
    if provider.strip() != "huggingface":
        return None
    found = frozenset(filter(None, (name.strip() for name in names.split(","))))
    if equals and not found:  # a variable that is empty must not open the site to everybody
        raise ValueError(
            "--auth huggingface=: expected names of users or organisations, found none"
        )
    return found


def parse_users(text: str) -> dict[str, str]:
    """Read USER:PASSWORD, several separated by commas; raises ValueError."""
    users: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        user, colon, password = part.partition(":")
        if not (user and colon and password):
            raise ValueError("--auth: expected USER:PASSWORD, found a part without one of the two")
        users[user] = password
    return users


class Sessions(MutableMapping[str, str]):
    """The sessions of who has logged in, {token: user}; each ends by itself.

    A mapping, as gradio's form sets the token of a new session and its routes look it up. Of one
    user, and of all together, only the newest sessions that end are kept.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._sessions: dict[str, tuple[str, float]] = {}  # user and end, the oldest first

    def begin(self, user: str, seconds: float = SESSION_SECONDS) -> str:
        """Return the token of a new session of a user."""
        token = secrets.token_urlsafe(32)
        self._keep(token, user, seconds)
        return token

    def end_all_of(self, user: str) -> None:
        """End every session of a user, in whatever browser."""
        with self._lock:
            kept = {t: s for t, s in self._sessions.items() if s[0] != user}
            self._sessions = kept

    def __getitem__(self, token: str) -> str:
        user, end = self._sessions[token]
        if end <= self._clock():
            raise KeyError(token)
        return user

    def __setitem__(self, token: str, user: str) -> None:
        self._keep(token, user, SESSION_SECONDS)

    def __delitem__(self, token: str) -> None:
        with self._lock:  # a copy: `__iter__` may be walking the other in another thread
            kept = dict(self._sessions)
            del kept[token]
            self._sessions = kept

    def __iter__(self) -> Iterator[str]:
        now = self._clock()
        return iter([t for t, (_user, end) in self._sessions.items() if end > now])

    def __len__(self) -> int:
        return sum(1 for _token in self)

    def _keep(self, token: str, user: str, seconds: float) -> None:
        now = self._clock()
        with self._lock:
            live = {t: s for t, s in self._sessions.items() if s[1] > now}
            own = [t for t, (name, _end) in live.items() if name == user]
            for surplus in own[: max(0, len(own) - _MAX_OF_USER + 1)]:
                del live[surplus]
            ending = [t for t, (_name, end) in live.items() if end < math.inf]
            for surplus in ending[: max(0, len(live) - _MAX_SESSIONS + 1)]:
                del live[surplus]
            self._sessions = live | {token: (user, now + seconds)}


class Login:
    """Who may see the site: `users` are names and passwords, `sessions` those of who logged in.

    The name of the `cookie` is gradio's, see `gradio.routes.App`. `page` makes of a query string
    what is shown to others instead of gradio's form, None: the form.
    """

    def __init__(
        self,
        users: Mapping[str, str],
        sessions: Sessions,
        cookie: str,
        page: Callable[[str], str] | None = None,
    ) -> None:
        self.page, self.sessions, self.cookie = page, sessions, cookie
        self._users = dict(users)
        self._of_program: dict[str, str] = {}

    def admits(self, scope: MutableMapping[str, Any]) -> bool:
        """Whether a request may pass; one with a password gets the cookie that gradio looks for."""
        if (_OPEN_TO_HUB if self.page else _OPEN).fullmatch(scope["path"]):
            return True
        headers = dict(scope["headers"])
        if self._tokens(headers.get(b"cookie", b"").decode("latin-1")):
            return True
        user = self._user(headers.get(b"authorization", b"").decode("latin-1"))
        if user is None:
            return False
        others = [pair for pair in scope["headers"] if pair[0] != b"cookie"]
        scope["headers"] = [*others, (b"cookie", self._cookie_of_program(user).encode())]
        return True

    def cookie_of_tools(self) -> str:
        """Return the cookie of the site's own client, whose session does not end."""
        return f"{self.cookie}={self.sessions.begin(_TOOLS, math.inf)}"

    def log_out(self, text: str, everywhere: bool = False) -> None:
        """End the session of a Cookie header, or all sessions of its user."""
        tokens = self._tokens(text)
        users = [self.sessions.pop(token, None) for token in tokens]
        for user in set(users) if everywhere else ():
            if user is not None:  # ended meanwhile
                self.sessions.end_all_of(user)

    def _cookie_of_program(self, user: str) -> str:
        """Return the cookie of a user whose programs send the password with each request."""
        if self._of_program.get(user) not in self.sessions:
            self._of_program[user] = self.sessions.begin(user)
        return f"{self.cookie}={self._of_program[user]}"

    def _tokens(self, text: str) -> list[str]:
        """The tokens of sessions in a Cookie header: of gradio's two cookies, each once."""
        try:
            cookies = SimpleCookie(text)
        except CookieError:
            return []
        name = self.cookie.replace("-unsecure", "", 1)
        found = {m.value for n, m in cookies.items() if n.replace("-unsecure", "", 1) == name}
        return [token for token in found if token in self.sessions]

    def _user(self, authorization: str) -> str | None:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return None
        found = None
        for user, password in self._users.items():  # all of them: the time tells nothing
            if hmac.compare_digest(given, f"{user}:{password}".encode()):
                found = user
        return found


def router() -> APIRouter:
    """Return the address that logs out of one browser; with ?everywhere=1, out of all of them.

    Links of other sites log nobody out.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.get("/logout")
    @routes.get("/logout/")
    def log_out(request: Request, everywhere: bool = False) -> Response:
        login, response = request.app.login, RedirectResponse("/", 303)
        if login is None or request.headers.get("sec-fetch-site") == "cross-site":
            return response
        login.log_out(request.headers.get("cookie", ""), everywhere)
        for name in (login.cookie, login.cookie.replace("-unsecure", "", 1)):
            response.delete_cookie(name)
        return response

    return routes
