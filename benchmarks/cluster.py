"""Two sites behind nginx on one PostgreSQL, one of them killed under load: is a like ever lost?

python -m benchmarks.cluster [--seconds 60] [--visitors 8]    (needs nginx and PostgreSQL)

nginx runs with deploy/nginx.conf, its addresses replaced by ones of this machine. Visitors open
items, each fourth press is a like; those whose answer has arrived are confirmed. After a third of
the time one site gets SIGKILL, after two thirds it is started again. In the end every confirmed
like must be in the database. Appends to cluster.csv.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

import httpx
import numpy as np

from benchmarks.rows import append
from benchmarks.visitors import Visitor, free_ports, start_site, wait_until_ready
from lookbook import Index
from lookbook.events import EventStore
from tests.postgres import postgres

RESULTS = Path(__file__).with_name("cluster.csv")
COLUMNS = (
    *("date", "machine", "cores", "lookbook", "visitors", "seconds", "answers", "failed"),
    *("p50_ms", "p95_ms", "longest_outage_s", "likes_confirmed", "likes_lost", "load"),
)
CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"
_PAUSE = 0.3  # seconds between two presses of a visitor


class Cluster:
    """Two sites on one database behind nginx."""

    def __init__(self, url: str, state: str) -> None:
        self._url, self._state = url, state
        self._port, *self._sites = free_ports(3)
        self._running: dict[int, subprocess.Popen] = {}
        self.address = f"http://127.0.0.1:{self._port}/"

    def start(self, number: int) -> None:
        """Start one of the sites."""
        environment = {"LOOKBOOK_DATABASE_URL": self._url, "FORWARDED_ALLOW_IPS": "*"}
        port = self._sites[number]
        self._running[number] = start_site(Path("index"), port, self._state, environment)

    def kill(self, number: int) -> None:
        """Send SIGKILL to one of the sites."""
        self._running[number].kill()
        self._running.pop(number).wait()

    def __enter__(self) -> Cluster:
        with ExitStack() as stack:
            stack.callback(self._stop_sites)
            for number, port in enumerate(self._sites):
                self.start(number)
                wait_until_ready(port)
            stack.enter_context(nginx(self._port, self._sites))
            wait_until_ready(self._port)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _stop_sites(self) -> None:
        for site in self._running.values():
            site.terminate()
        for site in self._running.values():
            site.wait(40)


@contextmanager
def nginx(port: int, sites: list[int]) -> Iterator[None]:
    """Run nginx with the configuration of deploy/ in front of two sites."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = CONFIGURATION.read_text(encoding="utf-8").replace("/tmp/", f"{folder}/")
        configuration = configuration.replace("listen 8080", f"listen 127.0.0.1:{port}")
        for number, site in enumerate(sites, 1):
            configuration = configuration.replace(f"app{number}:7860", f"127.0.0.1:{site}")
        # all visitors come from one address here: each goes to either site
        configuration = configuration.replace("ip_hash;", "hash $http_visitor;")
        file = Path(folder) / "nginx.conf"
        file.write_text(configuration, encoding="utf-8")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        running = subprocess.Popen([program, "-p", folder, "-c", file, "-g", "daemon off;"])
        try:
            yield
        finally:
            running.terminate()
            running.wait(10)


class Presses:
    """What was answered: when (seconds since the start), how soon (ms), and the likes among it."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.answered: list[float] = []
        self.took: list[float] = []
        self.failed = 0
        self.likes: Counter[str] = Counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start


async def press(
    address: str, number: int, items: list[str], seconds: float, presses: Presses
) -> None:
    """Let one visitor press until the time is over; a failed press is followed by the next."""
    headers = {"visitor": str(number)}
    async with httpx.AsyncClient(base_url=address, timeout=20, headers=headers) as http:
        visitor = Visitor(http, (await http.get("config")).json(), number)
        for turn in itertools.count(1):
            item, begun = visitor.rng.choice(items), presses.elapsed
            if begun > seconds:
                return
            try:
                await visitor.answer("results", "open" if turn % 4 else "like", {"id": item})
            except (httpx.HTTPError, RuntimeError):
                presses.failed += 1
            else:
                presses.answered.append(presses.elapsed)
                presses.took.append(1000 * (presses.elapsed - begun))
                presses.likes[item] += not turn % 4
            await asyncio.sleep(_PAUSE)


async def under_load(cluster: Cluster, visitors: int, seconds: float) -> Presses:
    """Let visitors press while one site is killed and started again."""
    presses = Presses()
    items = [item.id for item in islice(Index.open("index").items, 200)]
    crowd = [press(cluster.address, n, items, seconds, presses) for n in range(visitors)]
    running = asyncio.gather(*crowd)
    await asyncio.sleep(seconds / 3)
    cluster.kill(0)
    await asyncio.sleep(seconds / 3)
    cluster.start(0)
    await running
    return presses


def lost_likes(url: str, presses: Presses) -> int:
    """Return how many confirmed likes the database lacks."""
    store = EventStore(url)
    stored = Counter(event.item for event in store.all() if event.event_type == "like")
    store.close()
    return (presses.likes - stored).total()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--visitors", type=int, default=8)
    args = parser.parse_args()
    with postgres() as url, tempfile.TemporaryDirectory() as state:
        if url is None:
            sys.exit("PostgreSQL is not installed: apt-get install postgresql")
        with Cluster(url, state) as cluster:
            presses = asyncio.run(under_load(cluster, args.visitors, args.seconds))
            lost = lost_likes(url, presses)
    times = [0.0, *sorted(presses.answered), args.seconds]
    p50, p95 = np.percentile(presses.took, [50, 95])
    row = {
        "visitors": args.visitors,
        "seconds": round(args.seconds),
        "answers": len(presses.took),
        "failed": presses.failed,
        "p50_ms": round(p50),
        "p95_ms": round(p95),
        "longest_outage_s": f"{np.diff(times).max():.1f}",
        "likes_confirmed": presses.likes.total(),
        "likes_lost": lost,
        "load": f"{os.getloadavg()[0]:.1f}",
    }
    append(RESULTS, COLUMNS, row)
    print(row)
    sys.exit(lost > 0)


if __name__ == "__main__":
    main()
