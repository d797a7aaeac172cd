"""Shirts, jackets and blazers: fronts that open."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import box, flip, mirrored, offset_line, outline, ribbon, spline
from .body import Body, Sleeve, body_folds, collar_rib, cuffs, sleeves
from .draw_context import DrawContext, button, toned, zipper
from .knits import bottom_rib, hood_back, hood_front
from .tops import fitted, sleeve_of


def shirt(ctx: DrawContext) -> None:
    """Draw a woven shirt with a collar, a placket and cuffs."""
    body = replace(
        fitted(ctx, 322), neck=22, drop=20, neck_shape="round", hem_curve=ctx.vary(3, 13)
    )
    if ctx.cut.get("collar") == "camp":
        body = replace(body, drop=40, neck_shape="v")
    c, sleeve = ctx.canvas, sleeve_of(ctx, body)
    c.piece(body.back(), ctx.cloth.plain(), Relief(3, 8, 0.4), shade=0.65)
    sleeves(ctx, body, sleeve, waves=1.3)
    if sleeve and sleeve.length > 150:
        cuffs(ctx, body, sleeve, ctx.cloth)
    relief = Relief(6, 12, 1.3, (95, 28), body_folds(ctx, body, 6))
    c.piece(body.front(), ctx.cloth, relief, shadow=0.3)
    yoke(ctx, body)
    front_placket(ctx, body)
    if ctx.cut.get("pocket") == "one":
        patch(ctx, body, 1)
    if ctx.cut.get("pocket") == "two":
        patch(ctx, body, 1, True)
        patch(ctx, body, -1, True)
    collar(ctx, body)


def yoke(ctx: DrawContext, body: Body) -> None:
    """Draw the shoulder seams."""
    y = body.top + 11
    line = spline([(body.neck + 2, y - 4), (body.shoulder - 2, y + body.slope)])
    for edge in (line, flip(line)):
        ctx.canvas.seam(edge, 0.2)


def front_placket(ctx: DrawContext, body: Body) -> None:
    """Draw the buttoned front edge."""
    c, low = ctx.canvas, body.top + body.drop - 2
    bottom = body.length + body.hem_curve
    c.piece(
        box(-6, low, 6, bottom - 0.5), ctx.cloth, Relief(1.5, 2.5, 0.2), shadow=0.15,
        clip=body.front(),
    )
    for x in (-6, 6):
        c.seam(spline([(x, low), (x, bottom)]), 0.22, clip=body.front())
    c.stitches(spline([(-4, low), (-4, bottom - 3)]), ctx.thread, 0.5, 0.4)
    count = 6
    colour = (0.93, 0.92, 0.88) if ctx.cut.get("buttons") == "pearl" else None
    for k in range(count):
        button(ctx, 0, low + 14 + k * (bottom - low - 34) / (count - 1), 2.4, colour)


def patch(ctx: DrawContext, body: Body, side: int, flap: bool = False) -> None:
    """Draw a chest pocket, with or without a flap."""
    c, x, y, w, h = ctx.canvas, side * body.chest * 0.5, body.armhole + 2, 15, 36
    pocket = outline([(x - w, y), (x + w, y), (x + w, y + h - 4), (x, y + h), (x - w, y + h - 4)])
    c.piece(pocket, ctx.cloth, Relief(1.6, 2.5, 0.4), shadow=0.25)
    if flap:
        top = outline([
            (x - w - 1, y - 2), (x + w + 1, y - 2), (x + w + 1, y + 9), (x, y + 15),
            (x - w - 1, y + 9),
        ])
        c.piece(top, ctx.cloth, Relief(1.8, 2.5, 0), shadow=0.35)
        button(ctx, x, y + 10, 2)
    else:
        c.seam(spline([(x - w, y + 5), (x + w, y + 5)]), 0.18)


def collar(ctx: DrawContext, body: Body) -> None:
    """Draw a shirt collar: points, button-down, band or camp."""
    c, n, t, low = ctx.canvas, body.neck, body.top, body.top + body.drop
    style = ctx.cut.get("collar", "point")
    behind = outline([
        (-n - 1, t + 1), (-n + 2, t - 11, 0.6), (0, t - 15, 1), (n - 2, t - 11, 0.6),
        (n + 1, t + 1), (0, t + 9, 1),
    ])
    c.piece(behind, ctx.cloth.plain(), Relief(3, 4, 0), shade=0.84, shadow=0.2)
    if style == "band":
        band = outline([
            (0, low - 4), (n * 0.75, t + 6, 1), (n - 2, t - 10), (n + 4, t - 3, 1),
            (n * 0.9, t + 15, 1), (1, low + 6),
        ])
        for side in (band, flip(band)):
            c.piece(side, ctx.cloth, Relief(2.6, 3, 0), shadow=0.3)
        return
    reach = {"point": 33, "button-down": 30, "camp": 30, "cutaway": 26}[style]
    tip = {"point": 17, "button-down": 16, "camp": 32, "cutaway": 30}[style]
    leaf = outline([
        (0.5, low + 1), (n * 0.74, t + 8, 0.8), (n - 3, t - 12, 0.6), (n + 7, t - 1, 0.8),
        (n + 8, t + 9, 0.5), (tip, t + reach + 10), (2, low + 5),
    ])
    for side in (leaf, flip(leaf)):
        c.piece(side, ctx.cloth, Relief(3, 4, 0.2), shadow=0.5)
    edge = spline([(n + 5, t + 9), (tip - 1.5, t + reach + 6), (4, low + 5)])
    for line in (edge, flip(edge)):
        c.stitches(line, ctx.thread, 0.5, 0.4)
    if style == "button-down":
        for x in (-tip, tip):
            button(ctx, x, t + reach + 6.5, 1.7)


def jacket(ctx: DrawContext) -> None:
    """Draw a bomber, denim, biker, puffer, field or parka."""
    with ctx.canvas.at(size=0.92):
        outerwear(ctx, ctx.cut.get("shape", "bomber"))


def outerwear(ctx: DrawContext, shape: str) -> None:
    """Draw a jacket of one of the shapes."""
    long_ = shape in ("parka", "field")
    body = replace(fitted(ctx, 330 if long_ else 300), neck=25, drop=22, neck_shape="round")
    body = replace(body, chest=body.chest + 3, shoulder=body.shoulder + 3)
    c, sleeve = ctx.canvas, Sleeve(ctx.vary(190, 202), ctx.vary(12, 15), 17, 5, 3)
    if shape == "parka":
        hood_back(ctx, body)
    c.piece(body.back(), ctx.cloth.plain(), Relief(3, 8, 0.4), shade=0.5)
    sleeves(ctx, body, sleeve, waves=1.8)
    rib = ctx.cloth.dyed(toned(ctx.cloth.colour, 0.85), "rib")
    cuffs(ctx, body, sleeve, rib if shape == "bomber" else ctx.cloth, 16)
    folds = [] if shape == "puffer" else body_folds(ctx, body, 4)
    c.piece(body.front(), ctx.cloth, Relief(8, 12, 1.8, (80, 28), folds), shadow=0.35)
    {"puffer": quilt, "denim": trucker, "biker": biker}.get(shape, plain_front)(ctx, body)
    if shape == "bomber":
        bottom_rib(ctx, body, rib, 18)
    if shape not in ("denim", "biker"):
        zipper(ctx, spline([(0, body.top + body.drop - 4), (0, body.length + 2)]), width=4)
    jacket_neck(ctx, body, shape, rib)


def jacket_neck(ctx: DrawContext, body: Body, shape: str, rib: Cloth) -> None:
    """Draw the collar that goes with each jacket."""
    if shape == "bomber":
        collar_rib(ctx, body, 10, rib)
    elif shape == "parka":
        hood_front(ctx, body)
    elif shape in ("denim", "field"):
        collar(ctx, replace(body, neck=body.neck))
    elif shape == "puffer":
        n, t = body.neck, body.top
        stand = mirrored(
            [(0, t - 12, 1), (n, t - 14, 0.6), (n + 5, t + 2), (n * 0.7, t + 18, 1), (0, t + 25, 1)]
        )
        ctx.canvas.piece(stand, ctx.cloth.plain(), Relief(7, 7, 1), shadow=0.3)
        zipper(ctx, spline([(0, t - 9), (0, t + 30)]), pull=False, width=4)


def quilt(ctx: DrawContext, body: Body) -> None:
    """Draw horizontal channels of down."""
    c, y = ctx.canvas, body.top + body.drop + 12
    step = ctx.vary(22, 30)
    while y < body.length - 4:
        line = spline([(-95, y), (0, y + 4, 1), (95, y)])
        c.glaze(ribbon(offset_line(line, 5), 10), 0.72, 4, clip=body.front())
        c.glaze(ribbon(offset_line(line, -6), 9), 1.14, 4, clip=body.front())
        c.seam(line, 0.5, clip=body.front())
        y += step


def trucker(ctx: DrawContext, body: Body) -> None:
    """Draw the denim jacket: yoke, V seams, flap pockets, metal buttons."""
    c, y = ctx.canvas, body.armhole - 8
    line = spline([(-body.chest, y), (body.chest, y)])
    c.seam(line, 0.4, clip=body.front())
    c.stitches(offset_line(line, 2), ctx.thread, 0.8, 0.6)
    for x0, x1 in ((16, 9), (46, 26)):
        seam = spline([(x0, y), (x1, body.length)])
        for edge in (seam, flip(seam)):
            c.seam(edge, 0.35)
            c.stitches(offset_line(edge, 2), ctx.thread, 0.8, 0.55)
    for side in (1, -1):
        x = side * 31
        flap = outline([(x - 17, y), (x + 17, y), (x + 17, y + 12), (x, y + 18), (x - 17, y + 12)])
        c.piece(flap, ctx.cloth, Relief(1.8, 2.5, 0), shadow=0.4)
        button(ctx, x, y + 12, 2.3, ctx.metal.colour)
    c.seam(spline([(5, body.top + body.drop), (5, body.length)]), 0.45)
    bottom_band(ctx, body)
    for k in range(6):
        button(
            ctx, 0, body.top + body.drop + 8 + k * (body.length - body.top - body.drop - 12) / 5,
            2.8, ctx.metal.colour,
        )


def bottom_band(ctx: DrawContext, body: Body) -> None:
    upper, lower = body.hem_line(15), body.hem_line(0)
    ctx.canvas.piece(
        np.concatenate([upper, lower[::-1]]), ctx.cloth, Relief(2.4, 3, 0), shadow=0.2,
        clip=body.front(),
    )
    ctx.canvas.stitches(offset_line(upper, 2), ctx.thread, 0.8, 0.5)


def biker(ctx: DrawContext, body: Body) -> None:
    """Draw an asymmetric zip with wide lapels and zipped pockets."""
    c, t, low = ctx.canvas, body.top, body.top + body.drop
    zipper(
        ctx, spline([(-26, low + 34), (-14, (low + body.length) / 2, 1), (6, body.length + 2)]),
        width=4,
    )
    lapel = outline([
        (0, low + 2), (body.neck * 0.9, t + 6, 1), (body.neck + 4, t - 5),
        (body.neck + 26, t + 30), (30, low + 52), (6, low + 22, 0.5),
    ])
    for side in (lapel, flip(lapel)):
        c.piece(side, ctx.cloth, Relief(3.5, 4, 0.4), shadow=0.55)
    for x, y in ((44, body.length - 66), (-46, body.length - 66)):
        zipper(ctx, spline([(x, y), (x + (9 if x > 0 else -9), y + 34)]), width=3.4)
    zipper(ctx, spline([(34, body.armhole + 12), (58, body.armhole + 4)]), pull=False, width=3)
    bottom_band(ctx, body)


def plain_front(ctx: DrawContext, body: Body) -> None:
    """Draw welt pockets, and flaps on field jackets."""
    c, y = ctx.canvas, body.length - 62
    if ctx.cut.get("shape") in ("field", "parka"):
        for side in (1, -1):
            for x, yy, w, h in ((side * 40, body.armhole, 18, 34), (side * 44, y, 22, 42)):
                c.piece(
                    box(x - w, yy, x + w, yy + h, 2), ctx.cloth, Relief(2.5, 3, 0.5), shadow=0.3
                )
                flap = outline([
                    (x - w - 1, yy - 3), (x + w + 1, yy - 3), (x + w + 1, yy + 9), (x, yy + 14),
                    (x - w - 1, yy + 9),
                ])
                c.piece(flap, ctx.cloth, Relief(2, 2.5, 0), shadow=0.4)
        return
    welt = outline([(40, y - 18), (46, y - 20), (60, y + 20), (54, y + 22)])
    for part in (welt, flip(welt)):
        c.piece(part, ctx.cloth, Relief(2, 2, 0), shadow=0.4)


def blazer(ctx: DrawContext) -> None:
    """Draw a tailored jacket with lapels, one or two rows of buttons."""
    body = replace(fitted(ctx, 330), neck=23, drop=102, neck_shape="v", hem_curve=2)
    c, sleeve = ctx.canvas, Sleeve(ctx.vary(196, 206), ctx.vary(10, 12), 16, 3, 2)
    lining = ctx.cloth.dyed(ctx.accents[0], "silk")
    c.piece(body.back(), lining, Relief(3, 8, 0.4), shade=0.5)
    shirt_front(ctx, body)
    sleeves(ctx, body, sleeve, waves=1.0)
    c.piece(
        body.front(), ctx.cloth, Relief(6, 12, 0.9, (110, 34), body_folds(ctx, body, 3, 2)),
        shadow=0.35,
    )
    double = ctx.cut.get("front") == "double-breasted"
    low, edge = body.top + body.drop, 14 if double else 3
    c.seam(
        spline([(-edge, low), (-edge, body.length - 22), (-edge - 10, body.length)]), 0.5,
        clip=body.front(),
    )
    lapels(ctx, body, edge)
    rows = ((-13, 1), (16, 1)) if double else ((0.5, 0),)
    for x, _ in rows:
        for k in range(3 if double else 2):
            button(ctx, x, low + 6 + k * 30, 3.4)
    flap_pockets(ctx, body)


def shirt_front(ctx: DrawContext, body: Body) -> None:
    """Draw the lining and the label at the back of the neck: nothing is worn under the jacket."""
    ctx.canvas.flat(box(-9, body.top + 9, 9, body.top + 16, 1), (0.9, 0.88, 0.84), 0.8)


def lapels(ctx: DrawContext, body: Body, edge: float) -> None:
    """Draw notched lapels and the collar that meets them."""
    c, n, t, low = ctx.canvas, body.neck, body.top, body.top + body.drop
    notch = t + 44
    lapel = outline([
        (-edge if edge < 5 else 2, low + 2), (n * 0.62, t + 36, 0.5), (n + 1, t + 4),
        (n + 14, t + 20), (n + 12, notch - 6), (n + 26, notch - 2), (n + 12, low - 30, 0.8),
    ])
    neck = outline([
        (n * 0.66, t + 34), (n - 3, t - 9, 0.8), (n + 5, t - 6, 0.8), (n + 15, t + 22),
        (n + 11, notch - 9), (n - 1, t + 28),
    ])
    behind = outline(
        [(-n - 2, t), (0, t - 13, 1), (n + 2, t), (n, t + 7), (0, t - 1, 1), (-n, t + 7)]
    )
    c.piece(behind, ctx.cloth, Relief(3, 4, 0), shade=0.9, shadow=0.2)
    for side in (flip(lapel), lapel):
        c.piece(
            side, ctx.cloth, Relief(3.5, 4, 0.3), shadow=0.5, angle=12 if side is lapel else -12
        )
    for side in (neck, flip(neck)):
        c.piece(side, ctx.cloth, Relief(3, 4, 0.2), shadow=0.4)


def flap_pockets(ctx: DrawContext, body: Body) -> None:
    """Draw two flaps at the hip and a welt at the breast."""
    c, y = ctx.canvas, body.length - 74
    for side in (1, -1):
        flap = outline(
            [(side * 30, y), (side * 64, y - 2), (side * 64, y + 12), (side * 30, y + 14)]
        )
        c.piece(flap, ctx.cloth, Relief(2, 2.5, 0), shadow=0.4)
    welt = outline([
        (34, body.armhole + 14), (60, body.armhole + 9), (60, body.armhole + 16),
        (34, body.armhole + 21),
    ])
    c.piece(welt, ctx.cloth, Relief(1.8, 2, 0), shadow=0.35)
