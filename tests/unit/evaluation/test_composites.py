"""Composites: each product lies inside its box, and the seed decides everything."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lookbook.evaluation.composites import compose, compose_outfits

RED, GREEN, BLUE = (220, 20, 30), (20, 200, 40), (20, 40, 220)


def studio(colour, size=(80, 120)):
    photo = Image.new("RGB", (size[0] + 40, size[1] + 40), "white")
    photo.paste(colour, (20, 20, size[0] + 20, size[1] + 20))
    return photo


def strongest_channel(image, box):
    left, top, right, bottom = box
    x, y = (right - left) // 4, (bottom - top) // 4
    inner = np.asarray(image.crop((left + x, top + y, right - x, bottom - y)), float)
    return int(inner.mean(axis=(0, 1)).argmax())


def test_each_product_lies_inside_its_box():
    photos = [studio(RED), studio(GREEN), studio(BLUE, (120, 60))]
    for stacked in (True, False):
        image, boxes = compose(photos, 3, stacked)
        assert [strongest_channel(image, box) for box in boxes] == [0, 1, 2]
        starts = [box[1 if stacked else 0] for box in boxes]
        assert starts == sorted(starts)
        for left, top, right, bottom in boxes:
            assert 0 <= left < right <= image.width
            assert 0 <= top < bottom <= image.height


def test_the_seed_decides_everything():
    first, again, other = (compose([studio(RED), studio(GREEN)], seed) for seed in (1, 1, 2))
    assert first[1] == again[1]
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] != other[1]


def test_outfits_hold_two_or_three_kinds():
    photos = {
        "top": [("a", studio(RED)), ("b", studio(BLUE))],
        "trousers": [("c", studio(GREEN))],
        "shoes": [("d", studio(BLUE, (120, 60)))],
        "bag": [],
    }
    outfits = compose_outfits(photos, 6, 0)
    assert len(outfits) == 6
    kind_of = {id: kind for kind, group in photos.items() for id, _ in group}
    for outfit in outfits:
        assert 2 <= len(set(outfit.ids)) == len(outfit.boxes) <= 3
        assert [kind_of[id] for id in outfit.ids] == list(outfit.kinds)
        assert all(0 <= side <= 1 for box in outfit.boxes for side in box)
    assert outfits[0].kinds[:2] == ("top", "trousers")
