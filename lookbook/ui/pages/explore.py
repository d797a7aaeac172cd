"""The Explore page: a map of the collection, and a shelf for each value of an attribute."""

from __future__ import annotations

from collections import Counter
from typing import Any

import gradio as gr
import numpy as np

from lookbook.schema.columns import display_text
from lookbook.schema.filters import condition_text
from lookbook.schema.message import Message
from lookbook.schema.readable import last_level
from lookbook.search import facets
from lookbook.search.calibration import kind_column
from lookbook.search.enrichment import projection_2d
from lookbook.search.index import Index
from lookbook.ui import assets, pictures
from lookbook.ui.components import markup
from lookbook.ui.components.base import SILENT_EVENT, HtmlComponent
from lookbook.ui.components.gallery import Gallery, gallery_html
from lookbook.ui.labels import label_message
from lookbook.ui.messages import _, number, translate
from lookbook.ui.services.search import SearchService

MAX_POINTS = 20_000  # more would make the page slow and the map no clearer
_MAX_SHELVES, _SHELF_SIZE = 24, 12
_OTHER, _OTHER_COLOUR = Message("other kinds"), "#8d9095"
_MAX_GROUPS = 24  # groups named after colours; other groups end with the palette
# at least 20 apart in CIE Lab, each from each other, on a light and on a dark page
PALETTE = (
    *("#3b6fb5", "#e0702c", "#2e8b4f", "#c93a4a", "#8a63c7", "#d9b02f"),
    *("#3bb5c4", "#d66fa8", "#8a5a2b", "#9bbf3b", "#7fa8e0", "#a02c74"),
)


class Map(HtmlComponent):
    """A scatter plot of the items; event: open (an item)."""

    script = assets.read("map.js")

    def __init__(self, search_service: SearchService, **kwargs: Any) -> None:
        def thumb(id: str) -> str:
            known = isinstance(id, str) and id in search_service.index
            return markup.file_url(search_service.thumb_and_title(id)[0]) if known else ""

        super().__init__(
            None,
            html_template='${value ? \'<ul class="legend"></ul><div class="plot"></div>\' : ""}',
            server_functions=[thumb],
            **kwargs,
        )


class Shelves(Gallery):
    """A row of items for each value of an attribute; events: open, all."""

    actions = ("open", "all")


def column_choices(index: Index) -> list[tuple[str, str]]:
    """Return (label, column) of each attribute that a map can be coloured by."""
    return [(label_message(column), column) for column in facets.columns(index)]


class Components:
    """The components of the page."""

    def __init__(self, search_service: SearchService) -> None:
        columns = facets.columns(search_service.index)
        first = columns[0] if columns else None
        self.column = gr.Dropdown(
            column_choices(search_service.index),
            value=kind_column(columns) or first,
            label=Message("Coloured by"),
            elem_id="by",
            filterable=False,
        )
        self.hint = HtmlComponent(
            _hint_html,
            visible=projection_2d(search_service.index) is not None,
            elem_id="hint",
        )
        self.map = Map(search_service, elem_id="map")
        self.shelves = Shelves("shelves")

    def outputs(self) -> list[Any]:
        """Return the components that choosing an attribute changes."""
        return [self.map, self.shelves]


def _hint_html() -> str:
    hint = _("Near pieces look alike. Press one to search from it; scroll to come closer.")
    return f'<p class="hint">{markup.escape(hint)}</p>'


class Callbacks:
    """Callbacks of the page."""

    def __init__(self, search_service: SearchService) -> None:
        self.search_service = search_service

    def show(self, column: str | None) -> tuple[dict[str, Any] | None, str]:
        """Return the map and the shelves by an attribute."""
        return self.points(column), self.shelves(column)

    def points(self, column: str | None) -> dict[str, Any] | None:
        """Return what map.js draws, coloured by an attribute; None for an index without a map."""
        index = self.search_service.index
        positions = projection_2d(index)
        if positions is None:
            return None
        rows = np.arange(len(index))
        if len(rows) > MAX_POINTS:
            rows = np.sort(np.random.default_rng(0).choice(rows, MAX_POINTS, replace=False))
        names = group_names(index, column)
        counts = Counter(names[rows].tolist())
        ordered = [name for name, _ in counts.most_common() if name != _OTHER]
        ordered += [_OTHER] * (_OTHER in counts)
        groups = [
            _group(index, positions, rows[names[rows] == name], name, number)
            for number, name in enumerate(ordered)
        ]
        return {"groups": groups, "points": len(rows), "library": pictures.plotly_url()}

    def shelves(self, column: str | None) -> str:
        """Return the HTML of a row of items for each of the most frequent values."""
        index = self.search_service.index
        if column not in facets.columns(index):
            return markup.empty(_("This collection has no attribute to sort it by."))
        cells, shelves = index.column(column), []
        for value, count in list(index.values(column).items())[:_MAX_SHELVES]:
            rows = [row for row, cell in enumerate(cells) if _has(cell, value)]
            ids = [index.ids[row] for row in rows]
            shelves.append(self._shelf(column, value, count, ids))
        return "".join(shelves)

    def _shelf(self, column: str, value: object, count: int, ids: list[str]) -> str:
        spread = np.unique(np.linspace(0, len(ids) - 1, min(_SHELF_SIZE, len(ids)), dtype=int))
        cards = [self.search_service.card(self.search_service.as_hit(ids[i])) for i in spread]
        text = last_level(display_text(value))
        all_of = markup.button(
            "all",
            _("See all: {value}", value=text),
            markup.escape(_("See all")),
            column=column,
            value=condition_text(value),
        )
        title = f"<h3>{markup.escape(text)} <small>{number(count)}</small>{all_of}</h3>"
        return f'<section class="shelf">{title}{gallery_html(cards)}</section>'


def _group(
    index: Index, positions: np.ndarray, rows: np.ndarray, name: str, number: int
) -> dict[str, Any]:
    points = positions[rows].round(3)
    return {
        "name": last_level(translate(name)),
        "colour": _OTHER_COLOUR if name == _OTHER else group_colour(name, number),
        "x": points[:, 0].tolist(),
        "y": points[:, 1].tolist(),
        "ids": [index.ids[row] for row in rows],
        "titles": [index.titles[row] for row in rows],
    }


def _has(cell: object, value: object) -> bool:
    return value in cell if isinstance(cell, tuple) else cell == value


def group_names(index: Index, column: str | None) -> np.ndarray:
    """Return (n,) text: the value of a column for each row, rare ones as "other kinds"."""
    if column is None or column not in index.columns:
        return np.full(len(index), Message("pieces"), object)
    cells = [display_text(cell) for cell in index.column(column)]
    frequent = [value for value, _ in Counter(cells).most_common(_MAX_GROUPS)]
    named = {v for i, v in enumerate(frequent) if i < len(PALETTE) or markup.css_colour(v)}
    return np.array([cell if cell in named else _OTHER for cell in cells], object)


def group_colour(name: str, number: int) -> str:
    """Return the colour that a group is named after, else the palette's colour of its number."""
    colour = markup.css_colour(name) or ""
    return colour if colour.startswith("#") else PALETTE[number % len(PALETTE)]


def connect(tab: gr.Tab, components: Components, callbacks: Callbacks) -> None:
    """Fill the page when it is first opened, and when another attribute is chosen."""
    inputs, outputs = components.column, components.outputs()
    tab.select(callbacks.show, inputs, outputs, **SILENT_EVENT)
    components.column.input(callbacks.show, inputs, outputs, **SILENT_EVENT)
