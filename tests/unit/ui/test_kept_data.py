"""What the About page says of visits is what the code stores."""

from __future__ import annotations

import pytest

from lookbook.events import Event, EventStore, new_visitor
from lookbook.events.schema import METADATA
from lookbook.ui import kept_data
from lookbook.ui.kept_data import COLUMNS, kept, kept_html


def test_every_column_of_the_database_is_told():
    tables = {name: table for name, table in METADATA.tables.items() if name != "lookbook_schema"}
    told = {table.name: set(columns) for table, columns in COLUMNS.items()}
    stored = {name: {one.name for one in table.columns} for name, table in tables.items()}
    assert told == stored


def test_what_a_visitor_can_export_is_told(tmp_path):
    store, visitor = EventStore.for_index(tmp_path), new_visitor()
    store.record(Event(visitor, "like", "a"))
    (row,) = store.export(visitor)
    store.close()
    (events,) = [columns for table, columns in COLUMNS.items() if table.name == "events"]
    assert set(row) | {"seq"} == set(events)


@pytest.mark.parametrize(("days", "told"), [(180, "at most 180 days"), (0, "Forget me")])
def test_the_time_is_that_of_the_settings(days, told, monkeypatch):
    monkeypatch.setattr(kept_data, "UPLOAD_TTL", 77)
    monkeypatch.setattr(kept_data, "PAGE_STATE_TTL", 120)
    page = kept_html(days)
    assert told in page and "77 seconds" in page and "2 minutes, 10 minutes once" in page
    assert ("at most 180" in page) is (days == 180)
    assert all(all(row) for row in kept(days))
