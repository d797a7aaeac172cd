"""Sweaters, cardigans, sweatshirts and hoodies."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import box, flip, mirrored, offset_line, outline, ribbon, spline
from .body import Body, collar_rib, cuffs
from .draw_context import DrawContext, button, luma, toned, zipper
from .tops import fitted, lay, lettering


def sweater(ctx: DrawContext) -> None:
    """Draw knitwear with ribbed edges; crew, V or turtle neck, or a cardigan."""
    body = fitted(ctx, 318)
    body = replace(body, hem=body.hem - 5)
    sleeve = lay(ctx, body, 4, 1.7, 9)
    rib = ctx.cloth.dyed(
        ctx.accents[0] if ctx.cut.get("detail") == "tipped" else ctx.cloth.colour, "rib"
    )
    bottom_rib(ctx, body, rib, 17)
    cuffs(ctx, body, sleeve, rib, ctx.vary(14, 20))
    if ctx.cut.get("front") == "cardigan":
        opening(ctx, body, rib)
    elif ctx.cut.get("neck") == "turtle":
        turtle(ctx, body, rib)
    else:
        collar_rib(ctx, body, ctx.vary(8, 11), rib)
    if ctx.cut.get("detail") == "cables":
        cables(ctx, body)


def bottom_rib(ctx: DrawContext, body: Body, cloth: Cloth, height: float) -> None:
    """Draw the welt at the hem."""
    lower, upper = body.hem_line(0), body.hem_line(height)
    band = np.concatenate([upper, lower[::-1]])
    ctx.canvas.piece(band, cloth, Relief(4, 6, 0.6), shadow=0, clip=body.front())
    ctx.canvas.seam(upper, 0.22, clip=body.front())


def turtle(ctx: DrawContext, body: Body, cloth: Cloth) -> None:
    """Draw a folded high collar."""
    n, t = body.neck, body.top
    shape = mirrored([
        (0, t - 20, 1), (n * 0.92, t - 18), (n + 2, t + 2, 1), (n * 0.8, t + 11, 1),
        (0, t + 17, 1),
    ])
    ctx.canvas.piece(shape, cloth, Relief(6, 8, 0.6), shadow=0.35)
    ctx.canvas.glaze(
        mirrored([(0, t - 21), (n * 0.85, t - 19), (n * 0.5, t - 15, 1), (0, t - 14, 1)]), 0.6, 1.2
    )


def opening(ctx: DrawContext, body: Body, cloth: Cloth) -> None:
    """Draw a buttoned cardigan front following the V neck."""
    c = ctx.canvas
    low = body.top + body.drop
    collar_rib(ctx, body, 8, cloth)
    c.piece(box(-5, low - 2, 5, body.length + 2), cloth, Relief(2, 3, 0), shadow=0.3)
    count = 5
    for k in range(count):
        button(ctx, 0, low + 8 + k * (body.length - low - 18) / (count - 1), 3.2)


def cables(ctx: DrawContext, body: Body) -> None:
    """Draw twisted cables down the front."""
    c, top, low = ctx.canvas, body.top + body.drop + 14, body.length - 22
    y = np.linspace(top, low, 90)
    for x in (-34, -12, 12, 34):
        start = top if abs(x) < 20 else top - 8
        yy = np.clip(y, start, None)
        for phase in (0, np.pi):
            line = np.stack([x + 4.5 * np.sin((yy - top) / 8 + phase), yy], 1)
            c.piece(
                ribbon(line, 5), ctx.cloth.plain(), Relief(2.4, 2.4, 0), shadow=0.28,
                clip=body.front(),
            )


def sweatshirt(ctx: DrawContext) -> None:
    """Draw fleece with ribbed edges: crew neck, hood or zip."""
    hooded = ctx.cut.get("neck") in ("hood", "zip")
    with ctx.canvas.at(0, 9 if hooded else 0, 0.94 if hooded else 1.0):
        fleece(ctx)


def fleece(ctx: DrawContext) -> None:
    """Draw the sweatshirt."""
    body = fitted(ctx, 312)
    body = replace(body, hem=body.chest - 9)
    neck = ctx.cut.get("neck", "crew")
    if neck in ("hood", "zip"):
        hood_back(ctx, body)
    sleeve = lay(ctx, body, 4, 1.7, 10)
    rib = ctx.cloth.dyed(
        ctx.accents[0] if ctx.cut.get("detail") == "tipped" else ctx.cloth.colour, "rib"
    )
    bottom_rib(ctx, body, rib, 19)
    cuffs(ctx, body, sleeve, rib, 18)
    if neck == "zip":
        zipper(ctx, spline([(0, body.top + body.drop - 2), (0, body.length + 2)]))
    if neck == "crew":
        collar_rib(ctx, body, 9, rib)
    else:
        hood_front(ctx, body)
    if neck == "hood" or ctx.cut.get("detail") == "pouch":
        pouch(ctx, body, split=neck == "zip")
    if ctx.cut.get("detail") == "lettering":
        lettering(ctx, body)


def hood_back(ctx: DrawContext, body: Body) -> None:
    """Draw the hood lying behind the neck."""
    n, t = body.neck, body.top
    shape = mirrored(
        [(0, t - 34, 1), (n * 0.9, t - 30, 1), (n + 13, t - 6, 1), (n + 12, t + 14), (0, t + 30, 1)]
    )
    ctx.canvas.piece(shape, ctx.cloth.plain(), Relief(9, 12, 1.2), shade=0.95)
    inner = mirrored(
        [(0, t - 22, 1), (n * 0.8, t - 17, 1), (n + 2, t + 4, 1), (n - 6, t + 20), (0, t + 30, 1)]
    )
    ctx.canvas.piece(inner, ctx.cloth.plain(), Relief(3, 8, 0.6, hollow=4), shade=0.6, shadow=0.3)


def hood_front(ctx: DrawContext, body: Body) -> None:
    """Draw the hood's edges meeting at the throat, with cords."""
    c, n, t, low = ctx.canvas, body.neck, body.top, body.top + body.drop
    edge = outline([
        (0, low + 9), (n * 0.66, t + 13, 1), (n - 3, t - 12, 1), (n + 9, t - 14, 1),
        (n + 13, t + 6, 1), (n * 0.8, low + 4, 1), (1, low + 19),
    ])
    for side in (edge, flip(edge)):
        c.piece(side, ctx.cloth.plain(), Relief(5, 5, 0.5), shadow=0.35)
    cord = (
        ctx.accents[0]
        if ctx.cut.get("detail") == "tipped"
        else toned(ctx.cloth.colour, 0.85 if luma(ctx.cloth.colour) > 0.4 else 1.7)
    )
    for x, drop in ((-7, ctx.vary(38, 52)), (8, ctx.vary(38, 52))):
        line = spline([(x, low + 6), (x * 1.2, low + drop * 0.5, 1), (x * 1.1, low + drop)])
        c.piece(ribbon(line, 2.2), Cloth(cord, "canvas"), Relief(1.3, 1.2, 0), shadow=0.4)


def pouch(ctx: DrawContext, body: Body, split: bool) -> None:
    """Draw the kangaroo pocket."""
    y = body.length - 19
    half, top_half, high = body.hem * 0.62, body.hem * 0.38, 58
    shape = mirrored(
        [(0, y - high), (top_half, y - high), (half, y - high * 0.38, 0.6), (half, y), (0, y + 2)]
    )
    ctx.canvas.piece(shape, ctx.cloth, Relief(2.5, 3, 0.8), shadow=0.25)
    for side in (1, -1):
        line = spline(
            [(side * (top_half + 1), y - high + 1), (side * (half - 1), y - high * 0.38, 0.6)]
        )
        ctx.canvas.stitches(offset_line(line, side * 3), ctx.thread, 0.7, 0.5)
    if split:
        zipper(ctx, spline([(0, body.top + body.drop + 3), (0, body.length + 2)]))
