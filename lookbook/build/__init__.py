"""From a catalogue to a published generation: encode, fold, write, publish; resumable."""

from lookbook.build.building import BuildError, Summary, build

__all__ = ["BuildError", "Summary", "build"]
