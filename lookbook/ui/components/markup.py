"""Fragments of HTML; every text in them is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from lookbook.schema.colours import hex_code
from lookbook.ui.messages import _

# characters that gr.HTML's template engine would interpret
_TEMPLATE_CHARACTERS = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})

_CATALOGUE_PICTURE = re.compile(r"/thumbs/([0-9a-f]{32}\.(?:webp|avif|jpg))$")
_MULTICOLOURED = "conic-gradient(#b92b33, #ecc93f, #3f7d4e, #2f5fa8, #b92b33)"


def escape(value: object) -> str:
    """Return a value as text that is safe in HTML, in an attribute and in a gr.HTML template."""
    return html.escape(str(value)).translate(_TEMPLATE_CHARACTERS)


def file_url(file: str) -> str:
    """Return the address of a file that the site serves, relative to the page.

    A picture of the catalogue has one that says nothing of the server, see `pictures`.
    """
    if (picture := _CATALOGUE_PICTURE.search(file)) is not None:
        return f"pictures/{picture[1]}"
    if file.startswith("data:image/"):
        return escape(file)
    return escape("gradio_api/file=" + file)


def item_url(id: str) -> str:
    """Return the address of an item's view, relative to the page, for a link."""
    return escape("?" + urlencode({"item": id}))


def css_colour(value: str) -> str | None:
    """Return the CSS colour of a colour's name, or None where it is not known."""
    return _MULTICOLOURED if value.casefold().strip() == "multi" else hex_code(value)


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


def empty(message: str) -> str:
    """Return the message that stands where there is nothing to show; "" without one."""
    return f'<p class="empty">{escape(message)}</p>' if message else ""


def shop_link(address: str, title: str) -> str:
    """Return a link to a product's page in its shop, in a new tab; "" without an address."""
    if not address:
        return ""
    return (
        f'<a class="shop-link" href="{escape(address)}" target="_blank" rel="noopener" '
        f'aria-label="{escape(_("View in shop: {title}", title=title))}">'
        f"{escape(_('View in shop'))}</a>"
    )


def price(amount: str, regular: str = "") -> str:
    """Return what an item costs, and struck through what it cost before; "" without a price."""
    if not amount:
        return ""
    before = ""
    if regular:
        label = escape(_("Before: {price}", price=regular))
        before = f' <s aria-label="{label}" title="{label}">{escape(regular)}</s>'
    return f'<span class="price">{escape(amount)}{before}</span>'
