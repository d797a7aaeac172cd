"""What each part of the page does when it is used: fetch, find, show."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from PIL import Image

from lookbook.images import ImageError, open_picture
from lookbook.search import UnknownItem
from lookbook.ui.finder import Finder, Query, View
from lookbook.ui.picture import Upload

Update = object  # what gradio takes as the new value of a component


class Callbacks:
    """Thin: the library answers, these put the answer into the page's parts.

    An answer to a query is (picture, name, query, gallery, shown ids, line).
    """

    def __init__(self, finder: Finder, examples: list[Path]) -> None:
        self.finder, self.examples = finder, examples

    def by_upload(self, upload: Upload | None, count: int) -> tuple[Update, ...]:
        """A picture was uploaded, taken or pasted, or the frame emptied; the file comes first."""
        if upload is None:
            return None, None, None, None, *shown(self.finder.welcome(count))
        if isinstance(upload.picture, ImageError):
            sentence = str(upload.picture)
            gr.Warning(sentence, title="That picture cannot be used")
            return upload.file, None, *(gr.skip(),) * 4, sentence
        return upload.file, *self._by_picture(upload.data, upload.picture, count)

    def by_example(self, count: int, event: gr.SelectData) -> tuple[Update, ...]:
        """One of the example pictures was clicked."""
        data = self.examples[event.index].read_bytes()
        return self._by_picture(data, open_picture(data), count)

    def by_item(self, item: str | None, count: int) -> tuple[Update, ...]:
        """An item of the catalogue was chosen."""
        try:
            title = self.finder.index.item(item).title
        except UnknownItem:
            return (gr.skip(),) * 6
        query = Query(item=item)
        name = gr.Dropdown(choices=[(title, item)], value=item)
        return self.finder.picture(item), name, query, *shown(self.finder.find(query, count))

    def by_card(self, ids: list[str], count: int, event: gr.SelectData) -> tuple[Update, ...]:
        """A result was clicked; a click on a gallery that has changed since counts for nothing."""
        stale = not isinstance(event.index, int) or event.index >= len(ids)
        return self.by_item(None if stale else ids[event.index], count)

    def again(self, query: Query | None, count: int) -> tuple[Update, ...]:
        """The same query, shown anew: (gallery, shown ids, line)."""
        return shown(self.finder.find(query, count))

    def suggest(self, event: gr.KeyUpData) -> Update:
        """Titles for what has been typed so far."""
        found = self.finder.named(event.input_value or "")
        return gr.Dropdown(choices=found) if found else gr.skip()

    def _by_picture(self, data: bytes, picture: Image.Image, count: int) -> tuple[Update, ...]:
        query = self.finder.read(data)
        return picture, None, query, *shown(self.finder.find(query, count))


def shown(view: View) -> tuple[Update, ...]:
    """(gallery, shown ids, line)."""
    # without a selected_index of None the gallery would keep the old choice over new pictures
    return gr.Gallery(value=view.cards, selected_index=None), view.ids, view.line
