"""Old names of options."""

from __future__ import annotations

import re
import warnings

import pytest

from lookbook.schema.deprecation import rename_options

NAMES = {"--rate": "--lr", "--memory": "--memory-size"}


@pytest.mark.parametrize(
    ("arguments", "renamed"),
    [
        (["--rate", "1"], ["--lr", "1"]),
        (["--rate=1", "x"], ["--lr=1", "x"]),
        (["--memory=a=b"], ["--memory-size=a=b"]),
    ],
)
def test_an_old_option_is_renamed_with_a_warning_that_is_shown(arguments, renamed):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore", DeprecationWarning)  # as Python does for modules
        assert rename_options(arguments, NAMES) == renamed
    (warning,) = caught
    assert re.fullmatch(r"--\w+ is now --\S+", str(warning.message))


def test_other_arguments_are_not_changed():
    arguments = ["--lr", "1", "rate", "--rates", "1", "--", "--rate"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rename_options(arguments, NAMES) == arguments
