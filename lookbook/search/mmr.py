"""Answers that differ from each other: maximal marginal relevance."""

from __future__ import annotations

import numpy as np


def maximal_marginal_relevance(
    query_scores: np.ndarray, vectors: np.ndarray, k: int, variety: float
) -> np.ndarray:
    """Positions (at most k) of candidates, each the best that adds something to those before it.

    Carbonell & Goldstein 1998: the next is the largest (1 - variety) x its score minus variety x
    its cosine with the closest one chosen. `query_scores` (n,) are cosines with the query and
    `vectors` (n, dim) those of the candidates; `variety` 0 ranks by score alone, 1 by difference
    alone after the best one. Ties go to the earlier. Raises ValueError for another `variety`.
    """
    if not 0 <= variety <= 1:
        raise ValueError(f"variety lies between 0 and 1, found {variety}")
    scores = np.asarray(query_scores, np.float64)
    if len(scores) != len(vectors):
        raise ValueError(f"expected a score for each of {len(vectors)} vectors, not {len(scores)}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.asarray(vectors, np.float64) / np.maximum(lengths, np.finfo(np.float32).tiny)
    chosen: list[int] = []
    left, closest = np.ones(len(scores), bool), np.full(len(scores), -np.inf)
    while len(chosen) < min(k, len(scores)):
        gain = (1 - variety) * scores - variety * closest if chosen else scores
        best = int(np.argmax(np.where(left, gain, -np.inf)))
        chosen.append(best)
        left[best] = False
        closest = np.maximum(closest, unit @ unit[best])
    return np.array(chosen, np.int64)
