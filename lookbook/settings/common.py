"""Settings that several commands share, and the choices of some of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lookbook.settings.setting import Setting

POOLINGS = ("avg", "max", "gem")
BACKENDS = ("auto", "torch", "openvino")
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
METRICS = ("angular", "euclidean", "dot")
PICTURE_FORMATS = ("webp", "avif")
LANGUAGES = ("en", "de", "es", "fr", "it")  # of the interface

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
JSON = Setting("json", False, "print JSON", bool)
WHERE = Setting(
    "where",
    None,
    "only items that meet this, e.g. articleType=Tshirts, gender!=Boys, price<=40, "
    "season=Summer|Fall; may be given several times",
    multiple=True,
    metavar="COLUMN=VALUE",
)
THESAURUS = Setting(
    "thesaurus",
    None,
    "CSV of a shop's own words for kinds, colours ...; see docs/WORDS.md",
    Path,
    environment=True,
    metavar="FILE",
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

COLUMN_NAMES = (
    Setting("user-column", None, "column of the person in --interactions"),
    Setting("item-column", None, "column of the item"),
    Setting("time-column", None, "column of the day or time"),
    Setting("price-column", None, "column of the price"),
)
