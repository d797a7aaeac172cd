"""Labels of columns in the language of the visitor."""

from __future__ import annotations

import pytest

from lookbook.ui.labels import label_of
from lookbook.ui.messages import use_language


@pytest.mark.parametrize(
    "language, expected",
    [("en", ["Base colour", "Heel height"]), ("de", ["Grundfarbe", "Heel height"])],
)
def test_usual_columns_are_translated_and_others_stay_as_the_catalogue_writes_them(
    language, expected
):
    use_language(language)
    try:
        assert [label_of("baseColour"), label_of("heel_height")] == expected
    finally:
        use_language("en")
