"""The query picture: checked by `images` before anything else decodes it, never kept on disk."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image

from lookbook.images.loading import ImageError, load_rgb, thumbnail
from lookbook.ui.components.photos import SHOWN_HEIGHT, data_url, decoded
from lookbook.ui.uploads import read_upload


@dataclass(frozen=True)
class Upload:
    """What a visitor sent: the bytes and the upright RGB picture, or why there is none."""

    data: bytes
    picture: Image.Image | ImageError


class QueryPicture(gr.Image):
    """A gr.Image whose callback gets an Upload, or None when it was emptied.

    gradio would decode the upload itself, without limits, and answer bad files with a bare
    "Error". The picture travels back to the page inside the answer, so no file needs to stay.
    """

    def get_block_name(self) -> str:
        """The front end knows this component as an image."""
        return "image"

    def preprocess(self, payload: ImageData | None) -> Upload | None:
        """Read and check."""
        if payload is None:
            return None
        data = b""
        try:
            data = _data(payload)
            return Upload(data, load_rgb(data, min_side_hint=SHOWN_HEIGHT))
        except ImageError as error:
            return Upload(data, error)

    def postprocess(self, value: Image.Image | None) -> ImageData | None:
        """The picture as part of the answer."""
        return None if value is None else ImageData(url=data_url(thumbnail(value, SHOWN_HEIGHT)))


def _data(payload: ImageData) -> bytes:
    if payload.url and payload.url.startswith("data:"):
        return decoded(payload.url)
    return read_upload(payload.path)
