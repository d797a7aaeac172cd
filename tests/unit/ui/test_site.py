"""The built site: the names of its endpoints, and which events share the encoder's limit."""

from __future__ import annotations

import pytest

from lookbook.search.index import Index
from lookbook.ui import build_site
from lookbook.ui.components.base import ENCODER_LIMIT, PlainText
from tests.tiny_index import publish_tiny

# callbacks and endpoints that embed a picture or the words of their own input
ENCODING = {
    *("search_upload", "search_example", "set_box", "use_whole", "find_garment"),
    *("search_text", "add_words", "explain", "save"),
    *("search", "search_by_picture", "garments", "search_by_words", "similar"),
}
PHOTO_SEARCHES = {"search_upload", "search_address", "search_example"}
ENDPOINTS = {
    *("search", "search_by_picture", "search_by_words", "similar", "find_by_name", "item"),
    *("complete_the_look", "for_you", "also_liked", "filters", "link", "about", "garments"),
}


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """The events with a callback in Python, as (name of the callback, event)."""
    folder = tmp_path_factory.mktemp("site")
    publish_tiny(folder / "index")
    site = build_site(Index.open(folder / "index"), lambda: None, state=folder / "state")
    return [(event.fn.__name__, event) for event in site.fns.values() if event.fn is not None]


def test_endpoints_keep_their_names(events):
    """gradio numbers a name that is taken, also by a private callback of the site."""
    public = {event.api_name for _, event in events if event.api_visibility == "public"}
    assert public == ENDPOINTS


def test_whatever_encodes_shares_one_limit_on_the_site_and_in_the_api(events):
    encoding = [event for name, event in events if name in ENCODING]
    assert {name for name, _ in events} >= ENCODING
    assert {event.concurrency_id for event in encoding} == {ENCODER_LIMIT["concurrency_id"]}
    limits = {event.concurrency_limit for event in encoding}
    assert limits == {ENCODER_LIMIT["concurrency_limit"]}, "gradio takes the lowest of a group"


def test_garments_take_turns_of_their_own_and_none_is_left_out(events):
    """Results never wait for them, and those of an earlier photo do not replace the newest."""
    late = [event for name, event in events if name == "locate_garments"]
    searches = {event._id for name, event in events if name in PHOTO_SEARCHES}
    assert {event.trigger_after for event in late} == searches
    assert all(event.trigger_only_on_success for event in late), "not after a search is cancelled"
    assert {(e.concurrency_id, e.concurrency_limit) for e in late} == {("garments", 1)}
    assert {event.trigger_mode for event in late} == {"multiple"}
    sharing = {name for name, event in events if event.concurrency_id == "garments"}
    assert sharing == {"locate_garments"}
    written = {block.elem_id for event in late for block in event.outputs}
    assert written == {"photo-garments"}, "a late answer writes nothing that the page shows"


def test_nothing_else_waits_for_the_encoder(events):
    waiting = {n for n, e in events if e.concurrency_id == ENCODER_LIMIT["concurrency_id"]}
    assert waiting == ENCODING


def test_names_of_a_data_set_are_text_on_the_page(tmp_path):
    name = "![x](http://other.example/x.png)<img src=x>"
    publish_tiny(tmp_path / "index", licence=name, source={"name": "**" + name})
    site = build_site(Index.open(tmp_path / "index"), lambda: None, state=tmp_path / "state")
    lines = [b for b in site.blocks.values() if getattr(b, "elem_id", "") == "colophon"]
    assert [type(line).__name__ for line in lines] == ["PlainText"]
    assert "<img" not in lines[0].value and "![x](http://other.example" in lines[0].value


def test_a_line_shows_markup_as_text():
    line = PlainText()
    assert line.postprocess("<b>&${x}") == "<p>&lt;b&gt;&amp;&#36;&#123;x&#125;</p>"
    assert line.postprocess("") == ""
