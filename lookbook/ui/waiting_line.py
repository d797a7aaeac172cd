"""The queue of the site: a visitor who has to wait for the encoder is told at which place."""

from __future__ import annotations

from typing import Any

from gradio.queueing import Event, Queue
from gradio.server_messages import EstimationMessage, LogMessage

from lookbook.ui.components.base import ENCODER_LIMIT
from lookbook.ui.messages import _, language_of, use_language

FIRST_PLACE = 3  # before it the wait is shorter than a message can be read


class WaitingLine(Queue):
    """gradio's queue; the page of the site shows no progress bars, which would name the place."""

    def send_message(self, event: Event, event_message: Any) -> None:
        """Send a message to a page; with its first place in the line, say so once."""
        super().send_message(event, event_message)
        if not isinstance(event_message, EstimationMessage) or not _is_waited_for(event):
            return
        place = (event_message.rank or 0) + 1
        if place >= FIRST_PLACE and not hasattr(event, "was_told"):
            event.was_told = True  # type: ignore[attr-defined]
            use_language(language_of(event))  # of an object with a request
            text = _("The site is busy: you are number {place} in line.", place=place)
            message = LogMessage(log=text, level="info", duration=5, visible=True, title="")
            super().send_message(event, message)


def _is_waited_for(event: Event) -> bool:
    """Whether a visitor of the page waits for an answer that the encoder is needed for."""
    is_of_page = event.fn.api_visibility == "private"
    return is_of_page and event.concurrency_id == ENCODER_LIMIT["concurrency_id"]
