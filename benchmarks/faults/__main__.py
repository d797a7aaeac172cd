"""Break things on purpose and look at what is left; prints what went wrong, else only counts.

python -m benchmarks.faults [--long] [--only kills disks damage] [--seed 0]

kills: processes that embed, update, publish, refresh or record events get SIGKILL at random times
and before named steps (30 trials, 500 with --long). disks: the same on a full and on a read-only
disk (a small tmpfs where this user may mount one). damage: truncated and altered files of an index,
of models and of an encoder, at every region (150 cases, 3,000 with --long).

Appends a row for each kind to benchmarks/faults.csv with --long. Returns 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.damage import damage
from benchmarks.faults.disks import disks
from benchmarks.faults.kills import kills
from benchmarks.faults.report import Results
from benchmarks.rows import append

_FILE = Path(__file__).parents[1] / "faults.csv"
_COLUMNS = [
    *("kind", "trials", "problems", "note", "seconds"),
    *("machine", "cores", "python", "lookbook", "date"),
]


def main() -> int:
    """Run the trials; return 1 where any went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="many more trials, some 40 minutes")
    kinds = ("kills", "disks", "damage")
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    trials: dict[str, Callable[[Path], Results]] = {
        "kills": lambda folder: kills(folder, 500 if args.long else 30, args.seed),
        "disks": lambda folder: disks(folder, args.long),
        "damage": lambda folder: damage(folder, 3000 if args.long else 150, args.seed),
    }
    failed = False
    for kind in args.only:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="lookbook-faults-") as folder:
            results = trials[kind](Path(folder))
        seconds = time.monotonic() - began
        print(f"{results}\n  {seconds:.0f} s", flush=True)
        failed |= bool(results.problems) or not results.trials
        if args.long:
            row = {"kind": kind, "trials": results.trials, "problems": len(results.problems)}
            append(_FILE, _COLUMNS, row | {"note": results.note, "seconds": f"{seconds:.0f}"})
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
