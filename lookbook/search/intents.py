"""Queries by what they are for: the one place where vectors are adapted to an intent.

See `lookbook.encoding.query_adapter`. `query_vector` calls this for the site, the API, the command
line and Python alike.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.encoding.hub import local_folder
from lookbook.encoding.query_adapter import QueryAdapter
from lookbook.index.normalization import UnitRows
from lookbook.search.index import Index
from lookbook.search.per_index import per_index


@per_index
def query_adapter(index: Index) -> QueryAdapter | None:
    """Return what adapts queries of an index, read from the folder of the model that built it.

    None where the model has none for these weights, where it is not on this machine, and for
    vectors that are pooled otherwise or keep their norm. Needs no encoder, so that an item can be
    searched before one is loaded.
    """
    built = index.manifest.encoder
    if built.get("pooling") != "avg" or not built.get("normalize", True):
        return None
    folder = encoder_folder(index)
    adapter = QueryAdapter.load(folder) if folder is not None else None
    fits = adapter is not None and (adapter.revision, adapter.dim) == (
        built.get("revision"),
        index.dim,
    )
    return adapter if fits else None


def encoder_folder(index: Index) -> Path | None:
    """Return the folder of the model that built an index, None where this machine has none."""
    return local_folder(str(index.manifest.encoder.get("model") or DEFAULT_MODEL))


def as_query(index: Index, vector: np.ndarray, intent: str, match: str = "") -> np.ndarray:
    """Return an encoder's vector (dim,) as a query, in the space of the index (manifest.dim,).

    Raises ValueError as `Index.to_index_space` does.
    """
    index.to_index_space(vector)  # refuses a vector of another length or without direction
    adapter = query_adapter(index)
    adapted = vector if adapter is None else adapter(vector[None], intent, match)[0]
    return index.to_index_space(adapted)


def item_as_query(index: Index, id: str, intent: str, match: str = "") -> np.ndarray:
    """Return the stored vector of an item as a query (manifest.dim,); raises UnknownItem.

    Where the index stores fewer dimensions than the encoder gives there are no heads to scale.
    """
    adapter, vector = query_adapter(index), index.vector(id)
    if adapter is None or index.generation.projection is not None:
        return vector
    return np.asarray(adapter(vector[None], intent, match)[0])


def vectors_between_items(index: Index) -> UnitRows:
    """Return the vectors (n, d) of norm 1 without the heads that do not compare items with items.

    No copy of `Index.comparable_vectors`.
    """
    return UnitRows(index.comparable_vectors, _item_columns(index))


def vectors_key(index: Index) -> str:
    """Return 64 hex digits that change with `vectors_between_items`.

    Not with the engine that holds them in memory, whose rounding is another.
    """
    stored, columns = index.manifest.files["vectors.npy"]["sha256"], _item_columns(index)
    read = b"all" if columns is None else columns.tobytes()
    return hashlib.sha256(stored.encode() + b" " + read).hexdigest()


def _item_columns(index: Index) -> np.ndarray | None:
    """bool (manifest.dim,): the columns that compare items with items; None for all of them."""
    adapter = query_adapter(index)
    if adapter is None or index.generation.projection is not None:
        return None
    return adapter.item_columns
