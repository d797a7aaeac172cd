"""Watches, from the front."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import math

import numpy as np

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import box, ellipse, outline, ribbon, spline, translated
from .draw_context import METALS, DrawContext, luma, toned


def watch(ctx: DrawContext) -> None:
    """Draw strap, case and dial, from the front."""
    c = ctx.canvas
    radius = (46 if ctx.gender == "Women" else 58) + ctx.vary(-4, 5)
    square = ctx.cut.get("shape") == "square"
    width = radius * ctx.vary(0.62, 0.76)
    (bracelet if ctx.cut.get("strap") == "bracelet" else strap)(ctx, width, radius)
    lugs = [
        box(s * width - 6, 200 - radius - 6, s * width + 6, 200 + radius + 6, 4)
        for s in (-0.8, 0.8)
    ]
    c.piece(lugs, ctx.metal, Relief(4, 4, 0), shadow=0.3)
    c.piece(box(radius - 2, 193, radius + 9, 207, 3), ctx.metal, Relief(2.5, 3, 0), shadow=0.3)
    case = (
        box(-radius, 200 - radius, radius, 200 + radius, radius * 0.32)
        if square
        else ellipse(0, 200, radius, radius, 64)
    )
    c.piece(case, ctx.metal, Relief(6, 7, 0), shadow=0.5)
    face = (case - (0, 200)) * 0.85 + (0, 200)
    dial(ctx, face, radius * 0.85, square)


def strap(ctx: DrawContext, width: float, radius: float) -> None:
    """Draw a leather, rubber or woven strap."""
    c = ctx.canvas
    for top, low, tip in ((24, 200, 0.9), (200, 380, 0.72)):
        shape = outline([
            (-width * (tip if top < 100 else 1), top), (width * (tip if top < 100 else 1), top),
            (width * (1 if top < 100 else tip), low), (-width * (1 if top < 100 else tip), low),
        ])
        c.piece(shape, ctx.cloth, Relief(5, 7, 0.2), shadow=0.2)
        for side in (-1, 1):
            c.stitches(
                spline([(side * (width * 0.86), top + 6), (side * (width * 0.86), low - 6)]),
                ctx.thread, 0.8, 0.7,
            )
    c.flat([ellipse(0, 322 + k * 13, 2.3, 2.3, 12) for k in range(4)], (0.08, 0.07, 0.07), 0.85)
    c.piece(box(-width - 4, 28, width + 4, 44, 4), ctx.metal, Relief(3, 3, 0), shadow=0.4)
    c.piece(box(-width * 0.7, 32, width * 0.7, 40, 1), ctx.cloth, Relief(2, 2, 0))


def bracelet(ctx: DrawContext, width: float, radius: float) -> None:
    """Draw rows of three links."""
    c, high = ctx.canvas, 13
    outer, inner = [], []
    for k in range(27):
        y = 24 + k * high
        w = width * (0.78 + 0.22 * (1 - abs(y - 200) / 180))
        outer += [
            box(-w, y, -w * 0.36, y + high - 1.2, 2.5), box(w * 0.36, y, w, y + high - 1.2, 2.5),
        ]
        inner.append(box(-w * 0.33, y + high / 2, w * 0.33, y + high * 1.5 - 1.2, 2.5))
    c.piece(
        ribbon(spline([(0, 24), (0, 382)]), width * 1.4), ctx.metal, Relief(2, 4, 0), shade=0.45
    )
    c.piece(outer, ctx.metal, Relief(3, 3.5, 0), shadow=0.3)
    bright = ctx.metal if ctx.cut.get("detail") != "two-tone" else Cloth(METALS["gold"], "metal")
    c.piece(inner, bright, Relief(3, 3.5, 0), shade=1.05, shadow=0.2)


def dial(ctx: DrawContext, face: np.ndarray, radius: float, square: bool) -> None:
    """Draw face, ticks, subdials and hands."""
    c, tone = ctx.canvas, ctx.accents[0]
    ink = (0.12, 0.12, 0.14) if luma(tone) > 0.45 else (0.92, 0.91, 0.88)
    c.piece(face, Cloth(tone, "satin"), Relief(1, 4, 0, hollow=3), shadow=0.3)
    for k in range(60):
        a, long_ = math.radians(k * 6), 0.12 if k % 5 == 0 else 0.05
        if k % 5 and ctx.cut.get("detail") == "minimal":
            continue
        fit = 1 / max(abs(math.sin(a)), abs(math.cos(a))) * 0.94 if square else 1.0
        at = [
            (radius * (0.93 - d) * fit * math.sin(a), 200 - radius * (0.93 - d) * fit * math.cos(a))
            for d in (0, long_)
        ]
        c.line(np.array(at, np.float32), 2.4 if k % 5 == 0 else 0.9, ink, 0.9)
    if ctx.cut.get("detail") == "chronograph":
        for x, y in ((-0.42, 0), (0.42, 0), (0, 0.42)):
            r = radius * 0.21
            c.piece(
                ellipse(x * radius, 200 + y * radius, r, r), Cloth(toned(tone, 0.8), "satin"),
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
    hands(ctx, radius, ink)


def hands(ctx: DrawContext, radius: float, ink: tuple[float, float, float]) -> None:
    """Draw the hands at about ten past ten, as watches are photographed."""
    c = ctx.canvas
    for minutes, length, width in (
        (8 + ctx.vary(0, 3), 0.76, 3.0), (50.5 + ctx.vary(0, 1), 0.52, 4.2),
    ):
        a = math.radians(minutes * 6)
        line = np.array(
            [(0, 200), (radius * length * math.sin(a), 200 - radius * length * math.cos(a))],
            np.float32,
        )
        c.glaze(ribbon(translated(line, 1.5, 2), width), 0.7, 1.2)
        c.line(line, width, ink)
    a = math.radians(ctx.vary(170, 230))
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
    c.piece(ellipse(0, 200, 3.6, 3.6), ctx.metal, Relief(1.5, 1.8, 0))
