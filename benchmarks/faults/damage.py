"""Truncate and alter files of an index, of models and of an encoder, at every region of each."""

from __future__ import annotations

import json
import os
import random
import shutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults.children import Tell, run
from benchmarks.faults.report import Results
from benchmarks.faults.works import Refresh, must, tagged_vectors
from lookbook.index import EngineOptions, GenerationContent, publish, write_generation
from lookbook.index.manifest import MANIFEST, add_checksum, file_record
from lookbook.recommend.data import History
from lookbook.recommend.items import Items
from lookbook.recommend.model_store import open_published
from lookbook.search.calibration import calibration
from lookbook.search.enrichment import projection_2d
from lookbook.search.index import Index
from lookbook.search.opening import load_matching_encoder

_REGIONS = 8  # of each file
_BATCH = 40  # cases of one child
KINDS = ("one bit", "eight bytes", "zeros", "truncated")


@dataclass(frozen=True)
class Case:
    """A file that is damaged from `at` (0 to 1 of its length) on.

    `vouched`: as a hostile writer would, let the manifest agree with the damaged file. Then another
    answer cannot be told from a right one, but nothing may crash.
    """

    file: str
    kind: str
    at: float
    seed: int
    vouched: bool = False

    def __str__(self) -> str:
        vouched = ", which the manifest vouches for" if self.vouched else ""
        return f"{self.file}: {self.kind} at {self.at:.3f}{vouched}"

    def damaged(self, content: bytes) -> bytes:
        """Return the content, damaged."""
        draw, size = random.Random(self.seed), len(content)
        at = min(int(self.at * size), size - 1)
        if self.kind == "truncated":
            return content[:at]
        changed = bytearray(content)
        if self.kind == "one bit":
            changed[at] ^= 1 << draw.randrange(8)
        elif self.kind == "zeros":
            changed[at : at + 64] = bytes(len(changed[at : at + 64]))
        else:
            changed[at : at + 8] = draw.randbytes(len(changed[at : at + 8]))
        return bytes(changed)


class Target(ABC):
    """Files in a folder, and the whole answer that is read from them."""

    name: str

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write the files."""

    @abstractmethod
    def answer(self, folder: Path) -> Any:
        """Open the files and answer, as JSON that says all that is read of them."""


class IndexTarget(Target):
    """A published index with every file that there can be, opened and searched."""

    def __init__(self, engine: str) -> None:
        self.name, self.engine = f"index {engine}", engine

    def write(self, folder: Path) -> None:
        """Publish 20 items with 24 photos."""
        rows = np.arange(20)
        content = GenerationContent(
            vectors=np.concatenate([tagged_vectors("old"), tagged_vectors("new")[:4]]),
            further_items=np.array([3, 3, 7, 9]),
            items={
                "id": [f"i{row}" for row in rows],
                "title": [f"piece {row}" for row in rows],
                "colour": [("red", "blue")[row % 2] for row in rows],
                "price": [float(row) for row in rows],
            },
            thumbs=[b"thumbnail %d" % n for n in range(24)],
            details=[b"detail %d" % n for n in range(24)],
            encoder={"id": "tiny", "revision": "0123456789abcdef"},
            licence="CC0-1.0",
            projection=(np.zeros(256, np.float32), np.eye(256, 16, dtype=np.float32)),
            report={"rejected": []},
            extras={
                "map.npy": np.stack([rows, -rows], axis=1).astype(np.float32),
                "calibration.json": {
                    "kind": "colour",
                    "scores": [-1.0, 0.5, 1.0],
                    "shares": [0.0, 0.5, 1.0],
                    "pairs": 9,
                },
            },
        )
        publish(folder, write_generation(folder, content, EngineOptions(engine=self.engine)))

    def answer(self, folder: Path) -> Any:
        """Everything that a site reads of an index."""
        index = Index.open(folder, self.engine)
        fitted, generation = calibration(index), index.generation
        hits = [index.search(vector, k=5) for vector in tagged_vectors("old")[:6]]
        return {
            "manifest": vars(index.manifest),
            "items": generation.items.to_pydict(),
            "hits": [[(hit.id, round(hit.score, 5)) for hit in found] for found in hits],
            "similar": [hit.id for hit in index.similar("i3", where="colour=red")],
            "photos": [generation.thumb(row).decode("latin-1") for row in range(24)],
            "details": [generation.detail(row).decode("latin-1") for row in range(24)],
            "map": np.asarray(projection_2d(index)).tolist(),
            "calibration": vars(fitted) if fitted else None,
        }


class ModelsTarget(Target):
    """Published models of the recommenders, opened and asked."""

    name = "recommenders"

    def write(self, folder: Path) -> None:
        """Publish an index and models beside it."""
        Refresh().prepare(folder)
        index = Index.open(folder, verify="quick")
        self._items = Items.of_index(index)
        for path in [*folder.iterdir()]:  # the index has a target of its own
            if path.name != "models":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def answer(self, folder: Path) -> Any:
        """The manifest and what three people get."""
        models = open_published(folder / "models", self._items)
        if models is None:
            raise FileNotFoundError("no models are published")
        histories = [History.of_rows(rows) for rows in ([0, 2], [1, 3], [])]
        answers = [
            [(one.id, round(one.score, 5), one.reason) for one in model.recommend(history, 5).items]
            for model in (models.hybrid, models.bought_together)
            for history in histories
        ]
        return {"manifest": models.manifest, "answers": answers}


class EncoderTarget(Target):
    """A small encoder, loaded for an index that was built with it, and asked for a vector."""

    name = "encoder"

    def write(self, folder: Path) -> None:
        """Write a ResNet of few weights, and an index of its vectors."""
        import torch
        from transformers import ResNetConfig, ResNetModel
        from transformers.models.convnext.image_processing_pil_convnext import (
            ConvNextImageProcessorPil,
        )

        from lookbook.encoding.encoder import Encoder

        torch.manual_seed(0)
        torch.set_num_threads(1)
        config = ResNetConfig(embedding_size=8, hidden_sizes=[16], depths=[1], layer_type="basic")
        ResNetModel(config).save_pretrained(folder)
        ConvNextImageProcessorPil(size={"shortest_edge": 48}, crop_pct=1.0).save_pretrained(folder)
        self._picture = np.random.default_rng(0).integers(0, 255, (60, 50, 3), np.uint8)
        encoder = Encoder.load(folder, precision="float32", backend="torch")
        vectors = encoder.encode([self._picture])
        self._index = folder.parent / "index of the encoder"
        content = GenerationContent(
            vectors=vectors,
            items={"id": ["a"], "title": ["a"]},
            thumbs=[b"picture"],
            encoder=encoder.identity,
        )
        options = EngineOptions(engine="exact")
        publish(self._index, write_generation(self._index, content, options))

    def answer(self, folder: Path) -> Any:
        """The vector of a picture."""
        index = Index.open(self._index, verify="quick")
        encoder = load_matching_encoder(index, str(folder), backend="torch")
        return np.round(encoder.encode([self._picture])[0].astype(float), 5).tolist()


def damage(folder: Path, cases: int, seed: int = 0) -> Results:
    """Damage files of each target; a quarter of those of a manifest are vouched for by it."""
    results, counted = Results("damage"), Counter[str]()
    targets = [IndexTarget("annoy"), IndexTarget("hnswlib"), ModelsTarget(), EncoderTarget()]
    for place, target in enumerate(targets):
        good = folder / target.name / "good"
        good.mkdir(parents=True)
        target.write(good)
        right = _plain(target.answer(good))
        mine = list(_cases(good, len(range(place, cases, len(targets))), seed))
        for start in range(0, len(mine), _BATCH):
            for case, became in _try_batch(target, good, mine[start : start + _BATCH], right):
                counted[became.split(":")[0]] += 1
                wrong = became not in ("right", "refused", "another answer")
                results.add(f"{target.name}: {case}", *[became] * wrong)
    results.note = ", ".join(f"{count} {became}" for became, count in counted.most_common())
    return results


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=np.ndarray.tolist)


def _cases(folder: Path, count: int, seed: int) -> Sequence[Case]:
    """Return cases over all files, regions and kinds, in an order that mixes them."""
    draw = random.Random(seed)
    files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.stat().st_size)
    files = [name for name in files if (folder / name).is_file()]
    grid = [(f, kind, region) for f in files for kind in KINDS for region in range(_REGIONS)]
    draw.shuffle(grid)
    cases = []
    for n in range(count):
        file, kind, region = grid[n % len(grid)]
        manifest = (folder / file).with_name(MANIFEST)
        vouched = n % 4 == 3 and manifest.exists() and Path(file).name != MANIFEST
        at = (region + draw.random()) / _REGIONS
        cases.append(Case(file, kind, at, draw.randrange(2**32), vouched))
    return cases


def _try_batch(
    target: Target, good: Path, cases: Sequence[Case], right: str
) -> list[tuple[Case, str]]:
    """Try cases in one child; where one ends it, the others in further ones."""
    found: list[tuple[Case, str]] = []
    while len(found) < len(cases):
        left = cases[len(found) :]
        outcome = run(lambda tell, left=left: _try_each(target, good, left, right, tell))
        told = outcome.told + ([] if outcome.done else [f"CRASH: {outcome}"])
        found += zip(left, told, strict=False)
        must(bool(told), "a child said nothing")
    return found


def _try_each(target: Target, good: Path, cases: Sequence[Case], right: str, tell: Tell) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries warn of what is damaged
    for case in cases:
        work = Path(shutil.copytree(good, good.with_name("work"), copy_function=os.link))
        try:
            _write_damaged(work, case)
            tell(_became(target, work, right, case.vouched))
        finally:
            shutil.rmtree(work)


def _write_damaged(work: Path, case: Case) -> None:
    path = work / case.file
    content = case.damaged(path.read_bytes())
    path.unlink()  # a link to the good one
    path.write_bytes(content)
    if case.vouched:
        manifest = path.with_name(MANIFEST)
        value = json.loads(manifest.read_text())
        if path.name in value["files"]:
            value["files"][path.name] = file_record(path)
        manifest.unlink()
        manifest.write_text(json.dumps(add_checksum(value)))


def _became(target: Target, work: Path, right: str, vouched: bool) -> str:
    try:
        answer = _plain(target.answer(work))
    except (OSError, ValueError, LookupError) as error:
        return "refused" if str(error) else f"NO SENTENCE: {type(error).__name__}"
    except Exception as error:
        return f"TRACEBACK: {type(error).__name__}: {error}"[:200]
    if answer == right:
        return "right"
    return "another answer" if vouched else "WRONG: another answer, without a word"
