"""Interactions and the history of one user."""

from __future__ import annotations

from lookbook.recommend import History
from tests.tiny_interactions import interactions


def test_a_history_holds_one_user_in_order_of_time():
    known = interactions(("a", 5, 3), ("b", 1, 1), ("a", 4, 1))
    history = known.history("a")
    assert history.rows.tolist() == [4, 5]
    assert history.ages.tolist() == [3, 1]
    assert known.history("nobody") is None
    assert isinstance(history, History)
