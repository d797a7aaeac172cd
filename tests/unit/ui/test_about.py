"""The About page names what answers each kind of query."""

from __future__ import annotations

from lookbook.search.index import Index
from lookbook.ui.pages import about
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
    recalls = {("item", "annoy"): 0.9993, ("text", "annoy"): 0.9993}
    monkeypatch.setattr(index, "serving", serving)
    monkeypatch.setattr(type(index.manifest), "recall_of", lambda _, *of: recalls.get(of))
    page = about_html(index)
    assert "<dd>pieces and words: annoy, recall 0.999; photos: exact</dd>" in page


def test_columns_are_labelled_for_readers_and_translations_of_them_left_out(tmp_path, monkeypatch):
    publish_tiny(tmp_path, count=6)
    row = {"P@10": {"value": 0.5, "low": 0.4, "high": 0.6}}
    measured = {"articletype": row, "articletype_de": row, "Body (HTML)": row}
    report = {"sample": 6, "evaluation": measured}
    monkeypatch.setattr(about, "evaluation", lambda index: report)
    page = about_html(Index.open(tmp_path))
    assert "Article type</th>" in page and "Description</th>" in page
    assert "rticletype" not in page and "Article type de" not in page
