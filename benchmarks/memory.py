"""Memory of the site on a large catalogue after photos of visitors.

python -m benchmarks.memory [--items 44000] [--photos 50] [--keep FOLDER]

The catalogue is the shipped one over and over, each vector with noise of its own, built and tuned
as embed.py does. The site is started on 127.0.0.1; once it is ready and idle, photos are sent, five
at a time, each with all pictures of its answer. Resident, proportional (pages of files that other
programs use as well count in part) and what is of no file, in MB of 10^6 bytes, are appended to
memory.csv before the photos and after them, with the processor time of the site until then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from benchmarks.load import cpu_seconds, distinct, search_photo
from benchmarks.rows import append
from benchmarks.visitors import (
    Visitor,
    browser_client,
    free_ports,
    start_site,
    wait_until_ready,
)
from benchmarks.work_folder import work_folder
from lookbook import Index
from lookbook.index import GenerationContent, publish, write_generation
from lookbook.indexing.enrichment import enrich
from lookbook.indexing.reuse import QUERIES

RESULTS = Path(__file__).with_name("memory.csv")
COLUMNS = (
    *("date", "machine", "cores", "python", "lookbook", "items", "photos", "measure"),
    *("resident_mb", "proportional_mb", "not_of_files_mb", "processor_s", "load"),
)
_PHOTOS = sorted((Path(__file__).parents[1] / "examples").glob("*.jpg"))
_SHIPPED = Path(__file__).parents[1] / "index"
_AT_ONCE = 5
_NOISE = 0.3  # length of what is added to each vector, which is of length 1
_IDLE_SECONDS, _IDLE_SHARE = 3.0, 0.1  # without more work of the site its loading is over
_KIB = 1024


def build_index(output: Path, count: int) -> None:
    """Publish an index of `count` items in `output`: the shipped ones repeated, with noise."""
    shipped = Index.open(_SHIPPED)
    rows = np.arange(count) % len(shipped)
    rng = np.random.default_rng(0)
    vectors = np.asarray(shipped.generation.vectors, np.float32)[rows]
    for block in np.array_split(vectors, 1 + count // 4096):
        noise = rng.normal(size=block.shape)
        block += _NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    columns = {name: _repeated(shipped.column(name), count) for name in shipped.columns}
    ids = [f"{shipped.ids[row]}-{n}" for n, row in enumerate(rows)]
    pictures = shipped.generation
    manifest, read = shipped.manifest, pictures.read_array
    content = GenerationContent(
        vectors=vectors,
        items={"id": ids, "title": _repeated(shipped.titles, count), **columns},
        thumbs=(pictures.thumb(row) for row in rows),
        details=(pictures.detail(row) for row in rows),
        encoder=manifest.encoder,
        source=manifest.source,
        queries={
            kind: np.asarray(read(name, (None, manifest.dim), np.float16), np.float32)
            for kind, name in QUERIES.items()
        },
    )
    publish(output, write_generation(output, content, enrich=lambda g: enrich(g, draw_map=False)))


def _repeated(values: list, count: int) -> list:
    return list(islice(cycle(values), count))


def memory_mb(pid: int) -> dict[str, int]:
    """Return the memory of a process by the names of COLUMNS, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    found = {
        "resident_mb": kib["Rss"],
        "proportional_mb": kib["Pss"],
        "not_of_files_mb": kib["Pss_Anon"] + kib["Pss_Shmem"],
    }
    return {name: round(value * _KIB / 1e6) for name, value in found.items()}


def wait_until_idle(pid: int, seconds: float = 600) -> None:
    """Wait until a process does next to nothing; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = cpu_seconds(pid)
        time.sleep(_IDLE_SECONDS)
        if cpu_seconds(pid) - before < _IDLE_SHARE * _IDLE_SECONDS:
            return
    raise TimeoutError(f"the site has worked for {seconds:.0f} s")


async def send_photos(address: str, count: int) -> None:
    """Search with `count` photos, five at a time, and fetch all pictures of the answers."""
    numbers = iter(range(count))

    async def visit(number: int) -> None:
        async with browser_client(address, number) as client:
            visitor = Visitor(client, (await client.get("config")).json(), number)
            for n in numbers:
                photo = distinct(_PHOTOS[n % len(_PHOTOS)].read_bytes(), n)
                await visitor.show(await search_photo(visitor, photo))

    await asyncio.gather(*(visit(number) for number in range(_AT_ONCE)))


def measure(index: Path, items: int, photos: int) -> None:
    """Start the site on an index, send photos, and append the rows."""
    [port] = free_ports(1)

    def note(measure: str) -> None:
        row = {"items": items, "photos": photos, "measure": measure, **memory_mb(site.pid)}
        row |= {"processor_s": f"{cpu_seconds(site.pid):.1f}", "load": f"{os.getloadavg()[0]:.1f}"}
        append(RESULTS, COLUMNS, row)
        print(row, flush=True)

    with tempfile.TemporaryDirectory() as state:
        site = start_site(index, port, state)
        try:
            wait_until_ready(port)
            wait_until_idle(site.pid)
            note("loaded")
            asyncio.run(send_photos(f"http://127.0.0.1:{port}/", photos))
            note("after the photos")
        finally:
            site.terminate()
            site.wait(40)


def main() -> None:
    """Build an index where there is none yet, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=44_000)
    parser.add_argument("--photos", type=int, default=50)
    parser.add_argument(
        "--keep", metavar="FOLDER", help="keep the index here, or take it from here"
    )
    args = parser.parse_args()
    with work_folder(args.keep) as place:
        index = place / f"index-{args.items}"
        if not index.exists():
            build_index(index, args.items)
        measure(index, args.items, args.photos)


if __name__ == "__main__":
    main()
