"""Results that differ from each other: maximal marginal relevance."""

from __future__ import annotations

import numpy as np


def maximal_marginal_relevance(
    query_scores: np.ndarray,
    vectors: np.ndarray,
    k: int,
    diversity: float,
    floor: float = -np.inf,
    subject: np.ndarray | None = None,
) -> np.ndarray:
    """Choose at most k candidates, each relevant and unlike those before; return their positions.

    Carbonell & Goldstein 1998: the next is the one of the largest (1 - diversity) x its score minus
    diversity x its cosine with the closest one chosen. `query_scores` (n,) are cosines with the
    query, or another relevance of that scale; `vectors` (n, dim) those of the candidates.
    `diversity` 0 ranks by score alone, 1 by difference alone after the best one. A closest cosine
    below `floor` counts as `floor`: with 0, being opposite is no merit. Of the positions chosen so
    far at least half are of the `subject`, bool (n,), as long as there are any: difference alone
    would lead away from what was asked for. Ties go to the earlier. Raises ValueError for a
    `diversity` outside 0 to 1.
    """
    if not 0 <= diversity <= 1:
        raise ValueError(f"diversity lies between 0 and 1, found {diversity}")
    scores = np.asarray(query_scores, np.float64)
    if len(scores) != len(vectors):
        raise ValueError(f"expected a score for each of {len(vectors)} vectors, not {len(scores)}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.asarray(vectors, np.float64) / np.maximum(lengths, np.finfo(np.float32).tiny)
    chosen: list[int] = []
    left, closest = np.ones(len(scores), bool), np.full(len(scores), floor)
    subject = np.ones(len(scores), bool) if subject is None else subject
    others = 0  # chosen that are not of the subject
    while len(chosen) < min(k, len(scores)):
        gain = (1 - diversity) * scores - diversity * closest if chosen else scores
        too_many = bool(chosen) and 2 * (others + 1) > len(chosen) + 1
        open_to = left & subject if too_many and (left & subject).any() else left
        best = int(np.argmax(np.where(open_to, gain, -np.inf)))
        chosen.append(best)
        left[best] = False
        others += not subject[best]
        closest = np.maximum(closest, unit @ unit[best])
    return np.array(chosen, np.int64)
