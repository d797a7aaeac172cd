"""Login before everything: by gradio's form and cookie, or by HTTP Basic authentication.

`hub_login` gives the same cookie to whoever logs in with Hugging Face.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

# what the form of the login itself needs, without anything of the catalogue
_OPEN = re.compile(
    r"/(login/?|logout/?|favicon\.ico|theme\.css|(assets|static|svelte)/.*)?"
    r"|/gradio_api/(login_check/?|app_id/?|user/?|startup-events|theme\.css)",
    re.DOTALL,
)

HUB_PAGE, HUB_CALLBACK = "/login/huggingface", "/login/callback"
_OPEN_TO_HUB = re.compile(rf"{HUB_PAGE}|{HUB_CALLBACK}|/favicon\.ico|/gradio_api/startup-events")


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


class Login:
    """Who may see the site: `users` are names and passwords, `tokens` those of who logged in.

    `tokens` and the name of the `cookie` are gradio's, see `gradio.routes.App`. `page` is what is
    shown to others instead of gradio's form, None: the form.
    """

    def __init__(
        self,
        users: Mapping[str, str],
        tokens: MutableMapping[str, str],
        cookie: str,
        page: Callable[[], str] | None = None,
    ) -> None:
        self.page = page
        self._users, self._tokens, self.cookie = dict(users), tokens, cookie
        self._of_user: dict[str, str] = {}

    def admits(self, scope: MutableMapping[str, Any]) -> bool:
        """Whether a request may pass; one with a password gets the cookie that gradio looks for."""
        if (_OPEN_TO_HUB if self.page else _OPEN).fullmatch(scope["path"]):
            return True
        headers = dict(scope["headers"])
        if self._has_cookie(headers.get(b"cookie", b"").decode("latin-1")):
            return True
        user = self._user(headers.get(b"authorization", b"").decode("latin-1"))
        if user is None:
            return False
        others = [pair for pair in scope["headers"] if pair[0] != b"cookie"]
        scope["headers"] = [*others, (b"cookie", self.cookie_of(user).encode())]
        return True

    def cookie_of(self, user: str) -> str:
        """Return the cookie of a user, for programs that send no form."""
        if self._of_user.get(user) not in self._tokens:  # a logout takes it out of the tokens
            self._of_user[user] = secrets.token_urlsafe(16)
            self._tokens[self._of_user[user]] = user
        return f"{self.cookie}={self._of_user[user]}"

    def _has_cookie(self, text: str) -> bool:
        try:
            cookies = SimpleCookie(text)
        except CookieError:
            return False
        return any(
            morsel.value in self._tokens
            for name, morsel in cookies.items()
            if name.replace("-unsecure", "", 1) == self.cookie.replace("-unsecure", "", 1)
        )

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
