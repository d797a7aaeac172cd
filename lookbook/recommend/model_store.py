"""One generation of models on disk: written whole, with checksums, published like an index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lookbook.index.manifest import MANIFEST, add_checksum, checksum_fits, file_record
from lookbook.index.publishing import final_path, published, staged_generation
from lookbook.recommend.base import ModelCorrupt, fingerprint
from lookbook.recommend.baselines.item_knn import BoughtTogether
from lookbook.recommend.data import Interactions
from lookbook.recommend.hybrid.model import Hybrid
from lookbook.recommend.items import Items

MODELS_FOLDER = "models"  # beside the generations of the index
SCHEMA = 1
_FILES = {
    f"{model.name}.{suffix}"
    for model in (Hybrid, BoughtTogether)
    for suffix in ("json", "safetensors")
}


@dataclass(frozen=True)
class Models:
    """What one refresh learnt; `manifest` is empty for models that were never written."""

    hybrid: Hybrid
    bought_together: BoughtTogether
    manifest: dict[str, Any]

    @property
    def generation(self) -> str | None:
        """Its name, None for models that were never written."""
        return self.manifest.get("generation")

    @classmethod
    def fit(cls, interactions: Interactions, items: Items) -> Models:
        """Learn from `interactions`, in memory only."""
        hybrid = Hybrid().fit(interactions, items)
        return cls(hybrid, BoughtTogether().fit(interactions, items), {})

    @classmethod
    def open(cls, folder: str | Path, items: Items) -> Models:
        """Read and verify a generation; raises ModelCorrupt, FileNotFoundError."""
        folder = Path(folder)
        manifest = read_manifest(folder)
        for name, record in manifest["files"].items():
            if (found := file_record(folder / name)) != record:
                raise ModelCorrupt(f"{folder / name} is {found}, the manifest says {record}")
        if manifest["catalogue"] != fingerprint(items):
            raise ModelCorrupt(
                f"the models in {folder} are of the catalogue {manifest['catalogue']}, this is "
                f"{fingerprint(items)}: run `python -m lookbook refresh`"
            )
        hybrid = Hybrid.load(folder, items)
        if items.vectors_key is not None and manifest.get("vectors") == items.vectors_key:
            items.visual_neighbours = hybrid.item_features.visual_neighbours
        return cls(hybrid, BoughtTogether.load(folder, items), manifest)

    def write(self, root: str | Path, details: dict[str, Any]) -> Path:
        """Write a generation under `root` and return its folder; it is not published yet.

        `details` are added to the manifest.
        """
        items = self.hybrid.items
        with staged_generation(Path(root), lambda folder: Models.open(folder, items)) as folder:
            for model in (self.hybrid, self.bought_together):
                model.save(folder)
            files = {path.name: file_record(path) for path in sorted(folder.iterdir())}
            manifest = {
                "schema": SCHEMA,
                "generation": final_path(folder).name,
                "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "catalogue": fingerprint(items),
                "vectors": items.vectors_key,  # earlier versions wrote a digest that equals no key
                "weights": self.hybrid.weights,
            }
            manifest = add_checksum(manifest | details | {"files": files})
            text = json.dumps(manifest, indent=2, allow_nan=False)
            (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
        return final_path(folder)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a generation of models; raises ModelCorrupt, FileNotFoundError."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        schema, files = manifest["schema"], manifest["files"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelCorrupt(f"{folder / MANIFEST} cannot be read: {error!r}") from error
    if schema != SCHEMA or set(files) != _FILES or "catalogue" not in manifest:
        raise ModelCorrupt(
            f"{folder / MANIFEST} has schema {schema!r} and files {sorted(files)}: expected "
            f"{SCHEMA} and {sorted(_FILES)}"
        )
    if not checksum_fits(manifest):
        raise ModelCorrupt(f"{folder / MANIFEST} was changed: its checksum is of another content")
    return manifest


def open_published(root: str | Path, items: Items) -> Models | None:
    """Open the published generation, None where there is none; raises ModelCorrupt."""
    for name in published(root)[:1]:
        return Models.open(Path(root) / name, items)
    return None


def knows_forgotten(manifest: Mapping[str, Any], last: float) -> bool:
    """Tell whether models may know a visitor who was forgotten.

    `last` is `EventStore.last_forgotten()`, and "forgotten" in the manifest what it was before the
    events were read. Models of earlier versions hold only the time at which they were read.
    """
    if not last:
        return False
    if "forgotten" in manifest:
        return bool(manifest["forgotten"] != last)
    try:
        return datetime.fromisoformat(manifest["as_of"]).timestamp() <= last
    except (KeyError, TypeError, ValueError):
        return True
