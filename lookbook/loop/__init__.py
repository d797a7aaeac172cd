"""The loop: what visitors do improves what they are shown."""

from lookbook.loop.job import RefreshJob
from lookbook.loop.refresh import Report, refresh

__all__ = ["RefreshJob", "Report", "refresh"]
