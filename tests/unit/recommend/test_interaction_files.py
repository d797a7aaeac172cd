"""Files of interactions: columns, separators, and what cannot be read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookbook.recommend.interaction_files import InteractionsError, day_number, read_interactions
from tests.tiny_shop import checkerboard_items


@pytest.fixture
def purchases(tmp_path):
    """A file of 37 purchases of items that the checkerboard shop does not have."""
    rows = [
        {"customer": c, "article_id": f"red{k}", "day": f"2026-01-0{1 + k}", "price": 2.5}
        for c in range(12)
        for k in range(3)
    ]
    path = tmp_path / "purchases.parquet"
    pq.write_table(pa.Table.from_pylist([*rows, rows[0]]), path)
    return path


def test_columns_are_found_by_name_or_given(purchases, tmp_path):
    items = checkerboard_items()
    table = pa.table({"who": ["x"], "what": ["i3"], "when": [10.0]})
    pq.write_table(table, tmp_path / "odd.parquet")
    with pytest.raises(InteractionsError, match=r"called like the user.*--user-column.*who, what"):
        read_interactions(tmp_path / "odd.parquet", items)
    names = {"user": "who", "item": "what", "time": "when"}
    read = read_interactions(tmp_path / "odd.parquet", items, names)
    assert (read.users, read.item.tolist(), read.day.tolist()) == (["x"], [3], [10.0])
    with pytest.raises(InteractionsError, match="no column 'wen'"):
        read_interactions(tmp_path / "odd.parquet", items, names | {"time": "wen"})
    with pytest.raises(InteractionsError, match="none of the 37 interactions"):
        read_interactions(purchases, items)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_with_any_usual_separator_is_read(tmp_path, separator):
    items = checkerboard_items()
    rows = ["customer,item,day,price", "a,i3,2026-01-02,9", "a,i4,2026-01-03 12:00:00,8.5"]
    path = tmp_path / "purchases.csv"
    path.write_text("\n".join(rows).replace(",", separator))
    read = read_interactions(path, items)
    assert (read.users, read.item.tolist()) == (["a"], [3, 4])
    assert np.diff(read.day).tolist() == [1.5]
    assert read.price.tolist() == [9, 8.5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "purchases.csv: cannot be read"),
        (b"customer,item,day\n", "it has no rows"),
        (b"customer,item,day\na,i3,soon\n", "the column of times"),
        (b"customer,item,day\n\xff,i3,soon\n", "UTF-8"),
    ],
)
def test_a_csv_that_cannot_be_read_raises_with_the_reason(tmp_path, content, message):
    path = tmp_path / "purchases.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InteractionsError, match=message):
        read_interactions(path, checkerboard_items())


def test_days_are_counted_from_1970():
    assert day_number("1970-01-02") == 1
    with pytest.raises(InteractionsError, match="YYYY-MM-DD, found 'soon'"):
        day_number("soon")
