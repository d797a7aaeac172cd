"""Settings of the commands that read an index: `search`, `related`, `audit` and others."""

from __future__ import annotations

from pathlib import Path

from lookbook.settings.common import (
    BACKEND,
    COLUMN_NAMES,
    DATABASE_URL,
    DEVICE,
    ENGINE,
    EXPOSURE,
    HIDE_SOLD_OUT,
    INDEX,
    JSON,
    LINK_PARAMETERS,
    MILVUS_URI,
    OWN_INDEX,
    SHOP_URL,
    STATE,
    THESAURUS,
    WHERE,
)
from lookbook.settings.setting import Setting

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

ROLLBACK = (
    OWN_INDEX,
    STATE,
    Setting("models", False, "of the recommenders, not of the index", bool),
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
