"""The training loop: model, moving average and optimizer, saved and resumed together."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import torch
from transformers import ResNetConfig

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.category_fitting import fit_category_head, standardize_features
from lookbook.training.checkpoints import check_float16, current_names, load_run, load_shipped
from lookbook.training.cross_batch_memory import CrossBatchMemory
from lookbook.training.device import mixed_precision
from lookbook.training.head_finetuning import PairFeatures, finetune_heads, init_proxies
from lookbook.training.interpolation import estimate_batch_norms, interpolate_weights
from lookbook.training.model import CATEGORY_PREFIX, EmbeddingModel, HeadOutputs
from lookbook.training.objective import compute_losses, compute_mixed_losses, weighted_sum
from lookbook.training.pair_sampler import Batch
from lookbook.training.stochastic_depth import add_stochastic_depth
from lookbook.training.strong_views import ViewMixer
from lookbook.training.validation import Validator

SAVE_EVERY = 200  # steps


class Trainer:
    """A model, its exponential moving average (EMA) and its optimizer.

    Resumes from `run.pt` in `args.work` if there is one, else starts from `args.start_from`. `args`
    are the options of `train.py`. Raises SystemExit when the saved run is of another model.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        classes: dict[str, list[str]],
        vocabulary: Vocabulary,
        teacher_dim: int,
    ) -> None:
        self.args, self.vocabulary = args, vocabulary
        self.device = torch.device(args.device)
        self.file: Path = args.work / "run.pt"
        state = load_run(self.file) if self.file.exists() else None
        self.is_new = state is None
        config = _config(state, args.start_from)
        frozen = _frozen_stages(state, args)
        self.model = EmbeddingModel(classes, args.dim, teacher_dim, len(vocabulary), frozen, config)
        self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = torch.optim.swa_utils.AveragedModel(
            self.model, multi_avg_fn=ema_update(args.ema_decay), use_buffers=True
        )
        add_stochastic_depth(self.model, args.stochastic_depth)  # the average keeps all blocks
        self.memory = CrossBatchMemory(args.memory_size) if args.memory_size else None
        groups = parameter_groups(self.model, args.backbone_lr_scale)
        self.optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), fused=True)
        self.mixer = ViewMixer() if args.mix_share else None
        self.step, self.seconds = 0, 0.0
        # what is over of the run that `args` describe, if it was interrupted
        self.first_step, self.run_seconds = 0, 0.0
        self.best: dict[str, float] = {}
        if state:
            self._load(state)
        elif args.start_from:
            load_shipped(self.model, vocabulary, args.start_from)
            self._reset_ema()

    @property
    def ema_model(self) -> EmbeddingModel:
        """The model with averaged weights."""
        return cast(EmbeddingModel, self.ema.module)

    def _reset_ema(self) -> None:
        self.ema_model.load_state_dict(self.model.state_dict())

    def _load(self, state: dict[str, Any]) -> None:
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            detail = str(error).splitlines()[1].strip()
            raise SystemExit(
                f"{self.file}: expected a run with these heads, classes and vocabulary, found "
                f"another one; start again with another --work ({detail})"
            ) from error
        self.ema.load_state_dict(state["ema"])
        scales = [group["lr_scale"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, scale in zip(self.optimizer.param_groups, scales, strict=True):
            group["lr_scale"] = scale  # by the options of now, not of then
        self.step, self.seconds = state["step"], state["seconds"]
        self.best = state.get("best", {})
        self.first_step = state.get("first_step", self.step)
        self.run_seconds = state.get("run_seconds", 0.0)
        if self.memory and "memory" in state:
            self.memory.load_state_dict(state["memory"], self.device)
        if state["size"] != self.args.size:  # an average over two image sizes fits neither
            self.best = {}
            self._reset_ema()
            self.ema.n_averaged.zero_()

    def save(self) -> None:
        """Write `run.pt`."""
        state = {
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "size": self.args.size,
            "seconds": self.seconds,
            "first_step": self.first_step,
            "run_seconds": self.run_seconds,
            "best": self.best,
            "config": self.model.backbone.config.to_dict(),
            "frozen_stages": len(self.model.frozen_stages),
        }
        if self.memory:
            state["memory"] = self.memory.state_dict()
        _save(state, self.file)

    def interpolate(self, folder: Path, share: float, batches: Iterator[Batch]) -> None:
        """Move the backbone by `share` towards that in `folder`; `batches` give its statistics."""
        interpolate_weights(self.model.backbone, folder, share)
        estimate_batch_norms(self.model, batches)
        check_float16(self.model.backbone)
        self._reset_ema()

    def warm_up_heads(self, features: PairFeatures, frozen: tuple[str, ...] = ()) -> list[float]:
        """Train proxies and heads but the `frozen` ones for this backbone; return epoch losses.

        Heads that were not trained with this backbone start randomly, and large gradients of theirs
        would harm it.
        """
        init_proxies(self.model, features)
        if CATEGORY_PREFIX in frozen:
            standardize_features(self.model, features.both())
        else:
            fit_category_head(self.model, features)
        means = finetune_heads(
            self.model,
            features,
            epochs=20,
            batch=1024,
            lr=1e-3,
            frozen=frozen,
            vocabulary=self.vocabulary,
        )
        self._reset_ema()
        return means

    def validate(self, validator: Validator) -> dict[str, float]:
        """Return metrics of the averaged weights; the best weights so far are saved."""
        metrics = validator(self.ema_model, self.args.size)
        if mean_over_tasks(metrics) > mean_over_tasks(self.best):
            self.best = metrics
            _save(self.ema_model.state_dict(), self.file.with_name("best.pt"))
        return metrics

    def best_model(self) -> EmbeddingModel:
        """Return the averaged weights of the best validation, or the last ones."""
        file = self.file.with_name("best.pt")
        if self.best and file.exists():
            state = current_names(torch.load(file, map_location="cpu", weights_only=True))
            self.ema_model.load_state_dict(state)
        return self.ema_model

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the unweighted losses of a batch by name."""
        images, partners, share = batch.images, None, 0.0
        if self.mixer and float(torch.rand((), device="cpu")) < self.args.mix_share:
            images, partners, share = self.mixer(images)
        with mixed_precision(self.device):
            features = self.model.features(images)
        targets = self._ema_outputs(images) if self.args.distill_weight else None
        if partners is not None:
            return compute_mixed_losses(
                self.model, features, batch.labels, partners, share, targets
            )
        return compute_losses(
            self.model, self.vocabulary, features, batch.labels, self.memory, targets
        )

    @torch.no_grad()
    def _ema_outputs(self, images: torch.Tensor) -> HeadOutputs:
        """Return the targets of self-distillation: the averaged model's outputs in eval mode."""
        self.ema_model.eval()
        with mixed_precision(self.device):
            features = self.ema_model.features(images)
        return self.ema_model.head_outputs(features)

    def update(self, batch: Batch, lr: float) -> dict[str, torch.Tensor]:
        """Take one step of the optimizer; return the losses, which a GPU may still compute."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["lr_scale"]
        parts = self.losses(batch)
        ema_weight = self.args.distill_weight * warmup_share(self.args, self.step)
        total = weighted_sum(parts, ema_weight)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.ema.update_parameters(self.model)
        self.step += 1
        return {name: value.detach() for name, value in parts.items()}


def parameter_groups(model: EmbeddingModel, backbone_lr_scale: float) -> list[dict]:
    """Group parameters for AdamW: the backbone at a share of the learning rate, others at all.

    At the full rate a pre-trained backbone forgets. Biases and norms have no weight decay.
    """
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {
        (in_backbone, is_matrix): [] for in_backbone in (True, False) for is_matrix in (True, False)
    }
    for name, parameter in model.named_parameters():
        groups[name.startswith("backbone."), parameter.ndim > 1].append(parameter)
    return [
        {
            "params": parameters,
            "lr_scale": backbone_lr_scale if in_backbone else 1.0,
            "weight_decay": 0.05 if is_matrix else 0.0,
        }
        for (in_backbone, is_matrix), parameters in groups.items()
    ]


def _config(state: dict[str, Any] | None, start_from: Path | None) -> ResNetConfig:
    """Return the backbone's config: of the saved run, else of the folder to start from."""
    if state:
        return ResNetConfig.from_dict(state["config"])
    return ResNetConfig.from_pretrained(start_from) if start_from else ResNetConfig()


def _frozen_stages(state: dict[str, Any] | None, args: argparse.Namespace) -> int:
    """Return the option, else the saved run's number, else 3 for pre-trained weights."""
    if args.freeze_stages is not None:
        return args.freeze_stages
    if state and "frozen_stages" in state:
        return state["frozen_stages"]
    return 3 if args.start_from else 0


Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]


def ema_update(max_decay: float) -> Callable[[Tensors, Tensors, torch.Tensor | int], None]:
    """Make an EMA update whose decay grows to `max_decay`, so that the start is soon forgotten."""

    @torch.no_grad()
    def update(averaged: Tensors, current: Tensors, count: torch.Tensor | int) -> None:
        share = 1 - min(max_decay, (1 + int(count)) / (10 + int(count)))
        if averaged[0].is_floating_point():  # all have one type
            torch._foreach_lerp_(averaged, current, share)
        else:
            torch._foreach_copy_(averaged, current)

    return update


def warmup_share(args: argparse.Namespace, step: int) -> float:
    """Return the share, 0 to 1, of the full learning rate and distillation at a step."""
    return min(1.0, (step + 1) / max(1, args.warmup))


def learning_rate(args: argparse.Namespace, step: int, progress: float) -> float:
    """Warm up over steps, stay, then decay linearly to 1 % over the last share of this run.

    `progress` is the share of this run that is over, 0 to 1.
    """
    decay = max(0.0, 1 - progress) / max(args.cooldown, 1e-9)
    return args.lr * warmup_share(args, step) * max(0.01, min(1.0, decay))


def mean_over_tasks(metrics: dict[str, float]) -> float:
    """Return the mean over tasks of the mean of each task's metrics, -1 without metrics.

    The last word of a name ("street R@10") is the metric, what precedes it the task.
    """
    tasks: dict[str, list[float]] = {}
    for name, value in metrics.items():
        tasks.setdefault(name.rpartition(" ")[0], []).append(value)
    return fmean(fmean(values) for values in tasks.values()) if tasks else -1.0


def train(trainer: Trainer, batches: Iterator[Batch], validator: Validator, log: Path) -> None:
    """Train for `--minutes` or up to `--steps`, with log, validations and checkpoints.

    A run that was interrupted goes on from its last checkpoint to the end it had.
    """
    args, start = trainer.args, time.monotonic()
    seconds, run_seconds, first = trainer.seconds, trainer.run_seconds, trainer.first_step
    sums: dict[str, list[torch.Tensor]] = {}
    while trainer.step < args.steps:
        progress = max(
            trainer.run_seconds / 60 / args.minutes,
            (trainer.step - first) / (args.steps - first),
        )
        if progress >= 1:
            break
        lr = learning_rate(args, trainer.step, progress)
        for name, value in trainer.update(next(batches), lr).items():
            sums.setdefault(name, []).append(value)
        elapsed = time.monotonic() - start
        trainer.seconds, trainer.run_seconds = seconds + elapsed, run_seconds + elapsed
        line = {"step": trainer.step, "seconds": round(trainer.seconds), "size": args.size}
        if trainer.step % args.log_every == 0:
            means = {name: round(fmean(map(float, losses)), 4) for name, losses in sums.items()}
            _report(line | means, log, progress)
            sums = {}
        if trainer.step % args.validate_every == 0:
            _report(line | {"validation": trainer.validate(validator)}, log, progress)
        if trainer.step % SAVE_EVERY == 0:
            trainer.save()
    metrics = trainer.validate(validator)
    _report({"step": trainer.step, "size": args.size, "validation": metrics}, log, 1)
    trainer.first_step, trainer.run_seconds = trainer.step, 0.0  # the next one is another run
    trainer.save()


def append_log(line: dict, log: Path) -> None:
    """Append a JSON line to the log of a run."""
    with log.open("a") as file:
        print(json.dumps(line), file=file)


def _report(line: dict, log: Path, progress: float) -> None:
    append_log(line, log)
    print(f"{progress:4.0%}", line, flush=True)


def _save(state: dict, file: Path) -> None:
    partial = file.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(file)
