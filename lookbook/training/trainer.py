"""One run of training: a student, its average and its optimiser, saved and resumed together."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean

import torch
from transformers import ResNetConfig

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.category_fitting import fit_category_head, standardize_features
from lookbook.training.checkpoints import check_float16, load_shipped
from lookbook.training.cross_batch_memory import Memory
from lookbook.training.head_finetuning import Features, finish, init_proxies
from lookbook.training.interpolation import blend, measure
from lookbook.training.model import EmbeddingModel, mixed_precision
from lookbook.training.objective import asked, weighed
from lookbook.training.pair_sampler import Batch
from lookbook.training.validation import Check


class Run:
    """Student, its averaged copy and its optimiser, saved and resumed together."""

    def __init__(
        self, args: argparse.Namespace, classes: dict, words: Vocabulary, teacher: int
    ) -> None:
        self.args, self.words = args, words
        self.file = args.work / "run.pt"
        state = torch.load(self.file, weights_only=True) if self.file.exists() else None
        self.fresh = state is None
        config = _config(state, args.start_from)
        still = _still(state, args)
        self.student = EmbeddingModel(classes, args.dim, teacher, len(words), still, config)
        self.student.to(memory_format=torch.channels_last)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.student, multi_avg_fn=averaging(args.average), use_buffers=True
        )
        self.memory = Memory(args.memory) if args.memory else None
        groups = grouped(self.student, args.backbone_rate)
        self.optimiser = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98), fused=True)
        self.step, self.seconds, self.best = 0, 0.0, {}
        if state:
            self._load(state)
        elif args.start_from:
            load_shipped(self.student, words, args.start_from)
            self.average.module.load_state_dict(self.student.state_dict())

    def _load(self, state: dict) -> None:
        try:
            self.student.load_state_dict(state["student"])
        except RuntimeError as error:
            raise SystemExit(
                f"{self.file}: expected a run with these sides, classes and words, found another "
                f"one; begin anew with another --work ({str(error).splitlines()[1].strip()})"
            ) from error
        self.average.load_state_dict(state["average"])
        shares = [group["share"] for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict(state["optimiser"])
        for group, share in zip(self.optimiser.param_groups, shares, strict=True):
            group["share"] = share  # as asked for now, not as it was
        self.step, self.seconds = state["step"], state["seconds"]
        self.best = state.get("best", {})
        if state["size"] != self.args.size:  # an average over two sizes fits neither
            self.best = {}
            self.average.module.load_state_dict(state["student"])
            self.average.n_averaged.zero_()

    def save(self) -> None:
        state = {
            "student": self.student.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "size": self.args.size,
            "seconds": self.seconds,
            "best": self.best,
            "config": self.student.backbone.config.to_dict(),
            "still": len(self.student.still),
        }
        _put(state, self.file)

    def blend(self, folder: Path, share: float, batches: Iterator[Batch]) -> None:
        """Begin between this backbone and that in `folder`, at `share` of the way to it."""
        blend(self.student.backbone, folder, share)
        measure(self.student, batches)
        check_float16(self.student.backbone)
        self.average.module.load_state_dict(self.student.state_dict())

    def settle(self, features: Features, still: tuple[str, ...] = ()) -> list[float]:
        """Let what a backbone came without find its place, not what is `still`; epochs' losses."""
        init_proxies(self.student, features)
        if "kind." in still:
            standardize_features(self.student, features.both())
        else:
            fit_category_head(self.student, features)
        means = finish(
            self.student, features, epochs=20, batch=1024, rate=1e-3, still=still, words=self.words
        )
        self.average.module.load_state_dict(self.student.state_dict())
        return means

    def check(self, check: Check) -> dict[str, float]:
        """Figures of the averaged weights on held-out products; the best weights are kept."""
        found = check(self.average.module, self.args.size)
        if mean(found) > mean(self.best):
            self.best = found
            _put(self.average.module.state_dict(), self.file.with_name("best.pt"))
        return found

    def best_student(self) -> EmbeddingModel:
        """The averaged weights that did best on held-out products, or the last ones."""
        file, student = self.file.with_name("best.pt"), self.average.module
        if self.best and file.exists():
            student.load_state_dict(torch.load(file, weights_only=True))
        return student

    def loss(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Every loss by its name, unweighted."""
        with mixed_precision():
            features = self.student.features(batch.pictures)
        return asked(self.student, self.words, features, batch.truth, self.memory)

    def update(self, batch: Batch, rate: float) -> dict[str, float]:
        """One step of the optimiser; returns the losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        parts = self.loss(batch)
        total = weighed(parts)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimiser.step()
        self.average.update_parameters(self.student)
        self.step += 1
        return {name: value.item() for name, value in parts.items()}


def grouped(student: EmbeddingModel, backbone: float) -> list[dict]:
    """What the optimiser moves: the backbone at `backbone` of the rate, the rest at all of it.

    A backbone that has seen millions of pictures forgets them at the pace that heads need.
    """
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {
        (below, bent): [] for below in (True, False) for bent in (True, False)
    }
    for name, parameter in student.named_parameters():
        groups[name.startswith("backbone."), parameter.ndim > 1].append(parameter)
    return [
        {
            "params": parameters,
            "share": backbone if below else 1.0,
            "weight_decay": 0.05 if bent else 0.0,
        }
        for (below, bent), parameters in groups.items()
    ]


def _config(state: dict | None, start_from: Path | None) -> ResNetConfig:
    """That of the backbone: as the saved run has it, or the folder that it begins with."""
    if state:
        return ResNetConfig.from_dict(state["config"])
    return ResNetConfig.from_pretrained(start_from) if start_from else ResNetConfig()


def _still(state: dict | None, args: argparse.Namespace) -> int:
    """As asked for; else as the saved run has it; else three, of a network that knows something."""
    if args.still is not None:
        return args.still
    if state and "still" in state:
        return state["still"]
    return 3 if args.start_from else 0


def averaging(most: float) -> Callable:
    """Exponential average whose memory grows with the run, so that it soon forgets the start."""

    @torch.no_grad()
    def average(kept: list, fresh: list, count: torch.Tensor) -> None:
        share = 1 - min(most, (1 + int(count)) / (10 + int(count)))
        for old, new in zip(kept, fresh, strict=True):
            if old.is_floating_point():
                old.lerp_(new.to(old.dtype), share)
            else:
                old.copy_(new)

    return average


def learning_rate(args: argparse.Namespace, step: int, spent: float) -> float:
    """Warm-up by steps, then flat, then a straight line to 1 % in the last share of this run."""
    left = max(0.0, 1 - spent) / max(args.cooldown, 1e-9)
    return args.rate * min(1.0, (step + 1) / max(1, args.warmup)) * max(0.01, min(1.0, left))


def mean(figures: dict[str, float]) -> float:
    """What "better" goes by: all tasks alike, however many figures each has."""
    tasks: dict[str, list[float]] = {}
    for name, value in figures.items():
        tasks.setdefault(name.split(" R@")[0], []).append(value)
    return fmean(fmean(values) for values in tasks.values()) if tasks else -1.0


def train(run: Run, batches: Iterator[Batch], check: Check, log: Path) -> None:
    """Until `--minutes` or `--steps`; a log line every `--log-every`, a checkpoint every 200."""
    args, started, before, first = run.args, time.monotonic(), run.seconds, run.step
    sums: dict[str, list[float]] = {}
    while run.step < args.steps:
        spent = (time.monotonic() - started) / 60 / args.minutes
        spent = max(spent, (run.step - first) / (args.steps - first))
        if spent >= 1:
            break
        for name, value in run.update(next(batches), learning_rate(args, run.step, spent)).items():
            sums.setdefault(name, []).append(value)
        run.seconds = before + time.monotonic() - started
        at = {"step": run.step, "seconds": round(run.seconds), "size": args.size}
        if run.step % args.log_every == 0:
            means = {name: round(fmean(values), 4) for name, values in sums.items()}
            _tell(at | means, log, spent)
            sums = {}
        if run.step % args.check_every == 0:
            _tell(at | {"check": run.check(check)}, log, spent)
        if run.step % 200 == 0:
            run.save()
    _tell({"step": run.step, "size": args.size, "check": run.check(check)}, log, 1)
    run.save()


def append_log(line: dict, log: Path) -> None:
    """Add a line to the log of a run."""
    with log.open("a") as file:
        print(json.dumps(line), file=file)


def _tell(line: dict, log: Path, spent: float) -> None:
    append_log(line, log)
    print(f"{spent:4.0%}", line, flush=True)


def _put(state: dict, file: Path) -> None:
    partial = file.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(file)
