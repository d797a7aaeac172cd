"""T-shirts, tops, sweaters and sweatshirts."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from dataclasses import replace

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import box, flip, mirrored, offset_line, outline, ribbon, spline, translated
from .body import Body, Sleeve, body_folds, collar_rib, sleeves
from .draw_context import DrawContext, button

NECKS = {
    "crew": (25, 23, "round"),
    "scoop": (33, 46, "round"),
    "v-neck": (25, 48, "v"),
    "boat": (44, 15, "boat"),
    "square": (36, 40, "square"),
    "henley": (25, 22, "round"),
    "polo": (22, 20, "round"),
    "turtle": (23, 9, "round"),
    "hood": (25, 24, "round"),
    "zip": (25, 22, "round"),
}


def fitted(ctx: DrawContext, length: float = 318) -> Body:
    """A body of the wearer's proportions with the neckline of the cut."""
    women, child = ctx.gender in ("Women", "Girls"), ctx.gender in ("Boys", "Girls")
    neck, drop, shape = NECKS.get(ctx.cut.get("neck", "crew"), NECKS["crew"])
    ease = {"slim": -5, "regular": 0, "relaxed": 5, "boxy": 7}[ctx.cut.get("fit", "regular")]
    chest = (75 if women else 85) + ease + ctx.vary(-2, 2)
    waist = chest - (9 if women and ease < 5 else 2) + ctx.vary(-2, 2)
    shoulder = chest - (11 if women else 8) + max(0, ease) * 0.4
    if child:
        length, chest, waist = length - 34, chest + 1, chest
    return Body(
        top=62 + ctx.vary(-3, 3), neck=neck + ctx.vary(-1.5, 1.5), drop=drop + ctx.vary(-2, 3),
        shoulder=shoulder, slope=ctx.vary(12, 17), chest=chest, armhole=134 + ctx.vary(-4, 6),
        waist=waist, waist_at=225 + ctx.vary(-10, 10), hem=chest + ctx.vary(-2, 4),
        length=length + ctx.vary(-8, 8), hem_curve=ctx.vary(2, 6), neck_shape=shape,
    )


def sleeve_of(ctx: DrawContext, body: Body) -> Sleeve | None:
    """The sleeve that the cut names."""
    length = ctx.cut.get("sleeve", "short")
    if length == "none":
        return None
    if length == "cap":
        return Sleeve(ctx.vary(22, 28), 38, 17)
    if length == "short":
        return Sleeve(ctx.vary(62, 74), ctx.vary(24, 31), ctx.vary(22, 26))
    if length == "three-quarter":
        return Sleeve(ctx.vary(130, 142), ctx.vary(15, 19), ctx.vary(17, 19), 3, 2)
    return Sleeve(ctx.vary(192, 206), ctx.vary(11, 15), ctx.vary(13, 15), 4, 3)


def lay(
    ctx: DrawContext, body: Body, folds: int = 5, waves: float = 1.3, depth: float = 7
) -> Sleeve | None:
    """Draw back, sleeves and front without trimmings; return the sleeve, None if there is none."""
    c, sleeve = ctx.canvas, sleeve_of(ctx, body)
    c.piece(body.back(), ctx.cloth.plain(), Relief(3, 8, 0.5), shade=0.62)
    if sleeve:
        cloth = ctx.cloth
        if ctx.cut.get("detail") == "raglan contrast":
            cloth = ctx.cloth.dyed(ctx.accents[0])
        sleeves(ctx, body, sleeve, cloth, waves)
    relief = Relief(depth, 12, waves, (95, 30), body_folds(ctx, body, folds))
    c.piece(body.front(), ctx.cloth, relief, shadow=0.3)
    return sleeve


def hems(ctx: DrawContext, body: Body, up: float = 7) -> None:
    """Draw twin needle stitching at the hem."""
    for rise in (up, up + 2.2):
        ctx.canvas.glaze(ribbon(body.hem_line(rise), 0.8), 0.82, 0, clip=body.front())


def tshirt(ctx: DrawContext) -> None:
    """Draw a jersey T-shirt; crew, V, scoop, henley or polo."""
    body = fitted(ctx)
    lay(ctx, body)
    hems(ctx, body)
    neck = ctx.cut.get("neck", "crew")
    trim = ctx.cut.get("detail")
    rib = ctx.cloth.dyed(ctx.accents[0] if trim == "ringer" else ctx.cloth.colour, "rib")
    if neck == "polo":
        placket(ctx, body, 46, 3)
        polo_collar(ctx, body, rib)
    else:
        collar_rib(ctx, body, ctx.vary(5, 7), rib)
    if neck == "henley":
        placket(ctx, body, 52, 3)
    if trim == "pocket":
        chest_pocket(ctx, body)
    if trim == "lettering":
        lettering(ctx, body)
    if trim == "chest stripe":
        chest_stripe(ctx, body)


def placket(ctx: DrawContext, body: Body, length: float, buttons: int, width: float = 9) -> None:
    """Draw a buttoned slit below the neck."""
    c, top = ctx.canvas, body.top + body.drop - 2
    c.piece(box(-width / 2, top, width / 2, top + length), ctx.cloth, Relief(1.6, 2, 0))
    for x in (-width / 2, width / 2):
        c.seam(spline([(x, top), (x, top + length)]), 0.22)
    for k in range(buttons):
        button(ctx, 0, top + 7 + k * (length - 12) / max(1, buttons - 1), 2.3)


def polo_collar(
    ctx: DrawContext, body: Body, cloth: Cloth, fall: float = 24, point: float = 15
) -> None:
    """Draw a turned-down collar, open at the front."""
    c, n, t = ctx.canvas, body.neck, body.top
    behind = [
        (-n - 3, t - 2), (0, t - 10, 1), (n + 3, t - 2), (n, t + 8), (0, t + 1, 1), (-n, t + 8),
    ]
    c.piece(outline(behind), cloth, Relief(3, 4, 0), shade=0.86, shadow=0.2)
    low = body.top + body.drop
    leaf = outline([
        (1.5, low), (n * 0.78, t + 10, 1), (n - 1, t - 6), (n + 8, t + 4, 1),
        (n + 6, t + fall * 0.7, 1), (point, low + fall * 0.62), (2.5, low + 3),
    ])
    for side in (leaf, flip(leaf)):
        c.piece(side, cloth, Relief(3.5, 4, 0.3), shadow=0.45)


def chest_pocket(ctx: DrawContext, body: Body) -> None:
    """Draw a patch pocket on the wearer's left."""
    c, x, y = ctx.canvas, body.chest * 0.46, body.armhole - 6
    w, h = ctx.vary(12, 15), ctx.vary(30, 36)
    shape = outline([(x - w, y), (x + w, y), (x + w, y + h - 5), (x, y + h), (x - w, y + h - 5)])
    contrast = ctx.cut.get("pocket") == "contrast"
    cloth = ctx.cloth.dyed(ctx.accents[0]) if contrast else ctx.cloth
    c.piece(shape, cloth, Relief(1.6, 2.5, 0.5), shadow=0.3)
    c.stitches(spline([(x - w + 1, y + 4), (x + w - 1, y + 4)]), ctx.thread, 0.7, 0.6)


def lettering(ctx: DrawContext, body: Body) -> None:
    """Draw a word across the chest."""
    ink = ctx.accents[0]
    words = ctx.cut.get("words", "NORTH")
    ctx.canvas.text(words, (0, body.armhole + ctx.vary(10, 24)), body.chest * 1.25, ink)


def chest_stripe(ctx: DrawContext, body: Body) -> None:
    """Draw one or two broad bands across the chest."""
    y = body.armhole + ctx.vary(4, 20)
    for k, (height, gap) in enumerate(((ctx.vary(14, 24), 0), (4, 30))):
        line = spline([(-90, y + gap + k * 4), (0, y + gap + k * 4 + 2, 1), (90, y + gap + k * 4)])
        ctx.canvas.flat(
            ribbon(line, height), ctx.accents[k % len(ctx.accents)], 0.92, clip=body.front()
        )


def top(ctx: DrawContext) -> None:
    """Draw a woman's blouse or shell top."""
    body = fitted(ctx, 300)
    flare = {"peplum": 16, "swing": 14}.get(ctx.cut.get("shape", ""), 3)
    body = replace(body, hem=body.hem + flare, hem_curve=body.hem_curve + flare * 0.4)
    if ctx.cut.get("strap") == "camisole":
        camisole(ctx, body)
        return
    lay(ctx, body, 7, 1.6)
    c = ctx.canvas
    c.seam(offset_line(body.neck_line(), -2.6), 0.22, clip=body.front())
    hems(ctx, body, 5)
    if ctx.cut.get("detail") == "buttons":
        low = body.top + body.drop
        c.seam(spline([(0, low), (0, body.length + 3)]), 0.2, clip=body.front())
        for k in range(6):
            button(ctx, 1.5, low + 8 + k * (body.length - low - 22) / 5, 2)
    if ctx.cut.get("detail") == "tie neck":
        bow(ctx, 0, body.top + body.drop, 15)


def camisole(ctx: DrawContext, body: Body) -> None:
    """Draw thin straps over a bare shoulder."""
    c, chest, y = ctx.canvas, body.chest - 4, body.armhole - 22
    strap = chest * 0.55
    cup = [(0, y + 18), (strap * 0.6, y + 4, 1), (strap, y - 8), (chest - 3, y + 26, 1)]
    rest = [
        (chest, y + 34), (body.waist, body.waist_at, 1), (body.hem, body.length),
        (0, body.length + 5, 1),
    ]
    back = mirrored([(0, y + 22, 1), (chest * 0.8, y + 26, 1), *rest])
    c.piece(back, ctx.cloth.plain(), Relief(3, 8, 0.5), shade=0.62)
    for side in (1, -1):
        line = spline(
            [(side * strap, y - 6), (side * strap * 0.93, y - 45, 1), (side * strap * 0.8, y - 72)]
        )
        c.piece(ribbon(line, 3), ctx.cloth.plain(), Relief(1.4, 1.4, 0))
    folds = body_folds(ctx, body, 8, 2)
    c.piece(mirrored([*cup, *rest]), ctx.cloth, Relief(7, 12, 1.8, (95, 22), folds))


def bow(ctx: DrawContext, x: float, y: float, size: float) -> None:
    """Draw a tied bow with two tails."""
    c = ctx.canvas
    tail = outline([
        (0, 0), (size * 0.3, size, 1), (size * 0.4, size * 2.6), (size * 0.9, size * 2.4),
        (size * 0.5, size, 1), (2, 0),
    ])
    loop = outline([
        (0, -2), (size * 0.8, -size * 0.7, 1), (size * 1.7, -size * 0.5, 1),
        (size * 1.75, size * 0.35, 1), (size * 0.9, size * 0.5, 1), (0, 3),
    ])
    for part in (tail, flip(tail), loop, flip(loop)):
        c.piece(translated(part, x, y), ctx.cloth, Relief(3, 4, 0.6), shadow=0.35)
    c.piece(box(x - 3, y - 4, x + 3, y + 4, 2), ctx.cloth, Relief(2.5, 3, 0), shadow=0.4)
