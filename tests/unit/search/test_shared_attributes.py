"""Attributes that two items have in common."""

from lookbook.search.index import IndexItem
from lookbook.search.shared_attributes import shared_attributes


def test_shared_attributes_keep_their_order():
    one = IndexItem("1", "", {"gender": "Men", "colour": "red", "year": 2012, "x": None, "y": "NA"})
    other = IndexItem("2", "", {"year": 2012, "gender": "men", "x": None, "colour": "b", "y": "NA"})
    assert shared_attributes(one, other) == [("gender", "Men"), ("year", 2012)]
    assert shared_attributes(one, IndexItem("3", "", {})) == []
