"""The wall of results: a card for each, its picture first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lookbook.ui import assets
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import Part

MORE = '<path d="M12 5v14M5 12h14"/>'
LESS = '<path d="M5 12h14"/>'
HEART = '<path d="M12 20s-7-4.4-7-9.6A4 4 0 0 1 12 8a4 4 0 0 1 7 2.4C19 15.600 12 20 12 20z"/>'
WHY = (
    '<path d="M9.2 9.3a2.8 2.8 0 1 1 4.2 2.4c-.9.5-1.400 1-1.400 2"/>'
    '<path d="M12 17.200v.1"/><circle cx="12" cy="12" r="9"/>'
)


@dataclass(frozen=True)
class Card:
    """What one card shows. `share` 0..1 fills the bar, `word` says it; `note` is a line below."""

    id: str
    title: str
    file: str
    price: str = ""
    word: str = ""
    share: float | None = None
    explained: str = ""
    note: str = ""
    colours: tuple[tuple[str, str], ...] = ()  # (id, colour or title) of the other colourways
    liked: bool = False
    acts: tuple[str, ...] = field(default=("like", "more", "less", "why"))


# one piece may have several hearts on a page: they go together
HEARTS = assets.read("hearts.js")


class Gallery(Part):
    """Cards; pressing one opens it, its small buttons like, ask for more, less, or why."""

    acts = ("open", "like", "more", "less", "why")
    script = assets.read("wall.js") + HEARTS

    def __init__(self, elem_id: str, **kwargs: object) -> None:
        super().__init__("", elem_id=elem_id, elem_classes=["wall"], **kwargs)


def wall(cards: Sequence[Card], empty: str = "") -> str:
    """The HTML of a wall; `empty` is said where there is no card."""
    if not cards:
        return f'<p class="empty">{markup.text(empty)}</p>' if empty else ""
    return '<ul class="cards" role="list">' + "".join(map(_card, cards)) + "</ul>"


def icon(path: str) -> str:
    """A line drawing of 24 x 24."""
    return f'<svg viewBox="0 0 24 24" aria-hidden="true">{path}</svg>'


def _card(card: Card) -> str:
    title = markup.text(card.title)
    said = ", ".join(part for part in (card.title, card.price, card.word) if part)
    return (
        f'<li class="card"><button type="button" class="open" data-act="open" '
        f'data-id="{markup.text(card.id)}" aria-label="{markup.text(said)}: search from it">'
        f'<img src="{markup.picture(card.file)}" alt="{title}" loading="lazy" decoding="async">'
        f'</button><div class="caption"><span class="title">{title}</span> {_price(card)}</div>'
        f"{_chance(card)}{_colours(card)}{_note(card)}{_acts(card)}</li>"
    )


def _price(card: Card) -> str:
    return f'<span class="price">{markup.text(card.price)}</span>' if card.price else ""


def _chance(card: Card) -> str:
    if card.share is None:
        return f'<div class="chance"><span>{markup.text(card.word)}</span></div>' * bool(card.word)
    bar = f'<i aria-hidden="true"><b style="width:{100 * card.share:.0f}%"></b></i>'
    explained, word = markup.text(card.explained), markup.text(card.word)
    return f'<div class="chance" title="{explained}">{bar}<span>{word}</span></div>'


def _colours(card: Card) -> str:
    if not card.colours:
        return ""
    shown = []
    for id, colour in card.colours[:5]:
        paint = markup.swatch(colour)
        look = f'style="background:{paint}"' if paint else 'class="plain"'
        inner = f"<i {look}></i>"
        shown.append(markup.button("open", f"In {colour}", inner, id=id))
    more = f"<span>+{len(card.colours) - 5}</span>" if len(card.colours) > 5 else ""
    return f'<div class="ways" aria-label="Other colours">{"".join(shown)}{more}</div>'


def _note(card: Card) -> str:
    return f'<p class="note">{markup.text(card.note)}</p>' if card.note else ""


def _acts(card: Card) -> str:
    kinds = {
        "like": ("Unlike" if card.liked else "Like", HEART),
        "more": ("More like this", MORE),
        "less": ("Less like this", LESS),
        "why": ("Why this?", WHY),
    }
    made = []
    for act in card.acts:
        label, path = kinds[act]
        also = {"aria-pressed": "true"} if act == "like" and card.liked else {}
        made.append(markup.button(act, f"{label}: {card.title}", icon(path), also, id=card.id))
    return f'<div class="acts">{"".join(made)}</div>' if made else ""
