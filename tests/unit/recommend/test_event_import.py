"""A shop's past orders become events: whose, of what, when; and what was left out."""

from __future__ import annotations

import stat
from collections import Counter

import pytest

from lookbook.__main__ import main
from lookbook.events import EventStore, database_url
from lookbook.recommend.event_import import KEY_FILE, import_events
from lookbook.recommend.interaction_files import InteractionsError, read_purchases
from lookbook.recommend.items import Items
from lookbook.search.index import Index
from tests.tiny_index import publish_tiny


@pytest.fixture
def index(tmp_path):
    items = {
        "id": [f"p{n}" for n in range(6)],
        "title": [f"Bag {n}" for n in range(6)],
        "sku": [(f"S{n}", f"M{n}") for n in range(6)],
    }
    publish_tiny(tmp_path / "index", count=6, items=items)
    return Index.open(tmp_path / "index")


def orders(tmp_path, *rows, header="customer,item,day,price"):
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_orders_are_events_of_their_time_under_tokens(index, tmp_path):
    path = orders(
        tmp_path,
        "anna@example.com,p0,2020-09-17T12:00:00+02:00,12.50 EUR",
        "anna@example.com,p1,2020-09-18,€ 9",
        "ben@example.com,p0,2020-09-17,12.50",
    )
    done = import_events(path, index, tmp_path / "state")
    assert (done.read, done.recorded, done.people, done.dropped) == (3, 3, 2, {})
    events = list(EventStore(database_url(tmp_path / "state")).all())
    assert [(e.event_type, e.item) for e in events] == [("buy", "p0"), ("buy", "p0"), ("buy", "p1")]
    assert [e.time.isoformat() for e in events] == [
        "2020-09-17T00:00:00+00:00",
        "2020-09-17T10:00:00+00:00",
        "2020-09-18T00:00:00+00:00",
    ]
    assert len({e.visitor for e in events}) == 2
    assert not any("@" in e.visitor or "example" in e.id for e in events)
    assert stat.S_IMODE((tmp_path / "state" / KEY_FILE).stat().st_mode) == 0o600


def test_the_same_file_again_adds_nothing_but_a_row_that_stands_twice_counts_twice(index, tmp_path):
    path = orders(tmp_path, "a,p0,2020-09-17,1", "a,p0,2020-09-17,1", "a,p1,2020-09-18,2")
    assert import_events(path, index, tmp_path / "state").recorded == 3
    again = import_events(path, index, tmp_path / "state")
    assert (again.read, again.recorded) == (3, 0) and "3 were there already" in str(again)


def test_rows_that_are_left_out_are_counted_by_reason(index, tmp_path):
    path = orders(
        tmp_path,
        "a,p0,2020-09-17,buy",
        ",p0,2020-09-17,buy",
        "a,N/A,2020-09-17,buy",
        "a,p0,soon,buy",
        "a,gone,2020-09-17,buy",
        "a,p0,2990-01-01,buy",
        "a,p0,2020-09-17,refund",
        "a,p1,2020-09-17,like",
        "a,p2,2020-09-17",
        header="customer,item,day,event_type",
    )
    done = import_events(path, index, tmp_path / "state")
    assert done.dropped == {
        "with too few cells": 1,
        "without a person": 1,
        "without an item": 1,
        "without a time that can be read": 1,
        "with an item that is not in the catalogue": 1,
        "of an unknown kind of event": 1,
        "in the future": 1,
    }
    store = EventStore(database_url(tmp_path / "state"))
    assert Counter(e.event_type for e in store.all()) == {"buy": 1, "like": 1}


@pytest.mark.parametrize("column", ["sku", "article_number", "parent_sku", "EAN"])
def test_items_are_found_by_any_column_of_codes(column):
    items = Items.of_columns(["1", "2"], {column: ["A-1", "A-2"]})
    rows, by = items.rows_by_code(["A-2", "A-3"])
    assert (rows.tolist(), by) == ([1, -1], column)


def test_items_are_found_by_the_sku_of_a_variant(index, tmp_path):
    header = "Email,Lineitem sku,Created at,Lineitem price"
    path = orders(tmp_path, "a,M3,2020-09-17 10:00:00 +0200,5", "b,S0,2020-09-17,5", header=header)
    done = import_events(path, index, tmp_path / "state")
    events = list(EventStore(database_url(tmp_path / "state")).all())
    assert sorted(e.item for e in events) == ["p0", "p3"]
    assert "items are looked up by the column 'sku'" in str(done)


def test_prices_of_purchases_have_currencies_and_gaps(tmp_path):
    path = orders(tmp_path, "a,x,1600344000,12.50 EUR", "a,y,1600344000,N/A", "b,z,1600344000,free")
    purchases = read_purchases(path)
    assert purchases.prices[0] == 12.5 and purchases.prices[1] != purchases.prices[1]
    assert purchases.days.tolist() == [18_522.5] * 3
    assert purchases.notes == ["1 cells of the column 'price' are no amount: 'free'"]


def test_nothing_left_is_one_sentence(index, tmp_path):
    with pytest.raises(InteractionsError, match="none of the 1 interactions is with an item"):
        import_events(orders(tmp_path, "a,gone,2020-09-17,1"), index, tmp_path)


def test_the_command_takes_orders_in(index, tmp_path, capsys):
    path = orders(tmp_path, "a,p0,20200917,1", "b,p1,20200918,1")
    root = str(tmp_path / "index")
    assert main(["events", "import", "--interactions", str(path), "--index", root]) == 0
    printed = capsys.readouterr().out
    assert "2 events of 2 people recorded" in printed and "rows dropped: none" in printed
    assert f"next: python -m lookbook refresh --index {root}" in printed
    assert EventStore.for_index(root).count() == 2
    assert main(["events", "export"]) == 2 and main(["events", "import", "--index", root]) == 2
