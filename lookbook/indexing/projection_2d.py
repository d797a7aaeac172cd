"""The catalogue on a plane: near items near, for a map that people wander about in."""

from __future__ import annotations

import numpy as np

from lookbook.index.engines.annoy import exact_neighbours

_LANDMARKS = 8_000  # items laid out by t-SNE; more of them are placed among these
_DIRECTIONS = 50
_LEAST = 30  # below, t-SNE has no neighbourhoods to keep


def project_2d(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    """float32 (n, 2) within -1 to 1 for `vectors` (n, dim): the same for the same seed.

    t-SNE (van der Maaten & Hinton 2008; as openTSNE, Poličar et al. 2019) from a start by principal
    components, so that the whole keeps its shape (Kobak & Berens 2019). Beyond 8,000 items the
    others are placed at the weighted mean of their nearest neighbours among so many landmarks.
    Fewer than 30 items are shown by principal components alone.
    """
    reduced = _principal(np.asarray(vectors, np.float32))
    if len(reduced) < _LEAST:
        flat = np.zeros((len(reduced), 2), np.float32)
        flat[:, : min(2, reduced.shape[1])] = reduced[:, :2]
        return _within(flat)
    draw = np.random.default_rng(seed)
    landmarks = np.sort(draw.permutation(len(reduced))[:_LANDMARKS])
    flat = np.empty((len(reduced), 2), np.float32)
    flat[landmarks] = laid = _laid_out(reduced[landmarks], seed)
    others = np.setdiff1d(np.arange(len(reduced)), landmarks)
    if len(others):
        flat[others] = _placed(reduced[others], reduced[landmarks], laid)
    return _within(flat)


def _principal(vectors: np.ndarray) -> np.ndarray:
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    _, directions = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    directions = directions[:, ::-1][:, :_DIRECTIONS]
    directions *= np.sign(directions[np.abs(directions).argmax(axis=0), range(directions.shape[1])])
    return (centred @ directions).astype(np.float32)


def _laid_out(reduced: np.ndarray, seed: int) -> np.ndarray:
    from openTSNE import TSNE

    flat = np.zeros((len(reduced), 2))
    flat[:, : min(2, reduced.shape[1])] = reduced[:, :2]
    spread = max(float(flat[:, 0].std()), 1e-9)
    found = TSNE(
        perplexity=min(30, (len(reduced) - 1) // 3),
        initialization=flat / spread * 1e-4,
        random_state=seed,
        n_jobs=1,
    ).fit(reduced)
    return np.asarray(found, np.float32)


def _placed(others: np.ndarray, landmarks: np.ndarray, laid: np.ndarray) -> np.ndarray:
    rows, closeness = exact_neighbours(landmarks, others, 5, "euclidean")
    nearest = -closeness[:, :1]
    weights = np.exp(-((closeness / np.maximum(nearest, 1e-6)) ** 2))
    weights /= weights.sum(axis=1, keepdims=True)
    return (laid[rows] * weights[:, :, None]).sum(axis=1)


def _within(flat: np.ndarray) -> np.ndarray:
    """Centred, and so scaled that the farthest item lies on the edge."""
    flat = flat - (flat.max(axis=0) + flat.min(axis=0)) / 2
    return (flat / max(float(np.abs(flat).max()), 1e-12)).astype(np.float32)
