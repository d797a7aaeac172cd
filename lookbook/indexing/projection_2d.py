"""Project a catalogue to two dimensions, similar items close together, for the map of the site."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lookbook.index.engines.exact import exact_neighbours

_LANDMARKS = 8_000  # items projected by t-SNE; all others are placed among these
_COMPONENTS = 50
_BLOCK_ROWS = 4096
_MIN_TSNE = 30  # with fewer items t-SNE has no neighbourhoods to preserve


def project_2d(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    """Project `vectors` (n, dim) to float32 (n, 2) within -1 to 1; deterministic for one seed.

    t-SNE (van der Maaten & Hinton 2008; as openTSNE, Poličar et al. 2019), initialised by principal
    components so that the global structure is kept (Kobak & Berens 2019). Of more than 8,000 items
    8,000 landmarks are projected so, the others placed at the weighted mean of their nearest
    landmarks. Fewer than 30 items are projected on their principal components alone.
    """
    reduced = _principal_components(vectors)
    if len(reduced) < _MIN_TSNE:
        flat = np.zeros((len(reduced), 2), np.float32)
        flat[:, : min(2, reduced.shape[1])] = reduced[:, :2]
        return _rescale(flat)
    rng = np.random.default_rng(seed)
    landmarks = np.sort(rng.permutation(len(reduced))[:_LANDMARKS])
    flat = np.empty((len(reduced), 2), np.float32)
    flat[landmarks] = landmark_places = _tsne(reduced[landmarks], seed)
    others = np.setdiff1d(np.arange(len(reduced)), landmarks)
    if len(others):
        flat[others] = _place_by_landmarks(reduced[others], reduced[landmarks], landmark_places)
    return _rescale(flat)


def place_new(vectors: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Complete a map: `places` float32 (n, 2), NaN for rows of `vectors` (n, dim) that are new.

    Each new row is placed at the weighted mean of its nearest rows that have a place; these stay.
    """
    new = np.isnan(places).any(axis=1)
    out = np.array(places, np.float32)
    if new.any():
        known = np.asarray(vectors[~new], np.float32)
        out[new] = _place_by_landmarks(np.asarray(vectors[new], np.float32), known, places[~new])
    return out


def _principal_components(vectors: np.ndarray) -> np.ndarray:
    """Return float32 (n, up to 50); works by blocks, as all in float64 are large."""
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(vectors), _BLOCK_ROWS):
            centred = np.asarray(vectors[start : start + _BLOCK_ROWS], np.float32) - mean
            yield centred.astype(np.float64)

    _, directions = np.linalg.eigh(sum(block.T @ block for block in blocks()))
    directions = directions[:, ::-1][:, :_COMPONENTS]
    directions *= np.sign(directions[np.abs(directions).argmax(axis=0), range(directions.shape[1])])
    return np.concatenate([(block @ directions).astype(np.float32) for block in blocks()])


def _tsne(reduced: np.ndarray, seed: int) -> np.ndarray:
    from openTSNE import TSNE

    flat = np.zeros((len(reduced), 2))
    flat[:, : min(2, reduced.shape[1])] = reduced[:, :2]
    spread = max(float(flat[:, 0].std()), 1e-9)
    projected = TSNE(
        perplexity=min(30, (len(reduced) - 1) // 3),
        initialization=flat / spread * 1e-4,
        random_state=seed,
        n_jobs=1,
    ).fit(reduced)
    return np.asarray(projected, np.float32)


def _place_by_landmarks(
    others: np.ndarray, landmarks: np.ndarray, landmark_places: np.ndarray
) -> np.ndarray:
    rows, scores = exact_neighbours(landmarks, others, 5, "euclidean")
    nearest = -scores[:, :1]
    weights = np.exp(-((scores / np.maximum(nearest, 1e-6)) ** 2))
    weights /= weights.sum(axis=1, keepdims=True)
    return (landmark_places[rows] * weights[:, :, None]).sum(axis=1)


def _rescale(flat: np.ndarray) -> np.ndarray:
    """Centre, and scale so that the farthest item lies on the edge."""
    flat = flat - (flat.max(axis=0) + flat.min(axis=0)) / 2
    return (flat / max(float(np.abs(flat).max()), 1e-12)).astype(np.float32)
