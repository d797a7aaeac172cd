"""The words that tables write where there is nothing: one list for every reader."""

from __future__ import annotations

_WORDS = (
    *("na", "n/a", "n.a.", "n. a.", "#n/a", "#na", "<na>", "nan", "nat", "null", "none", "nil"),
    *("undefined", "(null)", "(none)", "(blank)", "(empty)", "-", "--", "---", "–", "—", "?"),
    *("k.a.", "k. a.", "#null!", "#ref!", "#value!", "#div/0!", "#name?", "\\n"),
)
MISSING_WORDS = frozenset(_WORDS)


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: None, an empty text, or a word for nothing in any case."""
    if value is None:
        return True
    return isinstance(value, str) and (not (text := value.strip()) or is_missing_word(text))


def is_missing_word(text: str) -> bool:
    """Whether a text that is not empty stands for nothing, as `N/A`, `null` and `-` do."""
    return len(text) <= 9 and text.strip().casefold() in MISSING_WORDS
