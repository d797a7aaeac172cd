"""Every setting, declared once: command lines, environment and docs derive from it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lookbook.encoding.encoder import POOLINGS, PRECISIONS
from lookbook.index.engines.annoy_file import METRICS
from lookbook.resources import shipped
from lookbook.search.index import ENGINES

_SWITCHES = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


@dataclass(frozen=True)
class Setting:
    """One option `--name`; where `environment` is true, LOOKBOOK_NAME gives its default."""

    name: str
    default: Any
    help: str
    type: type = str
    choices: tuple[str, ...] | None = None
    repeat: bool = False
    environment: bool = False
    metavar: str | None = None
    least: float | None = None
    most: float | None = None
    fallback: Path | None = None  # in place of a default path that does not exist

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return "LOOKBOOK_" + self.name.upper().replace("-", "_")

    @property
    def flag(self) -> str:
        """How it is written on a command line."""
        return ("-" if len(self.name) == 1 else "--") + self.name

    def value(self) -> Any:
        """The default, from the environment where it is set; raises ValueError with both values."""
        text = os.environ.get(self.variable) if self.environment else None
        if not text:
            if self.fallback is not None and not self.default.exists():
                return self.fallback
            return [] if self.repeat else self.default
        try:
            return self.read(text)
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise ValueError(f"{self.variable}={text!r}: {error}, as for --{self.name}") from None

    def read(self, text: str) -> Any:
        """A value from its text; raises ArgumentTypeError that says what was expected."""
        if self.type is bool:
            if text.lower() not in _SWITCHES:
                raise argparse.ArgumentTypeError(f"expected one of {', '.join(_SWITCHES)}")
            return _SWITCHES[text.lower()]
        try:
            value = self.type(text)
        except ValueError:
            kind = {int: "a whole number", float: "a number"}.get(self.type, self.type.__name__)
            raise argparse.ArgumentTypeError(f"expected {kind}, found {text!r}") from None
        if self.choices and value not in self.choices:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(self.choices)}")
        too_low = self.least is not None and not value >= self.least
        if too_low or (self.most is not None and not value <= self.most):
            bounds = f"at least {self.least}" + f" and at most {self.most}" * (
                self.most is not None
            )
            raise argparse.ArgumentTypeError(f"expected {bounds}, found {text}")
        return value

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the option on a command line."""
        common = {"dest": self.name.replace("-", "_"), "default": self.value(), "help": self.help}
        if self.type is bool:
            parser.add_argument(f"--{self.name}", action=argparse.BooleanOptionalAction, **common)
            return
        action = "append" if self.repeat else "store"
        common |= {"type": self.read, "choices": self.choices, "metavar": self.metavar}
        parser.add_argument(self.flag, action=action, **common)


INDEX = Setting(
    "index",
    Path("index"),
    "folder of the index",
    Path,
    environment=True,
    fallback=shipped("index"),
)
OWN_INDEX = replace(INDEX, fallback=None)  # for commands that write beside it
ENGINE = Setting(
    "engine",
    "auto",
    "how neighbours are found: auto is what the build measured as the faster at the wanted recall",
    choices=ENGINES,
    environment=True,
)
MODEL = Setting(
    "model", None, "folder or Hub id of a transformers vision model; without it: the shipped one"
)
DEVICE = Setting("device", "auto", "auto, cpu, cuda, cuda:1, mps ...", environment=True)
WHERE = Setting(
    "where",
    None,
    "only items that meet this, e.g. articleType=Tshirts, gender!=Boys, price<=40, "
    "season=Summer|Fall; may be given several times",
    repeat=True,
    metavar="COLUMN=VALUE",
)

CATALOGUE = (
    Setting(
        "dataset",
        None,
        "Hub id, folder of pictures, parquet file or folder of them, or fashion-mnist; without it: "
        "the house collection",
        metavar="ID_OR_PATH",
    ),
    Setting("split", None, "split of the data set"),
    WHERE,
    Setting("limit", None, "stop after so many items", int, least=1),
    Setting("image-column", None, "column of the picture, where it cannot be guessed"),
    Setting("title-column", None, "column of the title"),
    Setting("id-column", None, "column of the id"),
    Setting(
        "attribute", None, "column to keep as an attribute; without it: all of them", repeat=True
    ),
)

EMBED = (
    *CATALOGUE,
    Setting("output", Path("index"), "folder of the index to write", Path),
    MODEL,
    Setting(
        "pooling",
        "avg",
        "how feature maps become one vector (avg keeps the model's own projection)",
        choices=POOLINGS,
    ),
    Setting("dim", None, "reduce vectors to so many dimensions by PCA-whitening", int, least=1),
    Setting("metric", "angular", "distance between vectors", choices=METRICS),
    Setting("trees", 50, "trees of the Annoy forest", int, least=1, most=1000),
    Setting("recall", 0.99, "recall at k=24 that search_k is chosen for", float, least=0, most=1),
    Setting("denoise", False, "run a 3x3 median over each picture, query pictures too", bool),
    Setting(
        "precision",
        "auto",
        "auto is bfloat16 where the processor has it; queries use the same",
        choices=PRECISIONS,
    ),
    DEVICE,
    Setting("batch-size", 32, "pictures in one forward pass", int, least=1, most=4096),
    Setting("fold", True, "show near-duplicates of one picture as one result", bool),
    Setting("map", True, "lay the catalogue out on a plane, for the map of the site", bool),
    Setting("licence", None, "licence of the pictures, shown on the site; default: the data set's"),
    Setting("seed", 0, "seed of the forest and of samples", int, least=0, most=2**31 - 1),
    Setting(
        "resume", True, "go on from what an interrupted run has encoded (--fresh: from none)", bool
    ),
)

STATE = Setting(
    "state",
    None,
    "folder of visitors' likes and of what is learnt from them; without it: the index's",
    Path,
    environment=True,
)
DATABASE_URL = Setting(
    "database-url",
    None,
    "where events are kept: sqlite:///FILE or postgresql://...; without it: "
    "events.sqlite in the folder of the index, or of the state",
    environment=True,
)

APP = (
    INDEX,
    Setting(
        "host",
        None,
        "address to listen on; without it GRADIO_SERVER_NAME, or 127.0.0.1",
        environment=True,
    ),
    Setting("port", 7860, "port to listen on", int, environment=True, least=1, most=65535),
    Setting("share", False, "ask gradio for a public link", bool, environment=True),
    ENGINE,
    DEVICE,
    Setting("model", None, "the encoder, where it has moved since the index was built"),
    Setting("results", 24, "results shown at first", int, environment=True, least=1, most=96),
    STATE,
    DATABASE_URL,
    Setting(
        "hemisphere",
        "north",
        "where the visitors are: it tells the season of a day",
        choices=("north", "south"),
        environment=True,
    ),
    Setting(
        "refresh-hours",
        24.0,
        "how often recommenders are trained anew while the site runs; 0: never",
        float,
        environment=True,
        least=0,
        most=8760,
    ),
    Setting(
        "refresh-events",
        1000,
        "or after so many new events; 0: never",
        int,
        environment=True,
        least=0,
    ),
)

SEARCH = (
    INDEX,
    Setting("image", None, "query picture", Path, metavar="PHOTO"),
    Setting("crop", True, "locate the garment in the picture and search with it alone", bool),
    Setting("text", None, "query in words, alone or added to the picture"),
    Setting("k", 24, "number of results", int, least=1),
    WHERE,
    ENGINE,
    DEVICE,
    Setting("model", None, "the encoder, where it has moved since the index was built"),
    Setting("json", False, "print JSON", bool),
)

REFRESH = (OWN_INDEX, STATE, DATABASE_URL)

STEP_BACK = (
    OWN_INDEX,
    STATE,
    Setting("models", False, "step back to the recommenders before the current ones", bool),
)

COLUMN_NAMES = (
    Setting("id-column", None, "column of the id in --items, where it cannot be guessed"),
    Setting("user-column", None, "column of the person in --interactions"),
    Setting("item-column", None, "column of the item"),
    Setting("time-column", None, "column of the day or time"),
    Setting("price-column", None, "column of the price"),
)

AUDIT = (
    INDEX,
    Setting("sample", 1000, "items that ask for the others", int, least=20),
    Setting("seed", 0, "seed of the sample", int, least=0, most=2**31 - 1),
    Setting("plot", None, "folder to draw each attribute into, as PNG", Path, metavar="FOLDER"),
    Setting("json", False, "print JSON", bool),
)

EVALUATE = (
    Setting("index", None, "an index, measured by its own attributes", Path),
    Setting("encoder", None, "folder or Hub id of the model; without it: the shipped one"),
    Setting("data", None, "products: anything that embed.py takes; those held out are used"),
    Setting("larger", None, "larger photos of some of these products, with the same ids"),
    Setting("phone", None, "photos with `label` and `sender_id`; photographers held out ask"),
    Setting("transfer", None, "articles of another shop, with `product_code` for colourways"),
    Setting("by", None, "with --data: an attribute whose groups get a figure each", repeat=True),
    Setting(
        "interactions",
        None,
        "purchases or likes, a parquet file or a CSV: measures recommenders",
        Path,
    ),
    Setting("items", None, "the catalogue that they are of: anything that embed.py takes"),
    Setting(
        "split-day", None, "recommenders learn from before it and are asked for what came after"
    ),
    *COLUMN_NAMES,
    Setting("pooling", "avg", "how feature maps become one vector", choices=POOLINGS),
    Setting("precision", "auto", "precision of the model", choices=PRECISIONS),
    DEVICE,
    Setting("json", False, "print JSON", bool),
)


def parser(settings: Sequence[Setting], **about: Any) -> argparse.ArgumentParser:
    """A command line with `settings` on it."""
    made = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter, **about)
    for setting in settings:
        setting.add_to(made)
    return made


def table(settings: Sequence[Setting]) -> str:
    """A Markdown table of settings, as the README has it; a test compares the two."""
    rows = ["| option | default | variable | what it does |", "| --- | --- | --- | --- |"]
    for setting in settings:
        name = f"`{setting.flag}`"
        if setting.type is bool and setting.default:
            name += f", `--no-{setting.name}`"
        default = "" if setting.default in (None, False) else f"`{setting.default}`"
        variable = f"`{setting.variable}`" if setting.environment else ""
        words = setting.help.replace("|", "\\|")
        if setting.choices:
            words += " (" + ", ".join(setting.choices) + ")"
        rows.append(f"| {name} | {default} | {variable} | {words} |")
    return "\n".join(rows)
