"""The detail head in closed form: Fisher's linear discriminants of products.

With another background, photo or colour, the max-pooled features of one product change along some
directions and stay constant along others, while all of them vary between products. The directions
with the largest ratio of between- to within-product variance are Fisher's discriminants (Fisher
1936; for many groups, Rao 1948).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import eigh

from lookbook.training.head_finetuning import PairFeatures
from lookbook.training.model import AVG_FEATURES, EmbeddingModel

RIDGE = 0.01  # of the mean variance within: what few pairs cannot determine counts as noise
COLOURWAY_WEIGHT = 10  # of changes between colourways that are sold, relative to other changes


@torch.no_grad()
def fit_detail_head(
    model: EmbeddingModel, augmented: PairFeatures, unaugmented: Sequence[PairFeatures]
) -> None:
    """Set the weights of `model.detail_head` to discriminants of products.

    Variance between products is measured on `unaugmented` photos, as drawn backgrounds differ, too.
    Variance within products is the sum over `augmented` and each part of `unaugmented` of the mean
    over pairs in one colour and the mean over pairs in two.
    """
    photos = torch.cat(
        [_max_features(view) for part in unaugmented for view in (part.first, part.second)]
    )
    within = torch.zeros(photos.shape[1], photos.shape[1], device=photos.device)
    parts = [(augmented, 1), *((part, COLOURWAY_WEIGHT) for part in unaugmented)]
    for part, colourway_weight in parts:
        changes = _max_features(part.first) - _max_features(part.second)
        for rows, weight in (
            (part.labels.single_colour, 1),
            (part.labels.recoloured, colourway_weight),
        ):
            if rows.any():
                within += weight * scatter(changes[rows])
    between = scatter(photos - photos.mean(0))
    weights = discriminants(between, within, model.detail_head.out_features)
    model.detail_head.weight.copy_(torch.from_numpy(weights))
    # until the running mean has seen more
    model.head_norms[1] = model.detail_head(photos).norm(dim=1).mean()


def enough_products(model: EmbeddingModel, unaugmented: Sequence[PairFeatures]) -> bool:
    """Return whether there are more products than dimensions; further ones would be noise."""
    designs = {number for part in unaugmented for number in part.labels.designs[0].tolist()}
    return len(designs) > model.detail_head.out_features


def discriminants(
    between: torch.Tensor, within: torch.Tensor, count: int, ridge: float = RIDGE
) -> np.ndarray:
    """Return (count, f): directions of the largest ratio of `between` to `within`, best first.

    Both are (f, f). The rows w solve between w = l (within + ridge) w for the largest l; each has a
    variance of 1 within, the ridge included, which is `ridge` times the mean variance within.
    """
    size = len(within)
    noise = within + ridge * within.trace() / size * torch.eye(size, device=within.device)
    largest = (size - count, size - 1)
    matrices = between.double().cpu(), noise.double().cpu()
    return eigh(*matrices, subset_by_index=largest)[1][:, ::-1].T.copy()


def _max_features(features: torch.Tensor) -> torch.Tensor:
    return features[:, AVG_FEATURES:].float()


def scatter(rows: torch.Tensor) -> torch.Tensor:
    """Return (f, f), the mean outer product of rows (n, f) with themselves."""
    return rows.T @ rows / len(rows)
