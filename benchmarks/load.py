"""A site under a steady load: do its answers stay fast, are there errors, does its memory grow?

python -m benchmarks.load [--seconds 600] [--visitors 40] [--share 1]

20 item searches and 2 photo searches a second arrive at random times (a Poisson process), whether
or not earlier ones are answered. A photo is uploaded; of an answer every picture is fetched that
the visitor has not seen yet, as a browser keeps them. The visitors share the processor with the
site. An answer 503 or 429 is a refusal and no error. Memory is the resident set after a tenth of
the time and at the end. Appends to load.csv; the exit status is 1 where anything failed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import sys
import tempfile
import time
from argparse import Namespace
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import httpx
import numpy as np

from benchmarks.rows import append
from benchmarks.visitors import (
    FileClient,
    Visitor,
    browser_client,
    free_ports,
    start_site,
    wait_until_ready,
)
from lookbook import Index

RESULTS = Path(__file__).with_name("load.csv")
KINDS = {"item": 20.0, "photo": 2.0}  # searches a second
COLUMNS = (
    *("date", "machine", "cores", "lookbook", "items", "visitors", "seconds", "share"),
    *(f"{kind}_{figure}" for kind in KINDS for figure in ("n", "p50_ms", "p95_ms")),
    *(
        "errors",
        "refused",
        "site_cpu_s",
        "visitors_cpu_s",
        "rss_warm_mb",
        "rss_end_mb",
        "growth_pct",
        "load",
    ),
)
_PHOTOS = sorted((Path(__file__).parents[1] / "examples").glob("*.jpg"))
_OVERLOAD = (429, 503)
_WARM_UP = 0.1  # share of the time
_DRAIN = 120  # seconds for the last answers


class Outcome:
    """What became of the searches: milliseconds by kind, errors by kind and reason, refusals."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self.refused = 0
        self.rss: list[float] = []  # MB after the warm-up and at the end
        self.site_cpu = self.own_cpu = 0.0  # seconds of the processor


class Person:
    """A visitor with a browser: its cache, and as many tabs as there are searches at once."""

    def __init__(self, client: httpx.AsyncClient, config: dict, number: int) -> None:
        self._client, self._config = client, config
        self._files = FileClient(client.base_url.port or 80, number)
        self._idle: list[Visitor] = []
        self._numbers = itertools.count(1000 * number)  # of sessions, each a visitor's alone
        self.cache: set[str] = set()

    @contextmanager
    def tab(self) -> Iterator[Visitor]:
        """Lend a tab in which nothing is being searched; one in which a search failed is closed."""
        if not self._idle:
            self._idle.append(Visitor(self._client, self._config, next(self._numbers), self._files))
        tab = self._idle.pop()
        yield tab
        self._idle.append(tab)


def distinct(photo: bytes, number: int) -> bytes:
    """Return a JPEG with a comment, so that no two uploads are the same file."""
    comment = f"{number}".encode()
    return photo[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + photo[2:]


async def search_photo(tab: Visitor, photo: bytes) -> str:
    """Upload a photo and search with it, as the page does; return the answer."""
    files = {"files": ("photo.jpg", photo, "image/jpeg")}
    uploaded = await tab.http.post("gradio_api/upload", files=files)
    uploaded.raise_for_status()
    value = {"path": uploaded.json()[0], "meta": {"_type": "gradio.FileData"}}
    return await tab.answer("picture", "input", None, value)


async def search(person: Person, kind: str, number: int, item: str, outcome: Outcome) -> None:
    """Search once, fetch the pictures of the answer, and note what became of it."""
    begun = time.monotonic()
    try:
        with person.tab() as tab:
            if kind == "photo":
                photo = _PHOTOS[number % len(_PHOTOS)].read_bytes()
                answer = await search_photo(tab, distinct(photo, number))
            else:
                answer = await tab.answer("results", "open", {"id": item})
            await tab.show(answer, person.cache)
            seconds = time.monotonic() - begun
            if kind == "photo":
                await tab.follow("picture", "input", answer)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in _OVERLOAD:
            outcome.refused += 1
        else:
            outcome.errors[f"{kind}: {status}"] += 1
    except (httpx.HTTPError, RuntimeError) as error:
        outcome.errors[f"{kind}: {type(error).__name__}"] += 1
        print(f"{kind}: {error!r}"[:400], file=sys.stderr)
    else:
        outcome.took[kind].append(1000 * seconds)


async def arrivals(
    crowd: Sequence[Person], kind: str, items: Sequence[str], args: Namespace, outcome: Outcome
) -> None:
    """Begin searches of a kind at random times until the time is over; wait for their answers."""
    rng, start, due, number = random.Random(kind), time.monotonic(), 0.0, 0
    running = set()
    while (due := due + rng.expovariate(args.share * KINDS[kind])) < args.seconds:
        await asyncio.sleep(start + due - time.monotonic())
        person, item = crowd[number % len(crowd)], rng.choice(items)
        running.add(asyncio.create_task(search(person, kind, number, item, outcome)))
        number += 1
    left = (await asyncio.wait(running, timeout=_DRAIN))[1] if running else set()
    for task in left:
        task.cancel()
    outcome.errors[f"{kind}: unfinished"] += len(left)
    await asyncio.gather(*left, return_exceptions=True)


async def watch_memory(pid: int, seconds: float, outcome: Outcome) -> None:
    """Note the memory of the site after the warm-up and at the end."""
    await asyncio.sleep(_WARM_UP * seconds)
    outcome.rss.append(resident_mb(pid))
    await asyncio.sleep((1 - _WARM_UP) * seconds)
    outcome.rss.append(resident_mb(pid))


def resident_mb(pid: int) -> float:
    """Return the resident set of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def under_load(address: str, pid: int, items: Sequence[str], args: Namespace) -> Outcome:
    """Let the searches of all kinds arrive, and return what became of them."""
    outcome, seconds = Outcome(), args.seconds
    site_before, own_before = cpu_seconds(pid), time.process_time()
    async with AsyncExitStack() as stack:
        opened = [browser_client(address, number) for number in range(args.visitors)]
        clients = [await stack.enter_async_context(client) for client in opened]
        config = (await clients[0].get("config")).json()
        crowd = [Person(client, config, number) for number, client in enumerate(clients)]
        await asyncio.gather(
            watch_memory(pid, seconds, outcome),
            *(arrivals(crowd, kind, items, args, outcome) for kind in KINDS),
        )
    outcome.site_cpu = cpu_seconds(pid) - site_before
    outcome.own_cpu = time.process_time() - own_before
    return outcome


def row_of(outcome: Outcome) -> dict[str, object]:
    """Return the figures of a run by the names of COLUMNS."""
    row: dict[str, object] = {}
    for kind in KINDS:
        row[f"{kind}_n"] = len(outcome.took[kind])
        if outcome.took[kind]:
            p50, p95 = np.percentile(outcome.took[kind], [50, 95])
            row |= {f"{kind}_p50_ms": round(p50), f"{kind}_p95_ms": round(p95)}
    warm, end = outcome.rss
    return row | {
        "errors": "; ".join(f"{name} {n}" for name, n in sorted((+outcome.errors).items())) or 0,
        "refused": outcome.refused,
        "site_cpu_s": round(outcome.site_cpu),
        "visitors_cpu_s": round(outcome.own_cpu),
        "rss_warm_mb": round(warm),
        "rss_end_mb": round(end),
        "growth_pct": f"{100 * (end / warm - 1):.1f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--visitors", type=int, default=40)
    parser.add_argument("--share", type=float, default=1, help="of these rates, on less processor")
    args = parser.parse_args()
    items = [item.id for item in Index.open(args.index).items]
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory() as state:
        site = start_site(args.index, port, state)
        try:
            wait_until_ready(port)
            address = f"http://127.0.0.1:{port}/"
            outcome = asyncio.run(under_load(address, site.pid, items, args))
        finally:
            site.terminate()
            site.wait(40)
    row = {"items": len(items), "visitors": args.visitors, "seconds": round(args.seconds)}
    row["share"] = args.share
    row |= row_of(outcome) | {"load": f"{os.getloadavg()[0]:.1f}"}
    append(RESULTS, COLUMNS, row)
    print(row)
    sys.exit(outcome.errors.total() > 0)


if __name__ == "__main__":
    main()
