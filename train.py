"""Trains the shipped encoder on, with the options of its last edition, on your own catalogue.

    python train.py --data products.parquet --data photos-larger.parquet --handheld phone.parquet

Products with the same id in several `--data` sets are one product. `--handheld` photos stand on
their own ground already. Everything is resumed from `--work`; `--minutes` ends a run in good time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from lookbook.encoding.cpu import disable_malloc_trim
from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.evaluation.splits import PEOPLE_HELD_OUT, PRODUCTS_HELD_OUT, held_out
from lookbook.training.category_fitting import fit_category_head
from lookbook.training.checkpoints import check_float16, export, has_category_head, heads_of
from lookbook.training.data import Photos, cached, described, number_labels, vocabulary
from lookbook.training.fisher_lda import discriminate, enough
from lookbook.training.head_finetuning import Features, collect, finish
from lookbook.training.model import KINDS_SIDE, PARTS, EmbeddingModel, sides_of_dimensions
from lookbook.training.pair_sampler import Batch, PairSampler
from lookbook.training.plots import draw
from lookbook.training.text_fitting import fit_text_embeddings
from lookbook.training.trainer import Run, append_log, train
from lookbook.training.validation import Check

SIDES = ("projection.", "cut.")
PLAIN = 0.4  # for each pair of views in the last step, pairs of each kind of photos as they are
STAGES = 5  # of a ResNet-50, its stem among them
ROUNDS = 4  # as often a product may come among these, in the mean


class Help(argparse.RawTextHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """The text above as it stands, and what an option is without being given."""


def options() -> argparse.Namespace:
    positive, natural, real = number_from(1), number_from(0), number_from(0, float)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Help)
    add = parser.add_argument
    add("--data", action="append", required=True, help="products: anything that embed.py takes")
    add("--handheld", help="photos on their own ground, with `label` and `sender_id`")
    add("--teacher", action="append", default=[], help="vectors .npy in the order of the sources")
    add("--work", type=Path, default=Path("training"), help="checkpoints, caches and logs")
    add("--output", type=Path, default=Path("training/model"), help="folder of the encoder")
    add(
        "--start-from",
        type=lambda name: None if name == "none" else weights(name),
        default=str(DEFAULT_MODEL),
        help="folder of weights to begin with, the shipped ones by default, or `none`",
    )
    add("--blend", type=weights, help="second folder: begin between it and --start-from")
    add("--blend-share", type=float, default=0.5, help="share of the second folder")
    add(
        "--settle",
        type=natural,
        default=4000,
        help="pairs of views by which all else finds its place",
    )
    add("--dim", type=positive, default=448, help="size of the embedding")
    add("--size", type=positive, default=160, help="picture side in pixels for this run")
    add("--batch", type=positive, default=32, help="products in a batch, two views each")
    add("--steps", type=natural, default=100_000, help="stop at this step")
    add(
        "--minutes",
        type=real,
        default=90,
        help="of learning, without beginning and last step",
    )
    add("--rate", type=real, default=1e-3, help="learning rate of AdamW")
    add("--backbone-rate", type=real, default=0.3, help="share of it that the backbone takes")
    add("--warmup", type=natural, default=100, help="steps until the full rate")
    add(
        "--cooldown", type=float, default=0.7, help="last share of this run in which the rate falls"
    )
    add("--average", type=float, default=0.999, help="weight of the past in the averaged weights")
    add(
        "--still",
        type=int,
        help="of stem and four stages, how many do not learn; 3, or 0 with `--start-from none`",
    )
    add("--memory", type=natural, default=0, help="earlier views to tell a batch from, or 0")
    add("--threads", type=positive, default=os.cpu_count())
    add("--seed", type=natural, default=0)
    add("--log-every", type=positive, default=50, help="steps between two lines of the log")
    add(
        "--check-every",
        type=positive,
        default=600,
        help="steps between two looks at held-out products",
    )
    add("--finish", type=natural, default=16_000, help="pairs of views for the last step, or 0")
    add("--finish-epochs", type=positive, default=15, help="rounds of the last step")
    add("--words-anew", action="store_true", help="in the last step words begin with nothing")
    add("--export-size", type=positive, help="picture side that the encoder takes, if not --size")
    args = parser.parse_args()
    args.export_size = args.export_size or args.size
    if trouble := disagreement(args):
        parser.error(trouble)
    return args


def number_from(least: int, kind: Callable[[str], float] = int) -> Callable[[str], float]:
    """Reads a number of an option that must not be less."""

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"expected {least} or more, found {text}")
        return value

    return number


def disagreement(args: argparse.Namespace) -> str:
    """What in the options cannot be, or cannot be together; "" when all can."""
    for name in ("blend_share", "cooldown", "average"):
        if not 0 <= (share := getattr(args, name)) <= 1:
            return f"--{name.replace('_', '-')} {share}: expected 0 to 1"
    if args.still is not None and not 0 <= args.still <= STAGES:
        return f"--still {args.still}: expected 0 to {STAGES}"
    if not all(sides_of_dimensions(args.dim)):
        return f"--dim {args.dim}: expected {sum(PARTS)} or more, some for each side"
    if not args.start_from:
        return "--blend: needs weights in --start-from" if args.blend else ""
    sides, wanted = heads_of(args.start_from), list(sides_of_dimensions(args.dim))
    if sides and sides != wanted:
        return (
            f"--dim {args.dim}: expected sides of {wanted}, found {sides} in {args.start_from}; "
            "begin with others or with `--start-from none`"
        )
    return ""


def weights(name: str) -> Path:
    """A folder of weights; checked before all pictures are read, not after."""
    for file in ("config.json", "model.safetensors"):
        if not (Path(name) / file).is_file():
            raise argparse.ArgumentTypeError(f"expected a folder with {file}, found {name}")
    return Path(name)


def read_sources(args: argparse.Namespace) -> tuple[list[Photos], Photos | None]:
    """All photos, teacher vectors attached, decoded once into `--work`/cache."""
    from lookbook.catalog import open_catalog
    from lookbook.training.data import canvas_side, load_photos

    count = len(args.data) + bool(args.handheld)
    if len(args.teacher) not in (0, count):
        raise SystemExit(f"--teacher: expected {count}, one a source, found {len(args.teacher)}")

    def read(name: str, key: str) -> Photos:
        size = canvas_side(open_catalog(name))
        path = args.work / "cache" / f"{fingerprint(name, key)}-{size}"
        return cached(path, lambda: load_photos(open_catalog(name), size, key))

    sources = [read(name, "id") for name in args.data]
    if args.handheld:
        sources.append(read(args.handheld, "sender_id"))
    for photos, file in zip(sources, args.teacher, strict=False):
        vectors = np.load(file).astype(np.float32)
        if len(vectors) != len(photos):
            raise SystemExit(f"{file} has {len(vectors)} vectors, its source {len(photos)} photos")
        vectors -= vectors.mean(0)  # what all pictures share says nothing of this one
        photos.teacher = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (sources[:-1], sources[-1]) if args.handheld else (sources, None)


def fingerprint(name: str, key: str) -> str:
    """Of a source as it is now: its place, its files' sizes and times, and what tells photos apart.

    Not its name alone: sources are often all called `data`, and are written anew.
    """
    place = Path(name).absolute()
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    states = [file.stat() for file in files if file.is_file()]
    parts = [str(place), key, *(f"{state.st_size} {state.st_mtime_ns}" for state in states)]
    return hashlib.sha1("\n".join(parts).encode()).hexdigest()[:8]


def part(photos: Photos, fraction: float, aside: bool = False) -> Photos:
    """The photos whose product or photographer is not held out, or (`aside`) those that are."""
    rows = [r for r, key in enumerate(photos.keys) if held_out(key, fraction) == aside]
    return photos.take(np.array(rows, np.int64))


def main() -> None:
    args = options()
    disable_malloc_trim()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.work.mkdir(parents=True, exist_ok=True)
    products, handheld = read_sources(args)
    kept_aside = [part(photos, PRODUCTS_HELD_OUT, aside=True) for photos in products]
    products = [part(photos, PRODUCTS_HELD_OUT) for photos in products]
    handheld = part(handheld, PEOPLE_HELD_OUT) if handheld else None
    sources = [*products, *([handheld] if handheld else [])]
    classes = vocabulary(sources)
    for photos in [*sources, *kept_aside]:
        number_labels(photos, classes)
    words = Vocabulary.fit(
        described(photos, row).text for photos in products for row in range(len(photos))
    )
    teacher = 0 if products[0].teacher is None else products[0].teacher.shape[1]
    run = Run(args, classes, words, teacher)
    check_float16(run.student.backbone)  # a training whose end cannot be stored does not begin
    check = Check(*few(kept_aside), words)
    mixer = PairSampler(products, handheld, handheld_share=0.2)
    batches = mixer.batches(args.batch, args.size, args.seed + run.step)
    log = args.work / "log.jsonl"
    note(args, run, sources, log)
    if args.start_from and run.fresh:
        begin(run, batches, args, log)
    if args.minutes > 0:
        train(run, batches, check, log)
    student = run.best_student()
    if args.finish:
        refine(student, words, mixer, batches, check, args, log)
    export(student, words, args.export_size, args.output)
    shutil.copy(log, args.output / "training.jsonl")
    draw(log, args.output / "training.png")


def begin(run: Run, batches: Iterator[Batch], args: argparse.Namespace, log: Path) -> None:
    """What a run that begins with weights does before its first step."""
    done: dict[str, object] = {}
    if args.blend:
        run.blend(args.blend, args.blend_share, batches)
        done["blend"] = args.blend_share
    if args.settle:
        came = () if args.blend else know_their_place(run.student, args.start_from)
        done["settle"] = run.settle(collect(run.student, batches, args.settle), came)
    run.save()  # what is done once is not done again
    append_log(done, log)
    print(done, flush=True)


def know_their_place(student: EmbeddingModel, folder: Path) -> tuple[str, ...]:
    """The sides that came with this very backbone."""
    if not heads_of(folder):
        return ()
    return (*SIDES, *(KINDS_SIDE if has_category_head(student, folder) else ()))


def few(aside: list[Photos], most: int = 1500) -> tuple[Photos, Photos | None]:
    """A gallery of held-out products, and larger photos of some of them, small enough to ask often.

    Products that have a larger photo come first.
    """
    larger = aside[1] if len(aside) > 1 else None
    wanted = set(larger.keys if larger else ())
    rows = sorted(range(len(aside[0])), key=lambda row: aside[0].keys[row] not in wanted)
    gallery = aside[0].take(np.array(rows[:most], np.int64))
    return gallery, larger.take(np.arange(min(400, len(larger)))) if larger else None


def note(args: argparse.Namespace, run: Run, sources: list[Photos], log: Path) -> None:
    """The first line of a run in the log: options, versions and how many photos it trains on."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    wishes = {k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items()}
    for key in ("data", "teacher"):
        wishes[key] = len(wishes[key])  # where they lie on this machine is nobody's business
    for key in ("handheld", "work", "output", "start_from", "blend"):
        wishes[key] = bool(wishes[key])
    wishes["still"] = len(run.student.still)
    line = {"options": wishes, "versions": versions, "photos": [len(s) for s in sources]}
    append_log(line, log)


def refine(
    student: EmbeddingModel,
    words: Vocabulary,
    mixer: PairSampler,
    batches: Iterator[Batch],
    check: Check,
    args: argparse.Namespace,
    log: Path,
) -> None:
    """What stands above the backbone once more, on `--finish` pairs of frozen features and more."""
    views, plain = collect(student, batches, args.finish), plain_pairs(student, mixer, args)
    if enough(student, plain):
        discriminate(student, views, plain)
    everything = Features.of([views, *plain, *strangers(student, mixer, args)])
    fit_category_head(student, everything)
    before = check(student, args.size)
    means = finish(
        student,
        everything,
        epochs=args.finish_epochs,
        batch=1024,
        rate=4e-4,
        kinds_rate=8e-4,
        still=("cut.",),
    )
    said = fit_text_embeddings(student, everything, words, anew=args.words_anew)
    done = check(student, args.size)
    line = {"finish": means, "words": said[::20], "before": before, "check": done}
    append_log(line, log)
    print(line, flush=True)


def plain_pairs(
    student: EmbeddingModel, mixer: PairSampler, args: argparse.Namespace
) -> list[Features]:
    """Features of photos as they are: two of one product, and two of its colours, if there are."""
    ways = [(mixer.unaugmented_pairs, mixer.doubled), (mixer.colourway_pairs, mixer.several)]
    return [
        collect(
            student,
            drawn(args.batch, args.size, args.seed),
            min(round(args.finish * PLAIN), ROUNDS * len(there)),
        )
        for drawn, there in ways
        if there
    ]


def strangers(
    student: EmbeddingModel, mixer: PairSampler, args: argparse.Namespace
) -> list[Features]:
    """Features of photos as they are, one of each product a round, in twos that are strangers."""
    most = min(args.finish, ROUNDS * len(mixer.shots) // 2)
    drawn = mixer.alone(args.batch, args.size, args.seed)
    return [collect(student, drawn, most)] if len(mixer.shots) > 1 else []


if __name__ == "__main__":
    main()
