"""Where items come from: any data set of pictures as a stream of Items."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lookbook.catalog.download import Downloader, Downloads
from lookbook.catalog.feeds import FEED_SUFFIXES
from lookbook.catalog.items import Catalog, Item, Rejection, Source
from lookbook.catalog.references import Pictures, is_url
from lookbook.schema.columns import CatalogError, Columns
from lookbook.schema.filters import FilterError, Where, parse_where

__all__ = [
    "Catalog",
    "CatalogError",
    "Columns",
    "Downloads",
    "Item",
    "Rejection",
    "open_catalog",
]

_FIND = Columns()


def open_catalog(
    dataset: str | None = None,
    *,
    split: str | None = None,
    where: Where = None,
    limit: int | None = None,
    columns: Columns = _FIND,
    downloads: Downloads | None = None,
) -> Catalog:
    """Open a data set of pictures: its tables are read at once, its pictures when asked for.

    `dataset` is a folder of pictures (with a table that names them or without), a table or a feed
    (.csv, .tsv, .jsonl, .json, .xlsx, .xml, or the address of one), a parquet file, a glob or a
    folder of them, the folder of Fashion-MNIST (or `fashion-mnist` as Debian installs it), or else
    an id on the Hub, as `owner/name` or `owner/name:config`. None is the house collection. `where`
    selects rows as `schema.filters.parse_where` reads it, `limit` ends after so many of the
    selected, `split` picks a part (`all`: each of them, `train+test`: these two), `columns` names
    columns that cannot be guessed, `downloads` says how pictures are fetched by address (None: as
    Downloads() says). Raises CatalogError.
    """
    try:
        conditions = parse_where(where)
    except FilterError as error:
        raise CatalogError(str(error)) from None
    pictures = Pictures(downloader=Downloader(downloads or Downloads()))
    again = partial(
        open_catalog,
        dataset,
        split=split,
        where=where,
        limit=limit,
        columns=columns,
        downloads=downloads,
    )
    return Catalog(_source(dataset, split, columns, limit, pictures), conditions, limit, again)


def _source(
    dataset: str | None,
    split: str | None,
    columns: Columns,
    limit: int | None,
    pictures: Pictures,
) -> Source:
    if dataset is None:
        from lookbook.catalog.files import choose_split
        from lookbook.catalog.house import house_source

        choose_split((), split, "the house collection")
        return house_source(columns, limit)
    name = str(dataset)
    if is_url(name):
        from lookbook.catalog.feed_source import url_source

        return url_source(name, columns, pictures)
    path = Path(name).expanduser()
    if _exists(path) or _is_glob(name):
        return _local_source(path, name, split, columns, pictures)
    from lookbook.catalog import fashion_mnist, hub

    if name in fashion_mnist.NAMES:
        return _installed_fashion_mnist(name, split, columns)
    if not hub.is_hub_id(name) or path.suffix.lower() in (".parquet", *FEED_SUFFIXES):
        raise CatalogError(
            f"{name}: no such folder or file; expected a folder of pictures, a parquet file, a "
            "table or feed of products, or an id on the Hub as owner/name"
        )
    return hub.hub_source(name, split, columns)


def _local_source(
    path: Path, name: str, split: str | None, columns: Columns, pictures: Pictures
) -> Source:
    from lookbook.catalog import fashion_mnist, feed_source, folder, parquet

    if not path.is_dir():
        if path.is_file() and path.suffix.lower() in FEED_SUFFIXES:
            return feed_source.file_source(path, name, columns, pictures)
        if path.is_file() and path.suffix.lower() != ".parquet":
            found = f"a {path.suffix} file" if path.suffix else "a file of another kind"
            raise CatalogError(
                f"{name}: expected a folder or a parquet file, found {found}; a table may be "
                f"{', '.join(FEED_SUFFIXES)}"
            )
        return parquet.parquet_source(path, name, split, columns, pictures)
    if fashion_mnist.is_fashion_mnist(path):
        return fashion_mnist.fashion_mnist_source(path, name, split, columns)
    if parquet.holds_pictures(path, columns):
        return parquet.parquet_source(path, name, split, columns, pictures)
    return folder.folder_source(path, name, split, columns, pictures)


def _installed_fashion_mnist(name: str, split: str | None, columns: Columns) -> Source:
    from lookbook.catalog.fashion_mnist import DEBIAN_FOLDER, fashion_mnist_source

    if not DEBIAN_FOLDER.is_dir():
        raise CatalogError(
            f"{name}: not installed; install Debian's package dataset-fashion-mnist, or take "
            "zalando-datasets/fashion_mnist from the Hub"
        )
    return fashion_mnist_source(DEBIAN_FOLDER, name, split, columns)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long a name, a null byte
        return False


def _is_glob(name: str) -> bool:
    return any(c in name for c in "*?[")
