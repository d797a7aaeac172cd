"""What each part of the page does when it is used: fetch, find, show."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from PIL import Image

from lookbook.encoder import EncoderError
from lookbook.images import ImageError, open_picture
from lookbook.pairing import EncoderMismatch
from lookbook.search import UnknownItem
from lookbook.ui.finder import Finder, Query, View
from lookbook.ui.picture import Upload

Update = object  # what gradio takes as the new value of a component


NOT_CALLED = "No piece is called that. Enter looks for what the words mean."


class Callbacks:
    """Thin: the library answers, these put the answer into the page's parts.

    An answer to a query is (picture, name, names, query, gallery, shown ids, line).
    """

    def __init__(self, finder: Finder, examples: list[Path]) -> None:
        self.finder, self.examples = finder, examples

    def by_upload(self, upload: Upload | None, count: int) -> tuple[Update, ...]:
        """A picture was uploaded, taken or pasted, or the frame was emptied."""
        if upload is None:
            return None, "", no_names(), None, *shown(self.finder.welcome(count))
        if isinstance(upload.picture, ImageError):
            sentence = str(upload.picture)
            gr.Warning(sentence, title="That picture cannot be used")
            return None, *(gr.skip(),) * 5, sentence
        return self._by_picture(upload.data, upload.picture, count)

    def by_example(self, count: int, event: gr.SelectData) -> tuple[Update, ...]:
        """One of the example pictures was clicked."""
        if not isinstance(event.index, int) or not 0 <= event.index < len(self.examples):
            return (gr.skip(),) * 7
        data = self.examples[event.index].read_bytes()
        return self._by_picture(data, open_picture(data), count)

    def by_item(self, item: str | None, count: int) -> tuple[Update, ...]:
        """An item of the catalogue was chosen; one that is not there changes nothing."""
        try:
            title = self.finder.index.item(item).title
        except UnknownItem:
            return (gr.skip(),) * 7
        query = Query(item=item)
        view = self.finder.find(query, count)
        return self.finder.picture(item), title, no_names(), query, *shown(view)

    def by_card(self, ids: list[str], count: int, event: gr.SelectData) -> tuple[Update, ...]:
        """A result was clicked; a click on a gallery that has changed since counts for nothing."""
        stale = not isinstance(event.index, int) or not 0 <= event.index < len(ids)
        return self.by_item(None if stale else ids[event.index], count)

    def again(self, query: Query | None, count: int) -> tuple[Update, ...]:
        """The same query, shown anew: (gallery, shown ids, line)."""
        return shown(self.finder.find(query, count))

    def suggest(self, text: str | None) -> tuple[Update, Update]:
        """The pieces whose titles hold the words typed so far, or a line that says so."""
        found = self.finder.named(text or "")
        line = gr.skip() if found or not (text or "").strip() else NOT_CALLED
        return gr.Radio(choices=found, value=None, visible=bool(found)), line

    def by_words(self, text: str | None, count: int) -> tuple[Update, ...]:
        """Enter was pressed: the first piece of that name, or what the words look like."""
        found = self.finder.named(text or "", 1)
        if found:
            return self.by_item(found[0][1], count)
        try:
            query = self.finder.read_words(text or "")
        except EncoderError as error:
            gr.Warning(f"No piece is called that, and the encoder {error}.", title="Nothing found")
            return (gr.skip(),) * 7
        return None, text, no_names(), query, *shown(self.finder.find(query, count))

    def _by_picture(self, data: bytes, picture: Image.Image, count: int) -> tuple[Update, ...]:
        try:
            query = self.finder.read(data)
        except (EncoderError, EncoderMismatch) as error:
            raise gr.Error(str(error), title="The encoder cannot be loaded") from error
        return picture, "", no_names(), query, *shown(self.finder.find(query, count))


def no_names() -> Update:
    """The list of pieces, put away."""
    return gr.Radio(choices=[], value=None, visible=False)


def shown(view: View) -> tuple[Update, ...]:
    """(gallery, shown ids, line)."""
    # without a selected_index of None the gallery would keep the old choice over new pictures
    return gr.Gallery(value=view.cards, selected_index=None), view.ids, view.line
