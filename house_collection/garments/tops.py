"""T-shirts, tops, sweaters and sweatshirts."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from dataclasses import replace

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import beside, box, flip, mirrored, moved, outline, ribbon, spline
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


def fitted(job: DrawContext, length: float = 318) -> Body:
    """A body of the wearer's proportions with the neckline of the cut."""
    women, child = job.gender in ("Women", "Girls"), job.gender in ("Boys", "Girls")
    neck, drop, shape = NECKS.get(job.cut.get("neck", "crew"), NECKS["crew"])
    ease = {"slim": -5, "regular": 0, "relaxed": 5, "boxy": 7}[job.cut.get("fit", "regular")]
    chest = (75 if women else 85) + ease + job.vary(-2, 2)
    waist = chest - (9 if women and ease < 5 else 2) + job.vary(-2, 2)
    shoulder = chest - (11 if women else 8) + max(0, ease) * 0.4
    if child:
        length, chest, waist = length - 34, chest + 1, chest
    return Body(
        top=62 + job.vary(-3, 3), neck=neck + job.vary(-1.5, 1.5), drop=drop + job.vary(-2, 3),
        shoulder=shoulder, slope=job.vary(12, 17), chest=chest, armhole=134 + job.vary(-4, 6),
        waist=waist, waist_at=225 + job.vary(-10, 10), hem=chest + job.vary(-2, 4),
        length=length + job.vary(-8, 8), hem_curve=job.vary(2, 6), neck_shape=shape,
    )


def sleeve_of(job: DrawContext, body: Body) -> Sleeve | None:
    """The sleeve that the cut names."""
    kind = job.cut.get("sleeve", "short")
    if kind == "none":
        return None
    if kind == "cap":
        return Sleeve(job.vary(22, 28), 38, 17)
    if kind == "short":
        return Sleeve(job.vary(62, 74), job.vary(24, 31), job.vary(22, 26))
    if kind == "three-quarter":
        return Sleeve(job.vary(130, 142), job.vary(15, 19), job.vary(17, 19), 3, 2)
    return Sleeve(job.vary(192, 206), job.vary(11, 15), job.vary(13, 15), 4, 3)


def lay(
    job: DrawContext, body: Body, folds: int = 5, waves: float = 1.3, depth: float = 7
) -> Sleeve | None:
    """Back, sleeves and front, without trimmings; returns the sleeve."""
    c, sleeve = job.canvas, sleeve_of(job, body)
    c.piece(body.back(), job.cloth.plain(), Relief(3, 8, 0.5), shade=0.62)
    if sleeve:
        cloth = job.cloth
        if job.cut.get("detail") == "raglan contrast":
            cloth = job.cloth.dyed(job.accents[0])
        sleeves(job, body, sleeve, cloth, waves)
    relief = Relief(depth, 12, waves, (95, 30), body_folds(job, body, folds))
    c.piece(body.front(), job.cloth, relief, shadow=0.3)
    return sleeve


def hems(job: DrawContext, body: Body, up: float = 7) -> None:
    """Twin needle stitching at the hem."""
    for rise in (up, up + 2.2):
        job.canvas.glaze(ribbon(body.hem_line(rise), 0.8), 0.82, 0, clip=body.front())


def tshirt(job: DrawContext) -> None:
    """A jersey T-shirt; crew, V, scoop, henley or polo."""
    body = fitted(job)
    lay(job, body)
    hems(job, body)
    neck = job.cut.get("neck", "crew")
    trim = job.cut.get("detail")
    rib = job.cloth.dyed(job.accents[0] if trim == "ringer" else job.cloth.colour, "rib")
    if neck == "polo":
        placket(job, body, 46, 3)
        polo_collar(job, body, rib)
    else:
        collar_rib(job, body, job.vary(5, 7), rib)
    if neck == "henley":
        placket(job, body, 52, 3)
    if trim == "pocket":
        chest_pocket(job, body)
    if trim == "lettering":
        lettering(job, body)
    if trim == "chest stripe":
        chest_stripe(job, body)


def placket(job: DrawContext, body: Body, length: float, buttons: int, width: float = 9) -> None:
    """A buttoned slit below the neck."""
    c, top = job.canvas, body.top + body.drop - 2
    c.piece(box(-width / 2, top, width / 2, top + length), job.cloth, Relief(1.6, 2, 0))
    for x in (-width / 2, width / 2):
        c.seam(spline([(x, top), (x, top + length)]), 0.22)
    for k in range(buttons):
        button(job, 0, top + 7 + k * (length - 12) / max(1, buttons - 1), 2.3)


def polo_collar(
    job: DrawContext, body: Body, cloth: Cloth, fall: float = 24, point: float = 15
) -> None:
    """A turned-down collar, open at the front."""
    c, n, t = job.canvas, body.neck, body.top
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


def chest_pocket(job: DrawContext, body: Body) -> None:
    """A patch pocket on the wearer's left."""
    c, x, y = job.canvas, body.chest * 0.46, body.armhole - 6
    w, h = job.vary(12, 15), job.vary(30, 36)
    shape = outline([(x - w, y), (x + w, y), (x + w, y + h - 5), (x, y + h), (x - w, y + h - 5)])
    contrast = job.cut.get("pocket") == "contrast"
    cloth = job.cloth.dyed(job.accents[0]) if contrast else job.cloth
    c.piece(shape, cloth, Relief(1.6, 2.5, 0.5), shadow=0.3)
    c.stitches(spline([(x - w + 1, y + 4), (x + w - 1, y + 4)]), job.thread, 0.7, 0.6)


def lettering(job: DrawContext, body: Body) -> None:
    """A word across the chest."""
    ink = job.accents[0]
    words = job.cut.get("words", "NORTH")
    job.canvas.text(words, (0, body.armhole + job.vary(10, 24)), body.chest * 1.25, ink)


def chest_stripe(job: DrawContext, body: Body) -> None:
    """One or two broad bands across the chest."""
    y = body.armhole + job.vary(4, 20)
    for k, (height, gap) in enumerate(((job.vary(14, 24), 0), (4, 30))):
        line = spline([(-90, y + gap + k * 4), (0, y + gap + k * 4 + 2, 1), (90, y + gap + k * 4)])
        job.canvas.flat(
            ribbon(line, height), job.accents[k % len(job.accents)], 0.92, clip=body.front()
        )


def top(job: DrawContext) -> None:
    """A woman's blouse or shell top."""
    body = fitted(job, 300)
    flare = {"peplum": 16, "swing": 14}.get(job.cut.get("shape", ""), 3)
    body = replace(body, hem=body.hem + flare, hem_curve=body.hem_curve + flare * 0.4)
    if job.cut.get("strap") == "camisole":
        camisole(job, body)
        return
    lay(job, body, 7, 1.6)
    c = job.canvas
    c.seam(beside(body.neck_line(), -2.6), 0.22, clip=body.front())
    hems(job, body, 5)
    if job.cut.get("detail") == "buttons":
        low = body.top + body.drop
        c.seam(spline([(0, low), (0, body.length + 3)]), 0.2, clip=body.front())
        for k in range(6):
            button(job, 1.5, low + 8 + k * (body.length - low - 22) / 5, 2)
    if job.cut.get("detail") == "tie neck":
        bow(job, 0, body.top + body.drop, 15)


def camisole(job: DrawContext, body: Body) -> None:
    """Thin straps over a bare shoulder."""
    c, chest, y = job.canvas, body.chest - 4, body.armhole - 22
    strap = chest * 0.55
    cup = [(0, y + 18), (strap * 0.6, y + 4, 1), (strap, y - 8), (chest - 3, y + 26, 1)]
    rest = [
        (chest, y + 34), (body.waist, body.waist_at, 1), (body.hem, body.length),
        (0, body.length + 5, 1),
    ]
    back = mirrored([(0, y + 22, 1), (chest * 0.8, y + 26, 1), *rest])
    c.piece(back, job.cloth.plain(), Relief(3, 8, 0.5), shade=0.62)
    for side in (1, -1):
        line = spline(
            [(side * strap, y - 6), (side * strap * 0.93, y - 45, 1), (side * strap * 0.8, y - 72)]
        )
        c.piece(ribbon(line, 3), job.cloth.plain(), Relief(1.4, 1.4, 0))
    folds = body_folds(job, body, 8, 2)
    c.piece(mirrored([*cup, *rest]), job.cloth, Relief(7, 12, 1.8, (95, 22), folds))


def bow(job: DrawContext, x: float, y: float, size: float) -> None:
    """A tied bow with two tails."""
    c = job.canvas
    tail = outline([
        (0, 0), (size * 0.3, size, 1), (size * 0.4, size * 2.6), (size * 0.9, size * 2.4),
        (size * 0.5, size, 1), (2, 0),
    ])
    loop = outline([
        (0, -2), (size * 0.8, -size * 0.7, 1), (size * 1.7, -size * 0.5, 1),
        (size * 1.75, size * 0.35, 1), (size * 0.9, size * 0.5, 1), (0, 3),
    ])
    for part in (tail, flip(tail), loop, flip(loop)):
        c.piece(moved(part, x, y), job.cloth, Relief(3, 4, 0.6), shadow=0.35)
    c.piece(box(x - 3, y - 4, x + 3, y + 4, 2), job.cloth, Relief(2.5, 3, 0), shadow=0.4)
