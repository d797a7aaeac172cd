"""Sandals and flip flops from above, a pair side by side."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from collections.abc import Callable

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import ellipse, offset_line, outline, ribbon, scaled, spline
from .draw_context import DrawContext, toned
from .shoes import GUM, shown, with_buckle

FOOT = [
    (-10, 92, 1), (20, 104, 1), (37, 142, 1), (33, 195, 1), (27, 236, 1), (27, 268, 1),
    (17, 299, 1), (-1, 307, 1), (-19, 299, 1), (-28, 268, 1), (-26, 234, 1), (-33, 188, 1),
    (-36, 138, 1), (-29, 106, 1),
]

# Straps leave the sole a little outside the footbed.
UNDER = scaled(outline(FOOT), 1.13, 1.04)


def as_pair(ctx: DrawContext, shoe: Callable[[DrawContext], None]) -> None:
    """Draw the left and the right one, turned a little outwards."""
    state = ctx.random.getstate()
    for side in (-1, 1):
        ctx.random.setstate(state)
        with ctx.canvas.at(side * 47, -6 if side < 0 else 4, 1.06, side * 7, flip=side < 0):
            shoe(ctx)


def footbed(ctx: DrawContext, cloth: Cloth, edge: Cloth) -> None:
    """Draw the sole and the footbed."""
    c, foot = ctx.canvas, outline(FOOT)
    c.piece(scaled(foot, 1.06, 1.025), edge, Relief(4, 5, 0), shadow=0)
    c.piece(foot, cloth, Relief(2, 5, 0.5, hollow=3), shadow=0)
    c.stitches(scaled(foot, 0.9, 0.95), toned(cloth.colour, 0.75), 0.7, 0.5)
    for y, r in ((282, 17), (140, 24)):
        c.glaze(ellipse(0, y, r, r), 0.93, 6)


def flip_flops(ctx: DrawContext) -> None:
    """Draw a printed or striped sole with a Y-shaped thong."""
    as_pair(ctx, flip_flop)


def flip_flop(ctx: DrawContext) -> None:
    c = ctx.canvas
    edge = Cloth(toned(ctx.cloth.colour, 0.6), "rubber")
    footbed(ctx, ctx.cloth, edge)
    thong = Cloth(ctx.accents[0], "rubber")
    for x, bend in ((37, 30), (-35, -26)):
        line = spline([(-3, 134), (bend * 0.55, 150, 1), (x * 0.93, 190, 1), (x * 0.82, 214)])
        c.piece(
            ribbon(line, [7 + 4 * min(1, k / 12) for k in range(len(line))]),
            thong,
            Relief(4, 4, 0),
            shadow=0.5,
        )
    c.piece(ellipse(-3, 134, 5.5, 5.5), thong, Relief(3, 3, 0), shadow=0.4)


def sandals(ctx: DrawContext) -> None:
    """Draw slides, cross straps, footbeds with buckles, T-bars; from the side or from above."""
    if ctx.cut.get("view") == "side":
        shown(ctx, side_sandal, 0.92)
    else:
        as_pair(ctx, sandal)


def side_sandal(ctx: DrawContext) -> None:
    """Draw a footbed with straps that arch over it."""
    c, dark = ctx.canvas, ctx.cut.get("sole") == "dark"
    sole = outline([
        (-112, 262, 0.8), (-92, 254, 1), (-30, 258, 1), (40, 248, 1), (104, 240, 0.8),
        (112, 262, 1), (106, 282, 0.6), (-96, 282, 0.6), (-113, 272, 1),
    ])
    bed = spline([(-106, 256), (-90, 252, 1), (-30, 256, 1), (40, 246, 1), (106, 240)])
    foot = {"two-strap": ((-74, 46, 30), (-18, 54, 28)), "slide": ((-66, 58, 74),)}
    straps = foot.get(ctx.cut.get("shape", ""), ((-84, 36, 16), (-48, 50, 16), (34, 78, 13)))
    for far in (True, False):
        for x, lift, wide in straps:
            side_strap(ctx, x, lift, wide, far)
        if far:
            c.piece(sole, Cloth((0.2, 0.18, 0.17) if dark else GUM, "rubber"), Relief(5, 7, 0))
            c.piece(
                ribbon(bed, 6), Cloth((0.70, 0.55, 0.40), "suede"), Relief(2, 2.5, 0), shadow=0.2
            )
            c.line(spline([(-112, 270), (0, 271), (110, 268)]), 1.2, (0.2, 0.16, 0.13), 0.5)
    if len(straps) == 3:
        ankle = spline([(38, 178), (72, 188, 1), (100, 170, 1), (108, 208, 1), (104, 244)])
        c.piece(ribbon(ankle, 9), ctx.cloth, Relief(3, 4, 0), shadow=0.4)
        with_buckle(ctx, 66, 186, 6)


def side_strap(ctx: DrawContext, x: float, lift: float, wide: float, far: bool) -> None:
    """Draw one half of a strap: the far half shows its inside, the near one lies over it."""
    y = 258 - lift
    if far:
        shape = outline(
            [(x + 10, y + 3), (x + 12 + wide * 0.8, y), (x + 44 + wide * 0.5, 256), (x + 30, 258)]
        )
        ctx.canvas.piece(shape, ctx.cloth.plain(), Relief(2, 4, 0), shade=0.6)
        return
    top = [(x + 2, y + 1, 0.7), (x + 8 + wide * 0.5, y - 3, 1), (x + 12 + wide * 0.85, y + 1, 0.7)]
    low = [
        (x + wide * 0.9, y + lift * 0.55, 0.8), (x - 4 + wide, 268), (x - 14, 268),
        (x - 12, y + lift * 0.55, 0.8),
    ]
    ctx.canvas.piece(outline([*top, *low]), ctx.cloth, Relief(4, 7, 0.3), shadow=0.45)
    if ctx.cut.get("shape") == "two-strap":
        with_buckle(ctx, x - 4 + wide / 2, y + lift * 0.55, 7)


def sandal(ctx: DrawContext) -> None:
    c, shape = ctx.canvas, ctx.cut.get("shape", "two-strap")
    footbed(
        ctx, Cloth((0.70, 0.55, 0.40), "suede"),
        Cloth(GUM if ctx.cut.get("sole") != "dark" else (0.2, 0.18, 0.17), "rubber"),
    )
    if shape == "two-strap":
        for y, high in ((150, 27), (202, 25)):
            band(ctx, y, high)
            with_buckle(ctx, 25, y + 2, 8)
    elif shape == "slide":
        band(ctx, 165, ctx.vary(50, 64))
    elif shape == "cross":
        for line in (
            spline([(-39, 190), (0, 150, 1), (38, 130)]),
            spline([(-38, 132), (0, 152, 1), (37, 192)]),
        ):
            c.piece(ribbon(line, 21), ctx.cloth, Relief(4, 7, 0.4), shadow=0.5, clip=UNDER)
        heel_strap(ctx)
    else:
        c.piece(
            ribbon(spline([(-4, 128), (-3, 180, 1), (0, 226)]), 9), ctx.cloth, Relief(4, 4, 0),
            shadow=0.45,
        )
        band(ctx, 142, 11)
        heel_strap(ctx)


def band(ctx: DrawContext, y: float, high: float) -> None:
    """Draw a strap across the foot, arching forwards."""
    line = spline([(-48, y + 9), (0, y - 6, 1), (48, y + 9)])
    ctx.canvas.piece(ribbon(line, high), ctx.cloth, Relief(4, 8, 0.4), shadow=0.5, clip=UNDER)
    for side in (1, -1):
        ctx.canvas.stitches(offset_line(line, side * (high / 2 - 2.5))[3:-3], ctx.thread, 0.7, 0.5)


def heel_strap(ctx: DrawContext) -> None:
    """Draw a strap around the heel with a buckle."""
    c = ctx.canvas
    line = spline([(-27, 222), (0, 212, 1), (29, 224)])
    c.piece(ribbon(line, 9), ctx.cloth, Relief(4, 4, 0), shadow=0.45)
    back = spline([(-26, 224), (-28, 290, 1), (0, 314, 1), (30, 290, 1), (28, 224)])
    c.piece(ribbon(back, 7), ctx.cloth.plain(), Relief(3, 3, 0), shadow=0.4)
    with_buckle(ctx, 22, 219, 6.5)
