"""The web interface. Only this package imports gradio."""

from lookbook.ui.stubs import quick_imports

with quick_imports():
    from lookbook.ui.site import build_site

__all__ = ["build_site"]
