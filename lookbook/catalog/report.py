"""What a catalogue would become, without fetching or encoding a picture: the head of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from lookbook.catalog.items import Catalog, Rejection, Row
from lookbook.images.loading import ImageError
from lookbook.schema.columns import Value, display_text
from lookbook.schema.message import Message

_ROWS = 5  # that are shown
_WIDE = 28  # characters of a cell that is shown
_SHOWN_COLUMNS = 6
_LINES = 10  # line numbers that are shown for each reason
_TABLE_KINDS = ("folder", "feed")  # sources whose rows are all known before a picture is read


@dataclass(frozen=True)
class ColumnReport:
    """One column: what it is taken for, why, and a few of its values."""

    name: str
    taken_for: str
    why: str
    examples: tuple[str, ...] = ()


@dataclass
class CatalogReport:
    """What would be indexed: source, columns, first rows, refusals by reason, notes.

    `items` and `photos` are None where only reading all of it would tell. `refused` maps a reason
    to the rows refused for it; `by_address` rows have a picture that is fetched by its address,
    which a dry run does not do.
    """

    source: dict
    items: int | None
    photos: int | None
    by_address: int
    columns: list[ColumnReport]
    rows: list[dict[str, Value]]
    refused: dict[str, list[Rejection]]
    cells: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, catalog: Catalog) -> CatalogReport:
        """Look at a catalogue without fetching a picture; raises CatalogError."""
        refused = list(catalog.refusals)
        shown: list[dict[str, Value]] = []
        items = photos = by_address = 0
        known = catalog.source["kind"] in _TABLE_KINDS
        rows = catalog.rows()
        for identifier, row, values in rows if known else islice(rows, _ROWS):
            why = _problem(row) if known and not row.by_address else None
            if why is not None:
                rejection = catalog.rejection(identifier, row, why)
                if not row.photos:
                    refused.append(rejection)
                    continue
                refused.append(replace(rejection, reason=f"{why.reason} (photo)"))
            items += 1
            photos += (why is None) + len(row.photos)
            by_address += row.by_address
            if len(shown) < _ROWS:
                shown.append(_shown(catalog, identifier, values))
            if items == catalog.source["limit"]:
                break
        by_reason: dict[str, list[Rejection]] = defaultdict(list)
        for rejection in refused:
            by_reason[rejection.reason].append(rejection)
        return cls(
            dict(catalog.source),
            items if known else catalog.total,
            photos if known else None,
            by_address,
            list(_columns(catalog, shown)),
            shown,
            dict(by_reason),
            [vars(refusal) for refusal in catalog.cell_refusals],
            catalog.notes,
        )

    def to_json(self) -> dict:
        """The report as JSON has it."""
        return {
            "source": self.source,
            "items": self.items,
            "photos": self.photos,
            "by_address": self.by_address,
            "columns": [vars(column) for column in self.columns],
            "rows": self.rows,
            "refused": {
                reason: {
                    "count": len(found),
                    "lines": [r.line for r in found if r.line is not None],
                    "first": found[0].sentence,
                    **_message(found[0].sentence),
                }
                for reason, found in self.refused.items()
            },
            "cells": self.cells,
            "notes": self.notes,
        }

    def head(self) -> str:
        """The source, the columns, the refusals and the notes."""
        return "\n".join(
            [self._first_line(), *self._column_lines(), *self._refusals(), *self._notes()]
        )

    def __str__(self) -> str:
        return "\n".join([self.head(), *_table(self.rows)])

    def _first_line(self) -> str:
        source = self.source
        kind = source.get("feed") or source["kind"]
        split = f", split {source['split']}" if source.get("split") else ""
        count = "an unknown number of items" if self.items is None else f"{self.items:,} items"
        more = ""
        if self.photos is not None and self.items is not None and self.photos > self.items:
            more = f" with {self.photos:,} photos"
        address = f", {self.by_address:,} pictures by address" if self.by_address else ""
        return f"{source['name']} ({kind}{split}): {count}{more}{address}"

    def _column_lines(self) -> list[str]:
        wide = max((len(c.name) for c in self.columns), default=0)
        return [
            f"  {c.name:{wide}}  {c.taken_for} ({c.why})"
            + (f": {', '.join(c.examples)}" if c.examples else "")
            for c in self.columns
        ]

    def _refusals(self) -> list[str]:
        lines = []
        for reason, found in self.refused.items():
            numbers = sorted({r.line for r in found if r.line is not None})
            more = f" and {len(numbers) - _LINES:,} more" if len(numbers) > _LINES else ""
            where = f", lines {', '.join(map(str, numbers[:_LINES]))}{more}" if numbers else ""
            lines.append(f"refused, {reason}: {len(found):,}{where}; {found[0].sentence}")
        return lines

    def _notes(self) -> list[str]:
        return [f"note: {note}" for note in self.notes]


def _message(sentence: str) -> dict[str, Any]:
    """What a page needs to say a sentence in another language, where it can be."""
    return {"message": sentence.to_json()} if isinstance(sentence, Message) else {}


def _problem(row: Row) -> ImageError | None:
    try:
        row.picture()
    except ImageError as error:
        return error
    return None


def _shown(catalog: Catalog, identifier: str, values: dict[str, Value]) -> dict[str, Value]:
    roles = catalog.roles
    title = values.get(roles.title) if roles.title else None
    attributes = {name: values.get(name) for name in roles.attributes}
    return {"id": identifier, "title": title} | {
        name + "_" * (name in ("id", "title")): value for name, value in attributes.items()
    }


def _columns(catalog: Catalog, rows: Sequence[dict[str, Value]]) -> Iterator[ColumnReport]:
    """Every column of the data set, and those that are made of several."""
    roles, plans = catalog.roles, catalog.plans
    kinds = {f.name: f.kind for f in catalog.fields}
    for name in dict.fromkeys([*kinds, *roles.attributes]):
        examples = _examples(rows, {roles.id: "id", roles.title: "title"}.get(name, name))
        plan = plans.get(name)
        kept = name in (roles.title, roles.id, *roles.attributes)
        if name == roles.image:
            yield ColumnReport(name, "picture", f"its cells are of the kind {kinds[name]}")
        elif plan is not None:
            taken = plan.taken_for if kept else f"{plan.taken_for}, left out"
            taken = f"price, {taken}" if name == roles.price else taken
            yield ColumnReport(name, taken, plan.why, examples)
        elif name in kinds:
            taken = kinds[name] if kept else "left out"
            yield ColumnReport(name, taken, "its cells are of that kind", examples)
        else:
            taken = "price" if name == roles.price else name
            yield ColumnReport(name, taken, "made of the columns of prices", examples)


def _examples(rows: Iterable[dict[str, Value]], name: str) -> tuple[str, ...]:
    found = (row.get(name) for row in rows)
    return tuple(dict.fromkeys(_cut(display_text(v)) for v in found if v is not None))[:3]


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"


def _table(rows: Sequence[dict[str, Value]]) -> list[str]:
    if not rows:
        return []
    names = list(rows[0])[:_SHOWN_COLUMNS]
    cells = [[_cut("" if r[n] is None else display_text(r[n])) for n in names] for r in rows]
    table = [names, *cells]
    wide = [max(len(line[i]) for line in table) for i in range(len(names))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(line, wide, strict=True)).rstrip() for line in table
    ]
    return ["", lines[0], "  ".join("-" * w for w in wide), *lines[1:]]
