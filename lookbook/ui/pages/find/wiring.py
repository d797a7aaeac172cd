"""The wiring of the Find page: which callback answers which event, with which limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import gradio as gr
from gradio.utils import is_prop_update

from lookbook.ui.components.base import (
    ENCODING_EVENT,
    FETCHING_EVENT,
    GARMENTS_EVENT,
    SILENT_EVENT,
)
from lookbook.ui.components.query_picture import empty_picture
from lookbook.ui.pages.find.callbacks import NO_CHANGE, Callbacks, Liked, Query, Updates
from lookbook.ui.pages.find.item_actions import ItemActions
from lookbook.ui.pages.find.layout import Components
from lookbook.ui.pages.find.share_actions import ShareActions

# on a phone the results are below the query, on a wide screen both begin at the top
_SCROLL_TO_RESULTS = """() => {
  if (window.innerWidth >= 700) window.scrollTo({top: 0});
  else document.querySelector('#answer').scrollIntoView();
}"""
_SCROLL_TO_LINKED = f"""() => setTimeout(() => {{
  if (document.querySelector('#piece .piece, #asked .asked')) ({_SCROLL_TO_RESULTS})();
}}, 100)"""
# where a phone has its buttons for photos, which the press was about
_SCROLL_TO_BUTTONS = """() => {
  const button = document.querySelector('#photo-input input');
  if (!button || !button.offsetParent) return;
  button.scrollIntoView({block: 'center'});
  button.focus();
}"""
# the filters are far below the message that nothing fits: scroll to it if it is out of sight
_SCROLL_TO_EMPTY = """() => setTimeout(() => {
  const message = document.querySelector('#results .empty');
  const box = message && message.getBoundingClientRect();
  if (box && (box.bottom < 0 || box.top > window.innerHeight))
    document.querySelector('#answer').scrollIntoView();
}, 100)"""
_START_WAITING = (
    "() => document.querySelectorAll('#results').forEach((e) => e.classList.add('waiting'))"
)
_STOP_WAITING = (
    "() => document.querySelectorAll('#results').forEach((e) => e.classList.remove('waiting'))"
)
# a photo goes back to the server once: the last is the one that was searched just now
_LAST_PHOTO = "(shown, keys) => [shown && {photos: shown.photos.slice(-1)}, keys]"
_READ_ADDRESS = "(_, liked) => [window.location.search, liked]"


Event = Callable[..., Any]  # a gradio event listener, such as `button.click`


class Wiring:
    """Connects the events of the Find page to its callbacks.

    `photo_searches` are the searches with a new photo: the slow ones, which any newer query
    cancels, so that their answer cannot arrive after it.
    """

    def __init__(self, components: Components, callbacks: Callbacks, liked: gr.State) -> None:
        self.components, self.callbacks, self.liked = components, callbacks, liked
        self.outputs = components.outputs()
        self.query_inputs = [components.query, liked]
        self.photo_searches: list[Any] = []

    def connect(self) -> None:
        """Connect every event of the page."""
        self._connect_photos()
        self._connect_text()
        self._connect_results()
        self._connect_refinement()

    def _connect_photos(self) -> None:
        c, do = self.components, self.callbacks
        upload_inputs = [c.picture, c.query, c.photos, c.adding, self.liked]
        c.picture.input(None, js=_START_WAITING)
        # an upload that arrives while another is searched, or while the field is emptied, waits
        newest = ENCODING_EVENT | {"trigger_mode": "always_last"}
        input_inputs = [c.photo_input, *upload_inputs[1:]]
        self.photo_searches = [
            self._on(c.picture.input, do.search_upload, upload_inputs, newest, scroll=True),
            self._on(c.photo_input.photo, do.search_upload, input_inputs, newest, scroll=True),
            self._on(
                c.photo_input.address, do.search_address, input_inputs, FETCHING_EVENT, scroll=True
            ),
            self._on(
                c.examples.example,
                do.search_example,
                self.query_inputs,
                ENCODING_EVENT,
                scroll=True,
            ),
        ]
        # not cancelled: what is left of them when the photo is gone takes no time and shows nothing
        for search in self.photo_searches:
            search.success(
                do.locate_garments,
                [c.photos, c.photo_keys],
                c.garments,
                js=_LAST_PHOTO,
                **GARMENTS_EVENT,
            )
        photo_inputs = [c.photos, *self.query_inputs]
        self._on(c.photos.frame, do.set_box, photo_inputs, ENCODING_EVENT)
        self._on(c.photos.whole, do.use_whole, photo_inputs, ENCODING_EVENT)
        self._on(c.photos.garment, do.find_garment, photo_inputs, ENCODING_EVENT)
        self._on(c.photos.drop, do.remove_photo, photo_inputs)
        c.photos.another(
            lambda: (empty_picture(), True), None, [c.picture, c.adding], **SILENT_EVENT
        ).then(None, js=_SCROLL_TO_BUTTONS)

    def _connect_text(self) -> None:
        c, do = self.components, self.callbacks
        typed = c.text.input(
            do.suggest,
            c.text,
            c.suggestions,
            trigger_mode="always_last",
            queue=False,
            **SILENT_EVENT,
        )
        typed.then(do.after_suggest, [c.text, c.query], c.suggestions, queue=False, **SILENT_EVENT)
        text_inputs = [c.text, *self.query_inputs]
        self._on_new_query(c.text.submit, do.search_text, text_inputs, ENCODING_EVENT, scroll=True)
        chosen = [c.suggestions, *self.query_inputs]
        self._on_new_query(c.suggestions.input, do.choose_suggestion, chosen, scroll=True)
        self._on(c.words.submit, do.add_words, [c.words, *self.query_inputs], ENCODING_EVENT)

    def _connect_results(self) -> None:
        c, do = self.components, self.callbacks
        for opened in (c.gallery.open, c.item_panel.open, c.outfits.open):
            self._on_new_query(opened, do.open_card, scroll=True)
        self._on(c.gallery.more, do.more_like)
        self._on(c.gallery.less, do.less_like)
        self._on_more(c.show_more.click, do.show_more)
        self._on(c.sort.sort, do.set_sort)
        self._on(c.match.match, do.set_match)

    def _connect_refinement(self) -> None:
        c, do = self.components, self.callbacks
        self._on(c.query_bar.undo, do.undo)
        self._on_new_query(c.query_bar.fresh, do.start_over)
        self._on(c.query_bar.remove, do.remove_part)
        # a filter that is set while another is being answered counts, too
        each = SILENT_EVENT | {"trigger_mode": "multiple"}
        self._on(c.filters.toggle, do.toggle_filter, options=each)
        self._on(c.filters.span, do.set_price_range, options=each)
        self._on(c.filters.clear, do.clear_filters)
        latest = SILENT_EVENT | {"trigger_mode": "always_last"}
        options = [c.count, c.diversity, *self.query_inputs]
        self._on(c.count.change, do.set_options, options, latest)
        self._on(c.diversity.change, do.set_options, options, latest)

    def connect_address(self, visitor_loaded: Any) -> Any:
        """Show the view of the address on load (once the visitor is known), back and forward.

        Returns the dependency of the first of them.
        """
        c, do = self.components, self.callbacks
        self._on_new_query(c.router.navigate, do.navigate)
        linked = [c.router, self.liked]
        options = SILENT_EVENT | {"js": _READ_ADDRESS}
        opened = self._update(visitor_loaded.then, do.open_link, linked, options)
        opened.then(None, js=_SCROLL_TO_LINKED)
        return opened

    def connect_tabs(self, find: gr.Tab, others: Mapping[str, gr.Tab]) -> None:
        """Put the address of a page into the address bar when its tab is selected."""
        for view, tab in {"": find, **others}.items():
            tab.select(None, js=f"() => window.lookbookTab({view!r})")

    def connect_pages(self, opened: Sequence[Event], show_all: Sequence[Event]) -> None:
        """Connect events of other pages that lead here: an item, or all items of one value."""
        callbacks = [(event, self.callbacks.open_card) for event in opened]
        callbacks += [(event, self.callbacks.show_all) for event in show_all]
        for event, callback in callbacks:
            self._cancel_photo_searches(event)
            wrapped = _to_find(callback, self.components.tabs)
            done = self._update(event, wrapped, self.query_inputs)
            done.then(None, js=_STOP_WAITING).then(None, js=_SCROLL_TO_RESULTS)

    def _on(
        self,
        event: Event,
        callback: Callable[..., Updates],
        inputs: list[Any] | None = None,
        options: dict[str, Any] = SILENT_EVENT,
        scroll: bool = False,
    ) -> Any:
        """Connect an event to a callback that may update the whole page; return the dependency."""
        inputs = self.query_inputs if inputs is None else inputs
        search = self._update(event, callback, inputs, options)
        done = search.then(None, js=_STOP_WAITING)
        done.then(None, js=_SCROLL_TO_RESULTS if scroll else _SCROLL_TO_EMPTY)
        return search

    def _on_more(self, event: Event, callback: Callable[..., Updates]) -> None:
        """Connect an event that appends results; the page stays where it is."""
        inputs = [self.components.shown, *self.query_inputs]
        self._update(event, callback, inputs)

    def _update(
        self,
        event: Event,
        callback: Callable[..., Updates],
        inputs: list[Any],
        options: dict[str, Any] = SILENT_EVENT,
    ) -> Any:
        """Connect an event to a callback that may update every output; return the dependency."""
        sent = _as_sent(callback)
        return event(sent, inputs, self.outputs, **(options | {"postprocess": False}))

    def _on_new_query(self, event: Event, *args: Any, **kwargs: Any) -> None:
        """Connect as `_on` does, and cancel a search with a photo that is still running."""
        self._cancel_photo_searches(event)
        self._on(event, *args, **kwargs)

    def _cancel_photo_searches(self, event: Event) -> None:
        event(None, cancels=self.photo_searches, api_visibility="private")


def _as_sent(callback: Callable[..., Updates]) -> Callable[..., Updates]:
    """Return a callback whose values are as the page gets them, for `postprocess=False`.

    gradio would postprocess each of two dozen outputs on another thread: on the callback's own
    thread that costs next to nothing.
    """

    @wraps(callback)
    def wrapped(*args: Any) -> Updates:
        updates = callback(*args)
        if updates is NO_CHANGE:
            return updates
        return {output: _sent_value(output, value) for output, value in updates.items()}

    return wrapped


def _sent_value(output: Any, value: Any) -> Any:
    is_update = isinstance(value, gr.blocks.Block) or is_prop_update(value)
    return value if is_update or isinstance(output, gr.State) else output.postprocess(value)


def _to_find(callback: Callable[..., Updates], tabs: gr.Tabs) -> Callable[..., Updates]:
    """Return a callback that also selects the Find page."""

    def wrapped(query: Query, liked: Liked, event: gr.EventData) -> Updates:
        updates = callback(query, liked, event)
        return updates if updates is NO_CHANGE else updates | {tabs: gr.Tabs(selected="find")}

    return wrapped


def connect_item_actions(components: Components, actions: ItemActions) -> None:
    """Connect the buttons of an item."""
    c = components
    c.gallery.why(actions.explain, [c.photos, c.query], c.explanation, **ENCODING_EVENT)
    c.item_panel.look(actions.show_outfits, None, c.outfits, **SILENT_EVENT)
    c.item_panel.also(actions.show_also_liked, None, c.outfits, **SILENT_EVENT)
    c.outfits.close(lambda: "", None, c.outfits, **SILENT_EVENT)


def connect_share_actions(components: Components, actions: ShareActions) -> None:
    """Connect Share and Save."""
    c, panels = components, [components.share_panel, components.save_panel]
    c.share.click(actions.share, [c.query, c.share_panel], panels, **SILENT_EVENT)
    c.share_panel.vector(actions.share_vector, c.query, c.share_panel, **SILENT_EVENT)
    # a contact sheet takes as long as encoding a photo, and shares its limit
    c.save.click(actions.save, [c.shown, c.save_panel], panels, **ENCODING_EVENT)
