"""Skirts: pencil, A-line, pleated, tiered, wrap."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import numpy as np

from ..canvas import Relief
from ..curves import Point, mirrored, offset_line, ribbon, spline
from .draw_context import DrawContext, button, drape


def skirt(ctx: DrawContext) -> None:
    """Draw a pencil, A-line, pleated, tiered or denim skirt."""
    c, shape = ctx.canvas, ctx.cut.get("shape", "a-line")
    length = {"mini": 225, "knee": 290, "midi": 345}[ctx.cut.get("length", "knee")]
    waist, top = 50 + ctx.vary(-3, 3), 56 + ctx.vary(-4, 4)
    flare = {"pencil": 66, "a-line": 98, "pleated": 104, "tiered": 112, "wrap": 84}[
        shape
    ] + ctx.vary(-5, 5)
    curve = 3 if shape == "pencil" else 12
    hip = waist + (flare - waist) * (0.75 if shape == "pencil" else 0.36)
    side: list[Point] = [
        (waist, top), (hip, top + 62, 1), (flare, length), (flare * 0.5, length + curve * 0.8, 1),
        (0, length + curve, 1),
    ]
    front = mirrored([(0, top + 3, 1), *side])
    back = mirrored([(0, top - 3, 1), (waist, top - 3), (waist, top + 12), (0, top + 12)])
    c.piece(back, ctx.cloth.plain(), Relief(2, 3, 0), shade=0.6)
    count = {"pencil": 2, "a-line": 8, "pleated": 0, "tiered": 12, "wrap": 6}[shape]
    folds = drape(ctx, -flare * 0.85, flare * 0.85, top + 50, length, count)
    c.piece(front, ctx.cloth, Relief(6, 12, 1.2, (110, 22), folds))
    skirt_details(ctx, shape, front, waist, flare, top, length, curve)
    band = mirrored([(0, top + 3, 1), (waist, top - 1), (waist + 2, top + 12), (0, top + 16, 1)])
    c.piece(band, ctx.cloth, Relief(2.5, 3, 0), shadow=0.3)
    if ctx.cut.get("detail") == "buttons":
        for k in range(7):
            button(ctx, 0, top + 10 + k * (length - top - 14) / 6.3, 3, ctx.metal.colour)


def skirt_details(
    ctx: DrawContext,
    shape: str,
    front: np.ndarray,
    waist: float,
    flare: float,
    top: float,
    length: float,
    curve: float,
) -> None:
    """Draw pleats, tiers, a wrap edge or a middle seam."""
    c = ctx.canvas
    if shape == "pleated":
        for k in range(-7, 8):
            t = k / 7.5
            line = spline([(waist * t, top + 12), (flare * t, length + curve)])
            c.glaze(ribbon(offset_line(line, 3), 6), 0.80, 1.6, clip=front)
            c.seam(line, 0.45, clip=front)
            c.glaze(ribbon(offset_line(line, -3), 4), 1.1, 1.4, clip=front)
    if shape == "tiered":
        for t in (0.36, 0.68):
            y, half = top + (length - top) * t, waist + (flare - waist) * (t + 0.2)
            line = spline([(-half, y), (0, y + curve * 0.8, 1), (half, y)])
            c.glaze(ribbon(offset_line(line, 4), 8), 0.78, 3, clip=front)
            c.seam(line, 0.5, clip=front)
    if shape == "wrap":
        line = spline([
            (waist * 0.6, top + 14), (flare * 0.32, (top + length) / 2, 1),
            (flare * 0.1, length + curve),
        ])
        c.glaze(ribbon(offset_line(line, -4), 8), 0.75, 3, clip=front)
        c.seam(line, 0.5, clip=front)
    if ctx.cut.get("detail") == "buttons" or ctx.cloth.fabric == "denim":
        c.seam(spline([(0, top + 14), (0, length + curve)]), 0.35, clip=front)
    c.glaze(
        ribbon(
            spline([(-flare, length - 8), (0, length - 8 + curve, 1), (flare, length - 8)]), 0.9
        ),
        0.8,
        0,
        clip=front,
    )
