"""What visitors did: append-only, in SQLite beside the index or in PostgreSQL by URL."""

from lookbook.events.event import EVENT_TYPES, Event, EventError, check_visitor, new_visitor
from lookbook.events.store import EventStore, SchemaMismatch, database_url

__all__ = [
    "EVENT_TYPES",
    "Event",
    "EventError",
    "EventStore",
    "SchemaMismatch",
    "check_visitor",
    "database_url",
    "new_visitor",
]
