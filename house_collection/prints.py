"""Prints as functions of board coordinates, so that they bend with folds and run with the cloth."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import aggdraw
import numpy as np
from PIL import Image

from . import light

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Print:
    """A print by name; `colours` are printed on the colour of the cloth, `pitch` scales it."""

    name: str
    colours: tuple[RGB, ...]
    pitch: float = 1.0
    seed: int = 0

    def paint(self, u: np.ndarray, v: np.ndarray, background: RGB, scale: float) -> np.ndarray:
        """Colour at board coordinates: float32 (rows, columns, 3); `scale` in pixels a point."""
        colour = np.empty((*u.shape, 3), np.float32)
        colour[:] = background
        return PRINTS[self.name](self, colour, u, v, scale)


def mix(colour: np.ndarray, other: RGB, cover: np.ndarray) -> np.ndarray:
    """Blend a colour (rows, columns, 3) towards `other` by `cover` (rows, columns), 0 to 1."""
    return colour + (np.asarray(other, np.float32) - colour) * cover[:, :, None]


def band(x: np.ndarray, period: float, start: float, width: float, scale: float) -> np.ndarray:
    """Coverage of antialiased stripes, one in each period; lengths in board points."""
    centre = np.abs((x - start - width / 2 + period / 2) % period - period / 2)
    return np.clip((width / 2 - centre) * scale + 0.5, 0, 1)


def breton(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    period = 15 * p.pitch
    return mix(colour, p.colours[0], band(v, period, 3, period * 0.36, scale))


def stripes(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Bold stripes of two colours and two widths."""
    period = 46 * p.pitch
    colour = mix(colour, p.colours[0], band(v, period, 0, period * 0.36, scale))
    return mix(colour, p.colours[-1], band(v, period, period * 0.5, period * 0.12, scale))


def pinstripe(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    return mix(colour, p.colours[0], 0.75 * band(u, 9 * p.pitch, 2, 1.0, scale))


def candy(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Upright shirting stripes."""
    period = 9 * p.pitch
    return mix(colour, p.colours[0], 0.85 * band(u, period, 1, period * 0.42, scale))


def diagonal(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Regimental stripes."""
    w, period = (u + v) * 0.7071, 24 * p.pitch
    colour = mix(colour, p.colours[0], band(w, period, 2, period * 0.34, scale))
    return mix(colour, p.colours[-1], band(w, period, period * 0.52, period * 0.08, scale))


def gingham(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    period = 13 * p.pitch
    across = band(u, period, 0, period / 2, scale)
    down = band(v, period, 0, period / 2, scale)
    return mix(colour, p.colours[0], 0.5 * across + 0.5 * down)


def windowpane(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    period = 30 * p.pitch
    lines = np.maximum(band(u, period, 0, 1.5, scale), band(v, period, 0, 1.5, scale))
    return mix(colour, p.colours[0], 0.8 * lines)


def tartan(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """A sett of broad, middle and thin bands, the same along and across."""
    period = 52 * p.pitch
    for axis, strength in ((u, 0.55), (v, 0.5)):
        broad = band(axis, period, 0, period * 0.34, scale)
        middle = band(axis, period, period * 0.5, period * 0.14, scale)
        thin = band(axis, period, period * 0.8, period * 0.035, scale)
        colour = mix(colour, p.colours[0], strength * broad)
        colour = mix(colour, p.colours[1 % len(p.colours)], strength * middle)
        colour = mix(colour, p.colours[-1], 0.85 * thin)
    return colour


def dots(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Polka dots on a diamond lattice."""
    period = 15 * p.pitch
    row = np.floor(v / period)
    x = (u + (row % 2) * period / 2) % period - period / 2
    y = v % period - period / 2
    radius = period * 0.25
    cover = np.clip((radius - np.sqrt(x * x + y * y)) * scale + 0.5, 0, 1)
    return mix(colour, p.colours[0], cover)


def colour_block(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Broad fields meeting at a straight line."""
    edge = 150 + 70 * (p.pitch - 1)
    slant = ((p.seed % 3) - 1) * 0.35
    low = np.clip((v - edge - u * slant) * scale, 0, 1)
    colour = mix(colour, p.colours[0], 1 - low)
    if p.seed % 2:
        stripe = band(v - u * slant, 4000, edge - 14, 14, scale)
        colour = mix(colour, p.colours[-1], stripe)
    return colour


def tie_dye(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Frayed rings around a point off the middle."""
    rough = light.value_noise(u.shape, (9 * scale, 9 * scale), p.seed)
    rough += 0.6 * light.value_noise(u.shape, (4 * scale, 4 * scale), p.seed + 1)
    cx, cy = (p.seed % 60) - 30, 170 + (p.seed % 50)
    distance = np.hypot(u - cx, v - cy)
    angle = np.arctan2(v - cy, u - cx)
    wave = np.sin(distance / (8 * p.pitch) + 1.2 * rough + 1.5 * np.sin(angle * 3))
    colour = mix(colour, p.colours[0], np.clip(0.5 + 0.9 * wave, 0, 1) * 0.85)
    second = np.sin(distance / (17 * p.pitch) + rough)
    return mix(colour, p.colours[-1], np.clip(second - 0.3, 0, 1) * 0.6)


def camouflage(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Overlapping clouds, thresholded."""
    for k, tone in enumerate(p.colours[:3]):
        cell = 24 * p.pitch * scale
        cloud = light.value_noise(u.shape, (cell * 0.7, cell), p.seed + k)
        cloud += 0.45 * light.value_noise(u.shape, (cell * 0.28, cell * 0.4), p.seed + 9 + k)
        colour = mix(colour, tone, np.clip((cloud - 0.22) * 9, 0, 1))
    return colour


def leopard(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Irregular rings with a darker middle."""
    return tiled(p, colour, u, v, draw_rosettes, 60 * p.pitch)


def floral(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Blossoms and leaves scattered over a tile that repeats."""
    return tiled(p, colour, u, v, draw_flowers, 84 * p.pitch)


def paisley(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    return tiled(p, colour, u, v, draw_drops, 64 * p.pitch)


def ditsy(p: Print, colour, u, v, scale):  # noqa: ANN001, ANN201
    """Small sprigs, far apart."""
    return tiled(p, colour, u, v, draw_flowers, 46 * p.pitch)


TILE = 256
Painter = Callable[[aggdraw.Draw, random.Random, int], None]


def tiled(p: Print, colour, u, v, painter: Painter, period: float):  # noqa: ANN001, ANN201
    """Repeat a drawn tile; its channels are the coverage of up to three colours."""
    tile = drawn_tile(painter, p.seed)
    x = (u * (TILE / period)).astype(np.int32) % TILE
    y = (v * (TILE / period)).astype(np.int32) % TILE
    covers = tile[y, x]
    for k in range(3):
        colour = mix(colour, p.colours[min(k, len(p.colours) - 1)], covers[:, :, k])
    return colour


@lru_cache(maxsize=8)
def drawn_tile(painter: Painter, seed: int) -> np.ndarray:
    """Draw a tile: float32 (256, 256, 3), blurred by about one pixel of a picture."""
    image = Image.new("RGB", (TILE, TILE))
    draw = aggdraw.Draw(image)
    painter(draw, random.Random(seed), TILE)
    draw.flush()
    pixels = np.asarray(image, np.float32) / 255
    padded = np.pad(pixels, ((4, 4), (4, 4), (0, 0)), mode="wrap")
    soft = [light.blur(np.ascontiguousarray(padded[:, :, k]), 1.0) for k in range(3)]
    return np.stack(soft, 2)[4:-4, 4:-4]


def wrapped(draw: aggdraw.Draw, shape: np.ndarray, colour: str, size: int) -> None:
    """Draw a shape on a tile that wraps around."""
    brush = aggdraw.Brush(colour)
    for dx in (-size, 0, size):
        for dy in (-size, 0, size):
            moved = shape + np.array([dx, dy])
            if moved.max() > 0 and moved.min() < size and moved[:, 0].max() > 0:
                draw.polygon(moved.ravel().tolist(), None, brush)


def petal(x: float, y: float, length: float, width: float, angle: float) -> np.ndarray:
    """A leaf shape from a point outwards."""
    t = np.linspace(0, np.pi, 9)
    along = (1 - np.cos(t)) / 2 * length
    side = np.sin(t) ** 0.8 * width / 2
    points = np.concatenate([np.stack([along, side], 1), np.stack([along, -side], 1)[::-1]])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return points @ turn + np.array([x, y])


def scatter(r: random.Random, size: int, gap: float, count: int) -> list[tuple[float, float]]:
    """Up to `count` random points at least `gap` apart on a tile that wraps around."""
    places: list[tuple[float, float]] = []
    for _ in range(count * 12):
        x, y = r.uniform(0, size), r.uniform(0, size)
        near = (
            min(abs(x - a), size - abs(x - a)) ** 2 + min(abs(y - b), size - abs(y - b)) ** 2
            for a, b in places
        )
        if all(d > gap * gap for d in near):
            places.append((x, y))
        if len(places) == count:
            break
    return places


def draw_flowers(draw: aggdraw.Draw, r: random.Random, size: int) -> None:
    """Draw blossoms of five to seven petals with leaves."""
    petals, big = r.choice((5, 5, 6, 7)), r.uniform(22, 32)
    for x, y in scatter(r, size, big * 2.1, 11):
        radius, spin = big * r.uniform(0.7, 1.15), r.uniform(0, 6.3)
        for k in (0, 1):
            leaf = petal(x, y, radius * 1.7, radius * 0.5, spin + 0.4 + 2.6 * k)
            wrapped(draw, leaf, "#00ff00", size)
        for k in range(petals):
            angle = spin + k * 6.283 / petals
            wrapped(draw, petal(x, y, radius, radius * 0.72, angle), "#ff0000", size)
        ring = np.stack([np.cos(np.linspace(0, 6.1, 14)), np.sin(np.linspace(0, 6.1, 14))], 1)
        wrapped(draw, ring * radius * 0.22 + (x, y), "#0000ff", size)


def draw_rosettes(draw: aggdraw.Draw, r: random.Random, size: int) -> None:
    for x, y in scatter(r, size, 34, 34):
        t = np.linspace(0, 6.283, 14, endpoint=False)
        radius = r.uniform(11, 17) * (1 + 0.22 * np.sin(2 * t + r.uniform(0, 6)))
        ring = np.stack([x + radius * 1.2 * np.cos(t), y + radius * np.sin(t)], 1)
        wrapped(draw, ring, "#ff0000", size)
        wrapped(draw, (ring - (x, y)) * 0.55 + (x + 1, y), "#00ff00", size)


def draw_drops(draw: aggdraw.Draw, r: random.Random, size: int) -> None:
    """Draw curled drops around a smaller one."""
    for x, y in scatter(r, size, 62, 12):
        spin = r.uniform(0, 6.3)
        for shrink, colour in ((1.0, "#ff0000"), (0.66, "#00ff00"), (0.34, "#0000ff")):
            t = np.linspace(0, 6.283, 20, endpoint=False)
            radius = 24 * shrink * (1 + 0.75 * np.clip(np.cos(t), 0, 1) ** 5)
            drop = np.stack([radius * np.cos(t + 0.35 * np.cos(t)), radius * np.sin(t)], 1)
            turn = np.array([[np.cos(spin), np.sin(spin)], [-np.sin(spin), np.cos(spin)]])
            wrapped(draw, drop @ turn + (x, y), colour, size)


PRINTS = {
    "breton": breton,
    "stripes": stripes,
    "pinstripe": pinstripe,
    "candy stripe": candy,
    "diagonal stripe": diagonal,
    "gingham": gingham,
    "windowpane": windowpane,
    "tartan": tartan,
    "polka dots": dots,
    "colour block": colour_block,
    "tie-dye": tie_dye,
    "camouflage": camouflage,
    "leopard": leopard,
    "floral": floral,
    "ditsy floral": ditsy,
    "paisley": paisley,
}
