"""The order of the results."""

from __future__ import annotations

from collections.abc import Sequence

from lookbook.schema.message import Message
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.messages import _, translate

LABELS = {
    "fit": Message("Best match"),
    "price": Message("Price: low to high"),
    "price-down": Message("Price: high to low"),
    "newest": Message("Newest first"),
}


class SortMenu(HtmlComponent):
    """A menu of orders; event: sort (data: by)."""

    actions = ("sort",)
    script = """
    element.addEventListener('change', (event) => {
      if (event.target.matches('select')) trigger('sort', {by: event.target.value});
    });
    watch('value', () => {
      const menu = element.querySelector('select');
      if (menu) menu.value = menu.dataset.chosen;
    });
    """


def sort_html(sorts: Sequence[str], chosen: str) -> str:
    """Return the HTML of the menu; "" where there is nothing to choose."""
    if len(sorts) < 2:
        return ""
    options = "".join(
        f'<option value="{sort}"{" selected" if sort == chosen else ""}>'
        f"{markup.escape(translate(LABELS[sort]))}</option>"
        for sort in sorts
    )
    label = markup.escape(_("Sort by"))
    return f'<select aria-label="{label}" data-chosen="{chosen}">{options}</select>'
