""" "In stock" and "sold out" in a query filter by the shop's column, in its languages."""

from __future__ import annotations

import pytest

from lookbook.recommend.items import Items
from lookbook.schema.filters import parse_where
from lookbook.search import availability
from lookbook.search.availability import hide_sold_out, read_availability
from lookbook.search.facets import facets
from lookbook.search.index import Index
from lookbook.search.query import Query, allowed_rows, run
from lookbook.ui.recall_probe import recall
from tests.tiny_index import publish_tiny
from tests.unit.search.test_understanding import FixedTextEncoder

KINDS = ("Dresses", "Shirts")
UNSAID = "this catalogue does not say what is in stock"


def shop(root, **columns) -> Index:
    """Eight items, dresses and shirts in turn; the first three are sold out."""
    count = 8
    items = {"id": list("abcdefgh"), "title": [f"Ada {n}" for n in range(count)]}
    items |= {"articleType": [KINDS[n % 2] for n in range(count)], "colour": ["Gold"] * count}
    publish_tiny(root, count=count, dim=8, items=items | columns, thumbs=[b""] * count)
    return Index.open(root, engine="exact")


COLUMNS = [
    {"availability": ["out of stock"] * 3 + ["in stock"] * 5},
    {"Verfügbarkeit": ["ausverkauft"] * 2 + ["nicht verfügbar"] + ["auf Lager"] * 5},
    {"stock": [0, 0, 0, 4, 1, 9, 2, 7]},
    {"in_stock": [False] * 3 + [True] * 5},
]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sold out", "abc"),
        ("dress sold out", "ac"),
        ("in stock", "defgh"),
        ("shirts in stock", "dfh"),
        ("Kleid auf Lager", "eg"),
        ("ausverkauft", "abc"),
        ("not sold out", "defgh"),
        ("dress, not in stock", "ac"),
    ],
)
def test_words_filter_by_the_column_of_availability(tmp_path, column, words, expected):
    result = run(Query(words=words, fold=None), shop(tmp_path, **column), FixedTextEncoder())
    assert sorted(hit.id for hit in result.hits) == list(expected)
    assert not any("gold" in note for note in result.notes)


def test_a_catalogue_without_such_a_column_says_so(tmp_path):
    result = run(Query(words="dress in stock", fold=None), shop(tmp_path), FixedTextEncoder())
    assert {hit.item.attributes["articleType"] for hit in result.hits} == {"Dresses"}
    assert UNSAID in result.notes
    assert run(Query(words="sold out"), shop(tmp_path / "other"), FixedTextEncoder()).notes == (
        UNSAID,
    )


@pytest.fixture
def hidden():
    """Sold-out items are left out for the length of a test."""
    hide_sold_out(True)
    yield
    hide_sold_out(False)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_shop_can_leave_out_what_is_sold_out(tmp_path, hidden, column):
    index = shop(tmp_path, **column)

    def found(**query):
        return "".join(
            sorted(hit.id for hit in run(Query(fold=None, **query), index, FixedTextEncoder()).hits)
        )

    assert found() == "defgh" and found(item="d") == "efgh" and found(item="a") == "defgh"
    assert found(words="dress") == "eg"
    assert found(words="dress sold out") == "ac", "who asks for them sees them"
    kinds = {facet.column: facet for facet in facets(index, ())}["articleType"]
    assert {value.value: value.count for value in kinds.choices} == {"Dresses": 2, "Shirts": 3}
    assert Items.of_index(index).mask(None).tolist() == [False] * 3 + [True] * 5
    items = Items.of_index(index)
    assert items.mask((f"{next(iter(column))}!=never",)).all(), "as in search, who asks sees them"
    hide_sold_out(False)
    assert found() == "abcdefgh" and items.mask(None).all()


def test_what_is_sold_out_is_found_once_for_an_index(tmp_path, hidden, monkeypatch):
    index, asked = shop(tmp_path, **COLUMNS[0]), []
    told = availability.is_sold_out
    monkeypatch.setattr(
        availability, "is_sold_out", lambda value: asked.append(value) or told(value)
    )
    for _ in range(3):
        assert availability.offered_rows(index).tolist() == [False] * 3 + [True] * 5
    assert len(asked) == 2, "once for each value"
    hide_sold_out(False)
    assert availability.offered_rows(index) is None
    assert availability.offered_rows(shop(tmp_path / "other")) is None


def test_the_recall_probe_measures_the_search_that_the_site_runs(tmp_path, hidden, monkeypatch):
    index, asked = shop(tmp_path, **COLUMNS[0]), []
    ranked = Index.rank_rows

    def rank(self, vector, count, allowed=None, **options):
        asked.append(allowed)
        return ranked(self, vector, count, allowed, **options)

    monkeypatch.setattr(Index, "rank_rows", rank)
    recall(Query(item="d"), index)
    recall(Query(item="d", where=parse_where(("articleType=Shirts",))), index)
    assert [allowed.tolist() for allowed in asked[::2]] == [
        [False] * 3 + [True] * 5,
        [False] * 3 + [True, False, True, False, True],
    ]


def test_a_filter_alone_is_told_to_engines_that_filter_by_themselves(tmp_path, hidden):
    index, wanted = shop(tmp_path, **COLUMNS[0]), parse_where(("availability=in stock",))
    allowed = allowed_rows(index, wanted)
    assert allowed.tolist() == [False] * 3 + [True] * 5
    assert allowed.conditions == wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("robe en stock", ("robe", True)),
        ("vestido agotado", ("vestido", False)),
        ("non disponibile", ("", False)),
        ("overstock sale", ("overstock sale", None)),
        ("stockings", ("stockings", None)),
        ("a dress that sold", ("a dress that sold", None)),
    ],
)
def test_words_of_availability_are_told_from_others(text, expected):
    assert read_availability(text) == expected
