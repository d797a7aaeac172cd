"""A shop's past orders as events, so that recommenders know something on the first day."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from lookbook.events import Event, EventStore, database_url
from lookbook.events.event import IMPORTED
from lookbook.recommend.interaction_files import InteractionsError, Purchases, purchases_of
from lookbook.recommend.items import Items
from lookbook.schema.batches import batches
from lookbook.schema.missing import is_missing
from lookbook.search.index import Index

KEY_FILE = "import.key"  # beside the events: it turns customers into visitors' tokens
_BATCH = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {
    **dict.fromkeys(("", "buy", "bought", "purchase", "purchased", "order", "ordered"), "buy"),
    **dict.fromkeys(("transaction", "sale", "paid", "checkout", "kauf"), "buy"),
    **dict.fromkeys(("view", "viewed", "click", "clicked", "pageview", "productview"), "view"),
    **dict.fromkeys(("like", "liked", "favourite", "favorite", "heart"), "like"),
    **dict.fromkeys(("save", "saved", "cart", "addtocart", "wishlist", "addtowishlist"), "save"),
    **dict.fromkeys(("dislike", "disliked"), "dislike"),
    **dict.fromkeys(("hide", "hidden"), "hide"),
}


@dataclass(frozen=True)
class ImportReport:
    """What was taken in: rows read, events recorded, people, and rows dropped by reason."""

    read: int
    recorded: int
    people: int
    dropped: dict[str, int]
    notes: list[str]
    index: Path

    def __str__(self) -> str:
        there = self.read - self.recorded
        again = f"; {there:,} were there already" if there else ""
        gone = ", ".join(f"{n:,} {reason}" for reason, n in self.dropped.items()) or "none"
        return "\n".join(
            [
                f"{self.recorded:,} events of {self.people:,} people recorded{again}",
                f"rows dropped: {gone}",
                *(f"note: {note}" for note in self.notes),
                f"next: python -m lookbook refresh --index {self.index}",
            ]
        )


def import_events(
    path: str | Path,
    index: Index,
    state: str | Path,
    *,
    database: str | None = None,
    columns: Mapping[str, str | None] | None = None,
) -> ImportReport:
    """Record the orders (likes, views) of a file with items of `index` as events.

    A person becomes a token made with a random key that is kept in the folder `state`; the file's
    own names are not stored. The same file again adds nothing. `database` is where events are
    kept, as `database_url` says without it. Raises InteractionsError.
    """
    purchases, rows = purchases_of(path, Items.of_index(index), columns)
    types_or_none = _types(purchases)
    known = np.array([t is not None for t in types_or_none], bool)
    kept, rows = purchases.where(known, "of an unknown kind of event"), rows[known]
    types = [t for t in types_or_none if t]
    now = (datetime.now(UTC) - _EPOCH) / timedelta(days=1)
    past = kept.days < now + 1
    kept, rows = kept.where(past, "in the future"), rows[past]
    types = [t for t, p in zip(types, past, strict=True) if p]
    if not kept.users:
        raise InteractionsError(f"{path}: no row is left; {kept.dropped_text()}")
    state = Path(state)
    key = _key(state)
    store = EventStore(database or database_url(state))
    try:
        events = _events(kept, types, [index.ids[row] for row in rows], key)
        recorded = sum(store.record(batch) for batch in batches(events, _BATCH))
    finally:
        store.close()
    people = len(set(kept.users))
    root = index.generation.root or index.generation.path
    return ImportReport(len(kept.users), recorded, people, kept.dropped, kept.notes, root)


def _types(found: Purchases) -> list[str | None]:
    """The kind of each event; a file that does not say is one of orders."""
    if found.types is None:
        return ["buy"] * len(found.users)
    plain = {t: "".join(c for c in t.casefold() if c.isalnum()) for t in set(found.types)}
    words = {t: "" if is_missing(t) else word for t, word in plain.items()}
    return [_TYPES.get(words[t]) for t in found.types]


def _events(found: Purchases, types: list[str], items: list[str], key: bytes) -> Iterator[Event]:
    """Events in the order of their times; a row that stands twice is two purchases."""
    seen: Counter = Counter()
    for row in np.argsort(found.days, kind="stable"):
        user, item, day, kind = found.users[row], items[row], found.days[row], types[row]
        what = f"{kind}\0{user}\0{item}\0{day:.9f}"
        seen[what] += 1
        digest = hmac.new(key, f"{what}\0{seen[what]}".encode(), hashlib.sha256).hexdigest()
        time = _EPOCH + timedelta(days=float(day))
        yield Event(_token(key, user), kind, item, time, f"{IMPORTED}{digest[:40]}")


def _token(key: bytes, user: str) -> str:
    """A visitor's token that nobody can turn back into the customer without the key."""
    digest = hmac.new(key, f"visitor\0{user}".encode(), hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _key(folder: Path) -> bytes:
    path = folder / KEY_FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return bytes.fromhex(path.read_text().strip())
