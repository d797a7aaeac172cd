"""The About page names what answers each kind of query."""

from __future__ import annotations

from lookbook.search.index import Index
from lookbook.ui.pages.about import about_html
from tests.tiny_index import publish_tiny


def test_an_index_that_is_searched_exactly_says_so_once(tmp_path):
    publish_tiny(tmp_path, count=6)
    page = about_html(Index.open(tmp_path, engine="exact"))
    assert "<dt>Search method</dt><dd>exact</dd>" in page


def test_engines_are_named_for_the_kinds_of_queries_that_they_answer(tmp_path, monkeypatch):
    publish_tiny(tmp_path, count=60)
    index = Index.open(tmp_path)
    serving = {"item": "annoy", "photo": "exact", "text": "annoy"}
    recalls = {"item": 0.9993, "text": 0.9993}
    monkeypatch.setattr(index, "serving", serving)
    monkeypatch.setattr(type(index.manifest), "recall_of", lambda self, kind: recalls.get(kind))
    page = about_html(index)
    assert "<dd>pieces and words: annoy, recall 0.999; photos: exact</dd>" in page
