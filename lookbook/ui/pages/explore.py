"""The Explore page: a map of the collection, and its shelves by attribute."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from lookbook.search import facets
from lookbook.search.enrichment import projection_2d
from lookbook.search.index import Index
from lookbook.ui import assets
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import SILENT_EVENT, Part
from lookbook.ui.components.gallery import Gallery, wall
from lookbook.ui.services.search import SearchService

MOST_POINTS = 20_000  # more would make the page slow and the picture no clearer
_SHELVES, _PIECES = 24, 12
_OTHER, _GREY = "other kinds", "#8d9095"
_MOST_KINDS = 24  # of those whose names are colours; the rarer are "other kinds"
# told apart by eye, on paper and on ink: at least 20 apart in CIE Lab, each from each other
PALETTE = (
    *("#3b6fb5", "#e0702c", "#2e8b4f", "#c93a4a", "#8a63c7", "#d9b02f"),
    *("#3bb5c4", "#d66fa8", "#8a5a2b", "#9bbf3b", "#7fa8e0", "#a02c74"),
)


def plotly_folder() -> Path:
    """The folder of plotly.min.js, which the site serves itself."""
    return Path(find_spec("plotly").origin).parent / "package_data"


class Map(Part):
    """Points to hover and press; event: open."""

    script = assets.read("map.js")

    def __init__(self, search_service: SearchService, **kwargs: Any) -> None:
        def thumb(id: str) -> str:
            known = isinstance(id, str) and id in search_service.index
            return markup.picture(search_service.thumb_of(id)[0]) if known else ""

        super().__init__(
            None,
            html_template='${value ? \'<ul class="legend"></ul><div class="plot"></div>\' : ""}',
            server_functions=[thumb],
            **kwargs,
        )


class Shelves(Gallery):
    """A row of pieces for each value of an attribute; acts: open, all."""

    acts = ("open", "all")


class Explore:
    """What the page shows, made when it is first opened."""

    def __init__(self, search_service: SearchService) -> None:
        self.search_service = search_service
        self.columns = facets.columns(search_service.index)

    def points(self, column: str | None) -> dict[str, Any] | None:
        """The map, coloured by an attribute; None where the index has none."""
        index = self.search_service.index
        if projection_2d(index) is None:
            return None
        rows = np.arange(len(index))
        if len(rows) > MOST_POINTS:
            rows = np.sort(np.random.default_rng(0).choice(rows, MOST_POINTS, replace=False))
        names = kinds_of(index, column)
        places, kinds = projection_2d(index), []
        counts = Counter(names[rows].tolist())
        common = [name for name, _ in counts.most_common() if name != _OTHER]
        for number, name in enumerate([*common, *[_OTHER] * (_OTHER in counts)]):
            mine = rows[names[rows] == name]
            kinds.append(
                {
                    "name": name,
                    "colour": _GREY if name == _OTHER else colour(name, number),
                    "x": places[mine, 0].round(3).tolist(),
                    "y": places[mine, 1].round(3).tolist(),
                    "ids": [index.ids[row] for row in mine],
                    "titles": [index.titles[row] for row in mine],
                }
            )
        library = "gradio_api/file=" + str(plotly_folder() / "plotly.min.js")
        return {"kinds": kinds, "points": len(rows), "library": library}

    def shelves(self, column: str | None) -> str:
        """A row of pieces for each value of an attribute."""
        index = self.search_service.index
        if column not in self.columns:
            return '<p class="empty">This collection has no attribute to sort it by.</p>'
        values = index.column(column)
        made = []
        for value, count in list(index.values(column).items())[:_SHELVES]:
            rows = [row for row, other in enumerate(values) if other == value]
            spread = np.unique(np.linspace(0, len(rows) - 1, min(_PIECES, len(rows)), dtype=int))
            cards = [
                self.search_service.card(
                    self.search_service.of(index.ids[rows[i]]), (), (), scored=False
                )
                for i in spread
            ]
            see = markup.button("all", f"See all: {value}", "See all", column=column, value=value)
            title = f"<h3>{markup.text(value)} <small>{count:,}</small>{see}</h3>"
            made.append(f'<section class="shelf">{title}{wall(cards)}</section>')
        return "".join(made)


def kinds_of(index: Index, column: str | None) -> np.ndarray:
    """(n,) text: the value of `column` by row, rare ones as "other kinds"."""
    if column is None or column not in index.columns:
        return np.full(len(index), "pieces", object)
    values = [str(value) for value, _ in Counter(index.column(column)).most_common(_MOST_KINDS)]
    common = {v for i, v in enumerate(values) if i < len(PALETTE) or markup.swatch(v)}
    return np.array([str(v) if str(v) in common else _OTHER for v in index.column(column)], object)


def colour(name: str, number: int) -> str:
    """The colour of the kind of this number, or the one that its name is."""
    named = markup.swatch(name) or ""
    return named if named.startswith("#") else PALETTE[number % len(PALETTE)]


class Page:
    """The parts of the page."""

    def __init__(self, explore: Explore) -> None:
        columns = [(markup.heading(column), column) for column in explore.columns]
        first = columns[0][1] if columns else None
        wanted = next((c for c in explore.columns if "type" in c.casefold()), first)
        self.by = gr.Dropdown(
            columns, value=wanted, label="Coloured by", elem_id="by", filterable=False
        )
        self.hint = gr.HTML(
            '<p class="hint">Near pieces look alike. Press one to search from it; '
            "scroll to come closer.</p>",
            visible=projection_2d(explore.search_service.index) is not None,
            elem_id="hint",
        )
        self.map = Map(explore.search_service, elem_id="map")
        self.shelves = Shelves("shelves")

    def outputs(self) -> list[Any]:
        """What choosing an attribute changes."""
        return [self.map, self.shelves]


def connect(tab: gr.Tab, page: Page, explore: Explore) -> None:
    """Fill the page when it is first opened, and when another attribute is chosen."""

    def show(column: str | None) -> tuple[Any, str]:
        return explore.points(column), explore.shelves(column)

    tab.select(show, page.by, page.outputs(), **SILENT_EVENT)
    page.by.input(show, page.by, page.outputs(), **SILENT_EVENT)
