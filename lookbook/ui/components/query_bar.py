"""The query bar: the parts of the present query, each with a button that removes it."""

from __future__ import annotations

from collections.abc import Mapping

from lookbook.schema.filters import Condition
from lookbook.schema.readable import column_label
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent


class QueryBar(HtmlComponent):
    """The parts of a query; events: remove (data: kind, value), undo, fresh (start over)."""

    actions = ("remove", "undo", "fresh")


def query_html(query: Query, thumbs: Mapping[str, tuple[str, str]]) -> str:
    """Return the HTML of a query's parts; `thumbs` maps each id in it to (picture file, title)."""
    buttons = [_example("more", id, *thumbs[id]) for id in query.positive]
    buttons += [_example("less", id, *thumbs[id]) for id in query.negative]
    if query.words:
        buttons.append(_remove("words", "", query.words, markup.escape(f"“{query.words}”")))
    if query.from_link and query.pictures:
        buttons.append(_remove("pictures", "", "the shared picture", "A shared picture"))
    for condition in query.where:
        text = condition_text(condition)
        buttons.append(_remove("where", condition.to_text(), text, markup.escape(text)))
    if not buttons and query.empty:
        return ""
    has_examples = bool(query.positive or query.negative)
    undo = '<button type="button" data-act="undo">Undo</button>' * has_examples
    fresh = '<button type="button" data-act="fresh">Start over</button>'
    return f'<div class="asked">{"".join(buttons)}{undo}{fresh}</div>'


def _example(kind: str, id: str, file: str, title: str) -> str:
    direction, sign = ("More", "+") if kind == "more" else ("Less", "−")
    image = f'{sign}<img src="{markup.file_url(file)}" alt="">'
    return _remove(kind, id, f"{direction} like {title}", image)


def _remove(kind: str, value: str, label: str, inner: str) -> str:
    attributes = {"class": kind}
    inner += "<b>&times;</b>"
    return markup.button("remove", f"Remove: {label}", inner, attributes, kind=kind, value=value)


def condition_text(condition: Condition) -> str:
    """Return `gender=Women|Girls` as `Women or Girls`, `price>=100` as `Price from 100`."""
    values, column = " or ".join(condition.values), column_label(condition.column)
    ranges = {"<=": f"{column} up to {values}", ">=": f"{column} from {values}"}
    return ranges.get(condition.operator, values if condition.operator == "=" else f"not {values}")
