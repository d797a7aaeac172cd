"""Handbags, backpacks, clutches and wallets."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import numpy as np

from ..canvas import Fold, Relief
from ..curves import box, ellipse, mirrored, offset_line, outline, resampled, ribbon, spline
from .draw_context import DrawContext, drape, toned, zipper
from .shoes import with_buckle


def ring(ctx: DrawContext, x: float, y: float, radius: float = 6, width: float = 2.2) -> None:
    """Draw a metal ring."""
    circle = ellipse(x, y, radius, radius)
    ctx.canvas.piece(
        ribbon(np.concatenate([circle, circle[:2]]), width), ctx.metal, Relief(1.3, 1.2, 0),
        shadow=0.4,
    )


def handle(
    ctx: DrawContext, spread: float, foot: float, top: float, width: float, back: bool
) -> None:
    """Draw an arched handle."""
    line = spline([
        (-spread, foot), (-spread * 0.92, (foot + top) / 2, 1), (-spread * 0.5, top + 5, 1),
        (0, top, 1), (spread * 0.5, top + 5, 1), (spread * 0.92, (foot + top) / 2, 1),
        (spread, foot),
    ])
    ctx.canvas.piece(
        ribbon(line, width), ctx.cloth.plain(), Relief(3, 3.2, 0), shade=0.72 if back else 1.0,
        shadow=0.3,
    )
    if not back:
        ctx.canvas.stitches(offset_line(line, width / 2 - 1.3), ctx.thread, 0.5, 0.5)


def handbag(ctx: DrawContext) -> None:
    """Draw a tote, satchel, hobo, bucket or saddle bag."""
    {"hobo": hobo, "bucket": bucket, "saddle": saddle}.get(ctx.cut.get("shape", "tote"), tote)(ctx)


def tote(ctx: DrawContext) -> None:
    """Draw a tote, or a satchel with a flap."""
    c, satchel = ctx.canvas, ctx.cut.get("shape") == "satchel"
    top, low = 168 + ctx.vary(-8, 8), 322 + ctx.vary(-6, 6)
    upper, lower = (90, 104) if satchel else (ctx.vary(92, 102), ctx.vary(80, 92))
    rise = ctx.vary(74, 92)
    handle(ctx, upper * 0.5, top + 6, top - rise - 8, 7, True)
    shape = mirrored([
        (0, top), (upper, top + 1), (upper + 3, top + 30, 0.6), (lower, low - 12, 0.6),
        (lower - 10, low), (0, low + 2, 1),
    ])
    folds = drape(ctx, -lower * 0.7, lower * 0.7, top + 20, low - 20, 4)
    c.piece(shape, ctx.cloth, Relief(8, 14, 1.0, (60, 50), folds))
    c.glaze(
        ribbon(spline([(-lower, low - 24), (0, low - 20, 1), (lower, low - 24)]), 1.2), 0.7, 0,
        clip=shape,
    )
    if satchel:
        flap = mirrored([
            (0, top - 2), (upper + 2, top - 2), (upper + 3, top + 40),
            (upper * 0.6, top + 74, 0.8), (0, top + 82, 1),
        ])
        c.piece(flap, ctx.cloth, Relief(4, 6, 0.6), shadow=0.45)
        clasp(ctx, 0, top + 76)
    else:
        c.stitches(spline([(-upper + 2, top + 7), (upper - 2, top + 7)]), ctx.thread, 0.7, 0.6)
    handle(ctx, upper * 0.5, top + 26, top - rise, 8, False)
    for x in (-upper * 0.5, upper * 0.5):
        tab = outline([
            (x - 7, top + 14), (x + 7, top + 14), (x + 7, top + 42), (x, top + 50),
            (x - 7, top + 42),
        ])
        if not satchel:
            c.piece(tab, ctx.cloth.plain(), Relief(2, 2.5, 0), shadow=0.4)
        ring(ctx, x, top + 16, 6)
    trimming(ctx, shape, top, low, lower)


def trimming(ctx: DrawContext, shape: np.ndarray, top: float, low: float, lower: float) -> None:
    """Draw a base of another colour, a front pocket or a tassel."""
    c, detail = ctx.canvas, ctx.cut.get("detail")
    if detail == "contrast base":
        base = mirrored(
            [(0, low - 46), (lower + 14, low - 46), (lower + 14, low + 4), (0, low + 6)]
        )
        c.piece(
            base, ctx.cloth.dyed(ctx.accents[0], "leather"), Relief(5, 8, 0.4), clip=shape,
            shadow=0.2,
        )
    if detail == "front pocket":
        c.piece(box(-56, top + 62, 56, low - 20, 6), ctx.cloth, Relief(4, 5, 0.6), shadow=0.35)
        zipper(ctx, spline([(-52, top + 68), (52, top + 68)]), pull=False)
    if detail == "tassel":
        for k in range(7):
            line = spline([(48, top + 24), (46 + k * 1.3, top + 50, 1), (41 + k * 2.4, top + 82)])
            c.piece(
                ribbon(line, 2.4), ctx.cloth.dyed(ctx.accents[0]), Relief(1, 1.2, 0), shadow=0.3
            )


def clasp(ctx: DrawContext, x: float, y: float) -> None:
    """Draw a turn lock."""
    c = ctx.canvas
    c.piece(box(x - 9, y - 8, x + 9, y + 8, 3), ctx.metal, Relief(2.4, 2.5, 0), shadow=0.45)
    c.piece(ellipse(x, y, 3.4, 3.4), ctx.metal, Relief(1.8, 2, 0), shade=0.85, shadow=0.5)


def hobo(ctx: DrawContext) -> None:
    """Draw a slouchy crescent on one strap."""
    c, r = ctx.canvas, ctx.random
    low, wide = 318 + ctx.vary(-6, 6), 104 + ctx.vary(-5, 5)
    strap = spline([(-wide + 6, 196), (-62, 92, 1), (0, 62, 1), (62, 92, 1), (wide - 6, 196)])
    c.piece(ribbon(strap, 11), ctx.cloth.plain(), Relief(3, 4, 0.3), shade=0.95)
    shape = mirrored([
        (0, 226, 1), (wide * 0.6, 214, 1), (wide, 184), (wide + 6, 230, 1),
        (wide * 0.8, low - 22, 1), (0, low, 1),
    ])
    folds = [
        Fold(
            [(x * 0.9, 200 + abs(x) * 0.2), (x * 0.6, 250, 1), (x * 0.25, low - 24)], 11.0,
            r.uniform(0.4, 0.9),
        )
        for x in (-88, -58, -30, 34, 60, 90)
    ]
    c.piece(shape, ctx.cloth, Relief(10, 18, 1.4, (50, 40), folds))
    zipper(ctx, spline([(-wide * 0.86, 204), (0, 228, 1), (wide * 0.86, 204)]), pull=True, width=3)
    for x in (-wide + 4, wide - 4):
        ring(ctx, x, 194, 7)
    trimming(ctx, shape, 190, low, wide)


def bucket(ctx: DrawContext) -> None:
    """Draw a drawstring bucket bag."""
    c = ctx.canvas
    top, low, upper, lower = 160, 320 + ctx.vary(-6, 6), 74 + ctx.vary(-4, 4), 66 + ctx.vary(-4, 6)
    strap = spline(
        [(-upper + 4, top + 24), (-50, 84, 1), (0, 52, 1), (50, 84, 1), (upper - 4, top + 24)]
    )
    c.piece(ribbon(strap, 7), ctx.cloth.plain(), Relief(2.6, 3, 0), shade=0.9)
    inside = ellipse(0, top + 2, upper - 2, 10)
    c.piece(inside, ctx.cloth.plain(), Relief(2, 4, 0), shade=0.5)
    shape = mirrored([
        (0, top + 9, 1), (upper * 0.7, top + 6, 1), (upper, top), (upper - 7, top + 30, 0.8),
        (lower + 4, low - 40, 0.8), (lower, low - 4, 0.5), (0, low + 5, 1),
    ])
    folds = [
        Fold(
            [(x, top + 8), (x * 0.9, top + 40, 1), (x * 0.95, top + 96)], 9.0,
            ctx.random.uniform(0.5, 1),
        )
        for x in range(-60, 61, 17)
    ]
    c.piece(shape, ctx.cloth, Relief(9, 15, 0.8, (60, 40), folds))
    cord = spline([(-upper + 6, top + 30), (0, top + 39, 1), (upper - 6, top + 30)])
    c.piece(
        ribbon(cord, 3), ctx.cloth.dyed(toned(ctx.cloth.colour, 0.75)), Relief(1.6, 1.6, 0),
        shadow=0.4,
    )
    for x in (-5, 6):
        c.piece(
            ribbon(spline([(x, top + 38), (x * 1.6, top + 60, 1), (x * 1.4, top + 92)]), 3),
            ctx.cloth.dyed(toned(ctx.cloth.colour, 0.75)), Relief(1.6, 1.6, 0), shadow=0.4,
        )
    c.seam(
        spline([(-lower - 2, low - 26), (0, low - 19, 1), (lower + 2, low - 26)]), 0.4, clip=shape
    )
    trimming(ctx, shape, top, low, lower)


def saddle(ctx: DrawContext) -> None:
    """Draw a small crossbody with a rounded flap."""
    c = ctx.canvas
    wide, top, low = 82 + ctx.vary(-6, 8), 190, 316 + ctx.vary(-8, 6)
    strap = spline([
        (-wide + 4, top + 14), (-88, 110, 1), (-40, 48, 1), (30, 46, 1), (84, 104, 1),
        (wide - 4, top + 14),
    ])
    c.piece(ribbon(strap, 6), ctx.cloth.plain(), Relief(2.4, 2.6, 0), shade=0.95)
    shape = mirrored([
        (0, top), (wide, top + 4, 0.3), (wide + 5, top + 60, 1), (wide * 0.82, low - 14, 1),
        (0, low, 1),
    ])
    c.piece(shape, ctx.cloth, Relief(8, 12, 0.6, (60, 50)))
    flap = mirrored([
        (0, top - 4, 1), (wide - 4, top - 2, 0.4), (wide + 1, top + 34, 1),
        (wide * 0.66, top + 82, 1), (0, top + 94, 1),
    ])
    c.piece(flap, ctx.cloth, Relief(5, 8, 0.6), shadow=0.5)
    c.stitches(
        mirrored([
            (0, top + 1, 1), (wide - 9, top + 3, 0.4), (wide - 5, top + 34, 1),
            (wide * 0.62, top + 77, 1), (0, top + 88, 1),
        ]),
        ctx.thread,
        0.7,
        0.6,
    )
    clasp(ctx, 0, top + 84)
    for x in (-wide + 3, wide - 3):
        ring(ctx, x, top + 10, 6)


def backpack(ctx: DrawContext) -> None:
    """Draw a day pack, a roll-top or a rucksack with a flap."""
    c, shape_ = ctx.canvas, ctx.cut.get("shape", "day pack")
    wide, top, low = 80 + ctx.vary(-5, 6), 86 + ctx.vary(-6, 6), 336 + ctx.vary(-5, 5)
    strap_cloth = ctx.cloth.dyed(toned(ctx.cloth.colour, 0.7), "canvas")
    c.piece(
        ribbon(
            spline([
                (-16, top + 8), (-13, top - 20, 1), (0, top - 26, 1), (13, top - 20, 1),
                (16, top + 8),
            ]),
            8,
        ),
        strap_cloth,
        Relief(2.4, 3, 0),
    )
    for side in (1, -1):
        line = spline([
            (side * wide * 0.6, top + 12), (side * (wide + 14), top + 90, 1),
            (side * (wide + 12), low - 50, 1), (side * wide * 0.9, low - 8),
        ])
        c.piece(ribbon(line, 15), strap_cloth, Relief(4, 5, 0.4), shade=0.85)
    body = mirrored([
        (0, top, 1), (wide * 0.72, top + 6, 1), (wide, top + 60, 1), (wide + 4, low - 40, 1),
        (wide - 6, low - 4, 0.8), (0, low + 2, 1),
    ])
    c.piece(
        body, ctx.cloth,
        Relief(10, 18, 1.2, (50, 46), drape(ctx, -wide * 0.7, wide * 0.7, top + 30, low - 30, 4)),
    )
    {"rucksack": ruck_front, "roll-top": roll_front}.get(shape_, pack_front)(
        ctx, body, wide, top, low
    )


def pack_front(ctx: DrawContext, body: np.ndarray, wide: float, top: float, low: float) -> None:
    """Draw zipped front pockets."""
    c = ctx.canvas
    zipper(
        ctx,
        spline([
            (-wide * 0.84, top + 92), (-wide * 0.78, top + 46, 1), (0, top + 24, 1),
            (wide * 0.78, top + 46, 1), (wide * 0.84, top + 92),
        ]),
        pull=False,
        width=3.4,
    )
    contrast = ctx.cut.get("detail") == "contrast base"
    cloth = ctx.cloth.dyed(ctx.accents[0]) if contrast else ctx.cloth
    y = top + 122 + ctx.vary(-8, 8)
    pocket = mirrored([
        (0, y, 1), (wide * 0.72, y + 5, 0.8), (wide * 0.82, y + 30, 1),
        (wide * 0.82, low - 22, 0.8), (wide * 0.7, low - 10), (0, low - 8),
    ])
    c.piece(pocket, cloth, Relief(7, 9, 0.8), shadow=0.45)
    zipper(ctx, spline([(-wide * 0.66, y + 20), (0, y + 15, 1), (wide * 0.66, y + 20)]), width=3.4)
    c.piece(
        box(-14, y + 48, 14, y + 66, 2), ctx.cloth.dyed((0.6, 0.42, 0.27), "leather"),
        Relief(1.6, 2, 0), shadow=0.35,
    )
    c.stitches(box(-12, y + 50, 12, y + 64, 1), (0.85, 0.7, 0.5), 0.6, 0.7)


def ruck_front(ctx: DrawContext, body: np.ndarray, wide: float, top: float, low: float) -> None:
    """Draw a flap held by two leather straps."""
    c = ctx.canvas
    for x in (-38, 38):
        c.piece(
            box(x - 22, low - 92, x + 22, low - 16, 4), ctx.cloth, Relief(5, 6, 0.6), shadow=0.4
        )
    flap = mirrored([
        (0, top - 4, 1), (wide * 0.76, top + 2, 1), (wide + 1, top + 60, 1),
        (wide - 2, top + 122, 0.5), (0, top + 134, 1),
    ])
    c.piece(flap, ctx.cloth, Relief(8, 12, 1), shadow=0.5)
    leather = ctx.cloth.dyed((0.47, 0.31, 0.19), "leather")
    for x in (-38, 38):
        c.piece(box(x - 5, top + 70, x + 5, low - 66, 2), leather, Relief(2, 2.5, 0), shadow=0.4)
        with_buckle(ctx, x, top + 146, 8)


def roll_front(ctx: DrawContext, body: np.ndarray, wide: float, top: float, low: float) -> None:
    """Draw a rolled top with a clip and a strap."""
    c = ctx.canvas
    for k in range(2):
        y = top + 10 + k * 16
        c.piece(
            box(-wide * 0.86, y, wide * 0.86, y + 24, 10), ctx.cloth, Relief(6, 7, 0.8), shadow=0.45
        )
    strap = ctx.cloth.dyed(toned(ctx.cloth.colour, 0.6), "canvas")
    c.piece(box(-7, top + 4, 7, low - 96, 2), strap, Relief(2, 2.5, 0), shadow=0.4)
    c.piece(box(-11, top + 84, 11, top + 104, 3), ctx.metal, Relief(2.5, 3, 0), shadow=0.5)
    c.piece(
        box(-wide * 0.8, low - 98, wide * 0.8, low - 12, 8), ctx.cloth, Relief(6, 8, 0.8),
        shadow=0.4,
    )
    zipper(ctx, spline([(-wide * 0.7, low - 88), (wide * 0.7, low - 88)]), pull=True)


def clutch(ctx: DrawContext) -> None:
    """Draw an envelope, box or fold-over clutch."""
    c, shape_ = ctx.canvas, ctx.cut.get("shape", "envelope")
    wide, high = 118 + ctx.vary(-8, 4), 118 + ctx.vary(-12, 10)
    if shape_ == "box":
        high *= 0.78
    top, low = 215 - high / 2, 215 + high / 2
    if ctx.cut.get("detail") == "chain":
        chain(
            ctx,
            spline([
                (-wide + 8, top + 6), (-84, top - 66, 1), (0, top - 104, 1), (84, top - 66, 1),
                (wide - 8, top + 6),
            ]),
        )
    c.piece(
        box(-wide, top, wide, low, 10 if shape_ == "box" else 4), ctx.cloth,
        Relief(7, 10, 0.8, (50, 60)),
    )
    if shape_ == "envelope":
        flap = mirrored([
            (0, top - 1), (wide + 1, top - 1), (wide, top + 12), (10, top + high * 0.66, 0.8),
            (0, top + high * 0.68, 1),
        ])
        c.piece(flap, ctx.cloth, Relief(4, 5, 0.6), shadow=0.5)
        c.piece(ellipse(0, top + high * 0.58, 5.5, 5.5), ctx.metal, Relief(2.4, 2.5, 0), shadow=0.5)
    elif shape_ == "box":
        frame = spline([(-wide + 1, top + 12), (0, top + 10, 1), (wide - 1, top + 12)])
        c.piece(ribbon(frame, 5), ctx.metal, Relief(2, 2.2, 0), shadow=0.4)
        for x in (-7, 7):
            c.piece(ellipse(x, top - 2, 6, 6), ctx.metal, Relief(3, 3.5, 0), shadow=0.4)
    else:
        c.piece(
            box(-wide - 1, top - 4, wide + 1, top + high * 0.55, 5), ctx.cloth, Relief(6, 8, 1),
            shadow=0.5,
        )
        zipper(ctx, spline([(-wide + 12, low - 14), (wide - 12, low - 14)]), width=3)
    if ctx.cut.get("detail") == "wristlet":
        loop = spline([
            (wide - 6, top + 16), (wide + 18, top + 40, 1), (wide + 8, top + 108, 1),
            (wide - 12, top + 70, 1), (wide - 4, top + 20),
        ])
        c.piece(ribbon(loop, 6), ctx.cloth.plain(), Relief(2.4, 2.6, 0), shadow=0.4)


def chain(ctx: DrawContext, line: np.ndarray, size: float = 3.4) -> None:
    """Draw links of metal along a line."""
    c, points = ctx.canvas, resampled(line, size * 1.7)
    links = []
    for k in range(len(points) - 1):
        dx, dy = points[k + 1] - points[k]
        angle = np.arctan2(dy, dx)
        t = np.linspace(0, 2 * np.pi, 13)
        flat = size * (0.62 if k % 2 else 0.32)
        oval = np.stack([size * 1.1 * np.cos(t), flat * np.sin(t)], 1)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        links.append(
            ribbon((oval @ turn + (points[k] + points[k + 1]) / 2).astype(np.float32), 1.3)
        )
    c.piece(links, ctx.metal, Relief(1.2, 1.0, 0), shadow=0.3)


def wallet(ctx: DrawContext) -> None:
    """Draw a bifold, zip-around or card holder."""
    c, shape_ = ctx.canvas, ctx.cut.get("shape", "bifold")
    sizes = {"bifold": (78, 124), "zip-around": (104, 116), "card holder": (74, 100)}
    wide, high = (size + ctx.vary(-4, d) for size, d in zip(sizes[shape_], (4, 6), strict=True))
    top, low = 205 - high / 2, 205 + high / 2
    if shape_ == "bifold":
        c.piece(
            outline([(-wide, top - 3), (wide + 5, top - 7), (wide + 6, low - 2), (-wide, low)]),
            ctx.cloth, Relief(3, 3, 0.3), shade=0.72,
        )
    shape = box(-wide, top, wide, low, 7)
    c.piece(shape, ctx.cloth, Relief(6, 8, 0.7, (50, 60)), shadow=0.5)
    c.stitches(box(-wide + 4, top + 4, wide - 4, low - 4, 5), ctx.thread, 0.8, 0.75)
    if shape_ == "bifold":
        c.glaze(ribbon(spline([(-wide + 8, top), (-wide + 8, low)]), 5), 0.8, 2, clip=shape)
    if shape_ == "zip-around":
        zipper(ctx, spline([(-wide + 6, top + 3), (wide - 6, top + 3)]), pull=False, width=3.4)
        c.piece(
            box(wide - 10, top + 2, wide + 22, top + 9, 2), ctx.cloth.plain(), Relief(2, 2, 0),
            shadow=0.4,
        )
    if shape_ == "card holder":
        for y in (0.3, 0.5, 0.7):
            line = spline([(-wide + 2, top + high * y), (wide - 2, top + high * y)])
            c.glaze(ribbon(offset_line(line, 2), 4), 0.8, 1.5, clip=shape)
            c.seam(line, 0.6, clip=shape)
    if ctx.cut.get("detail") == "contrast tab":
        c.piece(
            box(wide - 34, low - 28, wide - 14, low - 15, 2), ctx.cloth.dyed(ctx.accents[0]),
            Relief(1.5, 2, 0), shadow=0.3,
        )
    if ctx.cut.get("detail") == "embossed mark":
        for r in (9, 6):
            c.glaze(
                ribbon(np.concatenate([ellipse(wide - 24, low - 22, r, r)] * 2)[:50], 1.2), 0.6, 0
            )
