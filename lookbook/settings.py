"""Every setting, declared once: command lines, environment and docs derive from it.

A leaf: it imports nothing of lookbook. A test compares the choices below with those of the rooms.
"""

from __future__ import annotations

import argparse
import os
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

POOLINGS = ("avg", "max", "gem")
BACKENDS = ("auto", "torch", "openvino")
PRECISIONS = ("auto", "float32", "bfloat16")
METRICS = ("angular", "euclidean", "dot")
PICTURE_FORMATS = ("webp", "avif")
LANGUAGES = ("en", "de", "es", "fr", "it")  # of the interface

_SWITCHES = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


@dataclass(frozen=True)
class Setting:
    """One option `--name`; where `environment` is true, LOOKBOOK_NAME gives its default.

    `choices` are the values, or "module:function" that returns them: called when a command line is
    made, for what registers itself elsewhere. `min` and `max` bound a number, both included. A
    `secret` may be a password or hold one. `bare` is the value of the flag where none follows it;
    None: one must follow.
    """

    name: str
    default: Any
    help: str
    type: type[Any] = str
    choices: tuple[str, ...] | str | None = None
    multiple: bool = False
    bare: str | None = None
    count: int | None = None  # values that follow the flag, None for one
    environment: bool = False
    metavar: str | None = None
    min: float | None = None
    max: float | None = None
    fallback: str | None = None  # a shipped folder, where the default path does not exist
    secret: bool = False

    @property
    def env_var(self) -> str:
        """Name of the environment variable."""
        return "LOOKBOOK_" + self.name.upper().replace("-", "_")

    @property
    def flag(self) -> str:
        """How it is written on a command line."""
        return ("-" if len(self.name) == 1 else "--") + self.name

    @property
    def dest(self) -> str:
        """Name of the attribute that holds its value once a command line is parsed."""
        return self.name.replace("-", "_")

    def allowed(self) -> tuple[str, ...] | None:
        """Return the values to choose from, None for any."""
        if not isinstance(self.choices, str):
            return self.choices
        return tuple(pkgutil.resolve_name(self.choices)())

    def value(self) -> Any:
        """Return the default, from the environment where it is set; raises ValueError."""
        text = os.environ.get(self.env_var) if self.environment else None
        if not text:
            if self.fallback is not None and not self.default.exists():
                return pkgutil.resolve_name("lookbook.resources:shipped")(self.fallback)
            return [] if self.multiple else self.default
        try:
            return self.parse(text)
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise ValueError(f"{self.env_var}={text!r}: {error}, as for --{self.name}") from None

    def parse(self, text: str) -> Any:
        """Convert text to a value; raises ArgumentTypeError that says what was expected."""
        if self.type is bool:
            if text.lower() not in _SWITCHES:
                raise argparse.ArgumentTypeError(f"expected one of {', '.join(_SWITCHES)}")
            return _SWITCHES[text.lower()]
        try:
            value = self.type(text)
        except ValueError:
            expected = {int: "a whole number", float: "a number"}.get(self.type, self.type.__name__)
            raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}") from None
        if (allowed := self.allowed()) and value not in allowed:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(allowed)}")
        too_low = self.min is not None and not value >= self.min
        if too_low or (self.max is not None and not value <= self.max):
            bounds = f"at least {self.min}" + f" and at most {self.max}" * (self.max is not None)
            raise argparse.ArgumentTypeError(f"expected {bounds}, found {text}")
        return value

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the option on a command line."""
        common: dict[str, Any] = {"dest": self.dest, "default": self.value(), "help": self.help}
        if self.type is bool:
            parser.add_argument(f"--{self.name}", action=argparse.BooleanOptionalAction, **common)
            return
        action = "append" if self.multiple else "store"
        common |= {"type": self.parse, "choices": self.allowed(), "metavar": self.metavar}
        if self.bare is not None:
            common |= {"nargs": "?", "const": self.bare}
        if self.count is not None:
            common["nargs"] = self.count
        parser.add_argument(self.flag, action=action, **common)


INDEX = Setting(
    "index", Path("index"), "folder of the index", Path, environment=True, fallback="index"
)
OWN_INDEX = replace(INDEX, fallback=None)  # for commands that write into it
ENGINE = Setting(
    "engine",
    "auto",
    "how neighbours are found: exact, annoy or another of docs/ENGINES.md that the index was built "
    "with; auto is, for each kind of query, the one that the build measured as faster at --recall",
    choices="lookbook.index.engines:serving_choices",
    environment=True,
)
MILVUS_URI = Setting(
    "milvus-uri",
    None,
    "with --engine milvus: http://HOST:19530 of a server or cluster, or a file ending in .db for "
    "Milvus Lite; better by the variable where it holds a password (docs/DISTRIBUTED.md)",
    environment=True,
    secret=True,
    metavar="URI",
)
MODEL = Setting(
    "model",
    None,
    "folder or Hub id of a transformers vision model, or timm/NAME where timm is installed; "
    "without it: the shipped one",
)
DEVICE = Setting("device", "auto", "auto, cpu, cuda, cuda:1, mps ...", environment=True)
BACKEND = Setting(
    "backend",
    "auto",
    "what runs the model: auto is OpenVINO where it is installed and was faster on this processor",
    choices=BACKENDS,
    environment=True,
)
WATCH = Setting("watch", False, "keep the index current: run again whenever the data change", bool)
WATCH_SECONDS = Setting(
    "watch-seconds",
    30.0,
    "with --watch: seconds between two checks of the data",
    float,
    min=1,
    max=86400,
)
JSON = Setting("json", False, "print JSON", bool)
PARTS = Setting(
    "parts",
    None,
    "with --ray: folder or address (s3://...) that all machines reach, for what is encoded until "
    "the index is written; without it: in the folder of the index",
    metavar="PATH_OR_URL",
)
WHERE = Setting(
    "where",
    None,
    "only items that meet this, e.g. articleType=Tshirts, gender!=Boys, price<=40, "
    "season=Summer|Fall; may be given several times",
    multiple=True,
    metavar="COLUMN=VALUE",
)

CATALOGUE = (
    Setting(
        "dataset",
        None,
        "Hub id, folder of pictures, table or feed of products (or its address), parquet file or "
        "folder of them, or fashion-mnist; without it: the house collection",
        metavar="ID_OR_PATH",
    ),
    Setting("split", None, "split of the data set, several as train+test, or all"),
    WHERE,
    Setting("limit", None, "stop after so many items", int, min=1),
    Setting("image-column", None, "column of the picture, where it cannot be guessed"),
    Setting("title-column", None, "column of the title"),
    Setting("id-column", None, "column of the id"),
    Setting("group-column", None, "column whose value the items of one product share"),
    Setting("price-column", None, "column of the price that customers pay"),
    Setting(
        "attribute", None, "column to keep as an attribute; without it: all of them", multiple=True
    ),
    Setting(
        "allow-local-urls",
        False,
        "fetch pictures from addresses of this machine and of private networks too, and file://",
        bool,
    ),
)

CATALOG = (*CATALOGUE, JSON)

RECALL = Setting("recall", 0.99, "recall at k=24 that the engine is tuned for", float, min=0, max=1)
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
    Setting("dim", None, "reduce vectors to so many dimensions by PCA-whitening", int, min=1),
    Setting("metric", "angular", "distance between vectors", choices=METRICS),
    Setting(
        "normalize",
        True,
        "scale vectors to norm 1; all metrics then rank alike, so give --no-normalize with another",
        bool,
    ),
    Setting(
        "engine",
        "annoy",
        "what is built for approximate search, see docs/ENGINES.md; exact builds nothing",
        choices="lookbook.index.engines:names",
    ),
    MILVUS_URI,
    Setting("trees", None, "trees of the Annoy forest; without it: 50", int, min=1, max=1000),
    RECALL,
    Setting("denoise", False, "run a 3x3 median over each picture, query pictures too", bool),
    Setting(
        "precision",
        "auto",
        "auto is bfloat16 where the processor has it; queries use the same",
        choices=PRECISIONS,
    ),
    DEVICE,
    BACKEND,
    Setting(
        "ray",
        None,
        "encode by Ray: in several processes of this machine, or in the cluster of this address "
        "(auto: the one that this machine belongs to); see docs/DISTRIBUTED.md",
        bare="local",
        metavar="ADDRESS",
    ),
    PARTS,
    Setting("batch-size", 32, "pictures in one forward pass", int, min=1, max=4096),
    Setting("fold", True, "show near-duplicates of one picture as one result", bool),
    Setting("map", True, "project the catalogue to two dimensions, for the map of the site", bool),
    Setting(
        "detail-size",
        1024,
        "longer side in pixels of the second, larger size that photos are stored in; 0: none",
        int,
        min=0,
        max=4096,
    ),
    Setting("picture-format", "webp", "format of the stored photos", choices=PICTURE_FORMATS),
    Setting(
        "picture-quality",
        None,
        "quality of the stored photos; default: 80 for webp, 60 for avif, which look alike",
        int,
        min=1,
        max=100,
    ),
    Setting("licence", None, "licence of the pictures, shown on the site; default: the data set's"),
    Setting("seed", 0, "seed of the engine and of samples", int, min=0, max=2**31 - 1),
    Setting(
        "resume",
        True,
        "reuse what an interrupted run has encoded and what has not changed since the published "
        "index (--fresh: compute everything again)",
        bool,
    ),
    WATCH,
    WATCH_SECONDS,
    JSON,
)

STATE = Setting(
    "state",
    None,
    "folder of visitors' likes and of the models trained on them; without it: the index's",
    Path,
    environment=True,
)
DATABASE_URL = Setting(
    "database-url",
    None,
    "where events are kept: sqlite:///FILE or postgresql://...; without it: "
    "events.sqlite in the folder of the index, or of the state",
    environment=True,
    secret=True,
)

THESAURUS = Setting(
    "thesaurus",
    None,
    "CSV of a shop's own words for kinds, colours ...; see docs/WORDS.md",
    Path,
    environment=True,
    metavar="FILE",
)

LIMITS = (
    Setting(
        "rate",
        20.0,
        "requests a second of one client, ten seconds' worth at once; an upload counts as one for "
        "each quarter of a megabyte, the page as four; 0: no limit",
        float,
        environment=True,
        min=0,
        max=10_000,
    ),
    Setting("queue-size", 64, "requests that may wait", int, environment=True, min=1, max=10_000),
    Setting(
        "connections",
        1000,
        "open at once, a quarter of them by one client",
        int,
        environment=True,
        min=10,
        max=100_000,
    ),
    Setting(
        "answer-seconds",
        30.0,
        "that an answer may take before a sentence is sent instead",
        float,
        environment=True,
        min=1,
        max=3600,
    ),
    Setting(
        "max-upload", 40, "MB of one upload that arrive", int, environment=True, min=1, max=1000
    ),
    Setting("max-body", 32, "MB of any other request", int, environment=True, min=1, max=1000),
    Setting(
        "frame-ancestors",
        None,
        "sites that may show this one in a frame, e.g. \"'self' https://shop.example\"; without it "
        "this site alone, on Spaces Hugging Face too",
        environment=True,
    ),
    Setting(
        "embed-origins",
        None,
        "origins of a shop whose pages may show similar pieces (docs/EMBED.md), e.g. "
        "https://shop.example; without it /embed is off",
        environment=True,
    ),
    Setting(
        "owner-password",
        None,
        "password of /owner, where the owner indexes catalogues and sees what visitors do "
        "(docs/OWNER.md); better given by the variable; without it /owner is off",
        environment=True,
        secret=True,
    ),
    Setting(
        "owner-upload",
        1000,
        "MB of a catalogue that the owner uploads",
        int,
        environment=True,
        min=1,
        max=100_000,
    ),
    Setting("mcp", True, "offer the endpoints as tools for agents (MCP)", bool, environment=True),
    Setting("api", True, "offer the endpoints and their page to programs", bool, environment=True),
    Setting(
        "auth",
        None,
        "names and passwords of who may see the site, by commas; better by the variable, as other "
        "users of the machine can read command lines. Or huggingface: whoever logs in there; "
        "huggingface=NAME,NAME: only these users and members of organisations",
        environment=True,
        secret=True,
        metavar="USER:PASSWORD",
    ),
)

OPERATION = (
    Setting(
        "log-format",
        "text",
        "of what is logged on stderr; json: an object a line, with one for each answer too",
        choices=("text", "json"),
        environment=True,
    ),
    Setting(
        "metrics",
        False,
        "serve /metrics for Prometheus, to this machine and to whoever has the token",
        bool,
        environment=True,
    ),
    Setting(
        "metrics-token",
        None,
        "bearer token with which other machines may read /metrics; better by the variable",
        environment=True,
        secret=True,
        metavar="TOKEN",
    ),
)

EXPOSURE = (
    Setting(
        "exposure-quota",
        None,
        "attribute whose values get the share of results that they have of the catalogue, e.g. "
        "gender; see docs/BIAS.md",
        environment=True,
        metavar="COLUMN",
    ),
    Setting(
        "quota-tolerance",
        0.1,
        "how far a share of results may be from that of the catalogue",
        float,
        environment=True,
        min=0,
        max=1,
    ),
    Setting(
        "genderless",
        False,
        "gender neither narrows nor ranks: in filters, words, outfits and recommendations",
        bool,
        environment=True,
    ),
)
DAMPING = Setting(
    "popularity-damping",
    0.0,
    "power of its popularity that the score of a recommended item is divided by; 0: not at all",
    float,
    environment=True,
    min=0,
    max=1,
)

HIDE_SOLD_OUT = Setting(
    "hide-sold-out",
    False,
    "leave out what a column of availability or stock says is sold out",
    bool,
    environment=True,
)
SHOP_URL = Setting(
    "shop-url",
    None,
    "address of a product's page where the catalogue has no column such as link: {id} and {column} "
    "in it are replaced, without them /products/{id} is added; completes relative links",
    environment=True,
    metavar="URL",
)
LINK_PARAMETERS = Setting(
    "link-parameters",
    None,
    "added to the addresses of product pages, e.g. utm_source=lookbook&utm_medium=search",
    environment=True,
)
BRANDING = (
    Setting("name", "Lookbook", "name of the site", environment=True),
    Setting("tagline", "Find clothes by picture.", "line below the name", environment=True),
    Setting(
        "logo", None, "picture shown for the name: SVG, PNG, WebP or JPEG", Path, environment=True
    ),
    Setting("accent", None, "colour of what is pressed and of links: #b92b33", environment=True),
    Setting(
        "footer-links",
        None,
        'links of the footer: "Imprint=https://shop.example/imprint; Privacy=https://..."',
        environment=True,
    ),
    Setting(
        "pages",
        "find,foryou,saved,explore,about,api",
        "pages of the site, by commas; find is always there",
        environment=True,
    ),
    Setting(
        "language",
        "auto",
        "language of the interface; auto: the one that each visitor's browser prefers",
        choices=("auto", *LANGUAGES),
        environment=True,
    ),
)

APP = (
    INDEX,
    Setting(
        "host",
        None,
        "address to listen on; without it GRADIO_SERVER_NAME, or 127.0.0.1",
        environment=True,
    ),
    Setting("port", 7860, "port to listen on", int, environment=True, min=1, max=65535),
    Setting("share", False, "ask gradio for a public link", bool, environment=True),
    ENGINE,
    MILVUS_URI,
    DEVICE,
    BACKEND,
    Setting("model", None, "the encoder, where it has moved since the index was built"),
    Setting("results", 24, "results shown at first", int, environment=True, min=1, max=96),
    STATE,
    DATABASE_URL,
    THESAURUS,
    *BRANDING,
    SHOP_URL,
    HIDE_SOLD_OUT,
    LINK_PARAMETERS,
    Setting(
        "hemisphere",
        "north",
        "hemisphere of the visitors, which decides the season of a date",
        choices=("north", "south"),
        environment=True,
    ),
    Setting(
        "reload-seconds",
        5.0,
        "seconds between two checks for a new generation of the index; 0: never",
        float,
        environment=True,
        min=0,
        max=86400,
    ),
    Setting(
        "refresh-hours",
        24.0,
        "hours between two retrainings of the recommenders; 0: never",
        float,
        environment=True,
        min=0,
        max=8760,
    ),
    Setting(
        "refresh-events",
        1000,
        "retrain after so many new events, too; 0: never",
        int,
        environment=True,
        min=0,
    ),
    Setting(
        "keep-events",
        180.0,
        "days after which likes and views of visitors are deleted; 0: never",
        float,
        environment=True,
        min=0,
        max=36500,
    ),
    Setting(
        "fetch-urls",
        False,
        "fetch the picture whose address a visitor pastes: from public hosts only, up to 20 MB "
        "within 10 seconds; nothing of it is kept",
        bool,
        environment=True,
    ),
    *LIMITS,
    *OPERATION,
    *EXPOSURE,
    DAMPING,
)

SEARCH = (
    INDEX,
    Setting("image", None, "query picture", Path, metavar="PHOTO"),
    THESAURUS,
    Setting("crop", True, "locate the garment in the picture and search with it alone", bool),
    Setting("text", None, "query in words, alone or added to the picture"),
    Setting(
        "match",
        None,
        "what the results of a picture are matched on",
        choices=("shape", "colour", "pattern", "kind"),
    ),
    Setting("k", 24, "number of results", int, min=1),
    WHERE,
    ENGINE,
    MILVUS_URI,
    DEVICE,
    BACKEND,
    Setting("model", None, "the encoder, where it has moved since the index was built"),
    JSON,
)

RELATED = (
    INDEX,
    Setting("output", Path("related.csv"), "file to write", Path, metavar="FILE"),
    Setting("k", 8, "similar and matching items of each", int, min=1, max=96),
    Setting(
        "format",
        None,
        "csv (a row for each pair), jsonl (a line for each item) or shopify (its product import "
        "with related and complementary products); without it: by the file's ending",
        choices="lookbook.outfits.related:formats",
    ),
    SHOP_URL,
    HIDE_SOLD_OUT,
    LINK_PARAMETERS,
)

DOCTOR = (INDEX, DEVICE, BACKEND, STATE, DATABASE_URL)
REFRESH = (OWN_INDEX, STATE, DATABASE_URL)

TUNE = (
    OWN_INDEX,
    Setting(
        "engine",
        None,
        "engine to build in place of the one there is (docs/ENGINES.md); give it to embed.py, too",
        choices="lookbook.index.engines:names",
    ),
    replace(RECALL, fallback=None, help=f"{RECALL.help}; without it: as before"),
    MODEL,
    DEVICE,
    BACKEND,
    MILVUS_URI,
)
ROLLBACK = (
    OWN_INDEX,
    STATE,
    Setting("models", False, "of the recommenders, not of the index", bool),
)

_ID_COLUMN = Setting("id-column", None, "column of the id in --items, where it cannot be guessed")
COLUMN_NAMES = (
    Setting("user-column", None, "column of the person in --interactions"),
    Setting("item-column", None, "column of the item"),
    Setting("time-column", None, "column of the day or time"),
    Setting("price-column", None, "column of the price"),
)

AUDIT = (
    INDEX,
    Setting("sample", 1000, "items used as queries", int, min=20),
    Setting("seed", 0, "seed of the sample", int, min=0, max=2**31 - 1),
    *EXPOSURE,
    Setting("plot", None, "folder to draw each attribute into, as PNG", Path, metavar="FOLDER"),
    JSON,
)

EVENTS_IMPORT = (
    INDEX,
    Setting(
        "interactions",
        None,
        "past orders, likes or views: a table (.csv, .tsv, .jsonl, .json, .xlsx) or parquet",
        Path,
        metavar="FILE",
    ),
    STATE,
    DATABASE_URL,
    *COLUMN_NAMES,
)

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


# of other programs and libraries in the process of the site
_OTHER_SECRETS = (
    *("OAUTH_CLIENT_SECRET", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    *("PGPASSWORD", "POSTGRES_PASSWORD"),
)


def secrets_of_site() -> frozenset[str]:
    """Return the variables of secrets that `catalog` and `embed` do not need."""
    own = {s.env_var for s in APP if s.secret and s not in EMBED}
    return frozenset(own.union(_OTHER_SECRETS))


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


def parser(settings: Sequence[Setting], **about: Any) -> argparse.ArgumentParser:
    """Return a command line with `settings` on it."""
    made = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter, **about)
    for setting in settings:
        setting.add_to(made)
    return made


def given(settings: Sequence[Setting], args: argparse.Namespace) -> list[str]:
    """Return the flags of the settings whose parsed value is not their default."""
    return [s.flag for s in settings if getattr(args, s.dest) != s.value()]


def refuse_unused(
    settings: Sequence[Setting], args: argparse.Namespace, used: Sequence[Setting], task: str
) -> None:
    """Raise ValueError that names the options that were given and that `task` does not use."""
    unused = [flag for flag in given(settings, args) if flag not in {s.flag for s in used}]
    if unused:
        raise ValueError(f"{', '.join(unused)} would change nothing {task}: leave it out")


def table(settings: Sequence[Setting]) -> str:
    """Return a Markdown table of settings, as the README has it; a test compares the two."""
    rows = ["| option | default | variable | what it does |", "| --- | --- | --- | --- |"]
    for setting in settings:
        name = f"`{setting.flag}`"
        if setting.type is bool and setting.default:
            name += f", `--no-{setting.name}`"
        default = "" if setting.default in (None, False) else f"`{setting.default}`"
        variable = f"`{setting.env_var}`" if setting.environment else ""
        help_text = setting.help.replace("|", "\\|")
        if isinstance(setting.choices, tuple):  # what registers itself has a page of its own
            help_text += " (" + ", ".join(setting.choices) + ")"
        rows.append(f"| {name} | {default} | {variable} | {help_text} |")
    return "\n".join(rows)
