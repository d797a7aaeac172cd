"""Formal shoes, heels and flats, from the side."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import numpy as np

from ..canvas import Fold, Relief
from ..cloth import Cloth
from ..curves import ellipse, offset_line, outline, ribbon, spline
from .draw_context import DrawContext, luma, toned
from .shoes import GUM, LEATHER_SOLE, heel_sole, shown, with_buckle
from .tops import bow


def formal_shoes(ctx: DrawContext) -> None:
    """Draw an oxford, derby, brogue, monk or loafer."""
    shown(ctx, dress_shoe, 0.78)


def dress_shoe(ctx: DrawContext) -> None:
    c, shape = ctx.canvas, ctx.cut.get("shape", "oxford")
    loafer, top = shape == "loafer", 176
    inside = outline(
        [(6, top + 2), (50, top + 2, 1), (99, top - 6), (99, top + 24), (20, top + 30)],
    )
    c.piece(inside, Cloth((0.62, 0.46, 0.32), "leather"), Relief(2, 6, 0), shade=0.62)
    upper = outline([
        (-116, 262), (-119, 250, 1), (-100, 232, 1), (-60, 222, 1), (-25, 202, 0.9),
        (6, top - 3 + 12 * loafer), (30, top + 16, 1), (64, top + 22, 1), (90, top + 8, 1),
        (102, top - 8, 0.8), (106, top + 14, 1), (101, 216, 1), (106, 240, 1), (109, 262),
    ])
    folds = [
        Fold([(-58, 222), (-48, 236, 1), (-48, 252)], 7.0, -0.8),
        Fold([(-70, 225), (-62, 238, 1), (-62, 252)], 7.0, 0.6),
    ]
    c.piece(upper, ctx.cloth, Relief(9, 15, 0.5, (50, 40), folds))
    leather_details(ctx, shape, upper, top)
    heel_sole(ctx, LEATHER_SOLE, 11)


def leather_details(ctx: DrawContext, shape: str, upper: np.ndarray, top: float) -> None:
    """Draw seams, punched holes, straps and laces of each last."""
    c = ctx.canvas
    quarter = spline([(-26, 200), (-14, 226, 1), (-20, 262)])
    if shape in ("oxford", "derby", "brogue"):
        c.seam(quarter, 0.45, clip=upper)
        facing = outline(
            [(-28, 199), (6, top - 4), (24, top + 10), (10, 208, 0.8), (-18, 222, 0.6)]
        )
        c.piece(
            facing, ctx.cloth, Relief(2.4, 3.5, 0), shadow=0.3 if shape == "derby" else 0.2,
            clip=upper,
        )
        lace = ctx.cloth.dyed(toned(ctx.cloth.colour, 0.6), "canvas")
        for k in range(4):
            x, y = -18 + k * 8, 200 - k * 6.5
            c.piece(
                ribbon(spline([(x - 3, y - 6), (x + 4, y, 1), (x + 10, y + 5)]), 2.8), lace,
                Relief(1.4, 1.4, 0), shadow=0.4,
            )
    if shape in ("oxford", "brogue"):
        cap = (
            spline([(-84, 222), (-72, 240, 1), (-74, 262)])
            if shape == "oxford"
            else spline([(-96, 230), (-78, 240, 1), (-58, 234, 1), (-40, 262)])
        )
        c.seam(cap, 0.5, clip=upper)
        c.stitches(offset_line(cap, 2.4), toned(ctx.cloth.colour, 1.5), 0.6, 0.5)
        if shape == "brogue":
            holes = [ellipse(x - 3.6, y, 0.9, 0.9, 8) for x, y in cap[::3]]
            holes += [ellipse(x + 4, y, 0.9, 0.9, 8) for x, y in quarter[::3]]
            c.flat(holes, toned(ctx.cloth.colour, 0.35), 0.9, clip=upper)
    if shape == "monk":
        strap = outline([(-30, 196), (-2, 182), (36, 214, 0.8), (30, 230), (0, 216, 0.8)])
        c.piece(strap, ctx.cloth, Relief(2.6, 3.5, 0), shadow=0.45, clip=upper)
        with_buckle(ctx, 20, 213, 7)
    if shape == "loafer":
        apron = spline([(-98, 240), (-62, 228, 1), (-26, 226, 1), (0, 198)])
        c.seam(apron, 0.55, clip=upper)
        strap = outline(
            [(-34, 200), (-14, 190), (6, 236, 0.6), (8, 262), (-18, 262), (-16, 232, 0.6)]
        )
        c.piece(strap, ctx.cloth, Relief(2.4, 3, 0), shadow=0.4, clip=upper)
        c.flat(ellipse(-14, 214, 4, 1.8), toned(ctx.cloth.colour, 0.3), 0.9)


def heels(ctx: DrawContext) -> None:
    """Draw pumps, slingbacks, ankle straps and wedges."""
    shown(ctx, heel)


def heel(ctx: DrawContext) -> None:
    c = ctx.canvas
    rise = {"low": 38, "mid": 62, "high": 84}[ctx.cut.get("height", "mid")] + ctx.vary(-4, 4)
    seat = 262 - rise
    top = seat - 44
    stem(ctx, seat)
    shape = ctx.cut.get("shape", "pump")
    inside = outline([
        (-52, 238), (-20, 240, 1), (40, seat - 2), (98, top + 8), (98, seat),
        (20, 262 - rise * 0.4),
    ])
    c.piece(inside, Cloth((0.80, 0.70, 0.60), "leather"), Relief(2, 5, 0), shade=0.72)
    if shape == "strappy":
        straps(ctx, rise, seat, top)
    else:
        pump(ctx, shape, rise, seat, top)
    sole = spline([
        (-118, 268), (-70, 274, 1), (-36, 272, 1), (24, 266 - rise * 0.55, 1), (64, seat + 6, 1),
        (102, seat + 4),
    ])
    c.piece(
        ribbon(sole, 5),
        Cloth(LEATHER_SOLE if luma(ctx.cloth.colour) > 0.15 else (0.45, 0.12, 0.12), "leather"),
        Relief(1.6, 2, 0), shadow=0.2,
    )


def stem(ctx: DrawContext, seat: float) -> None:
    """Draw the heel: stiletto, block, kitten or wedge."""
    c, heel_shape = ctx.canvas, ctx.cut.get("heel", "stiletto")
    if heel_shape == "wedge":
        arch = [(24, 266 - (262 - seat) * 0.55, 1), (64, seat + 5, 1), (106, seat + 2)]
        wedge = [(-60, 273), (-36, 271, 1), *arch, (104, 276), (-60, 276)]
        c.piece(outline(wedge), Cloth(GUM, "canvas"), Relief(5, 7, 0))
        return
    top = [(64, seat + 2), (104, seat - 10), (106, seat + 10, 0.8)]
    half, middle = (seat + 276) / 2, {"block": 99, "kitten": 98, "stiletto": 100}[heel_shape]
    if heel_shape == "block":
        leg = [(104, half, 0.6), (104, 276), (80, 276), (76, half, 0.8)]
    else:
        thick = 3 if heel_shape == "stiletto" else 4.5
        left, right = middle - thick * 1.8, middle + thick
        leg = [(right, half, 0.8), (101, 276), (94, 276), (left, half, 0.8)]
    c.piece(outline([*top, *leg]), ctx.cloth.plain(), Relief(5, 6, 0))


def pump(ctx: DrawContext, shape: str, rise: float, seat: float, top: float) -> None:
    """Draw the closed upper with a pointed or round toe; slingbacks lose the counter."""
    c = ctx.canvas
    tip = -126 if ctx.cut.get("toe") == "pointed" else -114
    sling = shape in ("slingback", "ankle strap")
    vamp = [(tip, 268), (tip + 5, 259, 1), (-86, 244, 1), (-50, 228 + ctx.vary(-4, 4))]
    under = [(24, 264 - rise * 0.5, 1), (-36, 270, 1), (-80, 272, 1)]
    if sling:
        upper = outline(
            [*vamp, (-34, 242, 1), (4, 246 - rise * 0.3, 0.8), (20, 262 - rise * 0.5), *under]
        )
    else:
        upper = outline([
            *vamp, (-30, 246, 1), (20, 242 - rise * 0.55, 1), (74, top + 18, 1), (100, top),
            (107, top + 20, 1), (104, seat + 4), (64, seat + 6, 1), *under,
        ])
    c.piece(upper, ctx.cloth, Relief(9, 13, 0.5, (50, 40)))
    if sling:
        line = spline([(8, 246 - rise * 0.4), (60, top + 20, 1), (102, top + 6)])
        c.piece(ribbon(line, 5), ctx.cloth.plain(), Relief(2, 2.2, 0), shadow=0.4)
        counter = spline([(103, top + 2), (106, top + 22, 1), (102, seat + 2)])
        c.piece(ribbon(counter, 6), ctx.cloth.plain(), Relief(2, 2.5, 0))
    if shape == "ankle strap":
        ankle_strap(ctx, top)
    if ctx.cut.get("detail") == "bow":
        bow(ctx, -58, 232, 11)


def ankle_strap(ctx: DrawContext, top: float) -> None:
    """Draw a strap about the ankle with a small buckle."""
    c = ctx.canvas
    far = spline([(40, top - 22), (66, top - 32, 1), (98, top - 26)])
    c.piece(ribbon(far, 5), ctx.cloth.plain(), Relief(2, 2.2, 0), shade=0.7)
    near = spline([(40, top - 22), (62, top - 12, 1), (98, top - 24)])
    c.piece(ribbon(near, 5.5), ctx.cloth.plain(), Relief(2, 2.2, 0), shadow=0.35)
    c.piece(
        ribbon(spline([(98, top - 28), (104, top - 6, 1), (103, top + 14)]), 6), ctx.cloth.plain(),
        Relief(2, 2.4, 0),
    )
    with_buckle(ctx, 64, top - 12, 4.5)


def straps(ctx: DrawContext, rise: float, seat: float, top: float) -> None:
    """Draw bands over the toes and about the ankle; the far half of each shows its inside."""
    c, along = ctx.canvas, (-118, -36, 24, 64)
    for x, lift in ((-94, 30), (-66, 40), (-36, 52)):
        low, far_low = np.interp((x - 8, x + 36), along, (269, 272, 266 - rise * 0.55, seat + 6))
        y = low - lift
        far = outline([(x + 8, y + 2), (x + 24, y), (x + 42, far_low - 3), (x + 26, far_low)])
        c.piece(far, ctx.cloth.plain(), Relief(2, 4, 0), shade=0.62)
        rising = [(x - 22, low), (x - 14, y + 16, 0.9), (x + 6, y - 1, 0.9), (x + 25, y)]
        near = outline([*rising, (x + 12, y + 18, 0.8), (x + 4, low)])
        c.piece(near, ctx.cloth, Relief(4, 6, 0), shadow=0.4)
    counter = outline(
        [(70, seat + 4), (84, top + 10, 0.8), (104, top - 6), (107, top + 16, 1), (104, seat + 6)]
    )
    c.piece(counter, ctx.cloth, Relief(5, 7, 0))
    ankle_strap(ctx, top + 4)


def flats(ctx: DrawContext) -> None:
    """Draw ballerinas and pointed flats from the side."""
    shown(ctx, ballerina, 0.8)


def ballerina(ctx: DrawContext) -> None:
    c = ctx.canvas
    inside = outline([(-46, 236), (0, 232, 1), (60, 216, 1), (100, 200), (100, 250), (-30, 258)])
    c.piece(inside, Cloth((0.82, 0.72, 0.62), "leather"), Relief(2, 5, 0), shade=0.72)
    tip = -122 if ctx.cut.get("toe") == "pointed" else -112
    upper = outline([
        (tip, 266), (tip + 3, 252, 1), (-86, 236, 1), (-48, 222 + ctx.vary(-3, 4)), (-24, 244, 1),
        (20, 250, 1), (66, 236, 1), (100, 202), (107, 222, 1), (104, 266),
    ])
    c.piece(upper, ctx.cloth, Relief(8, 12, 0.6, (40, 40)))
    c.seam(
        offset_line(
            spline([(-48, 222), (-24, 244, 1), (20, 250, 1), (66, 236, 1), (100, 202)]), 2.5
        ),
        0.3, clip=upper,
    )
    detail = ctx.cut.get("detail")
    if detail == "bow":
        with c.at(-56, 30, 1):
            bow(ctx, 0, 198, 10)
    if detail == "ankle strap":
        far = spline([(-2, 212), (-14, 222, 1), (-18, 246)])
        c.piece(ribbon(far, 6), ctx.cloth.plain(), Relief(2, 2.2, 0), shade=0.65)
        near = spline([(22, 254), (10, 224, 1), (-3, 211)])
        c.piece(ribbon(near, 7), ctx.cloth.plain(), Relief(2, 2.4, 0), shadow=0.4)
        c.piece(ellipse(19, 245, 2.6, 2.6), ctx.metal, Relief(1.4, 1.5, 0))
    if detail == "cap toe":
        cap = outline([(tip - 3, 270), (tip, 246, 1), (-96, 234), (-84, 250, 1), (-82, 270)])
        c.piece(
            cap, ctx.cloth.dyed(ctx.accents[0], "leather"), Relief(5, 7, 0), clip=upper, shadow=0.25
        )
    sole = outline([
        (-114, 263, 0.6), (-60, 267, 1), (106, 263), (106, 275), (66, 275), (64, 270),
        (-60, 272, 0.6), (-112, 269, 0.6),
    ])
    c.piece(sole, Cloth(LEATHER_SOLE, "rubber"), Relief(2, 3, 0))
