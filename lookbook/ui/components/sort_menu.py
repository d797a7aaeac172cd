"""The order of the results."""

from __future__ import annotations

from collections.abc import Sequence

from lookbook.ui.components.base import HtmlComponent

LABELS = {
    "fit": "Best match",
    "price": "Price: low to high",
    "price-down": "Price: high to low",
    "newest": "Newest first",
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
        f'<option value="{sort}"{" selected" if sort == chosen else ""}>{LABELS[sort]}</option>'
        for sort in sorts
    )
    return f'<select aria-label="Sort by" data-chosen="{chosen}">{options}</select>'
