"""Which losses train which heads."""

from __future__ import annotations

import torch

from lookbook.training.cross_batch_memory import CrossBatchMemory
from lookbook.training.data import LABEL_COLUMNS, MISSING
from lookbook.training.model import FEATURES
from lookbook.training.objective import compute_losses, compute_mixed_losses, weighted_sum
from tests.tiny_training import VOCABULARY, normalized, pair_labels, tiny_model


def test_another_colourway_is_no_negative_for_the_detail_head():
    model = tiny_model()
    features = torch.randn(4, FEATURES)
    class_ids = torch.full((2, 2, len(LABEL_COLUMNS)), MISSING)
    labels = pair_labels(class_ids, ["", ""], recoloured=True)

    def detail_loss(designs: torch.Tensor) -> float:
        memory = CrossBatchMemory(8)
        heads = model.head_outputs(features)[:2]
        memory.add(designs, [normalized(head.detach()) for head in heads])
        return float(compute_losses(model, VOCABULARY, features, labels, memory)["detail"].detach())

    model.eval()
    designs = labels.designs.flatten()
    assert detail_loss(designs) < detail_loss(designs + 7)


def test_unrelated_pairs_have_no_view_losses():
    model = tiny_model().eval()
    class_ids = torch.zeros(2, 3, len(LABEL_COLUMNS), dtype=torch.int64)
    labels = pair_labels(class_ids, ["red"] * 3)
    labels.products = labels.designs = torch.arange(6).view(2, 3)
    parts = compute_losses(model, VOCABULARY, torch.randn(6, FEATURES), labels)
    pairs = ("views", "detail", "vector views", "vector colourways")
    assert [float(parts[name].detach()) for name in pairs] == [0, 0, 0, 0]


def test_the_vector_losses_do_not_train_the_detail_head():
    model = tiny_model()
    features = torch.randn(16, FEATURES)
    class_ids = torch.arange(8).repeat(2, 1)[..., None].expand(2, 8, len(LABEL_COLUMNS)) % 2
    labels = pair_labels(class_ids, ["red", "shirt"] * 4)
    labels.products = labels.designs = torch.arange(16).view(2, 8)
    labels.products[1, :2] = labels.products[0, :2]  # the others are unrelated
    parts = compute_losses(model, VOCABULARY, features, labels)
    vector_losses = {name: value for name, value in parts.items() if name.startswith("vector ")}
    positive = {name for name, value in vector_losses.items() if value > 0}
    assert positive == {"vector views", "vector category", "vector combined"}, (
        "no pair in two colours"
    )
    related = compute_losses(
        model, VOCABULARY, features, pair_labels(class_ids, ["red", "shirt"] * 4)
    )
    assert related["vector category"] > 0, "without unrelated pairs all views count"
    sum(vector_losses.values()).backward()
    assert model.category_head.bottleneck.weight.grad.any() and model.projection.weight.grad.any()
    assert model.detail_head.weight.grad is None


def test_mixed_images_have_the_losses_of_both_labels_by_their_shares():
    model = tiny_model().eval()
    features = torch.randn(4, FEATURES)
    class_ids = torch.tensor([0, 1])[None, :, None].repeat(2, 1, len(LABEL_COLUMNS))
    labels = pair_labels(class_ids, ["red", "shirt"])
    partners = torch.tensor([1, 0, 3, 2])  # of the other class
    swapped = pair_labels(1 - class_ids, ["red", "shirt"])
    own, other = (compute_losses(model, None, features, each) for each in (labels, swapped))
    for share in (0.0, 0.25, 1.0):
        mixed = compute_mixed_losses(model, features, labels, partners, share)
        assert set(mixed) == {*LABEL_COLUMNS, "category"}
        for name, value in mixed.items():
            torch.testing.assert_close(value, (1 - share) * own[name] + share * other[name])


def test_each_head_has_its_own_target():
    model = tiny_model().eval()
    features = torch.randn(4, FEATURES)
    class_ids = torch.full((2, 2, len(LABEL_COLUMNS)), MISSING)
    labels, outputs = pair_labels(class_ids, ["", ""]), model.head_outputs(features)
    targets = [head.detach() for head in outputs]
    heads = {
        "ema general": model.projection,
        "ema detail": model.detail_head,
        "ema category": model.category_head.classifier,
    }
    for number, name in enumerate(heads):
        other = [h.flip(0) if n == number else h for n, h in enumerate(targets)]
        parts = compute_losses(model, VOCABULARY, features, labels, targets=tuple(other))
        values = {n: float(v.detach()) for n, v in parts.items() if n in heads}
        assert values.pop(name) > 1e-4 and max(map(abs, values.values())) < 1e-6
        model.zero_grad()
        parts[name].backward()
        assert [n for n, head in heads.items() if head.weight.grad is not None] == [name]


def test_averaged_targets_count_as_often_as_asked():
    parts = {"text": torch.tensor(10.0), "ema general": torch.tensor(1.0)}
    assert [float(weighted_sum(parts, weight)) for weight in (0, 0.5, 2)] == [4, 4.5, 6]
