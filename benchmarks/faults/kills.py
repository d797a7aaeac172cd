"""Kill processes at random times and before named steps; nothing acknowledged may be lost."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults.children import Outcome, Steps, Tell, run
from benchmarks.faults.report import Results
from benchmarks.faults.works import WORKS, Work, prepare_all


def kills(folder: Path, trials: int, seed: int = 0) -> Results:
    """Kill each kind of work, every second time before a named step, else at a random time."""
    draw, results, killed = random.Random(seed), Results("kills"), Counter[str]()
    for place, (work, template) in enumerate(prepare_all(folder, WORKS).items()):
        steps, seconds = _rehearse(work, template, template.parent / "rehearsal")
        mine = range(place, trials, len(WORKS))
        for turn, trial in enumerate(mine):
            root = Path(shutil.copytree(template, template.parent / str(trial)))
            if turn % 2 == 0 and steps:
                # spread over all steps, whatever their number
                step = int((turn / 2 + draw.random()) * len(steps) / ((len(mine) + 1) // 2))
                step = min(step, len(steps) - 1)
                name, outcome = f"before {steps[step]}", _at_step(work, root, step)
            else:
                after = draw.uniform(0, 1.05 * seconds)
                name, outcome = "at a random time", _at_time(work, root, after)
            killed["in time" if outcome.signal else "done before"] += 1
            results.add(f"{work.name}: killed {name}", *_problems(work, root, outcome))
            shutil.rmtree(root)
    results.note = f"{killed['in time']} were killed while they worked"
    return results


def _rehearse(work: Work, template: Path, root: Path) -> tuple[list[str], float]:
    """Do the work once undisturbed; return its steps and the seconds it took."""
    shutil.copytree(template, root)

    def rehearsal(tell: Tell) -> None:
        steps = Steps(root)
        work.do(root, lambda value: None)
        tell(steps.names)

    outcome = run(rehearsal)
    if not outcome.done:
        raise RuntimeError(f"{work.name} fails undisturbed: {outcome}")
    return outcome.told[0], outcome.seconds


def _at_step(work: Work, root: Path, step: int) -> Outcome:
    def killed(tell: Tell) -> None:
        Steps(root, step)
        work.do(root, tell)

    return run(killed)


def _at_time(work: Work, root: Path, seconds: float) -> Outcome:
    return run(lambda tell: work.do(root, tell), kill_after=seconds)


def _problems(work: Work, root: Path, outcome: Outcome) -> Sequence[str]:
    """What is wrong with what a killed process left: at once, and after the work is done again."""
    problems = [] if outcome.done or outcome.signal == 9 else [f"ended by itself: {outcome}"]
    for name, step in (("left behind", work.check), ("done again", work.finish)):
        after = run(lambda tell, step=step: step(root, outcome.told))
        problems += [] if after.done else [f"{name}: {after}"]
    return problems
