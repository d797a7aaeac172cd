"""A query as the parameters of a link, and back: short, readable, and safe to open.

    ?item=100012&where=gender=Women;price<=60&words=in navy&n=48&variety=0.3

Names and meanings stay as they are: links live longer than versions. A private picture travels only
where its owner allowed it, and then as its vector in whole numbers, with the encoder's fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from lookbook.schema.filters import MAX_CHARACTERS, Condition, FilterError
from lookbook.search.index import Index
from lookbook.search.query import FOLDS, Query

MAX_RESULTS = 96
MAX_PICTURES = 4
MAX_IDS = 32  # likes and dislikes, each
MAX_CONDITIONS = 16
MAX_WORDS = 200  # characters
NAMES = ("item", "words", "where", "more", "less", "n", "variety", "fold", "picture")
_FOLD_NAMES = {"colourways": "colourways", "copies": "copies", "none": None}
_IN_ALL = 16_384  # characters of one parameter


def to_params(
    query: Query, allow_pictures: bool = False, index: Index | None = None
) -> dict[str, str]:
    """The parameters of a link to `query`; what is as usual is left out.

    Pictures are left out unless `allow_pictures` or they came by a link themselves; then `index`
    says whose vectors they are. Raises ValueError for pictures without an index.
    """
    usual = Query()
    params = {
        "item": query.item or "",
        "words": query.words.strip(),
        "where": _joined(query.where, ";"),
        "more": _joined(query.more, ","),
        "less": _joined(query.less, ","),
        "n": "" if query.count == usual.count else str(query.count),
        "variety": "" if query.variety == usual.variety else f"{query.variety:.3g}",
        "fold": "" if query.fold == usual.fold else str(query.fold).lower(),
    }
    if (allow_pictures or query.shared) and query.pictures:
        if index is None:
            raise ValueError("a link to pictures needs the index that they were asked of")
        params["picture"] = "~".join([encoder_mark(index), *map(_packed, query.pictures)])
    return {name: text for name, text in params.items() if text}


def from_params(params: Mapping[str, object], index: Index) -> tuple[Query, list[str]]:
    """The query of a link, and a sentence for everything in it that could not be used.

    Never raises, whatever the parameters hold; names that are not ours are passed over.
    """
    notes: list[str] = []
    text = {name: _text(name, params, notes) for name in NAMES}
    item = text["item"] or None
    if item and not _ids([item], index, notes):
        item = None
    more = _ids(_split(text["more"], ","), index, notes)
    less = [id for id in _ids(_split(text["less"], ","), index, notes) if id not in more]
    pictures = _pictures(text["picture"], index, notes)
    query = Query(
        pictures=pictures,
        shared=bool(pictures),
        item=item,
        words=_cut("the words", text["words"].strip(), MAX_WORDS, notes),
        more=tuple(more),
        less=tuple(less),
        where=_where(_split(text["where"], ";"), index, notes),
        count=_number("n", text["n"], int, 1, MAX_RESULTS, Query.count, notes),
        variety=_number("variety", text["variety"], float, 0, 1, Query.variety, notes),
        fold=_fold(text["fold"], notes),
    )
    return query, notes


def encoder_mark(index: Index) -> str:
    """8 hex digits that change with anything that changes the encoder's vectors."""
    told = {k: v for k, v in index.manifest.encoder.items() if k not in ("id", "model")}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]


def _joined(parts: Iterable[str], mark: str) -> str:
    return mark.join(part.replace("\\", "\\\\").replace(mark, f"\\{mark}") for part in parts)


def _split(text: str, mark: str) -> list[str]:
    """The parts that `_joined` joined; a mark after a backslash is part of a part."""
    parts, escaped = [""], False
    for c in text:
        if escaped or c not in ("\\", mark):
            parts[-1] += c
            escaped = False
        elif c == "\\":
            escaped = True
        else:
            parts.append("")
    return [part for part in parts if part]


def _text(name: str, params: Mapping[str, object], notes: list[str]) -> str:
    value = params.get(name, "")
    if not isinstance(value, str):
        notes.append(f"{name} is not a text and was left out.")
        return ""
    if len(value) > _IN_ALL:
        notes.append(f"{name} is longer than any link that is made here and was left out.")
        return ""
    return value.replace("\0", "")


def _cut(what: str, text: str, most: int, notes: list[str]) -> str:
    if len(text) > most:
        notes.append(f"Of {what}, the first {most} characters are used.")
    return text[:most].strip()


def _few(what: str, parts: list[str], most: int, notes: list[str]) -> list[str]:
    parts = list(dict.fromkeys(parts))
    if len(parts) > most:
        notes.append(f"Of {len(parts)} {what}, the first {most} are used.")
    return parts[:most]


def _ids(ids: list[str], index: Index, notes: list[str]) -> list[str]:
    known = []
    for id in _few("items", ids, MAX_IDS, notes):
        if id in index:
            known.append(id)
        else:
            notes.append(f"The item {id[:40]!r} is not in this collection any more.")
    return known


def _where(conditions: list[str], index: Index, notes: list[str]) -> tuple[str, ...]:
    kept = []
    for text in _few("filters", conditions, MAX_CONDITIONS, notes):
        try:
            column = Condition.parse(text).column
        except FilterError:
            column = None
        if column in index.columns and len(text) <= MAX_CHARACTERS:
            kept.append(text)
        else:
            notes.append(f"The filter {text[:60]!r} does not fit this collection.")
    return tuple(kept)


def _number(
    name: str,
    text: str,
    kind: Callable[[str], float],
    low: float,
    high: float,
    usual: float,
    notes: list[str],
) -> float:
    if not text:
        return usual
    try:
        value = kind(text[:20])
    except ValueError:
        value = math.nan
    if math.isnan(value):
        notes.append(f"{name} should be a number, found {text[:40]!r}.")
        return usual
    if not low <= value <= high:
        notes.append(f"{name} goes from {low} to {high}, found {text[:40]}.")
    return kind(min(max(value, low), high))


def _fold(text: str, notes: list[str]) -> str | None:
    if text and text not in _FOLD_NAMES:
        notes.append(f"fold is one of {', '.join(_FOLD_NAMES)}, found {text[:40]!r}.")
    return _FOLD_NAMES.get(text, FOLDS[0])


def _packed(vector: np.ndarray) -> str:
    """base64url of int8: the direction to within 0.5 degrees, in 344 characters for 256 numbers."""
    largest = float(np.abs(vector).max()) or 1.0
    return (
        base64.urlsafe_b64encode(
            np.rint(np.asarray(vector, np.float64) * (127 / largest)).astype(np.int8).tobytes()
        )
        .decode()
        .rstrip("=")
    )


def _pictures(text: str, index: Index, notes: list[str]) -> tuple[np.ndarray, ...]:
    if not text:
        return ()
    mark, *packed = text.split("~")
    if mark != encoder_mark(index):
        notes.append("The picture of this link was seen by another encoder and was left out.")
        return ()
    found = []
    for part in _few("pictures", packed, MAX_PICTURES, notes):
        vector = _unpacked(part, index.dim)
        if vector is None:
            notes.append("A picture of this link is damaged and was left out.")
        else:
            found.append(vector)
    return tuple(found)


def _unpacked(text: str, dim: int) -> np.ndarray | None:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    vector = np.frombuffer(data, np.int8).astype(np.float32)
    if vector.shape != (dim,) or not vector.any():
        return None
    return vector / np.linalg.norm(vector)
