"""Encode images and text as vectors: a transformers vision model with its preprocessing.

Model and preprocessing are loaded together, and the same code serves `embed.py` and the queries of
visitors.
"""

from __future__ import annotations

import copy
import logging
import os
import platform
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from lookbook.encoding.backends import (
    BACKENDS,
    Backend,
    Model,
    choose_backend,
    is_openvino_possible,
)
from lookbook.encoding.backends.torch_backend import Network
from lookbook.encoding.backends.yielding import YieldingBackend
from lookbook.encoding.cpu import supports_bfloat16
from lookbook.encoding.device import choose_device
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.garment_kinds import KINDS_FILE, GarmentKinds
from lookbook.encoding.heads import EmbeddingHeads, load_text_embeddings
from lookbook.encoding.hub import check_timm, first_line, model_folder
from lookbook.encoding.hub import revision as folder_revision
from lookbook.encoding.int8 import INT8_FILE, Int8Calibration
from lookbook.encoding.pooling import POOLINGS
from lookbook.encoding.preprocessing import Preprocessing, read_processor
from lookbook.encoding.query_adapter import NETWORKS_FILE, SETTINGS_FILE, QueryAdapter, check_query
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.images.loading import Picture
from lookbook.resources import shipped
from lookbook.schema.batches import batches
from lookbook.schema.text import excerpt

__all__ = ["BACKENDS", "DEFAULT_MODEL", "POOLINGS", "PRECISIONS", "Encoder", "EncoderError"]

PRECISIONS = ("auto", "float32", "bfloat16", "int8")
DEFAULT_MODEL = shipped("models/lookbook-resnet50")
_log = logging.getLogger(__name__)


class Encoder:
    """A vision model as a function from images to vectors of L2 norm 1. Thread-safe.

    `identity` holds everything on which an index and its queries must agree.
    """

    def __init__(
        self,
        backend: Backend,
        preprocessing: Preprocessing,
        *,
        name: str,
        revision: str,
        heads: EmbeddingHeads | None = None,
        text_embeddings: tuple[Vocabulary, np.ndarray] | None = None,
        query_adapter: QueryAdapter | None = None,
        garment_kinds: GarmentKinds | None = None,
        int8: Int8Calibration | None = None,
        pooling: str = "avg",
        precision: str = "float32",
        device: str = "cpu",
        normalize: bool = True,
    ) -> None:
        self.backend, self.preprocessing, self.name = backend, preprocessing, name
        self.revision, self.heads, self.text_embeddings = revision, heads, text_embeddings
        self.pooling, self.precision, self.device = pooling, precision, device
        self.normalize, self.query_adapter = normalize, query_adapter
        self.garment_kinds, self.int8 = garment_kinds, int8

    @classmethod
    def load(
        cls,
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        *,
        pooling: str = "avg",
        precision: str = "auto",
        index_precision: str | None = None,
        device: str = "auto",
        backend: str = "auto",
        denoise: bool = False,
        normalize: bool = True,
        concurrent: bool = False,
    ) -> Encoder:
        """Load model and preprocessing from a local folder or a Hub id.

        `precision` "auto" is int8 where OpenVINO computes it and its vectors agree with float32
        (`Int8Calibration`), bfloat16 where the CPU supports it, else float32; with
        `index_precision`, that of the index to search, it is another one only where their vectors
        agree (`compatible_precisions`). `device` "auto" is CUDA, then MPS, then the CPU; `backend`
        "auto" is the fastest that is installed. Without `normalize` the vectors of images keep
        their norm, so that Euclidean distances and inner products rank otherwise than cosines do.
        `concurrent` is for many callers at once: a thread for each, not all threads for one after
        the other. A folder may contain `projection.safetensors` and `words.*` besides the
        transformers files, as the shipped one does. Raises EncoderError.
        """
        if pooling not in POOLINGS:
            raise EncoderError(f"pooling {pooling!r} is not one of {', '.join(POOLINGS)}")
        folder = model_folder(str(model))
        check_timm(folder, str(model))
        on = choose_device(device)
        preprocessing = Preprocessing.of(_processor(folder, model), denoise)
        learned = _Learned.load(folder, folder_revision(folder), pooling)
        int8 = learned.int8
        if precision == "auto" and index_precision and not (int8 and int8.agrees):
            precision = index_precision
        asked, precision = precision, _precision(precision, on, backend, int8)
        if precision == "int8" and int8 is None:
            raise EncoderError(
                f"{model}: int8 needs {INT8_FILE} for these weights, and the pooling avg: make it "
                "by python -m lookbook.training.int8_calibration, or choose another precision"
            )
        network = Model(
            key=f"{learned.revision}-{preprocessing.hash}-{pooling}",
            load=lambda: load_network(folder, learned.heads, pooling, str(model)),
            preprocessing=preprocessing,
            precision=precision,
            device=on,
            concurrent=concurrent,
            int8=int8 if precision == "int8" else None,
        )
        chosen, precision = _backend_and_precision(backend, network, fall_back=asked == "auto")
        return cls(
            chosen,
            preprocessing,
            name=Path(model).resolve().name if Path(model).is_dir() else str(model),
            pooling=pooling,
            precision=precision,
            device=on,
            normalize=normalize,
            **vars(learned),
        )

    @property
    def identity(self) -> dict[str, object]:
        """Everything that changes the vectors: encoders of one identity can share an index."""
        identity: dict[str, object] = {
            "id": self.name,
            "revision": self.revision,
            "preprocessing": self.preprocessing.hash,
            "pooling": self.pooling,
            "precision": self.precision,
            "denoise": self.preprocessing.denoise,
            "dim": self.dim,
        }
        if self.precision == "int8" and self.int8 is not None and not self.int8.agrees:
            identity["int8"] = self.int8.digest  # another calibration would give other vectors
        # indexes of before the option hold vectors of norm 1 and do not name it
        return identity if self.normalize else identity | {"normalize": False}

    @property
    def compatible_precisions(self) -> tuple[str, ...]:
        """Precisions whose vectors agree with these, so that an index can be searched with any.

        All of them where int8 was found to agree (mean cosine of at least MIN_AGREEMENT with
        float32; bfloat16 is nearer), else its own.
        """
        agrees = self.int8 is not None and self.int8.agrees
        return PRECISIONS[1:] if agrees else (self.precision,)

    @cached_property
    def dim(self) -> int:
        """Length of a vector."""
        blank = np.full((1, self.preprocessing.size, self.preprocessing.size, 3), 255, np.uint8)
        return int(self.forward(blank).shape[1])

    def encode(self, pictures: Sequence[Picture], batch_size: int = 32) -> np.ndarray:
        """Return float32 (n, dim), of L2 norm 1 if `normalize`, in order. Raises ImageError."""
        if not len(pictures):
            return np.empty((0, self.dim), np.float32)
        if len(pictures) == 1:  # a visitor's photo: threads would take longer than they save
            return self.forward(self.preprocessing.preprocess(pictures[0])[None])
        with ThreadPoolExecutor(2) as threads:
            pixels = list(threads.map(self.preprocessing.preprocess, pictures))
        return self.forward_batches(pixels, batch_size)

    def forward_batches(self, pixels: Iterable[np.ndarray], batch_size: int = 32) -> np.ndarray:
        """Return `forward` of pixels (n, size, size, 3), n at least 1, so many at a time."""
        parts = batches(pixels, batch_size)
        return np.concatenate([self.forward(np.stack(part)) for part in parts])

    def yielding(self, wait: Callable[[], None]) -> Encoder:
        """Return the same encoder for work that nobody waits for: each pass begins after `wait`."""
        other = copy.copy(self)
        other.backend = YieldingBackend(self.backend, wait)
        return other

    def as_query(self, vectors: np.ndarray, intent: str) -> np.ndarray:
        """Return float32 (n, dim) of L2 norm 1: vectors (n, dim) as a query of an intent has them.

        `intent`: "photo", "item" (of the catalogue), "colourway" (the same in other colours) or
        "text". The vectors of an index stay as they are. A model without `query.json` gives them
        back at norm 1. Raises ValueError for another intent.
        """
        if self.query_adapter is None:
            return check_query(vectors, intent)
        return self.query_adapter(vectors, intent)

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 (n, dim) for uint8 (n, size, size, 3) of `preprocessing`.

        Of L2 norm 1 if `normalize`.
        """
        return self._normalized(self.backend.embed(pixels))

    def encode_with_map(self, picture: Picture, stage: int) -> tuple[np.ndarray, np.ndarray]:
        """Return an image's vector (dim,) and its map (h, w, channels) in one forward pass.

        Both as `encode` and `feature_map` at the model's own size return them. Raises ImageError.
        """
        pixels = self.preprocessing.preprocess(picture)[None]
        vectors, (maps,) = self.backend.embed_with_maps(pixels, (stage,))
        return self._normalized(vectors)[0], _to_grid(maps[0]).transpose(1, 2, 0)

    def _normalized(self, vectors: np.ndarray) -> np.ndarray:
        """Scale (n, dim) to L2 norm 1 if `normalize`."""
        if self.normalize:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def feature_map(self, picture: Picture, size: int | None = None, stage: int = -1) -> np.ndarray:
        """Return float32 (h, w, channels): the activations at each position of an image.

        The image is letterboxed to `size` px, by default the model's own; models with position
        embeddings always use their own. `stage` is an index of transformers' `hidden_states`.
        `localization.unletterbox` crops the map to the image. Raises ImageError.
        """
        return self._image_maps(picture, size, (stage,))[0]

    def feature_maps(
        self, picture: Picture, size: int | tuple[int, int] | None = None
    ) -> list[np.ndarray]:
        """Return the maps that a vector is made of, each float32 (h, w, channels), the last last.

        As `feature_map` returns one of them; a `size` may be (width, height), too. Raises
        ImageError.
        """
        return self._image_maps(picture, size, self._stages)

    def feature_maps_of(self, pictures: Sequence[Picture]) -> list[list[np.ndarray]]:
        """Return the `feature_maps` of each picture at the model's own size, in one forward pass.

        Raises ImageError.
        """
        if not pictures:
            return []
        pixels = np.stack([self.preprocessing.preprocess(picture) for picture in pictures])
        maps = self.backend.feature_maps(pixels, self._stages)
        return [[_to_grid(m[i]).transpose(1, 2, 0) for m in maps] for i in range(len(pictures))]

    def projected_map(self, picture: Picture, size: int | None = None) -> np.ndarray:
        """Return float32 (h, w, dim): each position of the last map in the embedding space.

        The mean over positions, at norm 1, is the image's vector at this `size`, if the pooling is
        "avg". A maximum is attributed to the position where it occurs. Raises ImageError.
        """
        maps = self._image_maps(picture, size, self._stages)
        return self.heads.spatial_embeddings(maps) if self.heads else maps[-1]

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 (n, dim) of L2 norm 1 in the space of the images.

        Out-of-vocabulary words are skipped, see `unknown_words`. Raises EncoderError when the model
        has no text embeddings, or a text no known word or n-gram.
        """
        vocabulary, table = self._text_embeddings()
        vectors = []
        for text in texts:
            tokens = vocabulary.tokens(text)
            if not tokens:
                raise EncoderError(f"knows none of the words in {excerpt(text)}")
            vector = table[tokens].astype(np.float32).sum(0)
            vectors.append(vector / max(float(np.linalg.norm(vector)), 1e-12))
        return np.stack(vectors) if vectors else np.empty((0, self.dim), np.float32)

    def unknown_words(self, text: str) -> list[str]:
        """Return the out-of-vocabulary words of `text`. Raises EncoderError without vocabulary."""
        return self._text_embeddings()[0].oov_words(text)

    def knows(self, text: str) -> bool:
        """Return whether `encode_text` can encode `text`, at least by n-grams of its words."""
        return self.text_embeddings is not None and bool(self.text_embeddings[0].tokens(text))

    def _text_embeddings(self) -> tuple[Vocabulary, np.ndarray]:
        if self.text_embeddings is None:
            raise EncoderError(f"the model {self.name} was not trained on words, only on pictures")
        return self.text_embeddings

    @property
    def _stages(self) -> tuple[int, ...]:
        """Feature maps that a vector is made of, as indices of `hidden_states`."""
        return self.heads.stages if self.heads else (-1,)

    def _image_maps(
        self, picture: Picture, size: int | tuple[int, int] | None, stages: tuple[int, ...]
    ) -> list[np.ndarray]:
        """Return float32 (h, w, channels) for each of `stages`."""
        image = self.preprocessing.open(picture)
        pixels = self.preprocessing.resize(image, None if self.backend.fixed_size else size)[None]
        maps = self.backend.feature_maps(pixels, stages)
        return [_to_grid(m[0]).transpose(1, 2, 0) for m in maps]


def _processor(folder: Path, model: str | os.PathLike[str]) -> Any:
    if (processor := read_processor(folder)) is not None:
        return processor
    from transformers import AutoImageProcessor

    with _loading_errors(model):
        return AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, backend="pil"
        )


def load_network(
    folder: str | os.PathLike[str],
    heads: EmbeddingHeads | None = None,
    pooling: str = "avg",
    name: str = "",
) -> Network:
    """Load the network of a folder in float32, with its heads or else a pooling.

    `name` is what errors call the model, if not by its folder. Raises EncoderError.
    """
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # half a second only
    with _loading_errors(name or folder):
        network = AutoModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    return Network.of(getattr(network, "vision_model", network), heads, pooling)


@contextmanager
def _loading_errors(model: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # transformers has no end of types for a damaged file
        raise EncoderError(
            f"{model}: not a transformers vision model with its preprocessor and safetensors "
            f"({first_line(error)})"
        ) from error


@dataclass(frozen=True)
class _Learned:
    """What was learned on a network and stands beside it, by the names of `Encoder`'s parameters.

    Heads and int8 belong to average pooling and are meaningless on any other.
    """

    revision: str
    heads: EmbeddingHeads | None
    text_embeddings: tuple[Vocabulary, np.ndarray] | None
    query_adapter: QueryAdapter | None
    garment_kinds: GarmentKinds | None
    int8: Int8Calibration | None

    @classmethod
    def load(cls, folder: Path, revision: str, pooling: str) -> _Learned:
        """Read what a folder has. Raises EncoderError."""
        is_average = pooling == "avg"
        heads = EmbeddingHeads.load(folder) if is_average else None
        int8 = Int8Calibration.load(folder) if is_average else None
        kinds = _kinds_of_classes(folder, heads)
        adapter = _of_kinds(QueryAdapter.load(folder), kinds, folder) if heads else None
        return cls(
            revision,
            heads,
            load_text_embeddings(folder, heads) if heads else None,
            _fitted(adapter, folder / SETTINGS_FILE, revision, "queries are not adapted"),
            _fitted(kinds, folder / KINDS_FILE, revision, "garments have no kinds"),
            _fitted(int8, folder / INT8_FILE, revision, "nothing is computed in int8"),
        )


_Fitted = TypeVar("_Fitted", QueryAdapter, GarmentKinds, Int8Calibration)


def _fitted(part: _Fitted | None, file: Path, revision: str, otherwise: str) -> _Fitted | None:
    """Return what was fitted to the weights of a revision, None where these are others."""
    if part is None or part.revision == revision:
        return part
    warnings.warn(
        f"{file} was fitted to weights of revision {part.revision}; these are of revision "
        f"{revision}: {otherwise}",
        stacklevel=4,  # whoever loads the encoder
    )
    return None


def _kinds_of_classes(folder: Path, heads: EmbeddingHeads | None) -> GarmentKinds | None:
    """Return the kinds of a folder, None where they are not those of a category head's classes."""
    kinds = GarmentKinds.load(folder)
    if kinds is None or heads is None or heads.category is None:
        return None
    named, classes = len(kinds.membership), len(heads.category.bias)
    if named != classes:
        warnings.warn(
            f"{folder / KINDS_FILE} names {named} classes of revision {kinds.revision}; these "
            f"weights have {classes}: garments have no kinds",
            stacklevel=4,
        )
        return None
    return kinds


def _of_kinds(
    adapter: QueryAdapter | None, kinds: GarmentKinds | None, folder: Path
) -> QueryAdapter | None:
    """Return an adapter without its classifier of garments where that is of other kinds."""
    if adapter is None or adapter.kind_bias is None or kinds is None:
        return adapter
    if len(adapter.kind_bias) == len(kinds.names):
        return adapter
    warnings.warn(
        f"{folder / NETWORKS_FILE} tells {len(adapter.kind_bias)} kinds of garments, "
        f"{KINDS_FILE} names {len(kinds.names)}: the category head tells kinds in photos",
        stacklevel=4,
    )
    return replace(adapter, kind_weight=None, kind_bias=None)


def _to_grid(maps: np.ndarray) -> np.ndarray:
    """Reshape (channels, tokens) to (channels, h, w); patch tokens come last, in row order."""
    if maps.ndim == 3:
        return maps
    side = int(maps.shape[1] ** 0.5)
    return maps[:, -side * side :].reshape(-1, side, side)


def _backend_and_precision(name: str, model: Model, fall_back: bool) -> tuple[Backend, str]:
    """Return a backend and the precision that it computes in.

    `fall_back`: where int8 cannot be computed on this machine, the next precision of "auto".
    """
    try:
        return choose_backend(name, model), model.precision
    except EncoderError as error:
        if not fall_back or model.precision != "int8":
            raise
        other = replace(model, precision=_precision("auto", model.device), int8=None)
        _log.warning("computed in %s, not in int8: %s", other.precision, error)
        return choose_backend(name, other), other.precision


def _precision(
    name: str, device: str, backend: str = "auto", int8: Int8Calibration | None = None
) -> str:
    """Resolve "auto": int8 only where it agrees, bfloat16 only where it is not emulated slowly."""
    if name not in PRECISIONS:
        raise EncoderError(f"precision {name!r} is not one of {', '.join(PRECISIONS)}")
    if name != "auto":
        return name
    is_possible = backend != "torch" and is_openvino_possible(device)
    is_faster = platform.machine() in ("x86_64", "AMD64")  # others are not known to gain
    if int8 and int8.agrees and is_possible and is_faster:
        return "int8"
    return "bfloat16" if device == "cpu" and supports_bfloat16() else "float32"
