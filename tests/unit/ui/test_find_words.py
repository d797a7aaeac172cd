"""Which words stand in which field: those that search by themselves, and those that refine."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from PIL import Image

from lookbook.search.index import Index
from lookbook.search.photo_query import PhotoQuery
from lookbook.search.query import Query
from lookbook.ui.components.photo_input import Upload
from lookbook.ui.pages.find import callbacks
from lookbook.ui.pages.find.callbacks import Callbacks
from lookbook.ui.services.search import SearchService
from tests.tiny_index import publish_tiny

NOBODY: frozenset[str] = frozenset()
RED = Image.new("RGB", (40, 30), "red")


@pytest.fixture
def page(tmp_path):
    """The Find page of a shop whose encoder knows no word, and sees the same in every photo."""
    titles = [f"red dress {n}" for n in range(6)]
    publish_tiny(tmp_path / "index", count=6, items={"id": list("abcdef"), "title": titles})
    encoder = MagicMock(knows=lambda text: False, unknown_words=lambda text: [])
    service = SearchService(Index.open(tmp_path / "index"), lambda: encoder, tmp_path / "thumbs")
    vector = np.eye(service.index.dim, dtype=np.float32)[0]
    service.encode_photo = lambda photo, crop=True: PhotoQuery(vector, RED)
    components = MagicMock()
    components.tabs = object()
    return Callbacks(service, components, [])


def event(**data):
    return SimpleNamespace(_data=data)


def fields(page, updates):
    """What the search box and the field "Add words" are set to; None for one that stays."""
    c = page.components
    return updates.get(c.text), updates.get(c.words)


def query_of(page, updates):
    return updates[page.components.query]


def searched(page, text="red dress"):
    return query_of(page, page.search_text(text, Query(), NOBODY))


def with_photo(page, query):
    return page.search_upload(Upload(b"a photo"), query, (), False, NOBODY)


def test_the_words_of_a_text_query_are_not_offered_as_words_that_refine_it(page):
    updates = page.search_text("red dress", Query(), NOBODY)
    assert query_of(page, updates).words == "red dress"
    assert fields(page, updates) == (None, ""), "the box keeps what was typed"


def test_a_photo_that_replaces_a_text_query_empties_both_fields(page):
    updates = with_photo(page, searched(page))
    assert query_of(page, updates).words == ""
    assert fields(page, updates) == ("", "")


def test_an_item_that_replaces_a_text_query_empties_both_fields(page):
    updates = page.search_item("a", searched(page), NOBODY)
    assert fields(page, updates) == ("", "")


def test_a_title_that_was_typed_or_chosen_stays_in_the_box(page):
    assert fields(page, page.search_text("red dress 2", Query(), NOBODY)) == (None, "")
    chosen = page.choose_suggestion("c", Query(), NOBODY)
    assert fields(page, chosen) == ("red dress 2", "")


@pytest.mark.parametrize("shown", ["photo", "item"])
def test_words_that_refine_stay_in_their_field_until_what_they_refine_is_gone(page, shown):
    start = (
        with_photo(page, Query()) if shown == "photo" else page.search_item("a", Query(), NOBODY)
    )
    updates = page.add_words("in navy", query_of(page, start), NOBODY)
    assert query_of(page, updates).words == "in navy"
    assert fields(page, updates) == ("", "in navy")
    again = page.add_words("in red", query_of(page, updates), NOBODY)
    assert query_of(page, again).words == "in red", "in place of those before"
    gone = page.search_text("hat", query_of(page, again), NOBODY)
    assert fields(page, gone) == (None, "")


def test_words_without_the_photo_that_they_refined_search_by_themselves(page):
    refined = page.add_words("dress", query_of(page, with_photo(page, Query())), NOBODY)
    photos = (object(),)
    updates = page.remove_photo(photos, query_of(page, refined), NOBODY, event(i=0))
    assert fields(page, updates) == ("dress", "")
    shared = Query(pictures=query_of(page, refined).pictures, words="dress", from_link=True)
    updates = page.remove_part(shared, NOBODY, event(kind="pictures"))
    assert fields(page, updates) == ("dress", "")


def test_words_that_are_added_to_a_text_query_are_part_of_it(page):
    updates = page.add_words("in navy", searched(page), NOBODY)
    assert query_of(page, updates).words == "red dress in navy"
    assert fields(page, updates) == ("red dress in navy", "")
    assert query_of(page, page.add_words(" ", searched(page), NOBODY)).words == "red dress"


def test_words_that_are_removed_leave_both_fields(page):
    updates = page.remove_part(searched(page), NOBODY, event(kind="words"))
    assert fields(page, updates) == ("", "")
    refined = page.add_words("in navy", Query(item="a"), NOBODY)
    updates = page.remove_part(query_of(page, refined), NOBODY, event(kind="words"))
    assert fields(page, updates) == ("", "")
    assert fields(page, page.start_over(searched(page), NOBODY)) == ("", "")


def test_a_link_fills_the_field_that_its_words_belong_to(page):
    assert fields(page, page.open_link("?words=red dress", NOBODY)) == ("red dress", "")
    assert fields(page, page.open_link("?item=a&words=red", NOBODY)) == ("", "red")


def test_what_does_not_change_the_words_leaves_what_is_being_typed(page):
    for updates in (
        page.more_like(searched(page), NOBODY, event(id="a")),
        page.set_options(12, 0.5, searched(page), NOBODY),
        page.clear_filters(searched(page), NOBODY),
    ):
        assert page.components.text not in updates


def test_a_link_that_matches_nothing_says_so(page):
    updates = page.open_link("?match=shape", NOBODY)
    assert updates[page.components.summary].endswith("it needs a photo or a piece.")
    assert "photo or a piece" not in page.open_link("", NOBODY)[page.components.summary]


def test_every_parameter_of_a_link_that_cannot_be_used_is_told(page, monkeypatch):
    told = []
    monkeypatch.setattr(callbacks, "info", lambda sentence, title: told.append(sentence))
    page.open_link("?n=1e9&variety=9&match=size&sort=x&fold=x&box=1&item=gone&view=nope", NOBODY)
    begins = ["A link has no part called 'box'", "The item 'gone'", "n goes", "variety goes"]
    begins += ["fold is one of", "sort is one of", "match is one of", "view is one of"]
    assert len(told) == len(begins)
    assert all(one.startswith(begin) for one, begin in zip(told, begins, strict=True)), told
