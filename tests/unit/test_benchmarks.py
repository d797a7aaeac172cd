"""The command that runs the benchmarks, and the tables of the docs that are made of their rows."""

from __future__ import annotations

import sys

from benchmarks import __main__ as benchmarks
from benchmarks import tables


def test_the_tables_of_the_docs_are_those_of_the_csv_files(capsys):
    assert tables.main(["--check"]) == 0, capsys.readouterr().out


def test_a_table_that_differs_from_its_rows_is_written_anew():
    page = "before\n<!-- table focus -->\nold\n<!-- end -->\nafter\n"
    renewed = tables.renewed(page)
    assert renewed.startswith("before\n<!-- table focus -->\n| method |")
    assert renewed.endswith("|\n<!-- end -->\nafter\n") and "old" not in renewed
    assert tables.renewed(renewed) == renewed


def test_what_needs_data_is_left_out_with_a_sentence():
    benchmark = benchmarks.Benchmark("house", ("--data", "{photos}"), needs=("photos",))
    assert benchmarks.command(benchmark, False, {"photos": None}) == "left out: it needs --photos"
    found = benchmarks.command(benchmark, False, {"photos": "shop.csv"})
    assert found == [sys.executable, "-m", "benchmarks.house", "--data", "shop.csv"]


def test_a_quick_run_has_its_own_arguments():
    benchmark = benchmarks.Benchmark("site", ("--clicks", "12"), quick=("--clicks", "2"))
    assert benchmarks.command(benchmark, True, {})[-2:] == ["--clicks", "2"]
    assert benchmarks.command(benchmark, False, {})[-2:] == ["--clicks", "12"]


def test_a_failing_benchmark_is_named(monkeypatch, capsys):
    monkeypatch.setattr(benchmarks, "BENCHMARKS", (benchmarks.Benchmark("missing"),))
    assert benchmarks.main([]) == 1
    assert "failed: missing" in capsys.readouterr().err
