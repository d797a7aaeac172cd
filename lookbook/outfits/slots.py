"""Outfit slots: the part of an outfit that an item is, for whom and for when, from its columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from lookbook.schema.colours import Colour, colour_from_name, colour_from_thumbnail
from lookbook.schema.column_names import (
    COLOUR_NAMES,
    KIND_NAMES,
    PEOPLE_NAMES,
    SEASON_NAMES,
    USAGE_NAMES,
    find_column,
)
from lookbook.schema.missing import is_missing
from lookbook.schema.text import tokenize
from lookbook.search.index import Index
from lookbook.search.mitigation import mitigation
from lookbook.search.per_index import per_index

SLOTS = ("top", "bottom", "dress", "outerwear", "shoes", "bag", "accessory")
_SLOT_WORDS: dict[str | None, str] = {  # the first slot that lists one of the words wins
    None: (  # no part of an outfit
        "night lounge sock socks laces "
        "bra bras brief briefs underwear trunk trunks boxer boxers innerwear lingerie "
        "nightdress nightsuit nightsuits pyjama pyjamas robe swimwear swimsuit bikini "
        "shapewear baby perfume deodorant lipstick nail makeup cosmetic skin fragrance "
        "mascara kajal bath sunscreen loungewear nightwear sleepwear personal free camisole "
        "camisoles thermal"
    ),
    "shoes": (
        "shoe shoes sandal sandals heel heels flats flip boot boots sneaker sneakers "
        "footwear loafer loafers pumps ballerinas slipper slippers trainers slides "
        "moccasins wedges"
    ),
    "bag": (
        "bag bags handbag handbags backpack backpacks clutch clutches rucksack rucksacks "
        "tote duffel messenger"
    ),
    "accessory": (
        "watch watches belt belts scarf scarves stole stoles jewellery earring earrings "
        "necklace necklaces ring bracelet bracelets bangle sunglasses eyewear cap caps hat "
        "hats beanie tie ties cufflinks glove gloves mufflers pendant headwear "
        "hairband umbrella wallet wallets hair"
    ),
    "outerwear": (
        "jacket jackets coat coats blazer blazers outdoor parka trench waistcoat cape "
        "cardigan cardigans rain nehru suits"
    ),
    "dress": "dress dresses jumpsuit jumpsuits gown saree sarees playsuit dungarees rompers",
    "bottom": (
        "bottomwear jeans trousers trouser shorts skirt skirts leggings tights pants "
        "jeggings chinos joggers capris track churidar salwar patiala lower"
    ),
    "top": (
        "topwear top tops tshirt tshirts shirt shirts sweater sweaters sweatshirt "
        "sweatshirts blouse kurta kurtas kurti kurtis tunic tunics hoodie vest polo jumper "
        "pullover tee bodysuit upper"
    ),
}
_SLOT_OF_WORD = {
    word: slot for slot, words in reversed(_SLOT_WORDS.items()) for word in tokenize(words)
}
_PRIORITY = {slot: n for n, slot in enumerate(_SLOT_WORDS)}
_ASPECT_NAMES = {"person": PEOPLE_NAMES, "season": SEASON_NAMES, "use": USAGE_NAMES}
_UNKNOWN, _NO_SLOT = -2, -1


def slot_of(text: str) -> str | None:
    """Map a category name to a slot: "Casual Shoes" -> "shoes".

    None for what is no part of an outfit, such as underwear; raises LookupError if no word of
    `text` is known.
    """
    slots = [_SLOT_OF_WORD[w] for w in tokenize(text.replace("-", "")) if w in _SLOT_OF_WORD]
    if not slots:
        raise LookupError(f"no word of {text!r} names a slot; the slots are {', '.join(SLOTS)}")
    return min(slots, key=_PRIORITY.__getitem__)


@per_index
def outfit_slots(index: Index) -> OutfitSlots:
    """Return what each item of an index is in an outfit; computed once for each index."""
    return OutfitSlots(index)


class OutfitSlots:
    """What each row of an index is in an outfit.

    `slots` int (n,): position in SLOTS, -1 for what is no part of an outfit.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self.slots = self._slots()
        self._colour_of_row: dict[int, Colour | None] = {}

    def _slots(self) -> np.ndarray:
        """The most specific category column decides; where none is understood, the title."""
        codes = np.full(len(self._index), _UNKNOWN)
        columns = [find_column(self._index.columns, [name]) for name in KIND_NAMES]
        sources = [self._index.column(c) for c in columns if c] + [self._index.titles]
        for values in sources:
            code_of = {value: _slot_code(value) for value in set(values)}
            codes = np.where(codes == _UNKNOWN, [code_of[value] for value in values], codes)
        return np.where(codes == _UNKNOWN, _NO_SLOT, codes)

    @cached_property
    def _colour_names(self) -> list | None:
        column = find_column(self._index.columns, COLOUR_NAMES)
        return self._index.column(column) if column else None

    def colour(self, row: int) -> Colour | None:
        """The colour that the catalogue names; of its picture where it has no colour column."""
        if row not in self._colour_of_row:
            if self._colour_names is None:
                colour = colour_from_thumbnail(self._index.generation.thumb(row))
            else:
                colour = colour_from_name(self._colour_names[row])
            self._colour_of_row[row] = colour
        return self._colour_of_row[row]

    def compatibility(self, row: int, aspect: str) -> np.ndarray:
        """float (n,), 0 to 1: how well each item goes with `row` by one aspect.

        `aspect`: "person" (who wears it), "season" or "use"; 1 for all where no column tells.
        """
        column = find_column(self._index.columns, _ASPECT_NAMES[aspect])
        if column is None or (aspect == "person" and mitigation().genderless):
            return np.ones(len(self._index))
        values, codes = self._index.categorical_codes(column)
        agreement, own = _AGREEMENT[aspect], str(values[codes[row]]).casefold()
        return np.array([agreement(own, str(value).casefold()) for value in values])[codes]

    def value(self, row: int, aspect: str) -> str | None:
        """The catalogue's own value of an aspect of an item; None where it tells none."""
        column = find_column(self._index.columns, _ASPECT_NAMES[aspect])
        value = self._index.items[row].attributes[column] if column else None
        return None if is_missing(value) else str(value)


def _slot_code(value: object) -> int:
    """Position in SLOTS, _NO_SLOT, or _UNKNOWN for a value whose words are not known."""
    if value is None:
        return _UNKNOWN
    try:
        slot = slot_of(str(value))
    except LookupError:
        return _UNKNOWN
    return _NO_SLOT if slot is None else SLOTS.index(slot)


def _same_person(one: str, other: str) -> float:
    anybody = {"unisex", "none", "na", "sport", "divided", "all"}
    return float(one == other or one in anybody or other in anybody)


_SEASON_ORDER = ("spring", "summer", "fall", "winter")


def _same_season(one: str, other: str) -> float:
    one, other = (s.replace("autumn", "fall") for s in (one, other))
    if one not in _SEASON_ORDER or other not in _SEASON_ORDER:
        return 0.7
    distance = abs(_SEASON_ORDER.index(one) - _SEASON_ORDER.index(other))
    return (1.0, 0.5, 0.1)[min(distance, 4 - distance)]


_CLOSE_USES = {
    frozenset(("casual", "smart casual")): 0.8,
    frozenset(("formal", "smart casual")): 0.8,
    frozenset(("party", "smart casual")): 0.7,
    frozenset(("party", "formal")): 0.6,
    frozenset(("casual", "sports")): 0.4,
    frozenset(("casual", "travel")): 0.9,
    frozenset(("casual", "ethnic")): 0.4,
    frozenset(("party", "ethnic")): 0.6,
    frozenset(("casual", "party")): 0.4,
}


def _same_use(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if {one, other} & {"none", "na"}:
        return 0.7
    return _CLOSE_USES.get(frozenset((one, other)), 0.1)


_AGREEMENT: dict[str, Callable[[str, str], float]] = {
    "person": _same_person,
    "season": _same_season,
    "use": _same_use,
}
