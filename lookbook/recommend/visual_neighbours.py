"""Which items look most like each: exact, by blocks of one matrix product, reused over updates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

VISUAL_NEIGHBOURS = 20  # kept of each item
_BLOCK = 2048  # rows and columns of the matrix product at a time: 16 MiB of float32
_MAX_RENEWED = 0.5  # share of the items above which all are computed anew: it costs no more


def find_neighbours(vectors: np.ndarray, count: int = VISUAL_NEIGHBOURS) -> np.ndarray:
    """Return int64 (n, min(count, n - 1)): rows with the largest products with each of `vectors`.

    `vectors`: float32 (n, dim). The best come first, ties by row number, a row itself left out.
    """
    nearest = _Nearest(vectors, count)
    blocks = list(_blocks(np.arange(len(vectors))))
    for number, rows in enumerate(blocks):
        for columns in blocks[number:]:
            scores = vectors[rows] @ vectors[columns].T
            nearest.offer(rows, columns, scores)
            if columns is not rows:  # the product is symmetric: each pair is computed once
                nearest.offer(columns, rows, scores.T)
    return nearest.rows


def renew_neighbours(
    vectors: np.ndarray, before: np.ndarray, neighbours: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return `find_neighbours(vectors)`, made from the `neighbours` of the vectors of `before`.

    `rows`: int64 (n,), the row of each item in `before`, -1 where it was not there. An item of the
    same vector whose neighbours have all stayed is compared with the new vectors only. Of equal
    products other rows may be kept than a computation from nothing keeps.
    """
    same = rows >= 0
    for block in _blocks(np.flatnonzero(same)):
        same[block] = (vectors[block] == before[rows[block]]).all(axis=1)
    row_now = np.full(len(before), -1)
    row_now[rows[same]] = np.flatnonzero(same)
    kept = np.where(same[:, None], row_now[neighbours[rows]], -1)
    complete = (kept >= 0).all(axis=1)
    too_few = neighbours.shape[1] < min(VISUAL_NEIGHBOURS, len(vectors) - 1)
    if too_few or complete.mean() < 1 - _MAX_RENEWED:
        return find_neighbours(vectors)
    nearest = _Nearest(vectors, neighbours.shape[1])
    for block in _blocks(np.flatnonzero(complete)):
        nearest.keep(block, kept[block])
        nearest.compare(block, np.flatnonzero(~same))
    for block in _blocks(np.flatnonzero(~complete)):
        nearest.compare(block, np.arange(len(vectors)))
    return nearest.rows


class _Nearest:
    """The best rows found so far: `rows` int64 and `scores` float32, both (n, k), best first."""

    def __init__(self, vectors: np.ndarray, count: int) -> None:
        self._vectors = vectors
        shape = len(vectors), max(0, min(count, len(vectors) - 1))
        self.rows = np.full(shape, -1, np.int64)
        self.scores = np.full(shape, -np.inf, np.float32)

    def keep(self, rows: np.ndarray, neighbours: np.ndarray) -> None:
        """Take the neighbours (r, k) that `rows` are known to have."""
        for part in np.array_split(np.arange(len(rows)), max(1, len(rows) // 256)):
            near = self._vectors[neighbours[part]]
            scores = np.matmul(near, self._vectors[rows[part], :, None])[..., 0]
            order = np.lexsort((neighbours[part], -scores), axis=1)
            self.rows[rows[part]] = np.take_along_axis(neighbours[part], order, axis=1)
            self.scores[rows[part]] = np.take_along_axis(scores, order, axis=1)

    def compare(self, rows: np.ndarray, others: np.ndarray) -> None:
        """Compare `rows` with `others`."""
        for columns in _blocks(others):
            self.offer(rows, columns, self._vectors[rows] @ self._vectors[columns].T)

    def offer(self, rows: np.ndarray, columns: np.ndarray, scores: np.ndarray) -> None:
        """Take what is better than the worst that is kept from scores (r, c) of sorted rows."""
        if not self.rows.shape[1]:
            return
        worst = self.scores[rows, -1]
        if len(columns) > self.rows.shape[1] + 1 and not np.isfinite(worst).any():
            # nothing is kept yet: begin with the best of this block, one more for the row itself
            place = len(columns) - self.rows.shape[1] - 1
            worst = np.nextafter(np.partition(scores, place, axis=1)[:, place], -np.inf)
        row, column = np.nonzero(scores > worst[:, None])
        other = rows[row] != columns[column]
        row, column = row[other], column[other]
        if len(row):
            self._merge(rows[row], columns[column], scores[row, column])

    def _merge(self, rows: np.ndarray, columns: np.ndarray, scores: np.ndarray) -> None:
        """Merge pairs, sorted by row, with what is kept of their rows."""
        k = self.rows.shape[1]
        found, starts = np.unique(rows, return_index=True)
        all_rows = np.concatenate([np.repeat(found, k), rows])
        all_columns = np.concatenate([self.rows[found].ravel(), columns])
        all_scores = np.concatenate([self.scores[found].ravel(), scores])
        order = np.lexsort((all_columns, -all_scores, all_rows))
        first = starts + k * np.arange(len(found))  # of each row, among all that were sorted
        best = order[first[:, None] + np.arange(k)]
        self.rows[found], self.scores[found] = all_columns[best], all_scores[best]


def _blocks(rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), _BLOCK):
        yield rows[start : start + _BLOCK]
