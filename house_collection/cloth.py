"""Cloth: a colour, a fabric and perhaps a print, as functions of board coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from . import light
from .prints import Print

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Finish:
    """How a fabric reflects: weight of diffuse shading, weight and exponent of the highlight."""

    body: float = 0.7
    gloss: float = 0.0
    sharpness: float = 12.0


FINISHES = {
    "silk": Finish(0.9, 0.30, 7),
    "satin": Finish(0.9, 0.34, 7),
    "leather": Finish(0.95, 0.26, 14),
    "patent": Finish(1.0, 0.6, 30),
    "rubber": Finish(0.85, 0.12, 10),
    "metal": Finish(1.5, 0.75, 12),
    "nylon": Finish(0.9, 0.14, 8),
    "suede": Finish(0.75, 0.0),
    "chunky knit": Finish(0.85, 0.0),
    "acetate": Finish(0.8, 0.4, 24),
}


@dataclass(frozen=True)
class Cloth:
    """The material that a piece is cut from."""

    colour: RGB
    fabric: str = "cotton"
    print: Print | None = None
    seed: int = 0

    def plain(self) -> Cloth:
        """The same cloth without its print, for ribs and linings."""
        return replace(self, print=None)

    def dyed(self, colour: RGB, fabric: str | None = None) -> Cloth:
        """Plain cloth of another colour."""
        return replace(self, colour=colour, print=None, fabric=fabric or self.fabric)

    def paint(self, u: np.ndarray, v: np.ndarray, scale: float) -> np.ndarray:
        """Colour at board coordinates -> float32 (rows, columns, 3); `scale` in px a point."""
        if self.print is None:
            colour = np.broadcast_to(np.array(self.colour, np.float32), (*u.shape, 3))
        else:
            colour = self.print.paint(u, v, self.colour, scale)
        weave = WEAVES.get(self.fabric)
        if weave is None:
            return colour * (1 + 0.009 * speckle(u.shape, self.seed, "grain"))[:, :, None]
        return weave(self, colour, u, v, scale)

    def illuminated(
        self,
        colour: np.ndarray,
        dy: np.ndarray,
        dx: np.ndarray,
        shade: float | np.ndarray = 1.0,
    ) -> np.ndarray:
        """The colour under the lamp, given the slopes; a sheen shows the folds of dark cloth."""
        finish = FINISHES.get(self.fabric, Finish())
        lamp = 1 + (light.diffuse(dy, dx) - 1) * finish.body
        lamp = np.clip(lamp, 0.3, 1.6) * shade
        lit = colour * lamp[:, :, None]
        sheen = 0.07 * (lamp - shade)
        if finish.gloss:
            flat = light.specular(np.float32(0), np.float32(0), finish.sharpness)
            sheen = sheen + finish.gloss * (light.specular(dy, dx, finish.sharpness) - 0.8 * flat)
        return np.clip(lit + sheen[:, :, None], 0, 1)


# -- weaves: each multiplies or mixes the colour (rows, columns, 3) at board coordinates u, v


@cache
def noise(texture: str) -> np.ndarray:
    """A fixed tile of noise, float32 (512, 512), mean 0 and deviation 1."""
    rng = np.random.default_rng(sum(map(ord, texture)))
    tile = rng.standard_normal((512, 512)).astype(np.float32)
    around = np.pad(tile, 32, mode="wrap")
    if texture == "grain":
        tile = (light.blur(around, 1.1) - light.blur(around, 3.0))[32:-32, 32:-32]
    elif texture == "mottle":
        tile = (light.blur(around, 2.0) + 3 * light.blur(around, 9.0))[32:-32, 32:-32]
    elif texture == "weft":
        tile = smear(tile, 18, 1)
    elif texture == "warp":
        tile = smear(tile, 18, 0)
    return (tile - tile.mean()) / tile.std()


def smear(tile: np.ndarray, reach: int, axis: int) -> np.ndarray:
    """Noise smeared along an axis, which looks like threads."""
    threads = tile * reach
    for k in range(1, reach):
        threads = threads + np.roll(tile, k, axis) * (reach - k)
    return threads


def speckle(shape: tuple[int, int], seed: int, texture: str = "white") -> np.ndarray:
    """A part of a noise tile of the given shape, wrapped around; `seed` moves it."""
    tile = noise(texture)
    y, x = seed * 7919 % 512, seed * 104729 % 512
    rows = np.arange(y, y + shape[0]) % 512
    columns = np.arange(x, x + shape[1]) % 512
    return tile[rows[:, None], columns]


def shaded(colour: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """A colour (rows, columns, 3) times a field (rows, columns)."""
    return colour * factor[:, :, None]


def denim(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Twill lines with white weft showing through."""
    twill = np.sin((u * 0.8 + v) * 2.6)
    white = 0.045 * twill + 0.035 * speckle(u.shape, cloth.seed, "warp")
    white += 0.02 * speckle(u.shape, cloth.seed + 3)
    return np.clip(colour + white[:, :, None] * (1.1 - colour), 0, 1)


def knit(cloth: Cloth, colour, u, v, scale, pitch: float = 2.6, depth: float = 0.16):  # noqa: ANN001, ANN201
    """Columns of V-shaped stitches."""
    column = np.abs((u / pitch) % 1 - 0.5) * 2
    row = (v / (pitch * 0.86) + column * 0.55) % 1
    stitch = np.sin(row * np.pi) * (0.55 + 0.45 * np.sin(column * np.pi))
    factor = 1 + depth * (stitch - 0.55) + 0.02 * speckle(u.shape, cloth.seed)
    return shaded(colour, factor)


def chunky(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    return knit(cloth, colour, u, v, scale, 5.6, 0.34)


def rib(cloth: Cloth, colour, u, v, scale, pitch: float = 3.4, depth: float = 0.2):  # noqa: ANN001, ANN201
    """Fine upright ribs, as at cuffs and hems."""
    factor = 1 + depth * np.cos(u * (2 * np.pi / pitch)) + 0.02 * speckle(u.shape, cloth.seed)
    return shaded(colour, factor)


def corduroy(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    ribs = np.cos(u * (2 * np.pi / 4.0))
    factor = 1 + 0.2 * ribs + 0.05 * speckle(u.shape, cloth.seed, "warp")
    return shaded(colour, factor)


def leather(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    factor = 1 + 0.018 * speckle(u.shape, cloth.seed, "grain")
    return shaded(colour, factor + 0.016 * speckle(u.shape, cloth.seed + 1, "mottle"))


def suede(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    factor = 1 + 0.032 * speckle(u.shape, cloth.seed, "mottle")
    return shaded(colour, factor + 0.022 * speckle(u.shape, cloth.seed + 1))


def linen(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    threads = speckle(u.shape, cloth.seed, "weft") + speckle(u.shape, cloth.seed + 5, "warp")
    return shaded(colour, 1 + 0.03 * threads)


def canvas(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    threads = speckle(u.shape, cloth.seed, "weft") + speckle(u.shape, cloth.seed + 5, "warp")
    checker = np.sin(u * 3.4) * np.sin(v * 3.4)
    return shaded(colour, 1 + 0.025 * threads + 0.06 * checker)


def tweed(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    flecks = 0.10 * speckle(u.shape, cloth.seed) + 0.05 * speckle(u.shape, cloth.seed + 2, "weft")
    bones = 0.05 * np.sign(np.sin((np.abs(u % 8 - 4) + v) * 2.2))
    return np.clip(colour + (flecks + bones)[:, :, None] * (0.25 + colour * 0.5), 0, 1)


def melange(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    flecks = 0.03 * speckle(u.shape, cloth.seed, "weft")
    flecks = flecks + 0.025 * speckle(u.shape, cloth.seed, "grain")
    return shaded(colour, 1 + flecks)


def smooth(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    return shaded(colour, 1 + 0.008 * speckle(u.shape, cloth.seed))


def brushed(cloth: Cloth, colour, u, v, scale):  # noqa: ANN001, ANN201
    return shaded(colour, 1 + 0.03 * speckle(u.shape, cloth.seed, "weft"))


WEAVES = {
    "denim": denim,
    "knit": knit,
    "merino": knit,
    "chunky knit": chunky,
    "rib": rib,
    "corduroy": corduroy,
    "leather": leather,
    "suede": suede,
    "linen": linen,
    "canvas": canvas,
    "tweed": tweed,
    "wool": melange,
    "melange": melange,
    "fleece": melange,
    "silk": smooth,
    "satin": smooth,
    "patent": smooth,
    "acetate": smooth,
    "rubber": smooth,
    "nylon": smooth,
    "metal": brushed,
}
