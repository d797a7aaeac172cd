"""Measure what `train.py` does in a second, on the CPU or a GPU.

python -m benchmarks.training [--device cuda --batch 512 --size 160 --views strong]

Pictures of the house collection, drawn first and then decoded to the cache as by `train.py`; views
of whole batches; and steps from the cache to changed weights, of random weights whose first stages
are frozen. Each is repeated after a warm-up and the median counted. `cpu_ms` is the time of all the
processor's threads for one picture, which other work on the machine disturbs less. Appends
to training.csv. Further options are those of `train.py`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from benchmarks.rows import append
from house_collection.collection import products
from lookbook.catalog import open_catalog
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.data import (
    PhotoDataset,
    cached_photos,
    description_of,
    label_classes,
    set_class_ids,
)
from lookbook.training.options import parse_options
from lookbook.training.pair_sampler import Batch, PairSampler
from lookbook.training.trainer import Trainer

RESULTS = Path(__file__).with_name("training.csv")
COLUMNS = (
    *("date", "machine", "cores", "python", "torch", "lookbook", "device", "threads"),
    *("views", "size", "batch", "measure", "pictures", "pictures_per_s", "cpu_ms"),
)


def draw_pictures(count: int, folder: Path) -> None:
    """Write drawn garments as JPEG files, of which each is one product."""
    folder.mkdir()
    for number, product in enumerate(products(count)):
        product.draw().save(folder / f"{number}.jpg", quality=90)


def measured(pictures: int, device: str, work: Callable[[], object], repeats: int) -> dict:
    """Return the median pictures a second and processor time of `work`, after a warm-up."""
    seconds, cpu = [], []
    for _ in range(repeats + 1):
        start, cpu_start = time.perf_counter(), time.process_time()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    rate, share = pictures / median(seconds[1:]), 1000 * median(cpu[1:]) / pictures
    return {"pictures": pictures, "pictures_per_s": f"{rate:.1f}", "cpu_ms": f"{share:.2f}"}


def fill_cache(folder: Path, args: argparse.Namespace) -> tuple[PhotoDataset, dict]:
    """Return the decoded photos and what decoding them took."""
    start, cpu_start = time.perf_counter(), time.process_time()
    photos = cached_photos(
        args.work / "cache", lambda: open_catalog(str(folder)), args.cache_side, "id", args.threads
    )
    rate = len(photos) / (time.perf_counter() - start)
    cpu = 1000 * (time.process_time() - cpu_start) / len(photos)
    row = {"pictures": len(photos), "pictures_per_s": f"{rate:.1f}", "cpu_ms": f"{cpu:.2f}"}
    return photos, row


def rows(count: int, repeats: int, args: argparse.Namespace) -> list[dict[str, object]]:
    """Return a row each of the cache, of views and of whole steps."""
    folder = args.work / "pictures"
    draw_pictures(count, folder)
    photos, cache = fill_cache(folder, args)
    classes = label_classes([photos])
    set_class_ids(photos, classes)
    vocabulary = Vocabulary.fit(description_of(photos, row).text for row in range(len(photos)))
    trainer = Trainer(args, classes, vocabulary, 0)
    sampler = PairSampler([photos], photos, 0.2, trainer.device, strong=args.views == "strong")
    batches = sampler.batches(args.batch, args.size, args.seed)
    views = len(next(batches).images)

    def step(batch: Batch | None = None) -> None:
        losses = trainer.update(next(batches) if batch is None else batch, args.lr)
        float(next(iter(losses.values())))

    batch = next(batches)
    works = {
        "views": lambda: next(batches),
        "network, its losses and their gradients": lambda: step(batch),
        "step: views and network": step,
    }
    return [{"measure": "decode to the cache"} | cache] + [
        {"measure": name} | measured(views, args.device, work, repeats)
        for name, work in works.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=512, help="drawn pictures")
    parser.add_argument("--repeats", type=int, default=5)
    own, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        fixed = ["--data", "drawn", "--work", name, "--start-from", "none"]
        args = parse_options([*fixed, "--freeze-stages", "3", *options])
        torch.set_num_threads(args.threads)
        about = {"torch": torch.__version__, "device": args.device, "threads": args.threads}
        about |= {"views": args.views, "size": args.size, "batch": args.batch}
        if args.device == "cuda":
            about["machine"] = torch.cuda.get_device_name()
        for row in rows(own.count, own.repeats, args):
            print(row, flush=True)
            append(RESULTS, COLUMNS, about | row)


if __name__ == "__main__":
    main()
