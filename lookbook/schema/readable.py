"""Which attributes of a catalogue a visitor can read, and how they are written out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

from lookbook.schema.column_names import normalize_column_name
from lookbook.schema.columns import display_text
from lookbook.schema.missing import is_missing

_MAX_TEXT = 80  # characters; longer attributes are descriptions, not facts
# last words of columns that hold an id, a code or an address
_CODE_WORDS = frozenset(
    (
        *("id", "ids", "code", "number", "nummer", "nr", "no", "key", "ref", "sku", "ean", "gtin"),
        *("mpn", "upc", "isbn", "asin", "barcode", "handle", "slug", "uuid", "guid", "uid", "hash"),
        *("url", "link", "href", "src", "path", "file", "filename"),
    )
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_CODE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])([A-Z0-9]+[-_./]?)+")
_MIN_CODE = 8  # characters of a value that may be a code: XXL, 10-12Y and SS2024 are none
_HEX = re.compile(r"[0-9a-f]{8}[0-9a-f-]{8,}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*")
_ADDRESS = re.compile(r"(https?:)?//\S+|www\.\S+|gid://\S+")
_IN_BRACKETS = re.compile(r"\s*[(\[][^)\]]*[)\]]")
_NEW_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MAX_ACRONYM = 3  # letters of a word that stays in capitals: UK, SKU


def plain_text(text: str) -> str:
    """Return a text without HTML tags and entities, its white space single."""
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())


def column_label(column: str) -> str:
    """Return a column's name as a label: `articleType` as Article type, `Body (HTML)` as Body."""
    name = _IN_BRACKETS.sub("", column).strip() or column
    words = re.split(r"[\s_]+", _NEW_WORD.sub(" ", name).strip())
    plain = [w if w.isupper() and len(w) <= _MAX_ACRONYM else w.lower() for w in words]
    text = " ".join(plain)
    return text[:1].upper() + text[1:]


def last_level(text: str) -> str:
    """Return the last level of a path of categories: `Apparel > Dress > Dresses` as Dresses."""
    return text.rsplit(" > ", 1)[-1].strip() or text


def base_name(source: str) -> str:
    """Return the last part of a path or address: no folder, host, account or key of it."""
    path = source.split("?")[0].split("#")[0] if "://" in source else source
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def names_a_code(column: str) -> bool:
    """Whether a column is named like one of ids, codes, article numbers or addresses."""
    words = re.findall(r"[^\W_]+", _NEW_WORD.sub(" ", _IN_BRACKETS.sub("", column)))
    return bool(words) and normalize_column_name(words[-1]) in _CODE_WORDS


def is_code(text: str) -> bool:
    """Whether a value is a code, hash, address or time stamp, which say nothing to a visitor."""
    if any(form.fullmatch(text) for form in (_ADDRESS, _HEX, _TIMESTAMP)):
        return True
    return len(text) >= _MIN_CODE and bool(_CODE.fullmatch(text))


def is_readable(column: str, values: Iterable[object]) -> bool:
    """Whether all values of a column are short texts or numbers that mean something to a visitor.

    No ids, codes, addresses, HTML and descriptions.
    """
    if names_a_code(column):
        return False
    texts = [value for value in values if isinstance(value, str)]
    return not any(len(t) > _MAX_TEXT or _TAG.search(t) or is_code(t) for t in texts)


def facts(attributes: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return (column, text) of the attributes of an item that a visitor can read, HTML removed."""
    found = []
    for column, value in attributes.items():
        if is_missing(value) or names_a_code(column):
            continue
        text = plain_text(display_text(value))
        if text and len(text) <= _MAX_TEXT and not is_code(text):
            found.append((column, text))
    return found
