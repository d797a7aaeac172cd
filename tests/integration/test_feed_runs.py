"""Feeds of 200 products through embed.py: one command, killed on the way, resumed, changed."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookbook import Index
from tests.integration.picture_server import Pictures, serving
from tests.integration.test_feeds import SHOPIFY, WOO, as_rss

ROOT = Path(__file__).resolve().parents[2]
COUNT = 200


def photo(number: int) -> bytes:
    small = np.random.default_rng(number).integers(0, 255, (6, 4, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize((48, 64), Image.Resampling.BICUBIC).save(out, "JPEG")
    return out.getvalue()


def written(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def shopify(address: str, count: int = COUNT) -> str:
    rows = [SHOPIFY.split(",")]
    for n in range(count):
        head = [
            f"bag-{n}",
            f"Bag, {n}",
            "<p>Soft\nleather</p>",
            "Acme",
            "Bags",
            "new, sale",
            "true",
        ]
        image = f"{address}/{n}.jpg?v=1"
        rows.append([*head, "Size", "S", f"S{n}", f"{n + 1}.90", "", image, "1", "active"])
        rows.append([f"bag-{n}", *[""] * 7, "M", f"M{n}", f"{n + 2}.90", "", "", "", ""])
    return written(rows)


def woocommerce(address: str, count: int = COUNT) -> str:
    rows = [WOO.split(",")]
    for n in range(count):
        image = f"{address}/{n}.jpg"
        row = [str(n), "simple", f"bag-{n}", f"Bag, {n}", "1", "Soft", "", "1", f"{n + 1},90", ""]
        rows.append([*row, "Bags > Totes", "new, sale", image, "", "Size", "S, M"])
    return written(rows)


def google(address: str, count: int = COUNT) -> str:
    rows = [
        {
            "id": f"bag-{n}",
            "title": f"Bag, {n}",
            "image_link": f"{address}/{n}.jpg",
            "price": f"{n + 1}.90 EUR",
            "size": "S, M",
            "item_group_id": f"G{n // 2}",
        }
        for n in range(count)
    ]
    return as_rss(rows)


FEEDS = {"products_export.csv": shopify, "wc-product-export.csv": woocommerce, "feed.xml": google}


@pytest.fixture
def server():
    with serving() as pictures:
        for number in range(COUNT):
            pictures.files[f"/{number}.jpg"] = photo(number)
        yield pictures


def command(feed: Path | str, model: Path, output: Path) -> list[str]:
    given = ["--dataset", str(feed), "--model", str(model), "--output", str(output), "--no-map"]
    return [sys.executable, str(ROOT / "embed.py"), *given, "--allow-local-urls"]


def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}


def run(feed: Path | str, model: Path, output: Path, tmp_path: Path) -> str:
    done = subprocess.run(
        command(feed, model, output),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_of_200_products_is_indexed_by_one_command(server, tiny_model, tmp_path, name):
    (tmp_path / name).write_text(FEEDS[name](server.address))
    summary = run(tmp_path / name, tiny_model, tmp_path / "index", tmp_path)
    index = Index.open(tmp_path / "index")
    assert set(index.ids) == {f"bag-{n}" for n in range(COUNT)}
    item = index.item("bag-7")
    assert (item.title, item.attributes["price"]) == ("Bag, 7", 8.9)
    assert item.attributes["size"] == ("S", "M")
    assert index.values("size") == {"S": COUNT, "M": COUNT}
    assert f"{COUNT:,} items" in summary.splitlines()[0] and "feed: " in summary
    assert server.answers == {200: COUNT}


def test_a_killed_run_goes_on_and_a_changed_feed_is_followed(server, tiny_model, tmp_path):
    feed, output = tmp_path / "products_export.csv", tmp_path / "index"
    feed.write_text(shopify(server.address))
    kill_after_a_shard(command(feed, tiny_model, output), output, server, tmp_path)
    fetched = server.answers[200]
    summary = run(feed, tiny_model, output, tmp_path)
    assert "encoded 72 pictures" in summary, "the first 128 were encoded before"
    assert server.answers[200] == COUNT and server.answers[304] >= fetched - 20

    server.files["/3.jpg"] = photo(1003)
    text = shopify(server.address, COUNT - 5).replace('"Bag, 9"', '"Tote, 9"')
    feed.write_text(text)
    before = server.answers[200]
    run(feed, tiny_model, output, tmp_path)
    index = Index.open(output)
    assert len(index) == COUNT - 5 and f"bag-{COUNT - 1}" not in index.ids
    assert index.item("bag-9").title == "Tote, 9"
    assert server.answers[200] == before + 1, "only what changed is sent again"


def kill_after_a_shard(given: list[str], output: Path, server: Pictures, tmp_path: Path) -> None:
    server.delay["/199.jpg"] = 20.0  # so that the run cannot end before it is killed
    running = subprocess.Popen(
        given, env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    ends = time.monotonic() + 120
    while not list(output.glob(".work/*/*.safetensors")) and time.monotonic() < ends:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    del server.delay["/199.jpg"]
