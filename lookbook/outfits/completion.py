"""Complete the look: pieces of the other categories that go with one item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lookbook.outfits.slots import SLOTS, OutfitSlots, outfit_slots
from lookbook.schema.colours import Colour, harmony
from lookbook.search.index import Index, IndexItem
from lookbook.search.product_groups import product_groups

CoBought = Callable[[str], Mapping[str, float]]

_ADDED = {  # what makes an outfit of a piece, each way in turn
    "top": (("bottom", "shoes", "accessory"), ("bottom", "shoes", "outerwear"),
            ("bottom", "shoes", "bag")),
    "bottom": (("top", "shoes", "accessory"), ("top", "shoes", "outerwear"),
               ("top", "shoes", "bag")),
    "dress": (("shoes", "bag"), ("shoes", "accessory", "outerwear"), ("shoes", "bag", "accessory")),
    "outerwear": (("top", "bottom", "shoes"), ("top", "bottom", "shoes", "accessory"),
                  ("dress", "shoes", "bag")),
    "shoes": (("top", "bottom"), ("top", "bottom", "outerwear"), ("dress", "bag")),
    "bag": (("dress", "shoes"), ("top", "bottom", "shoes"), ("top", "bottom", "shoes",
            "accessory")),
    "accessory": (("top", "bottom", "shoes"), ("dress", "shoes", "bag"),
                  ("top", "bottom", "shoes", "outerwear")),
}  # fmt: skip
_NEEDED = {  # the pieces without which it is no outfit
    "top": {"bottom"}, "bottom": {"top"}, "dress": {"shoes"}, "outerwear": {"top", "bottom"},
    "shoes": {"top", "bottom"}, "bag": {"shoes"}, "accessory": {"top", "bottom"},
}  # fmt: skip
_IDEAS = ("quiet", "tonal", "contrast")  # the colour rule that each look prefers
_SAID = {
    "quiet": "Quiet colours that let {colour} speak",
    "tonal": "Tone on tone around {colour}",
    "contrast": "A contrast to {colour}",
}
_CANDIDATES = 40  # of a slot, whose colours are looked at
_USE, _SEASON, _COLOUR, _LIKE, _BOUGHT = 0.3, 0.2, 0.35, 0.15, 0.3


@dataclass(frozen=True)
class Outfit:
    """An outfit: `pieces` to wear with the item (which is not among them), and why they fit."""

    pieces: list[IndexItem]
    reason: str
    score: float


class Looks(list[Outfit]):
    """Outfits, the best first; `reason` says why there are none, where there are none."""

    def __init__(self, looks: list[Outfit], reason: str = "") -> None:
        super().__init__(looks)
        self.reason = reason


def complete(index: Index, id: str, co_bought: CoBought | None = None, looks: int = 3) -> Looks:
    """Up to `looks` outfits around an item that share no piece, nor another colour of one.

    Pieces are for the same people; use, season, colours (each with all others) and closeness of
    the vectors count, and `co_bought(id)`, where given, adds what was bought with it (ids with
    scores of any scale). Raises UnknownItem.
    """
    row, wardrobe = index.row_of(id), outfit_slots(index)
    if wardrobe.slots[row] < 0:
        return Looks([], "This piece is worn by itself or under others: no outfit is made of it.")
    slot = SLOTS[wardrobe.slots[row]]
    base = _base(index, wardrobe, row, co_bought)
    used = {int(product_groups(index)[row])}
    found: list[Outfit] = []
    for turn in range(looks):
        idea, slots = _IDEAS[turn % len(_IDEAS)], _ADDED[slot][turn % len(_ADDED[slot])]
        look = _look(index, wardrobe, row, base, slots, idea, used)
        if look is not None:
            found.append(look)
    if not found:
        missing = " and ".join(sorted(_NEEDED[slot]))
        go = "goes" if missing in ("top", "bottom") else "go"
        return Looks([], f"This collection has no {missing} that {go} with this piece.")
    return Looks(sorted(found, key=lambda look: -look.score))


def _base(index: Index, wardrobe: OutfitSlots, row: int, co_bought: CoBought | None) -> np.ndarray:
    """float (n,): how well each item goes with `row`, colours apart; -inf for other people."""
    vectors = index.unit_vectors
    alike = vectors @ vectors[row]
    score = _USE * wardrobe.fits(row, "use") + _SEASON * wardrobe.fits(row, "season")
    score = score + _LIKE * np.clip(alike, 0, 1)
    bought = {} if co_bought is None else dict(co_bought(index.ids[row]))
    most = max((abs(value) for value in bought.values()), default=0.0)
    for other, value in bought.items():
        if other in index and most > 0:
            score[index.row_of(other)] += _BOUGHT * value / most
    score[wardrobe.fits(row, "person") == 0] = -np.inf
    return score


def _look(
    index: Index,
    wardrobe: OutfitSlots,
    row: int,
    base: np.ndarray,
    slots: tuple[str, ...],
    idea: str,
    used: set[int],
) -> Outfit | None:
    """The best piece of each slot in turn, given those before it; None where a needed one lacks."""
    worn, gains = [row], []
    taken = set(used)
    for slot in slots:
        best = _piece(index, wardrobe, base, slot, worn, idea, taken)
        if best is not None:
            worn.append(best[0])
            gains.append(best[1])
            taken.add(int(product_groups(index)[best[0]]))
    there = {SLOTS[wardrobe.slots[other]] for other in worn[1:]}
    needed = _NEEDED[SLOTS[wardrobe.slots[row]]]
    if "dress" in there:  # a dress is top and bottom
        there |= {"top", "bottom"}
    if not needed <= there:
        return None
    used |= taken
    pieces = [index.items[other] for other in worn[1:]]
    return Outfit(pieces, _reason(wardrobe, worn, idea), float(np.mean(gains)))


def _piece(
    index: Index,
    wardrobe: OutfitSlots,
    base: np.ndarray,
    slot: str,
    worn: list[int],
    idea: str,
    taken: set[int],
) -> tuple[int, float] | None:
    possible = (wardrobe.slots == SLOTS.index(slot)) & (base > -np.inf)
    for other in worn[1:]:  # with an item for all, the first piece for some decides
        possible &= wardrobe.fits(other, "person") > 0
    rows = np.flatnonzero(possible)
    rows = rows[~np.isin(product_groups(index)[rows], list(taken))]
    if not len(rows):
        return None
    near = rows[np.argsort(-base[rows], kind="stable")[:_CANDIDATES]]
    colours = [wardrobe.colour(other) for other in worn]
    gains = [base[r] + _COLOUR * _together(wardrobe.colour(r), colours, idea) for r in near]
    best = int(np.argmax(gains))
    return int(near[best]), float(gains[best])


def _together(colour: Colour | None, others: list[Colour | None], idea: str) -> float:
    """The worst harmony counts as much as the mean; with the item itself, the idea of the look."""
    scores, rules = zip(*(harmony(colour, other) for other in others), strict=True)
    return (min(scores) + float(np.mean(scores))) / 2 + 0.2 * (rules[0] == idea)


def _reason(wardrobe: OutfitSlots, worn: list[int], idea: str) -> str:
    colours = [wardrobe.colour(row) for row in worn]
    rules = [harmony(colours[0], other)[1] for other in colours[1:]]
    own = colours[0].name if colours[0] else "it"
    rule = idea if idea in rules else next((r for r in rules if r in _SAID), None)
    said = _SAID[rule].format(colour=own) if rule else f"Pieces that go with {own}"
    shades = list(dict.fromkeys(c.name for c in colours[1:] if c and c.name != own))
    if shades:
        said += f": {_listed(shades)}"
    return f"{said}{_occasion(wardrobe, worn)}."


def _occasion(wardrobe: OutfitSlots, worn: list[int]) -> str:
    """ "; all for casual summer days", as far as all pieces agree."""
    agreed = []
    for side in ("use", "season"):
        values = {wardrobe.value(row, side) for row in worn}
        if len(values) == 1 and None not in values:
            agreed.append(values.pop().lower())
    return f"; all for {' '.join(agreed)} days" if agreed else ""


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}"
