"""A generation in another precision is shown where the encoder of the site searches it."""

from __future__ import annotations

import pytest

from lookbook.search.index import Index
from lookbook.ui.services.live_index import LiveIndex
from tests.tiny_index import publish_tiny

BUILT = {"id": "tiny", "revision": "r1", "precision": "bfloat16"}


@pytest.mark.parametrize(
    ("changed", "precisions", "shown"),
    [
        ({"precision": "int8"}, ("float32", "bfloat16", "int8"), True),
        ({"precision": "int8"}, ("bfloat16",), False),
        ({"precision": "int8", "revision": "r2"}, ("float32", "bfloat16", "int8"), False),
        ({}, (), True),
    ],
)
def test_only_a_precision_that_agrees_is_shown(tmp_path, changed, precisions, shown):
    publish_tiny(tmp_path, encoder=BUILT)
    live = LiveIndex(Index.open(tmp_path), [], seconds=60, precisions=lambda: precisions)
    publish_tiny(tmp_path, encoder=BUILT | changed)
    assert live.check() is shown
