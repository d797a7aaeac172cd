"""The side for kinds: sure pictures lie on a code, others stay short."""

from __future__ import annotations

import pytest
import torch

from lookbook.encoding.category_head import CategoryHead
from lookbook.training.category_fitting import fit_category_head, standardize_features
from lookbook.training.class_embeddings import spread
from lookbook.training.data import HEADS, MISSING
from lookbook.training.descriptions import Description
from lookbook.training.head_finetuning import Features
from lookbook.training.model import AVERAGES, DETAILS, KIND_SHARE, EmbeddingModel
from lookbook.training.pair_sampler import Truth

CODES = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
KINDS = CategoryHead(
    torch.eye(2), 20 * torch.eye(2), torch.zeros(2), CODES
)  # the larger feature wins


def test_a_sure_picture_lies_on_its_code_and_an_unsure_one_stays_short():
    sure, other, unsure = KINDS(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]))
    torch.testing.assert_close(sure, CODES[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(other, CODES[1], atol=1e-6, rtol=0)
    assert unsure.norm() == pytest.approx(0.5**0.5)


def test_places_give_what_the_picture_has():
    torch.manual_seed(0)
    soft = CategoryHead(torch.randn(3, 5), torch.randn(4, 3), torch.randn(4), torch.randn(4, 2))
    places = torch.randn(6, 5)
    given = soft.spatial_embeddings(places)
    torch.testing.assert_close(given.mean(0), soft(places.mean(0)))
    # a little more of one place moves the side as that place gives beyond the mean
    step = 1e-3
    moved = soft(places.mean(0) + step * (places[2] - places.mean(0))) - soft(places.mean(0))
    torch.testing.assert_close(moved / step, given[2] - given.mean(0), atol=0.02, rtol=0.02)


def test_what_was_stored_is_found_again():
    again = CategoryHead.from_arrays(KINDS.arrays() | {"projection": torch.eye(2)})
    assert again is not None
    torch.testing.assert_close(again.arrays(), KINDS.arrays())
    assert CategoryHead.from_arrays({"projection": torch.eye(2)}) is None
    with pytest.raises(ValueError, match=r"expected kinds\.read, .* found only kinds\.read"):
        CategoryHead.from_arrays({"kinds.read": torch.eye(2)})
    with pytest.raises(
        ValueError, match=r"expected arrays of one class count and rank, found .*\(2,\)"
    ):
        CategoryHead.from_arrays(KINDS.arrays() | {"kinds.read": torch.zeros(2)})
    with pytest.raises(
        ValueError, match=r"expected arrays of one class count and rank, found .*\(3,\)"
    ):
        CategoryHead.from_arrays(KINDS.arrays() | {"kinds.bias": torch.zeros(3)})


def test_codes_are_at_right_angles_or_as_good_as_there_is_room():
    torch.testing.assert_close(spread(3, 5) @ spread(3, 5).T, torch.eye(3))
    many = spread(20, 8)
    torch.testing.assert_close(many.norm(dim=1), torch.ones(20))
    cosines = (many @ many.T).fill_diagonal_(0).abs().max()
    welch = ((20 - 8) / (8 * 19)) ** 0.5
    assert welch - 1e-6 <= cosines < 1.4 * welch
    torch.testing.assert_close(many, spread(20, 8))
    assert spread(0, 8).shape == (0, 8)


def labelled(kinds: torch.Tensor) -> Features:
    """Pictures of two kinds, told apart by one feature; others vary more, most do not at all."""
    torch.manual_seed(0)
    seen = torch.ones(2 * len(kinds), AVERAGES + DETAILS)
    seen[:, 20:24] += 3 * torch.randn(2 * len(kinds), 4)
    seen[:, 7] = torch.cat([kinds, kinds]) + 0.1 * torch.randn(2 * len(kinds))
    labels = torch.full((2, len(kinds), len(HEADS)), MISSING)
    labels[:, :, HEADS.index("articleType")] = kinds
    numbers = torch.arange(2 * len(kinds)).view(2, -1)
    none = torch.zeros(len(kinds), dtype=torch.bool)
    said = [[Description()] * len(kinds)] * 2
    truth = Truth(numbers, numbers, labels, none, said, None)
    return Features(*seen.half().chunk(2), truth)


def test_kinds_are_learnt_whatever_the_size_of_features(monkeypatch):
    monkeypatch.setattr("lookbook.training.category_fitting.STEPS", 300)
    student = EmbeddingModel({head: ["a", "b"] for head in HEADS}, 20, 0, 2)
    kinds = torch.arange(1000) % 2
    losses = fit_category_head(student, labelled(kinds))
    assert len(losses) == 300 and losses[-1] < losses[0]
    fresh = labelled(1 - kinds)  # the same noise, the other kind
    pictures = fresh.first.float()
    with torch.inference_mode():
        told = student.eval().told(pictures)
        assert (told.argmax(1) == 1 - kinds).float().mean() > 0.9
        # what is usual of features is in the weights that an encoder reads
        wanted = KIND_SHARE * told.softmax(1) @ student.codes
        torch.testing.assert_close(
            CategoryHead.from_arrays(student.joined())(pictures), wanted, atol=1e-3, rtol=0
        )
        # a feature that was always the same does not shout when it is not
        pictures[:, 100] += 0.1
        assert (student.told(pictures) - told).abs().max() < 1


def test_what_is_usual_can_be_noted_later():
    student = EmbeddingModel({head: ["a", "b"] for head in HEADS}, 20, 0, 2).eval()
    seen = 5 + 3 * torch.randn(50, AVERAGES + DETAILS)
    with torch.inference_mode():
        before = student.told(seen)
        standardize_features(student, seen)
        torch.testing.assert_close(student.told(seen), before, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(student.usual[0], seen.mean(0))


def test_without_a_label_nothing_is_learnt():
    student = EmbeddingModel({head: ["a", "b"] for head in HEADS}, 20, 0, 2)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    assert fit_category_head(student, labelled(torch.full((40,), MISSING))) == []
    torch.testing.assert_close(student.state_dict(), before)
