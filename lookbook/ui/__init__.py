"""The site: what a visitor sees. The only room, with app.py, that knows gradio."""

from lookbook.ui.stubs import no_stubs

with no_stubs():
    from lookbook.ui.site import build_site

__all__ = ["build_site"]
