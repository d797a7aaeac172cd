"""Who may use the owner's page: one password, sessions in memory, few attempts."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lookbook.schema.message import Message
from lookbook.ui.guard import TokenBuckets

MIN_PASSWORD = 10  # characters
SESSION_SECONDS = 8 * 3600
_ATTEMPTS, _SECONDS_PER_ATTEMPT = 5, 30.0  # of one client at once, and until there is another
_ALL_ATTEMPTS, _SECONDS_PER_ANY = 50, 3.0  # of all clients together
_MAX_SESSIONS = 20
_EVERYBODY = "all clients"


class LoginRefused(ValueError):  # noqa: N818
    """A login that is not accepted; the message is for whoever tries."""


@dataclass(frozen=True)
class Session:
    """One login: the cookie's value, and the token that each form must send."""

    cookie: str
    form_token: str
    ends: float


class OwnerAccess:
    """Logins and sessions of one password, of which a hash is kept; lost when the site stops."""

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._digest, self._clock = _digest(check_password(password)), clock
        self._client = TokenBuckets(1 / _SECONDS_PER_ATTEMPT, _ATTEMPTS, clock)
        self._everybody = TokenBuckets(1 / _SECONDS_PER_ANY, _ALL_ATTEMPTS, clock)
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def login(self, client: str, password: str) -> Session:
        """Return a new session; raises LoginRefused for a wrong password or too many attempts.

        Both cost the same time, and a right password counts as an attempt, too.
        """
        with self._lock:
            wait = self._client.wait(client, 1) or self._everybody.wait(_EVERYBODY, 1)
        if wait:
            raise LoginRefused(
                Message("Too many attempts: please wait {seconds} s.", seconds=math.ceil(wait))
            )
        if not hmac.compare_digest(_digest(password), self._digest):
            raise LoginRefused(Message("This is not the password."))
        ends = self._clock() + SESSION_SECONDS
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), ends)
        with self._lock:
            while len(self._sessions) >= _MAX_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[session.cookie] = session
        return session

    def session(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, None where there is none or it has ended."""
        session = self._sessions.get(cookie or "")
        return session if session is not None and session.ends > self._clock() else None

    def logout(self, session: Session) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(session.cookie, None)


def is_form_token(session: Session, token: object) -> bool:
    """Whether a form was sent by a page of this session: no other site knows its token."""
    return isinstance(token, str) and hmac.compare_digest(
        token.encode("utf-8", "replace"), session.form_token.encode()
    )


def check_password(password: str) -> str:
    """Return a password that is long enough; raises ValueError."""
    if len(password) < MIN_PASSWORD:
        raise ValueError(
            f"owner-password: expected at least {MIN_PASSWORD} characters, found {len(password)}"
        )
    return password


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode("utf-8", "replace")).digest()
