"""Continue training the shipped encoder on your own catalogue.

    python train.py --data products.parquet --data larger.parquet --phone-photos phone.parquet

The defaults are the options of the last edition. Products with the same id in several `--data` sets
are one product. `--phone-photos` have real backgrounds. A run is resumed from `--work`; `--minutes`
limits its time, in all the calls that an interrupted run takes.

On a GPU, which is taken where there is one (`--device`), views are made from decoded photos in its
memory and networks computed in bfloat16. This needs kornia, as do `--views strong` and
`--mix-share`.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from lookbook.encoding.cpu import disable_malloc_trim
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.evaluation.splits import PEOPLE_HELD_OUT, PRODUCTS_HELD_OUT
from lookbook.training.category_fitting import fit_category_head
from lookbook.training.checkpoints import (
    check_float16,
    export,
    exported_head_dims,
    has_category_head,
)
from lookbook.training.data import (
    PhotoDataset,
    description_of,
    label_classes,
    set_class_ids,
)
from lookbook.training.fisher_lda import enough_products, fit_detail_head
from lookbook.training.head_finetuning import PairFeatures, extract_features, finetune_heads
from lookbook.training.model import CATEGORY_PREFIX, EmbeddingModel
from lookbook.training.options import parse_options
from lookbook.training.pair_sampler import Batch, PairSampler
from lookbook.training.plots import plot_log
from lookbook.training.sources import read_sources, split, validation_sample
from lookbook.training.text_fitting import fit_text_embeddings
from lookbook.training.trainer import Trainer, append_log, train
from lookbook.training.validation import Validator

HEAD_PREFIXES = ("projection.", "detail_head.")  # of their parameters' names
UNAUGMENTED_SHARE = 0.4  # pairs of each kind for one augmented pair, in head fine-tuning
MAX_REPEATS = 4  # of a product among unaugmented pairs, on average


def main(argv: Sequence[str] | None = None, prog: str = "train.py") -> int:
    """Train, fine-tune the heads and export; return 0. Invalid options end the program."""
    args = parse_options(sys.argv[1:] if argv is None else argv, __doc__, prog)
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
    sampler = PairSampler(
        products, phone_photos, 0.2, trainer.device, strong=args.views == "strong"
    )
    log = args.work / "log.jsonl"
    log_options(args, trainer, sources, log)
    if args.start_from and trainer.is_new:
        initialize(trainer, sampler.batches(args.batch, args.size, args.seed + 1), args, log)
    if args.minutes > 0:
        batches = sampler.batches(args.batch, args.size, args.seed, trainer.step)
        train(trainer, batches, validator, log)
    model = trainer.best_model()
    if args.head_finetune_pairs:
        finetune(model, vocabulary, sampler, validator, args, log)
    export(model.cpu(), vocabulary, args.export_size, args.output)
    shutil.copy(log, args.output / "training.jsonl")
    plot_log(log, args.output / "training.png")
    return 0


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
    validator: Validator,
    args: argparse.Namespace,
    log: Path,
) -> None:
    """Fit all heads and the text embeddings on features of the frozen backbone."""
    batches = sampler.batches(args.batch, args.size, args.seed + 2)
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
