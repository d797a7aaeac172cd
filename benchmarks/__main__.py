"""Run the benchmarks one after the other; each appends rows to a CSV file beside its module.

python -m benchmarks                 all that need no data of others, about an hour
python -m benchmarks --quick         the same with smaller counts, a few minutes
python -m benchmarks recipe site     only these
python -m benchmarks --vectors SET --photos SHOP --larger-photos SHOP --phone-photos PHOTOS
    --purchases EVENTS --items ARTICLES --split-day DAY
                                     those too that need vectors, real photos or real purchases

What needs data, a package or a program that is not there is left out with a sentence.

Figures are taken alone: the load of the machine is printed first. `python -m benchmarks.tables`
renews the tables of the docs from the CSV files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.rows import machine

_BUSY = 0.5  # load of the machine above which times are of something else too


@dataclass(frozen=True)
class Benchmark:
    """A module of this package with its arguments, those of a quick run, and the data it needs.

    `{photos}` and the like in an argument stand for an option of this command. `programs` and
    `packages` are what it needs beside the packages of requirements.txt.
    """

    module: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = None
    needs: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Module and what tells two runs of it apart."""
        mode = [a for a in self.arguments if a in ("--answers", "--events")]
        return " ".join([self.module, *mode])


_PURCHASES = ("--interactions", "{purchases}", "--items", "{items}", "--split-day", "{split_day}")
_PURCHASE_DATA = ("purchases", "items", "split_day")
_PHONE = ("--data", "{photos}", "--phone-photos", "{phone_photos}")
BENCHMARKS = (
    Benchmark("recipe", (), ("--items", "4000", "--count", "20", "--bulk", "96")),
    Benchmark("site", (), ("--visitors", "4", "--clicks", "5")),
    Benchmark("load", (), ("--seconds", "30")),
    Benchmark("memory", (), ("--items", "4000", "--photos", "10")),
    Benchmark("focus", (), ("--count", "10")),
    Benchmark("training", (), ("--count", "64", "--repeats", "1")),
    Benchmark("updates", (), ("--items", "2000", "--changes", "30")),
    Benchmark("recommend", ("--answers",), ("--answers", "--count", "50")),
    Benchmark("recommend", ("--events",)),
    Benchmark("recommend_scale", (), ("--events", "100000", "--models", "read", "als")),
    Benchmark("faults", ("--long",), ()),
    Benchmark("fuzz", ("--long",), (), packages=("atheris",)),
    Benchmark("grounds", (), ("--count", "20")),
    Benchmark("page_weight", (), ("--visits", "1"), packages=("playwright",)),
    Benchmark("cluster", (), ("--seconds", "30"), programs=("nginx", "initdb")),
    Benchmark("engines", ("--set", "{vectors}"), needs=("vectors",)),
    Benchmark("pipeline", ("--photos", "{photos}"), needs=("photos",)),
    Benchmark("house", ("--data", "{photos}"), needs=("photos",)),
    Benchmark("unlike", ("--photos", "{photos}"), needs=("photos",)),
    Benchmark(
        "garments", ("--data", "{photos}", "--larger", "{larger_photos}"),
        ("--data", "{photos}", "--larger", "{larger_photos}", "--count", "30"),
        needs=("photos", "larger_photos"),
    ),
    Benchmark("photo_calibration", _PHONE, (*_PHONE, "--count", "60"), ("photos", "phone_photos")),
    Benchmark("recommend", _PURCHASES, needs=_PURCHASE_DATA),
    Benchmark("exposure", _PURCHASES, needs=_PURCHASE_DATA),
)  # fmt: skip


def command(benchmark: Benchmark, quick: bool, data: Mapping[str, str | None]) -> list[str] | str:
    """Return the command of a benchmark, or the sentence that says what it lacks."""
    missing = [f"--{name.replace('_', '-')}" for name in benchmark.needs if not data.get(name)]
    missing += [f"the program {name}" for name in benchmark.programs if not _program(name)]
    missing += [f"the package {name}" for name in benchmark.packages if not find_spec(name)]
    if missing:
        return f"left out: it needs {' and '.join(missing)}"
    chosen = benchmark.quick if quick and benchmark.quick is not None else benchmark.arguments
    arguments = [argument.format_map(data) for argument in chosen]
    return [sys.executable, "-m", f"benchmarks.{benchmark.module}", *arguments]


def _program(name: str) -> bool:
    """Whether a program is installed; Debian keeps those of PostgreSQL in folders of their own."""
    places = [
        os.environ.get("PATH", ""),
        "/usr/sbin",
        *map(str, Path("/usr/lib/postgresql").glob("*/bin")),
    ]
    return shutil.which(name, path=os.pathsep.join(places)) is not None


def run(benchmarks: Sequence[Benchmark], quick: bool, data: Mapping[str, str | None]) -> list[str]:
    """Run all; return the names of those that failed."""
    failed = []
    for benchmark in benchmarks:
        print(f"\n== {benchmark.name}", flush=True)
        what = command(benchmark, quick, data)
        if isinstance(what, str):
            print(what)
            continue
        start = time.monotonic()
        code = subprocess.run(what, check=False).returncode
        print(f"-- {time.monotonic() - start:.0f} s" + (f", FAILED with {code}" if code else ""))
        if code:
            failed.append(benchmark.name)
    return failed


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; return 1 where one failed."""
    modules = sorted({benchmark.module for benchmark in BENCHMARKS})
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("modules", nargs="*", metavar="NAME", help=f"of {', '.join(modules)}")
    parser.add_argument("--quick", action="store_true", help="smaller counts, a few minutes")
    parser.add_argument("--vectors", help="a folder of benchmarks.engine_vectors")
    parser.add_argument("--photos", help="real photos with articleType: anything embed.py takes")
    parser.add_argument("--larger-photos", help="larger photos of some of the same products")
    parser.add_argument("--phone-photos", help="photos taken at home, with label and sender_id")
    parser.add_argument("--purchases", help="real purchases, a table")
    parser.add_argument("--items", help="the articles of the purchases: anything embed.py takes")
    parser.add_argument("--split-day", help="first day of the test, as in 2020-09-21")
    args = parser.parse_args(argv)
    if unknown := set(args.modules) - set(modules):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(modules)}")
    load = os.getloadavg()[0]
    print(f"{machine()}, {os.cpu_count()} cores, load {load:.1f}")
    if load > _BUSY:
        print("other programs are running: times will be longer than they are alone")
    chosen = [b for b in BENCHMARKS if not args.modules or b.module in args.modules]
    failed = run(chosen, args.quick, vars(args))
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
