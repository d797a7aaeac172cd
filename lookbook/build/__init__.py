"""From a catalogue to a published generation: encode, fold, write, publish; resumable."""

from lookbook.build.building import BuildError, build
from lookbook.build.summary import Summary

__all__ = ["BuildError", "Summary", "build"]
