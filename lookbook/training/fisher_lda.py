"""The side for cut and print in closed form: directions in which a product stays what it is.

On another ground, in another photo or in another colour, a product's details change along some
directions and stay put along others, while from product to product all of them vary. Those where
products differ most beside how little one changes are Fisher's discriminants (Fisher 1936; of many
groups, Rao 1948).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import eigh

from lookbook.training.head_finetuning import Features
from lookbook.training.model import AVERAGES, EmbeddingModel

RIDGE = 0.01  # of the mean variance within: what few pairs cannot tell counts as noise
COLOUR_WEIGHT = 10  # what a change of colour as it is sold counts for, beside any other change


@torch.no_grad()
def discriminate(student: EmbeddingModel, views: Features, plain: Sequence[Features]) -> None:
    """Set the weights of the side for cut and print, `student.cut`, to discriminants of products.

    How products differ is told by photos as they are, `plain`, as drawn grounds differ too. How one
    changes is told by all pairs: for `views` and each part of `plain`, the mean over those in one
    colour and the mean over those in two, however many there are, summed.
    """
    shown = torch.cat([_details(view) for part in plain for view in (part.first, part.second)])
    within = torch.zeros(shown.shape[1], shown.shape[1])
    for part, in_two in ((views, 1), *((part, COLOUR_WEIGHT) for part in plain)):
        changes, truth = _details(part.first) - _details(part.second), part.truth
        for rows, weight in ((truth.single_colour, 1), (truth.recoloured, in_two)):
            if rows.any():
                within += weight * _scatter(changes[rows])
    found = directions(_scatter(shown - shown.mean(0)), within, student.cut.out_features)
    student.cut.weight.copy_(torch.from_numpy(found))
    student.lengths[1] = student.cut(shown).norm(dim=1).mean()  # until more is seen of it


def enough(student: EmbeddingModel, plain: Sequence[Features]) -> bool:
    """Whether `plain` shows more products than the side has dimensions; the rest would be noise."""
    numbers = {number for part in plain for number in part.truth.designs[0].tolist()}
    return len(numbers) > student.cut.out_features


def directions(between: torch.Tensor, within: torch.Tensor, count: int) -> np.ndarray:
    """(count, f): those with the most of `between` beside `within`, both (f, f), best first.

    Rows w of the largest l in between w = l (within + ridge) w; each has a variance of 1 within,
    the ridge included.
    """
    size = len(within)
    noise = within + RIDGE * within.trace() / size * torch.eye(size)
    best = (size - count, size - 1)
    return eigh(between.double(), noise.double(), subset_by_index=best)[1][:, ::-1].T.copy()


def _details(features: torch.Tensor) -> torch.Tensor:
    return features[:, AVERAGES:].float()


def _scatter(rows: torch.Tensor) -> torch.Tensor:
    return rows.T @ rows / len(rows)
