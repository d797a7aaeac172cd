"""Plain pictures whose colour and form are known."""

from __future__ import annotations

from PIL import Image, ImageDraw

COLOURS = {
    "red": (200, 30, 40),
    "green": (40, 150, 60),
    "blue": (40, 60, 190),
    "yellow": (230, 200, 40),
    "black": (25, 25, 25),
}


def draw_shape(colour: str, kind: int, size: tuple[int, int] = (120, 160)) -> Image.Image:
    """A plain picture whose colour and form are known: 0 a square, 1 a disc, 2 a bar."""
    picture = Image.new("RGB", size, (250, 250, 250))
    w, h = size
    box = [(0.2, 0.25, 0.8, 0.75), (0.2, 0.25, 0.8, 0.75), (0.4, 0.1, 0.6, 0.9)][kind]
    corners = [box[0] * w, box[1] * h, box[2] * w, box[3] * h]
    pen = ImageDraw.Draw(picture)
    (pen.ellipse if kind == 1 else pen.rectangle)(corners, fill=COLOURS[colour])
    return picture
