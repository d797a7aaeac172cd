"""Dresses and kurtas."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from dataclasses import replace

from ..canvas import Fold, Relief
from ..curves import flip, mirrored, offset_line, ribbon, spline
from .body import Body, body_folds, sleeves
from .draw_context import DrawContext, button, creases, drape
from .shirts import collar
from .tops import NECKS, bow, placket, sleeve_of

LENGTHS = {"mini": 290, "knee": 338, "midi": 368, "maxi": 376}


def bodice(ctx: DrawContext) -> Body:
    """The body of a dress, down to the hem in one."""
    neck, drop, shape = NECKS.get(ctx.cut.get("neck", "scoop"), NECKS["scoop"])
    chest, flare = (
        58 + ctx.vary(-2, 3),
        {
            "sheath": 56,
            "a-line": 92,
            "fit and flare": 112,
            "shirt": 74,
            "shift": 72,
            "slip": 70,
        }[ctx.cut.get("shape", "a-line")],
    )
    shape_ = ctx.cut.get("shape", "a-line")
    waist = chest - (2 if shape_ in ("shift", "shirt") else 12)
    return Body(
        top=34 + ctx.vary(-2, 3), neck=neck * 0.88, drop=drop * 0.9, shoulder=chest - 9, slope=12,
        chest=chest, armhole=96 + ctx.vary(-3, 4), waist=waist, waist_at=158 + ctx.vary(-5, 5),
        hem=flare + ctx.vary(-5, 5),
        length=LENGTHS[ctx.cut.get("length", "knee")] + ctx.vary(-6, 6),
        hem_curve=4 if shape_ in ("sheath", "shift") else 11, neck_shape=shape,
    )


def silhouette(body: Body, shape: str) -> list:
    """The right side from the shoulder to the hem, with the hip that a dress needs."""
    hip_at = body.waist_at + 55
    hip = {"sheath": body.chest + 5, "fit and flare": body.waist + 34}.get(
        shape, body.waist + (body.hem - body.waist) * 0.38
    )
    return [
        (body.shoulder, body.top + body.slope),
        (body.chest - 7, (body.top + body.slope + body.armhole) / 2 + 5, 1),
        (body.chest, body.armhole), (body.waist, body.waist_at, 1), (hip, hip_at, 1),
        (body.hem, body.length), (body.hem * 0.5, body.length + body.hem_curve * 0.8, 1),
        (0, body.length + body.hem_curve, 1),
    ]


def dress(ctx: DrawContext) -> None:
    """Draw a sheath, A-line, fit and flare, shirt, shift or slip dress."""
    c, shape = ctx.canvas, ctx.cut.get("shape", "a-line")
    body = bodice(ctx)
    side = silhouette(body, shape)
    if shape == "slip":
        slip(ctx, body, side)
        return
    sleeve = sleeve_of(ctx, body)
    if sleeve:
        sleeve = replace(sleeve, length=sleeve.length * 0.74, cuff=sleeve.cuff * 0.82)
    c.piece(body.back(), ctx.cloth.plain(), Relief(3, 8, 0.4), shade=0.62)
    if sleeve:
        sleeves(ctx, body, sleeve, waves=1.3)
    front = mirrored([*body.neckline(), *side])
    c.piece(
        front, ctx.cloth, Relief(6, 12, 1.3, (110, 24), dress_folds(ctx, body, shape)), shadow=0.3
    )
    c.seam(offset_line(body.neck_line(), -2.6), 0.22, clip=front)
    details(ctx, body, shape, front)


def dress_folds(ctx: DrawContext, body: Body, shape: str) -> list[Fold]:
    """Flowing folds below the waist, pulls above it."""
    count = {"sheath": 2, "fit and flare": 13, "a-line": 9}.get(shape, 6)
    folds = drape(ctx, -body.hem * 0.9, body.hem * 0.9, body.waist_at + 12, body.length, count)
    for side in (1, -1):
        folds += creases(
            ctx, (side * body.chest, body.armhole), (side * 14, body.waist_at - 6), 3, 0.8
        )
    return folds


def details(ctx: DrawContext, body: Body, shape: str, front) -> None:  # noqa: ANN001
    """Draw the waist seam or belt, placket, tiers, ties."""
    c, y, low = ctx.canvas, body.waist_at, body.top + body.drop
    waist = spline([(-body.waist - 3, y), (0, y + 3, 1), (body.waist + 3, y)])
    if shape == "fit and flare":
        c.seam(waist, 0.4, clip=front)
        for k in range(-5, 6):
            x = body.waist * k / 5.6
            c.glaze(ribbon(spline([(x, y + 3), (x * 1.25, y + 34)]), 2.4), 0.8, 1.6, clip=front)
    if ctx.cut.get("detail") == "belt":
        belt = ctx.cloth.dyed(ctx.accents[0]) if shape != "shirt" else ctx.cloth
        c.piece(ribbon(waist, 10), belt, Relief(3, 4, 0.4), shadow=0.35, clip=front)
        bow(ctx, 6, y + 2, 10)
    if shape == "shirt" or ctx.cut.get("detail") == "buttons":
        c.seam(spline([(0, low), (0, body.length + 9)]), 0.3, clip=front)
        for k in range(9):
            button(ctx, 1, low + 8 + k * (body.length - low - 26) / 8, 2.1)
    if shape == "shirt":
        collar(ctx, replace(body, drop=max(12, body.drop * 0.8)))
    if ctx.cut.get("detail") == "tiers":
        for t in (0.35, 0.68):
            level = y + (body.length - y) * t
            line = spline([(-130, level), (0, level + 9, 1), (130, level)])
            c.glaze(ribbon(offset_line(line, 4), 8), 0.78, 3, clip=front)
            c.seam(line, 0.45, clip=front)
    c.glaze(ribbon(body.hem_line(6), 0.9), 0.8, 0, clip=front)


def slip(ctx: DrawContext, body: Body, side: list) -> None:
    """Draw a slip dress on thin straps."""
    c, y, chest = ctx.canvas, body.armhole - 24, body.chest - 3
    strap = chest * 0.6
    rest = [(chest, y + 30), *side[3:]]
    c.piece(
        mirrored([(0, y + 20, 1), (chest * 0.8, y + 24, 1), *rest]), ctx.cloth.plain(),
        Relief(3, 8, 0.4), shade=0.62,
    )
    for s in (1, -1):
        line = spline(
            [(s * strap, y - 4), (s * strap * 0.92, y - 32, 1), (s * strap * 0.8, y - 54)]
        )
        c.piece(ribbon(line, 2.6), ctx.cloth.plain(), Relief(1.3, 1.3, 0))
    cup = [(0, y + 17), (strap * 0.6, y + 4, 1), (strap, y - 8), (chest - 3, y + 22, 1)]
    folds = drape(ctx, -body.hem * 0.9, body.hem * 0.9, body.armhole + 20, body.length, 9)
    c.piece(mirrored([*cup, *rest]), ctx.cloth, Relief(6, 12, 1.6, (110, 22), folds))


def kurta(ctx: DrawContext) -> None:
    """Draw a long straight tunic with a band collar, a short placket and side slits."""
    women = ctx.gender in ("Women", "Girls")
    chest = (62 if women else 68) + ctx.vary(-2, 2)
    body = Body(
        top=44, neck=20, drop=20, shoulder=chest - 7, slope=14, chest=chest, armhole=112,
        waist=chest - (7 if women else 1), waist_at=190, hem=chest + ctx.vary(8, 16),
        length=(352 if women else 338) + ctx.vary(-8, 8), hem_curve=3,
    )
    c, sleeve = ctx.canvas, sleeve_of(ctx, body)
    c.piece(body.back(), ctx.cloth.plain(), Relief(3, 8, 0.4), shade=0.62)
    if sleeve:
        sleeves(ctx, body, sleeve, waves=1.3)
    c.piece(
        body.front(), ctx.cloth, Relief(6, 12, 1.3, (110, 26), body_folds(ctx, body, 6)), shadow=0.3
    )
    placket(ctx, body, 84, 5, 11)
    trim = ctx.cloth.dyed(ctx.accents[0], "silk")
    if ctx.cut.get("detail") == "embroidered yoke":
        for gap, width in ((0, 5), (7, 1.4)):
            line = spline([
                (9 + gap, body.top + 24), (9 + gap, body.top + 108 + gap),
                (0, body.top + 118 + gap),
            ])
            for edge in (line, flip(line)):
                c.piece(ribbon(edge, width), trim, Relief(1.2, 1.2, 0), shadow=0.2)
        c.piece(
            ribbon(body.hem_line(9), 6), trim, Relief(1.2, 1.5, 0), shadow=0.2, clip=body.front()
        )
    for side in (1, -1):
        slit = spline(
            [(side * (body.hem - 2), body.length), (side * (body.waist + 3), body.length - 86)]
        )
        c.glaze(ribbon(slit, 2), 0.6, 0.8, clip=body.front())
    collar(replace(ctx, cut={**ctx.cut, "collar": "band"}), body)
