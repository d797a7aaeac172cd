"""What an indexing run prints at its end: what it indexed, what it rejected, what to do next."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lookbook.index import Generation
from lookbook.index.engines import get_engine
from lookbook.index.engines.tuning import TUNED_FOR
from lookbook.indexing.encode_catalog import EncodedCatalog
from lookbook.indexing.reuse import Changes
from lookbook.schema.columns import Roles
from lookbook.search.facets import price_column
from lookbook.search.index import Index
from lookbook.search.product_groups import count_colourways

_MAX_LISTED = 5  # rejected pictures that are listed; report.json has all of them


@dataclass(frozen=True)
class Summary:
    """Counts, seconds of each stage, and the figures of the search.

    `items`, of which `groups` differ (near-duplicates share one), with `photos`, of which `encoded`
    are new; `coloured`: how many items are shown as how many products in several colours;
    `rejected`: how many items for each reason, `rejected_photos`: how many photos of items that
    have others; `listed_rejections`: (name, sentence) of the first ones; `columns`: role -> the
    column that title, picture, id and price were read from. `engine_bytes`: size of the approximate
    engine's file, 0 without one; `query_kinds` is the manifest's. `changes` against the previous
    generation, None where there was none to compare with, and then `note` says why, "" for a first
    index; `published` is False where nothing had changed, so that the previous generation stays.
    """

    generation: Path
    items: int
    photos: int
    encoded: int
    groups: int
    coloured: tuple[int, int]
    rejected: dict[str, int]
    rejected_photos: dict[str, int]
    seconds_encoding: float
    seconds_index: float
    engine_bytes: int
    recall: float
    engine: str
    recall_target: float
    query_kinds: dict[str, dict] = field(default_factory=dict)
    listed_rejections: list[tuple[str, str]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    changes: Changes | None = None
    note: str = ""
    published: bool = True

    @classmethod
    def of(
        cls,
        generation: Path,
        roles: Roles,
        encoded: EncodedCatalog,
        seconds_encoding: float,
        seconds_index: float,
        notes: Sequence[str] = (),
        *,
        changes: Changes | None = None,
        note: str = "",
        published: bool = True,
    ) -> Summary:
        """Summarise a written generation; `notes` say how its catalogue was read."""
        opened = Generation.open(generation, verify="quick")
        index, manifest = Index(opened, "exact"), opened.manifest
        engine_file = get_engine(manifest.preferred or "exact").file
        columns = {"title": roles.title, "picture": roles.image, "id": roles.id}
        columns |= {"price": price_column(index), "product": roles.group}
        return cls(
            generation=generation,
            items=len(encoded.items),
            photos=manifest.photos,
            encoded=encoded.newly_encoded,
            groups=len(set(opened.items["group"].to_pylist())),
            coloured=count_colourways(index),
            rejected=_by_reason(encoded, kept=False),
            rejected_photos=_by_reason(encoded, kept=True),
            seconds_encoding=seconds_encoding,
            seconds_index=seconds_index,
            engine_bytes=manifest.files[engine_file]["bytes"] if engine_file else 0,
            recall=manifest.recall_of("item") or manifest.recall,
            engine=manifest.serves("item"),
            recall_target=manifest.recall_target,
            query_kinds=manifest.kinds_of(manifest.preferred),
            listed_rejections=[
                (r.get("file", r["id"]), r["sentence"]) for r in encoded.rejected[:_MAX_LISTED]
            ],
            columns={role: column for role, column in columns.items() if column},
            notes=list(notes),
            changes=changes,
            note=note,
            published=published,
        )

    def __str__(self) -> str:
        rate = self.encoded / max(self.seconds_encoding, 1e-9)
        columns = ", ".join(f"{role} from {column!r}" for role, column in self.columns.items())
        return "\n".join(
            [
                self._counts(),
                *self._update(),
                f"columns taken: {columns or 'none'}",
                *(f"note: {note}" for note in self.notes),
                *self._rejections(),
                f"encoded {self.encoded:,} pictures in {self.seconds_encoding:.1f} s "
                f"({rate:.0f} images/s), indexed in {self.seconds_index:.1f} s",
                self._search(),
                f"report: {self.generation / 'report.json'}",
                f"next: python app.py --index {shlex.quote(str(self.generation.parent))}",
            ]
        )

    def _counts(self) -> str:
        pieces, products = self.coloured
        photos = f" with {self.photos:,} photos" if self.photos > self.items else ""
        parts = [f"{self.items:,} pieces{photos}"]
        if products:
            product = "1 product" if products == 1 else f"{products:,} products"
            parts.append(f"{pieces:,} of them shown as {product} in several colours")
        if self.items > self.groups:
            parts.append(f"{self.items - self.groups:,} not shown: copies of another picture")
        return "; ".join(parts)

    def _update(self) -> list[str]:
        lines = [str(self.changes)] if self.changes else []
        if self.note:
            lines.append(f"{self.note}: nothing was taken from it")
        if not self.published:
            lines.append(
                f"nothing to do: generation {self.generation.name} stays published "
                "(--fresh computes all anew)"
            )
        return lines

    def to_json(self) -> dict[str, object]:
        """Plain values, for `--json`."""
        return asdict(self) | {"generation": str(self.generation)}

    def _rejections(self) -> list[str]:
        count = sum(self.rejected.values()) + sum(self.rejected_photos.values())
        reasons = _reasons(self.rejected) or "none"
        if photos := _reasons(self.rejected_photos):
            reasons += f"; further photos of pieces that are kept: {photos}"
        more = (
            [f"  and {count - len(self.listed_rejections):,} more"]
            if count > len(self.listed_rejections)
            else []
        )
        listed = [f"  {name}: {sentence}" for name, sentence in self.listed_rejections]
        return [f"rejected: {reasons}", *listed, *more]

    def _search(self) -> str:
        size = f"index: {self.items:,} pieces, {self.engine_bytes / 2**20:.1f} MiB"
        if not self.engine_bytes:
            return f"index: {self.items:,} pieces; the site takes the exact search"
        found = [f"{_percent(self.recall)} of the true nearest {min(TUNED_FOR, self.items)}"]
        further = {kind: one for kind, one in self.query_kinds.items() if kind != "item"}
        found += [f"{_percent(one['recall'])} for {kind}s" for kind, one in further.items()]
        served = {"item": self.engine} | {kind: one["engine"] for kind, one in further.items()}
        exact = [f"{kind}s" for kind, engine in served.items() if engine == "exact"]
        quick = [f"{kind}s" for kind, engine in served.items() if engine != "exact"]
        ways = [
            f"the {way} search for {' and '.join(kinds)}"
            for way, kinds in (("quick", quick), ("exact", exact))
            if kinds
        ]
        return (
            f"{size}; the quick search finds {', '.join(found)}{self._missed()}; the site takes "
            f"{', '.join(ways)}"
        )

    def _missed(self) -> str:
        """Say for which kinds of query the engine did not reach the recall asked for."""
        kinds = {"item": self.recall} | {k: one["recall"] for k, one in self.query_kinds.items()}
        missed = [f"{kind}s" for kind, recall in kinds.items() if recall < self.recall_target]
        if not missed:
            return ""
        target = f"{100 * self.recall_target:g} %"
        return f" (NOT the {target} asked for: it suits these {' and '.join(missed)} badly)"


def _percent(recall: float) -> str:
    return f"{math.floor(recall * 1000) / 10:g} %"  # 99.99 is not 100


def _by_reason(encoded: EncodedCatalog, *, kept: bool) -> dict[str, int]:
    """Count rejections by reason: of photos whose item is kept, or of items."""
    return dict(Counter(r["reason"] for r in encoded.rejected if r.get("kept", False) == kept))


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())
