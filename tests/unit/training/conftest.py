"""Photos that the tests of training share."""

from __future__ import annotations

import pytest

from lookbook.catalog import open_catalog
from lookbook.training.data import label_classes, load_photos, set_class_ids


@pytest.fixture(scope="module")
def photos(shapes):
    """The 15 drawn shapes, labelled by colour."""
    dataset = load_photos(open_catalog(str(shapes)), 48, "id")
    for row in dataset.attributes:
        row |= {"baseColour": row["colour"], "articleType": "disc", "gender": "Unisex"}
    set_class_ids(dataset, label_classes([dataset], min_count=2))
    return dataset
