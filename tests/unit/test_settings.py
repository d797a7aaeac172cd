"""Settings: one declaration, three ways to set it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lookbook import settings
from lookbook.settings import Setting

PORT_RANGE = Setting("port", 7860, "port", int, min=1, max=65535)
PORT = Setting("port", 7860, "port", int, environment=True)


def test_option_before_environment_before_default(monkeypatch):
    assert settings.parser([PORT]).parse_args([]).port == 7860
    monkeypatch.setenv("LOOKBOOK_PORT", "9000")
    assert settings.parser([PORT]).parse_args([]).port == 9000
    assert settings.parser([PORT]).parse_args(["--port", "9001"]).port == 9001


def test_a_variable_of_the_wrong_kind_names_both(monkeypatch):
    monkeypatch.setenv("LOOKBOOK_PORT", "many")
    with pytest.raises(ValueError, match="LOOKBOOK_PORT='many': expected a whole number"):
        settings.parser([PORT])


def test_a_switch_and_a_repeated_option():
    options = [Setting("fold", True, "fold", bool), Setting("where", None, "where", multiple=True)]
    args = settings.parser(options).parse_args(["--no-fold", "--where", "a=1", "--where", "b=2"])
    assert (args.fold, args.where) == (False, ["a=1", "b=2"])


def test_settings_is_a_leaf():
    """It imports nothing of lookbook, and its choices are those of the rooms."""
    from lookbook.encoding import encoder
    from lookbook.images import transforms
    from lookbook.index import engines
    from lookbook.ui import messages

    sources = [path.read_text("utf-8") for path in Path(settings.__file__).parent.glob("*.py")]
    imported = re.findall(r"^\s*(?:from|import) (lookbook\S*)", "\n".join(sources), re.MULTILINE)
    assert imported
    assert not [name for name in imported if not name.startswith("lookbook.settings.")]
    assert tuple(encoder.POOLINGS) == settings.POOLINGS
    assert encoder.PRECISIONS == settings.PRECISIONS
    assert engines.METRICS == settings.METRICS
    assert tuple(transforms.QUALITIES) == settings.PICTURE_FORMATS
    assert messages.LANGUAGES == settings.LANGUAGES
    assert settings.ENGINE.allowed() == ("auto", *engines.names())


@pytest.mark.parametrize(
    ("options", "unused"),
    [
        (["--index", "x", "--by", "gender"], "--by would change nothing with --index"),
        (["--phone", "x", "--larger", "y"], "--larger would change nothing without --data"),
        (["--data", "x", "--split-day", "3"], "--split-day would change nothing without --inter"),
        (["--interactions", "x", "--precision", "float32"], "--precision would change nothing"),
        (["--interactions", "x", "--index", "y", "--items", "z"], "--items would change nothing"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(options, unused):
    args = settings.parser(settings.EVALUATE).parse_args(options)
    with pytest.raises(ValueError, match=unused):
        settings.refuse_unused(settings.EVALUATE, args, *settings.used_by_evaluate(args))


@pytest.mark.parametrize(
    "options",
    [
        ["--index", "x", "--json"],
        ["--data", "x", "--larger", "y", "--by", "gender", "--pooling", "max", "--device", "cpu"],
        ["--transfer", "x", "--encoder", "y"],
        ["--interactions", "x", "--index", "y", "--split-day", "3", "--user-column", "u"],
        ["--interactions", "x", "--items", "y", "--encoder", "e", "--id-column", "i"],
    ],
)
def test_options_that_count_are_accepted(options):
    args = settings.parser(settings.EVALUATE).parse_args(options)
    settings.refuse_unused(settings.EVALUATE, args, *settings.used_by_evaluate(args))


def test_a_choice_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        settings.parser(settings.APP).parse_args(["--engine", "magic"])
    assert "auto" in capsys.readouterr().err


@pytest.mark.parametrize("declared", [settings.EMBED, settings.APP, settings.SEARCH])
def test_no_option_is_declared_twice_and_each_has_help(declared):
    names = [setting.name for setting in declared]
    assert len(names) == len(set(names))
    assert all(setting.help for setting in declared)


@pytest.mark.parametrize(
    "text, sentence",
    [("0", "at least 1 and at most 65535"), ("99999", "at most 65535"), ("x", "a whole number")],
)
def test_what_is_out_of_range_is_refused_at_once(text, sentence, capsys):
    with pytest.raises(SystemExit):
        settings.parser([PORT_RANGE]).parse_args(["--port", text])
    assert sentence in capsys.readouterr().err


def test_a_switch_from_the_environment_is_one_of_the_words_for_it(monkeypatch):
    share = Setting("share", False, "share", bool, environment=True)
    for text, expected in (("1", True), ("off", False), ("Yes", True)):
        monkeypatch.setenv("LOOKBOOK_SHARE", text)
        assert settings.parser([share]).parse_args([]).share is expected
    monkeypatch.setenv("LOOKBOOK_SHARE", "perhaps")
    with pytest.raises(ValueError, match="LOOKBOOK_SHARE='perhaps'"):
        settings.parser([share])


def test_what_is_better_given_by_a_variable_is_a_secret():
    for setting in settings.APP:
        if "better by the variable" in setting.help or "password" in setting.name:
            assert setting.secret, setting.name
