"""One setting, and what derives from many: a command line, errors, the tables of the docs."""

from __future__ import annotations

import argparse
import os
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SWITCHES = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


@dataclass(frozen=True)
class Setting:
    """One option `--name`; where `environment` is true, LOOKBOOK_NAME gives its default.

    `choices` are the values, or "module:function" that returns them: called when a command line is
    made, for what registers itself elsewhere. `min` and `max` bound a number, both included. A
    `secret` may be a password or hold one. `bare` is the value of the flag where none follows it;
    None: one must follow.
    """

    name: str
    default: Any
    help: str
    type: type[Any] = str
    choices: tuple[str, ...] | str | None = None
    multiple: bool = False
    bare: str | None = None
    count: int | None = None  # values that follow the flag, None for one
    environment: bool = False
    metavar: str | None = None
    min: float | None = None
    max: float | None = None
    fallback: str | None = None  # a shipped folder, where the default path does not exist
    secret: bool = False

    @property
    def env_var(self) -> str:
        """Name of the environment variable."""
        return "LOOKBOOK_" + self.name.upper().replace("-", "_")

    @property
    def flag(self) -> str:
        """How it is written on a command line."""
        return ("-" if len(self.name) == 1 else "--") + self.name

    @property
    def dest(self) -> str:
        """Name of the attribute that holds its value once a command line is parsed."""
        return self.name.replace("-", "_")

    def allowed(self) -> tuple[str, ...] | None:
        """Return the values to choose from, None for any."""
        if not isinstance(self.choices, str):
            return self.choices
        return tuple(pkgutil.resolve_name(self.choices)())

    def value(self) -> Any:
        """Return the default, from the environment where it is set; raises ValueError."""
        text = os.environ.get(self.env_var) if self.environment else None
        if not text:
            if self.fallback is not None and not self.default.exists():
                return pkgutil.resolve_name("lookbook.resources:shipped")(self.fallback)
            return [] if self.multiple else self.default
        try:
            return self.parse(text)
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise ValueError(f"{self.env_var}={text!r}: {error}, as for --{self.name}") from None

    def parse(self, text: str) -> Any:
        """Convert text to a value; raises ArgumentTypeError that says what was expected."""
        if self.type is bool:
            if text.lower() not in _SWITCHES:
                raise argparse.ArgumentTypeError(f"expected one of {', '.join(_SWITCHES)}")
            return _SWITCHES[text.lower()]
        try:
            value = self.type(text)
        except ValueError:
            expected = {int: "a whole number", float: "a number"}.get(self.type, self.type.__name__)
            raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}") from None
        if (allowed := self.allowed()) and value not in allowed:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(allowed)}")
        too_low = self.min is not None and not value >= self.min
        if too_low or (self.max is not None and not value <= self.max):
            bounds = f"at least {self.min}" + f" and at most {self.max}" * (self.max is not None)
            raise argparse.ArgumentTypeError(f"expected {bounds}, found {text}")
        return value

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the option on a command line."""
        common: dict[str, Any] = {"dest": self.dest, "default": self.value(), "help": self.help}
        if self.type is bool:
            parser.add_argument(f"--{self.name}", action=argparse.BooleanOptionalAction, **common)
            return
        action = "append" if self.multiple else "store"
        common |= {"type": self.parse, "choices": self.allowed(), "metavar": self.metavar}
        if self.bare is not None:
            common |= {"nargs": "?", "const": self.bare}
        if self.count is not None:
            common["nargs"] = self.count
        parser.add_argument(self.flag, action=action, **common)


def parser(settings: Sequence[Setting], **about: Any) -> argparse.ArgumentParser:
    """Return a command line with `settings` on it."""
    made = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter, **about)
    for setting in settings:
        setting.add_to(made)
    return made


def given(settings: Sequence[Setting], args: argparse.Namespace) -> list[str]:
    """Return the flags of the settings whose parsed value is not their default."""
    return [s.flag for s in settings if getattr(args, s.dest) != s.value()]


def refuse_unused(
    settings: Sequence[Setting], args: argparse.Namespace, used: Sequence[Setting], task: str
) -> None:
    """Raise ValueError that names the options that were given and that `task` does not use."""
    unused = [flag for flag in given(settings, args) if flag not in {s.flag for s in used}]
    if unused:
        raise ValueError(f"{', '.join(unused)} would change nothing {task}: leave it out")


def table(settings: Sequence[Setting]) -> str:
    """Return a Markdown table of settings, as the README has it; a test compares the two."""
    rows = ["| option | default | variable | what it does |", "| --- | --- | --- | --- |"]
    for setting in settings:
        name = f"`{setting.flag}`"
        if setting.type is bool and setting.default:
            name += f", `--no-{setting.name}`"
        default = "" if setting.default in (None, False) else f"`{setting.default}`"
        variable = f"`{setting.env_var}`" if setting.environment else ""
        help_text = setting.help.replace("|", "\\|")
        if isinstance(setting.choices, tuple):  # what registers itself has a page of its own
            help_text += " (" + ", ".join(setting.choices) + ")"
        rows.append(f"| {name} | {default} | {variable} | {help_text} |")
    return "\n".join(rows)
