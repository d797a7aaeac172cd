"""The options of `train.py`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.schema.deprecation import rename_options
from lookbook.training.checkpoints import exported_head_dims
from lookbook.training.device import DEVICES, choose_device
from lookbook.training.model import HEAD_RATIO, head_dims
from lookbook.training.strong_views import MISSING_KORNIA, has_kornia

STAGES = 5  # of a ResNet-50, its stem among them
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


def number(minimum: int, convert: Callable[[str], float] = int) -> Callable[[str], float]:
    """Make an argparse type for a finite number of at least `minimum`."""

    def number(text: str) -> float:  # argparse names it in "invalid number value"
        value = convert(text)
        if not minimum <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"expected {minimum} or more, found {text}")
        return value

    return number


_POSITIVE, _NATURAL, _REAL = number(1), number(0), number(0, float)


def parse_options(
    arguments: Sequence[str], description: str = "", prog: str = "train.py"
) -> argparse.Namespace:
    """Parse the command line; options of earlier versions are accepted with a warning."""
    parser = argparse.ArgumentParser(
        prog=prog, description=description, formatter_class=HelpFormatter
    )
    _add_files(parser.add_argument_group("files").add_argument)
    _add_network(parser.add_argument_group("network").add_argument)
    _add_schedule(parser.add_argument_group("schedule").add_argument)
    _add_regularization(parser.add_argument_group("regularization").add_argument)
    _add_views(parser.add_argument_group("views").add_argument)
    _add_machine(parser.add_argument_group("machine").add_argument)
    _add_fine_tuning(parser.add_argument_group("fine-tuning at the end").add_argument)
    args = parser.parse_args(rename_options(arguments, RENAMED_OPTIONS))
    args.export_size = args.export_size or args.size
    try:
        args.device = choose_device(args.device)
    except ValueError as error:
        parser.error(f"--device {args.device}: {error}")
    if message := invalid_options(args):
        parser.error(message)
    return args


def _add_files(add: Callable[..., Any]) -> None:
    """Add the sources, the weights to start from and the folders that are written."""
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


def _add_network(add: Callable[..., Any]) -> None:
    """Add what the encoder that is trained is like."""
    add("--dim", type=_POSITIVE, default=448, help="dimensions of the embedding")
    add("--size", type=_POSITIVE, default=160, help="image side in pixels for this run")
    add(
        "--freeze-stages",
        type=int,
        help="of stem and four stages, how many are not trained; 3, or 0 with `--start-from none`",
    )
    add("--memory-size", type=_NATURAL, default=0, help="earlier views as negatives, or 0")
    add("--export-size", type=_POSITIVE, help="image side of the encoder, if not --size")


def _add_schedule(add: Callable[..., Any]) -> None:
    """Add the steps and learning rates."""
    add(
        "--head-warmup-pairs",
        type=_NATURAL,
        default=4000,
        help="pairs of views that new heads are trained on first",
    )
    add("--batch", type=_POSITIVE, default=32, help="products in a batch, two views each")
    add("--steps", type=_NATURAL, default=100_000, help="stop at this step")
    add("--minutes", type=_REAL, default=90, help="of training, without warm-up and fine-tuning")
    add("--lr", type=_REAL, default=1e-3, help="learning rate of AdamW")
    add("--backbone-lr-scale", type=_REAL, default=0.3, help="share of --lr for the backbone")
    add("--warmup", type=_NATURAL, default=100, help="steps until the full learning rate")
    add(
        "--cooldown",
        type=float,
        default=0.7,
        help="last share of this run in which the learning rate decays",
    )
    add("--ema-decay", type=float, default=0.999, help="decay of the averaged weights")


def _add_regularization(add: Callable[..., Any]) -> None:
    """Add what keeps the network from overfitting."""
    add(
        "--stochastic-depth",
        type=float,
        default=0.0,
        help="rate at which the last block's residual branch is dropped, earlier ones at less",
    )
    add(
        "--distill-weight",
        type=_REAL,
        default=0.0,
        help="weight of the averaged model's outputs as targets, in full after --warmup steps",
    )


def _add_views(add: Callable[..., Any]) -> None:
    """Add how photos are augmented."""
    add(
        "--views",
        choices=("standard", "strong"),
        default="standard",
        help="strong: some are also folded, turned, partly covered and shaken",
    )
    add(
        "--mix-share",
        type=float,
        default=0.0,
        help="share of steps on CutMix and mixup, which train labels only",
    )


def _add_machine(add: Callable[..., Any]) -> None:
    """Add what the run uses of the machine, and how often it reports."""
    add("--device", choices=DEVICES, default="auto", help="auto: a GPU where there is one")
    add(
        "--cache-side",
        type=_POSITIVE,
        default=192,
        help="longer side in px, at most, of the decoded photos",
    )
    add("--threads", type=_POSITIVE, default=os.cpu_count())
    add("--seed", type=_NATURAL, default=0)
    add("--log-every", type=_POSITIVE, default=50, help="steps between two lines of the log")
    add("--validate-every", type=_POSITIVE, default=600, help="steps between two validations")


def _add_fine_tuning(add: Callable[..., Any]) -> None:
    """Add what follows the training of the network."""
    add(
        "--head-finetune-pairs",
        type=_NATURAL,
        default=16_000,
        help="pairs of views for head fine-tuning at the end, or 0",
    )
    add("--head-finetune-epochs", type=_POSITIVE, default=15, help="epochs of head fine-tuning")
    add("--reset-text", action="store_true", help="fit text embeddings from scratch at the end")


def invalid_options(args: argparse.Namespace) -> str:
    """Return what is wrong with the options, alone or together; "" if nothing is."""
    for name in ("interpolation_share", "cooldown", "ema_decay", "mix_share", "stochastic_depth"):
        if not 0 <= (share := getattr(args, name)) <= 1:
            return f"--{name.replace('_', '-')} {share}: expected 0 to 1"
    if not has_kornia():
        for option, needs in (
            ("--device cuda", args.device == "cuda"),
            ("--views strong", args.views == "strong"),
            (f"--mix-share {args.mix_share}", args.mix_share > 0),
        ):
            if needs:
                return f"{option}: {MISSING_KORNIA}"
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
