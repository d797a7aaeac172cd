"""What drawing functions share: their context, tones, buttons, zips and folds."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..canvas import Canvas, Fold, Relief
from ..cloth import RGB, Cloth
from ..curves import box, dashes, ellipse, ribbon

METALS = {
    "silver": (0.74, 0.75, 0.77),
    "gold": (0.82, 0.66, 0.36),
    "brass": (0.68, 0.55, 0.30),
    "gunmetal": (0.30, 0.31, 0.33),
    "copper": (0.75, 0.49, 0.37),
    "black": (0.12, 0.12, 0.13),
}


@dataclass(frozen=True)
class DrawContext:
    """What a drawing function gets; `random` is the state of the style, not of the colourway."""

    canvas: Canvas
    cloth: Cloth
    cut: Mapping[str, str]
    gender: str
    random: random.Random
    accents: tuple[RGB, ...]
    hardware: str = "silver"

    def vary(self, low: float, high: float) -> float:
        """Draw a random measure of this style, the same in all its colourways."""
        return self.random.uniform(low, high)

    @property
    def metal(self) -> Cloth:
        """The material of buckles, zips and rings."""
        return Cloth(METALS[self.hardware], "metal", seed=self.cloth.seed)

    @property
    def thread(self) -> RGB:
        """The colour of topstitching: a shade off the cloth, amber on denim."""
        if self.cloth.fabric == "denim":
            return (0.72, 0.50, 0.26)
        return toned(self.cloth.colour, 0.82 if luma(self.cloth.colour) > 0.35 else 1.5)


def luma(colour: RGB) -> float:
    """Luma of a colour (Rec. 601 weights, rounded), 0 to 1."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def toned(colour: RGB, factor: float) -> RGB:
    """Make a colour darker (`factor` below 1) or lighter; channels stay in 0 to 1."""
    lift = 0.04 if factor > 1 else 0.0
    red, green, blue = (min(1.0, c * factor + lift) for c in colour)
    return red, green, blue


def button(
    ctx: DrawContext, x: float, y: float, radius: float = 2.6, colour: RGB | None = None
) -> None:
    """Draw a sewn button with its holes."""
    c = ctx.canvas
    body = colour or toned(ctx.cloth.colour, 0.75 if luma(ctx.cloth.colour) > 0.4 else 1.8)
    c.glaze(ellipse(x + 0.6, y + 0.9, radius + 0.5, radius + 0.5), 0.6, 0.8)
    c.piece(
        ellipse(x, y, radius, radius, 16), Cloth(body, "acetate"), Relief(1.6, 1.5, 0), shadow=0,
    )
    c.flat([ellipse(x + d, y, 0.45, 0.45, 8) for d in (-0.8, 0.8)], toned(body, 0.45))


def zipper(ctx: DrawContext, line: np.ndarray, pull: bool = True, width: float = 3.2) -> None:
    """Draw tape, teeth and a pull at the start of the line."""
    c = ctx.canvas
    c.flat(ribbon(line, width + 2), toned(ctx.cloth.colour, 0.7), 0.9)
    teeth = [ribbon(d, width * 0.62) for d in dashes(line, 1.1, 0.9)]
    metal = METALS[ctx.hardware]
    c.flat(ribbon(line, width * 0.5), toned(metal, 0.55))
    c.flat(teeth, metal)
    if pull:
        x, y = line[0]
        c.piece(box(x - 1.8, y, x + 1.8, y + 4, 1), ctx.metal, Relief(1.5, 1.5, 0), shadow=0.4)
        c.piece(box(x - 1.3, y + 3.5, x + 1.3, y + 12, 1.2), ctx.metal, Relief(1.5, 1.2, 0))


def drape(ctx: DrawContext, x0: float, x1: float, y0: float, y1: float, count: int) -> list[Fold]:
    """Make long soft folds that fall from above and open towards the hem."""
    r, folds = ctx.random, []
    for k in range(count):
        x = x0 + (x1 - x0) * (k + r.uniform(0.2, 0.8)) / count
        top, low = y0 + (y1 - y0) * r.uniform(-0.1, 0.6), y1 + r.uniform(-6, 12)
        lean = (x - (x0 + x1) / 2) * 0.12
        line = [(x - lean, top), (x - lean * 0.2 + r.uniform(-4, 4), (top + low) / 2, 1), (x, low)]
        folds.append(Fold(line, r.choice((9.0, 14.0)), r.uniform(-0.6, 0.6)))
    return folds


def creases(
    ctx: DrawContext,
    at: tuple[float, float],
    target: tuple[float, float],
    count: int,
    spread: float,
) -> list[Fold]:
    """Make short creases that fan out from a point of tension such as an armpit or a knee."""
    r, folds = ctx.random, []
    dx, dy = target[0] - at[0], target[1] - at[1]
    for k in range(count):
        t = (k + 0.5) / count - 0.5 + r.uniform(-0.1, 0.1)
        ex, ey = at[0] + dx - dy * t * spread, at[1] + dy + dx * t * spread
        reach = r.uniform(0.4, 0.95)
        end = (at[0] + (ex - at[0]) * reach, at[1] + (ey - at[1]) * reach)
        start = (at[0] + (ex - at[0]) * 0.06, at[1] + (ey - at[1]) * 0.06)
        bow = ((start[0] + end[0]) / 2 + r.uniform(-3, 3), (start[1] + end[1]) / 2 + 3, 1)
        folds.append(Fold([start, bow, end], r.choice((6.0, 10.0)), r.uniform(0.2, 0.6)))
    return folds
