"""One event, and the random token that identifies a visitor."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from lookbook.schema.text import excerpt

EVENT_TYPES = ("view", "like", "dislike", "save", "buy", "hide", "undo")
MAX_ID = 200  # characters of an item's or an event's id
IMPORTED = "import-"  # begins the ids of events that a shop imported
_MAX_TEXT = 64  # characters of season, occasion and surface
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 random bits, as URL-safe base64


class EventError(ValueError):
    """An event that cannot be recorded; the message names what was found and expected."""


def new_visitor() -> str:
    """Return a random token for a new visitor: 128 bits, derived from nothing about the person."""
    return secrets.token_urlsafe(16)


def check_visitor(token: object) -> str:
    """Return the token if it has the form of `new_visitor`'s; raises EventError."""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise EventError("expected a visitor's token, 22 letters, digits, - or _, as new_visitor()")
    return token


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Event:
    """What one visitor did with one item.

    `undo` takes back the visitor's latest event of the item, of whatever type but `view`. `surface`
    is the part of the site where it happened; `propensity` the probability with which an explored
    slot showed the item. Raises EventError for values out of range.
    """

    visitor: str
    event_type: str
    item: str
    time: datetime = field(default_factory=_now)
    id: str = field(default_factory=lambda: uuid4().hex)
    season: str | None = None
    occasion: str | None = None
    surface: str | None = None
    propensity: float | None = None

    def __post_init__(self) -> None:
        check_visitor(self.visitor)
        if self.event_type not in EVENT_TYPES:
            raise EventError(
                f"unknown event type {excerpt(self.event_type)}: expected one of "
                f"{', '.join(EVENT_TYPES)}"
            )
        for name in ("item", "id"):
            _check_text(name, getattr(self, name), MAX_ID)
        for name in ("season", "occasion", "surface"):
            if getattr(self, name) is not None:
                _check_text(name, getattr(self, name), _MAX_TEXT)
        if not isinstance(self.time, datetime) or self.time.tzinfo is None:
            raise EventError(
                f"time: expected a datetime with a time zone, found {excerpt(self.time)}"
            )
        propensity = self.propensity
        if propensity is not None and not 0 < propensity <= 1:
            raise EventError(
                f"propensity: expected above 0 and at most 1, found {excerpt(propensity)}"
            )


def _check_text(name: str, value: object, max_length: int) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= max_length or "\0" in value:
        raise EventError(
            f"{name}: expected 1 to {max_length} characters, found {excerpt(str(value))}"
        )
