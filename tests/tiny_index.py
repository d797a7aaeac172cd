"""Small generations whose every file says which generation it belongs to."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from lookbook.index import EngineOptions, GenerationContent, publish, write_generation
from lookbook.search.index import Index

COLOURS = ("red", "blue", "green")


def random_vectors(count: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def write_tiny(
    root: Path, count: int = 30, dim: int = 8, tag: str = "a", seed: int = 0, **options
) -> Path:
    """A generation of `count` items `{tag}-0`, `{tag}-1`...; its titles and thumbs hold the tag."""
    defaults = {
        "vectors": random_vectors(count, dim, seed),
        "items": {
            "id": [f"{tag}-{i}" for i in range(count)],
            "title": [f"{tag} shirt {i}" for i in range(count)],
            "colour": [COLOURS[i % 3] for i in range(count)],
            "price": [float(i) if i % 5 else None for i in range(count)],
        },
        "thumbs": [f"{tag}-picture-{i}".encode() for i in range(count)],
        "encoder": {"id": tag},
        "trees": 4,
        "seed": seed,
    }
    return write_plain(root, **{**defaults, **options})


def write_plain(root: Path, *, enrich=None, progress=None, **options) -> Path:
    """Write a generation from the fields of its content and of its engine options."""
    names = {field.name for field in fields(EngineOptions)}
    engine = EngineOptions(**{name: options.pop(name) for name in names & set(options)})
    content = GenerationContent(**options)
    return write_generation(root, content, engine, enrich=enrich, progress=progress)


def small_extras(generation) -> dict:
    """Every file that may be learnt of a generation, small and known."""
    count = generation.manifest.count
    return {
        "calibration.json": {
            "kind": "colour",
            "scores": [-1.0, 1.0],
            "shares": [0.0, 1.0],
            "pairs": 9,
        },
        "map.npy": np.stack([np.arange(count), -np.arange(count)], axis=1).astype(np.float32),
        "evaluation.json": {"note": "learnt"},
    }


def publish_tiny(root: Path, **options) -> Path:
    generation = write_tiny(root, **options)
    publish(root, generation)
    return generation


def index_of_columns(root: Path, vectors: np.ndarray, **columns: list) -> Index:
    """An index of items with these vectors (n, dim) and columns, without titles and pictures."""
    count = len(vectors)
    items = {"id": [f"i{n}" for n in range(count)], "title": ["x"] * count, **columns}
    publish_tiny(root, count=count, vectors=vectors, items=items, thumbs=[b""] * count)
    return Index.open(root, engine="exact")
