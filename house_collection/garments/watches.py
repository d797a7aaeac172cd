"""Watches, from the front."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import math

import numpy as np

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import box, ellipse, moved, outline, ribbon, spline
from .draw_context import METALS, DrawContext, luma, towards


def watch(job: DrawContext) -> None:
    """Strap, case and dial, from the front."""
    c = job.canvas
    radius = (46 if job.gender == "Women" else 58) + job.vary(-4, 5)
    square = job.cut.get("shape") == "square"
    width = radius * job.vary(0.62, 0.76)
    (bracelet if job.cut.get("strap") == "bracelet" else strap)(job, width, radius)
    lugs = [
        box(s * width - 6, 200 - radius - 6, s * width + 6, 200 + radius + 6, 4)
        for s in (-0.8, 0.8)
    ]
    c.piece(lugs, job.metal, Relief(4, 4, 0), shadow=0.3)
    c.piece(box(radius - 2, 193, radius + 9, 207, 3), job.metal, Relief(2.5, 3, 0), shadow=0.3)
    case = (
        box(-radius, 200 - radius, radius, 200 + radius, radius * 0.32)
        if square
        else ellipse(0, 200, radius, radius, 64)
    )
    c.piece(case, job.metal, Relief(6, 7, 0), shadow=0.5)
    face = (case - (0, 200)) * 0.85 + (0, 200)
    dial(job, face, radius * 0.85, square)


def strap(job: DrawContext, width: float, radius: float) -> None:
    """A leather, rubber or woven strap."""
    c = job.canvas
    for top, low, tip in ((24, 200, 0.9), (200, 380, 0.72)):
        shape = outline([
            (-width * (tip if top < 100 else 1), top), (width * (tip if top < 100 else 1), top),
            (width * (1 if top < 100 else tip), low), (-width * (1 if top < 100 else tip), low),
        ])
        c.piece(shape, job.cloth, Relief(5, 7, 0.2), shadow=0.2)
        for side in (-1, 1):
            c.stitches(
                spline([(side * (width * 0.86), top + 6), (side * (width * 0.86), low - 6)]),
                job.thread, 0.8, 0.7,
            )
    c.flat([ellipse(0, 322 + k * 13, 2.3, 2.3, 12) for k in range(4)], (0.08, 0.07, 0.07), 0.85)
    c.piece(box(-width - 4, 28, width + 4, 44, 4), job.metal, Relief(3, 3, 0), shadow=0.4)
    c.piece(box(-width * 0.7, 32, width * 0.7, 40, 1), job.cloth, Relief(2, 2, 0))


def bracelet(job: DrawContext, width: float, radius: float) -> None:
    """Rows of three links."""
    c, high = job.canvas, 13
    outer, inner = [], []
    for k in range(27):
        y = 24 + k * high
        w = width * (0.78 + 0.22 * (1 - abs(y - 200) / 180))
        outer += [
            box(-w, y, -w * 0.36, y + high - 1.2, 2.5), box(w * 0.36, y, w, y + high - 1.2, 2.5),
        ]
        inner.append(box(-w * 0.33, y + high / 2, w * 0.33, y + high * 1.5 - 1.2, 2.5))
    c.piece(
        ribbon(spline([(0, 24), (0, 382)]), width * 1.4), job.metal, Relief(2, 4, 0), shade=0.45
    )
    c.piece(outer, job.metal, Relief(3, 3.5, 0), shadow=0.3)
    bright = job.metal if job.cut.get("detail") != "two-tone" else Cloth(METALS["gold"], "metal")
    c.piece(inner, bright, Relief(3, 3.5, 0), shade=1.05, shadow=0.2)


def dial(job: DrawContext, face: np.ndarray, radius: float, square: bool) -> None:
    """Face, ticks, subdials and hands."""
    c, tone = job.canvas, job.accents[0]
    ink = (0.12, 0.12, 0.14) if luma(tone) > 0.45 else (0.92, 0.91, 0.88)
    c.piece(face, Cloth(tone, "satin"), Relief(1, 4, 0, hollow=3), shadow=0.3)
    for k in range(60):
        a, long_ = math.radians(k * 6), 0.12 if k % 5 == 0 else 0.05
        if k % 5 and job.cut.get("detail") == "minimal":
            continue
        fit = 1 / max(abs(math.sin(a)), abs(math.cos(a))) * 0.94 if square else 1.0
        at = [
            (radius * (0.93 - d) * fit * math.sin(a), 200 - radius * (0.93 - d) * fit * math.cos(a))
            for d in (0, long_)
        ]
        c.line(np.array(at, np.float32), 2.4 if k % 5 == 0 else 0.9, ink, 0.9)
    if job.cut.get("detail") == "chronograph":
        for x, y in ((-0.42, 0), (0.42, 0), (0, 0.42)):
            r = radius * 0.21
            c.piece(
                ellipse(x * radius, 200 + y * radius, r, r), Cloth(towards(tone, 0.8), "satin"),
                Relief(1, 2, 0), shadow=0.3,
            )
            c.line(
                np.array(
                    [
                        (x * radius, 200 + y * radius),
                        (x * radius + r * 0.5, 200 + y * radius - r * 0.6),
                    ],
                    np.float32,
                ),
                1.2,
                ink,
            )
    hands(job, radius, ink)


def hands(job: DrawContext, radius: float, ink: tuple[float, float, float]) -> None:
    """Ten past ten, more or less, as watches are photographed."""
    c = job.canvas
    for minutes, length, width in (
        (8 + job.vary(0, 3), 0.76, 3.0), (50.5 + job.vary(0, 1), 0.52, 4.2),
    ):
        a = math.radians(minutes * 6)
        line = np.array(
            [(0, 200), (radius * length * math.sin(a), 200 - radius * length * math.cos(a))],
            np.float32,
        )
        c.glaze(ribbon(moved(line, 1.5, 2), width), 0.7, 1.2)
        c.line(line, width, ink)
    a = math.radians(job.vary(170, 230))
    c.line(
        np.array(
            [
                (-8 * math.sin(a), 200 + 8 * math.cos(a)),
                (radius * 0.8 * math.sin(a), 200 - radius * 0.8 * math.cos(a)),
            ],
            np.float32,
        ),
        1.1,
        (0.75, 0.2, 0.15),
    )
    c.piece(ellipse(0, 200, 3.6, 3.6), job.metal, Relief(1.5, 1.8, 0))
