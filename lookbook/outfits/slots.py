"""What an item is in an outfit, for whom and when: read from a catalogue's own columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from lookbook.schema.colours import Colour, named, seen
from lookbook.schema.column_names import (
    COLOUR_NAMES,
    KIND_NAMES,
    PEOPLE_NAMES,
    SEASON_NAMES,
    USAGE_NAMES,
    find_column,
)
from lookbook.schema.text import tokenize
from lookbook.search.index import Index
from lookbook.search.per_index import per_index

SLOTS = ("top", "bottom", "dress", "outerwear", "shoes", "bag", "accessory")
_SLOT_WORDS = {  # the first slot that has one of the words takes the item
    None: (
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
_PLACE = {word: slot for slot, listed in reversed(_SLOT_WORDS.items()) for word in tokenize(listed)}
_ORDER = {slot: n for n, slot in enumerate(_SLOT_WORDS)}


def slot_of(text: str) -> str | None:
    """ "Casual Shoes" -> shoes; None for what is no part of an outfit, LookupError if unknown."""
    found = [_PLACE[word] for word in tokenize(text.replace("-", "")) if word in _PLACE]
    if not found:
        raise LookupError(f"no slot for {text!r}")
    return min(found, key=_ORDER.__getitem__)


class OutfitSlots:
    """Codes by row: `slots` (n,) place in SLOTS or -1; each `Side` a column of few values."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.slots = self._slots()
        self._seen: dict[int, Colour | None] = {}

    def _slots(self) -> np.ndarray:
        """The most telling column decides; where none does, the title."""
        codes = np.full(len(self._index), -2)
        columns = [find_column(self._index.columns, [name]) for name in KIND_NAMES]
        sources = [self._index.column(c) for c in columns if c] + [self._index.titles]
        for values in sources:
            of = {value: _code(value) for value in set(values)}
            codes = np.where(codes == -2, [of[value] for value in values], codes)
        return np.where(codes == -2, -1, codes)

    @cached_property
    def _colours(self) -> list | None:
        column = find_column(self._index.columns, COLOUR_NAMES)
        return self._index.column(column) if column else None

    def colour(self, row: int) -> Colour | None:
        """By its name in the catalogue, else as its picture shows it."""
        if row not in self._seen:
            found = named(self._colours[row]) if self._colours else None
            if self._colours is None:
                found = seen(self._index.generation.thumb(row))
            self._seen[row] = found
        return self._seen[row]

    def fits(self, row: int, side: str) -> np.ndarray:
        """float (n,): how well each item fits `row` in `side`: "person", "season" or "use"."""
        columns, agree = {
            "person": (PEOPLE_NAMES, _same_person),
            "season": (SEASON_NAMES, _same_season),
            "use": (USAGE_NAMES, _same_use),
        }[side]
        column = find_column(self._index.columns, columns)
        return self._by_value(column, row, agree)

    def value(self, row: int, side: str) -> str | None:
        """What the catalogue says of the season or use of an item."""
        columns = {"season": SEASON_NAMES, "use": USAGE_NAMES}[side]
        column = find_column(self._index.columns, columns)
        value = self._index.items[row].attributes[column] if column else None
        return None if value is None or str(value).upper() == "NA" else str(value)

    def _by_value(
        self, column: str | None, row: int, agree: Callable[[str, str], float]
    ) -> np.ndarray:
        if column is None:
            return np.ones(len(self._index))
        values, codes = self._index.categorical_codes(column)
        own = str(values[codes[row]]).casefold()
        return np.array([agree(own, str(value).casefold()) for value in values])[codes]


@per_index
def outfit_slots(index: Index) -> OutfitSlots:
    """Return what each item of an index is in an outfit."""
    return OutfitSlots(index)


def _code(value: object) -> int:
    try:
        slot = slot_of(str(value)) if value is not None else "unknown"
    except LookupError:
        return -2
    return -2 if slot == "unknown" else -1 if slot is None else SLOTS.index(slot)


def _same_person(one: str, other: str) -> float:
    either = {"unisex", "none", "na", "sport", "divided", "all"}
    return float(one == other or one in either or other in either)


_TURN = ("spring", "summer", "fall", "winter")


def _same_season(one: str, other: str) -> float:
    one, other = (s.replace("autumn", "fall") for s in (one, other))
    if one not in _TURN or other not in _TURN:
        return 0.7
    apart = abs(_TURN.index(one) - _TURN.index(other))
    return (1.0, 0.5, 0.1)[min(apart, 4 - apart)]


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
