"""Photos, labels and image sizes."""

from __future__ import annotations

from lookbook.catalog import open_catalog
from lookbook.training.data import LABEL_COLUMNS, MISSING, image_side
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
