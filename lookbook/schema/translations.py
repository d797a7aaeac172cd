"""Columns that say in another language what a column beside them says: title_de, description.fr."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TypeVar

from lookbook.schema.column_names import normalize_column_name
from lookbook.schema.missing import is_missing

# without no, id, uk ...: columns called article_no, style_id and size_uk are no translations
_CODES = "bg|cs|da|de|el|en|es|et|fi|fr|hr|hu|it|ja|ko|lt|lv|nl|pl|pt|ro|ru|sk|sl|sv|tr|zh"
_TRANSLATED = re.compile(rf"(.+?)[\s_.:-]+[\[(]?({_CODES})[\])]?", re.IGNORECASE)
_OF_COUNTRIES = re.compile("size|price|currency|stock|quantity|url|link")  # size_fr is no French
_TITLES = ("title", "name", "producttitle", "productname", "productdisplayname")
_Cell = TypeVar("_Cell")


def translated_columns(columns: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    """Return {column: (normalised name of the column that it translates, language)}.

    Of a title's translation the title itself need not be among the columns.
    """
    return _translated(tuple(columns))


@functools.lru_cache(64)  # every card of a page asks for the columns of its catalogue
def _translated(columns: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    known = {normalize_column_name(column) for column in columns} | set(_TITLES)
    matches = {column: _TRANSLATED.fullmatch(column.strip()) for column in columns}
    found = {
        column: (normalize_column_name(match[1]), match[2].lower())
        for column, match in matches.items()
        if match
    }
    return {
        column: pair
        for column, pair in found.items()
        if pair[0] in known and not _OF_COUNTRIES.search(pair[0])
    }


def in_language(
    title: str, attributes: Mapping[str, _Cell], language: str
) -> tuple[str, dict[str, _Cell]]:
    """Return title and attributes in a language, where the catalogue has them; else as they are.

    What says the same in other languages is left out.
    """
    columns = translated_columns(attributes)
    if not columns:
        return title, dict(attributes)
    chosen = {
        base: attributes[column]
        for column, (base, code) in columns.items()
        if code == language and not is_missing(attributes[column])
    }
    titles = [str(chosen[name]) for name in _TITLES if name in chosen]
    shown = {
        column: chosen.get(normalize_column_name(column), value)
        for column, value in attributes.items()
        if column not in columns
    }
    return (titles[0] if titles else title), shown
