"""Settings of `catalog`, `embed` and `tune`: what is indexed, and how."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lookbook.settings.common import (
    BACKEND,
    DEVICE,
    JSON,
    METRICS,
    MILVUS_URI,
    MODEL,
    OWN_INDEX,
    PICTURE_FORMATS,
    POOLINGS,
    PRECISIONS,
    WHERE,
)
from lookbook.settings.setting import Setting

WATCH = Setting("watch", False, "keep the index current: run again whenever the data change", bool)
WATCH_SECONDS = Setting(
    "watch-seconds",
    30.0,
    "with --watch: seconds between two checks of the data",
    float,
    min=1,
    max=86400,
)
PARTS = Setting(
    "parts",
    None,
    "with --ray: folder or address (s3://...) that all machines reach, for what is encoded until "
    "the index is written; without it: in the folder of the index",
    metavar="PATH_OR_URL",
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
        "auto is that of the index to update, else int8 where the model has it, else bfloat16 "
        "where the processor has it",
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
