"""What a similarity is worth in this catalogue: the share of such results that are of one kind.

A cosine of 0.8 means one thing for one encoder and catalogue and another for the next, so it is
learnt where the index is built, and stored with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookbook.index.engines.annoy import ExactEngine
from lookbook.search.product_groups import find_column

KINDS = (  # columns that say what kind of thing an item is, the finest first
    "articletype",
    "producttypename",
    "producttype",
    "garmenttype",
    "subcategory",
    "category",
    "productgroupname",
    "label",
    "type",
    "kind",
    "class",
    "mastercategory",
)
_SHOWN = 96  # results that a page shows at most
_DEEPER = 32  # ranks beyond those, evenly spaced in their logarithm
_BINS, _LEAST = 64, 50  # steps of the curve, and pairs behind each
# above the line, the word; for shares of one kind, and for ranks among random pairs
_WORDS = ((0.85, "very close"), (0.6, "close"), (0.3, "similar"), (0.0, "loosely alike"))
_RANKS = ((0.999, "very close"), (0.99, "close"), (0.95, "similar"), (0.0, "loosely alike"))


@dataclass(frozen=True)
class CalibratedScore:
    """`share` 0 to 1: how many of 1 results like this are of the kind; `word` says it in short."""

    share: float
    word: str


@dataclass(frozen=True)
class Calibration:
    """Shares at ascending scores, in between on straight lines.

    `kind` is the column that says what one kind is; None where the catalogue has none, and then a
    share is that of random pairs which are less similar.
    """

    kind: str | None
    scores: tuple[float, ...]
    shares: tuple[float, ...]
    pairs: int

    def of(self, score: float) -> CalibratedScore:
        """The chance that belongs to a hit's score."""
        share = float(np.interp(score, self.scores, self.shares))
        lines = _WORDS if self.kind else _RANKS
        return CalibratedScore(share, next(word for least, word in lines if share >= least))

    def __str__(self) -> str:
        if self.kind:
            return f"share of results this similar that have the same {self.kind}"
        return "share of random pairs that are less similar; the catalogue names no kinds"

    def to_json(self) -> dict:
        """As it is stored in a generation."""
        return {
            "kind": self.kind,
            "scores": list(self.scores),
            "shares": list(self.shares),
            "pairs": self.pairs,
        }

    @classmethod
    def from_json(cls, value: object) -> Calibration:
        """Read what `to_json` gave; raises ValueError for anything else."""
        if not isinstance(value, Mapping) or set(value) < {"kind", "scores", "shares", "pairs"}:
            raise ValueError("expected kind, scores, shares and pairs")
        kind, pairs = value["kind"], value["pairs"]
        if not isinstance(kind, str | None) or type(pairs) is not int:
            raise ValueError(f"expected a kind and a number of pairs, found {kind!r}, {pairs!r}")
        scores, shares = (np.array(value[name], np.float64) for name in ("scores", "shares"))
        if scores.ndim != 1 or scores.shape != shares.shape or not len(scores):
            raise ValueError(f"expected as many scores as shares, found {scores.shape}")
        rising = (np.diff(scores) >= 0).all() and (np.diff(shares) >= 0).all()
        inside = np.isfinite(scores).all() and (shares >= 0).all() and (shares <= 1).all()
        if not (rising and inside):
            raise ValueError("scores and shares must rise, and shares lie in 0 to 1")
        return cls(kind, tuple(scores.tolist()), tuple(shares.tolist()), pairs)


def kind_column(columns: Iterable[str]) -> str | None:
    """The column that says what kind of thing an item is, or None."""
    return find_column(columns, KINDS)


def learn(
    vectors: np.ndarray,
    metric: str,
    *,
    kinds: list | None = None,
    kind: str | None = None,
    copies: np.ndarray | None = None,
    sample: int = 1000,
    seed: int = 0,
) -> Calibration | None:
    """Learn from `sample` items as queries of the others; None where there are not two of them.

    `vectors` (n, dim) as stored; `kinds` the value of the column `kind` for each row; `copies` int
    (n,) near-duplicates share a number and do not count. Isotonic regression (Barlow et al. 1972)
    of "of one kind" on the score, over the results that a page shows and some deeper ones.
    """
    draw = np.random.default_rng(seed)
    asked = np.sort(draw.permutation(len(vectors))[:sample])
    copies = np.arange(len(vectors)) if copies is None else np.asarray(copies)
    queries = np.asarray(vectors[asked], np.float32)
    codes = None if kinds is None else _codes(kinds)
    if codes is None:
        pairs = draw.integers(0, len(vectors), (len(asked), _SHOWN + _DEEPER))
        rows, scores = pairs, _scores(vectors, metric, queries, pairs)
    else:
        rows, scores = _ranked(vectors, metric, queries)
    other = copies[rows] != copies[asked][:, None]
    if codes is not None:  # two items of which nobody says what they are say nothing together
        other &= (codes[rows] >= 0) & (codes[asked] >= 0)[:, None]
    if not other.any():
        return None
    if codes is None:
        return _ranks(scores[other])
    same = codes[rows] == codes[asked][:, None]
    return _isotonic(scores[other], same[other].astype(np.float64), kind)


def _codes(kinds: Sequence) -> np.ndarray | None:
    """int (n,): each item's kind by number, -1 where it is not told; None for one kind only."""
    names = sorted({str(kind) for kind in kinds if kind is not None})
    numbers = {name: n for n, name in enumerate(names)}
    codes = np.array([-1 if kind is None else numbers[str(kind)] for kind in kinds], np.int64)
    return codes if len(names) > 1 else None


def _ranked(vectors: np.ndarray, metric: str, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and scores (q, m) of the first ranks and of some deeper ones."""
    count = len(vectors)
    deepest = min(count, max(2 * _SHOWN, 5000))
    ranks = np.arange(min(_SHOWN + 1, count))
    if deepest > len(ranks):
        ranks = np.append(ranks, np.geomspace(len(ranks), deepest - 1, _DEEPER).astype(int))
    engine, rows, scores = ExactEngine(vectors, metric), [], []
    for start in range(0, len(queries), 100):
        found, closeness = engine.search(queries[start : start + 100], deepest)
        rows.append(found[:, ranks])
        scores.append(closeness[:, ranks])
    return np.concatenate(rows), np.concatenate(scores)


def _scores(vectors: np.ndarray, metric: str, queries: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    out = np.empty(pairs.shape, np.float32)
    for row, (query, others) in enumerate(zip(queries, pairs, strict=True)):
        near = np.asarray(vectors[others], np.float32)
        if metric == "euclidean":
            out[row] = -np.linalg.norm(near - query, axis=1)
            continue
        out[row] = near @ query
        if metric == "angular":
            out[row] /= np.linalg.norm(near, axis=1) * np.linalg.norm(query)
    return out


def _isotonic(scores: np.ndarray, same: np.ndarray, kind: str | None) -> Calibration:
    from scipy.optimize import isotonic_regression

    order = np.argsort(scores, kind="stable")
    left = np.geomspace(len(order), min(len(order), _LEAST), _BINS).round().astype(int)
    bins = np.split(order, np.unique(len(order) - left)[1:])  # finer towards the top
    at = np.array([scores[b].mean() for b in bins], np.float64)
    shares = np.array([same[b].mean() for b in bins])
    fitted = isotonic_regression(shares, weights=[len(b) for b in bins]).x
    return _rounded(kind, at, np.clip(fitted, 0, 1), len(scores))


def _ranks(scores: np.ndarray) -> Calibration:
    """Quantiles, finer towards the top, where results are."""
    shares = np.unique(np.concatenate([np.linspace(0, 0.9, 19), 1 - np.geomspace(0.1, 1e-5, 40)]))
    shares[-1] = 1.0
    return _rounded(None, np.quantile(scores.astype(np.float64), shares), shares, len(scores))


def _rounded(kind: str | None, scores: np.ndarray, shares: np.ndarray, pairs: int) -> Calibration:
    rounded = (tuple(np.round(values, 6).tolist()) for values in (scores, shares))
    return Calibration(kind, *rounded, pairs)
