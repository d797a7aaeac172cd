"""Pictures and words to vectors: a transformers vision model with its own preprocessing.

Model and preprocessing are loaded together and never travel apart, and the very same code serves
`embed.py` and the query of a visitor.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lookbook.catalog.hub_lookup import HubError, query_hub, unreachable_message
from lookbook.encoding.cpu import disable_malloc_trim, supports_bfloat16
from lookbook.encoding.heads import EmbeddingHeads, EncoderError, load_text_embeddings
from lookbook.encoding.pooling import POOLINGS, pool
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.images.loading import Picture, letterbox, load_rgb
from lookbook.resources import shipped

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "float32", "bfloat16")
DETAIL = 320  # px on the shorter side that are decoded at least, where a photo has more
DEFAULT_MODEL = shipped("models/lookbook-resnet50")


MODEL_FILES = ("*.json", "model*.safetensors", "projection.safetensors", "words.safetensors")
REVISED = ("config.json", "*.safetensors", "words.json")
_WAYS_OUT = (
    "Give a local folder with config.json, preprocessor_config.json and model.safetensors, or "
    "leave out --model to use the shipped encoder"
)


@dataclass(frozen=True)
class Preprocessing:
    """What the model wants: a square of `size` px, (value * scale - mean) / std per channel."""

    size: int
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    denoise: bool = False
    detail: int = DETAIL  # part of the hash: draft decoding changes pixels

    @classmethod
    def of(cls, processor: object, denoise: bool = False) -> Preprocessing:
        """Read a transformers image processor; its crop size counts before its resize size."""
        crop = getattr(processor, "crop_size", None) if _on(processor, "do_center_crop") else None
        size = dict(crop or processor.size)
        side = size.get("height") or size.get("shortest_edge") or size.get("longest_edge")
        plain = not _on(processor, "do_normalize")
        return cls(
            size=int(side),
            scale=float(processor.rescale_factor) if _on(processor, "do_rescale") else 1.0,
            mean=(0.0, 0.0, 0.0) if plain else tuple(map(float, processor.image_mean)),
            std=(1.0, 1.0, 1.0) if plain else tuple(map(float, processor.image_std)),
            denoise=denoise,
        )

    @property
    def hash(self) -> str:
        """16 hex digits that change with anything that changes the model's input."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def open(self, picture: Picture) -> Image.Image:
        """The picture as every step here begins with it, fine enough to show; raises ImageError.

        Catalogue and query decode with the same `min_side_hint`: JPEG's draft sizes change
        the pixels.
        """
        return load_rgb(picture, min_side_hint=max(self.size, self.detail))

    def fit(self, image: Image.Image, size: int | None = None) -> np.ndarray:
        """uint8 (size, size, 3): an opened picture, letterboxed; `size` if not the model's own."""
        if self.denoise:
            image = load_rgb(image, denoise=True)
        return np.asarray(letterbox(image, size or self.size))

    def pixels(self, picture: Picture) -> np.ndarray:
        """uint8 (size, size, 3) of any picture; raises ImageError."""
        return self.fit(self.open(picture))


class Encoder:
    """A vision model as a function from pictures to vectors of L2 norm 1.

    Safe to call from several threads. `identity` is what an index must agree on with its queries.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        preprocessing: Preprocessing,
        *,
        name: str,
        revision: str,
        sides: EmbeddingHeads | None = None,
        words: tuple[Vocabulary, np.ndarray] | None = None,
        pooling: str = "avg",
        precision: str = "auto",
        device: str = "auto",
    ) -> None:
        import torch

        if pooling not in POOLINGS:
            raise EncoderError(f"pooling {pooling!r} is not one of {', '.join(POOLINGS)}")
        self.preprocessing, self.name, self.revision = preprocessing, name, revision
        self.pooling, self.device = pooling, _device(device)
        self.precision = _precision(precision, self.device)
        # learnt for what the model is pooled like by default, and means nothing on anything else
        self.sides = sides.to(self.device) if sides and pooling == "avg" else None
        self.words = words if self.sides else None
        model = _fold_batch_norms(model.eval().requires_grad_(False))
        self.model = model.to(self.device, getattr(torch, self.precision)).to(
            memory_format=torch.channels_last
        )
        disable_malloc_trim()

    @classmethod
    def load(
        cls,
        model: str | os.PathLike = DEFAULT_MODEL,
        *,
        pooling: str = "avg",
        precision: str = "auto",
        device: str = "auto",
        denoise: bool = False,
    ) -> Encoder:
        """Load a local folder or a Hub id, model and preprocessing together.

        `precision` "auto" is bfloat16 where the processor has it, else float32; `device` "auto" is
        CUDA, then MPS, then the CPU. A folder may hold `projection.safetensors` and `words.*`
        beside the transformers files, as the shipped one does. Raises EncoderError.
        """
        folder = Path(model) if Path(model).is_dir() else _downloaded(str(model))
        import torch  # after the folder is found: a wrong name must not wait for these
        from safetensors import SafetensorError
        from transformers import AutoImageProcessor, AutoModel
        from transformers.utils import logging

        logging.disable_progress_bar()  # half a second of loading needs no bar
        try:
            processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
            network = AutoModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise EncoderError(
                f"{model}: not a transformers vision model with its preprocessor and safetensors "
                f"({_first_line(error)})"
            ) from error
        sides = EmbeddingHeads.load(folder)
        return cls(
            getattr(network, "vision_model", network),
            Preprocessing.of(processor, denoise),
            name=Path(model).resolve().name if Path(model).is_dir() else str(model),
            revision=_revision(folder),
            sides=sides,
            words=load_text_embeddings(folder, sides.dim) if sides else None,
            pooling=pooling,
            precision=precision,
            device=device,
        )

    @property
    def identity(self) -> dict[str, object]:
        """Whatever changes the vectors: two encoders with one identity may share an index."""
        return {
            "id": self.name,
            "revision": self.revision,
            "preprocessing": self.preprocessing.hash,
            "pooling": self.pooling,
            "precision": self.precision,
            "denoise": self.preprocessing.denoise,
            "dim": self.dim,
        }

    @cached_property
    def dim(self) -> int:
        """Length of a vector."""
        blank = np.full((1, self.preprocessing.size, self.preprocessing.size, 3), 255, np.uint8)
        return self.forward(blank).shape[1]

    def encode(self, pictures: Sequence[Picture], batch_size: int = 32) -> np.ndarray:
        """float32 (n, dim) of L2 norm 1, in the order given; raises ImageError."""
        if not len(pictures):
            return np.empty((0, self.dim), np.float32)
        with ThreadPoolExecutor(2) as threads:
            pixels = list(threads.map(self.preprocessing.pixels, pictures))
        starts = range(0, len(pixels), batch_size)
        return np.concatenate([self.forward(np.stack(pixels[i : i + batch_size])) for i in starts])

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (n, size, size, 3) from `preprocessing.pixels` -> float32 (n, dim) of L2 norm 1."""
        import torch

        with torch.inference_mode():
            vectors = self._vectors(self._features(pixels, self._stages))
            return torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()

    @property
    def _stages(self) -> tuple[int, ...]:
        """The maps that a vector is made of, as numbers of `hidden_states`."""
        return self.sides.stages if self.sides else (-1,)

    def _vectors(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        return self.sides.of(maps) if self.sides else pool(maps[-1], self.pooling)

    def feature_map(self, picture: Picture, size: int | None = None, stage: int = -1) -> np.ndarray:
        """float32 (h, w, channels): what the network sees at each place of the letterboxed square.

        `size` px of the square, finer than the model's own, where it can take that; `stage` which
        of the feature maps, the last by default. `localization.unletterbox` brings a map back to
        the picture's own frame. Raises ImageError.
        """
        return self._maps(picture, size, (stage,))[0]

    def projected_map(self, picture: Picture, size: int | None = None) -> np.ndarray:
        """float32 (h, w, dim): each place of the last map in the space of the vectors.

        Their mean over the places, at norm 1, is the picture's vector at this `size`, where the
        model is pooled as it learnt to be. A largest value counts for the place where it is. Raises
        ImageError.
        """
        maps = self._maps(picture, size, self._stages)
        return self.sides.spatial_embeddings(maps) if self.sides else maps[-1]

    def _maps(self, picture: Picture, size: int | None, stages: Sequence[int]) -> list[np.ndarray]:
        """float32 (h, w, channels) for each of `stages`."""
        import torch

        image = self.preprocessing.open(picture)
        if hasattr(self.model.config, "image_size"):  # it knows its places by number
            size = None
        pixels = self.preprocessing.fit(image, size)[None]
        with torch.inference_mode():
            found = [maps[0].float().cpu().numpy() for maps in self._features(pixels, stages)]
        return [_places(maps).transpose(1, 2, 0) for maps in found]

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (n, dim) in the space of the pictures; see `unknown_words` for what it skipped.

        Raises EncoderError when the model has no words, or knows none of those in a text.
        """
        vocabulary, table = self._vocabulary()
        vectors = []
        for text in texts:
            tokens = vocabulary.tokens(text)
            if not tokens:
                raise EncoderError(f"knows none of the words in {text!r}")
            vector = table[tokens].astype(np.float32).sum(0)
            vectors.append(vector / max(float(np.linalg.norm(vector)), 1e-12))
        return np.stack(vectors) if vectors else np.empty((0, self.dim), np.float32)

    def unknown_words(self, text: str) -> list[str]:
        """Words of `text` that the model never met whole; raises EncoderError without words."""
        return self._vocabulary()[0].unknown(text)

    def knows(self, text: str) -> bool:
        """Whether `encode_text` has something to say of `text`, be it by pieces of its words."""
        return self.words is not None and bool(self.words[0].tokens(text))

    def _vocabulary(self) -> tuple[Vocabulary, np.ndarray]:
        if self.words is None:
            raise EncoderError(f"the model {self.name} was not trained on words, only on pictures")
        return self.words

    def _features(self, pixels: np.ndarray, stages: Sequence[int] = (-1,)) -> list[torch.Tensor]:
        """Feature maps (n, channels, places...) in the model's own precision, one for a stage."""
        import torch

        p = self.preprocessing
        x = torch.tensor(pixels, device=self.device).permute(0, 3, 1, 2).float()
        mean, std = (torch.tensor(v, device=self.device)[:, None, None] for v in (p.mean, p.std))
        x = ((x * p.scale - mean) / std).to(next(self.model.parameters()).dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        out = self.model(x, output_hidden_states=any(stage != -1 for stage in stages))
        maps = [out.last_hidden_state if s == -1 else out.hidden_states[s] for s in stages]
        return [m if m.ndim == 4 else m.transpose(1, 2) for m in maps]  # tokens last, like places


def _places(maps: np.ndarray) -> np.ndarray:
    """(channels, h, w) of maps, or of tokens, of which those of the places come last, in rows."""
    if maps.ndim == 3:
        return maps
    side = int(maps.shape[1] ** 0.5)
    return maps[:, -side * side :].reshape(-1, side, side)


def _on(processor: object, switch: str) -> bool:
    return bool(getattr(processor, switch, False))


def _device(wanted: str) -> torch.device:
    import torch

    if wanted == "auto":
        others = [("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())]
        return torch.device(next((name for name, there in others if there), "cpu"))
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise EncoderError(f"device {wanted!r} cannot be used: {_first_line(error)}") from None
    return device


def _precision(wanted: str, device: torch.device) -> str:
    """bfloat16 only where the processor computes in it; elsewhere it is emulated and slow."""
    if wanted not in PRECISIONS:
        raise EncoderError(f"precision {wanted!r} is not one of {', '.join(PRECISIONS)}")
    if wanted != "auto":
        return wanted
    fast = device.type == "cpu" and supports_bfloat16()
    return "bfloat16" if fast else "float32"


def _fold_batch_norms(model: torch.nn.Module) -> torch.nn.Module:
    """Merge batch norms into the convolutions before them: the same function, less time."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for module in model.modules():
        convolution = getattr(module, "convolution", None)
        norm = getattr(module, "normalization", None)
        if isinstance(convolution, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
            module.convolution = fuse_conv_bn_eval(convolution, norm)
            module.normalization = torch.nn.Identity()
    return model


def _downloaded(model: str) -> Path:
    """Folder of the cached copy of a Hub model, fetched if need be; raises EncoderError."""
    from huggingface_hub import snapshot_download

    if (copy := _cached(model)) is not None:
        return copy
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model) or set(model) <= {"."}:
        raise EncoderError(f"{model}: there is no such folder. {_WAYS_OUT}")
    try:
        info = query_hub(model, "model")
    except HubError as error:
        raise EncoderError(f"{error}. {_WAYS_OUT}") from None
    try:
        folder = snapshot_download(model, allow_patterns=MODEL_FILES, local_files_only=info is None)
    except (OSError, ValueError) as error:
        reason = unreachable_message(model) if info is None else f"{model}: {_first_line(error)}"
        raise EncoderError(f"{reason}. {_WAYS_OUT}") from error
    return Path(folder)


def _cached(model: str) -> Path | None:
    """An index belongs to one revision: what was fetched once is used, and nothing is asked."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(model, local_files_only=True))
    except (OSError, ValueError):
        return None
    return folder if any(folder.glob("model*.safetensors")) else None


def _revision(folder: Path) -> str:
    """16 hex digits over all that makes the network, so that a retrained model is another one."""
    digest = hashlib.sha256()
    for file in sorted({f for pattern in REVISED for f in folder.glob(pattern)}):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
