"""What the cells of whole columns mean: amounts, numbers, several values, one spelling for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lookbook.catalog.amounts import amount_plan, number_converter, number_kind
from lookbook.catalog.cell_values import text_of, value_of, values_of
from lookbook.catalog.reading import MAX_NAMED, CellRefusal, ColumnPlan, Facts, Reading
from lookbook.catalog.several_values import (
    one_spelling,
    several_converter,
    spelling_converter,
    splitter,
)
from lookbook.schema.column_names import normalize_column_name
from lookbook.schema.columns import (
    PLAIN_KINDS,
    Columns,
    Field,
    find_roles,
    find_sale_price,
    is_price,
    printable,
)


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
        return ColumnPlan(name, "id", _why_id(name, columns, facts), text_of), empty, []
    if name == roles.title:
        why = "by --title-column" if columns.title else "by its name"
        return ColumnPlan(name, "title", why, value_of), empty, []
    if name == roles.group:
        why = "by --group-column" if columns.group else "by its name, and values that rows share"
        return ColumnPlan(name, "group", why, text_of), empty, []
    if not facts.count:
        return ColumnPlan(name, "nothing", "every cell is empty", value_of), empty, []
    if texts and (is_price(name) or name == columns.price):
        found = amount_plan(name, facts, typed)
        if found:
            return found[0], [*empty, *found[1]], found[2]
    if not typed and not facts.others and len(texts) == len(facts.texts):
        number = number_kind(texts)
        if number:
            why = "every cell is a number"
            return ColumnPlan(name, "number", why, number_converter(number)), empty, []
    if facts.lists:
        return ColumnPlan(name, "several values", "its cells are lists", values_of), empty, []
    split = splitter(name, texts, facts)
    spelling, spelling_notes = one_spelling(name, split, texts)
    if split:
        why = f"its cells hold several, divided by {split!r}"
        convert = several_converter(split, spelling)
        return ColumnPlan(name, "several values", why, convert), [*empty, *spelling_notes], []
    return (
        ColumnPlan(name, *_plainly(facts), spelling_converter(spelling)),
        [*empty, *spelling_notes],
        [],
    )


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
    words = ", ".join(f"{w!r} {n:,} times" for w, n in facts.missing_words.most_common(MAX_NAMED))
    return [f"the column {name!r} holds nothing where it says {words}"]


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


def _with_ids(reading: Reading, facts: Mapping[str, Facts]) -> Reading:
    found = facts.get(reading.roles.id or "")
    if found is None or not found.count:
        return reading
    texts = found.strings()
    ids = {printable(t) for t in texts} | {str(text_of(v)) for v in found.others}
    doubled = found.count - found.filled.distinct
    return replace(reading, ids=frozenset(ids), doubled_ids=doubled, missing_ids=found.empty)
