"""Jeans, trousers, shorts, track pants, leggings and skirts."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..canvas import Fold, Relief
from ..curves import Point, box, flip, mirrored, offset_line, outline, ribbon, spline
from .draw_context import DrawContext, button, creases, drape, toned


@dataclass(frozen=True)
class Legs:
    """Measures of a pair of trousers in board points, widths from the middle line."""

    top: float = 34
    waist: float = 46
    hip: float = 58
    hip_at: float = 92
    crotch: float = 128
    knee: float = 40
    knee_at: float = 240
    ankle: float = 30
    hem: float = 372
    gap: float = 5
    band: float = 13

    def right(self) -> np.ndarray:
        """The outline of the right leg with its half of the seat."""
        inner = self.gap / 2
        thigh = inner + (self.knee_at - self.crotch) * 0.02
        outer_hem = inner + self.spread + self.ankle * 2
        points: list[Point] = [
            (0, self.top + 3), (self.waist * 0.5, self.top + 1.5, 1), (self.waist, self.top),
            (self.hip, self.hip_at, 1), (self.outer(self.knee_at), self.knee_at, 1),
            (outer_hem, self.hem), (outer_hem - self.ankle, self.hem + 2, 1),
            (inner + self.spread, self.hem), (thigh + self.spread * 0.5, self.knee_at, 1),
            (inner * 0.6, self.crotch + 8, 1), (0, self.crotch),
        ]
        return outline(points)

    @property
    def spread(self) -> float:
        """How far the hems stand apart."""
        return (self.hem - self.crotch) * 0.05

    def outer(self, y: float) -> float:
        """x of the outer edge at the knee."""
        return self.gap / 2 + self.spread * 0.5 + self.knee * 2

    def side_line(self) -> np.ndarray:
        """The outer seam."""
        return spline([
            (self.waist, self.top), (self.hip, self.hip_at, 1),
            (self.outer(self.knee_at), self.knee_at, 1),
            (self.gap / 2 + self.spread + self.ankle * 2, self.hem),
        ])


CUTS = {
    "skinny": (20, 13),
    "slim": (23, 17),
    "straight": (26, 24),
    "relaxed": (28, 27),
    "wide": (37, 40),
    "bootcut": (23, 30),
    "tapered": (28, 17),
}


def pair(ctx: DrawContext, default: str = "straight", hem: float = 372) -> Legs:
    """Trousers of the cut, proportioned for the wearer."""
    women, child = ctx.gender in ("Women", "Girls"), ctx.gender in ("Boys", "Girls")
    knee, ankle = CUTS[ctx.cut.get("leg", default)]
    waist = (47 if women else 52) + ctx.vary(-2, 2)
    hip = waist + (17 if women else 11) + ctx.vary(-2, 2)
    rise = {"high": 106, "mid": 98, "low": 88}[ctx.cut.get("rise", "mid")] + ctx.vary(-3, 3)
    top = 30 + ctx.vary(-3, 3)
    if child:
        hem = 110 + (hem - 110) * 0.86
    return Legs(
        top=top, waist=waist, hip=hip, hip_at=top + rise * 0.62, crotch=top + rise,
        knee=knee + ctx.vary(-1, 1), knee_at=top + rise + (hem - top - rise) * 0.45,
        ankle=ankle + ctx.vary(-1, 1), hem=hem + ctx.vary(-5, 5), gap=ctx.vary(4, 9),
    )


def leg_folds(ctx: DrawContext, legs: Legs, soft: float = 1.0) -> list[Fold]:
    """Whiskers at the crotch, creases at the knee and the ankle."""
    folds = creases(ctx, (4, legs.crotch - 2), (legs.hip - 6, legs.crotch - 26), 3, 0.7)
    x = legs.gap / 2 + legs.knee
    r = ctx.random
    for y, spread in (
        (legs.knee_at - 12, 1.0), (legs.knee_at + 14, 0.8), (legs.hem - 36, 0.8),
        (legs.hem - 16, 0.7),
    ):
        y += r.uniform(-8, 8)
        half = legs.knee * spread * r.uniform(0.5, 0.8)
        lean = r.uniform(-8, 8)
        line = [(x - half, y - lean), (x, y + 3, 1), (x + half, y + lean)]
        folds.append(Fold(line, r.choice((7.0, 10.0)), soft * r.uniform(0.3, 0.8)))
    folds += drape(ctx, legs.gap + 6, legs.hip - 4, legs.crotch, legs.hem, 3)
    return folds


def lay_legs(
    ctx: DrawContext, legs: Legs, waves: float = 1.2, crease: bool = False, inside: bool = True
) -> None:
    """Draw the inside of the waist, both legs and the waistband."""
    c = ctx.canvas
    if inside:
        back = mirrored([
            (0, legs.top + 1, 1), (legs.waist - 1, legs.top - 5), (legs.waist, legs.top + 10),
            (0, legs.top + 14),
        ])
        c.piece(back, ctx.cloth.plain(), Relief(2, 3, 0), shade=0.6)
    shape = legs.right()
    folds = leg_folds(ctx, legs)
    if crease:
        x = legs.gap / 2 + legs.spread * 0.6 + legs.knee
        line = [
            (x * 0.85, legs.crotch - 30), (x, legs.knee_at, 1), (x + legs.spread * 0.3, legs.hem),
        ]
        folds = [*folds[:3], Fold(line, 6.0, 1.0)]
    for side in (-1, 1):
        part = shape if side > 0 else flip(shape)
        bent = folds if side > 0 else [fold.mirrored() for fold in folds]
        c.piece(
            part, ctx.cloth, Relief(6, 11, waves, (80, 26), bent), shadow=0.2 if side > 0 else 0
        )


def waistband(ctx: DrawContext, legs: Legs, loops: bool = True, elastic: bool = False) -> None:
    """Draw the waistband with loops and a button, or gathered on elastic."""
    c, top, low = ctx.canvas, legs.top, legs.top + legs.band
    wide = legs.waist + (legs.hip - legs.waist) * 0.13
    shape = mirrored([(0, top + 3, 1), (legs.waist, top - 0.5), (wide, low), (0, low + 3, 1)])
    cloth = ctx.cloth.dyed(ctx.cloth.colour, "rib") if elastic else ctx.cloth
    c.piece(shape, cloth, Relief(2.5, 3, 0.3), shadow=0.25)
    c.seam(spline([(-wide, low), (0, low + 3, 1), (wide, low)]), 0.3)
    if loops:
        for x in (-legs.waist * 0.62, legs.waist * 0.62):
            c.piece(
                box(x - 2.2, top - 2, x + 2.2, low + 4), ctx.cloth, Relief(1.5, 1.5, 0), shadow=0.4
            )
    if not elastic:
        button(
            ctx, 0, top + legs.band / 2 + 2, 3.2,
            ctx.metal.colour if ctx.cloth.fabric == "denim" else None,
        )


def fly(ctx: DrawContext, legs: Legs) -> None:
    """Draw the curved stitching of the fly, and the seam of the crotch."""
    c, low = ctx.canvas, legs.top + legs.band + 3
    c.seam(spline([(0, low), (0, legs.crotch)]), 0.4)
    depth = (legs.crotch - low) * 0.72
    curve = spline([(11, low), (11, low + depth * 0.7, 0.6), (1, low + depth)])
    c.stitches(curve, ctx.thread, 0.8, 0.7)


def scoop_pockets(ctx: DrawContext, legs: Legs) -> None:
    """Draw curved front pockets as jeans have them, with two lines of thread."""
    c, low = ctx.canvas, legs.top + legs.band + 2
    curve = [(legs.waist * 0.42, low), (legs.waist * 0.58, low + 19, 1), (legs.hip - 3, low + 27)]
    for line in (spline(curve), flip(spline(curve))):
        c.seam(line, 0.45)
        c.stitches(offset_line(line, 2.2 if line[0, 0] < 0 else -2.2), ctx.thread, 0.8, 0.75)


def slant_pockets(ctx: DrawContext, legs: Legs) -> None:
    """Draw straight slanting pockets."""
    c, low = ctx.canvas, legs.top + legs.band + 2
    line = spline([(legs.waist * 0.74, low), (legs.hip - 2, low + 48)])
    for edge in (line, flip(line)):
        c.seam(edge, 0.5)


def jeans(ctx: DrawContext) -> None:
    """Draw five-pocket denim, washed at the thigh."""
    legs = pair(ctx, "slim")
    lay_legs(ctx, legs, 1.5)
    c = ctx.canvas
    wash(ctx, legs)
    scoop_pockets(ctx, legs)
    fly(ctx, legs)
    for line in (legs.side_line(), flip(legs.side_line())):
        c.stitches(offset_line(line, 2.4 if line[0, 0] > 0 else -2.4), ctx.thread, 0.7, 0.45)
    waistband(ctx, legs)
    hem_stitch(ctx, legs, 8)
    if ctx.cut.get("detail") == "turn-ups":
        turn_ups(ctx, legs)
    if ctx.cut.get("detail") == "ripped knees":
        rips(ctx, legs)


def wash(ctx: DrawContext, legs: Legs) -> None:
    """Fade the front of the thighs."""
    strength = {"raw": 1.0, "rinsed": 1.12, "stonewashed": 1.32, "faded": 1.5}[
        ctx.cut.get("wash", "rinsed")
    ]
    if strength == 1:
        return
    x = legs.gap / 2 + legs.knee * 1.05
    thigh = outline([
        (x, legs.crotch + 4, 1), (x + 13, legs.knee_at - 30, 1), (x + 6, legs.hem - 60, 1),
        (x - 12, legs.knee_at - 20, 1),
    ])
    for part in (thigh, flip(thigh)):
        ctx.canvas.glaze(part, strength, 16, clip=[legs.right(), flip(legs.right())])


def hem_stitch(ctx: DrawContext, legs: Legs, up: float) -> None:
    """Draw a line of thread above each hem."""
    inner = legs.gap / 2 + legs.spread
    line = spline([
        (inner + 1, legs.hem - up), (inner + legs.ankle, legs.hem - up + 2, 1),
        (inner + legs.ankle * 2 - 1, legs.hem - up),
    ])
    for edge in (line, flip(line)):
        ctx.canvas.glaze(ribbon(edge, 0.9), 0.72, 0)


def turn_ups(ctx: DrawContext, legs: Legs) -> None:
    """Draw turned-up hems that show the pale inside."""
    inner, high = legs.gap / 2 + legs.spread, 17
    cuff = outline([
        (inner - 2, legs.hem - high), (inner + legs.ankle * 2 + 2, legs.hem - high),
        (inner + legs.ankle * 2 + 2, legs.hem + 1), (inner + legs.ankle, legs.hem + 3, 1),
        (inner - 2, legs.hem + 1),
    ])
    red, green, blue = (0.45 * channel + 0.5 for channel in ctx.cloth.colour)
    for part in (cuff, flip(cuff)):
        ctx.canvas.piece(part, ctx.cloth.dyed((red, green, blue)), Relief(3, 4, 0.4), shadow=0.4)


def rips(ctx: DrawContext, legs: Legs) -> None:
    """Draw frayed white threads at the knees."""
    r, x = ctx.random, legs.gap / 2 + legs.knee
    for side in (-1, 1):
        for k in range(9):
            y = legs.knee_at - 8 + k * 2 + r.uniform(-0.5, 0.5)
            half = 13 * (1 - abs(k - 4) / 6)
            line = spline([
                (side * (x - half), y), (side * x, y + r.uniform(-1, 1), 1),
                (side * (x + half), y),
            ])
            ctx.canvas.line(line, 1.5, (0.88, 0.88, 0.86), 0.8)


def trousers(ctx: DrawContext) -> None:
    """Draw chinos or tailored trousers, with a pressed crease or pleats."""
    legs = pair(ctx, "straight")
    tailored = ctx.cut.get("detail") in ("pressed crease", "pleats")
    lay_legs(ctx, legs, 0.9 if tailored else 1.2, crease=tailored)
    slant_pockets(ctx, legs)
    fly(ctx, legs) if not tailored else ctx.canvas.seam(
        spline([(0, legs.top + 16), (0, legs.crotch)]), 0.35
    )
    if ctx.cut.get("detail") == "pleats":
        pleats(ctx, legs)
    waistband(ctx, legs)
    if ctx.cut.get("detail") == "cargo pockets":
        cargo(ctx, legs)
    hem_stitch(ctx, legs, 12)


def pleats(ctx: DrawContext, legs: Legs) -> None:
    low = legs.top + legs.band + 2
    for x in (legs.waist * 0.4, legs.waist * 0.58):
        line = spline([(x, low), (x * 1.04, low + 30)])
        for edge in (line, flip(line)):
            ctx.canvas.seam(edge, 0.4)


def cargo(ctx: DrawContext, legs: Legs) -> None:
    """Draw patch pockets with flaps on the thighs."""
    c, y = ctx.canvas, legs.crotch + 26
    outer = min(legs.outer(0), legs.hip) + 1
    bag = box(outer - 28, y, outer + 2, y + 44, 2)
    flap = outline([
        (outer - 30, y - 2), (outer + 3, y - 2), (outer + 3, y + 10), (outer - 13, y + 15, 0.5),
        (outer - 30, y + 10),
    ])
    for side in (1, -1):
        for shape, lift in ((bag, 0.35), (flap, 0.4)):
            c.piece(shape if side > 0 else flip(shape), ctx.cloth, Relief(3, 3, 0.6), shadow=lift)


def shorts(ctx: DrawContext) -> None:
    """Draw shorts: chino, denim or sports."""
    hem = {"short": 205, "mid": 240, "long": 272}[ctx.cut.get("length", "mid")]
    legs = pair(ctx, "relaxed", hem)
    legs = replace(
        legs, top=legs.top + 62, waist=legs.waist * 1.42, hip=legs.hip * 1.36,
        hip_at=legs.hip_at + 56, crotch=legs.crotch + 66, knee=legs.knee * 1.42,
        knee_at=(legs.crotch + legs.hem) / 2 + 60, ankle=legs.knee * 1.4, hem=legs.hem + 56,
    )
    lay_legs(ctx, legs, 1.3)
    sporty = ctx.cut.get("detail") in ("drawstring", "side stripe")
    if ctx.cut.get("detail") == "side stripe":
        side_stripe(ctx, legs)
    if sporty:
        waistband(ctx, legs, loops=False, elastic=True)
        cords(ctx, legs)
        ctx.canvas.seam(spline([(0, legs.top + 18), (0, legs.crotch)]), 0.35)
    else:
        (scoop_pockets if ctx.cloth.fabric == "denim" else slant_pockets)(ctx, legs)
        fly(ctx, legs)
        waistband(ctx, legs)
        if ctx.cut.get("detail") == "cargo pockets":
            cargo(ctx, replace(legs, crotch=legs.crotch - 16))
    hem_stitch(ctx, legs, 9)


def cords(ctx: DrawContext, legs: Legs) -> None:
    """Draw a drawstring with two hanging ends."""
    y = legs.top + legs.band * 0.6
    colour = toned(ctx.cloth.colour, 0.6) if sum(ctx.cloth.colour) > 1.2 else (0.85, 0.84, 0.8)
    for x in (-5, 6):
        line = spline([(x * 0.4, y), (x * 1.4, y + 20, 1), (x, y + ctx.vary(36, 46))])
        ctx.canvas.piece(
            ribbon(line, 2.2), ctx.cloth.dyed(colour, "canvas"), Relief(1.2, 1.2, 0), shadow=0.4
        )


def side_stripe(ctx: DrawContext, legs: Legs) -> None:
    """Draw one or two stripes down the outer seam."""
    line = legs.side_line()
    widths = ((4, 7),) if ctx.random.random() < 0.4 else ((3, 3.4), (9, 3.4))
    for inset, width in widths:
        for edge in (offset_line(line, inset), flip(offset_line(line, inset))):
            ctx.canvas.flat(
                ribbon(edge, width), ctx.accents[0], 0.95, clip=[legs.right(), flip(legs.right())]
            )


def track_pants(ctx: DrawContext) -> None:
    """Draw joggers with elastic at the waist and ribs at the ankle."""
    legs = pair(ctx, "tapered")
    lay_legs(ctx, legs, 1.7)
    if ctx.cut.get("detail") == "side stripe":
        side_stripe(ctx, legs)
    ctx.canvas.seam(spline([(0, legs.top + 16), (0, legs.crotch)]), 0.35)
    slant_pockets(ctx, legs)
    waistband(ctx, legs, loops=False, elastic=True)
    cords(ctx, legs)
    if ctx.cut.get("hem") == "ribbed":
        ankle_ribs(ctx, legs)
    else:
        hem_stitch(ctx, legs, 8)


def ankle_ribs(ctx: DrawContext, legs: Legs) -> None:
    inner, high = legs.gap / 2 + legs.spread, 18
    rib = ctx.cloth.dyed(ctx.cloth.colour, "rib")
    cuff = outline([
        (inner - 1, legs.hem - high), (inner + legs.ankle * 2 + 1, legs.hem - high),
        (inner + legs.ankle * 2 - 2, legs.hem + 2), (inner + 2, legs.hem + 2),
    ])
    for part in (cuff, flip(cuff)):
        ctx.canvas.piece(part, rib, Relief(3, 4, 0.3), shadow=0.3)


def leggings(ctx: DrawContext) -> None:
    """Draw leggings: close-fitting, smooth, without a fly."""
    legs = replace(pair(ctx, "skinny"), gap=3)
    legs = replace(
        legs, knee=legs.knee - 1, ankle=legs.ankle - 1, waist=legs.waist - 3, hip=legs.hip - 4
    )
    lay_legs(ctx, legs, 0.7, inside=False)
    shape = mirrored([
        (0, legs.top + 4, 1), (legs.waist, legs.top - 1), (legs.waist + 5, legs.top + 24),
        (0, legs.top + 30, 1),
    ])
    ctx.canvas.piece(shape, ctx.cloth.plain(), Relief(3, 5, 0.4), shadow=0.25)
    ctx.canvas.seam(spline([(0, legs.top + 30), (0, legs.crotch)]), 0.22)
    if ctx.cut.get("detail") == "side stripe":
        side_stripe(ctx, legs)
