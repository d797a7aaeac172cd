"""The query bar: the parts of the present query, each with a button that removes it."""

from __future__ import annotations

from collections.abc import Mapping

from lookbook.schema.filters import Condition
from lookbook.schema.readable import last_level
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.labels import label_of
from lookbook.ui.messages import _, any_of, quoted


class QueryBar(HtmlComponent):
    """The parts of a query; events: remove (data: kind, value), undo, fresh (start over)."""

    actions = ("remove", "undo", "fresh")


def query_html(query: Query, thumbs: Mapping[str, tuple[str, str]]) -> str:
    """Return the HTML of a query's parts; `thumbs` maps each id in it to (picture file, title)."""
    buttons = [_example("more", id, *thumbs[id]) for id in query.positive]
    buttons += [_example("less", id, *thumbs[id]) for id in query.negative]
    if query.words:
        buttons.append(_remove("words", "", query.words, markup.escape(quoted(query.words))))
    if query.from_link and query.pictures:
        text = _("A shared picture")
        buttons.append(_remove("pictures", "", text, markup.escape(text)))
    for condition in query.where:
        text = condition_text(condition)
        buttons.append(_remove("where", condition.to_text(), text, markup.escape(text)))
    if not buttons and query.empty:
        return ""
    has_examples = bool(query.positive or query.negative)
    undo = _action("undo", _("Undo")) * has_examples
    return f'<div class="asked">{"".join(buttons)}{undo}{_action("fresh", _("Start over"))}</div>'


def _action(name: str, label: str) -> str:
    return f'<button type="button" data-act="{name}">{markup.escape(label)}</button>'


def _example(kind: str, id: str, file: str, title: str) -> str:
    if kind == "more":
        label, sign = _("More like {title}", title=title), "+"
    else:
        label, sign = _("Less like {title}", title=title), "−"
    return _remove(kind, id, label, f'{sign}<img src="{markup.file_url(file)}" alt="">')


def _remove(kind: str, value: str, label: str, inner: str) -> str:
    attributes = {"class": kind}
    inner += "<b>&times;</b>"
    label = _("Remove: {what}", what=label)
    return markup.button("remove", label, inner, attributes, kind=kind, value=value)


def condition_text(condition: Condition) -> str:
    """Return `gender=Women|Girls` as `Women or Girls`, `price>=100` as `Price from 100`."""
    column = label_of(condition.column)
    if condition.operator == "<=":
        return _("{column} up to {number}", column=column, number=float(condition.values[0]))
    if condition.operator == ">=":
        return _("{column} from {number}", column=column, number=float(condition.values[0]))
    values = any_of([last_level(value) for value in condition.values])
    return values if condition.operator == "=" else _("not {values}", values=values)
