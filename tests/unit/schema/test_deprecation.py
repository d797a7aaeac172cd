"""Old names of options."""

from __future__ import annotations

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
def test_an_old_option_is_renamed_with_a_warning_at_the_caller(arguments, renamed):
    with pytest.warns(DeprecationWarning, match=r"^--\w+ is now --\S+$") as caught:
        assert rename_options(arguments, NAMES) == renamed
    assert [warning.filename for warning in caught] == [__file__]


def test_other_arguments_are_not_changed():
    arguments = ["--lr", "1", "rate", "--rates", "1", "--", "--rate"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rename_options(arguments, NAMES) == arguments
