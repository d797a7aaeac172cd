"""Vectors of norm 1: rows that are scaled when they are read are those that are scaled at once."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.index.normalization import UnitRows, unit_vectors

COLUMNS = {
    "all": None,
    "adjoining": np.arange(6) < 4,
    "scattered": np.array([True, False, True, True, False, True]),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_rows_are_scaled_when_they_are_read(columns, dtype):
    vectors = np.random.default_rng(0).normal(size=(5000, 6)).astype(dtype)
    vectors[3] = 0
    rows = UnitRows(vectors, columns)
    expected = unit_vectors(vectors if columns is None else vectors[:, columns])
    assert len(rows) == 5000 and rows.shape == expected.shape
    assert rows.array is vectors, "no copy"
    for part in (7, np.array([4, 4999, 3]), slice(2, 9), np.arange(5000) < 20):
        np.testing.assert_allclose(rows[part], expected[part], atol=1e-6)
        assert rows[part].dtype == np.float32
    np.testing.assert_allclose(np.asarray(rows), expected, atol=1e-6)
    np.testing.assert_allclose(rows @ expected[5], expected @ expected[5], atol=1e-5)
