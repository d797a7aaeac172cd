"""Watches, sunglasses and jewellery."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import math

import numpy as np

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import arc, box, ellipse, flip, mirrored, outline, resampled, ribbon, spline
from .bags import chain
from .draw_context import DrawContext, toned


def ring_of(cx: float, cy: float, rx: float, ry: float, width: float) -> np.ndarray:
    """A closed band about an ellipse."""
    line = ellipse(cx, cy, rx, ry, 64)
    return ribbon(np.concatenate([line, line[:2]]), width)


LENSES = {
    "wayfarer": [
        (14, 176, 0.4), (58, 168, 0.6), (108, 170, 0.4), (108, 204, 1), (84, 234, 1), (40, 234, 1),
        (18, 208, 1),
    ],
    "round": [
        (16, 206, 1.2), (30, 174, 1.2), (61, 161, 1.2), (92, 174, 1.2), (106, 206, 1.2),
        (92, 238, 1.2), (61, 251, 1.2), (30, 238, 1.2),
    ],
    "aviator": [
        (16, 176, 0.6), (56, 168, 0.8), (106, 172, 0.7), (112, 200, 1), (94, 240, 1), (62, 254, 1),
        (28, 226, 1),
    ],
    "cat-eye": [
        (14, 186, 0.5), (58, 174, 0.8), (120, 152, 0.4), (112, 196, 1), (82, 230, 1), (40, 228, 1),
        (18, 208, 1),
    ],
    "rectangle": [
        (14, 182, 0.3), (110, 178, 0.3), (108, 216, 0.5), (94, 226, 0.6), (26, 226, 0.6),
        (16, 212, 0.5),
    ],
}


def sunglasses(ctx: DrawContext) -> None:
    """Draw two lenses, a bridge, and folded temples behind."""
    c, shape = ctx.canvas, ctx.cut.get("shape", "wayfarer")
    wire = shape == "aviator" or ctx.cut.get("frame") == "wire"
    frame = ctx.metal if wire else ctx.cloth
    thick = 3.4 if wire else ctx.vary(7, 10)
    arm = spline([(108, 180), (40, 196, 1), (-64, 212)])
    for temple in (arm, flip(arm)):
        c.piece(ribbon(temple, thick + 1), frame, Relief(3, 3, 0), shade=0.75, shadow=0.2)
    for side in (1, -1):
        hinge = outline(
            [(side * 98, 170), (side * 121, 168, 0.6), (side * 123, 180, 0.6), (side * 102, 188)]
        )
        c.piece(hinge, frame, Relief(3, 3, 0), shadow=0.2)
    lens = outline(LENSES[shape])
    glass = toned(ctx.accents[-1], 0.9) if ctx.cut.get("lens") == "tinted" else (0.13, 0.14, 0.15)
    for part in (lens, flip(lens)):
        c.piece(part, Cloth(glass, "acetate"), Relief(3, 16, 0), shadow=0.3)
        c.glaze(part * (1, 0.6) + (0, 106), 1.7, 12, clip=part)
        x = float(part[:, 0].mean())
        c.flat(
            outline([(x - 30, 240), (x - 8, 166), (x + 10, 166), (x - 12, 240)]), (1, 1, 1), 0.13,
            clip=part,
        )
        c.piece(
            ribbon(np.concatenate([part, part[1:3]]), thick), frame, Relief(3.2, 3.4, 0), shadow=0.4
        )
    y = 186 if shape != "aviator" else 178
    bridge = spline([(-17, y + 4), (0, y - 5, 1), (17, y + 4)])
    c.piece(ribbon(bridge, thick), frame, Relief(2.6, 3, 0), shadow=0.3)
    if shape == "aviator":
        c.piece(ribbon(spline([(-30, 171), (0, 166, 1), (30, 171)]), 3), frame, Relief(1.6, 1.8, 0))


def stone(ctx: DrawContext, x: float, y: float, rx: float, ry: float) -> None:
    """Draw a cut stone: facets of lighter and darker tone."""
    c, tone = ctx.canvas, ctx.accents[0]
    c.piece(ellipse(x, y, rx + 2.2, ry + 2.2), ctx.metal, Relief(2.5, 2.5, 0), shadow=0.4)
    outer, inner = ellipse(x, y, rx, ry, 9)[:8], ellipse(x, y, rx * 0.55, ry * 0.55, 9)[:8]
    for k in range(8):
        facet = np.stack([outer[k], outer[(k + 1) % 8], inner[(k + 1) % 8], inner[k]])
        factor = 0.62 + 0.75 * ((k * 5) % 8) / 8
        c.flat(facet, [min(1, t * factor + 0.1) for t in tone])
    c.flat(inner, [min(1, t * 1.15 + 0.12) for t in tone])
    c.flat(ellipse(x - rx * 0.2, y - ry * 0.25, rx * 0.2, ry * 0.12), (1, 1, 1), 0.8)


def earrings(ctx: DrawContext) -> None:
    """Draw hoops, drops, studs or tassels."""
    state = ctx.random.getstate()
    for side in (-1, 1):
        ctx.random.setstate(state)
        with ctx.canvas.at(side * 62, 6 * side, 1.0, side * 2):
            earring(ctx)


def earring(ctx: DrawContext) -> None:
    c, shape = ctx.canvas, ctx.cut.get("shape", "hoops")
    if shape == "hoops":
        r, w = ctx.vary(36, 52), ctx.vary(5, 10)
        c.piece(ring_of(0, 200, r * 0.92, r, w), ctx.metal, Relief(3.5, 4, 0), shadow=0.3)
        c.piece(
            ribbon(spline([(-4, 200 - r - 8), (6, 200 - r - 12, 1), (8, 200 - r + 4)]), 2),
            ctx.metal, Relief(1, 1, 0),
        )
        return
    if shape == "studs":
        r = ctx.vary(24, 32)
        petals = int(ctx.vary(5, 9))
        for k in range(petals):
            a = 6.283 * k / petals
            c.piece(
                ellipse(
                    r * 0.72 * math.cos(a), 200 + r * 0.72 * math.sin(a), r * 0.36, r * 0.36, 20
                ),
                ctx.metal,
                Relief(3, 4, 0),
                shadow=0.35,
            )
        stone(ctx, 0, 200, r * 0.5, r * 0.5)
        return
    c.piece(
        ribbon(spline([(0, 138), (-7, 122, 1), (3, 112, 1), (8, 126)]), 2), ctx.metal,
        Relief(1, 1, 0),
    )
    c.piece(ellipse(0, 146, 8, 8), ctx.metal, Relief(3, 3.5, 0), shadow=0.3)
    if shape == "tassels":
        for k in range(13):
            line = spline(
                [((k - 6) * 1.2, 156), ((k - 6) * 2.0, 210, 1), ((k - 6) * 2.6, 262 + (k % 3) * 3)]
            )
            c.piece(ribbon(line, 2.6), Cloth(ctx.accents[0], "silk"), Relief(1, 1.2, 0), shadow=0.3)
        c.piece(box(-9, 152, 9, 166, 3), ctx.metal, Relief(3, 3, 0))
        return
    rx, ry = ctx.vary(17, 26), ctx.vary(30, 42)
    drop = outline(
        [(0, 158), (rx, 190 + ry * 0.6, 1), (0, 190 + ry * 1.6, 1), (-rx, 190 + ry * 0.6, 1)]
    )
    c.piece(drop, ctx.metal, Relief(4, 5, 0), shadow=0.35)
    stone(ctx, 0, 190 + ry * 0.7, rx * 0.6, ry * 0.52)
    for k in range(5):
        a = math.radians(20 + k * 35)
        c.piece(

            ellipse(rx * 1.1 * math.cos(a), 192 + ry * 0.7 + ry * 1.05 * math.sin(a), 3.6, 3.6, 14),
            ctx.metal, Relief(2, 2.4, 0), shadow=0.3,
        )


def necklace(ctx: DrawContext) -> None:
    """Draw a chain with a pendant, beads, or layered chains."""
    c, shape = ctx.canvas, ctx.cut.get("shape", "pendant")
    wide, low = 92 + ctx.vary(-8, 8), 270 + ctx.vary(-16, 14)

    def loop(depth: float, spread: float) -> np.ndarray:
        return spline([
            (0, 66, 1), (-spread * 0.8, 92, 1), (-spread, 158, 1), (-spread * 0.55, depth - 30, 1),
            (0, depth, 1), (spread * 0.55, depth - 30, 1), (spread, 158, 1), (spread * 0.8, 92, 1),
            (0, 66, 1),
        ])

    if shape == "beads":
        for k, (x, y) in enumerate(resampled(loop(low, wide), ctx.vary(11, 15))):
            r = 4.5 + 3.4 * max(0, (y - 120) / 150)
            tone = ctx.accents[0] if k % 3 else ctx.metal.colour
            c.piece(ellipse(x, y, r, r, 20), Cloth(tone, "acetate"), Relief(4, 5, 0), shadow=0.35)
        return
    chain(ctx, loop(low, wide), ctx.vary(3.0, 5.0))
    if shape == "layered":
        chain(ctx, loop(low - 54, wide * 0.8), 2.8)
        for x in (-28, 0, 28):
            c.piece(
                ellipse(x, low - 52 - abs(x) * 0.35, 6, 6), ctx.metal, Relief(2.5, 3, 0),
                shadow=0.35,
            )
    charm(ctx, low)


def charm(ctx: DrawContext, low: float) -> None:
    """Draw the pendant."""
    c = ctx.canvas
    c.piece(ring_of(0, low + 6, 4, 5, 1.8), ctx.metal, Relief(1, 1, 0))
    pendant_shape = ctx.cut.get("detail", "disc")
    if pendant_shape == "stone":
        stone(ctx, 0, low + 32, ctx.vary(13, 19), ctx.vary(17, 24))
    elif pendant_shape == "bar":
        c.piece(box(-5, low + 12, 5, low + 58, 3), ctx.metal, Relief(3, 3, 0), shadow=0.4)
    elif pendant_shape == "leaf":
        leaf = outline([(0, low + 10), (15, low + 30, 1), (0, low + 66), (-15, low + 30, 1)])
        c.piece(leaf, ctx.metal, Relief(4, 6, 0), shadow=0.4)
        c.seam(spline([(0, low + 12), (0, low + 64)]), 0.4)
    else:
        r = ctx.vary(16, 22)
        c.piece(ellipse(0, low + 12 + r, r, r), ctx.metal, Relief(3, 4, 0), shadow=0.4)
        c.glaze(ring_of(0, low + 12 + r, r * 0.75, r * 0.75, 1.4), 0.6, 0)


def bracelets(ctx: DrawContext) -> None:
    """Draw a bangle, a chain or beads, lying as an oval."""
    c, shape = ctx.canvas, ctx.cut.get("shape", "bangle")
    rx, ry = 98 + ctx.vary(-8, 8), 66 + ctx.vary(-8, 8)
    if shape == "bangle":
        for k in range(int(ctx.vary(1, 3.9))):
            with c.at(0, -10 * k, 1.0, 3 * k):
                c.piece(
                    ring_of(0, 206, rx, ry, ctx.vary(7, 13)), ctx.metal, Relief(5, 5, 0), shadow=0.4
                )
        return
    line = ellipse(0, 200, rx, ry, 80)
    closed = np.concatenate([line, line[:1]])
    if shape == "chain":
        chain(ctx, closed, ctx.vary(6, 9))
        c.piece(box(-7, 200 + ry - 8, 7, 200 + ry + 10, 4), ctx.metal, Relief(3, 3, 0), shadow=0.4)
        return
    r = ctx.vary(7.5, 10)
    for k, (x, y) in enumerate(resampled(closed, r * 2)[:-1]):
        tone = ctx.metal if k % 7 == 0 else Cloth(ctx.accents[0], "acetate")
        c.piece(ellipse(x, y, r, r, 22), tone, Relief(5, 6, 0), shadow=0.4)


def finger_ring(ctx: DrawContext) -> None:
    """Draw a band or a ring with a stone, standing a little tilted."""
    c, shape = ctx.canvas, ctx.cut.get("shape", "solitaire")
    rx, ry, width = 62 + ctx.vary(-4, 5), 58 + ctx.vary(-6, 6), ctx.vary(9, 20)
    back = arc(0, 214, rx, ry * 0.94, 180, 360)
    c.piece(ribbon(back, width * 0.8), ctx.metal, Relief(3, 4, 0), shade=0.7)
    c.piece(ring_of(0, 218, rx, ry, width), ctx.metal, Relief(6, 7, 0), shadow=0.3)
    if shape == "band":
        c.glaze(ring_of(0, 218, rx, ry, width * 0.18), 0.62, 0.4)
        return
    top = 218 - ry - width * 0.35
    size = ctx.vary(17, 25)
    if shape == "signet":
        c.piece(
            mirrored([(0, top - 17), (26, top - 13, 1), (30, top + 8, 1), (0, top + 17, 1)]),
            ctx.metal, Relief(5, 6, 0), shadow=0.45,
        )
        return
    for x in (-size * 0.7, size * 0.7):
        c.piece(
            ribbon(spline([(x * 1.2, top + 8), (x, top - size * 1.1)]), 4), ctx.metal,
            Relief(2, 2, 0), shadow=0.3,
        )
    stone(ctx, 0, top - size * 0.55, size, size * 0.92)
    if shape == "cluster":
        for x in (-size * 1.5, size * 1.5):
            stone(ctx, x, top + 4, size * 0.45, size * 0.45)
