"""The labels of columns, translated where most shops have such a column."""

from __future__ import annotations

from lookbook.schema.column_names import normalize_column_name
from lookbook.schema.message import Message
from lookbook.schema.readable import column_label
from lookbook.ui.messages import translate

_KNOWN = {  # by name without case and spaces: headers of feeds are in small letters
    normalize_column_name(text): text
    for text in (
        *(Message("Price"), Message("Brand"), Message("Availability"), Message("Gender")),
        *(Message("Size"), Message("Season"), Message("Material"), Message("Fabric")),
        *(Message("Pattern"), Message("Description"), Message("Category"), Message("Usage")),
        *(Message("Product type"), Message("Article type"), Message("Sub category")),
        *(Message("Master category"), Message("Colour"), Message("Color"), Message("Base colour")),
        *(Message("Year"), Message("Title")),
    )
}
_KNOWN["body"] = _KNOWN["description"]  # of Shopify


def label_message(column: str) -> str:
    """Return a column's label, which the interface translates where it is known."""
    text = column_label(column)
    return _KNOWN.get(normalize_column_name(text), text)


def label_of(column: str) -> str:
    """Return a column's label in the language of the request."""
    return translate(label_message(column))
