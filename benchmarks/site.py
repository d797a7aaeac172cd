"""Latency of the site: start to first page, and click to pictures under concurrent visitors.

python -m benchmarks.site --visitors 10        (needs Chromium and the packages of the tests)

One visitor is a real browser, which renders on the same cores. The others stand for visitors whose
pages are rendered elsewhere: they send a browser's requests and fetch every picture of the answer.
*garments* is from the click on a photo until its garments are offered, after the pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import random
import re
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np

from benchmarks.rows import append
from benchmarks.visitors import Visitor, browser_client, free_ports, start_site

RESULTS = Path(__file__).with_name("site.csv")
COLUMNS = ("date", "machine", "cores", "items", "visitors", "measure", "n", "p50", "p95", "unit")
CARDS = "#results .card .open"
_THINK_TIME = (1.0, 3.0)  # seconds between two clicks of a visitor
_EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.jpg"))

# true once the gallery shows other items than before and all pictures in view are loaded
_SHOWN = """before => {
  const cards = [...document.querySelectorAll('#results .card .open')];
  if (!cards.length || cards.map(e => e.dataset.id).join() === before) return false;
  const inView = cards.map(e => e.querySelector('img')).filter(i =>
    i.getBoundingClientRect().top < innerHeight);
  return inView.every(i => i.complete && i.naturalWidth);
}"""
_IDS = "() => [...document.querySelectorAll('#results .card .open')].map(e => e.dataset.id).join()"


@asynccontextmanager
async def chromium() -> AsyncIterator:
    """Yield a headless Chromium."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-background-networking"],
        )
        yield browser
        await browser.close()


async def first_page(browser: object, port: int, start: float) -> float:
    """Return the seconds from `start` until a page shows pictures."""
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
            break
        except OSError:
            await asyncio.sleep(0.05)
    page = await browser.new_page()
    await page.goto(f"http://127.0.0.1:{port}/")
    await page.wait_for_function(_SHOWN, arg="")
    seconds = time.monotonic() - start
    await page.close()
    return seconds


async def timed(page: object, click: object) -> float:
    """Return the milliseconds from a click until the pictures of its answer are shown."""
    before = await page.evaluate(_IDS)
    start = time.monotonic()
    await click()
    await page.wait_for_function(_SHOWN, arg=before, timeout=60_000)
    return (time.monotonic() - start) * 1000


async def browse(browser: object, port: int, clicks: int, took: dict[str, list]) -> None:
    """Click results in a browser, every fourth time an example picture; append times to `took`."""
    rng = random.Random(0)
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    await page.goto(f"http://127.0.0.1:{port}/")
    await page.wait_for_function(_SHOWN, arg="", timeout=120_000)
    for click in range(clicks):
        await asyncio.sleep(rng.uniform(*_THINK_TIME))
        if click % 4 == 3:
            example = page.locator("#examples button").nth(rng.randrange(len(_EXAMPLES)))
            took["browser: picture"].append(await timed(page, example.click))
        else:
            card = page.locator(CARDS).nth(rng.randrange(6))
            took["browser: result"].append(await timed(page, card.click))


class Clicker(Visitor):
    """A visitor who clicks results and examples."""

    ids: Sequence[str] = ()

    async def send(self, elem_id: str, name: str, data: dict) -> str:
        """Send one event, fetch all pictures of the gallery in its answer, and return that."""
        answer = await self.answer(elem_id, name, data)
        self.ids = re.findall(
            r"class=.{1,2}open.{1,200}?data-act=.{1,2}open.{1,3}data-id=.{1,2}(\w+)", answer
        )
        if not self.ids:
            raise RuntimeError(f"an answer without results: {answer[:300]}")
        await self.show(answer)
        return answer

    async def visit(self, clicks: int, took: dict[str, list]) -> None:
        """Click as `browse` does."""
        for click in range(clicks):
            await asyncio.sleep(self.rng.uniform(*_THINK_TIME))
            if not self.ids or click % 4 == 3:
                event = ("examples", "example", {"i": str(self.rng.randrange(len(_EXAMPLES)))})
            else:
                event = ("results", "open", {"id": self.rng.choice(self.ids[:6])})
            start = time.monotonic()
            answer = await self.send(*event)
            kind = "picture" if event[0] == "examples" else "result"
            took[kind].append((time.monotonic() - start) * 1000)
            if kind == "picture":
                await self.follow(*event[:2], answer)
                took["garments"].append((time.monotonic() - start) * 1000)


async def crowd(port: int, count: int, clicks: int, took: dict[str, list]) -> None:
    """Run `count` visitors without a browser at once."""
    async with AsyncExitStack() as stack:
        opened = [browser_client(f"http://127.0.0.1:{port}/", number) for number in range(count)]
        clients = [await stack.enter_async_context(client) for client in opened]
        configs = await asyncio.gather(*(client.get("config") for client in clients))
        visitors = [Clicker(clients[n], configs[n].json(), seed=n) for n in range(count)]
        await asyncio.gather(*(visitor.visit(clicks, took) for visitor in visitors))


async def measure(args: argparse.Namespace) -> dict[str, list[float]]:
    """Return milliseconds: to the first page, and of each kind of click."""
    took: dict[str, list[float]] = defaultdict(list)
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory() as state:
        async with chromium() as browser:
            start = time.monotonic()
            site = start_site(args.index, port, state)
            try:
                took["first page"].append(1000 * await first_page(browser, port, start))
                await asyncio.sleep(8)  # the encoder loads while a first visitor looks around
                await asyncio.gather(
                    browse(browser, port, args.clicks, took),
                    crowd(port, args.visitors - 1, args.clicks, took),
                )
            finally:
                site.terminate()
                site.wait(20)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--visitors", type=int, default=10)
    parser.add_argument("--clicks", type=int, default=12, help="of each visitor")
    args = parser.parse_args()
    from lookbook import Index

    items = len(Index.open(args.index))
    # byte code, as any start leaves it for the next one unless PYTHONDONTWRITEBYTECODE is set
    compileall.compile_dir(Path(__file__).parents[1] / "lookbook", quiet=2)
    for kind, values in asyncio.run(measure(args)).items():
        p50, p95 = np.percentile(values, [50, 95])
        row = {"items": items, "visitors": args.visitors, "measure": kind, "n": len(values)}
        append(RESULTS, COLUMNS, row | {"p50": round(p50), "p95": round(p95), "unit": "ms"})
        print(f"{kind:18} n={len(values):4}  p50 {p50:6.0f} ms  p95 {p95:6.0f} ms")


if __name__ == "__main__":
    main()
