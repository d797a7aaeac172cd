"""Near-duplicates fold; garments of one cut in two colours do not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from lookbook.images.transforms import thumbnail_descriptor
from lookbook.index import near_duplicates
from lookbook.index.near_duplicates import difference, group_near_duplicates


def shirt(colour, size=(240, 320), stripes=0):
    """A T-shirt in the middle of a white ground."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    w, h = size
    draw.rectangle((w * 0.3, h * 0.25, w * 0.7, h * 0.8), fill=colour)
    draw.rectangle((w * 0.15, h * 0.25, w * 0.85, h * 0.4), fill=colour)
    for stripe in range(stripes):
        y = h * (0.45 + 0.08 * stripe)
        draw.rectangle((w * 0.3, y, w * 0.7, y + h * 0.03), fill="black")
    return image.filter(ImageFilter.GaussianBlur(1))  # no photo has edges as hard as a drawing's


def again(image, quality, scale=1.0, kind="JPEG"):
    """The picture as another shop would store it."""
    out = io.BytesIO()
    size = (round(image.width * scale), round(image.height * scale))
    image.resize(size, Image.Resampling.LANCZOS).save(out, kind, quality=quality)
    return Image.open(io.BytesIO(out.getvalue())).convert("RGB")


def folded(images, **options):
    descriptors = np.stack([np.asarray(thumbnail_descriptor(image)) for image in images])
    vectors = descriptors.astype(np.float32) - 100
    return group_near_duplicates(
        vectors, descriptors, [str(i) for i in range(len(images))], **options
    ).tolist()


@pytest.mark.parametrize(
    "copy",
    [
        {"quality": 90},
        {"quality": 60},
        {"quality": 85, "scale": 0.5},
        {"quality": 85, "scale": 2},
        {"quality": 80, "kind": "WEBP"},
    ],
)
def test_a_copy_of_a_picture_folds_into_it(copy):
    original = shirt("#335588", stripes=3)
    assert folded([shirt("#aa2222"), original, again(original, **copy)]) == [0, 1, 1]


@pytest.mark.parametrize("other", ["#3b3f5c", "#33587a", "#4a4a4a", "#ffffff"])
def test_colourways_of_one_cut_do_not_fold(other):
    navy = "#2b2f4c"
    assert folded([shirt(navy), shirt(other)], min_cosine=-1) == [0, 1]


def test_a_print_on_a_plain_shirt_does_not_fold():
    assert folded([shirt("#dddddd"), shirt("#dddddd", stripes=2)], min_cosine=-1) == [0, 1]


def test_likeness_does_not_creep_along_a_chain():
    """Each shade is like the next one, the ends are unlike: the first row decides."""
    shades = [shirt((100 + step, 100, 100)) for step in range(0, 40, 4)]
    groups = folded(shades, min_cosine=-1)
    descriptors = np.stack([np.asarray(thumbnail_descriptor(image)) for image in shades])
    assert len(set(groups)) > 2
    assert len(set(groups)) < len(shades)
    assert [groups[group] for group in groups] == groups
    assert (difference(descriptors, descriptors[groups]) <= near_duplicates.MAX_DIFFERENCE).all()


def test_same_content_folds_however_many_there_are():
    descriptors = np.random.default_rng(0).integers(0, 255, (50, 768)).astype(np.uint8)
    hashes = ["same" if i % 2 else f"own {i}" for i in range(50)]
    groups = group_near_duplicates(descriptors.astype(np.float32), descriptors, hashes)
    assert groups.tolist() == [1 if i % 2 else i for i in range(50)]


def test_a_far_vector_keeps_like_descriptors_apart():
    descriptors = np.zeros((2, 768), np.uint8)
    vectors = np.eye(2, dtype=np.float32)
    assert group_near_duplicates(vectors, descriptors, ["a", "b"]).tolist() == [0, 1]
    assert group_near_duplicates(vectors, descriptors, ["a", "b"], min_cosine=0).tolist() == [0, 0]


def test_an_index_of_many_rows_folds_the_same(monkeypatch):
    rng = np.random.default_rng(1)
    originals = rng.integers(0, 250, (300, 768)).astype(np.uint8)
    descriptors = np.concatenate([originals, originals + 1])
    vectors, hashes = descriptors.astype(np.float32) - 125, [str(i) for i in range(600)]
    exact = group_near_duplicates(vectors, descriptors, hashes)
    monkeypatch.setattr(near_duplicates, "_EXACT_ROWS", 10)
    assert (
        exact.tolist()
        == group_near_duplicates(vectors, descriptors, hashes).tolist()
        == [*range(300)] * 2
    )


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=30), st.integers(0, 99))
def test_groups_are_named_by_their_first_row(hashes, seed):
    numbers = np.random.default_rng(seed).integers(0, 255, (7, 12)).astype(np.uint8)
    descriptors = numbers[["abcdefg".index(name) for name in hashes]]
    groups = group_near_duplicates(
        descriptors.astype(np.float32), descriptors, hashes, max_difference=0
    )
    assert groups.tolist() == [hashes.index(name) for name in hashes]


def test_rows_must_match():
    with pytest.raises(ValueError, match="found 2, 2 and 1"):
        group_near_duplicates(np.ones((2, 3)), np.ones((2, 3), np.uint8), ["a"])
