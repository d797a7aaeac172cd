"""One item of the collection: its attributes, outfits around it, and why a result matched."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lookbook.schema.readable import facts
from lookbook.ui import assets
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.components.gallery import HEART, LIKE_BUTTONS, gallery_html, icon, in_colour
from lookbook.ui.labels import label_of
from lookbook.ui.messages import _
from lookbook.ui.views import ItemView, OutfitView, PhotoView

_MAX_COLOURS = 8  # links to other colourways
_FIRST_ROWS = 6  # attributes that are shown at first


class ItemPanel(HtmlComponent):
    """The item that is searched from; events: like, look, also, open (another colour).

    A press on a small photo shows it large, a press on the large one its detail, without an event.
    """

    actions = ("like", "look", "also", "open")
    script = LIKE_BUTTONS + assets.read("item_photos.js")


class OutfitPanel(HtmlComponent):
    """Outfits, or items that others liked; events: open, close."""

    actions = ("open", "close")


class ExplanationDialog(HtmlComponent):
    """A dialog with two pictures and the regions that made them match."""

    actions = ("open",)
    script = """
    watch('value', () => {
      const dialog = element.querySelector('dialog');
      if (dialog && !dialog.open) dialog.showModal();
    });
    element.addEventListener('click', (event) => {
      const dialog = element.querySelector('dialog');
      if (dialog && (event.target === dialog || event.target.closest('.close'))) dialog.close();
    });
    """


def item_html(view: ItemView) -> str:
    """Return the HTML of an item."""
    title = markup.escape(view.item.title)
    rows = [
        f"<div><dt>{markup.escape(label_of(name))}</dt><dd>{markup.escape(text)}</dd></div>"
        for name, text in facts(view.item.attributes)
    ]
    price = f"<p>{markup.price(view.price, view.regular_price)}</p>" if view.price else ""
    price += f'<p class="sold-out">{markup.escape(_("Sold out"))}</p>' * view.sold_out
    return (
        f'<section class="piece" aria-label="{title}">{_photos(view)}'
        f'<div><h2>{title}</h2>{price}<div class="acts">{_buttons(view)}</div>'
        f"{_colours(view)}{_details(rows)}</div></section>"
    )


def _details(rows: Sequence[str]) -> str:
    """Return the first rows of attributes, the rest behind a press."""
    first, rest = "".join(rows[:_FIRST_ROWS]), "".join(rows[_FIRST_ROWS:])
    label = markup.escape(_("All details"))
    more = f"<details><summary>{label}</summary><dl>{rest}</dl></details>" if rest else ""
    return f"<dl>{first}</dl>{more}"


def _photos(view: ItemView) -> str:
    """Return the large photo, a button for each where there are several, and the dialog of it."""
    title, first = markup.escape(view.item.title), view.photos[0]
    sources = f'src="{markup.file_url(first.file)}" srcset="{_srcset(first)}"'
    large = f'<img {sources} alt="{title}">'
    dialog = ""
    if any(photo.detail for photo in view.photos):
        disabled = "" if first.detail else " disabled"
        large = (
            f'<button type="button" class="large" '
            f'aria-label="{markup.escape(_("Enlarge: {title}", title=view.item.title))}" '
            f'data-detail="{_detail_url(first)}"{disabled}>{large}</button>'
        )
        dialog = (
            f'<dialog aria-label="{title}"><button type="button" class="close" '
            f'aria-label="{markup.escape(_("Close"))}">&times;</button><img alt="{title}"></dialog>'
        )
    return f'<div class="views">{large}{_small_photos(view.photos)}{dialog}</div>'


def _small_photos(photos: Sequence[PhotoView]) -> str:
    if len(photos) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" class="small" aria-pressed="{"true" if number == 1 else "false"}" '
        f'aria-label="{_photo_label(number, len(photos))}" data-detail="{_detail_url(photo)}" '
        f'data-srcset="{_srcset(photo)}">'
        f'<img src="{markup.file_url(photo.file)}" alt="" loading="lazy" decoding="async"></button>'
        for number, photo in enumerate(photos, 1)
    )
    return f'<div role="group" aria-label="{markup.escape(_("Photos"))}">{buttons}</div>'


def _photo_label(number: int, count: int) -> str:
    return markup.escape(_("Photo {number} of {count}", number=number, count=count))


def _detail_url(photo: PhotoView) -> str:
    return markup.file_url(photo.detail) if photo.detail else ""


def _srcset(photo: PhotoView) -> str:
    """Return the thumbnail for a plain screen, the detail for one with finer pixels."""
    urls = [
        markup.file_url(file).replace(" ", "%20") for file in (photo.file, photo.detail) if file
    ]
    return ", ".join(f"{url} {density}x" for density, url in enumerate(urls, 1))


def _buttons(view: ItemView) -> str:
    id, state = view.item.id, {"aria-pressed": "true"} if view.liked else {}
    label = _("Like: {title}", title=view.item.title)
    like = markup.button("like", label, icon(HEART) + markup.escape(_("Like")), state, id=id)
    label = _("Complete the look")
    look = markup.button("look", label, markup.escape(label), id=id)
    label = _("People who liked this also liked")
    also = markup.button("also", label, markup.escape(_("People also liked")), id=id)
    return markup.shop_link(view.product_page, view.item.title) + like + look + also


def _colours(view: ItemView) -> str:
    if not view.colours:
        return ""
    links = "".join(
        markup.button("open", in_colour(colour), markup.escape(colour), id=id)
        for id, colour in view.colours[:_MAX_COLOURS]
    )
    return f'<div class="also-in">{markup.escape(_("Also in"))} {links}</div>'


def outfits_html(outfits: Sequence[OutfitView], title: str, empty: str) -> str:
    """Return the HTML of outfits under a title; `empty` is the message where there is none."""
    rows = "".join(
        f'<div class="look"><p>{markup.escape(outfit.reason)}</p>{gallery_html(outfit.cards)}</div>'
        for outfit in outfits
    )
    heading = markup.escape(title)
    return (
        f'<section class="looks" aria-label="{heading}"><h3>{heading}</h3>'
        f"{rows or markup.empty(empty)}"
        '<button type="button" class="close" data-act="close">'
        f"{markup.escape(_('Close'))}</button></section>"
    )


def explanation_html(
    pictures: Sequence[tuple[str, str]], shared: Sequence[tuple[str, object]], sentence: str
) -> str:
    """Return the HTML of the explanation dialog.

    `pictures` are (address, title) of the query and the result, with their heatmaps; `shared` are
    the attributes (column, value) that both have.
    """
    figures = "".join(
        f'<figure><img src="{markup.escape(src)}" alt="{_regions_label(title)}">'
        f"<figcaption>{markup.escape(title)}</figcaption></figure>"
        for src, title in pictures
    )
    rows = "".join(
        f"<li>{markup.escape(label_of(name))}: {markup.escape(text)}</li>"
        for name, text in facts(dict(shared))
    )
    common = f"<p>{markup.escape(_('In common'))}</p><ul>{rows}</ul>" if rows else ""
    heading, close = markup.escape(_("Why this?")), markup.escape(_("Close"))
    return (
        # the time makes two equal values differ: a dialog that was closed must open again
        f'<dialog class="why" aria-label="{heading}" data-at="{time.time_ns()}">'
        f'<button type="button" class="close" aria-label="{close}">&times;</button>'
        f'<h3>{heading}</h3><div class="sides">{figures}</div>'
        f"<p>{markup.escape(sentence)}</p>{common}</dialog>"
    )


def _regions_label(title: str) -> str:
    return markup.escape(_("{title}, with the regions that matched", title=title))
