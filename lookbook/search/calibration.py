"""Calibrated scores: the probability that a result of a given score is of the query's kind.

A cosine of 0.8 means one thing for one encoder and catalogue and another for the next, so the curve
is fitted when the index is built, and stored with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lookbook.encoding.query_adapter import INTENTS
from lookbook.index.engines.exact import ExactEngine
from lookbook.schema.column_names import KIND_NAMES, find_column
from lookbook.schema.message import Message
from lookbook.search.index import Index
from lookbook.search.intents import query_adapter
from lookbook.search.per_index import per_index

_SHOWN = 96  # results that a page shows at most
_DEEPER = 32  # ranks beyond those, evenly spaced in their logarithm
_ADAPTED_SAMPLE = 300  # queries of a curve that is fitted when an index is opened
_BINS, _MIN_PAIRS = 64, 50  # steps of the curve, and pairs behind each
# least probability of each label; of the same kind, and as a rank among random pairs
_WORDS = (
    *(Message("very close"), Message("close")),
    *(Message("similar"), Message("loosely alike")),
)
_LABELS = tuple(zip((0.85, 0.6, 0.3, 0.0), _WORDS, strict=True))
_RANK_LABELS = tuple(zip((0.999, 0.99, 0.95, 0.0), _WORDS, strict=True))


@dataclass(frozen=True)
class CalibratedScore:
    """`probability` 0 to 1 that a result of this score is of the query's kind; `label` in words."""

    probability: float
    label: str


@dataclass(frozen=True)
class Calibration:
    """Probabilities (`shares`) at ascending scores, interpolated linearly.

    `kind` is the column that two items of one kind share; None where the catalogue has none, and
    then a share is that of random pairs which are less similar.
    """

    kind: str | None
    scores: tuple[float, ...]
    shares: tuple[float, ...]
    pairs: int

    def of(self, score: float) -> CalibratedScore:
        """Return the probability that belongs to a hit's score."""
        return self.labelled(float(np.interp(score, self.scores, self.shares)))

    def labelled(self, probability: float) -> CalibratedScore:
        """Return a probability with its label."""
        labels = _LABELS if self.kind else _RANK_LABELS
        return CalibratedScore(
            probability, next(label for least, label in labels if probability >= least)
        )

    @property
    def meaning(self) -> Message:
        """What a probability says, in words; also str()."""
        if self.kind:
            return Message(
                "share of results this similar that have the same {column}", column=self.kind
            )
        return Message("share of random pairs that are less similar; the catalogue names no kinds")

    def __str__(self) -> str:
        return str(self.meaning)

    def to_json(self) -> dict[str, object]:
        """Return it as it is stored in a generation."""
        return {
            "kind": self.kind,
            "scores": list(self.scores),
            "shares": list(self.shares),
            "pairs": self.pairs,
        }

    @classmethod
    def from_json(cls, value: object) -> Calibration:
        """Read what `to_json` gave; raises ValueError for anything else."""
        if not isinstance(value, Mapping) or not set(cls.__dataclass_fields__) <= set(value):
            raise ValueError("expected kind, scores, shares and pairs")
        kind, pairs = value["kind"], value["pairs"]
        if not isinstance(kind, str | None) or type(pairs) is not int:
            raise ValueError(f"expected a kind and a number of pairs, found {kind!r}, {pairs!r}")
        try:
            scores, shares = (np.array(value[name], np.float64) for name in ("scores", "shares"))
        except (TypeError, ArithmeticError) as error:
            raise ValueError(f"expected numbers as scores and shares ({error})") from None
        if scores.ndim != 1 or scores.shape != shares.shape or not len(scores):
            raise ValueError(f"expected as many scores as shares, found {scores.shape}")
        rising = (np.diff(scores) >= 0).all() and (np.diff(shares) >= 0).all()
        inside = np.isfinite(scores).all() and (shares >= 0).all() and (shares <= 1).all()
        if not (rising and inside):
            raise ValueError("scores and shares must rise, and shares lie in 0 to 1")
        return cls(kind, tuple(scores.tolist()), tuple(shares.tolist()), pairs)


@per_index
def calibration(index: Index) -> Calibration | None:
    """Return the calibration stored with an index, None where it has none; raises IndexCorrupt."""
    return index.generation.read_json("calibration.json", Calibration.from_json)


@per_index
def calibrations(index: Index) -> dict[str, Calibration | None]:
    """Return the calibration of each intent's scores, by intent; raises IndexCorrupt.

    The stored one is of vectors as they are. Where queries are adapted, cosines are others, and the
    curve is fitted again with items as queries of that intent.
    """
    stored, adapter = calibration(index), query_adapter(index)
    if stored is None or adapter is None or index.generation.projection is not None:
        return dict.fromkeys(INTENTS, stored)
    kinds = index.column(stored.kind) if stored.kind in index.columns else None
    engine = index.first_photos  # one for all: each of its own would copy the vectors
    return {
        intent: fit(
            index.generation.vectors,
            index.manifest.metric,
            kinds=kinds,
            kind=stored.kind,
            duplicate_groups=index.duplicate_groups,
            sample=_ADAPTED_SAMPLE,
            as_query=partial(adapter, intent=intent),
            engine=engine,
        )
        for intent in INTENTS
    }


def kind_column(columns: Iterable[str]) -> str | None:
    """Return the column that says what kind of garment an item is, or None."""
    return find_column(columns, KIND_NAMES)


def fit(
    vectors: np.ndarray,
    metric: str,
    *,
    kinds: Sequence[object] | None = None,
    kind: str | None = None,
    duplicate_groups: np.ndarray | None = None,
    sample: int = 1000,
    seed: int = 0,
    as_query: Callable[[np.ndarray], np.ndarray] | None = None,
    engine: ExactEngine | None = None,
) -> Calibration | None:
    """Fit on `sample` items as queries of the others; None where there are not two of them.

    `vectors` (n, dim) as stored; `kinds` the value of the column `kind` for each row;
    `duplicate_groups` int (n,), equal for near-duplicates, which do not count; `as_query` adapts
    the vectors of queries; `engine` searches `vectors`, None: one that is made here. Isotonic
    regression (Barlow et al. 1972) of "of one kind" on the score, over the results that a page
    shows and some deeper ones.
    """
    draw = np.random.default_rng(seed)
    queries = np.sort(draw.permutation(len(vectors))[:sample])
    groups = np.arange(len(vectors)) if duplicate_groups is None else np.asarray(duplicate_groups)
    query_vectors = np.asarray(vectors[queries], np.float32)
    if as_query is not None:
        query_vectors = as_query(query_vectors)
    codes = None if kinds is None else _codes(kinds)
    if codes is None:
        rows = draw.integers(0, len(vectors), (len(queries), _SHOWN + _DEEPER))
        scores = _scores(vectors, metric, query_vectors, rows)
    else:
        rows, scores = _ranked(engine or ExactEngine(vectors, metric), query_vectors)
    counted = groups[rows] != groups[queries][:, None]
    if codes is not None:  # a pair with an item of no known kind says nothing
        counted &= (codes[rows] >= 0) & (codes[queries] >= 0)[:, None]
    if not counted.any():
        return None
    if codes is None:
        return _ranks(scores[counted])
    same = codes[rows] == codes[queries][:, None]
    return _isotonic(scores[counted], same[counted].astype(np.float64), kind)


def _codes(kinds: Sequence[object]) -> np.ndarray | None:
    """Return int (n,), each item's kind by number, -1 if unknown; None where all are of one."""
    names = sorted({str(kind) for kind in kinds if kind is not None})
    numbers = {name: n for n, name in enumerate(names)}
    codes = np.array([-1 if kind is None else numbers[str(kind)] for kind in kinds], np.int64)
    return codes if len(names) > 1 else None


def _ranked(engine: ExactEngine, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and scores (q, m) of the first ranks and of some deeper ones."""
    count = len(engine)
    deepest = min(count, max(2 * _SHOWN, 5000))
    ranks = np.arange(min(_SHOWN + 1, count))
    if deepest > len(ranks):
        ranks = np.append(ranks, np.geomspace(len(ranks), deepest - 1, _DEEPER).astype(int))
    rows, scores = [], []
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
    left = np.geomspace(len(order), min(len(order), _MIN_PAIRS), _BINS).round().astype(int)
    bins = np.split(order, np.unique(len(order) - left)[1:])  # finer towards the top
    at = np.array([scores[b].mean() for b in bins], np.float64)
    shares = np.array([same[b].mean() for b in bins])
    fitted = isotonic_regression(shares, weights=[len(b) for b in bins]).x
    return _rounded(kind, at, np.clip(fitted, 0, 1), len(scores))


def _ranks(scores: np.ndarray) -> Calibration:
    """Return the quantiles of the scores, finer towards the top, where results are."""
    shares = np.unique(np.concatenate([np.linspace(0, 0.9, 19), 1 - np.geomspace(0.1, 1e-5, 40)]))
    shares[-1] = 1.0
    return _rounded(None, np.quantile(scores.astype(np.float64), shares), shares, len(scores))


def _rounded(kind: str | None, scores: np.ndarray, shares: np.ndarray, pairs: int) -> Calibration:
    at, share = (tuple(np.round(values, 6).tolist()) for values in (scores, shares))
    return Calibration(kind, at, share, pairs)
