"""The contract of data sources (`Source`, `Row`), and the catalogue of items read from one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from lookbook.catalog.cell_values import value_of
from lookbook.catalog.reading import CellRefusal, ColumnPlan, Reading
from lookbook.images.loading import ImageError, Picture
from lookbook.schema.columns import (
    PLAIN_KINDS,
    CatalogError,
    Field,
    Roles,
    Value,
    made_title,
    printable,
)
from lookbook.schema.filters import Condition, matches
from lookbook.schema.message import Message

_FEW = 5  # values of a column that a message names


@dataclass(frozen=True)
class Item:
    """One product: its picture (undecoded bytes or a path if possible), title and attributes.

    `photos` return its further photos, the most informative first; a call fetches the photo and
    raises ImageError where that fails. `unusable`: photos before `image` that could not be fetched.
    """

    id: str
    image: Picture
    title: str
    attributes: dict[str, Value]
    photos: tuple[Callable[[], Picture], ...] = ()
    unusable: tuple[Rejection, ...] = ()


@dataclass(frozen=True)
class Rejection:
    """A row or a photo that cannot be used: `reason` is a slug for counting, `sentence` a message.

    `line` is its line in the file `table`; None for a row that is of no file.
    """

    id: str
    reason: str
    sentence: str
    table: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Row:
    """A row as a source yields it, its cells unread.

    `key` is the id of a row that has none of its own; a call of `picture` fetches the picture and
    raises ImageError where there is none; so do `photos`, the further ones. `line` is that in the
    file `table`.
    """

    key: str
    cells: Mapping[str, object]
    picture: Callable[[], Picture]
    photos: tuple[Callable[[], Picture], ...] = ()
    table: str | None = None
    line: int | None = None
    by_address: bool = False  # whether its picture is fetched over the network


@dataclass(frozen=True)
class Source:
    """A data source; `identity` holds its version: a fingerprint or a revision.

    `rows` yields the rows, as often as it is called; `rows_from` does too where it is cheaper to
    leave out pictures: those of rows before a number. `reading` converts cells to values; `notes`
    are messages about how the source was read, `refusals` the rows that could not be read;
    `parallel` pictures may be fetched at once.
    """

    kind: str
    name: str
    fields: tuple[Field, ...]
    roles: Roles
    rows: Callable[[], Iterator[Row]]
    split: str | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None
    licence: str | None = None
    reading: Reading | None = None
    notes: tuple[str, ...] = ()
    refusals: tuple[Rejection, ...] = ()
    parallel: int = 1
    feed: str | None = None
    rows_from: Callable[[int], Iterator[Row]] | None = None


Selected = tuple[str, Row, dict[str, Value]]
Fetch = Callable[[], Picture]


class Catalog:
    """The items of a data set, streamed; each iteration reads the source again.

    `source` describes where the items come from (kind, name, split, revision or fingerprint, where,
    limit); `total` is the largest possible number of rows, None where it is unknown; `licence` is
    that of the pictures, None where it is unknown; `rejected` lists, after an iteration, the rows
    whose picture could not be fetched; `reopen` opens the same in another process. Iterating
    raises CatalogError for unreadable data and where no item is left.
    """

    def __init__(
        self,
        source: Source,
        conditions: tuple[Condition, ...],
        limit: int | None,
        reopen: Callable[[], Catalog] | None = None,
    ) -> None:
        _check_conditions(source, conditions)
        if limit is not None and limit < 1:
            raise CatalogError(f"limit: expected at least 1, found {limit}")
        self._source, self._conditions, self._limit = source, conditions, limit
        self.licence, self.reopen = source.licence, reopen
        self.rejected: list[Rejection] = []
        self.source: dict[str, Any] = {
            "kind": source.kind,
            "name": source.name,
            "split": source.split,
            **source.identity,
            **({"feed": source.feed} if source.feed else {}),
            **_taken(source.roles),
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
        """The columns of picture, title, id and attributes."""
        return self._source.roles

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns of the data set."""
        return self._source.fields

    @property
    def plans(self) -> Mapping[str, ColumnPlan]:
        """How each column is read, and why."""
        return self._source.reading.plans if self._source.reading else {}

    @property
    def parallel(self) -> int:
        """How many pictures may be fetched at once."""
        return self._source.parallel

    @property
    def notes(self) -> list[str]:
        """Messages about how the data set was read."""
        reading = self._source.reading
        return [*self._source.notes, *(_on_ids(reading) if reading else ())]

    @property
    def cell_refusals(self) -> tuple[CellRefusal, ...]:
        """Cells of another type than their column; their rows are used."""
        return self._source.reading.cell_refusals if self._source.reading else ()

    @property
    def refusals(self) -> tuple[Rejection, ...]:
        """Rows that could not be read; known before any picture is fetched."""
        return self._source.refusals

    def rows(self) -> Iterator[Selected]:
        """Yield (id, row, values) of the selected rows, without pictures and without the `limit`.

        Raises CatalogError as iterating does.
        """
        yield from self._selected({})

    def count_rows(self) -> int:
        """Return how many rows the source has; reads it where it does not say."""
        known = self._source.total
        return known if known is not None else sum(1 for _ in self._source.rows())

    def parts(self, starts: Sequence[int], size: int) -> Iterator[CatalogPart]:
        """Yield `size` rows of the source from each of `starts` on, in one pass over it.

        `starts` ascend by at least `size`, row 0 is the first. A part is iterated before the next
        one is asked for, and only once.
        """
        source, ids, position = self._source, _Ids(self._source.reading), 0
        rows = source.rows_from(starts[0]) if source.rows_from else source.rows()
        for start in starts:
            for row in islice(rows, start - position):
                self._read(row, ids)  # the ids of later rows depend on it
            yield CatalogPart(self, islice(rows, size), ids)
            position = start + size

    def __iter__(self) -> Iterator[Item]:
        self.rejected = list(self._source.refusals)
        seen: dict[str, dict[str, None]] = {c.column: {} for c in self._conditions}
        count = 0
        for count, item in enumerate(self._items(self._selected(seen)), start=1):
            yield item
            if count == self._limit:
                return
        if not count:
            raise CatalogError(self._nothing(seen))

    def _items(self, selected: Iterator[Selected]) -> Iterator[Item]:
        """Yield the rows whose picture can be fetched as items; the others are `rejected`."""
        rejected = self.rejected
        for (identifier, row, cells), fetch in _fetched_ahead(selected, self._source.parallel):
            photos = [fetch, *row.photos]
            found, problems = _first_usable(photos)
            unusable = tuple(self.rejection(identifier, row, problem) for problem in problems)
            if found is None:
                rejected.append(unusable[0])
                continue
            item = self._item(identifier, found, row, cells)
            yield replace(item, photos=tuple(photos[len(unusable) + 1 :]), unusable=unusable)

    def rejection(self, identifier: str, row: Row, error: ImageError) -> Rejection:
        """Return the entry of `rejected` for a row whose picture cannot be fetched."""
        sentence = error.message
        if row.table and row.line is not None:
            values = {"table": row.table, "line": str(row.line), "problem": sentence}
            sentence = Message("{table}, line {line}: {problem}", **values)
        return Rejection(identifier, error.reason, sentence, row.table, row.line)

    def _selected(self, seen: Mapping[str, dict[str, None]]) -> Iterator[Selected]:
        ids = _Ids(self._source.reading)
        for row in self._source.rows():
            identifier, cells = self._read(row, ids)
            if matches(self._conditions, cells):
                yield identifier, row, cells
            else:
                _look(seen, cells)

    def _read(self, row: Row, ids: _Ids) -> tuple[str, dict[str, Value]]:
        """Return the id and the values of a row."""
        cells, column = _values(row, self._source.reading), self._source.roles.id
        return ids.of(row, cells.get(column) if column else None), cells

    def _item(self, identifier: str, picture: Picture, row: Row, cells: dict[str, Value]) -> Item:
        roles = self._source.roles
        attributes = {name: cells.get(name) for name in roles.attributes}
        title = cells.get(roles.title) if roles.title else None
        words = " ".join(str(title).split()) if title is not None else ""
        return Item(
            identifier,
            picture,
            words or printable(made_title(attributes, row.key)),
            attributes,
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
            found = "; ".join(f"{column} has {_few(values)}" for column, values in seen.items())
            return f"{name}: no row meets {', '.join(self.source['where'])}; {found}"
        return f"{name}: it has no rows"


class CatalogPart(Catalog):
    """Some rows of a catalogue, that can be iterated once; there may be no item among them.

    `rejected` lists rows of the part only, and none that the source could not read.
    """

    def __init__(self, whole: Catalog, rows: Iterator[Row], ids: _Ids) -> None:
        super().__init__(whole._source, whole._conditions, None)
        self._rows, self._ids = rows, ids

    @property
    def total(self) -> int | None:
        return None

    def __iter__(self) -> Iterator[Item]:
        read = ((row, *self._read(row, self._ids)) for row in self._rows)
        kept = ((id, row, cells) for row, id, cells in read if matches(self._conditions, cells))
        return self._items(kept)


def _first_usable(photos: Sequence[Fetch]) -> tuple[Picture | None, list[ImageError]]:
    """Return the first photo that can be fetched, and what went wrong with those before it."""
    problems: list[ImageError] = []
    for fetch in photos:
        try:
            return fetch(), problems
        except ImageError as error:
            problems.append(error)
    return None, problems


def _look(seen: Mapping[str, dict[str, None]], cells: Mapping[str, Value]) -> None:
    """Collect up to _FEW values of each column for a message, and one more if there are more."""
    for column, values in seen.items():
        if len(values) <= _FEW and cells.get(column) is not None:
            values[str(cells[column])] = None


def _few(values: Mapping[str, None]) -> str:
    some = list(values)[:_FEW]
    return ", ".join([*some, "..."] if len(values) > _FEW else some) or "no value"


def _check_conditions(source: Source, conditions: tuple[Condition, ...]) -> None:
    known = [f.name for f in source.fields if f.kind in PLAIN_KINDS]
    known += [name for name in source.roles.attributes if name not in known]
    for condition in conditions:
        if condition.column not in known:
            raise CatalogError(
                f"{source.name} has no column {condition.column!r} to select by; "
                f"its columns are {', '.join(known) or 'none'}"
            )


def _taken(roles: Roles) -> dict[str, dict[str, str]]:
    """Return the columns that an index stores: those that a user may have named."""
    known = {"price": roles.price, "group": roles.group}
    found = {role: column for role, column in known.items() if column}
    return {"columns": found} if found else {}


def _values(row: Row, reading: Reading | None) -> dict[str, Value]:
    if reading is None:
        return {name: value_of(value) for name, value in row.cells.items()}
    return reading.row(row.cells)


def _fetched_ahead(selected: Iterator[Selected], parallel: int) -> Iterator[tuple[Selected, Fetch]]:
    """Yield each row and a function that returns its picture; `parallel` are fetched ahead."""
    if parallel < 2:
        yield from ((one, one[1].picture) for one in selected)
        return
    waiting: deque[tuple[Selected, Future]] = deque()
    pool = ThreadPoolExecutor(parallel)
    try:
        for one in selected:
            waiting.append((one, pool.submit(one[1].picture)))
            if len(waiting) > 2 * parallel:
                first, future = waiting.popleft()
                yield first, future.result
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Ids:
    """Make distinct ids; a row's own id is never given to an earlier row."""

    def __init__(self, reading: Reading | None) -> None:
        self._reserved = reading.ids if reading else frozenset()
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}  # the last suffix tried for an id

    def of(self, row: Row, value: Value) -> str:
        """Return the row's own id; for a repeated one the first of id-2, id-3 ... that is free."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        own_id = None if value is None else printable(str(value).strip()) or None
        identifier = own_id or printable(row.key)
        unused, number = identifier, self._numbers.get(identifier, 1)
        while unused in self._taken or (unused in self._reserved and unused != own_id):
            number += 1
            unused = f"{identifier}-{number}"
        self._numbers[identifier] = number
        self._taken.add(unused)
        return unused


def _on_ids(reading: Reading) -> tuple[str, ...]:
    notes, column = list(reading.notes), reading.roles.id
    if reading.doubled_ids:
        notes.append(
            f"{reading.doubled_ids:,} ids of the column {column!r} stand twice or more: the later "
            "ones get -2, -3 ... behind them"
        )
    if reading.missing_ids:
        notes.append(
            f"{reading.missing_ids:,} rows have no id in the column {column!r}: they are named by "
            "their picture or their number"
        )
    return tuple(notes)
