"""Which column is what: the picture, the title, the id, and what remains as attributes."""

from __future__ import annotations

import datetime
import decimal
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lookbook.schema.column_names import (
    COLOUR_NAMES,
    KIND_NAMES,
    PRODUCT_CODE_NAMES,
    find_column,
    normalize_column_name,
)
from lookbook.schema.missing import is_missing

Scalar = str | int | float | bool | None
Value = Scalar | tuple[str, ...]  # several values of one column: sizes, tags

_IMAGE_NAMES = (
    *("image", "img", "picture", "photo", "pic", "jpg", "png", "webp", "images", "imagebytes"),
    *("filename", "file", "path", "imagepath", "imagefile", "imagefilename", "imgpath"),
    *("imagelink", "imageurl", "imgurl", "pictureurl", "photourl", "imagesrc", "mainimage"),
    *("pictures", "photos", "bild", "bilder", "bildurl", "foto", "imagen", "immagine"),
    *("resim", "afbeelding", "imagem"),
)
_TITLE_NAMES = (
    *("productdisplayname", "title", "producttitle", "name", "productname", "prodname"),
    *("itemname", "displayname", "articlename", "caption", "titel", "bezeichnung", "artikelname"),
    *("produktname", "titre", "nom", "nomduproduit", "titulo", "nombre", "titolo", "nome"),
    *("urunadi", "baslik", "isim", "ad", "naam", "productnaam", "nazwa", "text", "description"),
)
_ID_NAMES = (
    *("id", "articleid", "productid", "itemid", "sku", "asin", "uid", "uuid", "handle"),
    *("variantid", "gtin", "ean", "artikelnummer", "artnr", "artikelnr", "articlenumber"),
    *("referencia", "reference", "urunkodu", "codice", "styleid", "imageid", "code", "key"),
)
_OWN_ID_NAMES = frozenset(_ID_NAMES) - {"productid", "handle", "styleid", "imageid", "code"}
_ID_ENDS = ("id", "code", "number", "nummer", "nr", "no", "key", "ref", "sku", "ean", "gtin")
_GROUP_NAMES = (
    *PRODUCT_CODE_NAMES,
    *("id", "sku", "articleid", "asin", "itemid"),  # of a table with a row for each photo
)
_PRICE_NAMES = (
    *("price", "currentprice", "sellingprice", "ourprice", "variantprice", "unitprice"),
    *("preis", "verkaufspreis", "prix", "prixdevente", "precio", "precioventa", "prezzo"),
    *("prijs", "preco", "fiyat", "satisfiyati", "cena", "pris", "hinta", "цена", "価格", "价格"),
    *("regularprice", "retailprice", "listprice", "amount"),
)
_SALE_NAMES = (
    *("saleprice", "specialprice", "discountprice", "discountedprice", "offerprice"),
    *("aktionspreis", "sonderpreis", "angebotspreis", "prixpromo", "prixsolde", "prixreduit"),
    *("precioferta", "preciooferta", "preciorebajado", "prezzoscontato", "indirimlifiyat"),
)
_PRICE_PARTS = ("price", "preis", "prezzo", "precio", "preco", "prijs", "fiyat", "цена", "価格")
_PRICE_WORDS = frozenset({"prix", "cena", "pris", "hinta", "cost", "amount", "msrp", "rrp", "uvp"})
# what makes a column of amounts no price that a customer pays
_NOT_THE_PRICE = frozenset(
    (
        *("cost", "costs", "purchase", "buying", "wholesale", "einkauf", "einkaufspreis", "ek"),
        *("achat", "compra", "acquisto", "alis", "compare", "old", "was", "original", "before"),
        *("former", "previous", "alt", "alter", "ancien", "barre", "anterior", "vecchio", "eski"),
        *("stock", "shipping", "tax", "discount", "saving", "savings", "min", "max"),
    )
)
_QUANTITIES = frozenset(
    (
        *("stock", "quantity", "qty", "inventory", "available", "rating", "ratings", "review"),
        *("reviews", "score", "position", "rank", "order", "sold", "weight", "width", "height"),
        *("length", "views", "discount", "percent", "menge", "bestand", "anzahl", "stok"),
    )
)
_NO_AMOUNT = frozenset(
    ("id", "percent", "percentage", "pct", "currency", "type", "range", "rule", "unit", "band")
)


class CatalogError(ValueError):
    """A data set that cannot be opened or read; str() is one sentence that can be shown."""


@dataclass(frozen=True)
class Columns:
    """Column names given by the caller; None: found by type and common names."""

    image: str | None = None
    title: str | None = None
    id: str | None = None
    attributes: Sequence[str] | None = None
    group: str | None = None
    price: str | None = None


@dataclass(frozen=True)
class Field:
    """A column of a data set.

    `kind`: image, binary, images (several in a cell), text, scalar, list (of texts) or nested.
    """

    name: str
    kind: str


@dataclass(frozen=True)
class Roles:
    """The columns by role; `image` is None where the picture is no column.

    `group` is equal for items of one product, `price` is what it costs; both are attributes too.
    """

    image: str | None
    title: str | None
    id: str | None
    attributes: tuple[str, ...]
    group: str | None = None
    price: str | None = None


@dataclass(frozen=True)
class Filled:
    """How a column is filled: `count` of cells with a value, `distinct` of different values."""

    count: int
    distinct: int

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice."""
        return 0 < self.count == self.distinct


PLAIN_KINDS = ("text", "scalar", "list")


def find_roles(
    fields: Sequence[Field],
    columns: Columns,
    name: str,
    image: str | None = None,
    filled: Mapping[str, Filled] | None = None,
) -> Roles:
    """Assign roles to columns; raises CatalogError that lists the columns there are.

    `image` is the picture's column where the kind of data set fixes it (an imagefolder's
    `file_name`); `name` is the data set's, for the message; `filled` describes the cells of each
    column, None where they are not known before the rows are read.
    """
    given = [columns.image, columns.title, columns.id, columns.group, columns.price]
    given += columns.attributes or ()
    known = {f.name for f in fields}
    for column in given:
        if column is not None and column not in known:
            raise CatalogError(f"{name} has no column {column!r}; {listed(fields)}")
    picture = columns.image or image or _find_image(fields)
    if picture is None:
        raise CatalogError(f"{name} has no column of pictures; {listed(fields)}")
    plain = [f.name for f in fields if f.kind in PLAIN_KINDS and f.name != picture]
    texts = [f.name for f in fields if f.kind == "text" and f.name != picture]
    single = [f.name for f in fields if f.kind in ("text", "scalar") and f.name in plain]
    title = columns.title or find_column(texts, _TITLE_NAMES)
    group = columns.group
    free = [n for n in single if n not in (title, group)]
    identifier = columns.id or _find_id(free, filled)
    if group is None and filled:
        group = _find_group([n for n in free if n != identifier], filled)
    used = {picture, title, identifier}
    rest = columns.attributes
    if rest is None:
        rest = [n for n in plain if n not in used and not n.startswith("__index_level_")]
    price = columns.price or find_price([n for n in rest if n in single])
    return Roles(picture, title, identifier, tuple(rest), group, price)


def _find_id(names: Sequence[str], filled: Mapping[str, Filled] | None) -> str | None:
    """Return a column named like an id with few repeats, else a unique one that ends like one.

    Else one whose name can only mean an item's own id, if half of its values are distinct; the
    repeated ones are reported later. Without `filled` the name alone decides.
    """
    if filled is None:
        return find_column(names, _ID_NAMES)
    filled_columns = {n: filled[n] for n in names if n in filled and filled[n].count}
    most_filled = max((f.count for f in filled.values()), default=0)
    nearly_unique = [
        n
        for n, f in filled_columns.items()
        if f.distinct >= 0.9 * f.count and f.count >= most_filled / 2
    ]
    identifier = find_column(nearly_unique, _ID_NAMES)
    if identifier is None:
        ends = [
            n
            for n in nearly_unique
            if filled_columns[n].unique and normalize_column_name(n).endswith(_ID_ENDS)
        ]
        identifier = next((n for n in ends if _words(n)[-1] in _ID_ENDS), None)
    if identifier is None:
        half = [n for n, f in filled_columns.items() if f.distinct >= 0.5 * f.count]
        identifier = find_column(
            [n for n in half if normalize_column_name(n) in _OWN_ID_NAMES], _ID_NAMES
        )
    return identifier


_MEAN_GROUP = 6  # items of one product on average; a column with more says a kind


def _find_group(names: Sequence[str], filled: Mapping[str, Filled]) -> str | None:
    """Return a column named like a product code whose values several items share."""
    shared = [
        n
        for n in names
        if n in filled and filled[n].distinct < filled[n].count <= _MEAN_GROUP * filled[n].distinct
    ]
    return find_column(shared, _GROUP_NAMES)


def find_price(names: Sequence[str]) -> str | None:
    """Return the column of what a customer pays: by its exact name, else by a word in it.

    Costs, former prices and percentages never count; a sale price only where there is no other.
    """
    exact = find_column(names, _PRICE_NAMES)
    if exact is not None:
        return exact
    paid = [n for n in names if is_price(n) and not _NOT_THE_PRICE & set(_words(n))]
    regular = [n for n in paid if normalize_column_name(n) not in _SALE_NAMES]
    return next(iter([*regular, *paid]), None)


def find_sale_price(names: Sequence[str]) -> str | None:
    """Return the column of sale prices."""
    return find_column(names, _SALE_NAMES)


def listed(fields: Iterable[Field]) -> str:
    """Return the columns as the end of a sentence."""
    return "its columns are " + (", ".join(f"{f.name} ({f.kind})" for f in fields) or "none")


def _find_image(fields: Sequence[Field]) -> str | None:
    for kind in ("image", "binary", "images"):
        names = [f.name for f in fields if f.kind == kind]
        if names:
            return find_column(names, _IMAGE_NAMES) or names[0]
    return find_picture([f.name for f in fields if f.kind in ("text", "list")])


def find_picture(names: Sequence[str]) -> str | None:
    """Return the column that is named like one of pictures."""
    return find_column(names, _IMAGE_NAMES)


def is_price(name: str) -> bool:
    """Whether a column is named like one of amounts of money, costs and former prices included."""
    words = set(_words(name))
    if words & _NO_AMOUNT or "%" in name or {"stock", "quantity"} & words:
        return False
    plain = normalize_column_name(name)
    return bool(words & _PRICE_WORDS) or any(part in plain for part in _PRICE_PARTS)


def is_quantity(name: str) -> bool:
    """Whether a column is named like one of amounts, counts or ratings."""
    return is_price(name) or bool(_QUANTITIES & set(_words(name)))


def _words(name: str) -> list[str]:
    """Split a column's name into words: `salePrice`, `sale_price` and `Sale Price` have two."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [normalize_column_name(word) for word in re.findall(r"[^\W_]+", apart)] or [""]


def scalar(value: object) -> Scalar:
    """Return a cell as an attribute: dates as ISO text, empty cells and NaN as None."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()  # numpy's scalars
    if isinstance(value, int) and abs(value) >= 2**63:
        return str(value)  # beyond what a column of numbers can hold
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (float, decimal.Decimal)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return None if is_missing(value) else printable(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return None


def display_text(value: object) -> str:
    """Return a value as text: 2012 for 2012.0, yes and no, several separated by commas."""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def printable(text: str) -> str:
    """Replace lone surrogates, as JSON and old file names have them, by `?`, for UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def made_title(attributes: Mapping[str, Value], key: str) -> str:
    """Return a title for an item without one: "Navy Blue Shirts" from its columns, else `key`."""
    names = [n for n, value in attributes.items() if isinstance(value, str)]
    found = [find_column(names, COLOUR_NAMES), find_column(names, KIND_NAMES)]
    if found[1] is None:
        return re.sub(r"[-_\s]+", " ", re.sub(r"\.\w{3,5}$", "", key.split("/")[-1])).strip() or key
    return " ".join(str(attributes[n]) for n in found if n is not None)
