"""Fragments of HTML; every text in them is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping

# characters that gr.HTML's template engine would interpret
_TEMPLATE_CHARACTERS = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})

SWATCHES = {
    "beige": "#d9c7a7",
    "black": "#1b1b1b",
    "blue": "#2f5fa8",
    "bronze": "#8c6239",
    "brown": "#6b4630",
    "burgundy": "#6d1f2f",
    "charcoal": "#3c4044",
    "copper": "#b06a41",
    "cream": "#f3ead7",
    "gold": "#c9a24b",
    "green": "#3f7d4e",
    "grey": "#8d9095",
    "gray": "#8d9095",
    "khaki": "#a2996b",
    "lavender": "#b7a5d6",
    "lime green": "#9bc53d",
    "magenta": "#b5306f",
    "maroon": "#5f1a24",
    "mauve": "#a9849b",
    "metallic": "#a7a9ac",
    "mushroom brown": "#8a7565",
    "mustard": "#cf9f2d",
    "navy": "#1f2d4d",
    "navy blue": "#1f2d4d",
    "nude": "#e0bfa6",
    "off white": "#f5f1e8",
    "olive": "#6b6a3a",
    "orange": "#e07b2c",
    "peach": "#f4b896",
    "pink": "#e59ab0",
    "purple": "#6b4a8c",
    "red": "#b92b33",
    "rose": "#d77a88",
    "rust": "#a5492a",
    "sea green": "#2f8f79",
    "silver": "#c3c6ca",
    "skin": "#e6c1a3",
    "steel": "#7b8691",
    "tan": "#b98b5e",
    "taupe": "#8b7d70",
    "teal": "#23767a",
    "turquoise": "#3fb6b2",
    "turquoise blue": "#3fb6b2",
    "violet": "#7a4fa3",
    "white": "#ffffff",
    "yellow": "#ecc93f",
    "multi": "conic-gradient(#b92b33, #ecc93f, #3f7d4e, #2f5fa8, #b92b33)",
}


def escape(value: object) -> str:
    """Return a value as text that is safe in HTML, in an attribute and in a gr.HTML template."""
    return html.escape(str(value)).translate(_TEMPLATE_CHARACTERS)


def file_url(file: str) -> str:
    """Return the address of a file that the site serves, relative to the page."""
    return escape("gradio_api/file=" + file)


def css_colour(value: str) -> str | None:
    """Return the CSS colour of a colour's name, or None where it is not known."""
    return SWATCHES.get(value.casefold().strip())


def format_value(value: object) -> str:
    """Return an attribute's value as text, 12.0 as 12."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def column_label(column: str) -> str:
    """Return a column's name as a label: `articleType` and `article_type` as Article type."""
    spaced = "".join(f" {c}" if c.isupper() and i else c for i, c in enumerate(column))
    return spaced.replace("_", " ").strip().capitalize()


def button(
    action: str,
    label: str,
    inner: str,
    attributes: Mapping[str, str] | None = None,
    **data: object,
) -> str:
    """Return a button that sends the event `action` with `data`; `inner` is HTML."""
    named = {f"data-{name}": value for name, value in data.items()} | dict(attributes or {})
    written = "".join(f' {name}="{escape(value)}"' for name, value in named.items())
    return (
        f'<button type="button" data-act="{action}" aria-label="{escape(label)}" '
        f'title="{escape(label)}"{written}>{inner}</button>'
    )
