"""Local files: which are pictures, what stays inside a folder, which version of them this is."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lookbook.images.loading import ImageError
from lookbook.schema.columns import CatalogError
from lookbook.schema.message import Message

# with some formats that `images.loading` refuses: such a file is a row, rejected with a reason
_SUFFIXES = (
    *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "avif", "gif", "heic", "heif", "hif"),
    *("bmp", "tif", "tiff"),
)
PICTURE_SUFFIXES = frozenset(f".{s}" for s in _SUFFIXES)
_SPLIT_NAMES = ("train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval")


@dataclass(frozen=True)
class Walk:
    """The files below a folder, "/" between, sorted, and what was passed over, as sentences."""

    names: list[str]
    notes: list[str]


def all_files(folder: Path) -> list[str]:
    """Names of the files below, "/" between, sorted; nothing hidden, no linked folders."""
    return walk(folder).names


def walk(folder: Path) -> Walk:
    """List the files of a folder: nothing hidden, no linked folders, no index of lookbook.

    Linked folders, folders that cannot be read and indexes are named in the notes.
    """
    found, notes = [], []

    def unreadable(error: OSError) -> None:
        notes.append(
            f"the folder {_inside(folder, error.filename)!r} cannot be read: {error.strerror}"
        )

    for place, folders, names in os.walk(folder, onerror=unreadable):
        inside = Path(place).relative_to(folder)
        kept = []
        for one in sorted(f for f in folders if not f.startswith(".")):
            path = Path(place) / one
            if path.is_symlink():
                notes.append(f"the folder {(inside / one).as_posix()!r} is a link: left out")
            elif _is_index(path):
                notes.append(f"the folder {(inside / one).as_posix()!r} is an index: left out")
            else:
                kept.append(one)
        folders[:] = kept
        found += [(inside / n).as_posix() for n in names if not n.startswith(".")]
    return Walk(sorted(found), notes)


def _inside(folder: Path, place: str) -> str:
    path = Path(place)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _is_index(folder: Path) -> bool:
    """Whether a folder is a generation of an index, or holds generations, as embed.py writes."""
    if all((folder / name).is_file() for name in ("manifest.json", "items.parquet", "vectors.npy")):
        return True
    return (folder / "CURRENT").is_file() and any(folder.glob("*/manifest.json"))


def inner_file(folder: Path, name: str, links: bool = False) -> Path:
    """The file `name` of a folder; raises ImageError when it is not there or not inside.

    A data set must not be able to fetch pictures from elsewhere on the disk: names that climb out,
    absolute names and (unless `links`) links that lead out are refused.
    """
    if not name:
        raise ImageError("missing", Message("The row names no picture."))
    # strings: with pathlib this takes as long for 44,000 names as reading their pictures
    named = os.path.join(folder, name.replace("\\", "/"))  # noqa: PTH118
    root, path = os.path.abspath(folder), os.path.abspath(named)  # noqa: PTH100
    try:
        inside = path.startswith(f"{root.rstrip(os.sep)}{os.sep}") and "\0" not in name
        if not inside or not (links or _stays_inside(root, path)):
            message = Message(
                "The file {name} is outside of the data set's folder.", name=repr(name)
            )
            raise ImageError("outside", message)
        is_file = os.path.isfile(path)  # noqa: PTH113
    except (OSError, RuntimeError):  # too long a name, links in a circle
        is_file = False
    if not is_file:
        raise ImageError("missing", Message("The file {name} is not there.", name=repr(name)))
    return Path(os.path.normpath(named))


def _stays_inside(root: str, path: str) -> bool:
    """Whether `path`, a name below `root`, stays there when its links are followed.

    Only a path with links is resolved: that takes ten times as long as to look for them.
    """
    place = path
    while len(place) > len(root):
        if os.path.islink(place):  # noqa: PTH114
            return Path(path).resolve().is_relative_to(Path(root).resolve())
        place = os.path.dirname(place)  # noqa: PTH120
    return True


def fingerprint(folder: Path, names: Iterable[str]) -> str:
    """sha256 over the names, sizes and times of change of files; says when one was changed."""
    digest = hashlib.sha256()
    for name in sorted(names):
        try:
            status = (folder / name).stat()
        except OSError:
            continue  # a link that leads nowhere
        line = f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"
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


ALL = "all"


def choose_split(found: Iterable[str], split: str | None, name: str) -> str | None:
    """The split asked for, or the only one, or `train`; raises CatalogError that lists them."""
    chosen = choose_splits(found, split, name)
    return "+".join(chosen) if chosen else None


def choose_splits(found: Iterable[str], split: str | None, name: str) -> list[str]:
    """The splits that `all` or `train+test` ask for; without `split` the only one, or `train`.

    Raises CatalogError that lists what there is.
    """
    names = sorted(set(found))
    if split is not None:
        chosen = names if split == ALL and ALL not in names else split.split("+")
        missing = next((s for s in chosen if s not in names), None)
        if missing is None and (chosen or split == ALL):
            return chosen
        available = f"its splits are {', '.join(names)}" if names else "it has no splits"
        raise CatalogError(f"{name} has no split {missing!r}; {available}")
    if len(names) <= 1:
        return names
    if "train" in names:
        return ["train"]
    raise CatalogError(
        f"{name} has several splits, name one, or several by --split A+B, or --split all: "
        f"{', '.join(names)}"
    )


def unread_splits(sizes: Mapping[str, int], chosen: Iterable[str], what: str) -> list[str]:
    """A note that names the splits that are not read, with their sizes."""
    chosen = list(chosen)
    left = {s: n for s, n in sizes.items() if s not in chosen}
    if not left:
        return []
    read = ", ".join(f"{s!r} ({sizes.get(s, 0):,} {what})" for s in chosen)
    rest = ", ".join(f"{s!r} ({n:,} {what})" for s, n in left.items())
    return [f"of the splits {read} is read, and not {rest}: --split all reads all"]
