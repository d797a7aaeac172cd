"""Locate garments in a photo by features and colours that differ from those of the border.

`find_garment` gives one box around what stands out; `find_garments` cuts that into single garments
by the kinds that the category head sees in each part.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.garment_kinds import CellSpan, GarmentKinds, region_cells
from lookbook.encoding.garment_parts import (
    BY_CATEGORY_HEAD,
    BY_PHOTO_KINDS,
    MINOR_KINDS,
    Part,
    join_parts,
    suppress_overlaps,
)
from lookbook.encoding.garment_regions import Cells, split_regions
from lookbook.images.loading import Limits, Picture, load_rgb

# The best of 25 methods by IoU with the true box, on 40 street photos of the house collection and
# 40 real cut-outs on drawn backgrounds: 0.82 and 0.81 (whole image: 0.48 and 0.30; last map only,
# by the norm of its activations: 0.63 and 0.55; by `feature_saliency`: 0.69 and 0.72; colour only:
# 0.63 and 0.65). The map is now that of the encoding pass, coarser than that of a second pass at
# 224 px was: colours weigh more, more border cells are compared, and the letterbox is cut off to
# the fraction of a cell. IoU on 150 street photos of the house collection and on 100 others: 0.82
# and 0.84, as against 0.80 and 0.82 with the second pass.
_STAGE = -2
_MIN_SIZE = 160  # px of the map's image; a model of smaller pictures takes a second pass
_COLOUR_WEIGHT = 1.25
_DETECTION_SIZE = 320  # several garments are smaller in the photo: at 224 px half as many are found
_LEAST_SIDE = Limits().min_side  # px; a smaller part is refused as a picture
_ROOM = 0.1  # around a part whose kind is told, as a fraction of its sides
_GRID = 64  # cells on a side of the maps that are compared
_NEAREST = 3  # border cells that each position is compared with
_NEAREST_LOCATING = 8  # the same for `find_garment`
_NEAREST_COLOURS = 8  # the same for colours
_TAIL = 0.01  # share of the saliency left outside the box on each side
_MARGIN = 1  # cells added around the box, for sleeves and straps of low saliency
_MIN_REGION = 0.15  # of the largest region; smaller ones are not part of the garment
_MIN_CONFIDENCE = 0.2
_MAX_AREA = 0.85  # share of the image; a larger box is discarded
_MIN_COLOUR_DISTANCE = 4  # in Lab; below this the image differs from its border by noise only
_STUDIO_TOLERANCE, _STUDIO_SHARE = 14, 0.9  # a studio background: so uniform, on so much border
_STUDIO_BRIGHTNESS = 200  # median of the border at least


Maps = tuple[np.ndarray, np.ndarray]  # the last two of the network, each (h, w, channels)


@dataclass(frozen=True)
class BoundingBox:
    """Pixels of the upright image, right and bottom exclusive, with a `confidence` of 0 to 1.

    A confidence of 0 means that no garment was found and the box is the whole image.
    """

    left: int
    top: int
    right: int
    bottom: int
    confidence: float


@dataclass(frozen=True)
class Garment(BoundingBox):
    """A box with its `kind` ("top", "shoes"); `confidence` is the probability of that kind."""

    kind: str


def find_garments(encoder: Encoder, picture: Picture) -> list[Garment]:
    """Return all garments of a photo, from the most to the least confident, six at most.

    Empty where nothing differs from the border, and for a model that has no kinds
    (`garments.json`). A studio photo on a plain background is searched as any other. Raises
    ImageError.
    """
    image = load_rgb(picture)
    colours = colour_saliency(image)
    if encoder.garment_kinds is None or np.quantile(colours, 0.98) < _MIN_COLOUR_DISTANCE:
        return []
    maps = _detection_maps(encoder, image)
    cells = normalize_map(normalize_map(feature_saliency(maps[0])) + normalize_map(colours))
    parts = split_regions(cells > _otsu(cells), _region_classifier(encoder, maps))
    found = _classify_crops(encoder, image, _large_enough(parts, image.size))
    rules = BY_CATEGORY_HEAD if _photo_kinds(encoder) is None else BY_PHOTO_KINDS
    joined = join_parts(found, lambda box: _classify_crops(encoder, image, [box])[0], rules)
    return [
        Garment(*_to_pixels(box, image.size), confidence, kind)
        for confidence, kind, box in suppress_overlaps(joined, rules)
    ]


def _region_classifier(encoder: Encoder, maps: Maps) -> Callable[[Cells], np.ndarray]:
    """Return what tells the weighted probabilities of the kinds by the maps inside a box."""
    head, kinds = _category_kinds(encoder)
    weights = np.array([MINOR_KINDS.get(name, 1.0) for name in kinds.names], np.float32)
    known: dict[tuple[CellSpan, ...], np.ndarray] = {}

    def classify(box: Cells) -> np.ndarray:
        left, top, right, bottom = (side / _GRID for side in box)
        region = left, top, right, bottom
        inside = region_cells(maps, region)  # the same for boxes that differ by less than a cell
        if inside not in known:
            known[inside] = weights * kinds.probabilities(head, maps, region)
        return known[inside]

    return classify


def _classify_crops(encoder: Encoder, image: Image.Image, boxes: Sequence[Cells]) -> list[Part]:
    """Tell the kinds of parts by the parts alone, encoded as pictures of their own.

    By a classifier of photos where the model has one, which sees a part with some room around it as
    photos have it; else by the category head, which was trained on studio photos and takes many
    garments by phone for accessories.
    """
    told = _photo_kinds(encoder)
    margin = 0.0 if told is None else _ROOM
    crops = [image.crop(_to_pixels(_with_room(box, margin), image.size)) for box in boxes]
    head, kinds = _category_kinds(encoder)
    found = []
    for box, crop, maps in zip(boxes, crops, encoder.feature_maps_of(crops), strict=True):
        if told is None:
            earlier, last = (unletterbox(each, crop.size) for each in maps)
            chances = kinds.probabilities(head, (earlier, last), (0.0, 0.0, 1.0, 1.0))
        else:
            chances = told(maps)
        kind = int(chances.argmax())
        found.append((float(chances[kind]), kinds.names[kind], box))
    return found


def _photo_kinds(encoder: Encoder) -> Callable[[Sequence[np.ndarray]], np.ndarray] | None:
    """Return what tells the probabilities (kinds,) by the maps of a photo; None without."""
    heads, adapter = encoder.heads, encoder.query_adapter
    if heads is None or adapter is None or adapter.kind_bias is None:
        return None

    def told(maps: Sequence[np.ndarray]) -> np.ndarray:
        found = adapter.kinds(heads.spatial_embeddings(maps).mean((0, 1))[None])
        assert found is not None
        chances: np.ndarray = found[0]
        return chances

    return told


def _detection_maps(encoder: Encoder, image: Image.Image) -> Maps:
    """Return the last two maps of an image at _DETECTION_SIZE, cropped to it.

    It is letterboxed to what it fills but for a multiple of 32 px, as the network halves it five
    times: of a photo of 3:4 that costs a fifth less than a square does.
    """
    scale = _DETECTION_SIZE / max(image.size)
    width, height = (min(_DETECTION_SIZE, 32 * math.ceil(side * scale / 32)) for side in image.size)
    maps = encoder.feature_maps(image, (width, height))
    earlier, last = (np.ascontiguousarray(unletterbox(each, image.size)) for each in maps)
    return earlier, last


def _category_kinds(encoder: Encoder) -> tuple[CategoryHead, GarmentKinds]:
    """Return what an encoder with kinds of garments has."""
    assert encoder.heads is not None and encoder.heads.category is not None
    assert encoder.garment_kinds is not None
    return encoder.heads.category, encoder.garment_kinds


def _large_enough(parts: Sequence[Cells], size: tuple[int, int]) -> list[Cells]:
    """Return the boxes, widened, of the parts that can be searched by themselves."""
    widened = [_widened(box) for box in parts]
    pixels = [_to_pixels(box, size) for box in widened]
    sides = [min(box[2] - box[0], box[3] - box[1]) for box in pixels]
    return [box for box, side in zip(widened, sides, strict=True) if side >= _LEAST_SIDE]


def _widened(box: Cells) -> Cells:
    left, top, right, bottom = box
    return (
        *(max(0, left - _MARGIN), max(0, top - _MARGIN)),
        *(min(_GRID, right + _MARGIN), min(_GRID, bottom + _MARGIN)),
    )


def _with_room(box: Cells, margin: float) -> tuple[float, float, float, float]:
    """Return a box with a margin, a fraction of its sides, inside the map."""
    left, top, right, bottom = box
    x, y = margin * (right - left), margin * (bottom - top)
    return max(0, left - x), max(0, top - y), min(_GRID, right + x), min(_GRID, bottom + y)


def _to_pixels(box: Sequence[float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    x, y = size[0] / _GRID, size[1] / _GRID
    return int(box[0] * x), int(box[1] * y), round(box[2] * x), round(box[3] * y)


def find_garment(encoder: Encoder, picture: Picture) -> BoundingBox:
    """Return the box of what differs most from the border of the image.

    Returns the whole image, with confidence 0, for a studio photo on a plain background and where
    nothing differs enough. Raises ImageError.
    """
    return encode_and_locate(encoder, picture)[1]


def encode_and_locate(encoder: Encoder, picture: Picture) -> tuple[np.ndarray, BoundingBox]:
    """Return the vector (dim,) of a whole photo and its `find_garment`, of one forward pass.

    A model whose own input is too small to locate anything takes a second pass. Raises ImageError.
    """
    image = load_rgb(picture)
    vector, features = encoder.encode_with_map(image, _STAGE)
    if encoder.preprocessing.size < _MIN_SIZE and not encoder.backend.fixed_size:
        features = encoder.feature_map(image, _MIN_SIZE, _STAGE)
    return vector, _garment_box(image, features)


def _garment_box(image: Image.Image, features: np.ndarray) -> BoundingBox:
    """Return `find_garment` of an image by its letterboxed map (s, s, channels)."""
    whole, small = BoundingBox(0, 0, *image.size, 0.0), _small(image)
    if _is_studio(small):
        return whole
    colours = _colour_saliency(small)
    if np.quantile(colours, 0.98) < _MIN_COLOUR_DISTANCE:
        return whole
    inside, exact = unletterbox(features, image.size), image_cells(len(features), image.size)
    saliency = normalize_map(feature_saliency(inside, _NEAREST_LOCATING), exact)
    saliency = saliency + _COLOUR_WEIGHT * normalize_map(colours)
    box = box_from_saliency(saliency, image.size)
    area = (box.right - box.left) * (box.bottom - box.top)
    too_large = area > _MAX_AREA * image.width * image.height
    return whole if box.confidence < _MIN_CONFIDENCE or too_large else box


def box_from_saliency(saliency: np.ndarray, size: tuple[int, int]) -> BoundingBox:
    """Return the box around the salient regions of a map (h, w), in an image (width, height)."""
    cells = normalize_map(saliency)
    garment = cells * _salient_regions(cells)
    left, right = _extent(garment.sum(axis=0))
    top, bottom = _extent(garment.sum(axis=1))
    confidence = _confidence(cells, (left, top, right, bottom))
    x, y = size[0] / _GRID, size[1] / _GRID
    return BoundingBox(int(left * x), int(top * y), round(right * x), round(bottom * y), confidence)


def unletterbox(cells: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crop a map (h, w, ...) of a letterboxed image (width, height) to (rows, columns, ...).

    The margins of the letterbox are cut off to the nearest cell.
    """
    left, top, right, bottom = map(round, _letterboxed(cells.shape[1], cells.shape[0], size))
    return cells[top : max(bottom, top + 1), left : max(right, left + 1)]


def _letterboxed(
    width: int, height: int, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return the box, in cells, of a letterboxed image (width, height) in a map (height, width)."""
    scale = min(width / size[0], height / size[1])
    columns, rows = (max(1.0, extent * scale) for extent in size)
    return (width - columns) / 2, (height - rows) / 2, (width + columns) / 2, (height + rows) / 2


def image_cells(side: int, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the box of the image in what `unletterbox` leaves of a map (side, side), in cells.

    The cells at its sides may be partly margin.
    """
    left, top, right, bottom = _letterboxed(side, side, size)
    x, y = round(left), round(top)
    columns, rows = max(1, round(right) - x), max(1, round(bottom) - y)
    return max(0, left - x), max(0, top - y), min(columns, right - x), min(rows, bottom - y)


def feature_saliency(features: np.ndarray, nearest: int = _NEAREST) -> np.ndarray:
    """Return (h, w): 1 - mean cosine of each position to its most similar border positions.

    `features` (h, w, channels).
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=2, keepdims=True), 1e-6)
    similarity = np.sort(unit @ _border(unit, 1).T, axis=2)
    saliency: np.ndarray = 1 - similarity[:, :, -nearest:].mean(axis=2)
    return saliency


@functools.cache
def _rgb_to_lab() -> ImageCms.ImageCmsTransform:
    """Return the transform of Pillow's convert("LAB"), which makes it anew each time (11 ms).

    Without lcms's cache of the last pixel, so that threads may share it.
    """
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.buildTransform(srgb, lab, "RGB", "LAB", flags=ImageCms.Flags.NOCACHE)


def colour_saliency(image: Image.Image) -> np.ndarray:
    """Return (_GRID, _GRID): the distance in Lab from the nearest border colours, smoothed."""
    return _colour_saliency(_small(image))


def _small(image: Image.Image) -> Image.Image:
    """Return an image as (_GRID, _GRID) px of RGB, in which colours are compared.

    Those of a whole photo would take longer than all the rest.
    """
    return image.convert("RGB").resize((_GRID, _GRID), Image.Resampling.BOX)


def _colour_saliency(small: Image.Image) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    # lightness weighs less: lighting is uneven, hues are stable
    lab = np.asarray(_rgb_to_lab().apply(small), np.float32) * np.array((0.6, 1, 1), np.float32)
    border = _border(lab, 3)[::7]
    # by channel: half of the time that scipy's cdist takes in float64
    squares = np.zeros((_GRID * _GRID, len(border)), np.float32)
    for channel in range(3):
        squares += np.square(lab[:, :, channel].reshape(-1, 1) - border[:, channel])
    nearest = np.partition(squares, _NEAREST_COLOURS - 1, axis=1)[:, :_NEAREST_COLOURS]
    distance = np.sqrt(nearest).mean(axis=1)
    saliency: np.ndarray = gaussian_filter(distance.reshape(_GRID, _GRID), 1.5)
    return saliency


def normalize_map(
    values: np.ndarray, part: tuple[float, float, float, float] | None = None
) -> np.ndarray:
    """Resize a map (h, w), or a `part` of it, to (_GRID, _GRID); scale to 0..1, outliers clipped.

    `part`: left, top, right and bottom in cells of the map, fractions included.
    """
    resized = Image.fromarray(values.astype(np.float32)).resize(
        (_GRID, _GRID), Image.Resampling.BILINEAR, box=part
    )
    cells = np.asarray(resized)
    low, high = np.quantile(cells, (0.02, 0.98))
    normalized: np.ndarray = np.clip((cells - low) / max(high - low, 1e-6), 0, 1)
    return normalized


def _is_studio(small: Image.Image) -> bool:
    border = _border(np.asarray(small, np.float32), 1)
    distance = np.abs(border - np.median(border, axis=0)).max(axis=1)
    uniform = (distance <= _STUDIO_TOLERANCE).mean() >= _STUDIO_SHARE
    return bool(uniform and np.median(border) > _STUDIO_BRIGHTNESS)


def _border(cells: np.ndarray, width: int) -> np.ndarray:
    """Return (m, channels): the border cells of a map (h, w, channels)."""
    inner = np.zeros(cells.shape[:2], bool)
    inner[width:-width, width:-width] = True
    return cells[~inner]


def _salient_regions(saliency: np.ndarray) -> np.ndarray:
    """Return bool (_GRID, _GRID): regions above Otsu's threshold (1979), small ones left out.

    Regions near the centre weigh more.
    """
    from scipy import ndimage

    labels, count = ndimage.label(saliency > _otsu(saliency))
    if not count:
        return np.ones(labels.shape, bool)
    y, x = np.mgrid[-1 : 1 : _GRID * 1j, -1 : 1 : _GRID * 1j]
    weights = ndimage.sum(saliency * np.exp(-x * x - y * y), labels, np.arange(1, count + 1))
    return np.isin(labels, 1 + np.flatnonzero(weights > _MIN_REGION * weights.max()))


def _otsu(values: np.ndarray) -> float:
    counts, edges = np.histogram(values, 64)
    centres, shares = (edges[:-1] + edges[1:]) / 2, counts / counts.sum()
    below, mean = np.cumsum(shares), np.cumsum(shares * centres)
    between = (mean[-1] * below - mean) ** 2 / (below * (1 - below) + 1e-9)
    return float(centres[np.argmax(between)])


def _extent(mass: np.ndarray) -> tuple[int, int]:
    share = np.cumsum(mass) / max(float(mass.sum()), 1e-9)
    first, last = (int(np.searchsorted(share, tail)) for tail in (_TAIL, 1 - _TAIL))
    return max(0, first - _MARGIN), min(len(mass), last + 1 + _MARGIN)


def _confidence(saliency: np.ndarray, box: tuple[int, int, int, int]) -> float:
    """Return the mean saliency inside the box minus that outside, 0 to 1."""
    left, top, right, bottom = box
    inside = np.zeros(saliency.shape, bool)
    inside[top:bottom, left:right] = True
    if inside.all():
        return 0.0
    return float(np.clip(saliency[inside].mean() - saliency[~inside].mean(), 0, 1))
