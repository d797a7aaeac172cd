"""Visitors who wait for the encoder are told at which place of the line."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.queueing import Event
from gradio.server_messages import EstimationMessage, LogMessage

from lookbook.ui.components.base import ENCODING_EVENT, SILENT_EVENT
from lookbook.ui.messages import SCOPE_KEY, use_language
from lookbook.ui.site import Site
from lookbook.ui.waiting_line import FIRST_PLACE


def waiting(how: dict, ranks: list[int], language: str = "en") -> list[str]:
    """Return what an event is told that is at each of these ranks in turn."""
    with Site() as site:
        gr.Button().click(lambda: None, **how)
    site.queue()
    (function,) = site.fns.values()
    scope = {SCOPE_KEY: language}
    request = SimpleNamespace(scope=scope)
    event = Event("a-session", function, request, None)
    messages = site._queue.pending_messages_per_session
    messages["a-session"] = SimpleNamespace(put_nowait=(found := []).append)
    for rank in ranks:
        site._queue.send_message(event, EstimationMessage(rank=rank, queue_size=9))
    use_language("en")
    assert sum(isinstance(message, EstimationMessage) for message in found) == len(ranks)
    return [message.log for message in found if isinstance(message, LogMessage)]


def test_the_place_is_said_once():
    assert waiting(ENCODING_EVENT, [4, 3, 2, 1, 0]) == [
        "The site is busy: you are number 5 in line."
    ]
    assert waiting(ENCODING_EVENT, [4], "de") == [
        "Gerade ist viel los: Du bist Nummer 5 in der Warteschlange."
    ]


def test_a_short_wait_is_not_worth_a_message():
    assert waiting(ENCODING_EVENT, list(range(FIRST_PLACE - 1))) == []
    assert len(waiting(ENCODING_EVENT, [FIRST_PLACE - 1])) == 1


@pytest.mark.parametrize("how", [SILENT_EVENT, ENCODING_EVENT | {"api_visibility": "public"}])
def test_nobody_is_told_who_does_not_wait_for_the_encoder_on_the_page(how):
    assert waiting(how, [9]) == []


def test_calls_whose_answers_nobody_fetches_take_bounded_memory():
    with Site() as site:
        gr.Button().click(lambda: None)
    site.queue()
    for number in range(3000):
        site._queue.pending_event_ids_session[str(number)] = {str(number)}
    assert len(site._queue.pending_event_ids_session) == 2000
    assert "2999" in site._queue.pending_event_ids_session
