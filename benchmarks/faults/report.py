"""Count trials, and say which of them went wrong and how."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Results:
    """Trials of one kind: how many there were, and what was wrong with which."""

    kind: str
    trials: int = 0
    problems: list[str] = field(default_factory=list)
    note: str = ""

    def add(self, trial: str, *problems: str) -> None:
        """Count a trial."""
        self.trials += 1
        self.problems += [f"{trial}: {problem}" for problem in problems]

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.trials} trials, {len(self.problems)} problems; {self.note}"]
        return "\n".join(lines + [f"  {problem}" for problem in self.problems])
