"""Adapt the vector of a query to what the query is for; the vectors of an index stay as they are.

An embedding is the concatenation of heads, so a cosine is a sum over heads: a scale of one head, on
the side of the query alone, changes how much that head counts. A network with one hidden layer may
move the vector as well. For photos it brings those taken by phone and the studio's together, which
lie apart from each other. A linear classifier tells by which of four turns a photo is turned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lookbook.encoding.category_head import softmax
from lookbook.encoding.errors import UNREADABLE, ModelUnusable
from lookbook.encoding.heads import read_tensors
from lookbook.schema.text import excerpt

# a photo, an item of the catalogue, an item or photo "in another colour", words
INTENTS = ("photo", "item", "colourway", "text")
# what a photo or an item is to be matched on; "" leaves that to the intent
MATCHES = ("", "shape", "colour", "pattern", "kind")
SETTINGS_FILE, NETWORKS_FILE = "query.json", "query.safetensors"
_COLOUR_PARTS = ("photo_weight", "photo_bias", "item_weight", "item_bias")
TURNS = 4  # by none, one, two and three quarters, counter-clockwise
_PARTS = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")
_LARGEST_SCALE = 1000.0  # far beyond what is fitted; larger ones overflow float32


@dataclass(frozen=True)
class ShiftNetwork:
    """A vector's shift by a network of one hidden layer (ReLU), added to the scaled vector.

    `hidden_weight` (h, dim), `hidden_bias` (h,), `output_weight` (dim, h), `output_bias` (dim,).
    """

    hidden_weight: np.ndarray
    hidden_bias: np.ndarray
    output_weight: np.ndarray
    output_bias: np.ndarray

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Return float32 (n, dim), what is added to `vectors` (n, dim) of norm 1."""
        hidden = np.maximum(vectors @ self.hidden_weight.T + self.hidden_bias, 0)
        return np.asarray(hidden @ self.output_weight.T + self.output_bias, np.float32)


@dataclass(frozen=True)
class ColourHeads:
    """Families of colour as linear functions of a vector: softmax classifiers, one for each side.

    Weights (k, dim) and biases (k,), for photos and for items. A photo's light and background are
    not those of a studio, so it has a classifier of its own.
    """

    photo_weight: np.ndarray
    photo_bias: np.ndarray
    item_weight: np.ndarray
    item_bias: np.ndarray

    def probabilities(self, vectors: np.ndarray, photo: bool) -> np.ndarray:
        """Return float32 (n, k), the families of colour of `vectors` (n, dim), as encoded.

        `photo`: of photos, else of items.
        """
        weight, bias = (
            (self.photo_weight, self.photo_bias) if photo else (self.item_weight, self.item_bias)
        )
        return np.asarray(_class_probabilities(vectors, weight, bias), np.float32)


@dataclass(frozen=True)
class QueryAdapter:
    """The scales of heads and the networks of each intent, for the weights of one `revision`.

    `head_dims`: lengths of the heads in the order of the embedding. An intent that `scales` does
    not name has scales of 1. `match_scales` take their place where one of MATCHES is asked for.
    """

    revision: str
    head_dims: tuple[int, ...]
    scales: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    networks: Mapping[str, ShiftNetwork] = field(default_factory=dict)
    turn_weight: np.ndarray | None = None  # float32 (TURNS, dim)
    turn_bias: np.ndarray | None = None  # float32 (TURNS,)
    colours: ColourHeads | None = None
    match_scales: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    kind_weight: np.ndarray | None = None  # float32 (kinds of garments.json, dim)
    kind_bias: np.ndarray | None = None  # float32 (kinds,)

    @classmethod
    def load(cls, folder: Path) -> QueryAdapter | None:
        """Read SETTINGS_FILE, and NETWORKS_FILE if any, of a folder; None without the first.

        Raises ModelUnusable for files that cannot be used.
        """
        file = folder / SETTINGS_FILE
        if not file.exists():
            return None
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            given = [values[name] for name in ("revision", "head_dims", "scales")]
            match = values.get("match", {})
        except UNREADABLE as error:
            raise ModelUnusable(
                f"{file}: expected revision, head_dims and scales by intent ({error!r})"
            ) from None
        try:
            revision, dims = read_revision(given[0]), read_head_dims(given[1])
            scales = _scales("scales", given[2], INTENTS, len(dims))
            match_scales = _scales("match", match, MATCHES, len(dims))
        except ValueError as error:
            raise ModelUnusable(f"{file}: {error}") from None
        arrays = _read_arrays(folder / NETWORKS_FILE)
        try:
            turns, kinds = _turns(arrays, sum(dims)), _classifier(arrays, "kind", sum(dims))
            colours = _colours(arrays, sum(dims))
            networks = _networks(arrays, sum(dims))
        except ValueError as error:
            raise ModelUnusable(f"{folder / NETWORKS_FILE}: {error}") from None
        return cls(revision, dims, scales, networks, *turns, colours, match_scales, *kinds)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return sum(self.head_dims)

    def __call__(self, vectors: np.ndarray, intent: str, match: str = "") -> np.ndarray:
        """Return float32 (n, dim) of norm 1: `vectors` (n, dim) as queries of that intent.

        `match` is one of MATCHES. Raises ValueError for an unknown intent or match, or vectors of
        another length.
        """
        if match not in MATCHES:
            raise ValueError(f"match is one of {', '.join(MATCHES[1:])}, found {excerpt(match)}")
        vectors = check_query(vectors, intent)
        if vectors.shape[1] != self.dim:
            raise ValueError(f"expected vectors of length {self.dim}, found {vectors.shape[1]}")
        scales = self.match_scales.get(match, self._scales(intent))
        adapted = vectors * np.repeat(np.array(scales, np.float32), self.head_dims)
        if intent in self.networks:
            adapted += self.networks[intent](vectors)
        return unit_rows(adapted)

    @property
    def item_columns(self) -> np.ndarray:
        """bool (dim,): the columns of vectors whose heads compare items with items."""
        return np.repeat(np.array(self._scales("item")) > 0, self.head_dims)

    def between_items(self, vectors: np.ndarray) -> np.ndarray:
        """Return (n, d), the columns of vectors (n, dim) whose heads compare items with items."""
        return vectors[:, self.item_columns]

    def _scales(self, intent: str) -> tuple[float, ...]:
        return self.scales.get(intent, (1.0,) * len(self.head_dims))

    def turns(self, vectors: np.ndarray) -> np.ndarray | None:
        """Return float32 (n, TURNS) for photos (n, dim): the log of each turn's probability.

        Column t is that the photo is turned by t quarters, counter-clockwise. None where the model
        cannot tell.
        """
        if self.turn_weight is None or self.turn_bias is None:
            return None
        vectors = np.asarray(vectors, np.float32)
        shares = _class_probabilities(vectors, self.turn_weight, self.turn_bias)
        return np.asarray(np.log(np.maximum(shares, 1e-12)), np.float32)

    def kinds(self, vectors: np.ndarray) -> np.ndarray | None:
        """Return float32 (n, k) for parts of photos (n, dim): the probability of each kind.

        Of a garment, in the order of `GarmentKinds.names`. None where the model cannot tell.
        """
        if self.kind_weight is None or self.kind_bias is None:
            return None
        vectors = np.asarray(vectors, np.float32)
        shares = _class_probabilities(vectors, self.kind_weight, self.kind_bias)
        return np.asarray(shares, np.float32)


def _class_probabilities(vectors: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return (n, k): the softmax of a linear classifier of the directions of `vectors` (n, dim).

    `weight` (k, dim), `bias` (k,).
    """
    return np.asarray(softmax(unit_rows(vectors) @ weight.T + bias))


def check_query(vectors: np.ndarray, intent: str) -> np.ndarray:
    """Return vectors as float32 (n, dim) of norm 1; raises ValueError for an unknown intent."""
    if intent not in INTENTS:
        raise ValueError(f"the intent of a query is one of {', '.join(INTENTS)}, found {intent!r}")
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2:
        raise ValueError(f"expected vectors (n, dim), found an array of shape {vectors.shape}")
    return unit_rows(vectors)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Return float32 rows at L2 norm 1; a row of zeros stays as it is."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny), np.float32)


def read_revision(value: object) -> str:
    """Return the revision of weights that a file was made for; raises ValueError."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"revision: expected a text, found {excerpt(value)}")
    return value


def read_head_dims(value: object) -> tuple[int, ...]:
    """Return the lengths of heads that a file was made for; raises ValueError."""
    dims = value if isinstance(value, list) else []
    if not dims or not all(type(dim) is int and dim >= 1 for dim in dims):
        raise ValueError(
            f"head_dims: expected a list of whole numbers of 1 and more, found {excerpt(value)}"
        )
    return tuple(dims)


def _scales(
    name: str, value: object, keys: Sequence[str], count: int
) -> dict[str, tuple[float, ...]]:
    """Return the scales of `count` heads by intent or match; raises ValueError for any other."""
    if not isinstance(value, dict) or not set(value) <= set(keys):
        expected = ", ".join(filter(None, keys))
        raise ValueError(f"{name}: expected lists by {expected}, found {excerpt(value)}")
    for key, row in value.items():
        if not isinstance(row, list) or len(row) != count or not _are_scales(row):
            raise ValueError(
                f"{name}: {key}: expected {count} scales of 0 to {_LARGEST_SCALE:g}, one of them "
                f"above 0, found {excerpt(row)}"
            )
    return {key: tuple(float(scale) for scale in row) for key, row in value.items()}


def _are_scales(row: Sequence[object]) -> bool:
    """Whether all are numbers in range (neither nan nor infinite), and not all of them 0."""
    numbers = [scale for scale in row if type(scale) in (int, float)]
    in_range = all(0 <= scale <= _LARGEST_SCALE for scale in numbers)  # type: ignore[operator]
    return len(numbers) == len(row) and in_range and any(numbers)


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file as float32, none where there is no such file.

    Raises ModelUnusable for a damaged file, and for arrays that are not finite.
    """
    if not file.exists():
        return {}
    arrays = {name: array.astype(np.float32) for name, array in read_tensors(file).items()}
    if wrong := sorted(name for name, array in arrays.items() if not np.isfinite(array).all()):
        raise ModelUnusable(f"{file}: expected finite numbers, found others in {', '.join(wrong)}")
    return arrays


Classifier = tuple[np.ndarray | None, np.ndarray | None]  # weight (k, dim) and bias (k,), if any


def _turns(arrays: dict[str, np.ndarray], dim: int) -> Classifier:
    """Take the classifier `turn` out of `arrays`, if there is one."""
    for earlier in ("upright.weight", "upright.bias"):  # told upright from turned only
        arrays.pop(earlier, None)
    return _classifier(arrays, "turn", dim, TURNS)


def _classifier(
    arrays: dict[str, np.ndarray], name: str, dim: int, classes: int | None = None
) -> Classifier:
    """Take weight and bias of a classifier out of `arrays`, of any number of classes if None."""
    weight, bias = arrays.pop(f"{name}.weight", None), arrays.pop(f"{name}.bias", None)
    if weight is None and bias is None:
        return None, None
    found = [None if array is None else array.shape for array in (weight, bias)]
    count = classes if classes is not None else 0 if bias is None else bias.size
    if found != [(count, dim), (count,)]:
        k = classes or "k"
        expected = f"weight ({k}, {dim}) and bias ({k},)"
        raise ValueError(f"{name}: expected {expected}, found {found[0]} and {found[1]}")
    return weight, bias


def _colours(arrays: dict[str, np.ndarray], dim: int) -> ColourHeads | None:
    """Take the colour heads out of `arrays`, if there are any."""
    found = {part: arrays.pop(f"colour.{part}", None) for part in _COLOUR_PARTS}
    given = {part: array for part, array in found.items() if array is not None}
    if not given:
        return None
    shapes = [array.shape for array in given.values()]
    count = given["photo_bias"].size if "photo_bias" in given else 0
    if shapes != [(count, dim), (count,), (count, dim), (count,)]:
        raise ValueError(f"colour: expected {', '.join(_COLOUR_PARTS)} for {dim}, found {shapes}")
    return ColourHeads(**given)


def _networks(arrays: Mapping[str, np.ndarray], dim: int) -> dict[str, ShiftNetwork]:
    """Return networks by intent of arrays that are called `photo.hidden_weight` and so on."""
    networks = {}
    for intent in sorted({name.partition(".")[0] for name in arrays}):
        found = {
            part: arrays[f"{intent}.{part}"] for part in _PARTS if f"{intent}.{part}" in arrays
        }
        shapes = [array.shape for array in found.values()]
        hidden = shapes[0][0] if shapes and shapes[0] else 0
        if intent not in INTENTS or shapes != [(hidden, dim), (hidden,), (dim, hidden), (dim,)]:
            raise ValueError(
                f"{intent}: expected {', '.join(_PARTS)} for vectors of {dim}, found {shapes}"
            )
        networks[intent] = ShiftNetwork(**found)
    return networks
