"""Belts, caps, hats, scarves, ties and socks."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import random

import numpy as np

from ..canvas import Fold, Relief
from ..cloth import Cloth
from ..curves import (
    arc,
    box,
    ellipse,
    flip,
    mirrored,
    offset_line,
    outline,
    ribbon,
    spline,
    translated,
)
from .draw_context import DrawContext, creases, drape, toned


def belt(ctx: DrawContext) -> None:
    """Draw a belt rolled into a ring, its buckle to the front."""
    c, high = ctx.canvas, ctx.vary(24, 34)
    rx, ry, cy = 116 + ctx.vary(-6, 6), 40 + ctx.vary(-6, 8), 190
    inner = ctx.cloth.dyed(
        toned(ctx.cloth.colour, 0.8) if ctx.cloth.fabric == "canvas" else (0.55, 0.40, 0.28),
        "suede",
    )
    back = arc(0, cy, rx - 3, ry, 180, 360)
    inside = np.concatenate([back, translated(back, 0, high)[::-1]])
    c.piece(inside, inner, Relief(3, 5, 0), shade=0.72)
    coil = arc(2, cy + 3, rx - 9, ry - 7, 178, 20)
    low = translated(coil, 0, high)[::-1]
    c.piece(np.concatenate([coil, low]), ctx.cloth, Relief(3, 5, 0), shade=0.8)
    front = arc(0, cy, rx, ry, 180, 0)
    shape = np.concatenate([front, translated(front, 0, high)[::-1]])
    c.piece(shape, ctx.cloth, Relief(4, 6, 0.4), shadow=0.4)
    for inset in (3, high - 3):
        c.stitches(translated(front, 0, inset), ctx.thread, 0.7, 0.6)
    holes = [
        ellipse(x, cy + ry * np.sqrt(max(0, 1 - (x / rx) ** 2)) + high / 2, 1.9, 2.2, 12)
        for x in range(34, 92, 13)
    ]
    c.flat(holes, (0.1, 0.08, 0.07), 0.9)
    buckle(ctx, -34, cy + ry * 0.96 + high / 2, high)


def buckle(ctx: DrawContext, x: float, y: float, high: float) -> None:
    """Draw a frame with its prong, or a plate."""
    c, half = ctx.canvas, high / 2 + 7
    buckle_shape = ctx.cut.get("buckle", "frame")
    if buckle_shape == "plate":
        c.piece(
            box(x - 26, y - half + 4, x + 26, y + half - 4, 4), ctx.metal, Relief(3.5, 4, 0),
            shadow=0.5,
        )
        return
    ring = box(x - 21, y - half, x + 21, y + half, 13 if buckle_shape == "round" else 5)
    closed = np.concatenate([ring, ring[:2]])
    c.piece(ribbon(closed, 6.5), ctx.metal, Relief(3, 3, 0), shadow=0.5)
    c.piece(
        ribbon(spline([(x + 21, y), (x - 24, y + 1)]), [4.6 - 0.2 * k for k in range(9)]),
        ctx.metal,
        Relief(2, 2, 0),
        shadow=0.5,
    )
    loop = box(x + 34, y - high / 2 - 2, x + 44, y + high / 2 + 2, 2)
    c.piece(loop, ctx.cloth, Relief(2.5, 3, 0), shadow=0.45)


def cap(ctx: DrawContext) -> None:
    """Draw a baseball cap, or a knitted beanie."""
    (beanie if ctx.cut.get("shape") == "beanie" else baseball)(ctx)


def baseball(ctx: DrawContext) -> None:
    """Draw six panels and a curved brim, three-quarters from the front."""
    c = ctx.canvas
    contrast = (
        ctx.cloth.dyed(ctx.accents[0]) if ctx.cut.get("detail") == "contrast brim" else ctx.cloth
    )
    crown = outline([
        (-88, 236), (-92, 190, 1), (-66, 132, 1), (-4, 110, 1), (60, 130, 1), (92, 186, 1),
        (94, 240), (30, 250, 1), (-40, 246, 1),
    ])
    c.piece(crown, ctx.cloth, Relief(14, 30, 0.8, (60, 60)))
    top = (4, 112)
    for x, y, bend in ((-54, 244, -34), (22, 250, 14), (78, 242, 52)):
        c.seam(spline([top, (bend, 168, 1), (x, y)]), 0.35, clip=crown)
    for x in (-48, 52):
        c.flat(ellipse(x, 162, 2.2, 2.4, 12), toned(ctx.cloth.colour, 0.4), 0.9)
    c.piece(ellipse(4, 111, 7, 4), contrast, Relief(2.5, 3, 0), shadow=0.3)
    mark(ctx)
    brim = outline([
        (-84, 226), (-20, 240, 1), (44, 236, 1), (70, 244, 0.6), (44, 274, 1), (-24, 298, 1),
        (-96, 290, 1), (-118, 262, 1), (-104, 236, 0.8),
    ])
    c.piece(brim, contrast, Relief(7, 12, 0.3), shadow=0.5)
    for k in (0.9, 0.78, 0.66):
        inner = (brim - (-30, 232)) * k + (-30, 232)
        c.stitches(inner[20:62], ctx.thread, 0.6, 0.5)


def mark(ctx: DrawContext) -> None:
    """Draw a letter or a patch on the front."""
    c, detail = ctx.canvas, ctx.cut.get("detail")
    if detail == "letter":
        c.text(ctx.cut.get("words", "L")[:1], (-18, 186), 34, ctx.accents[0])
    if detail == "patch":
        c.piece(
            box(-44, 170, 8, 204, 4), ctx.cloth.dyed((0.55, 0.37, 0.22), "leather"),
            Relief(2, 2.5, 0), shadow=0.35,
        )
        c.text(ctx.cut.get("words", "CO"), (-18, 187), 38, (0.25, 0.15, 0.08))


def beanie(ctx: DrawContext) -> None:
    """Draw a knitted hat with a turned-up brim, perhaps a bobble."""
    c = ctx.canvas
    if ctx.cut.get("detail") == "bobble":
        fur = Cloth(ctx.accents[0], "fleece")
        r = ctx.random
        for _ in range(34):
            a, d = r.uniform(0, 6.28), r.uniform(8, 24)
            c.piece(
                ellipse(d * np.cos(a), 92 + d * np.sin(a), 8, 8, 14), fur, Relief(5, 6, 0),
                shadow=0.25,
            )
    crown = mirrored([(0, 108, 1), (50, 122, 1), (84, 178, 1), (88, 256), (0, 262)])
    c.piece(
        crown, Cloth(ctx.cloth.colour, "chunky knit", ctx.cloth.print, ctx.cloth.seed),
        Relief(13, 28, 1, (60, 40)),
    )
    band = mirrored([(0, 236, 1), (92, 228, 0.5), (95, 260, 1), (91, 292, 0.5), (0, 300, 1)])
    c.piece(band, ctx.cloth.dyed(ctx.cloth.colour, "rib"), Relief(7, 9, 0.6), shadow=0.4)


def hat(ctx: DrawContext) -> None:
    """Draw a fedora, a straw hat or a bucket hat."""
    {"bucket": bucket_hat}.get(ctx.cut.get("shape", "fedora"), fedora)(ctx)


def fedora(ctx: DrawContext) -> None:
    """Draw a brim seen slightly from above and a pinched crown with a band."""
    c, straw = ctx.canvas, ctx.cut.get("shape") == "straw"
    wide = 136 if straw else 126 + ctx.vary(-6, 4)
    brim = outline([
        (-wide, 238, 1), (-80, 214, 1), (0, 206, 1), (80, 214, 1), (wide, 238, 1), (86, 272, 1),
        (0, 284, 1), (-86, 272, 1),
    ])
    c.piece(brim, ctx.cloth, Relief(7, 10, 0.6, (30, 60)))
    if straw:
        for k in (0.95, 0.9, 0.84, 0.78, 0.72):
            loop = (brim - (0, 244)) * k + (0, 244)
            c.glaze(ribbon(loop, 1.2), 0.82, 0)
    crown = outline([
        (-76, 246), (-72, 180, 1), (-58, 138, 1), (-30, 126, 1), (0, 138, 1), (32, 124, 1),
        (58, 136, 1), (72, 180, 1), (76, 246), (0, 262, 1),
    ])
    folds = [
        Fold([(-8, 132), (-2, 152, 1), (0, 186)], 20.0, -1.0),
        Fold([(-54, 144), (-44, 168, 1), (-40, 200)], 16.0, -0.7),
        Fold([(50, 144), (42, 168, 1), (40, 200)], 16.0, -0.6),
    ]
    c.piece(crown, ctx.cloth, Relief(14, 24, 0.5, (60, 60), folds), shadow=0.4)
    if straw:
        for y in range(144, 240, 8):
            c.glaze(ribbon(spline([(-80, y), (0, y + 10, 1), (80, y)]), 1.1), 0.84, 0, clip=crown)
    line = spline([(-78, 226), (0, 244, 1), (78, 226)])
    c.piece(
        ribbon(line, 20), ctx.cloth.dyed(ctx.accents[0], "satin"), Relief(2.4, 4, 0.3), shadow=0.3,
        clip=crown,
    )


def bucket_hat(ctx: DrawContext) -> None:
    """Draw a cotton hat with a downward brim stitched in rows."""
    c = ctx.canvas
    crown = mirrored([(0, 124, 1), (52, 128, 0.6), (66, 144, 0.8), (80, 222), (0, 232, 1)])
    brim = mirrored([(0, 210, 1), (80, 202, 0.4), (122, 264, 0.6), (64, 290, 1), (0, 296, 1)])
    c.piece(crown, ctx.cloth, Relief(11, 22, 1.0, (50, 40)))
    c.seam(spline([(-64, 146), (0, 156, 1), (64, 146)]), 0.35, clip=crown)
    c.piece(brim, ctx.cloth, Relief(8, 12, 1.3, (40, 30)), shadow=0.4)
    for t in (0.25, 0.42, 0.6, 0.78, 0.92):
        y = 212 + 80 * t
        line = spline(
            [(-82 - 36 * t, y - 10 + 6 * t), (0, y + 2, 1), (82 + 36 * t, y - 10 + 6 * t)]
        )
        c.glaze(ribbon(line, 0.9), 0.76, 0, clip=brim)


def scarf(ctx: DrawContext) -> None:
    """Draw a long scarf, looped once or folded, or a square of silk."""
    {"square": square, "folded": folded}.get(ctx.cut.get("shape", ""), looped)(ctx)


def folded(ctx: DrawContext) -> None:
    """Draw a long scarf folded in half, its two ends one above the other."""
    c, wide = ctx.canvas, 92 + ctx.vary(-8, 10)
    low = 300 + ctx.vary(-8, 8)
    for dx, end, tone in ((15, low + 40, 0.9), (-13, low, 1.0)):
        line = spline([(dx, 62), (dx + 2, 190, 1), (dx - 1, end)])
        fringe(ctx, line, wide)
        shape = ribbon(line, wide)
        folds = drape(ctx, dx - wide * 0.4, dx + wide * 0.4, 70, end, 4)
        relief = Relief(4, 7, 1.3, (80, 34), folds)
        c.piece(shape, ctx.cloth, relief, shade=tone, shadow=0.35, origin=(dx, 62))
    top = ribbon(spline([(-60, 66), (0, 60, 1), (62, 66)]), 10)
    c.glaze(top, 0.8, 3, clip=ribbon(spline([(1, 60), (1, 90)]), wide + 30))


def looped(ctx: DrawContext) -> None:
    """Draw a long scarf wound once about the neck, its two tails hanging in front."""
    c, r = ctx.canvas, ctx.random
    wide = 58 + ctx.vary(-6, 10)
    back = spline([(-70, 138), (-52, 84, 1), (0, 62, 1), (52, 84, 1), (70, 138)])
    c.piece(
        ribbon(back, 40), ctx.cloth, Relief(4, 8, 1, (20, 40), lengthwise(r, back, 34)), shade=0.72
    )
    tails = (
        (spline([(16, 176), (30, 270, 1), (38, 350)]), 4),
        (spline([(-14, 172), (-22, 270, 1), (-36, 366)]), -3),
    )
    for line, angle in tails:
        fringe(ctx, line, wide)
        relief = Relief(4, 9, 1.2, (70, 18), lengthwise(r, line, wide * 0.8))
        widths = wide * (0.8 + 0.2 * np.linspace(0, 1, len(line)))
        c.piece(ribbon(line, widths), ctx.cloth, relief, shadow=0.4, angle=-angle)
    for dx, lean in ((-5, 1), (5, -1)):
        line = spline([
            (lean * 71, 124), (lean * 64, 164, 1), (dx + lean * 6, 204, 1), (-lean * 60, 164, 1),
            (-lean * 71, 128),
        ])
        shape = ribbon(line, 38 + 30 * np.sin(np.linspace(0, np.pi, len(line))))
        c.piece(
            shape, ctx.cloth, Relief(6, 12, 1.2, (16, 50), lengthwise(r, line, 52)), shadow=0.45,
            angle=20 * lean,
        )


def lengthwise(r: random.Random, line: np.ndarray, wide: float) -> list[Fold]:
    """Long folds that follow a band of cloth."""
    count = max(3, int(wide / 11))
    return [
        Fold(
            offset_line(line, wide * ((k + r.uniform(0.2, 0.8)) / count - 0.5)),
            r.choice((6.0, 9.0)), r.choice((-1, 1)) * r.uniform(0.4, 0.9),
        )
        for k in range(count)
    ]


def fringe(ctx: DrawContext, line: np.ndarray, wide: float) -> None:
    """Draw tassels at the end of a tail."""
    if ctx.cut.get("detail") != "fringe":
        return
    end, before = line[-1], line[-4]
    along = (end - before) / np.linalg.norm(end - before)
    side = np.array([along[1], -along[0]])
    threads = []
    for k in range(15):
        foot = end + side * wide * (k / 14 - 0.5) * 0.94
        tip = foot + along * 20 + side * ctx.random.uniform(-3, 3)
        threads.append(ribbon(np.stack([foot - along * 3, (foot + tip) / 2, tip]), 2.0))
    ctx.canvas.piece(threads, ctx.cloth.plain(), Relief(1, 1, 0), shadow=0.15)


def square(ctx: DrawContext) -> None:
    """Draw a silk square with a border, folded to a triangle."""
    c = ctx.canvas
    shape = outline(
        [(-128, 126), (0, 116, 0.8), (128, 124), (60, 226, 0.4), (0, 316), (-62, 224, 0.4)]
    )
    folds = drape(ctx, -96, 96, 130, 250, 7) + creases(ctx, (0, 310), (0, 200), 4, 1.2)
    c.piece(shape, ctx.cloth.dyed(ctx.accents[0]), Relief(4, 8, 1), shadow=0.2)
    inner = (shape - (0, 176)) * (0.9, 0.86) + (0, 172)
    c.piece(inner, ctx.cloth, Relief(5, 9, 1.4, (60, 30), folds), shadow=0.1, angle=45)
    top = outline(
        [(-128, 124), (0, 112, 0.8), (128, 122), (100, 142, 1), (0, 150, 1), (-104, 142, 1)]
    )
    c.piece(top, ctx.cloth.dyed(ctx.accents[0]), Relief(5, 7, 1, (20, 40)), shadow=0.4)


def tie(ctx: DrawContext) -> None:
    """Draw a tie with its upper end rolled, or a bow tie."""
    if ctx.cut.get("shape") == "bow tie":
        bow_tie(ctx)
        return
    c, half = (
        ctx.canvas, {"slim": 17, "regular": 24}[ctx.cut.get("width", "regular")] + ctx.vary(-2, 2),
    )
    tail = outline([(2, 74), (14, 66), (86, 112), (92, 128), (78, 126)])
    c.piece(tail, ctx.cloth, Relief(3, 4, 0.3), shade=0.9, angle=35)
    blade = outline([
        (-11, 82), (10, 80), (half * 0.8, 260, 0.3), (half, 348), (0, 374), (-half, 348),
        (-half * 0.8, 260, 0.3),
    ])
    c.piece(blade, ctx.cloth, Relief(5, 8, 0.5, (90, 26)), shadow=0.35)
    for k, (rx, ry) in enumerate(((24, 17), (17, 12), (10, 7))):
        c.piece(ellipse(0, 66, rx, ry), ctx.cloth, Relief(4, 4, 0), shadow=0.5, angle=25 * k)
    c.flat(ellipse(0, 66, 4.5, 3), toned(ctx.cloth.colour, 0.35), 0.9)


def bow_tie(ctx: DrawContext) -> None:
    """Draw a butterfly bow with a band behind."""
    c = ctx.canvas
    c.piece(
        ribbon(spline([(-120, 196), (0, 206, 1), (120, 196)]), 13), ctx.cloth, Relief(2.5, 3, 0),
        shade=0.85,
    )
    wing = outline([
        (6, 188), (46, 162, 1), (92, 150, 0.6), (98, 200, 1), (92, 252, 0.6), (46, 238, 1),
        (6, 214),
    ])
    folds = creases(ctx, (8, 200), (92, 200), 5, 0.7)
    for part, fan in (
        (wing, folds),
        (flip(wing), [fold.mirrored() for fold in folds]),
    ):
        c.piece(part, ctx.cloth, Relief(7, 9, 0.8, (40, 40), fan), shadow=0.4)
    c.piece(box(-13, 182, 13, 220, 6), ctx.cloth, Relief(6, 7, 0.3), shadow=0.55)


def socks(ctx: DrawContext) -> None:
    """Draw a pair of socks, one over the other."""
    tall = {"ankle": 60, "crew": 128, "knee": 186}[ctx.cut.get("length", "crew")]
    state = ctx.random.getstate()
    rise = (186 - tall) * 0.3 + 6
    for dx, dy, turn in ((30, -4 - rise, 9), (-30, 8 - rise, -3)):
        ctx.random.setstate(state)
        with ctx.canvas.at(dx, dy, 1.0, turn):
            sock(ctx, tall)


def sock(ctx: DrawContext, tall: float) -> None:
    """Draw leg, heel, foot and toe from the side."""
    c = ctx.canvas
    heel_y, top = 286, 286 - tall - 30
    shape = outline([
        (-6, top), (48, top), (50, top + tall * 0.5, 1), (46, 250, 1), (52, 292, 1), (34, 320, 1),
        (-6, 318, 1), (-52, 336, 1), (-88, 342, 1), (-106, 322, 1), (-92, 296, 1), (-44, 280, 1),
        (-12, 252, 1), (-8, top + tall * 0.5, 1),
    ])
    folds = creases(ctx, (34, 262), (-20, 276), 3, 1.0)
    c.piece(shape, ctx.cloth, Relief(6, 10, 1, (40, 24), folds), shadow=0.4)
    contrast = ctx.cloth.dyed(
        ctx.accents[0]
        if ctx.cut.get("detail") == "contrast heel"
        else toned(ctx.cloth.colour, 0.9)
    )
    heel = outline([(22, heel_y + 2, 0.4), (58, heel_y - 26), (62, 330), (20, 330), (12, 312, 0.6)])
    toe = outline([(-78, 288), (-112, 290), (-118, 350), (-80, 350), (-70, 318, 1)])
    for part in (heel, toe):
        c.piece(part, contrast, Relief(3, 6, 0.4), clip=shape, shadow=0.12)
    cuff = box(-12, top - 1, 54, top + 24)
    c.piece(cuff, contrast.dyed(contrast.colour, "rib"), Relief(3, 5, 0.3), clip=shape, shadow=0.2)
    if ctx.cut.get("detail") == "cuff stripes":
        for y in (top + 6, top + 14):
            c.line(spline([(-12, y), (54, y)]), 4, ctx.accents[0], 0.95, clip=shape)
