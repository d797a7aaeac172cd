"""The web interface. Only this package imports gradio."""

from lookbook.ui.stubs import no_stubs

with no_stubs():
    from lookbook.ui.site import build_site

__all__ = ["build_site"]
