"""Shoes seen from the side: casual, sports and formal shoes, heels and flats."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..canvas import Fold, Relief
from ..cloth import RGB, Cloth
from ..curves import box, ellipse, outline, ribbon, spline
from .draw_context import DrawContext, luma, toned

GUM = (0.76, 0.58, 0.38)
CHALK = (0.93, 0.92, 0.89)
LEATHER_SOLE = (0.25, 0.17, 0.12)


def shown(ctx: DrawContext, shoe: Callable[[DrawContext], None], tall: float = 1.0) -> None:
    """Draw one shoe, or a pair with the other a little behind it; `tall` squeezes the drawing."""
    state, c = ctx.random.getstate(), ctx.canvas
    if ctx.cut.get("shown") == "pair":
        with c.at(17, -24 - c.random.uniform(0, 6), 0.96, dim=0.93), c.at(tall=tall):
            shoe(ctx)
        ctx.random.setstate(state)
        with c.at(-13, 8), c.at(tall=tall):
            shoe(ctx)
        return
    with c.at(0, -14, 1.13), c.at(tall=tall):
        shoe(ctx)


def sole_colour(ctx: DrawContext) -> RGB:
    """The rubber under the shoe."""
    return {"chalk": CHALK, "gum": GUM, "dark": (0.16, 0.16, 0.17)}.get(
        ctx.cut.get("sole", "chalk"), ctx.accents[0]
    )


def casual_shoes(ctx: DrawContext) -> None:
    """Draw plimsolls, high-tops, slip-ons, chelsea boots and desert boots."""
    shape = ctx.cut.get("shape", "")
    shoe = {"slip-on": slip_on, "chelsea": boot, "desert": boot}.get(shape, sneaker)
    shown(ctx, shoe, {"slip-on": 0.72, "chelsea": 0.9, "desert": 0.82}.get(shape, 0.76))


def sneaker(ctx: DrawContext) -> None:
    """Draw a low or high canvas or leather sneaker."""
    c = ctx.canvas
    high = 44 if ctx.cut.get("shape") == "high-top" else 0
    toe, top = ctx.vary(-3, 3), 150 - high
    opening(ctx, top, high)
    upper = outline([
        (-104, 262), (-109 + toe, 240, 1), (-92, 215, 1), (-56, 199, 1),
        (-16, 165 - high * 0.4, 0.7), (10, top - 2), (26, top + 15 - high * 0.1, 1),
        (58, top + 24, 1), (86, top + 16, 1), (102, top - 4, 0.9), (106, top + 16, 1),
        (102, 206, 1), (108, 240, 1), (110, 262),
    ])
    creases = [
        Fold([(-62, 205), (-52, 222, 1), (-50, 244)], 8.0, -0.8),
        Fold([(-78, 208), (-70, 224, 1), (-68, 242)], 8.0, 0.7),
        Fold([(70, top + 30), (64, 210, 1), (70, 240)], 12.0, -0.5),
    ]
    c.piece(upper, ctx.cloth, Relief(9, 16, 0.8, (40, 40), creases))
    panels(ctx, upper, top, high)
    laces(ctx, top, high, 6 if high else 5)
    rubber(ctx, 262, 286)


def opening(ctx: DrawContext, top: float, high: float) -> None:
    """Draw the inside of the shoe and its tongue."""
    c = ctx.canvas
    inside = outline(
        [(8, top - 2), (50, top + 2, 1), (98, top + 2, 0.6), (98, top + 26), (40, top + 34)]
    )
    c.piece(
        inside, ctx.cloth.dyed(toned(ctx.cloth.colour, 0.6), "cotton"),
        Relief(3, 6, 0, hollow=3), shade=0.55,
    )
    tongue = outline([
        (-22, 172 - high * 0.4), (-8, top - 6, 0.8), (8, top - 19, 1), (22, top - 12, 0.8),
        (16, top + 18), (-6, 184),
    ])
    c.piece(tongue, ctx.cloth, Relief(5, 6, 0.5), shade=0.96)


def panels(ctx: DrawContext, upper: np.ndarray, top: float, high: float) -> None:
    """Draw eyestay, toe cap, heel patch and their stitching."""
    c = ctx.canvas
    accent = (
        ctx.cloth.dyed(ctx.accents[0], ctx.cloth.fabric)
        if ctx.cut.get("detail") == "contrast panels"
        else ctx.cloth
    )
    stay = outline([
        (-40, 192), (-16, 165 - high * 0.4, 0.6), (11, top - 1), (27, top + 16),
        (8, top + 38 + high * 0.2, 0.8), (-22, 206, 0.8),
    ])
    c.piece(stay, accent, Relief(3, 4, 0.2), shadow=0.3, clip=upper)
    c.stitches(
        spline([(26, top + 20), (6, top + 40 + high * 0.2, 0.8), (-24, 208)]), ctx.thread, 0.7, 0.6
    )
    heel = outline(
        [(88, top + 6), (106, top - 12), (114, 230), (112, 262), (84, 262), (90, 220, 1)]
    )
    c.piece(heel, accent, Relief(4, 7, 0.2), shadow=0.3, clip=upper)
    if ctx.cut.get("toe", "cap") == "cap":
        cap = outline(
            [(-116, 264), (-112, 228, 1), (-96, 212), (-82, 214, 0.6), (-70, 236, 1), (-68, 264)]
        )
        cloth = (
            Cloth(CHALK, "rubber")
            if ctx.cloth.fabric == "canvas" and luma(ctx.cloth.colour) < 0.75
            else accent
        )
        c.piece(cap, cloth, Relief(6, 9, 0), shadow=0.3, clip=upper)
    detail = ctx.cut.get("detail")
    if detail == "side stripe":
        for k in range(2):
            line = spline([(-16 + k * 15, 262), (14 + k * 15, 222, 1), (40 + k * 15, 186)])
            c.piece(
                ribbon(line, 8), ctx.cloth.dyed(ctx.accents[0]), Relief(1.6, 2, 0), shadow=0.2,
                clip=upper,
            )
    if detail == "wave":
        wave = spline([(-64, 256), (-20, 246, 1), (28, 226, 1), (92, 196)])
        c.piece(
            ribbon(wave, np.linspace(4, 15, len(wave))), ctx.cloth.dyed(ctx.accents[0]),
            Relief(1.6, 3, 0), shadow=0.2, clip=upper,
        )


def laces(ctx: DrawContext, top: float, high: float, rows: int) -> None:
    """Draw bars of lace over the tongue, with eyelets, and a bow."""
    c = ctx.canvas
    dark = ctx.cut.get("laces") == "dark"
    cloth = Cloth((0.17, 0.17, 0.18) if dark else CHALK, "canvas")
    start, end = np.array([-32, 190.0]), np.array([12, top + 4.0])
    for k in range(rows):
        x, y = start + (end - start) * (k / (rows - 1))
        line = spline([(x - 9, y - 7), (x + 1, y - 3, 1), (x + 10, y + 6)])
        c.piece(ribbon(line, 4.4), cloth, Relief(2, 2, 0), shadow=0.45)
        c.flat(ellipse(x + 10, y + 6.5, 1.3, 1.3, 10), (0.2, 0.2, 0.2), 0.8)
    for bend in (1, -1):
        loop = spline(
            [(6, top - 2), (16, top + 14 * bend + 3, 1), (28, top + 9 * bend + 8, 1), (10, top + 2)]
        )
        c.piece(ribbon(loop, 2.8), cloth, Relief(1.5, 1.5, 0), shadow=0.35)


def rubber(ctx: DrawContext, top: float, low: float) -> None:
    """Draw a flat rubber sole with a foxing line."""
    c = ctx.canvas
    colour = sole_colour(ctx)
    shape = outline([
        (-112, top - 8, 0.5), (-60, top - 3, 1), (20, top - 4, 1), (112, top - 6),
        (114, low - 6, 0.8), (106, low), (-96, low), (-112, low - 8, 1),
    ])
    c.piece(shape, Cloth(colour, "rubber"), Relief(4, 6, 0), shadow=0.3)
    line = spline([(-111, top + 2), (-60, top + 6, 1), (20, top + 5, 1), (113, top + 3)])
    stripe = (
        ctx.accents[-1]
        if ctx.cut.get("sole") == "chalk" and luma(colour) > 0.6
        else toned(colour, 0.75)
    )
    c.line(line, 1.4, stripe, 0.7, clip=shape)
    c.glaze(spline_band(low), 0.6, 1.5, clip=shape)


def spline_band(low: float) -> np.ndarray:
    return box(-120, low - 3, 120, low + 3)


def slip_on(ctx: DrawContext) -> None:
    """Draw an elasticated slip-on."""
    c = ctx.canvas
    inside = outline([(0, 184), (20, 168, 1), (60, 166, 1), (98, 150), (98, 200), (20, 210)])
    c.piece(inside, ctx.cloth.dyed(toned(ctx.cloth.colour, 0.6)), Relief(2, 6, 0), shade=0.6)
    upper = outline([
        (-104, 262), (-108, 238, 1), (-84, 214, 1), (-40, 194, 1), (0, 172), (22, 190, 1),
        (64, 190, 1), (98, 160, 0.8), (106, 184, 1), (104, 226, 1), (108, 262),
    ])
    c.piece(upper, ctx.cloth, Relief(9, 16, 0.8, (40, 40)))
    gore = outline([(2, 174), (22, 190, 1), (34, 192), (20, 222), (4, 208, 0.5)])
    c.piece(
        gore, ctx.cloth.dyed(toned(ctx.cloth.colour, 0.7), "rib"), Relief(2, 3, 0), clip=upper
    )
    c.stitches(spline([(-2, 180), (-18, 214, 1), (-6, 262)]), ctx.thread, 0.8, 0.6)
    rubber(ctx, 262, 285)


def boot(ctx: DrawContext) -> None:
    """Draw a chelsea boot with elastic sides, or a laced desert boot."""
    c, chelsea = ctx.canvas, ctx.cut.get("shape") == "chelsea"
    top = 108 if chelsea else 132
    inside = outline(
        [(14, top - 2), (56, top - 6, 1), (98, top - 2), (96, top + 14), (16, top + 14)]
    )
    c.piece(
        inside, ctx.cloth.dyed(toned(ctx.cloth.colour, 0.7), "suede"), Relief(2, 6, 0), shade=0.5
    )
    upper = outline([
        (-106, 262), (-108, 240, 1), (-84, 220, 1), (-40, 204, 1), (-4, 176, 1), (10, 140, 0.8),
        (14, top), (56, top + 7, 1), (99, top), (102, 160, 1), (98, 215, 1), (106, 262),
    ])
    folds = [
        Fold([(-2, 180), (22, 196, 1), (44, 192)], 9.0, -0.8),
        Fold([(-18, 192), (10, 212, 1), (34, 214)], 9.0, 0.7),
        Fold([(-66, 216), (-52, 232, 1), (-50, 250)], 8.0, -0.7),
    ]
    c.piece(upper, ctx.cloth, Relief(9, 16, 0.8, (50, 40), folds))
    if chelsea:
        gore = outline([(40, top + 4), (74, top + 4), (68, 178, 0.6), (56, 196, 1), (46, 178, 0.6)])
        c.piece(
            gore, ctx.cloth.dyed(toned(ctx.cloth.colour, 0.6), "rib"), Relief(2, 4, 0), clip=upper
        )
        c.piece(
            box(92, top - 12, 99, top + 10, 2),
            ctx.cloth.dyed(toned(ctx.cloth.colour, 0.8), "canvas"), Relief(1.5, 2, 0),
        )
    else:
        c.seam(spline([(12, top + 2), (6, 176, 0.8), (-10, 214, 1), (14, 262)]), 0.4, clip=upper)
        for k in range(3):
            line = spline([
                (4 - k * 6, top + 22 + k * 16), (16 - k * 5, top + 27 + k * 16, 1),
                (26 - k * 6, top + 34 + k * 16),
            ])
            c.piece(
                ribbon(line, 3.4), ctx.cloth.dyed(toned(ctx.cloth.colour, 0.75), "canvas"),
                Relief(1.8, 1.8, 0), shadow=0.4,
            )
    heel_sole(ctx, GUM if ctx.cut.get("sole") in ("gum", "chalk") else LEATHER_SOLE, 12)


def sports_shoes(ctx: DrawContext) -> None:
    """Draw a runner or trainer: mesh, overlays, sculpted midsole."""
    shown(ctx, runner, 0.78)


def runner(ctx: DrawContext) -> None:
    c, top = ctx.canvas, 150 + ctx.vary(-5, 4)
    opening(ctx, top, 0)
    upper = outline([
        (-110, 246), (-107, 228, 1), (-86, 209, 1), (-50, 194, 1), (-14, 166, 0.8), (10, top - 2),
        (26, top + 16, 1), (58, top + 26, 1), (88, top + 12, 1), (105, top - 14, 0.9),
        (108, top + 10, 1), (104, 200, 1), (112, 232, 1), (115, 250), (60, 262), (-60, 262),
    ])
    c.piece(upper, ctx.cloth, Relief(9, 15, 0.8, (40, 40)))
    mesh(ctx, upper)
    overlays(ctx, upper, top)
    laces(ctx, top, 0, 5)
    midsole(ctx)


def mesh(ctx: DrawContext, upper: np.ndarray) -> None:
    """Draw rows of small holes on the vamp."""
    holes = [
        ellipse(-88 + 6 * i + 3 * (j % 2), 214 + 5 * j, 1.1, 1.1, 6)
        for i in range(11)
        for j in range(8)
    ]
    ctx.canvas.flat(holes, toned(ctx.cloth.colour, 0.55), 0.6, clip=upper)


def overlays(ctx: DrawContext, upper: np.ndarray, top: float) -> None:
    """Draw welded panels in the accent colours, and a mark on the side."""
    c = ctx.canvas
    second, third = (
        ctx.cloth.dyed(ctx.accents[0], "nylon"), ctx.cloth.dyed(ctx.accents[-1], "nylon"),
    )
    guard = outline([
        (-114, 250), (-110, 226, 1), (-92, 211), (-84, 224, 1), (-62, 246, 1), (-20, 256),
        (-20, 268), (-110, 268),
    ])
    stay = outline([
        (-38, 190), (-14, 165, 0.6), (11, top - 1), (28, top + 17), (14, top + 40, 0.8),
        (-14, 208, 0.8),
    ])
    counter = outline([(92, top + 34, 0.8), (120, top + 30), (120, 266), (40, 266), (74, 236, 1)])
    for shape, cloth in ((guard, second), (counter, second), (stay, third)):
        c.piece(shape, cloth, Relief(3, 4, 0.2), shadow=0.3, clip=upper)
    style = ctx.cut.get("detail", "wave")
    if style == "wave":
        wave = spline([(-40, 250), (0, 236, 1), (34, 206, 1), (70, 190)])
        c.piece(
            ribbon(wave, np.linspace(14, 4, len(wave))), third, Relief(2, 3, 0), shadow=0.25,
            clip=upper,
        )
    elif style == "bars":
        for k in range(4):
            line = spline([(-16 + k * 17, 258), (6 + k * 15, 212)])
            c.piece(ribbon(line, 5.5), third, Relief(1.6, 2, 0), shadow=0.2, clip=upper)
    else:
        zig = spline([(-30, 252), (6, 214), (24, 244), (64, 200)])
        c.piece(ribbon(zig, 7), third, Relief(1.8, 2, 0), shadow=0.2, clip=upper)
    pull = outline([(99, top - 4), (106, top - 18, 1), (112, top - 2, 1), (107, top + 22, 1)])
    c.piece(pull, third, Relief(2, 3, 0))


def midsole(ctx: DrawContext) -> None:
    """Draw foam with a line through it and a treaded outsole."""
    c, colour = ctx.canvas, sole_colour(ctx)
    foam = outline([
        (-114, 244, 0.8), (-70, 256, 1), (0, 254, 1), (60, 244, 1), (118, 236), (121, 262, 1),
        (112, 280), (-70, 282, 0.6), (-108, 272, 1),
    ])
    c.piece(foam, Cloth(colour, "rubber"), Relief(6, 9, 0), shadow=0.35)
    line = spline([(-112, 258), (-40, 268, 1), (30, 258, 1), (120, 252)])
    c.line(line, 3.2, ctx.accents[0], 0.85, clip=foam)
    tread = outline([
        (-104, 274, 0.6), (-60, 280, 1), (0, 276, 1), (60, 278, 1), (114, 272), (110, 286),
        (-72, 287, 0.6),
    ])
    c.piece(tread, Cloth((0.17, 0.17, 0.18), "rubber"), Relief(3, 4, 0), shadow=0.2)
    notches = [box(x, 282, x + 3.4, 290) for x in range(-80, 108, 11)]
    c.flat(notches, (0.08, 0.08, 0.08), 0.5, clip=tread)


def heel_sole(ctx: DrawContext, colour: RGB, block: float) -> None:
    """Draw a thin sole with a stacked heel."""
    c, low = ctx.canvas, 268 + block
    shape = outline([
        (-110, 256, 0.5), (-60, 262, 1), (20, 262, 1), (110, 258), (110, low), (42, low),
        (40, 272), (-40, 270 + block * 0.7, 0.6), (-96, 268 + block * 0.6, 0.6), (-111, 264, 1),
    ])
    c.piece(shape, Cloth(colour, "rubber"), Relief(3, 4, 0), shadow=0.3)
    c.line(
        spline([(-108, 262), (-60, 266, 1), (20, 267, 1), (110, 264)]), 1.2, toned(colour, 0.6),
        0.7, clip=shape,
    )


def with_buckle(ctx: DrawContext, x: float, y: float, half: float) -> None:
    """Draw a small square buckle."""
    c = ctx.canvas
    ring = np.concatenate([box(x - half, y - half, x + half, y + half, 2)])
    closed = np.concatenate([ring, ring[:1]])
    c.piece(ribbon(closed, 2.4), ctx.metal, Relief(1.4, 1.3, 0), shadow=0.4)
    c.piece(ribbon(spline([(x - half, y), (x + half, y)]), 1.6), ctx.metal, Relief(1, 1, 0))
