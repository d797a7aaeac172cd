"""Batches of pairs of views."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from lookbook.training.data import LABEL_COLUMNS, PhotoDataset
from lookbook.training.pair_sampler import MEAN, STD, PairSampler


def test_a_batch_holds_two_views_of_the_same_products(photos):
    batch = next(PairSampler([photos], None, 0).batches(5, 32, seed=1))
    n = len(batch.labels)
    assert batch.images.shape == (2 * n, 3, 32, 32)
    assert len(set(batch.labels.products[0].tolist())) == n
    assert torch.equal(*batch.labels.products)
    first, second = batch.labels.class_ids
    changed = (first != second).nonzero()
    assert {LABEL_COLUMNS[column] for column in changed[:, 1].tolist()} == {
        "baseColour",
        "combined",
    }
    assert batch.labels.recoloured[changed[:, 0]].all(), "its new colour has no name"
    pixels = batch.images * STD + MEAN
    assert -0.01 <= float(pixels.min()) <= float(pixels.max()) <= 1.01
    assert not torch.allclose(batch.images[:n], batch.images[n:])


def test_the_same_seed_draws_the_same_batches(photos):
    one, same, other = (
        next(PairSampler([photos], photos, 0.4).batches(5, 32, seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(one.images, same.images)
    assert not torch.equal(one.images, other.images)


@pytest.mark.parametrize("strong", [False, True])
def test_batches_from_a_number_on_are_those_of_the_whole_run(photos, strong):
    def batches(first):
        sampler = PairSampler([photos], photos, 0.4, strong=strong)
        return sampler.batches(5, 32, 3, first)

    whole = list(islice(batches(0), 7))  # of three products each: more than an epoch
    drawn = [n for batch in whole[:5] for n in batch.labels.products[0].tolist() if n >= 0]
    assert sorted(drawn) == list(range(15)), "an epoch has all products"
    for batch, expected in zip(batches(4), whole[4:], strict=False):
        assert torch.equal(batch.images, expected.images)
        assert torch.equal(batch.labels.class_ids, expected.labels.class_ids)
        assert torch.equal(batch.labels.products, expected.labels.products)


def test_pairs_of_two_sources_are_unaugmented(photos):
    few = photos.take(np.array([3, 7]))
    few.rgba_images = 255 - few.rgba_images  # the same products in other photos
    sampler = PairSampler([photos, few], None, 0)
    batch = next(sampler.unaugmented_pairs(5, 48, seed=1))
    assert len(batch.labels) == 2 and not batch.labels.recoloured.any()
    pixels = ((batch.images * STD + MEAN) * 255).round().permute(0, 2, 3, 1)
    for row, number in enumerate(batch.labels.products[0].tolist()):
        key = list(sampler.photos)[number]
        for image, source in ((pixels[row], few), (pixels[2 + row], photos)):
            expected = source.rgba_images[source.keys.index(key), ..., :3].astype(np.float32)
            assert np.abs(image.numpy() - expected).max() <= 1
    assert next(PairSampler([photos], None, 0).unaugmented_pairs(5, 48, seed=1), None) is None


def in_two_colours(photos: PhotoDataset) -> PhotoDataset:
    """Six of `photos` as three products of two colours each, by their titles."""
    six = photos.take(np.arange(6))
    six.keys = [str(row) for row in range(6)]
    six.titles = [
        f"{word} {c}" for word in ("Oak Tee", "Elm Tee", "Fir Tee") for c in ("Red", "Tan")
    ]
    six.attributes = [dict(row) for row in six.attributes]
    for row in six.attributes:
        row |= {"baseColour": None}
    return six


def test_a_second_view_may_show_another_colourway(photos, monkeypatch):
    monkeypatch.setattr("lookbook.training.pair_sampler.RECOLOURED_SHARE", 1.0)
    monkeypatch.setattr("lookbook.training.pair_sampler.COLOURWAY_SHARE", 1.0)
    labels = next(PairSampler([in_two_colours(photos)], None, 0).batches(6, 32, seed=1)).labels
    first, second = labels.products
    assert torch.equal(second, first ^ 1), "0 and 1 are one product, 2 and 3, 4 and 5"
    assert torch.equal(labels.designs, labels.products // 2 * 2)
    assert labels.recoloured.all()
    colours = labels.class_ids[..., LABEL_COLUMNS.index("baseColour")]
    known = photos.class_ids[:6, LABEL_COLUMNS.index("baseColour")]
    assert colours[1].tolist() == known[second].tolist(), "the colour of a colourway is known"
    titles = in_two_colours(photos).titles
    assert [d.title for d in labels.all_descriptions] == [
        titles[n] for n in labels.products.flatten().tolist()
    ]
    assert [d.title for d in labels.take(torch.tensor([2])).all_descriptions] == [
        titles[n] for n in labels.products[:, 2]
    ]


def test_artificially_recoloured_views_have_no_description(photos, monkeypatch):
    monkeypatch.setattr("lookbook.training.pair_sampler.RECOLOURED_SHARE", 1.0)
    monkeypatch.setattr("lookbook.training.pair_sampler.COLOURWAY_SHARE", 0.0)
    labels = next(PairSampler([photos], photos, 0.4).batches(5, 32, seed=1)).labels
    first, second = labels.descriptions
    from_phones = labels.products[0] < 0  # these have no description at all
    assert from_phones.tolist() == [False, False, False, True, True]
    assert [bool(d.words) for d in first] == [True, True, True, False, False]
    assert not any(d.words for d in second), "the colour has no name"


def test_pairs_of_colourways_are_unaugmented(photos):
    colourways = in_two_colours(photos)
    batch = next(PairSampler([colourways], None, 0).colourway_pairs(5, 48, seed=1))
    assert len(batch.labels) == 3 and batch.labels.recoloured.all()
    assert torch.equal(batch.labels.products[1], batch.labels.products[0] ^ 1)
    pixels = ((batch.images * STD + MEAN) * 255).round().permute(0, 2, 3, 1)
    for image, number in zip(pixels, batch.labels.products.flatten().tolist(), strict=True):
        assert np.abs(image.numpy() - colourways.rgba_images[number, ..., :3]).max() <= 1
    assert next(PairSampler([photos], None, 0).colourway_pairs(5, 48, seed=1), None) is None


def test_single_photos_are_unrelated_and_cover_all_products(photos):
    six = in_two_colours(photos)
    batches = PairSampler([six], None, 0).single_photos(2, 48, seed=1)
    first, second = next(batches), next(batches)
    drawn = torch.cat([batch.labels.products.flatten() for batch in (first, second)])
    assert sorted(drawn.tolist()) == [0, 1, 2, 3, 4, 5], "two and one pairs are an epoch"
    assert not first.labels.single_colour.any() and not first.labels.recoloured.any()
    pixels = ((first.images * STD + MEAN) * 255).round().permute(0, 2, 3, 1)
    for image, number in zip(pixels, first.labels.products.flatten().tolist(), strict=True):
        assert np.abs(image.numpy() - six.rgba_images[number, ..., :3]).max() <= 1
    single = PairSampler([six.take(np.array([0]))], None, 0)
    assert next(single.single_photos(5, 48, seed=1), None) is None
