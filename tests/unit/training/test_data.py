"""Photos, labels and image sizes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lookbook.catalog import open_catalog
from lookbook.images.loading import ImageError
from lookbook.training.data import (
    LABEL_COLUMNS,
    MISSING,
    cached_photos,
    image_side,
    rgba_image,
)
from lookbook.training.sources import check_memory
from tests.shapes import draw_shape


def test_invalid_images_are_left_out_and_classes_numbered(photos):
    assert len(photos) == 15
    colours = photos.class_ids[:, LABEL_COLUMNS.index("baseColour")]
    assert len(set(colours)) == 5
    assert (photos.class_ids[:, LABEL_COLUMNS.index("season")] == MISSING).all()


def test_image_side_is_that_of_the_images_within_bounds(tmp_path):
    for number, side in enumerate((30, 100, 120, 1000)):
        draw_shape("red", 0, (side, side)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert image_side(open_catalog(str(tmp_path))) == 110
    for number in range(3):
        (tmp_path / f"{number}.png").unlink()
    assert image_side(open_catalog(str(tmp_path))) == 192, "no more than a view needs"


def test_the_cache_holds_the_decoded_pictures_in_their_order(shapes, tmp_path):
    def items():
        return open_catalog(str(shapes))

    first = cached_photos(tmp_path / "one", items, 48, "id", 1)
    again = cached_photos(tmp_path / "one", lambda: [], 48, "id", 1)
    parallel = cached_photos(tmp_path / "two", items, 48, "id", 4)
    expected = []
    for item in items():
        try:
            expected.append((item.id, rgba_image(item, 48)))
        except ImageError:
            continue
    keys, images = zip(*expected, strict=True)
    for photos in (first, again, parallel):
        assert photos.keys == list(keys)
        assert photos.rgba_images.dtype == np.uint8
        assert np.array_equal(photos.rgba_images, np.stack(images))


def test_a_cache_that_was_not_finished_is_written_anew(shapes, tmp_path):
    (tmp_path / "one.npy").write_bytes(b"cut off")
    photos = cached_photos(tmp_path / "one", lambda: open_catalog(str(shapes)), 32, "id", 2)
    assert photos.rgba_images.shape == (15, 32, 32, 4)


def test_a_catalogue_without_a_valid_image_is_no_training_data(tmp_path):
    with pytest.raises(ValueError, match="at least one usable picture"):
        cached_photos(tmp_path / "one", lambda: [], 32, "id", 2)


def test_photos_that_do_not_fit_into_memory_are_rejected():
    args = SimpleNamespace(cache_side=192)
    check_memory(7e9, 10e9, args)
    with pytest.raises(SystemExit, match=r"take 9\.0 GB .* 10\.0 GB are free; .* below 192"):
        check_memory(9e9, 10e9, args)
