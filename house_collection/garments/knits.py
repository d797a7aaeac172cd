"""Sweaters, cardigans, sweatshirts and hoodies."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..canvas import Relief
from ..cloth import Cloth
from ..curves import beside, box, flip, mirrored, outline, ribbon, spline
from .body import Body, collar_rib, cuffs
from .draw_context import DrawContext, button, luma, towards, zipper
from .tops import fitted, lay, lettering


def sweater(job: DrawContext) -> None:
    """Knitwear with ribbed edges; crew, V or turtle neck, or a cardigan."""
    body = fitted(job, 318)
    body = replace(body, hem=body.hem - 5)
    sleeve = lay(job, body, 4, 1.7, 9)
    rib = job.cloth.dyed(
        job.accents[0] if job.cut.get("detail") == "tipped" else job.cloth.colour, "rib"
    )
    bottom_rib(job, body, rib, 17)
    cuffs(job, body, sleeve, rib, job.vary(14, 20))
    if job.cut.get("front") == "cardigan":
        opening(job, body, rib)
    elif job.cut.get("neck") == "turtle":
        turtle(job, body, rib)
    else:
        collar_rib(job, body, job.vary(8, 11), rib)
    if job.cut.get("detail") == "cables":
        cables(job, body)


def bottom_rib(job: DrawContext, body: Body, cloth: Cloth, height: float) -> None:
    """The welt at the hem."""
    lower, upper = body.hem_line(0), body.hem_line(height)
    band = np.concatenate([upper, lower[::-1]])
    job.canvas.piece(band, cloth, Relief(4, 6, 0.6), shadow=0, clip=body.front())
    job.canvas.seam(upper, 0.22, clip=body.front())


def turtle(job: DrawContext, body: Body, cloth: Cloth) -> None:
    """A folded high collar."""
    n, t = body.neck, body.top
    shape = mirrored([
        (0, t - 20, 1), (n * 0.92, t - 18), (n + 2, t + 2, 1), (n * 0.8, t + 11, 1),
        (0, t + 17, 1),
    ])
    job.canvas.piece(shape, cloth, Relief(6, 8, 0.6), shadow=0.35)
    job.canvas.glaze(
        mirrored([(0, t - 21), (n * 0.85, t - 19), (n * 0.5, t - 15, 1), (0, t - 14, 1)]), 0.6, 1.2
    )


def opening(job: DrawContext, body: Body, cloth: Cloth) -> None:
    """A buttoned cardigan front following the V neck."""
    c = job.canvas
    low = body.top + body.drop
    collar_rib(job, body, 8, cloth)
    c.piece(box(-5, low - 2, 5, body.length + 2), cloth, Relief(2, 3, 0), shadow=0.3)
    count = 5
    for k in range(count):
        button(job, 0, low + 8 + k * (body.length - low - 18) / (count - 1), 3.2)


def cables(job: DrawContext, body: Body) -> None:
    """Twisted cables down the front."""
    c, top, low = job.canvas, body.top + body.drop + 14, body.length - 22
    y = np.linspace(top, low, 90)
    for x in (-34, -12, 12, 34):
        start = top if abs(x) < 20 else top - 8
        yy = np.clip(y, start, None)
        for phase in (0, np.pi):
            line = np.stack([x + 4.5 * np.sin((yy - top) / 8 + phase), yy], 1)
            c.piece(
                ribbon(line, 5), job.cloth.plain(), Relief(2.4, 2.4, 0), shadow=0.28,
                clip=body.front(),
            )


def sweatshirt(job: DrawContext) -> None:
    """Fleece with ribbed edges; crew neck, hood or zip."""
    hooded = job.cut.get("neck") in ("hood", "zip")
    with job.canvas.at(0, 9 if hooded else 0, 0.94 if hooded else 1.0):
        fleece(job)


def fleece(job: DrawContext) -> None:
    """The sweatshirt itself."""
    body = fitted(job, 312)
    body = replace(body, hem=body.chest - 9)
    neck = job.cut.get("neck", "crew")
    if neck in ("hood", "zip"):
        hood_back(job, body)
    sleeve = lay(job, body, 4, 1.7, 10)
    rib = job.cloth.dyed(
        job.accents[0] if job.cut.get("detail") == "tipped" else job.cloth.colour, "rib"
    )
    bottom_rib(job, body, rib, 19)
    cuffs(job, body, sleeve, rib, 18)
    if neck == "zip":
        zipper(job, spline([(0, body.top + body.drop - 2), (0, body.length + 2)]))
    if neck == "crew":
        collar_rib(job, body, 9, rib)
    else:
        hood_front(job, body)
    if neck == "hood" or job.cut.get("detail") == "pouch":
        pouch(job, body, split=neck == "zip")
    if job.cut.get("detail") == "lettering":
        lettering(job, body)


def hood_back(job: DrawContext, body: Body) -> None:
    """The hood lying behind the neck."""
    n, t = body.neck, body.top
    shape = mirrored(
        [(0, t - 34, 1), (n * 0.9, t - 30, 1), (n + 13, t - 6, 1), (n + 12, t + 14), (0, t + 30, 1)]
    )
    job.canvas.piece(shape, job.cloth.plain(), Relief(9, 12, 1.2), shade=0.95)
    inner = mirrored(
        [(0, t - 22, 1), (n * 0.8, t - 17, 1), (n + 2, t + 4, 1), (n - 6, t + 20), (0, t + 30, 1)]
    )
    job.canvas.piece(inner, job.cloth.plain(), Relief(3, 8, 0.6, hollow=4), shade=0.6, shadow=0.3)


def hood_front(job: DrawContext, body: Body) -> None:
    """The hood's edges meeting at the throat, with cords."""
    c, n, t, low = job.canvas, body.neck, body.top, body.top + body.drop
    edge = outline([
        (0, low + 9), (n * 0.66, t + 13, 1), (n - 3, t - 12, 1), (n + 9, t - 14, 1),
        (n + 13, t + 6, 1), (n * 0.8, low + 4, 1), (1, low + 19),
    ])
    for side in (edge, flip(edge)):
        c.piece(side, job.cloth.plain(), Relief(5, 5, 0.5), shadow=0.35)
    cord = (
        job.accents[0]
        if job.cut.get("detail") == "tipped"
        else towards(job.cloth.colour, 0.85 if luma(job.cloth.colour) > 0.4 else 1.7)
    )
    for x, drop in ((-7, job.vary(38, 52)), (8, job.vary(38, 52))):
        line = spline([(x, low + 6), (x * 1.2, low + drop * 0.5, 1), (x * 1.1, low + drop)])
        c.piece(ribbon(line, 2.2), Cloth(cord, "canvas"), Relief(1.3, 1.2, 0), shadow=0.4)


def pouch(job: DrawContext, body: Body, split: bool) -> None:
    """The kangaroo pocket."""
    y = body.length - 19
    half, top_half, high = body.hem * 0.62, body.hem * 0.38, 58
    shape = mirrored(
        [(0, y - high), (top_half, y - high), (half, y - high * 0.38, 0.6), (half, y), (0, y + 2)]
    )
    job.canvas.piece(shape, job.cloth, Relief(2.5, 3, 0.8), shadow=0.25)
    for side in (1, -1):
        line = spline(
            [(side * (top_half + 1), y - high + 1), (side * (half - 1), y - high * 0.38, 0.6)]
        )
        job.canvas.stitches(beside(line, side * 3), job.thread, 0.7, 0.5)
    if split:
        zipper(job, spline([(0, body.top + body.drop + 3), (0, body.length + 2)]))
