"""The probability that a result for a photo is of the kind that the photo shows.

The curve of `calibration` is fitted with items of the catalogue as queries and knows the score
alone. For photos that visitors take it is wrong in both directions: too low for plain photos of
garments that the shop has many of, too high for blurred ones. What a search knows beside the score
says more: which kinds the nearest pieces are of, how good the best one is, and how much of the
photo's vector each head holds, which is less the less is to be seen.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookbook.encoding.errors import UNREADABLE, EncoderError, ModelUnusable
from lookbook.encoding.query_adapter import read_head_dims, read_revision
from lookbook.schema.text import excerpt
from lookbook.search.calibration import Calibration, calibrations
from lookbook.search.index import Hit, Index
from lookbook.search.intents import as_query, encoder_folder, query_adapter
from lookbook.search.item_calibration import kind_shares, logistic, logit
from lookbook.search.per_index import per_index

_log = logging.getLogger(__name__)

FILE = "photo_calibration.json"  # in the folder of a model
NEIGHBOURS = 24  # nearest pieces, whose kinds count
_LARGEST = 100.0  # weight or intercept, far beyond what is fitted
_REMEDY = (
    "put the file of the model there again, or remove it: photos then have no probabilities of "
    "their kind"
)
_SHARPNESS = 10.0  # a neighbour whose cosine is lower by 0.1 counts 1/e
# logit of the share of the neighbours that are of the result's kind, logit of the best one's
# probability by the curve, logarithms of the lengths of the first and third head, each divided by
# that of the second: those of one photo do not change when other heads are added behind them
FEATURES = ("kind_share", "best", "first_head", "third_head")
_RISING = FEATURES[:2]  # the more of them, the likelier: their weights are not negative


@dataclass(frozen=True)
class PhotoCalibration:
    """A logistic regression on FEATURES, for vectors that begin with heads of `head_dims`.

    `revision` names the weights that it was fitted to.
    """

    revision: str
    head_dims: tuple[int, int, int]
    weights: tuple[float, ...]
    intercept: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return float (n,), the probabilities of results with `features` (n, 4)."""
        return logistic(features, np.array(self.weights), self.intercept)

    @classmethod
    def load(cls, folder: Path) -> PhotoCalibration | None:
        """Read FILE of the folder of a model, None without; raises ModelUnusable."""
        file = folder / FILE
        if not file.exists():
            return None
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            given = values["revision"], values["head_dims"], values["intercept"]
            weights = {name: values["weights"][name] for name in FEATURES}
        except UNREADABLE as error:
            raise ModelUnusable(
                f"{file}: expected a revision, head_dims of three heads, an intercept and "
                f"weights of {', '.join(FEATURES)} ({error!r}): {_REMEDY}"
            ) from None
        try:
            revision, dims = read_revision(given[0]), read_head_dims(given[1])
            if len(dims) != 3:
                raise ValueError(f"head_dims: expected three heads, found {len(dims)}")
            intercept = _number("intercept", given[2], -_LARGEST)
            read = (_number(n, w, 0 if n in _RISING else -_LARGEST) for n, w in weights.items())
            return cls(revision, dims, tuple(read), intercept)
        except ValueError as error:
            raise ModelUnusable(f"{file}: {error}: {_REMEDY}") from None

    def to_json(self) -> dict[str, object]:
        """Return what `load` reads."""
        weights = dict(zip(FEATURES, self.weights, strict=True))
        return {
            "revision": self.revision,
            "head_dims": self.head_dims,
            "weights": weights,
            "intercept": self.intercept,
        }


def _number(name: str, value: object, least: float) -> float:
    """Return a number of `least` to _LARGEST; raises ValueError for any other and for nan."""
    if type(value) not in (int, float) or not least <= value <= _LARGEST:  # type: ignore[operator]
        expected = f"expected a number of {least:g} to {_LARGEST:g}"
        raise ValueError(f"{name}: {expected}, found {excerpt(value)}")
    return float(value)  # type: ignore[arg-type]


@per_index
def photo_calibration(index: Index) -> PhotoCalibration | None:
    """Return that of the model which built an index; None where it cannot be used.

    A file that is damaged or was fitted to other weights is logged once: searches go on without.
    """
    try:
        return read_photo_calibration(index)
    except EncoderError as error:
        _log.warning("%s: photos have no probabilities of their kind", error)
        return None


def read_photo_calibration(index: Index) -> PhotoCalibration | None:
    """Return that of the model which built an index, None without or for other heads.

    Raises EncoderError for a file that is damaged or was fitted to other weights.
    """
    adapter, folder = query_adapter(index), encoder_folder(index)
    if adapter is None or folder is None:
        return None
    found = PhotoCalibration.load(folder)
    if found is not None and found.revision != adapter.revision:
        raise EncoderError(
            f"{folder / FILE} was fitted to weights of revision {found.revision}; the index was "
            f"made by revision {adapter.revision}: {_REMEDY}"
        )
    return found if found is not None and adapter.head_dims[:3] == found.head_dims else None


def kind_probabilities(
    photo: np.ndarray, hits: Sequence[Hit], index: Index
) -> list[float | None] | None:
    """Return for each hit the probability that it is of the kind of a photo, (dim,) as encoded.

    None for a hit without a kind, and instead of the list where nothing says it. The neighbours are
    those of the whole catalogue, whatever filters hold and however many hits are asked for.
    """
    curve, fitted = calibrations(index)["photo"], photo_calibration(index)
    if curve is None or fitted is None or curve.kind not in index.columns:
        return None
    kinds = index.column(curve.kind)
    rows, scores = index.rank_rows(as_query(index, photo, "photo"), NEIGHBOURS)
    shown = np.array([kinds[hit.row] for hit in hits], object)
    near = np.array([kinds[row] for row in rows], object)
    found = fitted(features(photo, fitted.head_dims, scores.astype(float), near, shown, curve))
    known = [kind is not None for kind in shown]
    return [float(p) if has else None for p, has in zip(found, known, strict=True)]


def features(
    photo: np.ndarray,
    head_dims: Sequence[int],
    scores: np.ndarray,
    kinds: np.ndarray,
    shown: np.ndarray,
    curve: Calibration,
) -> np.ndarray:
    """Return float (m, 4), FEATURES of results of the kinds `shown` (m,).

    `photo` (dim,) as encoded; `scores` and `kinds` (k,) of its nearest pieces, the nearest first.
    """
    shares = kind_shares(scores, kinds, shown, _SHARPNESS)
    heads = np.split(photo, np.cumsum(head_dims))[:3]
    first, second, third = (float(np.linalg.norm(head)) + 1e-6 for head in heads)
    best = curve.of(float(scores.max())).probability
    of_photo = [logit(np.array(best)), np.log(first / second), np.log(third / second)]
    return np.column_stack([logit(shares), np.tile(of_photo, (len(shown), 1))])
