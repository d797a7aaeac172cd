"""One event, and the random token that stands for a visitor."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

KINDS = ("view", "like", "dislike", "save", "buy", "hide", "undo")
MAX_ID = 200  # characters of an item's or an event's id
_MAX_WORD = 64  # characters of season, occasion and place
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 random bits, as URL-safe base64


class EventError(ValueError):
    """An event that cannot be recorded; the message names what was found and expected."""


def new_visitor() -> str:
    """A random token for a new visitor: it says nothing about anybody, and nobody can guess it."""
    return secrets.token_urlsafe(16)


def check_visitor(token: object) -> str:
    """The token, if `new_visitor` could have made it; raises EventError."""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise EventError("expected a visitor's token, 22 letters, digits, - or _, as new_visitor()")
    return token


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Event:
    """What one visitor did with one item.

    `undo` takes back what the visitor last said of the item, whatever it was, views aside. `place`
    says where in the page it happened; `probability` with which chance an explored place showed
    the item. Raises EventError for what no visitor can have done.
    """

    visitor: str
    kind: str
    item: str
    time: datetime = field(default_factory=_now)
    id: str = field(default_factory=lambda: uuid4().hex)
    season: str | None = None
    occasion: str | None = None
    place: str | None = None
    probability: float | None = None

    def __post_init__(self) -> None:
        check_visitor(self.visitor)
        if self.kind not in KINDS:
            raise EventError(f"unknown kind {self.kind!r}: expected one of {', '.join(KINDS)}")
        for name, most in (("item", MAX_ID), ("id", MAX_ID)):
            _check_text(name, getattr(self, name), most)
        for name in ("season", "occasion", "place"):
            if getattr(self, name) is not None:
                _check_text(name, getattr(self, name), _MAX_WORD)
        if not isinstance(self.time, datetime) or self.time.tzinfo is None:
            raise EventError(f"time: expected a datetime with a time zone, found {self.time!r}")
        chance = self.probability
        if chance is not None and not 0 < chance <= 1:
            raise EventError(f"probability: expected above 0 and at most 1, found {chance!r}")


def _check_text(name: str, value: object, most: int) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= most or "\0" in value:
        raise EventError(f"{name}: expected 1 to {most} characters, found {str(value)[:80]!r}")
