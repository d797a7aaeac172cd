"""Errors of an index on disk; each message holds the value found and the one expected."""

from __future__ import annotations

REBUILD = (
    "run `python -m lookbook rollback` for the generation before it, or `python embed.py` to build "
    "the index again"
)


class IndexCorrupt(ValueError):  # noqa: N818
    """A file of the index is not what its manifest says; the message ends with what to do."""

    def __init__(self, fault: str, remedy: str = REBUILD) -> None:
        super().__init__(fault, remedy)

    def __str__(self) -> str:
        """Return what was found, what was expected and what to do."""
        return ": ".join(self.args)


class IndexMissing(FileNotFoundError):  # noqa: N818
    """There is no index in this folder; the message says what to run."""


class EngineUnavailable(ValueError):  # noqa: N818
    """An engine cannot be used: its package is not installed, or the index was built without it."""
