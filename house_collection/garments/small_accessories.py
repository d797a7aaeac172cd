"""Belts, caps, hats, scarves, ties and socks."""

# Outlines are tables of points.
# fmt: off
from __future__ import annotations

import random

import numpy as np

from ..canvas import Fold, Relief
from ..cloth import Cloth
from ..curves import arc, beside, box, ellipse, flip, mirrored, moved, outline, ribbon, spline
from .draw_context import DrawContext, creases, drape, towards


def belt(job: DrawContext) -> None:
    """A belt rolled into a ring, its buckle to the front."""
    c, high = job.canvas, job.vary(24, 34)
    rx, ry, cy = 116 + job.vary(-6, 6), 40 + job.vary(-6, 8), 190
    inner = job.cloth.dyed(
        towards(job.cloth.colour, 0.8) if job.cloth.fabric == "canvas" else (0.55, 0.40, 0.28),
        "suede",
    )
    back = arc(0, cy, rx - 3, ry, 180, 360)
    c.piece(np.concatenate([back, moved(back, 0, high)[::-1]]), inner, Relief(3, 5, 0), shade=0.72)
    coil = arc(2, cy + 3, rx - 9, ry - 7, 178, 20)
    low = moved(coil, 0, high)[::-1]
    c.piece(np.concatenate([coil, low]), job.cloth, Relief(3, 5, 0), shade=0.8)
    front = arc(0, cy, rx, ry, 180, 0)
    shape = np.concatenate([front, moved(front, 0, high)[::-1]])
    c.piece(shape, job.cloth, Relief(4, 6, 0.4), shadow=0.4)
    for inset in (3, high - 3):
        c.stitches(moved(front, 0, inset), job.thread, 0.7, 0.6)
    holes = [
        ellipse(x, cy + ry * np.sqrt(max(0, 1 - (x / rx) ** 2)) + high / 2, 1.9, 2.2, 12)
        for x in range(34, 92, 13)
    ]
    c.flat(holes, (0.1, 0.08, 0.07), 0.9)
    buckle(job, -34, cy + ry * 0.96 + high / 2, high)


def buckle(job: DrawContext, x: float, y: float, high: float) -> None:
    """A frame with its prong, or a plate."""
    c, half = job.canvas, high / 2 + 7
    kind = job.cut.get("buckle", "frame")
    if kind == "plate":
        c.piece(
            box(x - 26, y - half + 4, x + 26, y + half - 4, 4), job.metal, Relief(3.5, 4, 0),
            shadow=0.5,
        )
        return
    ring = box(x - 21, y - half, x + 21, y + half, 13 if kind == "round" else 5)
    closed = np.concatenate([ring, ring[:2]])
    c.piece(ribbon(closed, 6.5), job.metal, Relief(3, 3, 0), shadow=0.5)
    c.piece(
        ribbon(spline([(x + 21, y), (x - 24, y + 1)]), [4.6 - 0.2 * k for k in range(9)]),
        job.metal,
        Relief(2, 2, 0),
        shadow=0.5,
    )
    loop = box(x + 34, y - high / 2 - 2, x + 44, y + high / 2 + 2, 2)
    c.piece(loop, job.cloth, Relief(2.5, 3, 0), shadow=0.45)


def cap(job: DrawContext) -> None:
    """A baseball cap, or a knitted beanie."""
    (beanie if job.cut.get("shape") == "beanie" else baseball)(job)


def baseball(job: DrawContext) -> None:
    """Six panels and a curved brim, three-quarters from the front."""
    c = job.canvas
    contrast = (
        job.cloth.dyed(job.accents[0]) if job.cut.get("detail") == "contrast brim" else job.cloth
    )
    crown = outline([
        (-88, 236), (-92, 190, 1), (-66, 132, 1), (-4, 110, 1), (60, 130, 1), (92, 186, 1),
        (94, 240), (30, 250, 1), (-40, 246, 1),
    ])
    c.piece(crown, job.cloth, Relief(14, 30, 0.8, (60, 60)))
    top = (4, 112)
    for x, y, bend in ((-54, 244, -34), (22, 250, 14), (78, 242, 52)):
        c.seam(spline([top, (bend, 168, 1), (x, y)]), 0.35, clip=crown)
    for x in (-48, 52):
        c.flat(ellipse(x, 162, 2.2, 2.4, 12), towards(job.cloth.colour, 0.4), 0.9)
    c.piece(ellipse(4, 111, 7, 4), contrast, Relief(2.5, 3, 0), shadow=0.3)
    mark(job)
    brim = outline([
        (-84, 226), (-20, 240, 1), (44, 236, 1), (70, 244, 0.6), (44, 274, 1), (-24, 298, 1),
        (-96, 290, 1), (-118, 262, 1), (-104, 236, 0.8),
    ])
    c.piece(brim, contrast, Relief(7, 12, 0.3), shadow=0.5)
    for k in (0.9, 0.78, 0.66):
        inner = (brim - (-30, 232)) * k + (-30, 232)
        c.stitches(inner[20:62], job.thread, 0.6, 0.5)


def mark(job: DrawContext) -> None:
    """A letter or a patch on the front."""
    c, detail = job.canvas, job.cut.get("detail")
    if detail == "letter":
        c.text(job.cut.get("words", "L")[:1], (-18, 186), 34, job.accents[0])
    if detail == "patch":
        c.piece(
            box(-44, 170, 8, 204, 4), job.cloth.dyed((0.55, 0.37, 0.22), "leather"),
            Relief(2, 2.5, 0), shadow=0.35,
        )
        c.text(job.cut.get("words", "CO"), (-18, 187), 38, (0.25, 0.15, 0.08))


def beanie(job: DrawContext) -> None:
    """A knitted hat with a turned-up brim, perhaps a bobble."""
    c = job.canvas
    if job.cut.get("detail") == "bobble":
        fur = Cloth(job.accents[0], "fleece")
        r = job.random
        for _ in range(34):
            a, d = r.uniform(0, 6.28), r.uniform(8, 24)
            c.piece(
                ellipse(d * np.cos(a), 92 + d * np.sin(a), 8, 8, 14), fur, Relief(5, 6, 0),
                shadow=0.25,
            )
    crown = mirrored([(0, 108, 1), (50, 122, 1), (84, 178, 1), (88, 256), (0, 262)])
    c.piece(
        crown, Cloth(job.cloth.colour, "chunky knit", job.cloth.print, job.cloth.seed),
        Relief(13, 28, 1, (60, 40)),
    )
    band = mirrored([(0, 236, 1), (92, 228, 0.5), (95, 260, 1), (91, 292, 0.5), (0, 300, 1)])
    c.piece(band, job.cloth.dyed(job.cloth.colour, "rib"), Relief(7, 9, 0.6), shadow=0.4)


def hat(job: DrawContext) -> None:
    """A fedora, a straw hat or a bucket hat."""
    {"bucket": bucket_hat}.get(job.cut.get("shape", "fedora"), fedora)(job)


def fedora(job: DrawContext) -> None:
    """A brim seen slightly from above and a pinched crown with a band."""
    c, straw = job.canvas, job.cut.get("shape") == "straw"
    wide = 136 if straw else 126 + job.vary(-6, 4)
    brim = outline([
        (-wide, 238, 1), (-80, 214, 1), (0, 206, 1), (80, 214, 1), (wide, 238, 1), (86, 272, 1),
        (0, 284, 1), (-86, 272, 1),
    ])
    c.piece(brim, job.cloth, Relief(7, 10, 0.6, (30, 60)))
    if straw:
        for k in (0.95, 0.9, 0.84, 0.78, 0.72):
            loop = (brim - (0, 244)) * k + (0, 244)
            c.glaze(ribbon(loop, 1.2), 0.82, 0)
    crown = outline([
        (-76, 246), (-72, 180, 1), (-58, 138, 1), (-30, 126, 1), (0, 138, 1), (32, 124, 1),
        (58, 136, 1), (72, 180, 1), (76, 246), (0, 262, 1),
    ])
    folds = [
        Fold([(-8, 132), (-2, 152, 1), (0, 186)], 20.0, -1.0),
        Fold([(-54, 144), (-44, 168, 1), (-40, 200)], 16.0, -0.7),
        Fold([(50, 144), (42, 168, 1), (40, 200)], 16.0, -0.6),
    ]
    c.piece(crown, job.cloth, Relief(14, 24, 0.5, (60, 60), folds), shadow=0.4)
    if straw:
        for y in range(144, 240, 8):
            c.glaze(ribbon(spline([(-80, y), (0, y + 10, 1), (80, y)]), 1.1), 0.84, 0, clip=crown)
    line = spline([(-78, 226), (0, 244, 1), (78, 226)])
    c.piece(
        ribbon(line, 20), job.cloth.dyed(job.accents[0], "satin"), Relief(2.4, 4, 0.3), shadow=0.3,
        clip=crown,
    )


def bucket_hat(job: DrawContext) -> None:
    """Cotton, with a downward brim stitched in rows."""
    c = job.canvas
    crown = mirrored([(0, 124, 1), (52, 128, 0.6), (66, 144, 0.8), (80, 222), (0, 232, 1)])
    brim = mirrored([(0, 210, 1), (80, 202, 0.4), (122, 264, 0.6), (64, 290, 1), (0, 296, 1)])
    c.piece(crown, job.cloth, Relief(11, 22, 1.0, (50, 40)))
    c.seam(spline([(-64, 146), (0, 156, 1), (64, 146)]), 0.35, clip=crown)
    c.piece(brim, job.cloth, Relief(8, 12, 1.3, (40, 30)), shadow=0.4)
    for t in (0.25, 0.42, 0.6, 0.78, 0.92):
        y = 212 + 80 * t
        line = spline(
            [(-82 - 36 * t, y - 10 + 6 * t), (0, y + 2, 1), (82 + 36 * t, y - 10 + 6 * t)]
        )
        c.glaze(ribbon(line, 0.9), 0.76, 0, clip=brim)


def scarf(job: DrawContext) -> None:
    """A long scarf, looped once or folded, or a square of silk."""
    {"square": square, "folded": folded}.get(job.cut.get("shape", ""), looped)(job)


def folded(job: DrawContext) -> None:
    """A long scarf folded in half over nothing, its two ends one above the other."""
    c, wide = job.canvas, 92 + job.vary(-8, 10)
    low = 300 + job.vary(-8, 8)
    for dx, end, tone in ((15, low + 40, 0.9), (-13, low, 1.0)):
        line = spline([(dx, 62), (dx + 2, 190, 1), (dx - 1, end)])
        fringe(job, line, wide)
        shape = ribbon(line, wide)
        folds = drape(job, dx - wide * 0.4, dx + wide * 0.4, 70, end, 4)
        relief = Relief(4, 7, 1.3, (80, 34), folds)
        c.piece(shape, job.cloth, relief, shade=tone, shadow=0.35, origin=(dx, 62))
    top = ribbon(spline([(-60, 66), (0, 60, 1), (62, 66)]), 10)
    c.glaze(top, 0.8, 3, clip=ribbon(spline([(1, 60), (1, 90)]), wide + 30))


def looped(job: DrawContext) -> None:
    """A long scarf once about the neck, its two tails hanging in front."""
    c, r = job.canvas, job.random
    wide = 58 + job.vary(-6, 10)
    back = spline([(-70, 138), (-52, 84, 1), (0, 62, 1), (52, 84, 1), (70, 138)])
    c.piece(
        ribbon(back, 40), job.cloth, Relief(4, 8, 1, (20, 40), lengthwise(r, back, 34)), shade=0.72
    )
    tails = (
        (spline([(16, 176), (30, 270, 1), (38, 350)]), 4),
        (spline([(-14, 172), (-22, 270, 1), (-36, 366)]), -3),
    )
    for line, angle in tails:
        fringe(job, line, wide)
        relief = Relief(4, 9, 1.2, (70, 18), lengthwise(r, line, wide * 0.8))
        widths = wide * (0.8 + 0.2 * np.linspace(0, 1, len(line)))
        c.piece(ribbon(line, widths), job.cloth, relief, shadow=0.4, angle=-angle)
    for dx, lean in ((-5, 1), (5, -1)):
        line = spline([
            (lean * 71, 124), (lean * 64, 164, 1), (dx + lean * 6, 204, 1), (-lean * 60, 164, 1),
            (-lean * 71, 128),
        ])
        shape = ribbon(line, 38 + 30 * np.sin(np.linspace(0, np.pi, len(line))))
        c.piece(
            shape, job.cloth, Relief(6, 12, 1.2, (16, 50), lengthwise(r, line, 52)), shadow=0.45,
            angle=20 * lean,
        )


def lengthwise(r: random.Random, line: np.ndarray, wide: float) -> list[Fold]:
    """Long folds that follow a band of cloth."""
    count = max(3, int(wide / 11))
    return [
        Fold(
            beside(line, wide * ((k + r.uniform(0.2, 0.8)) / count - 0.5)), r.choice((6.0, 9.0)),
            r.choice((-1, 1)) * r.uniform(0.4, 0.9),
        )
        for k in range(count)
    ]


def fringe(job: DrawContext, line: np.ndarray, wide: float) -> None:
    """Tassels at the end of a tail."""
    if job.cut.get("detail") != "fringe":
        return
    end, before = line[-1], line[-4]
    along = (end - before) / np.linalg.norm(end - before)
    side = np.array([along[1], -along[0]])
    threads = []
    for k in range(15):
        foot = end + side * wide * (k / 14 - 0.5) * 0.94
        tip = foot + along * 20 + side * job.random.uniform(-3, 3)
        threads.append(ribbon(np.stack([foot - along * 3, (foot + tip) / 2, tip]), 2.0))
    job.canvas.piece(threads, job.cloth.plain(), Relief(1, 1, 0), shadow=0.15)


def square(job: DrawContext) -> None:
    """A silk square with a border, folded to a triangle."""
    c = job.canvas
    shape = outline(
        [(-128, 126), (0, 116, 0.8), (128, 124), (60, 226, 0.4), (0, 316), (-62, 224, 0.4)]
    )
    folds = drape(job, -96, 96, 130, 250, 7) + creases(job, (0, 310), (0, 200), 4, 1.2)
    c.piece(shape, job.cloth.dyed(job.accents[0]), Relief(4, 8, 1), shadow=0.2)
    inner = (shape - (0, 176)) * (0.9, 0.86) + (0, 172)
    c.piece(inner, job.cloth, Relief(5, 9, 1.4, (60, 30), folds), shadow=0.1, angle=45)
    top = outline(
        [(-128, 124), (0, 112, 0.8), (128, 122), (100, 142, 1), (0, 150, 1), (-104, 142, 1)]
    )
    c.piece(top, job.cloth.dyed(job.accents[0]), Relief(5, 7, 1, (20, 40)), shadow=0.4)


def tie(job: DrawContext) -> None:
    """A tie with its upper end rolled, or a bow tie."""
    if job.cut.get("shape") == "bow tie":
        bow_tie(job)
        return
    c, half = (
        job.canvas, {"slim": 17, "regular": 24}[job.cut.get("width", "regular")] + job.vary(-2, 2),
    )
    tail = outline([(2, 74), (14, 66), (86, 112), (92, 128), (78, 126)])
    c.piece(tail, job.cloth, Relief(3, 4, 0.3), shade=0.9, angle=35)
    blade = outline([
        (-11, 82), (10, 80), (half * 0.8, 260, 0.3), (half, 348), (0, 374), (-half, 348),
        (-half * 0.8, 260, 0.3),
    ])
    c.piece(blade, job.cloth, Relief(5, 8, 0.5, (90, 26)), shadow=0.35)
    for k, (rx, ry) in enumerate(((24, 17), (17, 12), (10, 7))):
        c.piece(ellipse(0, 66, rx, ry), job.cloth, Relief(4, 4, 0), shadow=0.5, angle=25 * k)
    c.flat(ellipse(0, 66, 4.5, 3), towards(job.cloth.colour, 0.35), 0.9)


def bow_tie(job: DrawContext) -> None:
    """A butterfly bow with a band behind."""
    c = job.canvas
    c.piece(
        ribbon(spline([(-120, 196), (0, 206, 1), (120, 196)]), 13), job.cloth, Relief(2.5, 3, 0),
        shade=0.85,
    )
    wing = outline([
        (6, 188), (46, 162, 1), (92, 150, 0.6), (98, 200, 1), (92, 252, 0.6), (46, 238, 1),
        (6, 214),
    ])
    folds = creases(job, (8, 200), (92, 200), 5, 0.7)
    for part, fan in (
        (wing, folds),
        (flip(wing), [Fold(flip(spline(f.line)), f.width, f.rise) for f in folds]),
    ):
        c.piece(part, job.cloth, Relief(7, 9, 0.8, (40, 40), fan), shadow=0.4)
    c.piece(box(-13, 182, 13, 220, 6), job.cloth, Relief(6, 7, 0.3), shadow=0.55)


def socks(job: DrawContext) -> None:
    """A pair, one laid over the other."""
    tall = {"ankle": 60, "crew": 128, "knee": 186}[job.cut.get("length", "crew")]
    state = job.random.getstate()
    rise = (186 - tall) * 0.3 + 6
    for dx, dy, turn in ((30, -4 - rise, 9), (-30, 8 - rise, -3)):
        job.random.setstate(state)
        with job.canvas.at(dx, dy, 1.0, turn):
            sock(job, tall)


def sock(job: DrawContext, tall: float) -> None:
    """Leg, heel, foot and toe from the side."""
    c = job.canvas
    heel_y, top = 286, 286 - tall - 30
    shape = outline([
        (-6, top), (48, top), (50, top + tall * 0.5, 1), (46, 250, 1), (52, 292, 1), (34, 320, 1),
        (-6, 318, 1), (-52, 336, 1), (-88, 342, 1), (-106, 322, 1), (-92, 296, 1), (-44, 280, 1),
        (-12, 252, 1), (-8, top + tall * 0.5, 1),
    ])
    folds = creases(job, (34, 262), (-20, 276), 3, 1.0)
    c.piece(shape, job.cloth, Relief(6, 10, 1, (40, 24), folds), shadow=0.4)
    contrast = job.cloth.dyed(
        job.accents[0]
        if job.cut.get("detail") == "contrast heel"
        else towards(job.cloth.colour, 0.9)
    )
    heel = outline([(22, heel_y + 2, 0.4), (58, heel_y - 26), (62, 330), (20, 330), (12, 312, 0.6)])
    toe = outline([(-78, 288), (-112, 290), (-118, 350), (-80, 350), (-70, 318, 1)])
    for part in (heel, toe):
        c.piece(part, contrast, Relief(3, 6, 0.4), clip=shape, shadow=0.12)
    cuff = box(-12, top - 1, 54, top + 24)
    c.piece(cuff, contrast.dyed(contrast.colour, "rib"), Relief(3, 5, 0.3), clip=shape, shadow=0.2)
    if job.cut.get("detail") == "cuff stripes":
        for y in (top + 6, top + 14):
            c.line(spline([(-12, y), (54, y)]), 4, job.accents[0], 0.95, clip=shape)
