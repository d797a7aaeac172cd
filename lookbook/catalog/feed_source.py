"""A table or feed by itself as a source: a file, or the address of one."""

from __future__ import annotations

from pathlib import Path

from lookbook.catalog.feeds import Feed, feed_of, read_xml
from lookbook.catalog.files import fingerprint, walk
from lookbook.catalog.items import Source
from lookbook.catalog.matching import PictureFinder, is_picture
from lookbook.catalog.records import (
    count_hosts,
    join_photos,
    match,
    parallel_for,
    pictures_column,
    records_of,
    rejections,
    rows_of,
)
from lookbook.catalog.references import Pictures
from lookbook.catalog.table import Table, read_table
from lookbook.schema.columns import CatalogError, Columns
from lookbook.schema.message import Message


def file_source(path: Path, name: str, columns: Columns, pictures: Pictures) -> Source:
    """Read a table or a feed of products whose pictures lie beside it or are named by address.

    Raises CatalogError.
    """
    walked = walk(path.parent)
    finder = PictureFinder(n for n in walked.names if is_picture(n))
    beside = Pictures(path.parent, finder, pictures.downloader, copies=True)
    identity = {"fingerprint": fingerprint(path.parent, [path.name])}
    return _source(_read(path, name), name, columns, beside, identity)


def url_source(url: str, columns: Columns, pictures: Pictures) -> Source:
    """Read a table or a feed by its address; raises CatalogError."""
    downloader = pictures.downloader
    assert downloader is not None
    path, tag = downloader.table(url)
    return _source(_read(path, url), url, columns, pictures, {"revision": tag})


def _read(path: Path, name: str) -> Table:
    return read_xml(path, name) if path.suffix.lower() == ".xml" else read_table(path, name)


def _source(
    table: Table, name: str, columns: Columns, pictures: Pictures, identity: dict[str, str]
) -> Source:
    feed = feed_of(table, columns) or _plain(table, columns, pictures)
    notes = match(feed.records, pictures, name)
    records, reading, joined = join_photos(feed.records, columns, name, feed.image, feed.typed)
    hosts = ", ".join(f"{n:,} at {host}" for host, n in count_hosts(records).most_common(3))
    by_address = [f"pictures by address: {hosts}"] if hosts else []
    return Source(
        "feed",
        name,
        reading.fields,
        reading.roles,
        lambda: iter(rows_of(records, pictures)),
        identity=identity,
        total=len(records),
        reading=reading,
        notes=(*feed.notes, *notes, *joined, *by_address),
        refusals=tuple(feed.refusals),
        parallel=parallel_for(records, pictures),
        feed=feed.kind,
    )


def _plain(table: Table, columns: Columns, pictures: Pictures) -> Feed:
    """A table of no known feed: a column of paths, addresses or pictures as text."""
    table.check()
    column = pictures_column(table, pictures.finder, columns)
    if column is None:
        names = ", ".join(table.columns) or "none"
        message = Message(
            "{table} has no column of pictures (paths of files beside it, addresses, data URIs); "
            "name it by --image-column; its columns are {names}",
            table=table.name,
            names=names,
        )
        raise CatalogError(message)
    feed = Feed("table", image=column, notes=list(table.notes), refusals=rejections(table))
    feed.records, notes = records_of(table, column, pictures.finder)
    feed.notes += notes
    feed.typed = table.typed
    return feed
