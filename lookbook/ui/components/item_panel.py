"""A chosen piece of the collection: what is known of it, its looks, and why a result matched."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from lookbook.search.index import IndexItem
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import Part
from lookbook.ui.components.gallery import HEART, HEARTS, Card, icon, wall


class Piece(Part):
    """The piece that is searched from; acts: like, look, also, open (another colour)."""

    acts = ("like", "look", "also", "open")
    script = HEARTS


class Looks(Part):
    """Outfits, or pieces that others liked; acts: open, close."""

    acts = ("open", "close")


class Why(Part):
    """Two pictures and what made them match, in a dialog of its own."""

    acts = ("open",)
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


@dataclass(frozen=True)
class ItemView:
    """A piece as the page shows it."""

    item: IndexItem
    file: str
    price: str = ""
    liked: bool = False
    colours: tuple[tuple[str, str], ...] = ()


def piece(shown: ItemView) -> str:
    """The HTML of a chosen piece."""
    title = markup.text(shown.item.title)
    facts = "".join(
        f"<div><dt>{markup.text(markup.heading(name))}</dt>"
        f"<dd>{markup.text(markup.attribute(value))}</dd></div>"
        for name, value in shown.item.attributes.items()
        if value not in (None, "", "NA") and len(str(value)) <= 80
    )
    price = f'<p class="price">{markup.text(shown.price)}</p>' if shown.price else ""
    id, pressed = shown.item.id, {"aria-pressed": "true"} if shown.liked else {}
    like = markup.button("like", f"Like: {shown.item.title}", icon(HEART) + "Like", pressed, id=id)
    acts = like + markup.button("look", "Complete the look", "Complete the look", id=id)
    label = "People who liked this also liked"
    acts += markup.button("also", label, "People also liked", id=id)
    return (
        f'<section class="piece" aria-label="{title}"><img src="{markup.picture(shown.file)}" '
        f'alt="{title}"><div><h2>{title}</h2>{price}<dl>{facts}</dl>{_colours(shown)}'
        f'<div class="acts">{acts}</div></div></section>'
    )


def _colours(shown: ItemView) -> str:
    if not shown.colours:
        return ""
    made = "".join(
        markup.button("open", f"In {colour}", markup.text(colour), id=id)
        for id, colour in shown.colours[:8]
    )
    return f'<div class="also-in">Also in {made}</div>'


@dataclass(frozen=True)
class OutfitView:
    """One outfit as the page shows it."""

    reason: str
    cards: Sequence[Card]


def looks(found: Sequence[OutfitView], title: str, empty: str) -> str:
    """The HTML of whole outfits, each with its reason."""
    rows = "".join(
        f'<div class="look"><p>{markup.text(look.reason)}</p>{wall(look.cards)}</div>'
        for look in found
    )
    return (
        f'<section class="looks" aria-label="{markup.text(title)}"><h3>{markup.text(title)}</h3>'
        f"{rows or f'<p class=empty>{markup.text(empty)}</p>'}"
        '<button type="button" class="close" data-act="close">Close</button></section>'
    )


def why(sides: Sequence[tuple[str, str]], shared: Sequence[tuple[str, str]], line: str) -> str:
    """The dialog: (picture address, title) of both sides, the attributes they share, a sentence."""
    pictures = "".join(
        f'<figure><img src="{markup.text(src)}" alt="{markup.text(title)}, with the regions that '
        f'matched"><figcaption>{markup.text(title)}</figcaption></figure>'
        for src, title in sides
    )
    facts = "".join(
        f"<li>{markup.text(markup.heading(name))}: {markup.text(value)}</li>"
        for name, value in shared
    )
    told = f"<p>They share</p><ul>{facts}</ul>" if facts else ""
    return (
        # the time tells two equal answers apart: a dialog that was closed must open again
        f'<dialog class="why" aria-label="Why this?" data-at="{time.time_ns()}">'
        '<button type="button" class="close" '
        f'aria-label="Close">&times;</button><h3>Why this?</h3><div class="sides">{pictures}</div>'
        f"<p>{markup.text(line)}</p>{told}</dialog>"
    )
