"""Every setting, declared once: command lines, environment and docs derive from it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POOLINGS = ("avg", "max", "gem")
PRECISIONS = ("auto", "float32", "bfloat16")


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

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return "LOOKBOOK_" + self.name.upper().replace("-", "_")

    def value(self) -> Any:
        """The default, from the environment where it is set; raises ValueError with both values."""
        text = os.environ.get(self.variable) if self.environment else None
        if not text:
            return [] if self.repeat else self.default
        if self.type is bool:
            return text.lower() in ("1", "true", "yes", "on")
        try:
            return self.type(text)
        except ValueError:
            raise ValueError(
                f"{self.variable}={text!r}: expected {self.type.__name__} for --{self.name}"
            ) from None

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the option on a command line."""
        common = {"dest": self.name.replace("-", "_"), "default": self.value(), "help": self.help}
        if self.type is bool:
            parser.add_argument(f"--{self.name}", action=argparse.BooleanOptionalAction, **common)
            return
        action = "append" if self.repeat else "store"
        common |= {"type": self.type, "choices": self.choices, "metavar": self.metavar}
        dashes = "-" if len(self.name) == 1 else "--"
        parser.add_argument(dashes + self.name, action=action, **common)


INDEX = Setting("index", Path("index"), "folder of the index", Path, environment=True)
ENGINE = Setting(
    "engine",
    "auto",
    "how neighbours are found: auto is what the build measured as the faster at the wanted recall",
    choices=("auto", "annoy", "exact"),
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
    Setting("limit", None, "stop after so many items", int),
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
        "how the last feature map becomes one vector (avg keeps the model's own projection)",
        choices=POOLINGS,
    ),
    Setting("dim", None, "reduce vectors to so many dimensions by PCA-whitening", int),
    Setting(
        "metric", "angular", "distance between vectors", choices=("angular", "euclidean", "dot")
    ),
    Setting("trees", 50, "trees of the Annoy forest", int),
    Setting("recall", 0.99, "recall at k=24 that search_k is chosen for", float),
    Setting("denoise", False, "run a 3x3 median over each picture, query pictures too", bool),
    Setting(
        "precision",
        "auto",
        "auto is bfloat16 where the processor has it; queries use the same",
        choices=PRECISIONS,
    ),
    DEVICE,
    Setting("batch-size", 32, "pictures in one forward pass", int),
    Setting("fold", True, "show near-duplicates of one picture as one result", bool),
    Setting("licence", None, "licence of the pictures, shown on the site; default: the data set's"),
    Setting("seed", 0, "seed of the forest and of samples", int),
    Setting(
        "resume", True, "go on from what an interrupted run has encoded (--fresh: from none)", bool
    ),
)

APP = (
    INDEX,
    Setting("host", "127.0.0.1", "address to listen on", environment=True),
    Setting("port", 7860, "port to listen on", int, environment=True),
    Setting("share", False, "ask gradio for a public link", bool, environment=True),
    ENGINE,
    DEVICE,
    Setting("model", None, "the encoder, where it has moved since the index was built"),
    Setting("results", 24, "results shown at first", int, environment=True),
)

SEARCH = (
    INDEX,
    Setting("image", None, "query picture", Path, metavar="PHOTO"),
    Setting("text", None, "query in words, alone or added to the picture"),
    Setting("k", 24, "number of results", int),
    WHERE,
    ENGINE,
    DEVICE,
    Setting("model", None, "the encoder, where it has moved since the index was built"),
    Setting("json", False, "print JSON", bool),
)

EVALUATE = (
    Setting("encoder", None, "folder or Hub id of the model; without it: the shipped one"),
    Setting("data", None, "products: anything that embed.py takes; those held out are used"),
    Setting("larger", None, "larger photos of some of these products, with the same ids"),
    Setting("phone", None, "photos with `label` and `sender_id`; photographers held out ask"),
    Setting("transfer", None, "articles of another shop, with `product_code` for colourways"),
    Setting("pooling", "avg", "how the last feature map becomes one vector", choices=POOLINGS),
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
        name = f"`--{setting.name}`"
        if setting.type is bool and setting.default:
            name += f", `--no-{setting.name}`"
        default = "" if setting.default in (None, False) else f"`{setting.default}`"
        variable = f"`{setting.variable}`" if setting.environment else ""
        words = setting.help.replace("|", "\\|")
        if setting.choices:
            words += " (" + ", ".join(setting.choices) + ")"
        rows.append(f"| {name} | {default} | {variable} | {words} |")
    return "\n".join(rows)
