"""One generation of the index on disk: write it beside, verify it, publish it, open it.

A root such as `index/` holds generations, each a folder written whole and never changed after, and
the small file CURRENT that says which of them readers open.
"""

from lookbook.index.engines.annoy import IndexCorrupt
from lookbook.index.generation import Generation, Projection, project
from lookbook.index.manifest import SCHEMA, Manifest
from lookbook.index.publishing import (
    CURRENT,
    IndexMissing,
    current_name,
    prune,
    publish,
    published,
    rollback,
)
from lookbook.index.writing import write_generation

__all__ = [
    "CURRENT",
    "SCHEMA",
    "Generation",
    "IndexCorrupt",
    "IndexMissing",
    "Manifest",
    "Projection",
    "current_name",
    "project",
    "prune",
    "publish",
    "published",
    "rollback",
    "write_generation",
]
