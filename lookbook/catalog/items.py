"""What a catalogue is made of, whatever it was read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lookbook.images.loading import ImageError, Picture
from lookbook.schema.columns import (
    CatalogError,
    Field,
    Roles,
    Scalar,
    made_title,
    printable,
    scalar,
)
from lookbook.schema.filters import Condition, matches

_FEW = 5  # values of a column that a message names


@dataclass(frozen=True)
class Item:
    """One product: its picture as found (undecoded bytes or a path if possible) and its words."""

    id: str
    image: Picture
    title: str
    attributes: dict[str, Scalar]


@dataclass(frozen=True)
class Rejection:
    """A row that has no picture to offer: its id, a slug to count by, a sentence to read."""

    id: str
    reason: str
    sentence: str


@dataclass(frozen=True)
class Row:
    """A row before anything is decided about it.

    `key` names the row where it has no id of its own; `picture` fetches the picture only when it
    is wanted and raises ImageError when there is none.
    """

    key: str
    cells: Mapping[str, object]
    picture: Callable[[], Picture]


@dataclass(frozen=True)
class Source:
    """One place that rows come from; `identity` says which version of it: fingerprint, revision."""

    kind: str
    name: str
    fields: tuple[Field, ...]
    roles: Roles
    rows: Callable[[], Iterator[Row]]
    split: str | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None
    licence: str | None = None


class Catalog:
    """The items of a data set; can be iterated again and again, and streams each time.

    `source` says where the items come from (kind, name, split, revision or fingerprint, where,
    limit); `total` how many rows there are at most, None where nobody knows; `licence` of the
    pictures, None where it is not told; `rejected` lists, after an iteration, the rows whose
    picture could not even be fetched. Iterating raises CatalogError when the data turns out to be
    unreadable or when not one item is left.
    """

    def __init__(
        self, source: Source, conditions: tuple[Condition, ...], limit: int | None
    ) -> None:
        _check_conditions(source, conditions)
        if limit is not None and limit < 1:
            raise CatalogError(f"limit: expected at least 1, found {limit}")
        self._source, self._conditions, self._limit = source, conditions, limit
        self.licence = source.licence
        self.rejected: list[Rejection] = []
        self.source = {
            "kind": source.kind,
            "name": source.name,
            "split": source.split,
            **source.identity,
            "where": [f"{c.column}{c.operator}{'|'.join(c.values)}" for c in conditions],
            "limit": limit,
        }

    @property
    def total(self) -> int | None:
        if self._conditions:  # how many meet them is known only at the end
            return None
        counts = [n for n in (self._source.total, self._limit) if n is not None]
        return min(counts) if self._source.total is not None else None

    @property
    def roles(self) -> Roles:
        """Which columns were taken for the picture, the title, the id and the attributes."""
        return self._source.roles

    def __iter__(self) -> Iterator[Item]:
        self.rejected = rejected = []
        count, taken = 0, {}
        seen: dict[str, dict[str, None]] = {c.column: {} for c in self._conditions}
        for row in self._source.rows():
            identifier = _unique(_identifier(row, self._source.roles), taken)
            cells = {name: scalar(value) for name, value in row.cells.items()}
            if not matches(self._conditions, cells):
                _look(seen, cells)
                continue
            try:
                picture = row.picture()
            except ImageError as error:
                rejected.append(Rejection(identifier, error.reason, str(error)))
                continue
            yield self._item(identifier, picture, row.key, cells)
            count += 1
            if count == self._limit:
                return
        if not count:
            raise CatalogError(self._nothing(seen))

    def _item(self, identifier: str, picture: Picture, key: str, cells: dict[str, Scalar]) -> Item:
        roles = self._source.roles
        attributes = {name: cells.get(name) for name in roles.attributes}
        title = cells.get(roles.title) if roles.title else None
        words = " ".join(str(title).split()) if title is not None else ""
        return Item(
            identifier, picture, words or printable(made_title(attributes, key)), attributes
        )

    def _nothing(self, seen: Mapping[str, Mapping[str, None]]) -> str:
        name = self.source["name"]
        if self.rejected:
            first = self.rejected[0]
            return (
                f"{name}: none of its {len(self.rejected)} rows has a usable picture; "
                f"the first, {first.id}: {first.sentence}"
            )
        if self._conditions:
            there = "; ".join(f"{column} has {_few(values)}" for column, values in seen.items())
            return f"{name}: no row meets {', '.join(self.source['where'])}; {there}"
        return f"{name}: it has no rows"


def _look(seen: Mapping[str, dict[str, None]], cells: Mapping[str, Scalar]) -> None:
    """Remember a few values of each column, and one more to know that there are more."""
    for column, values in seen.items():
        if len(values) <= _FEW and cells.get(column) is not None:
            values[str(cells[column])] = None


def _few(values: Mapping[str, None]) -> str:
    some = list(values)[:_FEW]
    return ", ".join([*some, "..."] if len(values) > _FEW else some) or "no value"


def _check_conditions(source: Source, conditions: tuple[Condition, ...]) -> None:
    known = [f.name for f in source.fields if f.kind in ("text", "scalar")]
    for condition in conditions:
        if condition.column not in known:
            raise CatalogError(
                f"{source.name} has no column {condition.column!r} to select by; "
                f"its columns are {', '.join(known) or 'none'}"
            )


def _identifier(row: Row, roles: Roles) -> str:
    found = scalar(row.cells.get(roles.id)) if roles.id else None
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return printable(row.key if found is None else str(found).strip() or row.key)


def _unique(identifier: str, taken: dict[str, int]) -> str:
    """The id, or the first of id-2, id-3... that no row before has."""
    free, number = identifier, taken.get(identifier, 0)
    while free in taken:
        number += 1
        free = f"{identifier}-{number}"
    taken[identifier] = max(number, 1)  # the next of this id need not try these again
    taken.setdefault(free, 1)
    return free
