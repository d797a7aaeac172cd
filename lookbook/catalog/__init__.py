"""Where items come from: any data set of pictures as a stream of Items."""

from __future__ import annotations

from pathlib import Path

from lookbook.catalog.files import all_files
from lookbook.catalog.items import Catalog, Item, Rejection, Source
from lookbook.schema.columns import CatalogError, Columns
from lookbook.schema.filters import FilterError, Where, parse_where

__all__ = ["Catalog", "CatalogError", "Columns", "Item", "Rejection", "open_catalog"]

_FIND = Columns()


def open_catalog(
    dataset: str | None = None,
    *,
    split: str | None = None,
    where: Where = None,
    limit: int | None = None,
    columns: Columns = _FIND,
) -> Catalog:
    """Open a data set of pictures; nothing is decoded, and as little as possible read, until asked.

    `dataset` is a folder of pictures (an imagefolder, with `metadata.csv` or `.jsonl` or without),
    a parquet file, a glob or a folder of them, the folder of Fashion-MNIST (or `fashion-mnist` as
    Debian installs it), or else an id on the Hub, as `owner/name` or `owner/name:config`. None is
    the house collection. `where` selects rows as `parse_where` says, `limit` ends after so many of
    the selected, `split` picks a part, `columns` says which column is what when the names do not.
    Raises CatalogError.
    """
    try:
        conditions = parse_where(where)
    except FilterError as error:
        raise CatalogError(str(error)) from None
    return Catalog(_source(dataset, split, columns, limit), conditions, limit)


def _source(dataset: str | None, split: str | None, columns: Columns, limit: int | None) -> Source:
    if dataset is None:
        from lookbook.catalog.files import choose_split
        from lookbook.catalog.house import house_source

        choose_split((), split, "the house collection")
        return house_source(columns, limit)
    name = str(dataset)
    path = Path(name).expanduser()
    if _exists(path) or _is_glob(name):
        return _local_source(path, name, split, columns)
    from lookbook.catalog import fashion_mnist, hub

    if name in fashion_mnist.NAMES:
        return _installed_fashion_mnist(name, split, columns)
    if not hub.is_hub_id(name) or path.suffix.lower() == ".parquet":
        raise CatalogError(
            f"{name}: no such folder or file; expected a folder of pictures, a parquet file, or an "
            "id on the Hub as owner/name"
        )
    return hub.hub_source(name, split, columns)


def _local_source(path: Path, name: str, split: str | None, columns: Columns) -> Source:
    from lookbook.catalog import fashion_mnist, folder, parquet

    if not path.is_dir():
        if path.is_file() and path.suffix.lower() != ".parquet":
            found = f"a {path.suffix} file" if path.suffix else "a file of another kind"
            raise CatalogError(f"{name}: expected a folder or a parquet file, found {found}")
        return parquet.parquet_source(path, name, split, columns)
    if fashion_mnist.is_fashion_mnist(path):
        return fashion_mnist.fashion_mnist_source(path, name, split, columns)
    if _has_tables(path):
        return parquet.parquet_source(path, name, split, columns)
    return folder.folder_source(path, name, split, columns)


def _has_tables(folder: Path) -> bool:
    """Whether it is a folder of parquet files; a copy from the Hub may hold pictures beside."""
    return any(n.lower().endswith(".parquet") for n in all_files(folder))


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
