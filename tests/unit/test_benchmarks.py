"""The command that runs the benchmarks, and the tables of the docs that are made of their rows."""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import engine_plot, memory, recipe, tables
from benchmarks.load import Outcome, row_of
from benchmarks.visitors import Visitor
from lookbook.search.index import Index
from lookbook.ui.components import markup


def test_the_tables_of_the_docs_are_those_of_the_csv_files(capsys):
    assert tables.main(["--check"]) == 0, capsys.readouterr().out


def test_a_table_that_differs_from_its_rows_is_written_anew():
    page = "before\n<!-- table focus -->\nold\n<!-- end -->\nafter\n"
    renewed = tables.renewed(page)
    assert renewed.startswith("before\n<!-- table focus -->\n| method |")
    assert renewed.endswith("|\n<!-- end -->\nafter\n") and "old" not in renewed
    assert tables.renewed(renewed) == renewed


def test_the_catalogue_of_the_memory_benchmark_is_the_shipped_one_with_noise(tmp_path):
    memory.build_index(tmp_path, 60)
    index, shipped = Index.open(tmp_path), Index.open(memory._SHIPPED)
    assert len(set(index.ids)) == len(index) == 60 and index.titles == shipped.titles[:60]
    cosines = (index.unit_vectors[:] * shipped.unit_vectors[:60]).sum(axis=1)
    np.testing.assert_allclose(cosines, 1 / np.hypot(1, 0.3), atol=0.03)


def test_memory_that_is_of_no_file_is_a_part_of_what_is_resident():
    before = memory.memory_mb(os.getpid())
    with mmap.mmap(-1, 80_000_000) as held:  # not from the heap, which may have that much to spare
        held.write(b"x" * len(held))
        after = memory.memory_mb(os.getpid())
    assert after["not_of_files_mb"] - before["not_of_files_mb"] >= 75
    assert after["not_of_files_mb"] <= after["proportional_mb"] <= after["resident_mb"]


@pytest.mark.parametrize("count", ["2", "0", "-1"])
def test_a_comparison_of_photos_that_do_not_count_is_refused(count, capsys):
    with pytest.raises(SystemExit):
        recipe.main(["--count", count])
    assert f"expected at least 3 photos, found {count}" in capsys.readouterr().err


def test_a_round_is_measured_without_its_first_photos():
    ways = {"one": lambda photo: None, "other": lambda photo: None}
    took = recipe.in_turn(ways, [b""] * (recipe.ROUND + recipe.WARM_UP + 1))
    assert {name: len(times) for name, times in took.items()} == {"one": 11, "other": 11}


def test_what_needs_data_is_left_out_with_a_sentence():
    benchmark = benchmarks.Benchmark("house", ("--data", "{photos}"), needs=("photos",))
    assert benchmarks.command(benchmark, False, {"photos": None}) == "left out: it needs --photos"
    found = benchmarks.command(benchmark, False, {"photos": "shop.csv"})
    assert found == [sys.executable, "-m", "benchmarks.house", "--data", "shop.csv"]


def test_what_needs_a_program_or_a_package_is_left_out_with_a_sentence():
    benchmark = benchmarks.Benchmark("cluster", programs=("no-such",), packages=("no_such",))
    found = benchmarks.command(benchmark, False, {})
    assert found == "left out: it needs the program no-such and the package no_such"
    benchmark = benchmarks.Benchmark("fuzz", programs=("sh",), packages=("json",))
    assert benchmarks.command(benchmark, False, {}) == [sys.executable, "-m", "benchmarks.fuzz"]


def test_every_benchmark_takes_the_arguments_that_it_is_given():
    data = {"vectors": "a", "photos": "a", "larger_photos": "a", "phone_photos": "a"}
    data |= {"purchases": "a", "items": "a", "split_day": "2020-09-21"}
    for benchmark in benchmarks.BENCHMARKS:
        module = Path(benchmarks.__file__).with_name(benchmark.module)
        file = module / "__main__.py" if module.is_dir() else module.with_suffix(".py")
        source = file.read_text()
        for quick in (False, True):
            given = benchmarks.command(replace(benchmark, programs=(), packages=()), quick, data)
            options = [part for part in given[3:] if part.startswith("--")]
            assert all(f'"{option}"' in source for option in options), given


def test_a_quick_run_has_its_own_arguments():
    benchmark = benchmarks.Benchmark("site", ("--clicks", "12"), quick=("--clicks", "2"))
    assert benchmarks.command(benchmark, True, {})[-2:] == ["--clicks", "2"]
    assert benchmarks.command(benchmark, False, {})[-2:] == ["--clicks", "12"]


def test_a_failing_benchmark_is_named(monkeypatch, capsys):
    monkeypatch.setattr(benchmarks, "BENCHMARKS", (benchmarks.Benchmark("missing"),))
    assert benchmarks.main([]) == 1
    assert "failed: missing" in capsys.readouterr().err


def shown(html: str, cache: set[str] | None = None) -> list[str]:
    """The paths that a visitor fetches who is shown an answer."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200)

    async def show() -> None:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(base_url="http://site/", transport=transport) as http:
            await Visitor(http, {}, 0).show(json.dumps([None, html]), cache)

    with ThreadPoolExecutor(1) as thread:  # this one may have the browser's loop
        thread.submit(lambda: asyncio.run(show())).result()
    return sorted(asked)


def test_a_visitor_fetches_every_picture_of_an_answer_once():
    files = [markup.file_url(f"/tmp/x/thumbs/{n:032x}.webp") for n in range(3)]
    html = "".join(f'<img src="{file}" alt="">' for file in [*files, files[0]])
    assert shown(html) == ["/" + file for file in files]
    assert shown(html, {files[0]}) == ["/" + file for file in files[1:]]
    with pytest.raises(RuntimeError, match="an answer without pictures"):
        shown("<p>nothing</p>")


def test_the_row_of_a_load_has_percentiles_errors_and_growth():
    outcome = Outcome()
    outcome.took["item"] = list(range(101))
    outcome.errors.update({"photo: ReadTimeout": 2, "item: unfinished": 0})
    outcome.rss = [100.0, 104.0]
    row = row_of(outcome)
    assert (row["item_n"], row["item_p50_ms"], row["item_p95_ms"]) == (101, 50, 95)
    assert row["photo_n"] == 0 and "photo_p50_ms" not in row
    assert (row["errors"], row["growth_pct"]) == ("photo: ReadTimeout 2", "4.0")


def test_the_picture_of_engines_has_the_last_row_of_each_size():
    row = {"engine": "annoy", "kind": "photo", "target": "0.95", "filter": "", "dim": "832"}
    rows = [
        row | {"count": "4000", "p50_ms": "9"},
        row | {"count": "44000", "p50_ms": "0.5"},
        row | {"count": "4000", "p50_ms": "0.1"},
        row | {"count": "4000", "p50_ms": "7", "kind": "text"},
        row | {"count": "4000", "p50_ms": "7", "filter": "0.5"},
        row | {"count": "4000", "p50_ms": "7", "dim": "448"},
    ]
    assert engine_plot.series(rows, "p50_ms") == {"annoy": [(4000, 0.1), (44000, 0.5)]}


def test_the_picture_of_engines_is_that_of_the_csv_file(tmp_path):
    engine_plot.main(tmp_path / "engines.svg")
    drawn, kept = (tmp_path / "engines.svg").read_text(), engine_plot.PICTURE.read_text()
    assert re.findall(r'd="M [^"]*"', drawn) == re.findall(r'd="M [^"]*"', kept)
