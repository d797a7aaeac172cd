"""Weight of the first page and time to its first results on a phone with a slow network.

python -m benchmarks.page_weight --visits 5      (needs Chromium and the packages of the tests)

Chromium is held to 1.6 Mbit/s down, 0.75 Mbit/s up, 150 ms for each round trip and a quarter of the
processor, as Lighthouse does for phones, without a cache; a second page of the same visitor has it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.rows import append
from benchmarks.site import _SHOWN, chromium
from benchmarks.visitors import start_site
from lookbook import Index

RESULTS = Path(__file__).with_name("page_weight.csv")
COLUMNS = ("date", "machine", "cores", "items", "measure", "n", "p50", "unit")
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True}
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 0.75e6 / 8,
}
CPU_SLOWDOWN = 4


async def visit(page: object, address: str) -> tuple[float, Counter[str]]:
    """Return the seconds until results are shown, and bytes over the network by kind."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", NETWORK)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    kinds: dict[str, str] = {}
    weight: Counter[str] = Counter()
    session.on("Network.responseReceived", lambda e: kinds.update({e["requestId"]: e["type"]}))
    session.on(
        "Network.loadingFinished",
        lambda e: weight.update({kinds.get(e["requestId"], "Other"): int(e["encodedDataLength"])}),
    )
    start = time.monotonic()
    await page.goto(address, timeout=120_000, wait_until="commit")
    await page.wait_for_function(_SHOWN, arg="", timeout=120_000)
    return time.monotonic() - start, weight


async def measure(args: argparse.Namespace) -> dict[str, list[float]]:
    """Return seconds and kilobytes by name, a value a visit."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as state:
        site = start_site(args.index, args.port, state)
        try:
            async with chromium() as browser:
                await _wait_for(args.port)
                for _ in range(args.visits):
                    context = await browser.new_context(**PHONE)
                    for name in ("first visit", "second visit"):
                        page = await context.new_page()
                        seconds, weight = await visit(page, f"http://127.0.0.1:{args.port}/")
                        found.setdefault(f"{name}: results, s", []).append(seconds)
                        for kind, size in [*weight.items(), ("all", sum(weight.values()))]:
                            found.setdefault(f"{name}: {kind}, KB", []).append(size / 1000)
                        await page.close()
                    await context.close()
        finally:
            site.terminate()
            site.wait(20)
    return found


async def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise TimeoutError(f"expected a site on port {port}, found none after a minute")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--port", type=int, default=7871)
    args = parser.parse_args()
    items = len(Index.open(args.index))
    for name, values in sorted(asyncio.run(measure(args)).items()):
        measured, unit = name.rsplit(", ", 1)
        p50 = round(float(np.median(values)), 1)
        row = {"items": items, "measure": measured, "n": len(values), "p50": p50, "unit": unit}
        append(RESULTS, COLUMNS, row)
        print(f"{measured:28} n={len(values):3}  {p50:9} {unit}")


if __name__ == "__main__":
    main()
