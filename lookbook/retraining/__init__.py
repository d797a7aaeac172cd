"""Train the recommenders anew from what visitors did, and publish them where not worse."""

from lookbook.retraining.job import RefreshJob
from lookbook.retraining.refresh import Report, refresh

__all__ = ["RefreshJob", "Report", "refresh"]
