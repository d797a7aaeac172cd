"""Local files: which are pictures, what stays inside a folder, which version of them this is."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from lookbook.images.loading import ImageError
from lookbook.schema.columns import CatalogError

# a few formats that images.py refuses stand here too: such a file is a row, rejected with a reason
_SUFFIXES = (
    *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "avif", "gif", "heic", "heif", "hif"),
    *("bmp", "tif", "tiff"),
)
PICTURE_SUFFIXES = frozenset(f".{s}" for s in _SUFFIXES)
_SPLIT_NAMES = ("train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval")


def all_files(folder: Path) -> list[str]:
    """Names of the files below, "/" between, sorted; nothing hidden, no linked folders."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        inside = Path(place).relative_to(folder)
        found += [(inside / n).as_posix() for n in names if not n.startswith(".")]
    return sorted(found)


def inner_file(folder: Path, name: str, links: bool = False) -> Path:
    """The file `name` of a folder; raises ImageError when it is not there or not inside.

    A data set must not be able to fetch pictures from elsewhere on the disk: names that climb out,
    absolute names and (unless `links`) links that lead out are refused.
    """
    if not name:
        raise ImageError("missing", "The row names no picture.")
    path = Path(os.path.normpath(folder / name.replace("\\", "/")))
    try:
        known = path.is_relative_to(os.path.normpath(folder)) and "\0" not in name
        if not known or not (links or path.resolve().is_relative_to(folder.resolve())):
            raise ImageError("outside", f"The file {name!r} is outside of the data set's folder.")
        there = path.is_file()
    except (OSError, RuntimeError):  # too long a name, links in a circle
        there = False
    if not there:
        raise ImageError("missing", f"The file {name!r} is not there.")
    return path


def fingerprint(folder: Path, names: Iterable[str]) -> str:
    """sha256 over the names, sizes and times of change of files; says when one was changed."""
    digest = hashlib.sha256()
    for name in sorted(names):
        try:
            found = (folder / name).stat()
        except OSError:
            continue  # a link that leads nowhere
        line = f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n"
        digest.update(os.fsencode(line))  # names need not be UTF-8
    return digest.hexdigest()


def split_of_picture(name: str) -> str | None:
    """The split that the first folder on the way is named for, as in `train/shirts/a.jpg`."""
    first, _, rest = name.partition("/")
    return first if rest and first.lower() in _SPLIT_NAMES else None


def split_of_table(name: str) -> str | None:
    """The split of `test.parquet`, `data/train-00000-of-00001.parquet` or `train/0.parquet`."""
    *folders, file = name.split("/")
    words = [*folders, re.split(r"[-._]", file)[0]]
    return next((w for w in words if w.lower() in _SPLIT_NAMES), None)


def choose_split(found: Iterable[str], split: str | None, name: str) -> str | None:
    """The split asked for, or the only one, or `train`; raises CatalogError that lists them."""
    names = sorted(set(found))
    if split is not None:
        if split in names:
            return split
        there = f"its splits are {', '.join(names)}" if names else "it has no splits"
        raise CatalogError(f"{name} has no split {split!r}; {there}")
    if len(names) <= 1:
        return names[0] if names else None
    if "train" in names:
        return "train"
    raise CatalogError(f"{name} has several splits, name one: {', '.join(names)}")
