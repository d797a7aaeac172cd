"""Continue training the shipped encoder on your own catalogue.

    python train.py --data products.parquet --data larger.parquet --phone-photos phone.parquet

The defaults are the options of the last edition. Products with the same id in several `--data` sets
are one product. `--phone-photos` have real backgrounds. A run is resumed from `--work`; `--minutes`
limits its time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lookbook.encoding.cpu import disable_malloc_trim
from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.evaluation.splits import PEOPLE_HELD_OUT, PRODUCTS_HELD_OUT, held_out
from lookbook.schema.deprecation import rename_options
from lookbook.training.category_fitting import fit_category_head
from lookbook.training.checkpoints import (
    check_float16,
    export,
    exported_head_dims,
    has_category_head,
)
from lookbook.training.data import (
    PhotoDataset,
    cached,
    description_of,
    label_classes,
    set_class_ids,
)
from lookbook.training.fisher_lda import enough_products, fit_detail_head
from lookbook.training.head_finetuning import PairFeatures, extract_features, finetune_heads
from lookbook.training.model import CATEGORY_PREFIX, HEAD_RATIO, EmbeddingModel, head_dims
from lookbook.training.pair_sampler import Batch, PairSampler
from lookbook.training.plots import plot_log
from lookbook.training.text_fitting import fit_text_embeddings
from lookbook.training.trainer import Trainer, append_log, train
from lookbook.training.validation import Validator

HEAD_PREFIXES = ("projection.", "detail_head.")  # of their parameters' names
UNAUGMENTED_SHARE = 0.4  # pairs of each kind for one augmented pair, in head fine-tuning
STAGES = 5  # of a ResNet-50, its stem among them
MAX_REPEATS = 4  # of a product among unaugmented pairs, on average
RENAMED_OPTIONS = {
    "--handheld": "--phone-photos",
    "--blend": "--interpolate-with",
    "--blend-share": "--interpolation-share",
    "--settle": "--head-warmup-pairs",
    "--rate": "--lr",
    "--backbone-rate": "--backbone-lr-scale",
    "--average": "--ema-decay",
    "--still": "--freeze-stages",
    "--memory": "--memory-size",
    "--check-every": "--validate-every",
    "--finish": "--head-finetune-pairs",
    "--finish-epochs": "--head-finetune-epochs",
    "--words-anew": "--reset-text",
}


class HelpFormatter(argparse.RawTextHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Keep the line breaks of the description and show defaults."""


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; options of earlier versions are accepted with a warning."""
    positive, natural, real = number(1), number(0), number(0, float)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    add = parser.add_argument
    add("--data", action="append", required=True, help="products: anything that embed.py takes")
    add("--phone-photos", help="photos with real backgrounds, with `label` and `sender_id`")
    add("--teacher", action="append", default=[], help="vectors .npy in the order of the sources")
    add("--work", type=Path, default=Path("training"), help="checkpoints, caches and logs")
    add("--output", type=Path, default=Path("training/model"), help="folder of the encoder")
    add(
        "--start-from",
        type=lambda name: None if name == "none" else weights_folder(name),
        default=str(DEFAULT_MODEL),
        help="folder of initial weights, or `none`",
    )
    add(
        "--interpolate-with",
        type=weights_folder,
        help="second folder: start between it and --start-from",
    )
    add("--interpolation-share", type=float, default=0.5, help="share of the second folder")
    add(
        "--head-warmup-pairs",
        type=natural,
        default=4000,
        help="pairs of views that new heads are trained on first",
    )
    add("--dim", type=positive, default=448, help="dimensions of the embedding")
    add("--size", type=positive, default=160, help="image side in pixels for this run")
    add("--batch", type=positive, default=32, help="products in a batch, two views each")
    add("--steps", type=natural, default=100_000, help="stop at this step")
    add("--minutes", type=real, default=90, help="of training, without warm-up and fine-tuning")
    add("--lr", type=real, default=1e-3, help="learning rate of AdamW")
    add("--backbone-lr-scale", type=real, default=0.3, help="share of --lr for the backbone")
    add("--warmup", type=natural, default=100, help="steps until the full learning rate")
    add(
        "--cooldown",
        type=float,
        default=0.7,
        help="last share of this run in which the learning rate decays",
    )
    add("--ema-decay", type=float, default=0.999, help="decay of the averaged weights")
    add(
        "--freeze-stages",
        type=int,
        help="of stem and four stages, how many are not trained; 3, or 0 with `--start-from none`",
    )
    add("--memory-size", type=natural, default=0, help="earlier views as negatives, or 0")
    add("--threads", type=positive, default=os.cpu_count())
    add("--seed", type=natural, default=0)
    add("--log-every", type=positive, default=50, help="steps between two lines of the log")
    add("--validate-every", type=positive, default=600, help="steps between two validations")
    add(
        "--head-finetune-pairs",
        type=natural,
        default=16_000,
        help="pairs of views for head fine-tuning at the end, or 0",
    )
    add("--head-finetune-epochs", type=positive, default=15, help="epochs of head fine-tuning")
    add("--reset-text", action="store_true", help="fit text embeddings from scratch at the end")
    add("--export-size", type=positive, help="image side of the encoder, if not --size")
    args = parser.parse_args(rename_options(arguments, RENAMED_OPTIONS))
    args.export_size = args.export_size or args.size
    if message := invalid_options(args):
        parser.error(message)
    return args


def number(minimum: int, convert: Callable[[str], float] = int) -> Callable[[str], float]:
    """Make an argparse type for a finite number of at least `minimum`."""

    def number(text: str) -> float:  # argparse names it in "invalid number value"
        value = convert(text)
        if not minimum <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"expected {minimum} or more, found {text}")
        return value

    return number


def invalid_options(args: argparse.Namespace) -> str:
    """Return what is wrong with the options, alone or together; "" if nothing is."""
    for name in ("interpolation_share", "cooldown", "ema_decay"):
        if not 0 <= (share := getattr(args, name)) <= 1:
            return f"--{name.replace('_', '-')} {share}: expected 0 to 1"
    if args.freeze_stages is not None and not 0 <= args.freeze_stages <= STAGES:
        return f"--freeze-stages {args.freeze_stages}: expected 0 to {STAGES}"
    if not all(head_dims(args.dim)):
        return f"--dim {args.dim}: expected {sum(HEAD_RATIO)} or more, some for each head"
    if not args.start_from:
        return "--interpolate-with: needs weights in --start-from" if args.interpolate_with else ""
    dims, expected = exported_head_dims(args.start_from), list(head_dims(args.dim))
    if dims and dims != expected:
        return (
            f"--dim {args.dim}: expected heads of {expected}, found {dims} in {args.start_from}; "
            "start from other weights or with `--start-from none`"
        )
    return ""


def weights_folder(name: str) -> Path:
    """Return a folder of weights; checked before images are read, which takes long."""
    for file in ("config.json", "model.safetensors"):
        if not (Path(name) / file).is_file():
            raise argparse.ArgumentTypeError(f"expected a folder with {file}, found {name}")
    return Path(name)


def read_sources(args: argparse.Namespace) -> tuple[list[PhotoDataset], PhotoDataset | None]:
    """Return the products' and the phone photos, with teacher vectors, cached in `--work`."""
    from lookbook.catalog import open_catalog
    from lookbook.training.data import image_side, load_photos

    count = len(args.data) + bool(args.phone_photos)
    if len(args.teacher) not in (0, count):
        raise SystemExit(f"--teacher: expected {count}, one a source, found {len(args.teacher)}")

    def read(name: str, key: str) -> PhotoDataset:
        size = image_side(open_catalog(name))
        path = args.work / "cache" / f"{fingerprint(name, key)}-{size}"
        return cached(path, lambda: load_photos(open_catalog(name), size, key))

    sources = [read(name, "id") for name in args.data]
    if args.phone_photos:
        sources.append(read(args.phone_photos, "sender_id"))
    for photos, file in zip(sources, args.teacher, strict=False):
        vectors = np.load(file).astype(np.float32)
        if len(vectors) != len(photos):
            raise SystemExit(f"{file} has {len(vectors)} vectors, its source {len(photos)} photos")
        vectors -= vectors.mean(0)  # the mean over all images carries no information
        photos.teacher = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (sources[:-1], sources[-1]) if args.phone_photos else (sources, None)


def fingerprint(name: str, key: str) -> str:
    """Return 8 hex digits of a source's path, its files' sizes and times, and `key`.

    The name alone is not enough: sources are often called `data` and written anew.
    """
    path = Path(name).absolute()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [file.stat() for file in files if file.is_file()]
    parts = [str(path), key, *(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats)]
    return hashlib.sha1("\n".join(parts).encode()).hexdigest()[:8]


def split(photos: PhotoDataset, fraction: float, test: bool = False) -> PhotoDataset:
    """Return the photos whose product or photographer is in the training (or test) split."""
    rows = [r for r, key in enumerate(photos.keys) if held_out(key, fraction) == test]
    return photos.take(np.array(rows, np.int64))


def main() -> None:
    args = parse_options(sys.argv[1:])
    disable_malloc_trim()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.work.mkdir(parents=True, exist_ok=True)
    products, phone_photos = read_sources(args)
    test_products = [split(photos, PRODUCTS_HELD_OUT, test=True) for photos in products]
    products = [split(photos, PRODUCTS_HELD_OUT) for photos in products]
    phone_photos = split(phone_photos, PEOPLE_HELD_OUT) if phone_photos else None
    sources = [*products, *([phone_photos] if phone_photos else [])]
    classes = label_classes(sources)
    for photos in [*sources, *test_products]:
        set_class_ids(photos, classes)
    vocabulary = Vocabulary.fit(
        description_of(photos, row).text for photos in products for row in range(len(photos))
    )
    teacher_dim = 0 if products[0].teacher is None else products[0].teacher.shape[1]
    trainer = Trainer(args, classes, vocabulary, teacher_dim)
    check_float16(trainer.model.backbone)  # fail now rather than at the export
    validator = Validator(*validation_sample(test_products), vocabulary)
    sampler = PairSampler(products, phone_photos, phone_share=0.2)
    batches = sampler.batches(args.batch, args.size, args.seed + trainer.step)
    log = args.work / "log.jsonl"
    log_options(args, trainer, sources, log)
    if args.start_from and trainer.is_new:
        initialize(trainer, batches, args, log)
    if args.minutes > 0:
        train(trainer, batches, validator, log)
    model = trainer.best_model()
    if args.head_finetune_pairs:
        finetune(model, vocabulary, sampler, batches, validator, args, log)
    export(model, vocabulary, args.export_size, args.output)
    shutil.copy(log, args.output / "training.jsonl")
    plot_log(log, args.output / "training.png")


def initialize(
    trainer: Trainer, batches: Iterator[Batch], args: argparse.Namespace, log: Path
) -> None:
    """Interpolate and warm up, before the first step of a run from given weights."""
    line: dict[str, object] = {}
    if args.interpolate_with:
        trainer.interpolate(args.interpolate_with, args.interpolation_share, batches)
        line["interpolation_share"] = args.interpolation_share
    if args.head_warmup_pairs:
        trained = () if args.interpolate_with else shipped_heads(trainer.model, args.start_from)
        features = extract_features(trainer.model, batches, args.head_warmup_pairs)
        line["head_warmup"] = trainer.warm_up_heads(features, trained)
    trainer.save()  # so that a resumed run does not repeat this
    append_log(line, log)
    print(line, flush=True)


def shipped_heads(model: EmbeddingModel, folder: Path) -> tuple[str, ...]:
    """Return the prefixes of the heads that a folder has for its backbone."""
    if not exported_head_dims(folder):
        return ()
    return (*HEAD_PREFIXES, *((CATEGORY_PREFIX,) if has_category_head(model, folder) else ()))


def validation_sample(
    test_products: list[PhotoDataset], max_gallery: int = 1500, max_larger: int = 400
) -> tuple[PhotoDataset, PhotoDataset | None]:
    """Return a gallery of held-out products and larger photos of some, few enough for speed.

    Products that have a larger photo come first.
    """
    gallery, larger = test_products[0], test_products[1] if len(test_products) > 1 else None
    keys = set(larger.keys if larger else ())
    rows = sorted(range(len(gallery)), key=lambda row: gallery.keys[row] not in keys)
    gallery = gallery.take(np.array(rows[:max_gallery], np.int64))
    return gallery, larger.take(np.arange(min(max_larger, len(larger)))) if larger else None


def log_options(
    args: argparse.Namespace, trainer: Trainer, sources: list[PhotoDataset], log: Path
) -> None:
    """Write the first line of a run: options, versions and numbers of photos."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    options: dict[str, Any] = dict(vars(args))
    for key in ("data", "teacher"):
        options[key] = len(options[key])  # not the paths, which are private
    for key in ("phone_photos", "work", "output", "start_from", "interpolate_with"):
        options[key] = bool(options[key])
    options["freeze_stages"] = len(trainer.model.frozen_stages)
    line = {"options": options, "versions": versions, "photos": [len(s) for s in sources]}
    append_log(line, log)


def finetune(
    model: EmbeddingModel,
    vocabulary: Vocabulary,
    sampler: PairSampler,
    batches: Iterator[Batch],
    validator: Validator,
    args: argparse.Namespace,
    log: Path,
) -> None:
    """Fit all heads and the text embeddings on features of the frozen backbone."""
    augmented = extract_features(model, batches, args.head_finetune_pairs)
    unaugmented = unaugmented_features(model, sampler, args)
    if enough_products(model, unaugmented):
        fit_detail_head(model, augmented, unaugmented)
    features = PairFeatures.concatenate(
        [augmented, *unaugmented, *single_photo_features(model, sampler, args)]
    )
    fit_category_head(model, features)
    before = validator(model, args.size)
    losses = finetune_heads(
        model,
        features,
        epochs=args.head_finetune_epochs,
        batch=1024,
        lr=4e-4,
        category_lr=8e-4,
        frozen=("detail_head.",),
    )
    text_losses = fit_text_embeddings(model, features, vocabulary, reset=args.reset_text)
    after = validator(model, args.size)
    line = {
        "head_finetuning": losses,
        "text_fitting": text_losses[::20],
        "validation_before": before,
        "validation": after,
    }
    append_log(line, log)
    print(line, flush=True)


def unaugmented_features(
    model: EmbeddingModel, sampler: PairSampler, args: argparse.Namespace
) -> list[PairFeatures]:
    """Return features of two photos of a product, and of two of its colourways, if there are."""
    kinds: list[tuple[Callable[..., Iterator[Batch]], Sequence[object]]] = [
        (sampler.unaugmented_pairs, sampler.multi_source),
        (sampler.colourway_pairs, sampler.multi_colour),
    ]
    return [
        extract_features(
            model,
            pairs(args.batch, args.size, args.seed),
            min(round(args.head_finetune_pairs * UNAUGMENTED_SHARE), MAX_REPEATS * len(products)),
        )
        for pairs, products in kinds
        if products
    ]


def single_photo_features(
    model: EmbeddingModel, sampler: PairSampler, args: argparse.Namespace
) -> list[PairFeatures]:
    """Return features of unaugmented photos, one a product, in unrelated pairs."""
    count = min(args.head_finetune_pairs, MAX_REPEATS * len(sampler.photos) // 2)
    pairs = sampler.single_photos(args.batch, args.size, args.seed)
    return [extract_features(model, pairs, count)] if len(sampler.photos) > 1 else []


if __name__ == "__main__":
    main()
