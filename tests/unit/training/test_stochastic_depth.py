"""Residual branches that are left out while a model is trained."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from transformers import ResNetConfig

from lookbook.training.interpolation import estimate_batch_norms
from lookbook.training.model import EmbeddingModel
from lookbook.training.stochastic_depth import StochasticDepth, add_stochastic_depth
from tests.tiny_training import tiny_batch, tiny_model


def model_with_branches(depths: tuple[int, ...] = (1, 1, 1, 2), **changes) -> EmbeddingModel:
    """A model whose residual branches are not zero, as they are at the start of a training."""
    model = tiny_model(config=ResNetConfig(depths=list(depths)), **changes)
    for block in blocks(model):
        torch.nn.init.constant_(block.layer[-1].normalization.weight, 0.1)
    return model


def blocks(model: EmbeddingModel) -> list:
    return [block for stage in model.backbone.encoder.stages for block in stage.layers]


@torch.no_grad()
def test_samples_drop_a_branch_one_by_one_and_on_average_nothing_changes():
    torch.manual_seed(0)
    model = model_with_branches()
    add_stochastic_depth(model, 0.5)
    last = blocks(model)[-1].eval()
    photo = 4 + torch.randn(1, 2048, 1, 1)  # positive, so that the ReLU at the end changes nothing
    branch = last(photo) - photo
    last.layer[-1].train()  # but no batch norm
    drawn = last(photo.repeat(1000, 1, 1, 1)) - photo
    share = (drawn / branch).flatten(1).median(1).values.round()
    assert set(share.tolist()) == {0, 2}, "dropped, or scaled by 1 / (1 - 0.5)"
    scaled = share[:, None, None, None] * branch
    torch.testing.assert_close(drawn, scaled, atol=1e-4, rtol=0)
    assert float(share.mean()) == pytest.approx(1, abs=0.15), "the branch of eval mode"


@pytest.mark.parametrize("depth", [1, 2])
def test_at_a_rate_of_one_a_block_is_its_shortcut(depth):
    """The last block changes the shape of its input, or not."""
    model = model_with_branches((1, 1, 1, depth))
    add_stochastic_depth(model, 1.0)
    last, maps = blocks(model)[-1].train(), torch.randn(4, 1024 * depth, 4, 4)
    result = last(maps)
    assert torch.equal(result, last.activation(last.shortcut(maps)))
    result.sum().backward()
    assert not any(weights.grad.any() for weights in last.layer.parameters())


def test_rates_grow_with_depth_but_in_frozen_stages():
    model = tiny_model(frozen_stages=2)  # the stem and the stage of the first three blocks
    add_stochastic_depth(model, 0.32)
    rates = [
        next((m.p for m in block.modules() if isinstance(m, StochasticDepth)), 0.0)
        for block in blocks(model)
    ]
    assert rates == pytest.approx([0, 0, 0, *(0.02 * depth for depth in range(4, 17))])


@torch.no_grad()
def test_weights_and_eval_mode_stay_as_they_are():
    plain, images = model_with_branches().eval(), tiny_batch().images
    model = deepcopy(plain)
    add_stochastic_depth(model, 0.9)
    model.load_state_dict(plain.state_dict())
    assert list(model.state_dict()) == list(plain.state_dict())
    assert torch.equal(model.eval().features(images), plain.features(images))
    assert not torch.equal(model.train().features(images), plain.train().features(images))


def test_a_rate_of_zero_adds_nothing():
    model = tiny_model()
    modules = list(model.modules())
    add_stochastic_depth(model, 0.0)
    assert list(model.modules()) == modules


def test_maps_keep_their_type_and_memory_format():
    model = model_with_branches().to(memory_format=torch.channels_last)
    add_stochastic_depth(model, 0.5)
    maps = torch.randn(8, 2048, 4, 4).to(torch.bfloat16, memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        result = blocks(model)[-1].train()(maps)
    assert result.dtype == torch.bfloat16
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_branches_are_dropped_where_they_lie():
    model = model_with_branches().to("meta")  # a device that refuses tensors of another one
    add_stochastic_depth(model, 0.5)
    assert model.features(torch.empty(2, 3, 64, 64, device="meta")).device.type == "meta"


def test_batch_norm_statistics_are_estimated_with_all_branches():
    plain = model_with_branches()
    model, batches = deepcopy(plain), [tiny_batch(), tiny_batch()]
    add_stochastic_depth(model, 0.9)
    for each in (plain, model):
        estimate_batch_norms(each, iter(batches), len(batches))
    torch.testing.assert_close(model.state_dict(), plain.state_dict(), atol=0, rtol=0)
    assert model.training and all(block.training for block in blocks(model))
