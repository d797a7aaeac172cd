"""From a catalogue to a published generation: encode, group, write, enrich, publish; resumable."""

from lookbook.indexing.pipeline import BuildError, BuildOptions, build
from lookbook.indexing.summary import Summary

__all__ = ["BuildError", "BuildOptions", "Summary", "build"]
