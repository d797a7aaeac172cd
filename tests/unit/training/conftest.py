"""Photos that the tests of training share."""

from __future__ import annotations

import pytest

from lookbook.catalog import open_catalog
from lookbook.training.data import cached_photos, label_classes, set_class_ids


@pytest.fixture(scope="module")
def photos(shapes, tmp_path_factory):
    """The 15 drawn shapes, labelled by colour."""
    path = tmp_path_factory.mktemp("photos") / "shapes"
    dataset = cached_photos(path, lambda: open_catalog(str(shapes)), 48, "id", 2)
    for row in dataset.attributes:
        row |= {"baseColour": row["colour"], "articleType": "disc", "gender": "Unisex"}
    set_class_ids(dataset, label_classes([dataset], min_count=2))
    return dataset
