"""Errors of an index on disk; each message holds the value found and the one expected."""

from __future__ import annotations


class IndexCorrupt(ValueError):  # noqa: N818
    """A file of the index is not what its manifest says."""


class IndexMissing(FileNotFoundError):  # noqa: N818
    """There is no index in this folder; the message says what to run."""


class EngineUnavailable(ValueError):  # noqa: N818
    """An engine cannot be used: its package is not installed, or the index was built without it."""
