"""The house collection, the drawn demo catalogue, as a source of rows."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from lookbook.catalog.items import Row, Source
from lookbook.schema.columns import Columns, Field, find_roles

_COUNT, _SEED = 1500, 0


def house_source(columns: Columns, limit: int | None) -> Source:
    """Make the source of drawn garments, 1500 or `limit` if that is more; always the same."""
    import house_collection

    count = max(_COUNT, limit or 0)
    first = next(iter(house_collection.products(1, _SEED))).row()
    fields = [Field("image", "image")]
    fields += [Field(n, "text" if isinstance(v, str) else "scalar") for n, v in first.items()]

    def rows() -> Iterator[Row]:
        for number, product in enumerate(house_collection.products(count, _SEED)):
            yield Row(str(number), product.row(), functools.partial(product.draw))

    return Source(
        "house",
        "house collection",
        tuple(fields),
        find_roles(fields, columns, "the house collection"),
        rows,
        identity={"seed": str(_SEED)},
        total=count,
    )
