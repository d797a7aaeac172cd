"""The canvas: pieces of cloth, seams and hardware, composited in drawing order and shaded.

Garments are drawn in board coordinates (see `curves`); the canvas maps them to pixels, somewhat
bent and tilted, as if the garment had been laid out by hand.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import aggdraw
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import light
from .cloth import Cloth
from .curves import Point, dashes, flip, ribbon, spline

Shape = np.ndarray | Sequence[np.ndarray]
Colour = Sequence[float]


@dataclass(frozen=True)
class Fold:
    """A crease: a line and a width in board points, and a height (negative: a furrow)."""

    line: Sequence[Point] | np.ndarray
    width: float = 7.0
    rise: float = 1.0

    def points(self) -> np.ndarray:
        """The line as float (n, 2), a spline through its points where they are few."""
        return spline(self.line) if len(self.line) < 9 else np.asarray(self.line)

    def mirrored(self) -> Fold:
        """The fold on the other side of the middle line."""
        return Fold(flip(self.points()), self.width, self.rise)


@dataclass(frozen=True)
class Relief:
    """The height profile of a piece; lengths in board points.

    `roll` is the width of its rounded edge, `waves` the height of random undulation with cells of
    `grain` (y, x), `hollow` the depth of a dent in the middle.
    """

    depth: float = 4.0
    roll: float = 9.0
    waves: float = 1.0
    grain: tuple[float, float] = (90.0, 26.0)
    folds: Sequence[Fold] = field(default=())
    hollow: float = 0.0


@dataclass(frozen=True)
class Area:
    """A rectangle of the canvas in pixels."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def at(self) -> tuple[slice, slice]:
        """Slices of the area in arrays of the whole canvas."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.y1 - self.y0, self.x1 - self.x0


class Canvas:
    """Premultiplied RGBA, float32 in 0 to 1, and the brushes that garments are drawn with.

    `size` (width, height) in pixels; `seed` decides how the garment lies and how cloth undulates.
    """

    def __init__(self, size: tuple[int, int], seed: str) -> None:
        self.width, self.height = size
        self.scale = min(self.width / 300, self.height / 400)
        self.middle = (self.width / 2, (self.height - 400 * self.scale) / 2)
        self.rgb = np.zeros((self.height, self.width, 3), np.float32)
        self.alpha = np.zeros((self.height, self.width), np.float32)
        self.random = random.Random(seed)
        self.tilt = self.random.uniform(-0.9, 0.9) * 0.0174
        self.phase = [self.random.uniform(0, 6.28) for _ in range(4)]
        self.slack = 0.8
        self.placed = np.eye(2, 3, dtype=np.float32)
        self.dim = 1.0

    # -- geometry -----------------------------------------------------------------

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Map board points (n, 2) to pixels (n, 2), somewhat bent and tilted."""
        points = np.asarray(points, np.float32) @ self.placed[:, :2].T + self.placed[:, 2]
        x, y = points[:, 0], points[:, 1]
        a, b, c, d = self.phase
        bent_x = x + self.slack * (np.sin(y / 37 + a) + 0.6 * np.sin(y / 15 + x / 60 + b))
        bent_y = y + self.slack * (np.sin(x / 41 + c) + 0.6 * np.sin(x / 17 + y / 70 + d))
        turned_x = bent_x - self.tilt * (bent_y - 200)
        turned_y = bent_y + self.tilt * bent_x
        pixels = np.stack([turned_x, turned_y], 1) * self.scale
        return pixels + np.array(self.middle, np.float32)

    @contextmanager
    def at(
        self,
        dx: float = 0,
        dy: float = 0,
        size: float = 1,
        turn: float = 0,
        *,
        tall: float = 1,
        flip: bool = False,
        dim: float = 1,
    ) -> Iterator[None]:
        """Transform what is drawn within: shift, scale about (0, 200), rotate by degrees, mirror.

        `tall` stretches upright, `dim` darkens.
        """
        before = self.placed, self.dim
        cos, sin = np.cos(np.radians(turn)) * size, np.sin(np.radians(turn)) * size
        linear = np.array([[cos, -sin], [sin, cos]], np.float32)
        linear = linear @ np.diag([-1.0 if flip else 1.0, tall]).astype(np.float32)
        shift = np.array([dx, dy + 200], np.float32) - linear @ np.array([0, 200], np.float32)
        linear, shift = before[0][:, :2] @ linear, before[0][:, :2] @ shift + before[0][:, 2]
        self.placed, self.dim = np.column_stack([linear, shift]).astype(np.float32), before[1] * dim
        try:
            yield
        finally:
            self.placed, self.dim = before

    def area(self, shapes: Sequence[np.ndarray], margin: float = 3) -> Area | None:
        """The part of the canvas that shapes in pixels touch; None if that is nothing."""
        points = np.concatenate(shapes)
        x0, y0 = np.floor(points.min(0) - margin).astype(int)
        x1, y1 = np.ceil(points.max(0) + margin).astype(int)
        x0, y0 = max(0, x0), max(0, y0)
        x1, y1 = min(self.width, x1), min(self.height, y1)
        return Area(x0, y0, x1, y1) if x1 - x0 > 2 and y1 - y0 > 2 else None

    def coverage(self, shapes: Sequence[np.ndarray], area: Area) -> np.ndarray:
        """Antialiased coverage of closed shapes in pixels: float32 of the area's shape, 0 to 1."""
        rows, columns = area.shape
        image = Image.new("L", (columns, rows))
        draw, brush = aggdraw.Draw(image), aggdraw.Brush(255)
        for shape in shapes:
            flat = (shape - np.array([area.x0, area.y0], np.float32)).ravel().tolist()
            draw.polygon(flat, None, brush)
        draw.flush()
        return np.asarray(image, np.float32) / 255

    def clip_coverage(self, shape: Shape | None, area: Area) -> np.ndarray | float:
        """Coverage of a clipping shape in board points; 1 without one."""
        if shape is None:
            return 1.0
        return self.coverage([self.pixels(s) for s in as_outlines(shape)], area)

    # -- brushes ------------------------------------------------------------------

    def piece(
        self,
        shape: Shape,
        cloth: Cloth,
        relief: Relief = Relief(),
        *,
        angle: float = 0.0,
        shade: float = 1.0,
        shadow: float = 0.25,
        clip: Shape | None = None,
        origin: Point = (0, 0),
    ) -> None:
        """Draw a piece of cloth in relief over what was drawn before, with a soft contact shadow.

        `angle` in degrees and `origin` say how the pattern of the cloth runs.
        """
        shapes = [self.pixels(s) for s in as_outlines(shape)]
        area = self.area(shapes)
        if area is None:
            return
        mask = self.coverage(shapes, area) * self.clip_coverage(clip, area)
        if shadow:
            self.cast_shadow(mask, area, shadow)
        height, edge = self.relief(mask, area, relief)
        dy, dx = light.slopes(height)
        u, v = self.cloth_coordinates(area, angle, origin)
        bend = 1.6 / self.scale
        colour = cloth.paint(u + dx * bend, v + dy * bend, self.scale)
        self.composite(area, cloth.illuminated(colour, dy, dx, shade * self.dim * edge), mask)

    def relief(self, mask: np.ndarray, area: Area, relief: Relief) -> tuple[np.ndarray, np.ndarray]:
        """Height in pixels (rounded edge, undulation, folds) and a factor that darkens edges."""
        rows, columns = area.shape
        half = (max(2, columns // 2), max(2, rows // 2))
        scale = self.scale / 2
        small = np.asarray(Image.fromarray(mask, "F").resize(half, Image.Resampling.BOX))
        shoulder = light.rounded(small, relief.roll * scale)
        height = shoulder * (relief.depth * 0.55 * scale)
        broad = light.blur(small, relief.roll * 2.4 * scale)
        height += broad * broad * (relief.depth * 1.9 * scale)
        if relief.hollow:
            height -= light.rounded(small, relief.roll * scale * 3) * (relief.hollow * scale)
        if relief.waves:
            cell = (relief.grain[0] * scale, relief.grain[1] * scale)
            wave = light.value_noise((half[1], half[0]), cell, self.random.getrandbits(32))
            height += wave * (relief.waves * scale)
        for width in {fold.width for fold in relief.folds}:
            alike = [fold for fold in relief.folds if fold.width == width]
            height += self.folds(alike, area, half) * scale
        edge = light.resize(np.ascontiguousarray(0.86 + 0.14 * shoulder), columns, rows)
        return light.resize(np.ascontiguousarray(height * 2, np.float32), columns, rows), edge

    def folds(self, folds: Sequence[Fold], area: Area, half: tuple[int, int]) -> np.ndarray:
        """Height in board points of creases of one width, at half resolution."""
        image = Image.new("L", half, 128)
        draw = aggdraw.Draw(image)
        corner = np.array([area.x0, area.y0], np.float32)
        fit = np.array([half[0] / area.shape[1], half[1] / area.shape[0]], np.float32)
        for fold in folds:
            line = fold.points()
            taper = np.sin(np.linspace(0.12, 3.02, len(line))) * fold.width
            shape = (self.pixels(ribbon(line, taper)) - corner) * fit
            grey = int(np.clip(128 + 40 * fold.rise, 0, 255))
            draw.polygon(shape.ravel().tolist(), None, aggdraw.Brush(grey))
        draw.flush()
        height = (np.asarray(image, np.float32) - 128) / 40
        width = folds[0].width
        return light.blur(height, width * self.scale * 0.22) * (width * 0.42)

    def cloth_coordinates(
        self, area: Area, angle: float, origin: Point
    ) -> tuple[np.ndarray, np.ndarray]:
        """Board coordinates of the pixels of an area, rotated to run with the cloth."""
        y, x = np.mgrid[area.at].astype(np.float32)
        x = (x - self.middle[0]) / self.scale - origin[0]
        y = (y - self.middle[1]) / self.scale - origin[1]
        if not angle:
            return x, y
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        return x * cos + y * sin, y * cos - x * sin

    def cast_shadow(self, mask: np.ndarray, area: Area, strength: float) -> None:
        """Darken what was drawn before by a contact shadow of the mask."""
        reach = 3.2 * self.scale
        soft = light.blur(mask, reach)
        down, right = round(reach * 0.7), round(reach * 0.45)
        self.rgb[area.at] *= (1 - strength * light.shifted(soft, down, right))[:, :, None]

    def composite(self, area: Area, colour: np.ndarray, cover: np.ndarray) -> None:
        """Composite a colour, (rows, columns, 3) or (3,), over the area (Porter and Duff 1984)."""
        rest = 1 - cover
        self.rgb[area.at] *= rest[:, :, None]
        self.rgb[area.at] += colour * cover[:, :, None]
        self.alpha[area.at] = cover + self.alpha[area.at] * rest

    def flat(
        self, shape: Shape, colour: Colour, opacity: float = 1.0, clip: Shape | None = None
    ) -> None:
        """Draw a shape of one colour, without relief."""
        shapes = [self.pixels(s) for s in as_outlines(shape)]
        area = self.area(shapes)
        if area is not None:
            cover = self.coverage(shapes, area) * self.clip_coverage(clip, area) * opacity
            self.composite(area, np.asarray(colour, np.float32) * self.dim, cover)

    def line(
        self, line: np.ndarray, width: float, colour: Colour, opacity: float = 1.0, **clip: Shape
    ) -> None:
        """Draw a stroke of constant width in board points."""
        self.flat(ribbon(line, width), colour, opacity, **clip)

    def glaze(self, shape: Shape, factor: float, soft: float, clip: Shape | None = None) -> None:
        """Darken (factor below 1) or lighten what was drawn before, with soft edges."""
        shapes = [self.pixels(s) for s in as_outlines(shape)]
        area = self.area(shapes, margin=2 * soft * self.scale + 2)
        if area is None:
            return
        cover = light.blur(self.coverage(shapes, area), soft * self.scale)
        cover = cover * self.clip_coverage(clip, area)
        self.rgb[area.at] *= (1 + (factor - 1) * cover)[:, :, None]

    def seam(self, line: np.ndarray, depth: float = 0.35, clip: Shape | None = None) -> None:
        """Draw a sewn seam: a dark furrow with a light lip below it."""
        self.glaze(ribbon(line, 1.3), 1 - depth, 0.0, clip)
        lip = np.asarray(line, np.float32) + np.array([0.5, 1.1], np.float32)
        self.glaze(ribbon(lip, 1.0), 1 + depth * 0.35, 0.0, clip)

    def text(self, words: str, centre: Point, width: float, colour: Colour) -> None:
        """Draw lettering `width` board points wide, in Pillow's own font."""
        font = ImageFont.load_default(64)
        left, top, right, bottom = font.getbbox(words)
        image = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
        ImageDraw.Draw(image).text((2 - left, 2 - top), words, 255, font, stroke_width=1)
        wide = max(4, round(width * self.scale))
        tall = max(3, round(wide * image.height / image.width))
        cover = np.asarray(image.resize((wide, tall), Image.Resampling.LANCZOS), np.float32) / 255
        x, y = self.pixels(np.array([centre], np.float32))[0]
        x0, y0 = round(float(x) - wide / 2), round(float(y) - tall / 2)
        area = Area(x0, y0, x0 + wide, y0 + tall)
        if x0 >= 0 and y0 >= 0 and area.x1 <= self.width and area.y1 <= self.height:
            self.composite(area, np.asarray(colour, np.float32), cover * 0.93)

    def stitches(
        self, line: np.ndarray, colour: Colour, width: float = 0.8, opacity: float = 0.8
    ) -> None:
        """Draw a dashed line of thread."""
        self.flat([ribbon(dash, width) for dash in dashes(line)], colour, opacity)


def as_outlines(shape: Shape) -> Iterable[np.ndarray]:
    """One outline or many as a list of outlines."""
    return [shape] if isinstance(shape, np.ndarray) else list(shape)
