"""The services of a site whose state and temporary files lie on the disk that fails."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.faults.children import Tell
from benchmarks.faults.works import Publish, Work, must
from lookbook.events import EventStore, new_visitor
from lookbook.events.store import StoreUnavailable
from lookbook.search.index import Index
from lookbook.search.query import Query

if TYPE_CHECKING:
    from lookbook.ui.services.search import SearchService
    from lookbook.ui.services.visitor import VisitorService


class Serve(Work):
    """Answer searches and record likes; nothing may stop it."""

    name = "serve"
    stops = False
    reads_without_space = False

    def prepare(self, folder: Path) -> None:
        """Publish an index, and make an empty store beside it."""
        Publish().prepare(folder / "index")
        (folder / "state").mkdir()
        (folder / "thumbs").mkdir()
        EventStore.for_index(folder / "state").close()

    def do(self, folder: Path, acknowledge: Tell) -> None:
        """Search and like; acknowledge each like that the site confirms."""
        from lookbook.ui.services.search import SearchService
        from lookbook.ui.services.visitor import VisitorService

        index, token = Index.open(folder / "index"), new_visitor()
        search = SearchService(index, lambda: None, folder / "thumbs")  # type: ignore[arg-type]
        with tempfile.TemporaryDirectory() as spare:  # where likes go while the site runs
            visitors = VisitorService(index, folder / "state", Path(spare))
            self._visit(search, visitors, token, acknowledge)

    def _visit(
        self, search: SearchService, visitors: VisitorService, token: str, acknowledge: Tell
    ) -> None:
        index, lasting = search.index, visitors.root.parent.name == "state"
        for n in range(20):
            must(len(search.search(Query(count=4)).cards) == 4, "a search fails")
            must(bool(visitors.for_you(token, 5, visitors.context())), "For you fails")
            visitors.record(token, "view", index.ids[n], "site")
            try:
                visitors.toggle_like(token, index.ids[n])
            except StoreUnavailable:
                continue
            if lasting:
                acknowledge([token, index.ids[n]])

    def check(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """Every confirmed like is there."""
        with closing(EventStore.for_index(folder / "state")) as store:
            for token, item in acknowledged:
                liked = [e.item for e in store.of_visitor(token) if e.event_type == "like"]
                must(item in liked, f"the like of {item} is lost")
