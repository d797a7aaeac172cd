"""A product of the house collection: its attributes and its picture."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .background import on_background
from .canvas import Canvas
from .cloth import Cloth
from .garments.draw_context import DrawContext
from .palette import base_colour, rgb
from .prints import Print
from .specs import SPEC_OF_ARTICLE

SIZE = (384, 512)


@dataclass(frozen=True)
class Product:
    """A style in one colourway; its picture follows from these fields alone."""

    number: int
    seed: int
    style: int
    colourway: int
    article: str
    gender: str
    cut: tuple[tuple[str, str], ...]
    fabric: str
    pattern: str
    pitch: float
    shade: str
    accents: tuple[str, ...]
    hardware: str
    season: str
    year: int
    usage: str
    price: int
    name: str
    description: str

    @property
    def id(self) -> int:
        """The id of the product in `row()`."""
        return 100_001 + self.number

    def row(self) -> dict[str, str | int]:
        """The attributes under the column names of the public data set, and four more."""
        spec = SPEC_OF_ARTICLE[self.article]
        return {
            "id": self.id,
            "gender": self.gender,
            "masterCategory": spec.master,
            "subCategory": spec.sub,
            "articleType": self.article,
            "baseColour": base_colour(self.shade),
            "season": self.season,
            "year": self.year,
            "usage": self.usage,
            "productDisplayName": self.name,
            "pattern": self.pattern,
            "fabric": self.fabric,
            "price": self.price,
            "description": self.description,
            "style_id": f"H{self.style:05d}",
            "colourway": self.shade,
        }

    def draw(self, size: tuple[int, int] = SIZE) -> Image.Image:
        """Draw the product on a light background: RGB of `size` (width, height)."""
        r = random.Random(f"{self.seed}/{self.style}/ground")
        return on_background(self.paint(size), r, SPEC_OF_ARTICLE[self.article].stands)

    def paint(self, size: tuple[int, int]) -> np.ndarray:
        """Draw the product alone: premultiplied RGBA, float32 (height, width, 4), 0 to 1."""
        colours = tuple(rgb(shade) for shade in self.accents)
        canvas = Canvas(size, f"{self.seed}/{self.style}/{self.colourway}/laid")
        ctx = DrawContext(
            canvas,
            self.cloth(),
            dict(self.cut),
            self.gender,
            random.Random(f"{self.seed}/{self.style}/cut"),
            colours,
            self.hardware,
        )
        SPEC_OF_ARTICLE[self.article].draw(ctx)
        return np.clip(np.dstack([canvas.rgb, canvas.alpha]), 0, 1)

    def cloth(self) -> Cloth:
        """The cloth that it is cut from."""
        seed = self.seed * 1009 + self.style
        colours = tuple(rgb(shade) for shade in self.accents)
        print_ = None if self.pattern == "plain" else Print(self.pattern, colours, self.pitch, seed)
        return Cloth(rgb(self.shade), self.fabric, print_, seed)


def draw_cutout(product: Product, size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw the product without background or shadow: RGBA of `size` (width, height)."""
    layer = product.paint(size)
    alpha = layer[:, :, 3:]
    straight = np.where(alpha > 0.004, layer[:, :, :3] / np.maximum(alpha, 0.004), 0)
    pixels = np.concatenate([np.clip(straight, 0, 1), alpha], 2)
    return Image.fromarray((pixels * 255 + 0.5).astype(np.uint8), "RGBA")
