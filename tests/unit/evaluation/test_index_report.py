"""What a generation stores about its own quality."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookbook.evaluation.bias_audit import audit
from lookbook.evaluation.index_report import evaluate_index, index_report
from lookbook.schema.filters import FilterError
from tests.tiny_index import index_of_columns, random_vectors


@pytest.fixture(scope="module")
def two_groups(tmp_path_factory):
    """4 categories that lie apart; colours are random."""
    categories = np.arange(160) % 4
    vectors = (8 * np.eye(4, 10)[categories] + random_vectors(160, 10)).astype(np.float32)
    colours = np.random.default_rng(0).choice(["Red", "Blue"], 160).tolist()
    return index_of_columns(
        tmp_path_factory.mktemp("two"),
        vectors,
        articleType=[f"category {c}" for c in categories],
        baseColour=colours,
    )


def test_attributes_that_the_vectors_hold_have_a_high_precision(two_groups):
    results = evaluate_index(two_groups)
    assert set(results) == {"articleType", "baseColour"}
    assert results["articleType"]["P@10"].value > 0.95
    assert results["baseColour"]["P@10"].value == pytest.approx(0.5, abs=0.08)
    assert set(evaluate_index(two_groups, ["baseColour"])) == {"baseColour"}
    with pytest.raises(FilterError, match="no column 'size'"):
        evaluate_index(two_groups, ["size"])


def test_a_report_is_json_and_holds_evaluation_and_audit(two_groups):
    report = json.loads(json.dumps(index_report(two_groups, sample=100), allow_nan=False))
    assert report["sample"] == 100
    assert report["evaluation"]["articleType"]["P@10"]["n"] == 100
    assert report["audit"] == audit(two_groups, sample=100).to_json()
    assert report["notes"] == []


def test_what_cannot_be_measured_is_a_note(tmp_path):
    plain = index_of_columns(tmp_path / "a", random_vectors(30, 4))
    few = index_of_columns(tmp_path / "b", random_vectors(6, 4), gender=["Men", "Women"] * 3)
    for index in (plain, few):
        report = index_report(index)
        assert (report["evaluation"], report["audit"], len(report["notes"])) == ({}, None, 2)
