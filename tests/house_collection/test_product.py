"""Pictures of products: deterministic, all different, and of the colour that their name says."""

import numpy as np

from house_collection import draw_cutout
from house_collection.palette import rgb
from tests.house_collection.colours import mean_colour


def test_plain_clothes_have_the_colour_that_they_are_named_after(first):
    plain = [
        p
        for p in first
        if p.pattern == "plain" and p.row()["masterCategory"] == "Apparel" and p.article != "Socks"
    ]
    for product in plain[:25]:
        assert np.abs(mean_colour(product) - rgb(product.shade)).max() < 0.17, product.name


def test_every_type_draws_the_same_picture_twice_and_no_two_are_alike(one_of_each):
    pictures = {}
    for article, product in one_of_each.items():
        picture = product.draw((96, 128))
        assert picture.size == (96, 128)
        assert picture.mode == "RGB"
        assert picture.tobytes() == product.draw((96, 128)).tobytes()
        pictures[picture.tobytes()] = article
    assert len(pictures) == len(one_of_each)


def test_no_two_products_are_alike(first):
    small = [p.draw((48, 64)).tobytes() for p in first[:120]]
    assert len(set(small)) == 120


def test_the_product_fills_the_frame_and_the_background_is_light(one_of_each):
    for product in one_of_each.values():
        cover = np.asarray(draw_cutout(product, (96, 128)))[:, :, 3] > 128
        assert cover.mean() > (0.012 if product.row()["subCategory"] == "Jewellery" else 0.05)
        assert not cover[[0, -1]].any()
        assert not cover[:, [0, -1]].any()
        corners = np.asarray(product.draw((96, 128)))[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.min() > 215


def test_any_size_is_drawn(first):
    assert first[0].draw((200, 150)).size == (200, 150)
