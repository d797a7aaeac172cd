"""Two to four items side by side, an attribute a row."""

from __future__ import annotations

from collections.abc import Sequence

from lookbook.schema.readable import column_label, facts
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.labels import label_of
from lookbook.ui.messages import _
from lookbook.ui.views import ItemView

MAX_COMPARED = 4


class Comparison(HtmlComponent):
    """A table of items; event: open (an item)."""

    actions = ("open",)


def comparison_html(views: Sequence[ItemView]) -> str:
    """Return the HTML of the table; of a single item, what to do to compare it; "" for none."""
    if not views:
        return ""
    if len(views) == 1:
        title = views[0].item.title
        sentence = _("Choose another piece to compare with {title}.", title=title)
        return f"<p>{markup.escape(sentence)}</p>"
    texts = [dict(facts(view.item.attributes)) for view in views]
    columns = list(dict.fromkeys(column for own in texts for column in own))
    rows = [_row(_("Price"), [view.price for view in views])] if any(v.price for v in views) else []
    price = next((c for c in columns if column_label(c) == "Price" and rows), None)
    rows += [
        _row(label_of(column), [own.get(column, "") for own in texts])
        for column in columns
        if column != price
    ]
    head = "".join(f'<th scope="col">{_head(view)}</th>' for view in views)
    return (
        f"<h2>{markup.escape(_('Side by side'))}</h2>"
        '<div class="sheet"><table><thead><tr><td></td>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _head(view: ItemView) -> str:
    title, picture = markup.escape(view.item.title), markup.file_url(view.photos[0].file)
    return (
        f'<a class="open" href="{markup.item_url(view.item.id)}" data-act="open" '
        f'data-id="{markup.escape(view.item.id)}"><img src="{picture}" alt="">{title}</a>'
    )


def _row(label: str, cells: Sequence[str]) -> str:
    written = "".join(f"<td>{markup.escape(cell) or '–'}</td>" for cell in cells)
    return f'<tr><th scope="row">{markup.escape(label)}</th>{written}</tr>'
