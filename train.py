"""Trains the shipped encoder; run it again on your own catalogue.

    python train.py --data products.parquet --data photos-larger.parquet --handheld phone.parquet

Products with the same id in several `--data` sets are one product. `--handheld` photos stand on
their own ground already. Everything is resumed from `--work`; `--minutes` ends a run in good time.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from lookbook.splits import PEOPLE_HELD_OUT, PRODUCTS_HELD_OUT, held_out
from lookbook.training import losses
from lookbook.training.batches import Batch, Mixer
from lookbook.training.data import DESCRIBED, HEADS, Photos, cached, number_labels, vocabulary
from lookbook.training.export import begin_with, export
from lookbook.training.model import Student
from lookbook.words import Vocabulary

WEIGHTS = {"articleType": 1.0, "gender": 0.4, "baseColour": 0.6, "usage": 0.15, "season": 0.15}
WEIGHTS |= {"label": 1.0, "views": 1.0, "words": 0.4, "teacher": 3.0}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--data", action="append", required=True, help="products: anything that embed.py takes")
    add("--handheld", help="photos on their own ground, with `label` and `sender_id`")
    add("--teacher", action="append", default=[], help="vectors .npy in the order of the sources")
    add("--work", type=Path, default=Path("training"), help="checkpoints, caches and logs")
    add("--output", type=Path, default=Path("models/lookbook-resnet50"))
    add("--start-from", type=Path, help="folder of shipped weights to begin with, in place of none")
    add("--dim", type=int, default=256, help="size of the embedding")
    add("--size", type=int, default=64, help="picture side in pixels for this run")
    add("--batch", type=int, default=64, help="products in a batch, two views each")
    add("--steps", type=int, default=100_000, help="stop at this step")
    add("--minutes", type=float, default=60, help="stop after this long")
    add("--rate", type=float, default=1e-3, help="learning rate of AdamW")
    add("--warmup", type=int, default=300, help="steps until the full rate")
    add(
        "--cooldown", type=float, default=0.2, help="last share of this run in which the rate falls"
    )
    add("--average", type=float, default=0.999, help="weight of the past in the averaged weights")
    add("--threads", type=int, default=os.cpu_count())
    add("--seed", type=int, default=0)
    add("--log-every", type=int, default=50, help="steps between two lines of the log")
    add("--export-size", type=int, default=128, help="picture side that the shipped encoder takes")
    return parser.parse_args()


def read_sources(args: argparse.Namespace) -> tuple[list[Photos], Photos | None]:
    """All photos, teacher vectors attached, decoded once into `--work`/cache."""
    from lookbook.catalog import open_catalog
    from lookbook.training.data import load_photos

    def read(name: str, size: int, key: str) -> Photos:
        path = args.work / "cache" / Path(name).name
        return cached(path, lambda: load_photos(open_catalog(name), size, key))

    sources = [read(name, 80 if i == 0 else 192, "id") for i, name in enumerate(args.data)]
    if args.handheld:
        sources.append(read(args.handheld, 192, "sender_id"))
    for photos, file in zip(sources, args.teacher, strict=False):
        vectors = np.load(file).astype(np.float32)
        if len(vectors) != len(photos):
            raise SystemExit(f"{file} has {len(vectors)} vectors, its source {len(photos)} photos")
        vectors -= vectors.mean(0)  # what all pictures share says nothing of this one
        photos.teacher = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (sources[:-1], sources[-1]) if args.handheld else (sources, None)


def training_part(photos: Photos, fraction: float) -> Photos:
    """The photos whose product or photographer is not held out."""
    rows = np.array([r for r, key in enumerate(photos.keys) if not held_out(key, fraction)])
    return photos.take(rows)


class Run:
    """Student, its averaged copy and its optimiser, saved and resumed together."""

    def __init__(
        self, args: argparse.Namespace, classes: dict, words: Vocabulary, teacher: int
    ) -> None:
        self.args, self.classes, self.words = args, classes, words
        self.student = Student(classes, args.dim, teacher, len(words))
        self.student.to(memory_format=torch.channels_last)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.student, multi_avg_fn=averaging(args.average), use_buffers=True
        )
        decay = [p for p in self.student.parameters() if p.ndim > 1]
        rest = [p for p in self.student.parameters() if p.ndim <= 1]
        groups = [{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98))
        if args.start_from:
            begin_with(self.student, words, args.start_from)
            self.average.module.load_state_dict(self.student.state_dict())
        self.step, self.seconds = 0, 0.0
        self.file = args.work / "run.pt"
        if self.file.exists():
            self._load(torch.load(self.file, weights_only=True))

    def _load(self, state: dict) -> None:
        self.student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]
        if state["size"] != self.args.size:  # an average over two sizes fits neither
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
        }
        partial = self.file.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.file)

    def loss(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Every loss by its name, unweighted."""
        student, n = self.student, len(batch.pictures) // 2
        with torch.autocast("cpu", torch.bfloat16):
            features = student.features(batch.pictures)
        vectors = student.embed(features)
        parts = {
            head: losses.proxy_loss(vectors, student.heads[head], batch.labels[:, i])
            for i, head in enumerate(HEADS)
            if len(self.classes[head])
        }
        parts["views"] = losses.views_loss(vectors[:n], vectors[n:], student.sharpness[0])
        flat, offsets = self.words.bags(batch.names)
        said = student.read(torch.tensor(flat), torch.tensor(offsets))
        seen = vectors[: len(said)] if torch.rand(1) < 0.5 else vectors[n : n + len(said)]
        parts["words"] = losses.pair_loss(seen, said, student.sharpness[1])
        if batch.teacher is not None:
            parts["teacher"] = losses.teacher_loss(student.teach(features), batch.teacher)
        return parts

    def update(self, batch: Batch, rate: float) -> dict[str, float]:
        """One step of the optimiser; returns the losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        parts = self.loss(batch)
        total = sum(WEIGHTS[name] * value for name, value in parts.items())
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimiser.step()
        self.average.update_parameters(self.student)
        self.step += 1
        return {name: value.item() for name, value in parts.items()}


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
    return args.rate * min(1.0, (step + 1) / args.warmup) * max(0.01, min(1.0, left))


def train(run: Run, batches: Iterator[Batch], log: Path) -> None:
    """Until `--minutes` or `--steps`; a log line every `--log-every`, a checkpoint every 200."""
    args, started, before = run.args, time.monotonic(), run.seconds
    sums: dict[str, float] = {}
    while run.step < args.steps:
        spent = (time.monotonic() - started) / 60 / args.minutes
        if spent >= 1:
            break
        for name, value in run.update(next(batches), learning_rate(args, run.step, spent)).items():
            sums[name] = sums.get(name, 0) + value / args.log_every
        run.seconds = before + time.monotonic() - started
        if run.step % args.log_every == 0:
            line = {"step": run.step, "seconds": round(run.seconds), "size": args.size}
            line |= {name: round(value, 4) for name, value in sums.items()}
            with log.open("a") as file:
                print(json.dumps(line), file=file)
            print(line, flush=True)
            sums = {}
        if run.step % 200 == 0:
            run.save()
    run.save()


def main() -> None:
    args = options()
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    products, handheld = read_sources(args)
    products = [training_part(photos, PRODUCTS_HELD_OUT) for photos in products]
    handheld = training_part(handheld, PEOPLE_HELD_OUT) if handheld else None
    sources = [*products, *([handheld] if handheld else [])]
    classes = vocabulary(sources)
    for photos in sources:
        number_labels(photos, classes)
    words = Vocabulary.learn(t for photos in products for t in described(photos))
    teacher = 0 if products[0].teacher is None else products[0].teacher.shape[1]
    run = Run(args, classes, words, teacher)
    mixer = Mixer(products, handheld, handheld_share=0.2)
    batches = mixer.batches(args.batch, args.size, args.seed + run.step)
    if args.minutes > 0:
        train(run, batches, args.work / "log.jsonl")
    export(run.average.module, words, args.export_size, args.output)


def described(photos: Photos) -> Iterator[str]:
    """Names and the attributes that people search by."""
    for name, row in zip(photos.names, photos.attributes, strict=True):
        yield " ".join([name, *(str(row.get(c) or "") for c in DESCRIBED)])


if __name__ == "__main__":
    main()
