"""Which column is what: the picture, the title, the id, and what remains as attributes."""

from __future__ import annotations

import datetime
import decimal
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Scalar = str | int | float | bool | None

_IMAGE_NAMES = (
    *("image", "img", "picture", "photo", "pic", "jpg", "png", "webp", "images", "imagebytes"),
    *("filename", "file", "path", "imagepath", "imagefile", "imagefilename", "imgpath"),
)
_TITLE_NAMES = (
    *("productdisplayname", "title", "producttitle", "name", "productname", "prodname"),
    *("itemname", "displayname", "articlename", "caption", "text", "description"),
)
_ID_NAMES = (
    *("id", "articleid", "productid", "itemid", "sku", "asin", "uid", "uuid", "styleid"),
    *("imageid", "code", "key"),
)
_KIND_NAMES = (
    *("articletype", "producttype", "producttypename", "category", "label", "subcategory"),
    *("class", "type", "mastercategory"),
)
_COLOUR_NAMES = ("basecolour", "basecolor", "colour", "color", "colourgroupname")

_PRICE_WORDS = ("price", "preis", "prix", "prezzo", "precio", "prijs", "cost", "amount")


class CatalogError(ValueError):
    """A data set that cannot be opened or read as asked; str() is one sentence for a person."""


@dataclass(frozen=True)
class Columns:
    """Column names given by hand; None means: find it by type and common names."""

    image: str | None = None
    title: str | None = None
    id: str | None = None
    attributes: Sequence[str] | None = None


@dataclass(frozen=True)
class Field:
    """A column of a data set; kind is image, binary, text, scalar or nested."""

    name: str
    kind: str


@dataclass(frozen=True)
class Roles:
    """The columns by what they are for; `image` is None where the picture is no column."""

    image: str | None
    title: str | None
    id: str | None
    attributes: tuple[str, ...]


def find_roles(
    fields: Sequence[Field], columns: Columns, name: str, image: str | None = None
) -> Roles:
    """Settle what each column is for; raises CatalogError that lists what there is.

    `image` is the picture's column where the kind of data set fixes it (an imagefolder's
    `file_name`); `name` is the data set's, for the message.
    """
    given = [columns.image, columns.title, columns.id, *(columns.attributes or ())]
    known = {f.name for f in fields}
    for column in given:
        if column is not None and column not in known:
            raise CatalogError(f"{name} has no column {column!r}; {listed(fields)}")
    picture = columns.image or image or _find_image(fields)
    if picture is None:
        raise CatalogError(f"{name} has no column of pictures; {listed(fields)}")
    plain = [f.name for f in fields if f.kind in ("text", "scalar") and f.name != picture]
    texts = [f.name for f in fields if f.kind == "text" and f.name != picture]
    title = columns.title or _by_name(texts, _TITLE_NAMES)
    identifier = columns.id or _by_name([n for n in plain if n != title], _ID_NAMES)
    used = {picture, title, identifier}
    rest = columns.attributes
    if rest is None:
        rest = [n for n in plain if n not in used and not n.startswith("__index_level_")]
    return Roles(picture, title, identifier, tuple(rest))


def listed(fields: Iterable[Field]) -> str:
    """The columns as the end of a sentence."""
    return "its columns are " + (", ".join(f"{f.name} ({f.kind})" for f in fields) or "none")


def _find_image(fields: Sequence[Field]) -> str | None:
    for kind in ("image", "binary"):
        names = [f.name for f in fields if f.kind == kind]
        if names:
            return _by_name(names, _IMAGE_NAMES) or names[0]
    return find_picture([f.name for f in fields if f.kind == "text"])


def find_picture(names: Sequence[str]) -> str | None:
    """The column that is called like one of pictures."""
    return _by_name(names, _IMAGE_NAMES)


def is_price(name: str) -> bool:
    """Whether a column is called like one of prices."""
    return any(word in name.casefold() for word in _PRICE_WORDS)


def _by_name(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    plain = {re.sub(r"[^a-z0-9]", "", n.lower()): n for n in reversed(names)}
    return next((plain[w] for w in wanted if w in plain), None)


def scalar(value: object) -> Scalar:
    """A cell as an attribute: dates as ISO text, what is empty or not a number as None."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()  # numpy's scalars
    if isinstance(value, int) and abs(value) >= 2**63:
        return str(value)  # beyond what a column of numbers can hold
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (float, decimal.Decimal)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return printable(value) if value.strip() else None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return None


def printable(text: str) -> str:
    """Text that UTF-8 can hold: half a character, as JSON and old file names bring them, is `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def made_title(attributes: Mapping[str, Scalar], key: str) -> str:
    """A title for a product that has none: "Navy Blue Shirts" where columns say so, else `key`."""
    names = [n for n, value in attributes.items() if isinstance(value, str)]
    found = [_by_name(names, _COLOUR_NAMES), _by_name(names, _KIND_NAMES)]
    if found[1] is None:
        return re.sub(r"[-_\s]+", " ", re.sub(r"\.\w{3,5}$", "", key.split("/")[-1])).strip() or key
    return " ".join(str(attributes[n]) for n in found if n is not None)
