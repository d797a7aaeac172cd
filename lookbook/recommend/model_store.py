"""One generation of models on disk: written whole, summed, published like an index."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lookbook.index.manifest import MANIFEST, file_record
from lookbook.index.publishing import beside, named, published
from lookbook.recommend.base import ModelCorrupt, fingerprint
from lookbook.recommend.baselines.item_knn import BoughtTogether
from lookbook.recommend.data import Interactions
from lookbook.recommend.hybrid.model import Hybrid
from lookbook.recommend.items import Items

MODELS_FOLDER = "models"  # beside the generations of the index
SCHEMA = 1
_KINDS = (Hybrid, BoughtTogether)
_FILES = {f"{kind.name}.{suffix}" for kind in _KINDS for suffix in ("json", "safetensors")}


@dataclass(frozen=True)
class Models:
    """What one refresh learnt; `about` is its manifest, empty for models never written."""

    hybrid: Hybrid
    together: BoughtTogether
    about: dict

    @property
    def generation(self) -> str | None:
        """Its name, None for models never written."""
        return self.about.get("generation")

    @classmethod
    def fitted(cls, interactions: Interactions, items: Items) -> Models:
        """Learnt from `interactions`, in memory only."""
        hybrid = Hybrid().fit(interactions, items)
        return cls(hybrid, BoughtTogether().fit(interactions, items), {})

    @classmethod
    def open(cls, folder: str | Path, items: Items) -> Models:
        """Read and verify a generation; raises ModelCorrupt, FileNotFoundError."""
        folder = Path(folder)
        about = read_manifest(folder)
        for name, record in about["files"].items():
            if (found := file_record(folder / name)) != record:
                raise ModelCorrupt(f"{folder / name} is {found}, the manifest says {record}")
        if about["catalogue"] != fingerprint(items):
            raise ModelCorrupt(
                f"the models in {folder} are of the catalogue {about['catalogue']}, this is "
                f"{fingerprint(items)}: run `python -m lookbook refresh`"
            )
        return cls(Hybrid.load(folder, items), BoughtTogether.load(folder, items), about)

    def write(self, root: str | Path, about: dict) -> Path:
        """Write a generation under `root` and return its folder; it is not published yet."""
        items = self.hybrid.items
        with beside(Path(root), lambda folder: Models.open(folder, items)) as folder:
            for model in (self.hybrid, self.together):
                model.save(folder)
            files = {path.name: file_record(path) for path in sorted(folder.iterdir())}
            manifest = {
                "schema": SCHEMA,
                "generation": named(folder).name,
                "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "catalogue": fingerprint(items),
                "weights": self.hybrid.weights,
            }
            text = json.dumps(manifest | about | {"files": files}, indent=2, allow_nan=False)
            (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
        return named(folder)


def read_manifest(folder: Path) -> dict:
    """The manifest of a generation of models; raises ModelCorrupt, FileNotFoundError."""
    try:
        about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        schema, files = about["schema"], about["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelCorrupt(f"{folder / MANIFEST} cannot be read: {error!r}") from error
    if schema != SCHEMA or set(files) != _FILES or "catalogue" not in about:
        raise ModelCorrupt(
            f"{folder / MANIFEST} has schema {schema!r} and files {sorted(files)}: expected "
            f"{SCHEMA} and {sorted(_FILES)}"
        )
    return about


def running(root: str | Path, items: Items) -> Models | None:
    """The published generation, None where there is none; raises ModelCorrupt."""
    for name in published(root)[:1]:
        return Models.open(Path(root) / name, items)
    return None
