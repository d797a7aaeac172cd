"""Logs of the site on stderr: sentences, or one JSON object a line; nothing of a visitor."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the fields of what is logged."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class StderrHandler(logging.Handler):
    """Write to what stderr is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        print(self.format(record), file=sys.stderr, flush=True)


SITE_LOG = logging.getLogger("lookbook.site")  # what whoever runs the site must know
SITE_LOG.addHandler(StderrHandler())
SITE_LOG.propagate = False


def configure(log_format: str) -> None:
    """Log as "text" or "json"; answers and refusals, one line each, as JSON only."""
    if log_format == "text":
        return
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter())
    for name in ("lookbook", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
    logging.getLogger("lookbook").setLevel(logging.INFO)
    SITE_LOG.handlers, SITE_LOG.propagate = [], True
