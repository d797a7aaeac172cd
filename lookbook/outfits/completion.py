"""Complete outfits: items of the other slots that go with one item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lookbook.outfits.colour_harmony import harmony
from lookbook.outfits.slots import SLOTS, OutfitSlots, outfit_slots
from lookbook.schema.colours import Colour
from lookbook.schema.message import Message
from lookbook.schema.thesaurus import Term, shop_thesaurus
from lookbook.search.availability import offered_rows
from lookbook.search.index import Index, IndexItem
from lookbook.search.product_groups import product_groups

BoughtTogether = Callable[[str], Mapping[str, float]]

_SLOT_PLANS = {  # slots to fill around an item of a slot; the outfits take the plans in turn
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
_REQUIRED_SLOTS = {  # without these it is no outfit
    "top": {"bottom"}, "bottom": {"top"}, "dress": {"shoes"}, "outerwear": {"top", "bottom"},
    "shoes": {"top", "bottom"}, "bag": {"shoes"}, "accessory": {"top", "bottom"},
}  # fmt: skip
_COLOUR_RULES = ("neutral", "tonal", "contrast")  # the rule that each outfit prefers, in turn
_REASONS = {
    "neutral": Message("Neutral colours that go with {colour}"),
    "tonal": Message("Tone on tone with {colour}"),
    "contrast": Message("A contrast with {colour}"),
}
_MISSING = {  # by the slot of the item
    "top": Message("This collection has no bottom that goes with this piece."),
    "bottom": Message("This collection has no top that goes with this piece."),
    "dress": Message("This collection has no shoes that go with this piece."),
    "bag": Message("This collection has no shoes that go with this piece."),
    "outerwear": Message("This collection has no bottom and top that go with this piece."),
    "shoes": Message("This collection has no bottom and top that go with this piece."),
    "accessory": Message("This collection has no bottom and top that go with this piece."),
}
_CANDIDATES = 40  # best of a slot, whose colours are compared
# weights of the score
_USE, _SEASON, _COLOUR, _SIMILARITY, _BOUGHT_TOGETHER = 0.3, 0.2, 0.35, 0.15, 0.3
_PREFERRED_RULE = 0.2  # bonus of the preferred colour rule, before the weight of colour


@dataclass(frozen=True)
class Outfit:
    """An outfit: `items` to wear with the item asked for (not among them), and why they fit."""

    items: list[IndexItem]
    reason: str
    score: float


class OutfitList(list[Outfit]):
    """Outfits, best first; `reason` says why the list is empty, where it is."""

    def __init__(self, outfits: list[Outfit], reason: str = "") -> None:
        super().__init__(outfits)
        self.reason = reason


def complete(
    index: Index, id: str, bought_together: BoughtTogether | None = None, count: int = 3
) -> OutfitList:
    """Make up to `count` outfits around an item that share no product in any colour.

    All items of an outfit are for the same people. The score adds use, season, cosine similarity
    and colour harmony (each item with all others) and, where given, `bought_together(id)`: the ids
    that were bought with it, with scores of any scale. Raises UnknownItem.
    """
    row, slots = index.row_of(id), outfit_slots(index)
    if slots.slots[row] < 0:
        reason = Message(
            "This piece is worn on its own or underneath, so there is no outfit for it."
        )
        return OutfitList([], reason)
    builder = _OutfitBuilder(index, slots, row, bought_together)
    outfits = [outfit for turn in range(count) if (outfit := builder.build(turn)) is not None]
    if not outfits:
        return OutfitList([], _MISSING[builder.slot])
    return OutfitList(sorted(outfits, key=lambda outfit: -outfit.score))


class _OutfitBuilder:
    """Greedy choice of one item for each slot; a product is used in one outfit only."""

    def __init__(
        self,
        index: Index,
        slots: OutfitSlots,
        row: int,
        bought_together: BoughtTogether | None,
    ) -> None:
        self.index, self.slots, self.row = index, slots, row
        self.slot = SLOTS[slots.slots[row]]
        self.products = product_groups(index)
        self.used_products = {int(self.products[row])}
        self.base_scores = _base_scores(index, slots, row, bought_together)

    def build(self, turn: int) -> Outfit | None:
        """Fill the slots of this turn's plan in order; None where a required slot stays empty."""
        plans = _SLOT_PLANS[self.slot]
        colour_rule = _COLOUR_RULES[turn % len(_COLOUR_RULES)]
        rows, scores = [self.row], []
        used = set(self.used_products)
        for slot in plans[turn % len(plans)]:
            best = self._best_item(slot, rows, colour_rule, used)
            if best is not None:
                rows.append(best[0])
                scores.append(best[1])
                used.add(int(self.products[best[0]]))
        filled = {SLOTS[self.slots.slots[other]] for other in rows[1:]}
        if "dress" in filled:  # a dress is top and bottom
            filled |= {"top", "bottom"}
        if not _REQUIRED_SLOTS[self.slot] <= filled:
            return None
        self.used_products = used
        items = [self.index.items[other] for other in rows[1:]]
        return Outfit(items, _reason(self.slots, rows, colour_rule), float(np.mean(scores)))

    def _best_item(
        self, slot: str, rows: list[int], colour_rule: str, used: set[int]
    ) -> tuple[int, float] | None:
        """(row, score) of the best item of a slot beside the chosen `rows`; None without any."""
        possible = (self.slots.slots == SLOTS.index(slot)) & (self.base_scores > -np.inf)
        for other in rows[1:]:  # around a unisex item, the first gendered choice decides
            possible &= self.slots.compatibility(other, "person") > 0
        candidates = np.flatnonzero(possible)
        candidates = candidates[~np.isin(self.products[candidates], list(used))]
        if not len(candidates):
            return None
        base = self.base_scores
        candidates = candidates[np.argsort(-base[candidates], kind="stable")[:_CANDIDATES]]
        colours = [self.slots.colour(other) for other in rows]
        scores = [
            base[candidate]
            + _COLOUR * _colour_score(self.slots.colour(int(candidate)), colours, colour_rule)
            for candidate in candidates
        ]
        best = int(np.argmax(scores))
        return int(candidates[best]), float(scores[best])


def _base_scores(
    index: Index, slots: OutfitSlots, row: int, bought_together: BoughtTogether | None
) -> np.ndarray:
    """float (n,): how well each item goes with `row` without colours; -inf for other people."""
    vectors = index.unit_vectors
    scores = _USE * slots.compatibility(row, "use") + _SEASON * slots.compatibility(row, "season")
    scores = scores + _SIMILARITY * np.clip(vectors @ vectors[row], 0, 1)
    bought = {} if bought_together is None else dict(bought_together(index.ids[row]))
    highest = max((abs(value) for value in bought.values()), default=0.0)
    for other, value in bought.items():
        if other in index and highest > 0:
            scores[index.row_of(other)] += _BOUGHT_TOGETHER * value / highest
    scores[slots.compatibility(row, "person") == 0] = -np.inf
    if (shown := offered_rows(index)) is not None:
        scores[~shown] = -np.inf
    return scores


def _colour_score(colour: Colour | None, others: list[Colour | None], colour_rule: str) -> float:
    """Mean of the worst and the mean harmony, plus a bonus for the preferred rule with the item."""
    scores, rules = zip(*(harmony(colour, other) for other in others), strict=True)
    bonus = _PREFERRED_RULE * (rules[0] == colour_rule)
    return (min(scores) + float(np.mean(scores))) / 2 + bonus


def _reason(slots: OutfitSlots, rows: list[int], colour_rule: str) -> Message:
    first, *others = [slots.colour(row) for row in rows]
    rules = [harmony(first, other)[1] for other in others]
    own = first.name if first else None
    rule = colour_rule if colour_rule in rules else next((r for r in rules if r in _REASONS), None)
    template = _REASONS[rule] if rule else Message("Pieces that go with {colour}")
    reason = Message(template, colour=_term(own) if own else Message("it"))
    shades = [_term(n) for n in dict.fromkeys(c.name for c in others if c and c.name != own)]
    if shades:
        reason = Message("{reason}: {colours}", reason=reason, colours=shades)
    occasion = _occasion(slots, rows)
    if occasion:
        reason = Message("{one}; {other}", one=reason, other=occasion)
    return Message("{sentence}.", sentence=reason)


def _occasion(slots: OutfitSlots, rows: list[int]) -> str:
    """ "all for casual summer days", as far as the catalogue says the same of all items."""
    shared = {}
    for aspect in ("use", "season"):
        first, *others = {slots.value(row, aspect) for row in rows}
        if first is not None and not others:
            shared[aspect] = _term(first)
    if len(shared) == 2:
        return Message("all for {use} {season} days", **shared)
    if "use" in shared:
        return Message("all for {use} days", **shared)
    return Message("all for {season} days", **shared) if shared else ""


def _term(text: str) -> Term:
    """Return a colour, a use or a season as a term that every language has a word for."""
    return shop_thesaurus().term(text.lower())
