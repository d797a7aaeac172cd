"""Settings of `evaluate`, and which of them each of its tasks uses."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from lookbook.settings.common import (
    BACKEND,
    COLUMN_NAMES,
    DAMPING,
    DEVICE,
    JSON,
    POOLINGS,
    PRECISIONS,
)
from lookbook.settings.setting import Setting

_ID_COLUMN = Setting("id-column", None, "column of the id in --items, where it cannot be guessed")
_EVALUATED_INDEX = Setting("index", None, "an index, measured by its own attributes", Path)
_EVALUATED_ENCODER = Setting(
    "encoder", None, "folder or Hub id of the model; without it: the shipped one"
)
OF_PRODUCTS = (
    Setting("data", None, "products: anything that embed.py takes; those held out are used"),
    Setting("larger", None, "larger photos of some of these products, with the same ids"),
    Setting("by", None, "with --data: an attribute whose groups get a figure each", multiple=True),
)
OF_ENCODER = (
    _EVALUATED_ENCODER,
    Setting(
        "phone",
        None,
        "photos with `label` and `sender_id`; those of held-out photographers are queries",
    ),
    Setting("transfer", None, "articles of another shop, with `product_code` for colourways"),
    Setting("pooling", "avg", "how feature maps become one vector", choices=POOLINGS),
    Setting("precision", "auto", "precision of the model", choices=PRECISIONS),
    DEVICE,
    BACKEND,
)
OF_INTERACTIONS = (
    Setting(
        "interactions",
        None,
        "purchases or likes, a parquet file or a CSV: measures recommenders",
        Path,
    ),
    Setting(
        "split-day", None, "recommenders are trained on what came before it, and tested on the rest"
    ),
    *COLUMN_NAMES,
    DAMPING,
)
OF_ITEMS = (
    _EVALUATED_ENCODER,
    Setting("items", None, "the catalogue of their items: anything that embed.py takes"),
    _ID_COLUMN,
)
OF_INDEX = (
    Setting(
        "report",
        None,
        "page to write with all figures, plots and examples; its JSON goes beside it",
        Path,
        metavar="FILE.html",
    ),
    Setting("sample", 500, "with --report or --compare: items used as queries", int, min=11),
    Setting("seed", 0, "seed of the sample", int, min=0, max=2**31 - 1),
)
_COMPARED = Setting(
    "compare",
    None,
    "two indexes, or two reports (.html or .json), A and B: the difference of each measure",
    Path,
    count=2,
)
EVALUATE = (
    _EVALUATED_INDEX,
    *OF_INDEX,
    _COMPARED,
    _EVALUATED_ENCODER,
    *OF_PRODUCTS,
    *OF_ENCODER[1:],
    *OF_INTERACTIONS,
    *OF_ITEMS[1:],
    JSON,
)


def used_by_evaluate(args: argparse.Namespace) -> tuple[Sequence[Setting], str]:
    """Return the settings that `evaluate` uses for what was asked for, and its name."""
    if args.interactions and args.index:
        return (_EVALUATED_INDEX, *OF_INTERACTIONS, JSON), "with --interactions and --index"
    if args.interactions:
        return (*OF_INTERACTIONS, *OF_ITEMS, JSON), "with --interactions"
    if args.compare:
        return (_COMPARED, *OF_INDEX, JSON), "with --compare"
    if args.index:
        used = OF_INDEX if args.report else OF_INDEX[:1]
        return (_EVALUATED_INDEX, *used, JSON), "with --index"
    if args.data:
        return (*OF_PRODUCTS, *OF_ENCODER, JSON), "without --interactions"
    return (*OF_ENCODER, JSON), "without --data or --interactions"
