"""The gallery: a card for each item, its picture first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from lookbook.ui import assets
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.messages import _
from lookbook.ui.views import CARD_ACTIONS, Card

_PLUS = '<path d="M12 5v14M5 12h14"/>'
_MINUS = '<path d="M5 12h14"/>'
HEART = '<path d="M12 20s-7-4.4-7-9.6A4 4 0 0 1 12 8a4 4 0 0 1 7 2.4C19 15.600 12 20 12 20z"/>'
_QUESTION = (
    '<path d="M9.2 9.3a2.8 2.8 0 1 1 4.2 2.4c-.9.5-1.400 1-1.400 2"/>'
    '<path d="M12 17.200v.1"/><circle cx="12" cy="12" r="9"/>'
)
_SIDE_BY_SIDE = '<path d="M4 5h6v14H4zM14 5h6v14h-6z"/>'
_MAX_COLOURS = 5  # swatches on a card

# an item may have several like buttons on a page: they change together
LIKE_BUTTONS = assets.read("like_buttons.js")


class Gallery(HtmlComponent):
    """Cards; events: open (the picture), like, more, less, why, compare (the small buttons)."""

    actions: tuple[str, ...] = ("open", *CARD_ACTIONS, "compare")
    script = assets.read("gallery.js") + LIKE_BUTTONS

    def __init__(self, elem_id: str, **kwargs: Any) -> None:
        super().__init__("", elem_id=elem_id, elem_classes=["card-gallery"], **kwargs)


class MoreCards(HtmlComponent):
    """An invisible component: cards put into it are moved to the end of the results."""

    script = """
    watch('value', () => {
      const list = document.querySelector('#results .cards');
      if (list) list.append(...element.querySelectorAll('.card'));
    });
    """


def gallery_html(cards: Sequence[Card], empty: str = "", anew: bool = False) -> str:
    """Return the HTML of a gallery; `empty` is the message where there is no card.

    `anew` makes it differ from an equal one before: the page then drops what was appended to that.
    """
    if not cards:
        return markup.empty(empty)
    stamp = f' data-at="{time.time_ns()}"' if anew else ""
    return f'<ul class="cards" role="list"{stamp}>' + "".join(map(_card, cards)) + "</ul>"


def icon(path: str) -> str:
    """Return a line drawing of 24 x 24 from the elements of an SVG."""
    return f'<svg viewBox="0 0 24 24" aria-hidden="true">{path}</svg>'


def _card(card: Card) -> str:
    title = markup.escape(card.title)
    label = ", ".join(part for part in (card.title, card.price, card.label) if part)
    return (
        f'<li class="card"><a class="open" href="{markup.item_url(card.id)}" data-act="open" '
        f'data-id="{markup.escape(card.id)}" aria-label="{markup.escape(label)}">'
        f'<img src="{markup.file_url(card.file)}"{_srcset(card)} alt="{title}" loading="lazy" '
        'decoding="async">'
        f'</a><div class="caption"><span class="title">{title}</span> '
        f"{markup.price(card.price, card.regular_price)}</div>"
        f"{_sold_out(card)}{_score(card)}{_colours(card)}{_note(card)}{_buttons(card)}</li>"
    )


def _srcset(card: Card) -> str:
    """Return the attribute that gives the larger picture to screens of three pixels a unit.

    A thumbnail is about one and a half times as wide as its card on a phone.
    """
    if not card.detail:
        return ""
    return f' srcset="{markup.file_url(card.file)} 1.5x, {markup.file_url(card.detail)} 3x"'


def _sold_out(card: Card) -> str:
    return f'<span class="sold-out">{markup.escape(_("Sold out"))}</span>' * card.sold_out


def _score(card: Card) -> str:
    label = markup.escape(card.label)
    if card.probability is None:
        return f'<div class="chance"><span>{label}</span></div>' * bool(card.label)
    bar = f'<i aria-hidden="true"><b style="width:{100 * card.probability:.0f}%"></b></i>'
    tooltip = markup.escape(card.explanation)
    return f'<div class="chance" title="{tooltip}">{bar}<span>{label}</span></div>'


def _colours(card: Card) -> str:
    if not card.colours:
        return ""
    swatches = []
    for id, colour in card.colours[:_MAX_COLOURS]:
        paint = markup.css_colour(colour)
        style = f'style="background:{paint}"' if paint else 'class="plain"'
        swatches.append(markup.button("open", in_colour(colour), f"<i {style}></i>", id=id))
    hidden = len(card.colours) - _MAX_COLOURS
    more = f"<span>+{hidden}</span>" if hidden > 0 else ""
    label = markup.escape(_("Other colours"))
    return f'<div class="ways" aria-label="{label}">{"".join(swatches)}{more}</div>'


def in_colour(colour: str) -> str:
    """Return the label of what opens an item in another colour."""
    return _("In {colour}", colour=colour)


def _note(card: Card) -> str:
    return f'<p class="note">{markup.escape(card.note)}</p>' if card.note else ""


def _buttons(card: Card) -> str:
    known = {
        "like": (_("Unlike: {title}") if card.liked else _("Like: {title}"), HEART),
        "more": (_("More like this: {title}"), _PLUS),
        "less": (_("Less like this: {title}"), _MINUS),
        "why": (_("Why this? {title}"), _QUESTION),
        "compare": (_("Compare: {title}"), _SIDE_BY_SIDE),
    }
    buttons = []
    for action in card.actions:
        label, path = known[action]
        pressed = {"like": card.liked, "compare": card.compared}.get(action, False)
        state = {"aria-pressed": "true"} if pressed else {}
        label = label.replace("{title}", card.title)
        buttons.append(markup.button(action, label, icon(path), state, id=card.id))
    link = markup.shop_link(card.product_page, card.title)
    return f'<div class="acts">{"".join(buttons)}{link}</div>' if buttons or link else ""
