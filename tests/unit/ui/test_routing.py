"""Addresses of pages and of shared lists."""

from __future__ import annotations

import pytest

from lookbook.search.index import Index
from lookbook.ui.routing import (
    MAX_LIST,
    list_query_string,
    parse_list,
    parse_query_string,
    view_of,
)
from tests.tiny_index import publish_tiny


@pytest.mark.parametrize(
    "search, view",
    [("?view=foryou", "foryou"), ("view=saved&list=1", "saved"), ("?view=api", None), ("", None)],
)
def test_a_query_string_names_a_page(search, view):
    assert view_of(search) == view


@pytest.mark.parametrize(
    "search, notes",
    [
        ("?view=everything", ["view is one of foryou, saved, explore, about, found 'everything'."]),
        ("?view=foryou", []),
        ("?view=api", []),
        ("?item=a-1", []),
    ],
)
def test_a_page_that_there_is_not_is_said(tmp_path, search, notes):
    publish_tiny(tmp_path)
    assert parse_query_string(search, Index.open(tmp_path))[1] == notes


def test_a_list_survives_its_address_whatever_its_ids_hold():
    ids = ("1", "a,b", "ü 100%", "x&list=2")
    assert parse_list("?" + list_query_string(ids)) == ids


def test_a_list_is_limited_and_without_repeats_and_belongs_to_its_page():
    long = [str(i) for i in range(300)]
    assert len(parse_list(list_query_string(long))) == MAX_LIST
    assert parse_list("view=saved&list=a,a,,b") == ("a", "b")
    assert parse_list("view=explore&list=a") == ()
