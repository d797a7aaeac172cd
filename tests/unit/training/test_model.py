"""The trained model."""

from __future__ import annotations

import torch

from lookbook.training.model import DETAIL_SCALE, FEATURES, TRAINING_DETAIL_SCALE
from tests.tiny_training import tiny_model


def test_frozen_stages_do_not_change():
    model = tiny_model(frozen_stages=2).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.embed(model.features(torch.randn(4, 3, 64, 64)))[:, 0].sum().backward()
    optimizer.step()
    changed = {
        name.rsplit(".", 1)[0]
        for name, value in model.state_dict().items()
        if name.startswith("backbone") and not torch.equal(value, before[name])
    }
    assert any(name.startswith("backbone.encoder.stages.1") for name in changed)
    frozen = ("backbone.embedder", "backbone.encoder.stages.0")
    assert not [name for name in changed if name.startswith(frozen)]


def test_the_detail_head_is_scaled_down_in_training():
    model = tiny_model()
    outputs = model.head_outputs(torch.randn(3, FEATURES))
    general, detail, _ = model.head_dims

    def norm_ratio(vectors: torch.Tensor) -> torch.Tensor:
        detail_part = vectors[:, general : general + detail]
        return detail_part.norm(dim=1) / vectors[:, :general].norm(dim=1)

    training, exported = (norm_ratio(model.train(mode).combine(*outputs)) for mode in (True, False))
    torch.testing.assert_close(
        training / exported, torch.full((3,), TRAINING_DETAIL_SCALE / DETAIL_SCALE)
    )
