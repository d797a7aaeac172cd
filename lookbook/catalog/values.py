"""What the cells of whole columns mean: amounts, numbers, several values, one spelling for each."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lookbook.schema.column_names import normalize_column_name
from lookbook.schema.columns import (
    PLAIN_KINDS,
    Columns,
    Field,
    Filled,
    Roles,
    Value,
    find_roles,
    find_sale_price,
    is_price,
    printable,
    scalar,
)
from lookbook.schema.missing import is_missing, is_missing_word
from lookbook.schema.money import Amount, Convention, convention_of, currency_code, parse_amount

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?\d+\.\d+([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"-?\d+,\d+")
_LONG = 200  # characters: of longer texts only the hash is kept
_MAX_PART = 40  # characters of one of several values
_MAX_KINDS = 200  # values of a column that says a kind
_NAMED = 3
_PROSE = (
    *("description", "body", "bodyhtml", "summary", "text", "details", "beschreibung"),
    *(
        "shortdescription",
        "longdescription",
        "descripcion",
        "descrizione",
        "address",
        "url",
        "link",
    ),
)
_SEVERAL = (
    *("tag", "size", "colour", "color", "material", "label", "collection", "keyword", "occasion"),
    *("feature", "categorie", "category", "season", "groesse", "grosse", "farbe", "couleur"),
    *("taille", "talla", "taglia", "maat", "beden", "renk", "etikett"),
)


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
            out[made] = _lower(out.get(regular), out.get(sale))
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


def understand(
    rows: Iterable[tuple[int, Mapping[str, object]]],
    columns: Columns,
    name: str,
    *,
    fields: Sequence[Field] = (),
    image: str | None = None,
    typed: bool = True,
) -> Reading:
    """Look at all `rows` (line, cells) once and settle what each column is and how it is read.

    `fields` are the columns where their kinds are known; else they are told by the cells. Where
    not `typed`, as in a CSV, a column whose every text is a number becomes one. Raises
    CatalogError for a column that was named and is not there.
    """
    facts: dict[str, Facts] = {f.name: Facts() for f in fields}
    priced: dict[str, bool] = {}
    for line, cells in rows:
        for column, value in cells.items():
            if column not in priced:
                priced[column] = is_price(column) or column == columns.price
                facts.setdefault(column, Facts())
            facts[column].add(value, line, priced[column])
    known = {f.name: f for f in fields}
    if image is not None and image not in facts:
        facts = {image: Facts(), **facts}
    fields = tuple(known.get(n) or Field(n, _kind(f, n == image)) for n, f in facts.items())
    filled = {n: f.filled for n, f in facts.items()}
    roles = find_roles(fields, columns, name, image, filled)
    reading = _plan(Reading(fields, roles, {}), facts, columns, typed)
    return _with_ids(reading, facts)


def _kind(facts: Facts, is_image: bool) -> str:
    if facts.nested:
        return "nested"
    if facts.lists:
        return "list"
    return "scalar" if facts.others and not facts.texts and not is_image else "text"


def _plan(reading: Reading, facts: Mapping[str, Facts], columns: Columns, typed: bool) -> Reading:
    roles, plans, notes, refusals = reading.roles, {}, [], []
    for f in reading.fields:
        if f.kind not in PLAIN_KINDS or f.name == roles.image:
            if f.kind == "nested" and f.name != roles.image:
                notes.append(f"the column {f.name!r} is left out: it holds objects")
            continue
        plan, column_notes, column_refusals = _plan_column(
            f.name, facts[f.name], reading, columns, typed
        )
        plans[f.name] = plan
        notes += column_notes
        refusals += column_refusals
    reading = replace(reading, plans=plans, notes=tuple(notes), cell_refusals=tuple(refusals))
    return _with_price(reading, facts, columns)


def _plan_column(
    name: str, facts: Facts, reading: Reading, columns: Columns, typed: bool
) -> tuple[ColumnPlan, list[str], list[CellRefusal]]:
    roles, texts = reading.roles, facts.strings()
    empty = _emptied(name, facts)
    if name == roles.id:
        return ColumnPlan(name, "id", _why_id(name, columns, facts), _text_of), empty, []
    if name == roles.title:
        why = "by --title-column" if columns.title else "by its name"
        return ColumnPlan(name, "title", why, value_of), empty, []
    if name == roles.group:
        why = "by --group-column" if columns.group else "by its name, and values that rows share"
        return ColumnPlan(name, "group", why, _text_of), empty, []
    if not facts.count:
        return ColumnPlan(name, "nothing", "every cell is empty", value_of), empty, []
    if texts and (is_price(name) or name == columns.price):
        found = _money(name, facts, typed)
        if found:
            return found[0], [*empty, *found[1]], found[2]
    if not typed and not facts.others and len(texts) == len(facts.texts):
        number = _number_kind(texts)
        if number:
            why = "every cell is a number"
            return ColumnPlan(name, "number", why, _number_of(number)), empty, []
    if facts.lists:
        return ColumnPlan(name, "several values", "its cells are lists", values_of), empty, []
    split = _splitter(name, texts, facts)
    spelling, spelling_notes = _spelling(name, split, texts)
    if split:
        why = f"its cells hold several, divided by {split!r}"
        convert = _several_of(split, spelling)
        return ColumnPlan(name, "several values", why, convert), [*empty, *spelling_notes], []
    return ColumnPlan(name, *_plainly(facts), _spelt(spelling)), [*empty, *spelling_notes], []


def _plainly(facts: Facts) -> tuple[str, str]:
    if facts.others and not facts.texts:
        flags = all(isinstance(v, bool) for v in facts.others)
        return (
            ("yes or no", "its cells are true or false")
            if flags
            else ("number", "its cells are numbers")
        )
    return "text", f"{len(facts.texts):,} different texts"


def _why_id(name: str, columns: Columns, facts: Facts) -> str:
    if columns.id:
        return "by --id-column"
    return "by its name" + (", and no value twice" if facts.filled.unique else "")


def _emptied(name: str, facts: Facts) -> list[str]:
    if not facts.missing_words:
        return []
    words = ", ".join(f"{w!r} {n:,} times" for w, n in facts.missing_words.most_common(_NAMED))
    return [f"the column {name!r} holds nothing where it says {words}"]


# numbers


def _number_kind(texts: Iterable[str]) -> type | None:
    """int or float when a whole column reads as such; an id as 0108775015 must stay text."""
    texts = list(texts)
    if texts and all(_WHOLE.fullmatch(t) for t in texts):
        return int
    if texts and all(_WHOLE.fullmatch(t) or _DECIMAL.fullmatch(t) for t in texts):
        return float
    return None


def _number_of(kind: type) -> Callable[[object], Value]:
    def convert(value: object) -> Value:
        return None if is_missing(value) else scalar(kind(str(value).strip()))

    return convert


# amounts


def _money(
    name: str, facts: Facts, typed: bool
) -> tuple[ColumnPlan, list[str], list[CellRefusal]] | None:
    """Plan a column of amounts; None where most of its texts are none."""
    texts = facts.strings()
    if not typed and _number_kind(texts) is int:
        return None  # whole numbers are read as such
    convention = convention_of(texts)
    amounts = {text: parse_amount(text, convention) for text in texts}
    readable = sum(n for text, n in texts.items() if amounts[text])
    if 2 * readable < sum(facts.texts.values()):
        return None
    constant = _currency_in(name)

    def convert(value: object) -> Value:
        if not isinstance(value, str):
            return scalar(value)
        found = None if is_missing(value) else _amount(value.strip(), amounts, convention)
        return found.value if found else None

    def currency(value: object) -> str | None:
        if not isinstance(value, str) or is_missing(value):
            return constant if value is not None and not is_missing(value) else None
        found = _amount(value.strip(), amounts, convention)
        return (found.currency or constant) if found else None

    currencies = sorted({a.currency for a in amounts.values() if a and a.currency})
    why = f"by its name; decimals behind {convention.decimal!r}"
    why += f"; in {', '.join(currencies)}" if currencies else ""
    refusals = _unreadable_amounts(name, facts, amounts)
    notes = _amount_notes(name, convention, refusals, currencies)
    return ColumnPlan(name, "amount", why, convert, currency), notes, refusals


def _unreadable_amounts(
    name: str, facts: Facts, amounts: Mapping[str, Amount | None]
) -> list[CellRefusal]:
    """Return the cells of a column that are no amount, by line."""
    refusals = [
        CellRefusal(
            line, name, text[:80], f"the column {name!r}: expected an amount, found {text[:80]!r}"
        )
        for text, found in amounts.items()
        if found is None
        for line in facts.lines[text]
    ]
    return sorted(refusals, key=lambda refusal: refusal.line)


def _amount_notes(
    name: str, convention: Convention, refusals: Sequence[CellRefusal], currencies: Sequence[str]
) -> list[str]:
    notes = []
    if convention.guessed:
        mark = "." if convention.decimal == "," else ","
        notes.append(
            f"the column {name!r}: {mark!r} is taken to group thousands, as three digits follow it "
            "everywhere"
        )
    if refusals:
        shown = ", ".join(f"line {r.line} {r.text!r}" for r in refusals[:_NAMED])
        notes.append(f"the column {name!r}: {len(refusals):,} cells are no amount: {shown}")
    if len(currencies) > 1:
        listed = ", ".join(currencies)
        notes.append(f"the column {name!r} is in {listed}: amounts are compared as they stand")
    return notes


def _amount(text: str, known: dict[str, Amount | None], convention: Convention) -> Amount | None:
    return known[text] if text in known else parse_amount(text, convention)


def _currency_in(name: str) -> str | None:
    """The currency that a header says: `Price (EUR)`, `price_eur`, `Preis €`."""
    parts = re.split(r"[\s_()\[\]/.-]+", name)
    codes = {currency_code(p) for p in parts if len(p) == 3 or (p and not p.isalnum())}
    codes.discard(None)
    return codes.pop() if len(codes) == 1 else None


def _with_price(reading: Reading, facts: Mapping[str, Facts], columns: Columns) -> Reading:
    """The price a customer pays: the sale price where it is lower, in a column of its own."""
    roles, plans = reading.roles, reading.plans
    attributes, notes = list(roles.attributes), list(reading.notes)
    sale_price = None if columns.price else find_sale_price([n for n in attributes if n in plans])
    numeric = [
        c for c in (roles.price, sale_price) if c and plans[c].taken_for in ("amount", "number")
    ]
    sale: tuple[str, str, str] | None = None
    if roles.price and sale_price and roles.price != sale_price and len(numeric) == 2:
        taken = {normalize_column_name(n) for n in attributes}
        names = ("price", "current_price", "price_now")
        new = next(n for n in names if normalize_column_name(n) not in taken)
        sale = (roles.price, sale_price, new)
        attributes.append(new)
        notes.append(f"the price is that of {sale_price!r} where it is lower than {roles.price!r}")
    currency = "currency" if _has_currency(reading, facts, numeric) else None
    attributes += [currency] if currency else []
    if columns.attributes is not None:  # those only, and what they need to be shown
        attributes = [n for n in attributes if n in columns.attributes or n == currency]
        sale = sale if sale and sale[2] in attributes else None
    price = sale[2] if sale else roles.price
    roles = replace(roles, attributes=tuple(attributes), price=price)
    return replace(reading, roles=roles, sale=sale, currency=currency, notes=tuple(notes))


def _has_currency(reading: Reading, facts: Mapping[str, Facts], columns: Sequence[str]) -> bool:
    """Whether the cells of a column of prices say a currency that no column of its own says."""
    if "currency" in {normalize_column_name(f.name) for f in reading.fields}:
        return False
    columns_of_texts = ((reading.plans[c].currency, facts[c].strings()) for c in columns)
    return any(
        currency_of is not None and currency_of(text)
        for currency_of, texts in columns_of_texts
        for text in texts
    )


def _lower(regular: Value, sale: Value) -> Value:
    was, now = _as_number(regular), _as_number(sale)
    if was is None or now is None:
        return regular if now is None else sale
    return sale if 0 < now < was else regular


def _as_number(value: Value) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


# several values


def values_of(value: object) -> tuple[str, ...] | None:
    """A list as distinct texts in its order; None where nothing is in it."""
    if not isinstance(value, (list, tuple)):
        value = [value]
    found = dict.fromkeys(
        printable(str(v).strip())
        for v in value
        if not isinstance(v, (dict, list, bytes)) and not is_missing(v)
    )
    return tuple(found) or None


def _splitter(name: str, texts: Counter, facts: Facts) -> str | None:
    """What divides the several values in the cells of a column; None where each holds one."""
    prose = normalize_column_name(name) in _PROSE
    if not texts or facts.others or len(texts) < len(facts.texts) or prose:
        return None
    if all(t.startswith("[") and t.endswith("]") and _listed(t) is not None for t in texts):
        return "[]"
    named_so = any(normalize_column_name(name).startswith(word) for word in _SEVERAL)
    return next((mark for mark in "|;," if _divides(mark, texts, named_so)), None)


def _divides(mark: str, texts: Counter, named_so: bool) -> bool:
    divided = [t for t in texts if len(_parts(t, mark)) > 1]
    if not divided or (mark == "," and all(_COMMA_NUMBER.fullmatch(t) for t in divided)):
        return False
    parts: Counter = Counter()
    for text, count in texts.items():
        parts.update({part.strip(): count for part in text.split(mark)})
    if max(map(len, parts)) > _MAX_PART:
        return False
    if named_so or (mark == "|" and max(map(len, parts)) <= _MAX_PART // 2):
        return True
    spaced = mark != "," or all(", " in t for t in divided)
    return spaced and len(parts) <= _MAX_KINDS and sum(parts.values()) >= 2 * len(parts)


def _listed(text: str) -> list | None:
    """A list written out as JSON or Python has it."""
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return found if isinstance(found, list) else None
    return None


def _parts(text: str, mark: str) -> list[str]:
    found = (_listed(text) or []) if mark == "[]" else text.split(mark)
    return list(values_of(found) or ())


def _several_of(mark: str, spelling: Mapping[str, str]) -> Callable[[object], Value]:
    def convert(value: object) -> Value:
        if not isinstance(value, str) or is_missing(value):
            return values_of(value) if value is not None and not is_missing(value) else None
        parts = _parts(value, mark) or [value.strip()]  # a divider alone stays what it is
        return tuple(dict.fromkeys(spelling.get(p, p) for p in parts))

    return convert


# spelling


def _spelling(name: str, split: str | None, texts: Counter) -> tuple[dict[str, str], list[str]]:
    """One spelling for values that differ in case and spaces only, where a column says a kind."""
    if normalize_column_name(name) in _PROSE or len(texts) > 10 * _MAX_KINDS:
        return {}, []
    written: dict[str, Counter] = defaultdict(Counter)
    for text, count in texts.items():
        for part in _parts(text, split) if split else [text]:
            if not is_missing_word(part):
                written[" ".join(part.split()).casefold()][part] += count
    total = sum(sum(spellings.values()) for spellings in written.values())
    if len(written) > _MAX_KINDS or total < 2 * len(written):
        return {}, []
    spelling: dict[str, str] = {}
    changes: list[str] = []
    for spellings in written.values():
        best = max(spellings, key=lambda s: (spellings[s], s[:1].isupper() and not s.isupper()))
        others = {s: best for s in spellings if s != best}
        spelling |= others
        changes += [f"{s!r} as {best!r}" for s in others]
    more = f" and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
    note = f"the column {name!r}: {', '.join(changes[:_NAMED])}{more} are read as one value"
    return spelling, [note] if changes else []


def _spelt(spelling: Mapping[str, str]) -> Callable[[object], Value]:
    def convert(value: object) -> Value:
        found = value_of(value)
        return spelling.get(found, found) if isinstance(found, str) else found

    return convert


def value_of(value: object) -> Value:
    """A cell as a value: texts stripped, lists as several, what is nothing as None."""
    if isinstance(value, (list, tuple)):
        return values_of(value)
    found = scalar(value)
    return found.strip() if isinstance(found, str) else found


def value_from_json(value: Any) -> Value:
    """A value that was written as JSON, which makes a list of several."""
    return tuple(value) if isinstance(value, list) else value


def _text_of(value: object) -> Value:
    """An id or a code: 12.0 of a spreadsheet is 12."""
    found = value_of(value)
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return found


# ids


def _with_ids(reading: Reading, facts: Mapping[str, Facts]) -> Reading:
    found = facts.get(reading.roles.id or "")
    if found is None or not found.count:
        return reading
    texts = found.strings()
    ids = {printable(t) for t in texts} | {str(_text_of(v)) for v in found.others}
    doubled = found.count - found.filled.distinct
    return replace(reading, ids=frozenset(ids), doubled_ids=doubled, missing_ids=found.empty)
