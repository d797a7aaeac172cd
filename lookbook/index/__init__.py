"""Storage: write a generation of the index, verify it, publish it, open it.

A root such as `index/` holds generations, each a folder written whole and never changed after, and
the small file CURRENT that says which of them readers open. Storage knows vectors, items,
thumbnails and engines; files that others compute of a finished generation are stored by name only.
"""

from lookbook.index.engine_files import EngineOptions
from lookbook.index.errors import EngineUnavailable, IndexCorrupt, IndexMissing
from lookbook.index.generation import Generation, Projection, project
from lookbook.index.manifest import SCHEMA, Manifest
from lookbook.index.publishing import (
    CURRENT,
    current_name,
    prune,
    publish,
    published,
    rollback,
)
from lookbook.index.writing import GenerationContent, write_generation

__all__ = [
    "CURRENT",
    "SCHEMA",
    "EngineOptions",
    "EngineUnavailable",
    "Generation",
    "GenerationContent",
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
