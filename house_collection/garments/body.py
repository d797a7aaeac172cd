"""The upper body that tops, shirts, knitwear, jackets and dresses share."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..canvas import Fold, Relief
from ..cloth import Cloth
from ..curves import Point, flip, mirrored, offset_line, outline, ribbon, spline
from .draw_context import DrawContext, creases, drape


@dataclass(frozen=True)
class Body:
    """Measures in board points; widths are from the middle line."""

    top: float = 58
    neck: float = 24
    drop: float = 26
    shoulder: float = 64
    slope: float = 15
    chest: float = 70
    armhole: float = 136
    waist: float = 67
    waist_at: float = 215
    hem: float = 71
    length: float = 330
    hem_curve: float = 4
    neck_shape: str = "round"

    def neckline(self, drop: float | None = None) -> list[Point]:
        """The right half of the neckline, from the middle outwards."""
        drop = self.drop if drop is None else drop
        low = self.top + drop
        if self.neck_shape == "v" and drop > 12:
            return [
                (0, low), (self.neck * 0.55, self.top + drop * 0.42, 0.4), (self.neck, self.top),
            ]
        if self.neck_shape == "square" and drop > 12:
            return [(0, low), (self.neck * 0.86, low), (self.neck, self.top)]
        if self.neck_shape == "boat":
            return [(0, low, 1), (self.neck * 0.7, self.top + drop * 0.6, 1), (self.neck, self.top)]
        bend = (self.neck * 0.80, self.top + drop * 0.56, 1)
        return [(0, low, 1), (self.neck * 0.42, low - drop * 0.12, 1), bend, (self.neck, self.top)]

    def side(self) -> list[Point]:
        """From the shoulder point to the middle of the hem, right half."""
        return [
            (self.shoulder, self.top + self.slope),
            (self.chest - 6, (self.top + self.slope + self.armhole) / 2 + 6, 1),
            (self.chest, self.armhole), (self.waist, self.waist_at, 1), (self.hem, self.length),
            (self.hem * 0.5, self.length + self.hem_curve * 0.8, 1),
            (0, self.length + self.hem_curve, 1),
        ]

    def front(self) -> np.ndarray:
        """The closed outline of the front."""
        return mirrored([*self.neckline(), *self.side()])

    def back(self) -> np.ndarray:
        """The closed outline of the back, which shows in the neck opening."""
        flat = replace(self, neck_shape="round")
        return mirrored([*flat.neckline(min(5, self.drop * 0.3)), *self.side()])

    def neck_line(self, outwards: float = 0) -> np.ndarray:
        """The open neckline from the left shoulder to the right one."""
        right = spline(self.neckline())
        whole = np.concatenate([flip(right)[::-1], right[1:]])
        return offset_line(whole, outwards) if outwards else whole

    def hem_line(self, up: float) -> np.ndarray:
        """A line above the hem."""
        y, curve = self.length - up, self.hem_curve
        half = self.hem - up * 0.02
        points = [(-half, y), (-half * 0.5, y + curve * 0.8, 1), (0, y + curve, 1)]
        return spline([*points, (half * 0.5, y + curve * 0.8, 1), (half, y)])


@dataclass(frozen=True)
class Sleeve:
    """A set-in sleeve hanging at an angle from the vertical, lengths in board points."""

    length: float
    angle: float
    cuff: float
    ease: float = 3
    elbow: float = 0

    def lines(self, body: Body) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(outline, cuff line, axis) of the right sleeve."""
        shoulder = np.array([body.shoulder + 0.8, body.top + body.slope - 0.6], np.float32)
        armpit = np.array([body.chest - 4, body.armhole - 2], np.float32)
        down = np.array([math.sin(math.radians(self.angle)), math.cos(math.radians(self.angle))])
        out = np.array([down[1], -down[0]])
        end = shoulder * 0.72 + armpit * 0.28 + down * self.length
        outer, inner = end + out * self.cuff, end - out * self.cuff
        if self.length < 25:
            inner = np.maximum(inner, [body.chest - 6, 0])
        cap = shoulder + down * 14 + out * (4 + self.ease)
        middle = shoulder * 0.5 + outer * 0.5 + out * (self.ease + self.elbow)
        under = armpit * 0.5 + inner * 0.5 - out * self.ease * 0.2 + out * self.elbow * 0.5
        seam = (body.shoulder - 16, body.top + body.slope * 0.78)
        points: list[Point] = [
            (*shoulder, 0.8), (*cap, 1), (*middle, 1), outer, inner, (*under, 1), armpit,
        ]
        shape = outline([seam, *points, (body.shoulder - 18, body.armhole - 20)])
        return shape, np.stack([outer, inner]), np.stack([shoulder, end])


def sleeves(
    ctx: DrawContext, body: Body, sleeve: Sleeve | None, cloth: Cloth | None = None,
    waves: float = 1.2,
) -> None:
    """Draw both sleeves, to be called before the front is drawn; nothing for a sleeveless cut."""
    if sleeve is None:
        return
    shape, _, axis = sleeve.lines(body)
    folds = sleeve_folds(ctx, axis, sleeve)
    for side in (1, -1):
        part = shape if side == 1 else flip(shape)
        bent = folds if side == 1 else [fold.mirrored() for fold in folds]
        relief = Relief(6, 8, waves, (60, 18), bent)
        origin = (side * body.shoulder, body.top)
        tone = 0.97 if side == 1 else 1.0
        ctx.canvas.piece(
            part, cloth or ctx.cloth, relief, angle=-side * sleeve.angle, origin=origin, shade=tone
        )


def sleeve_folds(ctx: DrawContext, axis: np.ndarray, sleeve: Sleeve) -> list[Fold]:
    """Slanting creases: a few at the armpit, more at the elbow and above the cuff."""
    r, folds = ctx.random, []
    start, end = axis
    along = end - start
    side = np.array([along[1], -along[0]]) / (np.linalg.norm(along) + 1e-6)
    spots = [0.3, 0.5] if sleeve.length < 90 else [0.2, 0.4, 0.46, 0.54, 0.6, 0.8, 0.88]
    for spot in spots:
        middle = start + along * (spot + r.uniform(-0.04, 0.04))
        half = sleeve.cuff * r.uniform(0.6, 1.0)
        slant = along * r.uniform(-0.06, 0.1)
        line = np.array([middle - side * half - slant, middle, middle + side * half + slant])
        points = [tuple(line[0]), (*line[1] + along * 0.012, 1), tuple(line[2])]
        folds.append(Fold(spline(points), r.choice((6.0, 8.0)), r.uniform(0.45, 0.9)))
    return folds


def body_folds(ctx: DrawContext, body: Body, drapes: int = 5, pulls: int = 3) -> list[Fold]:
    """Creases from the armpits and soft folds down the front."""
    folds = drape(ctx, -body.hem * 0.85, body.hem * 0.85, body.armhole + 10, body.length, drapes)
    low = body.armhole + 62
    for side in (1, -1):
        pit = (side * (body.chest - 3), body.armhole + 2)
        folds += creases(ctx, pit, (side * 18, low), pulls, 0.9)
    return folds


def collar_rib(
    ctx: DrawContext, body: Body, width: float, cloth: Cloth, seam: float = 0.25, back: bool = True
) -> None:
    """Draw a knitted band about the neckline, back part first."""
    line = body.neck_line()
    if back:
        behind = body.top + min(5, body.drop * 0.3)
        curve = spline([(-body.neck, body.top), (0, behind, 1.4), (body.neck, body.top)])
        ctx.canvas.piece(ribbon(curve, width), cloth, Relief(2, 2, 0), shade=0.78, shadow=0)
    ctx.canvas.piece(ribbon(offset_line(line, -width * 0.1), width), cloth, Relief(2.2, 2.2, 0.2))
    ctx.canvas.seam(offset_line(line, -width * 0.62), seam, clip=body.front())


def cuffs(
    ctx: DrawContext, body: Body, sleeve: Sleeve | None, cloth: Cloth, high: float = 15
) -> None:
    """Draw bands at the ends of the sleeves; nothing for a sleeveless cut."""
    if sleeve is None:
        return
    _, cuff, axis = sleeve.lines(body)
    up = (axis[0] - axis[1]) / np.linalg.norm(axis[0] - axis[1])
    ease = 0.94 if cloth.fabric == "rib" else 1.08
    wide = (cuff - cuff.mean(0)) * ease + cuff.mean(0)
    shape = np.concatenate([wide + up * high, wide[::-1] - up * 1.5])
    for side in (shape, flip(shape)):
        angle = -sleeve.angle if side is shape else sleeve.angle
        ctx.canvas.piece(side, cloth, Relief(3, 4, 0.3), shadow=0.25, angle=angle)
