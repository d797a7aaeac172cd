"""A catalogue as a command line asks for it."""

from __future__ import annotations

import argparse

from lookbook.catalog import Catalog, Columns, Downloads, open_catalog


def open_asked(args: argparse.Namespace) -> Catalog:
    """Open the catalogue that the options of `settings.CATALOGUE` name; raises CatalogError."""
    columns = Columns(
        args.image_column,
        args.title_column,
        args.id_column,
        tuple(args.attribute) or None,
        args.group_column,
        args.price_column,
    )
    return open_catalog(
        args.dataset,
        split=args.split,
        where=args.where,
        limit=args.limit,
        columns=columns,
        downloads=Downloads(allow_local=args.allow_local_urls),
    )
