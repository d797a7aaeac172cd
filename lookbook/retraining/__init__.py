"""The loop: what visitors do improves what they are shown."""

from lookbook.retraining.job import RefreshJob
from lookbook.retraining.refresh import Report, refresh

__all__ = ["RefreshJob", "Report", "refresh"]
