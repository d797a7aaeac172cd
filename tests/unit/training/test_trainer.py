"""The training loop and its saved state."""

from __future__ import annotations

from copy import deepcopy
from itertools import islice
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from transformers import ResNetConfig, ResNetModel

from lookbook.training.data import LABEL_COLUMNS
from lookbook.training.device import mixed_precision
from lookbook.training.objective import compute_losses, weighted_sum
from lookbook.training.pair_sampler import PairSampler
from lookbook.training.stochastic_depth import StochasticDepth
from lookbook.training.trainer import learning_rate, mean_over_tasks, parameter_groups, train
from tests.tiny_training import VOCABULARY, tiny_batch, tiny_model, tiny_trainer

EMA_LOSSES = ("ema general", "ema detail", "ema category")
REGULARIZED = {"stochastic_depth": 0.5, "distill_weight": 1.0}


def test_the_run_of_another_model_is_rejected_by_name(tmp_path):
    trainer = tiny_trainer(tmp_path)
    trainer.save()
    state = torch.load(trainer.file)
    del state["model"]["category_head.feature_stats"]
    torch.save(state, trainer.file)
    with pytest.raises(SystemExit, match=r"run\.pt: expected a run with these heads.*--work"):
        tiny_trainer(tmp_path)


def test_only_the_backbone_has_a_scaled_learning_rate():
    new = tiny_model()
    groups = parameter_groups(new, 0.25)
    scale_of = {id(p): group["lr_scale"] for group in groups for p in group["params"]}
    assert {scale_of[id(p)] for p in new.backbone.parameters()} == {0.25}
    heads = (new.projection, new.detail_head, new.category_head.bottleneck)
    assert {scale_of[id(head.weight)] for head in heads} == {1.0}
    assert len(scale_of) == len(list(new.parameters()))


def test_a_resumed_run_has_the_state_of_the_saved_one(tmp_path):
    ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).save_pretrained(tmp_path / "start")
    saved = tiny_trainer(tmp_path, start_from=tmp_path / "start", freeze_stages=2)
    saved.update(tiny_batch(), 1e-2)
    saved.best = {"category P@10": 0.5}
    saved.save()
    # the folder that it started from is not needed, and the options are those of now
    resumed = tiny_trainer(tmp_path, freeze_stages=None, backbone_lr_scale=1.0)
    assert (resumed.step, resumed.best) == (1, {"category P@10": 0.5})
    assert resumed.model.backbone.config.downsample_in_bottleneck
    for old, new in ((saved.model, resumed.model), (saved.ema, resumed.ema)):
        torch.testing.assert_close(old.state_dict(), new.state_dict())
    torch.testing.assert_close(
        saved.optimizer.state_dict()["state"], resumed.optimizer.state_dict()["state"]
    )
    assert {group["lr_scale"] for group in resumed.optimizer.param_groups} == {1.0}
    norm = resumed.model.backbone.embedder.embedder.normalization
    before = norm.running_mean.clone()
    resumed.update(tiny_batch(), 1e-2)
    torch.testing.assert_close(norm.running_mean, before)


def test_a_run_of_an_earlier_version_is_resumed(tmp_path):
    saved = tiny_trainer(tmp_path, freeze_stages=2)
    saved.step = 7
    saved.save()
    state = torch.load(saved.file)
    old = {"model": "student", "ema": "average", "optimizer": "optimiser", "frozen_stages": "still"}
    state = {old.get(name, name): value for name, value in state.items()}
    state["student"]["cut.weight"] = state["student"].pop("detail_head.weight")
    state["average"]["module.cut.weight"] = state["average"].pop("module.detail_head.weight")
    for group in state["optimiser"]["param_groups"]:
        group["share"] = group.pop("lr_scale")
    torch.save(state, saved.file)
    resumed = tiny_trainer(tmp_path, freeze_stages=None)
    assert resumed.step == 7 and len(resumed.model.frozen_stages) == 2
    torch.testing.assert_close(resumed.model.state_dict(), saved.model.state_dict())
    torch.testing.assert_close(resumed.ema.state_dict(), saved.ema.state_dict())
    assert [group["lr_scale"] for group in resumed.optimizer.param_groups] == [0.5, 0.5, 1, 1]


def test_at_another_image_size_the_average_restarts(tmp_path):
    saved = tiny_trainer(tmp_path)
    saved.update(tiny_batch(), 1e-2)
    saved.best = {"category P@10": 0.5}
    saved.save()
    resumed = tiny_trainer(tmp_path, size=96)
    assert resumed.best == {} and int(resumed.ema.n_averaged) == 0
    torch.testing.assert_close(resumed.ema_model.projection.weight, saved.model.projection.weight)


def test_a_backbone_with_learning_rate_zero_does_not_change(tmp_path):
    trainer = tiny_trainer(tmp_path, backbone_lr_scale=0.0)
    weights = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    trainer.update(tiny_batch(), 1e-2)
    moved = {n for n, p in trainer.model.named_parameters() if not torch.equal(p, weights[n])}
    assert "projection.weight" in moved
    assert not [name for name in moved if name.startswith("backbone.")]


def test_the_learning_rate_warms_up_and_decays():
    args = SimpleNamespace(lr=1.0, warmup=10, cooldown=0.5)
    rates = [learning_rate(args, step, progress) for step, progress in
             ((0, 0), (4, 0), (99, 0.5), (99, 0.75), (99, 1))]  # fmt: skip
    assert rates == pytest.approx([0.1, 0.5, 1, 0.5, 0.01])
    args.warmup = 0
    assert learning_rate(args, 0, 0) == 1


def test_the_average_follows_its_formula(tmp_path):
    trainer = tiny_trainer(tmp_path, ema_decay=0.15)
    name = "projection.weight"
    averaged = None
    for count in range(4):
        trainer.update(tiny_batch(), 1e-2)
        current = trainer.model.state_dict()[name].clone()
        # the first is a copy; then the decay is (1 + n) / (10 + n), at most 0.15
        decay = min(0.15, (1 + count) / (10 + count))
        averaged = current if averaged is None else decay * averaged + (1 - decay) * current
        torch.testing.assert_close(trainer.ema_model.state_dict()[name], averaged)
    batches = "backbone.embedder.embedder.normalization.num_batches_tracked"
    assert int(trainer.ema_model.state_dict()[batches]) == 4, "counts are copied"


@pytest.mark.parametrize("regularization", [{}, REGULARIZED], ids=["plain", "regularized"])
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(
    photos, tmp_path, monkeypatch, regularization
):
    monkeypatch.setattr("lookbook.training.trainer.SAVE_EVERY", 2)
    options = {"steps": 5, "minutes": 1e9, "log_every": 1, "validate_every": 100, "size": 32}
    options |= {"memory_size": 16, "mix_share": 0.4, "cooldown": 0.9} | regularization
    two_classes = photos.take(np.arange(len(photos)))
    two_classes.class_ids = np.minimum(photos.class_ids, 1)
    sampler = PairSampler([two_classes], two_classes, 0.4, strong=True)

    def run(work, stop=None):
        work.mkdir(exist_ok=True)
        trainer = tiny_trainer(work, **options)
        batches = sampler.batches(5, 32, 7, trainer.step)
        train(trainer, islice(batches, stop), Mock(return_value={}), work / "log.jsonl")
        return trainer

    torch.manual_seed(0)
    whole = tiny_trainer(tmp_path, **options)
    for name in ("whole", "interrupted"):
        (tmp_path / name).mkdir()
        whole.file = tmp_path / name / "run.pt"
        whole.save()  # both start from the same weights
    whole = run(tmp_path / "whole")
    with pytest.raises(StopIteration):
        run(tmp_path / "interrupted", stop=3)  # one step after the last checkpoint
    resumed = run(tmp_path / "interrupted")
    assert whole.step == resumed.step == 5
    for one, other in ((whole.model, resumed.model), (whole.ema, resumed.ema)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    assert torch.equal(whole.memory.products, resumed.memory.products)
    assert (resumed.first_step, resumed.run_seconds) == (5, 0.0), "what follows is another run"


def test_a_step_on_mixed_images_has_losses_of_labels_only(tmp_path):
    mixed = tiny_trainer(tmp_path, mix_share=1.0).update(tiny_batch(), 1e-2)
    assert set(mixed) == {*LABEL_COLUMNS, "category"}


def test_a_mixed_image_has_targets_of_its_own(tmp_path):
    mixed = tiny_trainer(tmp_path, mix_share=1.0, distill_weight=1.0).update(tiny_batch(), 1e-2)
    assert set(mixed) == {*LABEL_COLUMNS, "category", *EMA_LOSSES}


def test_without_regularization_a_step_is_that_of_the_plain_model(tmp_path):
    trainer = tiny_trainer(tmp_path)
    model = deepcopy(trainer.model)
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.5), betas=(0.9, 0.98), fused=True)
    for seed in range(2):
        torch.manual_seed(seed)
        parts = trainer.update(batch := tiny_batch(), 1e-2)
        torch.manual_seed(seed)
        images = tiny_batch().images
        with mixed_precision(model.device):
            features = model.features(images)
        plain = compute_losses(model, VOCABULARY, features, batch.labels)
        optimizer.zero_grad()
        weighted_sum(plain).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * group["lr_scale"]
        optimizer.step()
        torch.testing.assert_close(parts, plain, atol=0, rtol=0)
    torch.testing.assert_close(trainer.model.state_dict(), model.state_dict(), atol=0, rtol=0)


def test_a_run_goes_on_with_regularization(tmp_path):
    plain = tiny_trainer(tmp_path)
    plain.update(tiny_batch(), 1e-2)
    plain.save()
    trainer = tiny_trainer(tmp_path, **REGULARIZED)
    torch.testing.assert_close(trainer.model.state_dict(), plain.model.state_dict())
    assert set(trainer.update(tiny_batch(), 1e-2)) >= set(EMA_LOSSES)
    changed, exported = (
        {type(module) for module in model.modules()} for model in (trainer.model, trainer.ema_model)
    )
    assert changed - exported == {StochasticDepth}


def test_targets_are_of_the_averaged_weights_which_they_leave_alone(tmp_path):
    torch.manual_seed(0)
    trainer, batch = tiny_trainer(tmp_path, distill_weight=1.0), tiny_batch()
    before = deepcopy(trainer.ema.state_dict())
    trainer.model.eval()  # as the averaged model

    def divergence() -> torch.Tensor:
        parts = trainer.losses(batch)
        return sum(parts[name] for name in EMA_LOSSES)

    assert float(divergence().detach()) == pytest.approx(0, abs=1e-5)
    head, divergences = trainer.model.projection, []
    away = 0.01 * torch.randn_like(head.weight)
    for _ in range(3):
        head.weight.data += away
        divergences.append(float(divergence().detach()))
    assert 1e-4 < divergences[0] < divergences[1] < divergences[2]
    divergence().backward()
    assert trainer.model.backbone.embedder.embedder.convolution.weight.grad.any()
    assert all(parameter.grad is None for parameter in trainer.ema.parameters())
    torch.testing.assert_close(trainer.ema.state_dict(), before, atol=0, rtol=0)


def test_the_weight_of_targets_warms_up_as_the_learning_rate_does(tmp_path):
    start = tiny_trainer(tmp_path)
    start.save()

    def gradient(weight: float, warmup: int) -> torch.Tensor:
        trainer = tiny_trainer(tmp_path, distill_weight=weight, warmup=warmup)
        torch.manual_seed(0)
        trainer.update(tiny_batch(), 1e-2)
        return trainer.model.projection.weight.grad

    torch.testing.assert_close(gradient(100, warmup=10), gradient(10, warmup=0))
    assert not torch.allclose(gradient(100, warmup=10), gradient(100, warmup=0), rtol=0.01)


def test_the_best_weights_are_best_over_tasks_not_over_metrics():
    before = {"category P@10": 0.7, "street R@1": 0.4, "street R@10": 0.8}
    assert mean_over_tasks(
        before | {"category P@10": 0.74, "street R@1": 0.37, "street R@10": 0.77}
    ) > mean_over_tasks(before)
    assert mean_over_tasks({}) < mean_over_tasks({"category P@10": 0.0})
