"""Compare Lookbook with the usual recipe of visual search, side by side in one run.

python -m benchmarks.recipe [--items 44000] [--count 60] [--bulk 1000]

The usual recipe: transformers' ResNet-50 and its preprocessing (224 px, float32), the largest value
of each channel (2,048), exact search by cosine; weights are random, as they do not change the time.
Lookbook in Python: `Encoder.encode` and `Index.search`. As on the site: `photo_query`, which also
locates the garment. Each way answers ROUND photos in a row (street shots of the house collection,
JPEG of 400 x 533 px), then the next way the same photos, in one process, so that other work on the
machine slows all alike; each has the threads that its libraries take when no variable is set. Ways
are a pause apart: the threads of numpy and torch wait busily for up to 0.1 s after work, which
takes a core from whoever comes next. In bulk: a loop over batches of 32 against embed.py from a
folder to a published index, without the map. Appends to recipe.csv.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.rows import append
from house_collection.collection import products
from house_collection.street import street_shot
from lookbook import Encoder, Index
from lookbook.catalog import open_catalog
from lookbook.index import GenerationContent, publish, write_generation
from lookbook.indexing import build
from lookbook.indexing.pipeline import BuildOptions
from lookbook.schema.batches import batches
from lookbook.search.photo_query import photo_query

RESULTS = Path(__file__).with_name("recipe.csv")
COLUMNS = (
    *("date", "machine", "cores", "python", "torch", "lookbook", "backend", "precision", "load"),
    *("measure", "items", "photos", "p50_ms", "p95_ms", "images_per_s", "ratio"),
)
K, BATCH, SIZE = 24, 32, (400, 533)
ROUND, WARM_UP, PAUSE = 12, 2, 0.3  # photos, of them not counted, seconds


class UsualRecipe:
    """A frozen ResNet-50 of transformers, max pooling, and exact search among `items` vectors."""

    def __init__(self, items: int) -> None:
        import torch
        from transformers import ResNetConfig, ResNetModel
        from transformers.models.convnext.image_processing_pil_convnext import (
            ConvNextImageProcessorPil,
        )

        torch.manual_seed(0)
        self.model = ResNetModel(ResNetConfig()).eval()
        self.processor = ConvNextImageProcessorPil(size={"shortest_edge": 224}, crop_pct=0.875)
        rows = np.random.default_rng(0).normal(size=(items, 2048)).astype(np.float32)
        self.rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode(self, photos: list[bytes]) -> np.ndarray:
        """Return float32 (n, 2048) of L2 norm 1."""
        import torch

        images = [Image.open(io.BytesIO(photo)).convert("RGB") for photo in photos]
        with torch.no_grad():
            inputs = self.processor(images=images, return_tensors="pt")
            vectors = self.model(**inputs).last_hidden_state.amax((2, 3)).numpy()
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def search(self, photo: bytes) -> np.ndarray:
        """Return the K nearest rows."""
        scores = self.rows @ self.encode([photo])[0]
        nearest = np.argpartition(-scores, K)[:K]
        return nearest[np.argsort(-scores[nearest])]


def street_photos(count: int) -> list[bytes]:
    """Return street shots of `count` products of the house collection as JPEG files."""
    photos = []
    for n, product in enumerate(products(count)):
        out = io.BytesIO()
        street_shot(product, n).resize(SIZE).save(out, "JPEG", quality=88)
        photos.append(out.getvalue())
    return photos[:count]


def shop(vectors: np.ndarray, items: int, root: Path) -> Index:
    """Publish `items` rows around `vectors` (n, dim), as near to them as other photos are.

    Noise of half their norm: the cosine with the photo is about 0.9.
    """
    draw = np.random.default_rng(0)
    rows = vectors[draw.integers(len(vectors), size=items)]
    rows = rows + draw.normal(scale=0.5 / rows.shape[1] ** 0.5, size=rows.shape)
    names = [str(n) for n in range(items)]
    content = GenerationContent(
        vectors=rows.astype(np.float32),
        items={"id": names, "title": names},
        thumbs=[b""] * items,
        encoder={"id": "benchmark"},
    )
    publish(root, write_generation(root, content))
    return Index.open(root)


def in_turn(ways: dict[str, Callable[[bytes], object]], photos: list[bytes]) -> dict[str, list]:
    """Return the milliseconds of each way for each photo that counts, round by round."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for group in batches(photos, ROUND):
        for name, way in ways.items():
            time.sleep(PAUSE)
            for number, photo in enumerate(group):
                start = time.perf_counter()
                way(photo)
                if number >= WARM_UP:
                    took[name].append(1000 * (time.perf_counter() - start))
    return took


def single(encoder: Encoder, items: int, count: int, root: Path) -> list[dict[str, object]]:
    """Return a row for each way to answer a photo."""
    photos = street_photos(count)
    recipe, index = UsualRecipe(items), shop(encoder.encode(photos), items, root)
    ways: dict[str, Callable[[bytes], object]] = {
        "usual recipe": recipe.search,
        "lookbook in Python": lambda photo: index.search(encoder.encode([photo])[0], K),
        "lookbook as on the site": lambda photo: index.search(
            encoder.as_query(photo_query(photo, encoder).vector[None], "photo")[0], K
        ),
    }
    rows = []
    for name, times in in_turn(ways, photos).items():
        p50, p95 = np.percentile(times, [50, 95])
        rows.append({"measure": name, "items": items, "photos": len(times), "p50_ms": p50})
        rows[-1] |= {"p95_ms": p95, "ratio": rows[0]["p50_ms"] / p50}
    return rows


def bulk(encoder: Encoder, count: int, root: Path) -> list[dict[str, object]]:
    """Return a row for the plain loop and one for embed.py."""
    folder, recipe = root / "photos", UsualRecipe(1)
    folder.mkdir(parents=True)
    for n, photo in enumerate(street_photos(count)):
        (folder / f"{n}.jpg").write_bytes(photo)
    files = sorted(folder.iterdir())
    seconds = {}
    start = time.perf_counter()
    for first in range(0, count, BATCH):
        recipe.encode([file.read_bytes() for file in files[first : first + BATCH]])
    seconds["usual recipe, batches of 32"] = time.perf_counter() - start
    start = time.perf_counter()
    build(
        *(open_catalog(str(folder)), encoder, root / "index", BuildOptions(draw_map=False)),
        quiet=True,
    )
    seconds["embed.py, folder to published index"] = time.perf_counter() - start
    usual = next(iter(seconds.values()))
    return [
        {"measure": name, "photos": count, "images_per_s": count / took, "ratio": usual / took}
        for name, took in seconds.items()
    ]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=44_000, help="of the index")
    parser.add_argument("--count", type=int, default=60, help="photos that are searched")
    parser.add_argument("--bulk", type=int, default=1000, help="photos that are indexed")
    parser.add_argument("--backend", default="auto")
    args = parser.parse_args(argv)
    if args.count <= WARM_UP:
        parser.error(
            f"--count: expected at least {WARM_UP + 1} photos, found {args.count}: the first "
            f"{WARM_UP} of a round are not counted"
        )
    import os

    import torch

    encoder = Encoder.load(backend=args.backend)
    about = {"torch": torch.__version__, "precision": encoder.precision}
    about |= {"backend": encoder.backend.name}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for part in (
            lambda: single(encoder, args.items, args.count, root / "shop"),
            lambda: bulk(encoder, args.bulk, root / "bulk"),
        ):
            for row in part():
                row = {n: f"{v:.2f}" if isinstance(v, float) else v for n, v in row.items()}
                row["load"] = f"{os.getloadavg()[0]:.1f}"
                append(RESULTS, COLUMNS, about | row)
                print(row, flush=True)


if __name__ == "__main__":
    main()
