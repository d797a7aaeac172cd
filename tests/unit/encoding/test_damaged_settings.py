"""Files of settings beside a model: whatever is in them, a sentence."""

from __future__ import annotations

import json

import pytest

from lookbook.encoding import garment_kinds, query_adapter
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.garment_kinds import KINDS_FILE
from lookbook.encoding.hub import check_timm
from lookbook.encoding.preprocessing import PROCESSOR_FILE, read_processor

DAMAGED = {
    "nested": "[" * 100_000,
    "no JSON": "{",
    "digits": '{"head_dims": [' + "9" * 5000 + "]}",
    "infinite": '{"revision": "a", "head_dims": [1e999], "scales": {}, "kinds": [1e999]}',
    "a list": "[]",
    "a text": '"a"',
    "null": "null",
    "nothing": "",
}
damaged = pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())


@damaged
def test_scales_of_queries(tmp_path, content):
    (tmp_path / query_adapter.SETTINGS_FILE).write_text(content)
    with pytest.raises(EncoderError, match=query_adapter.SETTINGS_FILE):
        query_adapter.QueryAdapter.load(tmp_path)


@damaged
def test_kinds_of_garments(tmp_path, content):
    (tmp_path / KINDS_FILE).write_text(content)
    with pytest.raises(EncoderError, match=KINDS_FILE):
        garment_kinds._read(tmp_path / KINDS_FILE)


@damaged
def test_what_transformers_reads_itself_is_left_to_it(tmp_path, content):
    for name in (PROCESSOR_FILE, "config.json"):
        (tmp_path / name).write_text(content)
    assert read_processor(tmp_path) is None
    check_timm(tmp_path, "a-model")


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / KINDS_FILE).write_bytes(b"\xff" + json.dumps({"kinds": {}}).encode())
    with pytest.raises(EncoderError, match=KINDS_FILE):
        garment_kinds._read(tmp_path / KINDS_FILE)
