"""Search by photo: decode it once, locate the garment, crop the same pixels, encode and turn them.

The site, the API, the command line and Python all call `photo_query`, so that one photo gives one
answer wherever it is searched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lookbook.encoding.query_adapter import TURNS
from lookbook.images.legibility import check_legible
from lookbook.images.loading import ImageError, Limits, Picture, check_shorter_side
from lookbook.schema.message import Message

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder
    from lookbook.encoding.localization import BoundingBox

# Room around a located garment, as fractions of its box, as the catalogue's pictures have it. With
# it the crop does no harm: of the first ten for 300 held-out phone photos 0.897 are of their kind
# (0.888 without a crop; 11 % are cropped), and of 300 simulated street photos 0.793 find their
# product first (0.723 without; 95 % are cropped), among 4,241 products.
CROP_MARGIN = 0.3
# Around one of several garments: more room would show its neighbours.
GARMENT_MARGIN = 0.1
# A box with its margin that covers more of the photo is not encoded again. On the development half
# of the same photos: 38 % of phone photos are, and without a limit 54 % (0.830 and 0.834 of their
# kind); at 0.85 and 0.8 it is 26 and 15 % (0.829 and 0.830), but the other half loses 0.008.
_MAX_AREA = 0.9
_MIN_SIDE = 0.05  # a smaller box shows too little to search with
_FULL_SIDE = 0.95  # a box with both sides this long leaves out no more than a sliver
_MAX_PIXELS = 2048  # of the longer side: what a page can hold of a very long picture

# A photo is turned where another turn is likelier than none, by itself and by that much more
# together with the photo as it looks turned back. Turns less likely than that are not tried. Of
# held-out phone photos 0.7 % are turned in error, and 96 % of turned ones end upright; one upright
# photo in fifteen is encoded again.
_MIN_GAIN, _MIN_LIKELIHOOD = 2.5, -4.0  # logs
_UNDO = {  # what turns a photo upright that is turned by so many quarters
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}

Box = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the picture
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class PhotoQuery:
    """`vector` float32 (dim,) of the part of `image` inside `box`, at L2 norm 1.

    `image` is the photo as it was decoded, turned upright where it looked turned: with another box,
    `photo_query(image, ...)` crops the same pixels again.
    """

    vector: np.ndarray
    image: Image.Image
    box: Box = WHOLE


def photo_query(photo: Picture, encoder: Encoder, crop: bool | Box = True) -> PhotoQuery:
    """Decode a photo, crop it and encode it.

    `crop`: True locates the garment and encodes its box with a margin, or the whole photo where no
    garment stands out; False encodes the whole photo; a box encodes that part. A photo that looks
    turned by a quarter or a half is turned back, unless a box is given. Raises ImageError for a
    file that is no picture, and for a part that is blank, dark or far out of focus.
    """
    image = decode_photo(photo, encoder)
    if crop is True:
        return turned_upright(_located(image, encoder), encoder)
    box = WHOLE if crop is False else normalize_box(*crop)
    part = _searchable_part(image, box)
    found = PhotoQuery(encoder.encode([part])[0], image, box)
    return turned_upright(found, encoder) if crop is False else found


def _located(image: Image.Image, encoder: Encoder) -> PhotoQuery:
    """Locate and encode in one forward pass, and in a second what a crop leaves of the photo."""
    from lookbook.encoding.localization import encode_and_locate

    whole, garment = encode_and_locate(encoder, image)
    box = _box_to_search(garment, image)
    part = _searchable_part(image, box)
    return PhotoQuery(whole if box == WHOLE else encoder.encode([part])[0], image, box)


@dataclass(frozen=True)
class GarmentBox:
    """A garment in a photo: its box with a margin, its kind ("top"), the kind's probability."""

    box: Box
    kind: str
    confidence: float


def _searchable_part(image: Image.Image, box: Box) -> Image.Image:
    """Return the part of a picture within a box; raises ImageError for one that shows nothing."""
    part = crop_to_box(image, box)
    if box != WHOLE and min(part.size) < Limits.min_side:
        width, height = map(str, part.size)
        template = Message(
            "This part of the picture has {width} x {height} pixels; at least {least} on each side "
            "are needed."
        )
        message = Message(template, width=width, height=height, least=Limits.min_side)
        raise ImageError("too-small", message)
    check_legible(part)
    return part


def locate_garments(image: Image.Image, encoder: Encoder) -> list[GarmentBox]:
    """Return the garments of a decoded photo from top left to bottom right; empty if none."""
    from lookbook.encoding.localization import find_garments

    found = [
        GarmentBox(_with_margin(g, image, GARMENT_MARGIN), g.kind, g.confidence)
        for g in find_garments(encoder, image)
    ]
    return sorted(found, key=lambda g: (round(g.box[1], 1), g.box[0]))


def photo_queries(photo: Picture, encoder: Encoder) -> list[tuple[GarmentBox, PhotoQuery]]:
    """Return one query for each garment of a photo, in the order of `locate_garments`.

    Empty where none stands out: `photo_query` searches the whole then. Raises ImageError.
    """
    image = decode_photo(photo, encoder)
    garments = locate_garments(image, encoder)
    vectors = encoder.encode([crop_to_box(image, garment.box) for garment in garments])
    return [(g, PhotoQuery(v, image, g.box)) for g, v in zip(garments, vectors, strict=True)]


def turned_upright(found: PhotoQuery, encoder: Encoder) -> PhotoQuery:
    """Return the query, its photo turned by a quarter or a half where it looks turned.

    The likely turns are encoded only where the photo does not look upright.
    """
    adapter = encoder.query_adapter
    seen = None if adapter is None else adapter.turns(found.vector[None])
    if adapter is None or seen is None or not seen[0].argmax():
        return found
    likely = [turn for turn in range(1, TURNS) if seen[0, turn] >= _MIN_LIKELIHOOD]
    part = crop_to_box(found.image, found.box)
    vectors = encoder.encode([part.transpose(_UNDO[turn]) for turn in likely])
    turned = adapter.turns(vectors)
    assert turned is not None
    # how likely each turn of the photo makes all that was seen of it
    total = seen[0] + sum(np.roll(row, turn) for row, turn in zip(turned, likely, strict=True))
    best = max(likely, key=lambda turn: total[turn])
    if total[best] < total[0] + _MIN_GAIN:
        return found
    vector, undo = vectors[likely.index(best)], _UNDO[best]
    return PhotoQuery(vector, found.image.transpose(undo), turn_box(found.box, undo))


def turn_box(box: Box, turn: Image.Transpose) -> Box:
    """Return a box of a picture in the same picture turned by 90, 180 or 270 degrees."""
    left, top, right, bottom = box
    return {
        Image.Transpose.ROTATE_90: (top, 1 - right, bottom, 1 - left),
        Image.Transpose.ROTATE_180: (1 - right, 1 - bottom, 1 - left, 1 - top),
        Image.Transpose.ROTATE_270: (1 - bottom, left, 1 - top, right),
    }[turn]


def decode_photo(photo: Picture, encoder: Encoder) -> Image.Image:
    """Decode a photo as the encoder decodes the catalogue's pictures: upright RGB.

    A picture that was decoded so comes back as it is. Raises ImageError, also for a picture so long
    and thin that reduced to `_MAX_PIXELS` it has too few pixels.
    """
    image = encoder.preprocessing.open(photo)
    if (longer := max(image.size)) > _MAX_PIXELS:
        check_shorter_side(*image.size, math.ceil(Limits.min_side * longer / _MAX_PIXELS))
        image.thumbnail((_MAX_PIXELS, _MAX_PIXELS))
    return image


def locate_box(image: Image.Image, encoder: Encoder) -> Box:
    """Return the box of the garment with a margin, or WHOLE where none stands out."""
    from lookbook.encoding.localization import find_garment

    return _box_to_search(find_garment(encoder, image), image)


def _box_to_search(garment: BoundingBox, image: Image.Image) -> Box:
    """Return a garment's box with a margin, or WHOLE where that crops next to nothing."""
    if not garment.confidence:
        return WHOLE
    left, top, right, bottom = box = _with_margin(garment, image, CROP_MARGIN)
    return box if (right - left) * (bottom - top) < _MAX_AREA else WHOLE


def _with_margin(garment: BoundingBox, image: Image.Image, margin: float) -> Box:
    x = margin * (garment.right - garment.left)
    y = margin * (garment.bottom - garment.top)
    return normalize_box(
        (garment.left - x) / image.width,
        (garment.top - y) / image.height,
        (garment.right + x) / image.width,
        (garment.bottom + y) / image.height,
    )


def normalize_box(left: float, top: float, right: float, bottom: float) -> Box:
    """Order the sides of a box and clip it to the picture.

    A box too small to show anything, or one that leaves out next to nothing, becomes WHOLE.
    """
    left, right = sorted(min(1.0, max(0.0, side)) for side in (left, right))
    top, bottom = sorted(min(1.0, max(0.0, side)) for side in (top, bottom))
    width, height = right - left, bottom - top
    if not (width >= _MIN_SIDE and height >= _MIN_SIDE) or min(width, height) >= _FULL_SIDE:
        return WHOLE
    return left, top, right, bottom


def crop_to_box(image: Image.Image, box: Box) -> Image.Image:
    """Return the part of a picture within a box, 1 px wide and high at least.

    For the whole of it, the picture itself.
    """
    if box == WHOLE:
        return image
    left, top, right, bottom = box
    width, height = image.size
    x, y = min(round(left * width), width - 1), min(round(top * height), height - 1)
    return image.crop((x, y, max(x + 1, round(right * width)), max(y + 1, round(bottom * height))))
