"""Category names are mapped to outfit slots; slots are computed once for an index."""

from __future__ import annotations

import pytest

from lookbook.outfits import outfit_slots
from lookbook.outfits.slots import SLOTS, slot_of
from lookbook.search.index import Index
from tests.tiny_index import publish_tiny


def test_every_slot_is_found_by_its_usual_names():
    slots = {slot_of(t) for t in ("Tshirts", "Jeans", "Dress", "Coat", "Heels", "Clutches", "Belt")}
    assert slots == set(SLOTS)
    assert slot_of("T-shirt") == "top"
    assert slot_of("Leggings/Tights") == "bottom"
    assert slot_of("Swimwear bottom") is None
    with pytest.raises(LookupError):
        slot_of("Tyres")


def test_slots_are_computed_once_for_an_index(tmp_path):
    publish_tiny(tmp_path, count=2, items={"id": ["a", "b"], "title": ["Shirt", "Tyre"]})
    index = Index.open(tmp_path)
    assert outfit_slots(index) is outfit_slots(index)
    assert outfit_slots(index) is not outfit_slots(Index.open(tmp_path))
    assert outfit_slots(index).slots.tolist() == [SLOTS.index("top"), -1]
