"""Jeans, trousers, shorts, track pants, leggings and skirts."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..canvas import Fold, Relief
from ..curves import Point, beside, box, flip, mirrored, outline, ribbon, spline
from .draw_context import DrawContext, button, creases, drape, towards


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


def pair(job: DrawContext, default: str = "straight", hem: float = 372) -> Legs:
    """Trousers of the cut, proportioned for the wearer."""
    women, child = job.gender in ("Women", "Girls"), job.gender in ("Boys", "Girls")
    knee, ankle = CUTS[job.cut.get("leg", default)]
    waist = (47 if women else 52) + job.vary(-2, 2)
    hip = waist + (17 if women else 11) + job.vary(-2, 2)
    rise = {"high": 106, "mid": 98, "low": 88}[job.cut.get("rise", "mid")] + job.vary(-3, 3)
    top = 30 + job.vary(-3, 3)
    if child:
        hem = 110 + (hem - 110) * 0.86
    return Legs(
        top=top, waist=waist, hip=hip, hip_at=top + rise * 0.62, crotch=top + rise,
        knee=knee + job.vary(-1, 1), knee_at=top + rise + (hem - top - rise) * 0.45,
        ankle=ankle + job.vary(-1, 1), hem=hem + job.vary(-5, 5), gap=job.vary(4, 9),
    )


def leg_folds(job: DrawContext, legs: Legs, soft: float = 1.0) -> list[Fold]:
    """Whiskers at the crotch, creases at the knee and the ankle."""
    folds = creases(job, (4, legs.crotch - 2), (legs.hip - 6, legs.crotch - 26), 3, 0.7)
    x = legs.gap / 2 + legs.knee
    r = job.random
    for y, spread in (
        (legs.knee_at - 12, 1.0), (legs.knee_at + 14, 0.8), (legs.hem - 36, 0.8),
        (legs.hem - 16, 0.7),
    ):
        y += r.uniform(-8, 8)
        half = legs.knee * spread * r.uniform(0.5, 0.8)
        lean = r.uniform(-8, 8)
        line = [(x - half, y - lean), (x, y + 3, 1), (x + half, y + lean)]
        folds.append(Fold(line, r.choice((7.0, 10.0)), soft * r.uniform(0.3, 0.8)))
    folds += drape(job, legs.gap + 6, legs.hip - 4, legs.crotch, legs.hem, 3)
    return folds


def lay_legs(
    job: DrawContext, legs: Legs, waves: float = 1.2, crease: bool = False, inside: bool = True
) -> None:
    """Inside of the waist, both legs and the waistband."""
    c = job.canvas
    if inside:
        back = mirrored([
            (0, legs.top + 1, 1), (legs.waist - 1, legs.top - 5), (legs.waist, legs.top + 10),
            (0, legs.top + 14),
        ])
        c.piece(back, job.cloth.plain(), Relief(2, 3, 0), shade=0.6)
    shape = legs.right()
    folds = leg_folds(job, legs)
    if crease:
        x = legs.gap / 2 + legs.spread * 0.6 + legs.knee
        line = [
            (x * 0.85, legs.crotch - 30), (x, legs.knee_at, 1), (x + legs.spread * 0.3, legs.hem),
        ]
        folds = [*folds[:3], Fold(line, 6.0, 1.0)]
    for side in (-1, 1):
        part = shape if side > 0 else flip(shape)
        bent = folds if side > 0 else [Fold(flip(spline(f.line)), f.width, f.rise) for f in folds]
        c.piece(
            part, job.cloth, Relief(6, 11, waves, (80, 26), bent), shadow=0.2 if side > 0 else 0
        )


def waistband(job: DrawContext, legs: Legs, loops: bool = True, elastic: bool = False) -> None:
    """The band, with loops and a button, or gathered on elastic."""
    c, top, low = job.canvas, legs.top, legs.top + legs.band
    wide = legs.waist + (legs.hip - legs.waist) * 0.13
    shape = mirrored([(0, top + 3, 1), (legs.waist, top - 0.5), (wide, low), (0, low + 3, 1)])
    cloth = job.cloth.dyed(job.cloth.colour, "rib") if elastic else job.cloth
    c.piece(shape, cloth, Relief(2.5, 3, 0.3), shadow=0.25)
    c.seam(spline([(-wide, low), (0, low + 3, 1), (wide, low)]), 0.3)
    if loops:
        for x in (-legs.waist * 0.62, legs.waist * 0.62):
            c.piece(
                box(x - 2.2, top - 2, x + 2.2, low + 4), job.cloth, Relief(1.5, 1.5, 0), shadow=0.4
            )
    if not elastic:
        button(
            job, 0, top + legs.band / 2 + 2, 3.2,
            job.metal.colour if job.cloth.fabric == "denim" else None,
        )


def fly(job: DrawContext, legs: Legs) -> None:
    """The curved stitching of the fly, and the seam of the crotch."""
    c, low = job.canvas, legs.top + legs.band + 3
    c.seam(spline([(0, low), (0, legs.crotch)]), 0.4)
    depth = (legs.crotch - low) * 0.72
    curve = spline([(11, low), (11, low + depth * 0.7, 0.6), (1, low + depth)])
    c.stitches(curve, job.thread, 0.8, 0.7)


def scoop_pockets(job: DrawContext, legs: Legs) -> None:
    """Curved front pockets as jeans have them, with two lines of thread."""
    c, low = job.canvas, legs.top + legs.band + 2
    curve = [(legs.waist * 0.42, low), (legs.waist * 0.58, low + 19, 1), (legs.hip - 3, low + 27)]
    for line in (spline(curve), flip(spline(curve))):
        c.seam(line, 0.45)
        c.stitches(beside(line, 2.2 if line[0, 0] < 0 else -2.2), job.thread, 0.8, 0.75)


def slant_pockets(job: DrawContext, legs: Legs) -> None:
    """Straight slanting pockets."""
    c, low = job.canvas, legs.top + legs.band + 2
    line = spline([(legs.waist * 0.74, low), (legs.hip - 2, low + 48)])
    for edge in (line, flip(line)):
        c.seam(edge, 0.5)


def jeans(job: DrawContext) -> None:
    """Five-pocket denim, washed at the thigh."""
    legs = pair(job, "slim")
    lay_legs(job, legs, 1.5)
    c = job.canvas
    wash(job, legs)
    scoop_pockets(job, legs)
    fly(job, legs)
    for line in (legs.side_line(), flip(legs.side_line())):
        c.stitches(beside(line, 2.4 if line[0, 0] > 0 else -2.4), job.thread, 0.7, 0.45)
    waistband(job, legs)
    hem_stitch(job, legs, 8)
    if job.cut.get("detail") == "turn-ups":
        turn_ups(job, legs)
    if job.cut.get("detail") == "ripped knees":
        rips(job, legs)


def wash(job: DrawContext, legs: Legs) -> None:
    """Fading along the front of the thigh."""
    strength = {"raw": 1.0, "rinsed": 1.12, "stonewashed": 1.32, "faded": 1.5}[
        job.cut.get("wash", "rinsed")
    ]
    if strength == 1:
        return
    x = legs.gap / 2 + legs.knee * 1.05
    thigh = outline([
        (x, legs.crotch + 4, 1), (x + 13, legs.knee_at - 30, 1), (x + 6, legs.hem - 60, 1),
        (x - 12, legs.knee_at - 20, 1),
    ])
    for part in (thigh, flip(thigh)):
        job.canvas.glaze(part, strength, 16, clip=[legs.right(), flip(legs.right())])


def hem_stitch(job: DrawContext, legs: Legs, up: float) -> None:
    """A line of thread above each hem."""
    inner = legs.gap / 2 + legs.spread
    line = spline([
        (inner + 1, legs.hem - up), (inner + legs.ankle, legs.hem - up + 2, 1),
        (inner + legs.ankle * 2 - 1, legs.hem - up),
    ])
    for edge in (line, flip(line)):
        job.canvas.glaze(ribbon(edge, 0.9), 0.72, 0)


def turn_ups(job: DrawContext, legs: Legs) -> None:
    """Turned-up hems that show the pale inside."""
    inner, high = legs.gap / 2 + legs.spread, 17
    cuff = outline([
        (inner - 2, legs.hem - high), (inner + legs.ankle * 2 + 2, legs.hem - high),
        (inner + legs.ankle * 2 + 2, legs.hem + 1), (inner + legs.ankle, legs.hem + 3, 1),
        (inner - 2, legs.hem + 1),
    ])
    pale = tuple(0.45 * k + 0.5 for k in job.cloth.colour)
    for part in (cuff, flip(cuff)):
        job.canvas.piece(part, job.cloth.dyed(pale), Relief(3, 4, 0.4), shadow=0.4)


def rips(job: DrawContext, legs: Legs) -> None:
    """Frayed white threads at the knees."""
    r, x = job.random, legs.gap / 2 + legs.knee
    for side in (-1, 1):
        for k in range(9):
            y = legs.knee_at - 8 + k * 2 + r.uniform(-0.5, 0.5)
            half = 13 * (1 - abs(k - 4) / 6)
            line = spline([
                (side * (x - half), y), (side * x, y + r.uniform(-1, 1), 1),
                (side * (x + half), y),
            ])
            job.canvas.line(line, 1.5, (0.88, 0.88, 0.86), 0.8)


def trousers(job: DrawContext) -> None:
    """Chinos or tailored trousers, with a pressed crease or pleats."""
    legs = pair(job, "straight")
    tailored = job.cut.get("detail") in ("pressed crease", "pleats")
    lay_legs(job, legs, 0.9 if tailored else 1.2, crease=tailored)
    slant_pockets(job, legs)
    fly(job, legs) if not tailored else job.canvas.seam(
        spline([(0, legs.top + 16), (0, legs.crotch)]), 0.35
    )
    if job.cut.get("detail") == "pleats":
        pleats(job, legs)
    waistband(job, legs)
    if job.cut.get("detail") == "cargo pockets":
        cargo(job, legs)
    hem_stitch(job, legs, 12)


def pleats(job: DrawContext, legs: Legs) -> None:
    low = legs.top + legs.band + 2
    for x in (legs.waist * 0.4, legs.waist * 0.58):
        line = spline([(x, low), (x * 1.04, low + 30)])
        for edge in (line, flip(line)):
            job.canvas.seam(edge, 0.4)


def cargo(job: DrawContext, legs: Legs) -> None:
    """Patch pockets with flaps on the thighs."""
    c, y = job.canvas, legs.crotch + 26
    outer = min(legs.outer(0), legs.hip) + 1
    bag = box(outer - 28, y, outer + 2, y + 44, 2)
    flap = outline([
        (outer - 30, y - 2), (outer + 3, y - 2), (outer + 3, y + 10), (outer - 13, y + 15, 0.5),
        (outer - 30, y + 10),
    ])
    for side in (1, -1):
        for shape, lift in ((bag, 0.35), (flap, 0.4)):
            c.piece(shape if side > 0 else flip(shape), job.cloth, Relief(3, 3, 0.6), shadow=lift)


def shorts(job: DrawContext) -> None:
    """Shorts: chino, denim or sports."""
    hem = {"short": 205, "mid": 240, "long": 272}[job.cut.get("length", "mid")]
    legs = pair(job, "relaxed", hem)
    legs = replace(
        legs, top=legs.top + 62, waist=legs.waist * 1.42, hip=legs.hip * 1.36,
        hip_at=legs.hip_at + 56, crotch=legs.crotch + 66, knee=legs.knee * 1.42,
        knee_at=(legs.crotch + legs.hem) / 2 + 60, ankle=legs.knee * 1.4, hem=legs.hem + 56,
    )
    lay_legs(job, legs, 1.3)
    sporty = job.cut.get("detail") in ("drawstring", "side stripe")
    if job.cut.get("detail") == "side stripe":
        side_stripe(job, legs)
    if sporty:
        waistband(job, legs, loops=False, elastic=True)
        cords(job, legs)
        job.canvas.seam(spline([(0, legs.top + 18), (0, legs.crotch)]), 0.35)
    else:
        (scoop_pockets if job.cloth.fabric == "denim" else slant_pockets)(job, legs)
        fly(job, legs)
        waistband(job, legs)
        if job.cut.get("detail") == "cargo pockets":
            cargo(job, replace(legs, crotch=legs.crotch - 16))
    hem_stitch(job, legs, 9)


def cords(job: DrawContext, legs: Legs) -> None:
    """A drawstring with two hanging ends."""
    y = legs.top + legs.band * 0.6
    colour = towards(job.cloth.colour, 0.6) if sum(job.cloth.colour) > 1.2 else (0.85, 0.84, 0.8)
    for x in (-5, 6):
        line = spline([(x * 0.4, y), (x * 1.4, y + 20, 1), (x, y + job.vary(36, 46))])
        job.canvas.piece(
            ribbon(line, 2.2), job.cloth.dyed(colour, "canvas"), Relief(1.2, 1.2, 0), shadow=0.4
        )


def side_stripe(job: DrawContext, legs: Legs) -> None:
    """One or two stripes down the outer seam."""
    line = legs.side_line()
    widths = ((4, 7),) if job.random.random() < 0.4 else ((3, 3.4), (9, 3.4))
    for inset, width in widths:
        for edge in (beside(line, inset), flip(beside(line, inset))):
            job.canvas.flat(
                ribbon(edge, width), job.accents[0], 0.95, clip=[legs.right(), flip(legs.right())]
            )


def track_pants(job: DrawContext) -> None:
    """Joggers with elastic at the waist and ribs at the ankle."""
    legs = pair(job, "tapered")
    lay_legs(job, legs, 1.7)
    if job.cut.get("detail") == "side stripe":
        side_stripe(job, legs)
    job.canvas.seam(spline([(0, legs.top + 16), (0, legs.crotch)]), 0.35)
    slant_pockets(job, legs)
    waistband(job, legs, loops=False, elastic=True)
    cords(job, legs)
    if job.cut.get("hem") == "ribbed":
        ankle_ribs(job, legs)
    else:
        hem_stitch(job, legs, 8)


def ankle_ribs(job: DrawContext, legs: Legs) -> None:
    inner, high = legs.gap / 2 + legs.spread, 18
    rib = job.cloth.dyed(job.cloth.colour, "rib")
    cuff = outline([
        (inner - 1, legs.hem - high), (inner + legs.ankle * 2 + 1, legs.hem - high),
        (inner + legs.ankle * 2 - 2, legs.hem + 2), (inner + 2, legs.hem + 2),
    ])
    for part in (cuff, flip(cuff)):
        job.canvas.piece(part, rib, Relief(3, 4, 0.3), shadow=0.3)


def leggings(job: DrawContext) -> None:
    """Close-fitting, smooth, without a fly."""
    legs = replace(pair(job, "skinny"), gap=3)
    legs = replace(
        legs, knee=legs.knee - 1, ankle=legs.ankle - 1, waist=legs.waist - 3, hip=legs.hip - 4
    )
    lay_legs(job, legs, 0.7, inside=False)
    shape = mirrored([
        (0, legs.top + 4, 1), (legs.waist, legs.top - 1), (legs.waist + 5, legs.top + 24),
        (0, legs.top + 30, 1),
    ])
    job.canvas.piece(shape, job.cloth.plain(), Relief(3, 5, 0.4), shadow=0.25)
    job.canvas.seam(spline([(0, legs.top + 30), (0, legs.crotch)]), 0.22)
    if job.cut.get("detail") == "side stripe":
        side_stripe(job, legs)
