"""Names that shops give their columns, and how a column is found by them.

The lists hold normalised names (see `normalize_column_name`), the most specific first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable
from functools import lru_cache

PRODUCT_CODE_NAMES = (  # one product in all its colours and sizes
    *("productcode", "styleid", "productid", "parentid", "itemgroupid", "parentasin", "handle"),
    *("parentsku", "stylecode", "productgroupid", "groupid", "modelid", "style"),
)
ARTICLE_NUMBER_NAMES = (  # of one item
    *("sku", "articlenumber", "articleid", "articleno", "itemnumber", "variantsku", "mpn", "gtin"),
    *("ean", "barcode", "productcode"),
)
KIND_NAMES = (  # what kind of garment an item is
    *("articletype", "producttypename", "producttype", "garmenttype", "subcategory", "category"),
    *("productgroupname", "garmentgroupname", "label", "type", "kind", "class", "mastercategory"),
    *("kategorie", "categorie", "categoria", "kategori", "warengruppe", "produktart"),
)
COLOUR_NAMES = (
    *("basecolour", "basecolor", "colour", "color", "colourgroupname", "colorgroupname"),
    *("colourway", "farbe", "couleur", "colore", "kleur", "renk", "cor", "kolor", "farg"),
)
PEOPLE_NAMES = (  # for whom it is
    *("gender", "indexgroupname", "indexname", "sex", "department", "geschlecht", "sexe", "genero"),
    *("genere", "geslacht", "cinsiyet"),
)
SEASON_NAMES = ("season", "saison", "jahreszeit", "temporada", "stagione", "seizoen", "sezon")
DATE_NAMES = (  # since when an item is on sale, the most exact first
    *("createdat", "created", "createddate", "dateadded", "addedat", "added", "publishedat"),
    *("published", "publishdate", "releasedate", "releasedat", "launchdate", "onlinesince"),
    *("firstavailable", "availablefrom", "availabledate", "availabilitydate", "date"),
    *("datum", "fecha", "data", "tarih", "year", "jahr", "annee"),
)
USAGE_NAMES = ("usage", "occasion", "use")


_UNACCENTED = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d"})  # letters NFKD leaves whole


@lru_cache(4096)
def normalize_column_name(name: str) -> str:
    """Drop case, accents and separators: `Product_Code` becomes `productcode`."""
    parts = unicodedata.normalize("NFKD", name.casefold().translate(_UNACCENTED))
    return re.sub(r"[\W_]", "", "".join(c for c in parts if not unicodedata.combining(c)))


def find_column(columns: Iterable[str], names: Iterable[str]) -> str | None:
    """Return the column called like the first possible of `names`, which are normalised.

    Of several columns with the same normalised name the first one counts; None where there is none.
    """
    return _found_column(tuple(columns), tuple(names))


@lru_cache(1024)  # every card of a page asks for some columns of its catalogue
def _found_column(columns: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    by_name = {normalize_column_name(column): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def is_colour_column(name: str) -> bool:
    """Whether a column is called like one of colours, also as `perceived_colour_master_name`."""
    plain = normalize_column_name(name)
    return plain in COLOUR_NAMES or "colour" in plain or "color" in plain


def is_categorical(values: Iterable[object], sizes: Container[int]) -> bool:
    """Whether the distinct values of a column sort items into kinds: texts, of a fitting number.

    `sizes` says how many distinct values fit, e.g. range(2, 61); None among the values, for a
    missing one, is passed over.
    """
    known = [value for value in values if value is not None]
    return len(known) in sizes and all(isinstance(value, str) for value in known)


def is_numeric(values: Iterable[object]) -> bool:
    """Whether the distinct values of a column are numbers; None among them is passed over."""
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in known
    )
