"""Turn an image into the model's input pixels, the same way for catalogue and query."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from lookbook.encoding.errors import UNREADABLE, EncoderError
from lookbook.images.loading import Picture, load_rgb
from lookbook.images.transforms import letterbox

PROCESSOR_FILE = "preprocessor_config.json"
# image processors of transformers that crop nothing; train.py writes the first
_WITHOUT_CROP = (
    "ConvNextImageProcessor",
    "ConvNextImageProcessorFast",
    "ConvNextImageProcessorPil",
)
_SETTINGS = ("size", "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")
MIN_DECODE_SIDE = 320  # px of the shorter side that are kept at least, where a photo has more


@dataclass(frozen=True)
class Preprocessing:
    """Input of a model: a `size` x `size` square, (value * scale - mean) / std per channel."""

    size: int
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    denoise: bool = False
    min_decode_side: int = MIN_DECODE_SIDE  # part of the hash: JPEG draft sizes change pixels

    @classmethod
    def of(cls, processor: Any, denoise: bool = False) -> Preprocessing:
        """Read a transformers image processor; its crop size takes precedence over its size.

        That of a timm model has its own names. Raises EncoderError when it gives neither a height
        nor an edge.
        """
        if (timm := getattr(processor, "data_config", None)) is not None:
            mean, std = _channels(timm["mean"]), _channels(timm["std"])
            return cls(int(timm["input_size"][-1]), 1 / 255, mean, std, denoise)
        crop = getattr(processor, "crop_size", None) if _on(processor, "do_center_crop") else None
        sizes = dict(crop or processor.size)
        side = sizes.get("height") or sizes.get("shortest_edge") or sizes.get("longest_edge")
        if side is None:
            raise EncoderError(f"expected a height or an edge as the model's size, found {sizes}")
        normalizes = _on(processor, "do_normalize")
        return cls(
            size=int(side),
            scale=float(processor.rescale_factor) if _on(processor, "do_rescale") else 1.0,
            mean=_channels(processor.image_mean) if normalizes else (0.0, 0.0, 0.0),
            std=_channels(processor.image_std) if normalizes else (1.0, 1.0, 1.0),
            denoise=denoise,
        )

    @property
    def hash(self) -> str:
        """Return 16 hex digits that change with anything that changes the model's input."""
        values = asdict(self)
        values["detail"] = values.pop("min_decode_side")  # the name in indexes already built
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def decode_side(self) -> int:
        """Pixels that decoding keeps of the shorter side; one of twice as many is reduced."""
        return max(self.size, self.min_decode_side)

    def open(self, picture: Picture) -> Image.Image:
        """Decode an image to upright RGB, large enough to display. Raises ImageError.

        Catalogue and query decode with the same `min_side_hint`: JPEG draft sizes change pixels.
        """
        return load_rgb(picture, min_side_hint=self.decode_side)

    def resize(self, image: Image.Image, size: int | tuple[int, int] | None = None) -> np.ndarray:
        """Letterbox an opened image to uint8 (size, size, 3); `size` defaults to the model's.

        To uint8 (height, width, 3) where `size` is (width, height).
        """
        if self.denoise:
            image = load_rgb(image, denoise=True)
        return np.asarray(letterbox(image, size or self.size))

    def preprocess(self, picture: Picture) -> np.ndarray:
        """Decode and letterbox any image to uint8 (size, size, 3). Raises ImageError."""
        return self.resize(self.open(picture))


def _on(processor: Any, switch: str) -> bool:
    return bool(getattr(processor, switch, False))


def _channels(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue


def read_processor(folder: Path) -> SimpleNamespace | None:
    """Read an image processor that `Preprocessing.of` takes, without transformers (2 s to import).

    None where PROCESSOR_FILE leaves something to the defaults of transformers, or is damaged:
    transformers reads it then, or says what is wrong.
    """
    try:
        values = json.loads((folder / PROCESSOR_FILE).read_text(encoding="utf-8"))
        is_plain = values["image_processor_type"] in _WITHOUT_CROP and "crop_size" not in values
        settings = {name: values[name] for name in _SETTINGS}
        channels = [*settings["image_mean"], *settings["image_std"]]
        numbers = [*settings["size"].values(), settings["rescale_factor"], *channels]
        is_whole = len(channels) == 6 and all(isinstance(n, int | float) for n in numbers)
    except UNREADABLE:
        return None
    return SimpleNamespace(**settings) if is_plain and is_whole else None
