"""What is known of the columns of a table, and how each is read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lookbook.catalog.cell_values import value_of, values_of
from lookbook.schema.columns import Field, Filled, Roles, Value
from lookbook.schema.missing import is_missing

MAX_NAMED = 3  # examples in a note

_LONG = 200  # characters: of longer texts only the hash is kept


@dataclass
class Facts:
    """What is known of a column after all its cells were seen."""

    count: int = 0  # cells that hold something
    empty: int = 0
    missing_words: Counter = field(default_factory=Counter)
    texts: Counter = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    others: set = field(default_factory=set)  # numbers and truth values
    parts: Counter = field(default_factory=Counter)  # values of lists
    lists: int = 0
    nested: int = 0

    def add(self, value: object, line: int, keep_line: bool) -> None:
        """Look at one cell."""
        if isinstance(value, (list, tuple)):
            found = values_of(value)
            self.lists += 1
            self.count += found is not None
            self.parts.update(found or ())
        elif isinstance(value, (dict, bytes, bytearray)):
            self.nested += 1
        elif is_missing(value):
            self.empty += 1
            if isinstance(value, str) and value.strip():
                self.missing_words[value.strip()] += 1
        else:
            self._add_plain(value, line, keep_line)

    def _add_plain(self, value: object, line: int, keep_line: bool) -> None:
        self.count += 1
        if not isinstance(value, str):
            self.others.add(value)
            return
        text = value.strip()
        self.texts[text if len(text) <= _LONG else hash(text)] += 1
        if keep_line:
            self.lines[text].append(line)

    @property
    def filled(self) -> Filled:
        """Counts of what is there and of how much of it is distinct."""
        return Filled(self.count, len(self.texts) + len(self.others) + len(self.parts))

    def strings(self) -> Counter:
        """The texts that are short enough to be known, and how often each stands."""
        return Counter({t: n for t, n in self.texts.items() if isinstance(t, str)})


@dataclass(frozen=True)
class CellRefusal:
    """A cell that could not be read as what its column holds; the rest of its row is used."""

    line: int
    column: str
    text: str
    sentence: str


@dataclass(frozen=True)
class ColumnPlan:
    """How a column is read: what it is taken for, why, and the function from cell to value."""

    column: str
    taken_for: str
    why: str
    convert: Callable[[object], Value]
    currency: Callable[[object], str | None] | None = None


@dataclass(frozen=True)
class Reading:
    """A table understood: fields, roles, a plan for each column, and what there is to say."""

    fields: tuple[Field, ...]
    roles: Roles
    plans: Mapping[str, ColumnPlan]
    notes: tuple[str, ...] = ()
    cell_refusals: tuple[CellRefusal, ...] = ()
    ids: frozenset[str] = frozenset()
    doubled_ids: int = 0
    missing_ids: int = 0
    sale: tuple[str, str, str] | None = None  # regular price, sale price, what both become
    currency: str | None = None  # column that the currency is written to

    def row(self, cells: Mapping[str, object]) -> dict[str, Value]:
        """The cells of one row as values."""
        out: dict[str, Value] = {}
        for name, value in cells.items():
            plan = self.plans.get(name)
            out[name] = plan.convert(value) if plan else value_of(value)
        if self.sale:
            regular, sale, made = self.sale
            out[made] = _lower_price(out.get(regular), out.get(sale))
        if self.currency:
            out[self.currency] = self._currency(cells)
        return out

    def _currency(self, cells: Mapping[str, object]) -> str | None:
        columns = [*(self.sale or ())[:2], self.roles.price]
        for column in columns:
            plan = self.plans.get(column or "")
            found = plan.currency(cells.get(column)) if plan and plan.currency else None
            if found:
                return found
        return None


def _lower_price(regular: Value, sale: Value) -> Value:
    was, now = _as_number(regular), _as_number(sale)
    if was is None or now is None:
        return regular if now is None else sale
    return sale if 0 < now < was else regular


def _as_number(value: Value) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
