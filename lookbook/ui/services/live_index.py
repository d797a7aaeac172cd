"""Show a new generation on the running site, without a restart."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from lookbook.index import current_name
from lookbook.index.manifest import same_encoder
from lookbook.search.index import Index
from lookbook.ui.logs import SITE_LOG


class LiveIndex:
    """A thread that looks every `seconds` which generation is published, and opens a new one.

    Each of `prepare` computes on this thread what it needs of the new index, while visitors are
    answered from the old one, and returns a function that shows it. A generation of another
    encoder, or one that cannot be opened, is named on stderr once; the site goes on with the one it
    has.
    """

    def __init__(
        self,
        index: Index,
        prepare: Sequence[Callable[[Index], Callable[[], None]]],
        *,
        seconds: float,
        precisions: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """`precisions` gives those whose vectors the site's encoder can search."""
        self.index = index
        self._prepare, self._seconds, self._precisions = prepare, seconds, precisions
        self._refused: str | None = None
        self._last_line = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-index", daemon=True)

    def start(self) -> LiveIndex:
        """Start the thread and return the object itself."""
        self._thread.start()
        return self

    def stop(self, timeout: float = 60) -> None:
        """End the thread, waiting at most `timeout` seconds."""
        self._stopping.set()
        self._thread.join(timeout)

    def check(self) -> bool:
        """Look once, and show what is new; return whether there was anything to show."""
        root = self.index.generation.root
        if root is None:
            return False
        name = current_name(root)
        if name in (self.index.manifest.generation, self._refused):
            return False
        try:
            index = self._opened()
        except Exception as error:
            self._refused = name
            _log(f"generation {name} is not shown, the one before stays: {error}")
            return False
        self.index = index
        _log(f"generation {index.manifest.generation} is shown: {len(index):,} items")
        return True

    def _opened(self) -> Index:
        index = self.index.reload_if_stale()
        built, ours = index.manifest.encoder, self.index.manifest.encoder
        if not self._is_searchable(built, ours):
            raise ValueError(
                f"it was built with the encoder {built.get('id')!r} of revision "
                f"{built.get('revision')!r} in {built.get('precision')}, the site runs "
                f"{ours.get('id')!r} of {ours.get('revision')!r} in {ours.get('precision')}: "
                "restart the site"
            )
        for show in [prepare(index) for prepare in self._prepare]:
            show()
        gc.unfreeze()  # the index of before may be what the start of the site froze
        return index

    def _is_searchable(self, built: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
        """Return whether the site's encoder, loaded for `ours`, searches an index of `built`."""
        if same_encoder(built, ours):
            return True
        precisions = built.get("precision"), ours.get("precision")
        differ_in_nothing_else = same_encoder({**built, "precision": precisions[1]}, ours)
        return differ_in_nothing_else and set(precisions) <= set(self._precisions())

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self.check()
            except Exception as error:  # CURRENT cannot be read now: the next look may succeed
                self._log_once(f"the published generation cannot be looked up: {error}")

    def _log_once(self, line: str) -> None:
        if line != self._last_line:
            self._last_line = line
            _log(line)


def _log(line: str) -> None:
    SITE_LOG.warning("%s", line)
