"""The upload field for a query's picture: read and checked in memory, never kept on disk."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image

from lookbook.images.loading import ImageError
from lookbook.images.transforms import thumbnail
from lookbook.ui.components.photo_input import Upload
from lookbook.ui.components.photos import data_url, decode_data_url
from lookbook.ui.uploads import read_upload

_SHOWN_HEIGHT = 640  # px, of a picture that the field is given to show


class QueryPicture(gr.Image):
    """A gr.Image whose callback gets an Upload, or None when it was emptied.

    gradio would decode the upload itself, without limits, and answer bad files with a bare
    "Error". The picture goes back to the page inside the answer, so that no file needs to stay.
    """

    def get_block_name(self) -> str:
        """Return the name of the front end's component: an image."""
        return "image"

    def preprocess(self, payload: ImageData | None) -> Upload | None:  # type: ignore[override]
        """Read what was uploaded; `photo_query` decodes and checks it."""
        if payload is None:
            return None
        try:
            return Upload(_read(payload))
        except ImageError as error:
            return Upload(error)

    def postprocess(self, value: Image.Image | None) -> ImageData | None:  # type: ignore[override]
        """Return the picture as a data URL."""
        return None if value is None else ImageData(url=data_url(thumbnail(value, _SHOWN_HEIGHT)))


def empty_picture() -> dict[str, Any]:
    """Return the update that empties the field; new for each call, as gradio consumes it."""
    return gr.update(value=None, visible=True)


def _read(payload: ImageData) -> bytes:
    if payload.url and payload.url.startswith("data:"):
        return decode_data_url(payload.url)
    return read_upload(payload.path)
