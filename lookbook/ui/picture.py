"""The query picture: checked by `images` before anything else decodes it, never kept on disk."""

from __future__ import annotations

import base64
import binascii
import threading
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData
from gradio.utils import get_upload_folder
from PIL import Image

from lookbook.images import ImageError, open_picture, read_bytes, thumbnail

KEPT_SECONDS = 10
SHOWN_HEIGHT = 640  # px, of the copy that goes back to the visitor's page


@dataclass(frozen=True)
class Upload:
    """What a visitor sent: the bytes and the upright RGB picture, or why not; the file so far."""

    data: bytes
    picture: Image.Image | ImageError
    file: str | None = None


class QueryPicture(gr.Image):
    """A gr.Image whose callback gets an Upload, or None when it was emptied.

    gradio would decode the upload itself, without limits, and answer bad files with a bare
    "Error". The picture travels back to the page inside the answer; `remove_upload` then takes the
    file away, so that nothing of a visitor stays on the disk.
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
            return Upload(data, open_picture(data, at_least=SHOWN_HEIGHT), payload.path)
        except ImageError as error:
            return Upload(data, error, payload.path)

    def postprocess(self, value: Image.Image | None) -> ImageData | None:
        """The picture as part of the answer."""
        return None if value is None else ImageData(url=data_url(thumbnail(value, SHOWN_HEIGHT)))


def data_url(webp: bytes) -> str:
    """A WebP picture as the address of itself."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode()


def _data(payload: ImageData) -> bytes:
    if payload.url and payload.url.startswith("data:"):
        try:
            return base64.b64decode(payload.url.partition(",")[2], validate=True)
        except binascii.Error:
            raise ImageError("not-a-picture", "The picture did not arrive whole.") from None
    if not payload.path:
        raise ImageError("empty", "No picture arrived.")
    return read_bytes(payload.path)


def remove_upload(file: str | None) -> None:
    """Take an uploaded file away soon; anything that is not an upload is left alone.

    Not at once: the visitor's page may still be fetching it, to show what was chosen.
    """
    if not file:
        return
    path, uploads = Path(file).resolve(), Path(get_upload_folder()).resolve()
    if path.is_relative_to(uploads):
        timer = threading.Timer(KEPT_SECONDS, path.unlink, kwargs={"missing_ok": True})
        timer.daemon = True
        timer.start()
