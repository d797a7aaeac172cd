"""Parts of a photo are joined to garments, and parts that are none are dropped."""

from __future__ import annotations

from lookbook.encoding.garment_parts import (
    BY_CATEGORY_HEAD,
    BY_PHOTO_KINDS,
    join_parts,
    suppress_overlaps,
)


def test_neighbours_that_are_surer_together_are_one_garment():
    face, top = (0.8, "underwear", (10, 0, 30, 20)), (0.7, "top", (8, 20, 34, 60))
    far = (0.9, "shoes", (50, 40, 60, 60))
    person = (0.99, "top", (8, 0, 34, 60))
    asked = []

    def classify_crop(box):
        asked.append(box)
        return person

    assert sorted(join_parts([face, top, far], classify_crop, BY_CATEGORY_HEAD)) == sorted(
        [far, person]
    )
    assert asked == [person[2]], "the shoes are no neighbour"
    assert join_parts([face, top], lambda box: (0.79, "dress", box), BY_CATEGORY_HEAD) == [
        face,
        top,
    ]


def test_what_was_joined_is_compared_with_its_neighbours_again():
    face, top = (0.3, "accessory", (10, 0, 30, 18)), (0.35, "top", (8, 20, 34, 40))
    hem = (0.3, "top", (8, 42, 34, 60))
    asked = []

    def classify_crop(box):
        asked.append(box)
        return (box[3] - box[1]) / 64, "dress", box  # the larger the surer

    upper, whole = (8, 0, 34, 40), (8, 0, 34, 60)
    assert join_parts([face, top, hem], classify_crop, BY_CATEGORY_HEAD) == [
        (60 / 64, "dress", whole)
    ]
    assert asked == [upper, whole]
    assert join_parts([face, hem], classify_crop, BY_CATEGORY_HEAD) == [face, hem], (
        "nothing lies between them"
    )


def test_a_pair_of_shoes_is_one_garment_and_a_top_beside_trousers_is_not():
    left, right = (0.9, "shoes", (5, 10, 28, 50)), (0.95, "shoes", (30, 10, 55, 50))
    pair = (0.9, "shoes", (5, 10, 55, 50))
    assert join_parts([left, right], lambda box: (0.9, "shoes", box), BY_PHOTO_KINDS) == [pair]
    trousers = (0.95, "trousers", right[2])
    found = join_parts([left, trousers], lambda box: (0.99, "dress", box), BY_PHOTO_KINDS)
    assert found == [left, trousers], "both are sure to be what they are"


def test_a_strip_of_unsure_kind_belongs_to_the_garment_beside_it():
    top, hem = (0.9, "top", (10, 10, 40, 40)), (0.5, "bag", (10, 40, 40, 48))
    whole = (0.95, "top", (10, 10, 40, 48))
    assert join_parts([top, hem], lambda box: (0.95, "top", box), BY_PHOTO_KINDS) == [whole]


def test_a_part_that_is_no_kind_for_certain_is_no_garment():
    sure, unsure = (0.9, "top", (0, 0, 20, 20)), (0.35, "bag", (40, 40, 60, 60))
    assert suppress_overlaps([unsure, sure], BY_PHOTO_KINDS) == [sure]
    assert suppress_overlaps([unsure, sure], BY_CATEGORY_HEAD) == [sure, unsure]


def test_of_two_parts_in_one_place_the_surer_one_is_kept():
    top, dress = (0.9, "top", (0, 0, 20, 30)), (0.8, "dress", (0, 2, 20, 32))
    assert suppress_overlaps([dress, top], BY_PHOTO_KINDS) == [top]
