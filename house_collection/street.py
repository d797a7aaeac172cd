"""Street shots: a product as a phone or webcam would photograph it, as queries of known answer.

`lookbook.evaluation.street_photos` makes such photos of any studio photo. The two are separate:
this package imports nothing of lookbook, and draws the product itself.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

from . import light
from .canvas import Canvas, Relief
from .cloth import Cloth
from .curves import outline
from .product import Product, draw_cutout
from .scenes import SCENES, noise

PHONE, WEBCAM = (480, 640), (640, 480)
SKINS = ((0.84, 0.62, 0.52), (0.74, 0.52, 0.40), (0.55, 0.36, 0.26), (0.36, 0.23, 0.17))


def street_shot(product: Product, seed: int = 0) -> Image.Image:
    """Draw the product photographed at home: RGB, 480 x 640 (phone) or 640 x 480 (webcam).

    Background, angle, light, colour cast, blur, crop, a hand in some and JPEG artefacts follow from
    the product and the seed.
    """
    return framed_shot(product, seed)[0]


def framed_shot(product: Product, seed: int = 0) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Draw a street shot; also return the product's box (left, top, right, bottom) in pixels."""
    r = random.Random(f"{product.seed}/{product.number}/{seed}/street")
    size = WEBCAM if r.random() < 0.25 else PHONE
    width, height = size
    scene = r.choice(SCENES)(r, height, width).astype(np.float32)
    placed = place_product(draw_cutout(product), r, size)
    shot = composite(scene, placed, r)
    if r.random() < 0.3:
        shot = add_hand(shot, r)
    y, x = np.nonzero(placed[:, :, 3] > 0.5)
    box = int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1
    return camera_artefacts(illuminate(shot, r), r, webcam=size == WEBCAM), box


def place_product(cutout: Image.Image, r: random.Random, size: tuple[int, int]) -> np.ndarray:
    """Place a cutout in the frame, seen at an angle: premultiplied float32 (height, width, 4)."""
    width, height = size
    bounds = cutout.getchannel("A").point(lambda a: 255 * (a > 20)).getbbox()
    cut = cutout.crop(bounds) if bounds else cutout
    angle = math.radians(r.gauss(0, 7) + r.choice((*[0] * 14, 90, -90)))
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    extent = cut.width * cos + cut.height * sin, cut.width * sin + cut.height * cos
    fit = min(width / extent[0], height / extent[1]) * r.uniform(0.74, 1.08)
    cx, cy = width / 2 + r.gauss(0, 0.04) * width, height / 2 + r.gauss(0, 0.04) * height
    tilt = [r.gauss(0, 0.05) for _ in range(8)]
    corners = []
    for k, (sx, sy) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
        x = sx * cut.width * fit / 2 * (1 + tilt[2 * k])
        y = sy * cut.height * fit / 2 * (1 + tilt[2 * k + 1])
        corners.append(
            (
                cx + x * math.cos(angle) - y * math.sin(angle),
                cy + x * math.sin(angle) + y * math.cos(angle),
            )
        )
    source = [(0, 0), (cut.width, 0), (cut.width, cut.height), (0, cut.height)]
    coefficients = perspective_coefficients(corners, source)
    warped = premultiply(cut).transform(
        size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    )
    return np.asarray(warped, np.float32) / 255


def premultiply(image: Image.Image) -> Image.Image:
    """Multiply colour by alpha, so that the colour of transparent pixels does not bleed in."""
    pixels = np.asarray(image, np.float32)
    pixels = np.dstack([pixels[:, :, :3] * pixels[:, :, 3:] / 255, pixels[:, :, 3]])
    return Image.fromarray((pixels + 0.5).astype(np.uint8), "RGBA")


def perspective_coefficients(
    target: Sequence[tuple[float, float]], source: Sequence[tuple[float, float]]
) -> list[float]:
    """Solve for the eight coefficients of Pillow's perspective transform, target to source."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows), np.array(values)).tolist()


def composite(scene: np.ndarray, product: np.ndarray, r: random.Random) -> np.ndarray:
    """Composite the product over the scene, with a soft shadow and more creases."""
    alpha = np.ascontiguousarray(product[:, :, 3])
    height, width = alpha.shape
    dx, dy = round(r.uniform(-12, 12)), round(r.uniform(3, 14))
    soft = np.roll(light.blur(alpha, r.uniform(5, 12)), (dy, dx), (0, 1))
    scene = scene * (1 - r.uniform(0.25, 0.55) * soft)[:, :, None]
    # crease the cloth once more: clothes at home are less smooth than in a studio
    waves = noise(r, height, width, (60, 60)) * 9 + noise(r, height, width, (26, 26)) * 3
    dy_, dx_ = light.slopes(waves.astype(np.float32))
    creased = product[:, :, :3] * (0.45 + 0.55 * light.diffuse(dy_, dx_))[:, :, None]
    return creased + scene * (1 - alpha)[:, :, None]


def add_hand(shot: np.ndarray, r: random.Random) -> np.ndarray:
    """Draw a hand that holds the product from an edge of the frame."""
    height, width = shot.shape[:2]
    canvas = Canvas((width, height), f"{r.random()}")
    skin = Cloth(r.choice(SKINS), "suede", seed=r.randrange(999))
    side, edge = r.choice((-1, 1)), width / 2 / canvas.scale
    reach, y = r.uniform(70, 110), r.uniform(140, 320)
    with canvas.at(0, y - 200, r.uniform(1.0, 1.3), r.uniform(-18, 18), flip=side < 0):
        draw_hand(canvas, skin, edge, reach)
    soft = light.blur(canvas.alpha, 6)
    shot = shot * (1 - 0.35 * np.roll(soft, (7, 3), (0, 1)))[:, :, None]
    return shot * (1 - canvas.alpha)[:, :, None] + canvas.rgb


def draw_hand(canvas: Canvas, skin: Cloth, edge: float, reach: float) -> None:
    """Draw a wrist from the right edge, a palm and four bent fingers over the product."""
    wrist = outline(
        [
            (edge + 90, 172),
            (edge - 6, 168, 1),
            (edge - reach * 0.45, 156, 1),
            (edge - reach * 0.62, 196, 1),
            (edge - reach * 0.4, 238, 1),
            (edge - 6, 232, 1),
            (edge + 90, 238),
        ]
    )
    canvas.piece(wrist, skin, Relief(6, 26, 0.8), shadow=0)
    for k in range(4):
        y, length = 166 + 19 * k, reach * (0.94, 1.06, 1.0, 0.82)[k]
        tip, root = edge - length, edge - reach * 0.42
        finger = outline(
            [
                (root, y - 9),
                ((tip + root) / 2, y - 12, 1),
                (tip + 4, y - 9, 1),
                (tip - 5, y + 1, 1),
                (tip + 4, y + 10, 1),
                ((tip + root) / 2, y + 11, 1),
                (root, y + 10),
            ]
        )
        canvas.piece(finger, skin, Relief(4, 10, 0.4), shadow=0.22)
        nail = outline(
            [
                (tip + 12, y - 5),
                (tip + 1, y - 5, 1),
                (tip - 2, y + 1, 1),
                (tip + 1, y + 6, 1),
                (tip + 12, y + 6),
            ]
        )
        canvas.glaze(nail, 1.12, 0.8)


def illuminate(shot: np.ndarray, r: random.Random) -> np.ndarray:
    """Apply the light of a room: from one side, warm or cool, too dark or too bright."""
    height, width = shot.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle, strength = r.uniform(0, 2 * math.pi), r.uniform(0.05, 0.28)
    gradient = 1 + strength * (x * math.cos(angle) + y * math.sin(angle))
    vignette = 1 - r.uniform(0, 0.18) * (x * x + y * y) / 2
    warmth = r.gauss(0.02, 0.06)
    cast = np.array([1 + warmth, 1 + r.gauss(0, 0.012), 1 - warmth], np.float32)
    exposed = shot * (gradient * vignette)[:, :, None] * cast * r.uniform(0.72, 1.12)
    return np.clip(exposed, 0, 1) ** r.uniform(0.88, 1.1)


def camera_artefacts(shot: np.ndarray, r: random.Random, webcam: bool) -> Image.Image:
    """Apply blur, sensor noise and JPEG compression."""
    image = Image.fromarray((np.clip(shot, 0, 1) * 255).astype(np.uint8), "RGB")
    blur = r.choice((0, 0.4, 0.7, 1.1)) + (0.7 if webcam else 0)
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    grain = np.random.default_rng(r.getrandbits(32)).standard_normal(shot.shape).astype(np.float32)
    level = r.uniform(1.5, 6) * (1.5 if webcam else 1)
    noisy = np.clip(np.asarray(image, np.float32) + grain * level, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy, "RGB").save(buffer, "JPEG", quality=r.randint(45, 88))
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")
