"""What a run says at its end: what it took, what it left out, and what to do next."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lookbook.index import Generation
from lookbook.indexing.encode_catalog import EncodedCatalog
from lookbook.schema.columns import Roles
from lookbook.search.facets import price_column
from lookbook.search.index import Index
from lookbook.search.product_groups import count_colourways

_NAMED = 5  # rejected pictures that are named; all of them stand in report.json


@dataclass(frozen=True)
class Summary:
    """What a run did: counts, seconds of each stage, and the figures of the forest.

    `coloured`: so many pieces, shown as so many products in several colours; `rejected`: how many
    for each reason, `refused`: the first of them by name with what is wrong; `columns`: what the
    title, picture, id and price were taken from.
    """

    generation: Path
    items: int
    encoded: int
    groups: int
    coloured: tuple[int, int]
    rejected: dict[str, int]
    seconds_encoding: float
    seconds_index: float
    forest_bytes: int
    search_k: int
    recall: float
    engine: str
    recall_target: float
    refused: list[tuple[str, str]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        generation: Path,
        roles: Roles,
        kept: EncodedCatalog,
        groups: np.ndarray,
        encoding: float,
        indexing: float,
    ) -> Summary:
        """The summary of a written generation; `encoding` and `indexing` are seconds."""
        opened = Generation.open(generation, verify="quick")
        index, manifest = Index(opened, "exact"), opened.manifest
        columns = {"title": roles.title, "picture": roles.image, "id": roles.id}
        columns["price"] = price_column(index)
        return cls(
            generation=generation,
            items=len(kept.items),
            encoded=kept.encoded,
            groups=len(np.unique(groups)),
            coloured=count_colourways(index),
            rejected=dict(Counter(r["reason"] for r in kept.rejected)),
            seconds_encoding=encoding,
            seconds_index=indexing,
            forest_bytes=(generation / "forest.ann").stat().st_size,
            search_k=manifest.search_k,
            recall=manifest.recall,
            engine=manifest.engine,
            recall_target=manifest.recall_target,
            refused=[(r.get("file", r["id"]), r["sentence"]) for r in kept.rejected[:_NAMED]],
            columns={role: column for role, column in columns.items() if column},
        )

    def __str__(self) -> str:
        rate = self.encoded / max(self.seconds_encoding, 1e-9)
        taken = ", ".join(f"{role} from {column!r}" for role, column in self.columns.items())
        return "\n".join(
            [
                self._counted(),
                f"columns taken: {taken or 'none'}",
                *self._rejections(),
                f"encoded {self.encoded:,} pictures in {self.seconds_encoding:.1f} s "
                f"({rate:.0f} images/s), indexed in {self.seconds_index:.1f} s",
                self._searching(),
                f"report: {self.generation / 'report.json'}",
                f"next: python app.py --index {shlex.quote(str(self.generation.parent))}",
            ]
        )

    def _counted(self) -> str:
        pieces, products = self.coloured
        said = [f"{self.items:,} pieces"]
        if products:
            product = "1 product" if products == 1 else f"{products:,} products"
            said.append(f"{pieces:,} of them shown as {product} in several colours")
        if self.items > self.groups:
            said.append(f"{self.items - self.groups:,} not shown: copies of another picture")
        return "; ".join(said)

    def _rejections(self) -> list[str]:
        count = sum(self.rejected.values())
        reasons = ", ".join(f"{n} {reason}" for reason, n in self.rejected.items()) or "none"
        more = [f"  and {count - len(self.refused):,} more"] if count > len(self.refused) else []
        named = [f"  {name}: {sentence}" for name, sentence in self.refused]
        return [f"rejected: {reasons}", *named, *more]

    def _searching(self) -> str:
        least = np.floor(self.recall * 1000) / 10  # 99.99 is not 100
        missed = ""
        if self.recall < self.recall_target:
            wanted = f"{100 * self.recall_target:g} %"
            missed = f" (NOT the {wanted} asked for: it suits these pictures badly)"
        return (
            f"index: {self.items:,} pieces, {self.forest_bytes / 2**20:.1f} MiB; the quick search "
            f"finds {least:g} % of the true nearest {min(24, self.items)}{missed}; "
            f"the site takes the {'quick' if self.engine == 'annoy' else 'exact'} search"
        )
