"""Lists of a bounded length."""

from __future__ import annotations

from itertools import count, islice

from lookbook.schema.batches import batches


def test_the_last_list_is_shorter_and_nothing_is_read_ahead():
    assert list(batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], 3)) == []
    assert next(islice(batches(count(), 2), 3, None)) == [6, 7], "of a source without end"
