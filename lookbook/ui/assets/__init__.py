"""Styles, scripts and templates of the site."""

from pathlib import Path


def read(name: str) -> str:
    """Return the text of an asset; raises FileNotFoundError."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
