"""Permalinks: a query as the parameters of a link, and back.

    ?item=100012&where=gender=Women;price<=60&words=in navy&n=48&variety=0.3

Parameter names and meanings never change: links live longer than versions. A private picture is
part of a link only where its owner allowed it, and then as its vector quantised to int8, with the
encoder's fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import numpy as np

from lookbook.encoding.query_adapter import MATCHES
from lookbook.schema.filters import Condition, FilterError
from lookbook.schema.message import Message
from lookbook.schema.text import excerpt
from lookbook.search.index import Index
from lookbook.search.limits import COUNT, MAX_RESULTS, VARIETY, Limits, number_within
from lookbook.search.query import FOLDS, Query
from lookbook.search.sorting import available_sorts

MAX_PICTURES = 4
MAX_IDS = 32  # positive and negative items, each
MAX_CONDITIONS = 16
MAX_WORDS = 200  # characters
_QUOTED = 40  # characters of a parameter that a warning repeats
NAMES = (
    "item",
    "words",
    "where",
    "more",
    "less",
    "n",
    "variety",
    "fold",
    "sort",
    "match",
    "picture",
)
# what the API or the command line takes and a link does not, or calls otherwise
_NOT_OF_LINKS = ("box", "count", "crop", "image", "k", "liked", "text")
_ALIKE = 0.8  # similarity of a name from which it is taken for one of NAMES misspelt
_FOLD_NAMES = {"colourways": "colourways", "copies": "copies", "none": None}
_TOO_MANY_ITEMS = Message("Of {count} items, the first {most} are used.")
_TOO_MANY_FILTERS = Message("Of {count} filters, the first {most} are used.")
_TOO_MANY_PICTURES = Message("Of {count} pictures, the first {most} are used.")
_MAX_PARAMETER = 16_384  # characters of one parameter


def to_params(
    query: Query, allow_pictures: bool = False, index: Index | None = None
) -> dict[str, str]:
    """Return the parameters of a link to `query`; defaults are left out.

    Pictures are left out unless `allow_pictures` or they came by a link themselves; then `index`
    says whose vectors they are. Raises ValueError for pictures without an index, FilterError for a
    condition that no text can say.
    """
    default = Query()
    params = {
        "item": query.item or "",
        "words": query.words.strip(),
        "where": _joined((condition.to_text() for condition in query.where), ";"),
        "more": _joined(query.positive, ","),
        "less": _joined(query.negative, ","),
        "n": "" if query.count == default.count else str(min(query.count, MAX_RESULTS)),
        "variety": "" if query.diversity == default.diversity else f"{query.diversity:.3g}",
        "fold": "" if query.fold == default.fold else str(query.fold).lower(),
        "sort": "" if query.sort == default.sort else query.sort,
        "match": query.match,
    }
    if (allow_pictures or query.from_link) and query.pictures:
        if index is None:
            raise ValueError("a link to pictures needs the index that they were encoded for")
        params["picture"] = "~".join([encoder_mark(index), *map(_packed, query.pictures)])
    return {name: text for name, text in params.items() if text}


def from_params(params: Mapping[str, object], index: Index) -> tuple[Query, list[str]]:
    """Return the query of a link, and a warning for everything in it that could not be used.

    Never raises, whatever the parameters hold. Of unknown names those are told that were meant for
    us: others' parameters, such as `utm_source`, are ignored.
    """
    warnings: list[str] = []
    _tell_unknown(params, warnings)
    text = {name: _text(name, params, warnings) for name in NAMES}
    item = text["item"] or None
    if item and not _ids([item], index, warnings):
        item = None
    positive = _ids(_split(text["more"], ","), index, warnings)
    negative = _ids(_split(text["less"], ","), index, warnings)
    pictures = _pictures(text["picture"], index, warnings)
    query = Query(
        pictures=pictures,
        from_link=bool(pictures),
        item=item,
        words=_cut(text["words"].strip(), MAX_WORDS, warnings),
        positive=tuple(positive),
        negative=tuple(id for id in negative if id not in positive),
        where=_where(_split(text["where"], ";"), index, warnings),
        count=int(_number("n", text["n"], COUNT, Query.count, warnings)),
        diversity=_number("variety", text["variety"], VARIETY, Query.diversity, warnings),
        fold=_fold(text["fold"], warnings),
        sort=_sort(text["sort"], index, warnings),
        match=_match(text["match"], warnings),
    )
    return query, warnings


def encoder_mark(index: Index) -> str:
    """Return 8 hex digits that change with anything that changes the encoder's vectors."""
    identity = {k: v for k, v in index.manifest.encoder.items() if k not in ("id", "model")}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]


def _joined(parts: Iterable[str], separator: str) -> str:
    escaped = (part.replace("\\", "\\\\").replace(separator, f"\\{separator}") for part in parts)
    return separator.join(escaped)


def _split(text: str, separator: str) -> list[str]:
    """Split what `_joined` joined; a separator after a backslash does not separate."""
    parts, escaped = [""], False
    for c in text:
        if escaped or c not in ("\\", separator):
            parts[-1] += c
            escaped = False
        elif c == "\\":
            escaped = True
        else:
            parts.append("")
    return [part for part in parts if part]


def _text(name: str, params: Mapping[str, object], warnings: list[str]) -> str:
    value = params.get(name, "")
    if not isinstance(value, str):
        warnings.append(Message("{name} is not a text and was left out.", name=name))
        return ""
    if len(value) > _MAX_PARAMETER:
        warnings.append(
            Message("{name} is longer than any link that is made here and was left out.", name=name)
        )
        return ""
    return value.replace("\0", " ")  # PostgreSQL stores none; words are read as by the API


def _cut(text: str, most: int, warnings: list[str]) -> str:
    if len(text) > most:
        warnings.append(Message("Of the words, the first {count} characters are used.", count=most))
    return text[:most].strip()


def _few(template: str, parts: list[str], most: int, warnings: list[str]) -> list[str]:
    parts = list(dict.fromkeys(parts))
    if len(parts) > most:
        warnings.append(Message(template, count=len(parts), most=most))
    return parts[:most]


def _ids(ids: list[str], index: Index, warnings: list[str]) -> list[str]:
    known = []
    for id in _few(_TOO_MANY_ITEMS, ids, MAX_IDS, warnings):
        if id in index:
            known.append(id)
        else:
            template = Message("The item {id} is not in this collection any more.")
            warnings.append(Message(template, id=excerpt(id, _QUOTED)))
    return known


def _where(texts: list[str], index: Index, warnings: list[str]) -> tuple[Condition, ...]:
    kept: list[Condition] = []
    for text in _few(_TOO_MANY_FILTERS, texts, MAX_CONDITIONS, warnings):
        try:
            condition: Condition | None = Condition.parse(text)
        except FilterError:
            condition = None
        if condition is None or condition.column not in index.columns:
            template = Message("The filter {filter} does not fit this collection.")
            warnings.append(Message(template, filter=excerpt(text, _QUOTED)))
        elif condition not in kept:
            kept.append(condition)
    return tuple(kept)


def _number(name: str, text: str, limits: Limits, default: float, warnings: list[str]) -> float:
    if not text:
        return default
    try:
        value, said = number_within(name, text, limits)
    except ValueError as error:
        value, said = default, error.args[0]
    if said:
        warnings.append(said)
    return value


def _tell_unknown(params: Mapping[str, object], warnings: list[str]) -> None:
    """Warn of names that a link does not have and that somebody took for its own."""
    for name in params:
        written = name.casefold()
        alike = written in _NOT_OF_LINKS or get_close_matches(written, NAMES, 1, _ALIKE)
        if name not in NAMES and alike:
            template = Message("A link has no part called {name}; it may have {choices}.")
            choices = ", ".join(NAMES)
            warnings.append(Message(template, name=excerpt(name, _QUOTED), choices=choices))


def _fold(text: str, warnings: list[str]) -> str | None:
    if text and text not in _FOLD_NAMES:
        warnings.append(not_one_of("fold", _FOLD_NAMES, text))
    return _FOLD_NAMES.get(text, FOLDS[0])


def _sort(text: str, index: Index, warnings: list[str]) -> str:
    sorts = available_sorts(index)
    if text and text not in sorts:
        warnings.append(not_one_of("sort", sorts, text))
    return text if text in sorts else sorts[0]


def _match(text: str, warnings: list[str]) -> str:
    if text not in MATCHES:
        warnings.append(not_one_of("match", MATCHES[1:], text))
    return text if text in MATCHES else ""


def not_one_of(name: str, choices: Iterable[str], text: str) -> Message:
    """Return the sentence about a parameter that is none of its choices."""
    template = Message("{name} is one of {choices}, found {found}.")
    return Message(template, name=name, choices=", ".join(choices), found=excerpt(text, _QUOTED))


def _packed(vector: np.ndarray) -> str:
    """Quantise to int8, as base64url: to within 0.5 degrees, 344 characters for 256 numbers."""
    largest = float(np.abs(vector).max()) or 1.0
    return (
        base64.urlsafe_b64encode(
            np.rint(np.asarray(vector, np.float64) * (127 / largest)).astype(np.int8).tobytes()
        )
        .decode()
        .rstrip("=")
    )


def _pictures(text: str, index: Index, warnings: list[str]) -> tuple[np.ndarray, ...]:
    if not text:
        return ()
    mark, *packed = text.split("~")
    if mark != encoder_mark(index):
        warnings.append(
            Message("The picture of this link was encoded by another encoder and was left out.")
        )
        return ()
    vectors = []
    for part in _few(_TOO_MANY_PICTURES, packed, MAX_PICTURES, warnings):
        vector = _unpacked(part, index.dim)
        if vector is None:
            warnings.append(Message("A picture of this link is damaged and was left out."))
        else:
            vectors.append(vector)
    return tuple(vectors)


def _unpacked(text: str, dim: int) -> np.ndarray | None:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    vector = np.frombuffer(data, np.int8).astype(np.float32)
    if vector.shape != (dim,) or not vector.any():
        return None
    return vector / np.linalg.norm(vector)
