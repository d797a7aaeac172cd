"""Addresses of pages and of shared lists."""

from __future__ import annotations

import pytest

from lookbook.ui.routing import MAX_LIST, list_query_string, parse_list, view_of


@pytest.mark.parametrize(
    "search, view",
    [("?view=foryou", "foryou"), ("view=saved&list=1", "saved"), ("?view=api", None), ("", None)],
)
def test_a_query_string_names_a_page(search, view):
    assert view_of(search) == view


def test_a_list_survives_its_address_whatever_its_ids_hold():
    ids = ("1", "a,b", "ü 100%", "x&list=2")
    assert parse_list("?" + list_query_string(ids)) == ids


def test_a_list_is_limited_and_without_repeats_and_belongs_to_its_page():
    long = [str(i) for i in range(300)]
    assert len(parse_list(list_query_string(long))) == MAX_LIST
    assert parse_list("view=saved&list=a,a,,b") == ("a", "b")
    assert parse_list("view=explore&list=a") == ()
