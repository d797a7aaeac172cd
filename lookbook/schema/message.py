"""Sentences for people, in English, that a user interface can say in another language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Message(str):
    """A sentence in English that keeps its `template` and `values`.

    `Message("{count} pieces cost {price}", count=1200, price="€ 5")` is "1,200 pieces cost € 5",
    wherever a string is expected; an interface translates the template and fills it again. Values
    may be messages, concepts of the thesaurus, numbers, and lists, which are enumerated.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Message:
        """Fill the template; without values it stays as it is."""
        texts = {name: _english(value) for name, value in values.items()}
        self = super().__new__(cls, template.format(**texts) if values else template)
        self.template, self.values = template, values
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """Return what a copy is made of."""
        return (self.template,), self.values

    def to_json(self) -> dict[str, Any]:
        """Return the template and the values as JSON has them; `from_json` reads them."""
        values = {n: v.to_json() if isinstance(v, Message) else v for n, v in self.values.items()}
        return {"template": self.template, "values": values}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Message:
        """Return the message that `to_json` has written."""
        values = {
            name: cls.from_json(value) if isinstance(value, dict) else value
            for name, value in stored["values"].items()
        }
        return cls(stored["template"], **values)


def _english(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, (list, tuple)):
        return _enumerated([_english(one) for one in value])
    return str(value)


def _enumerated(texts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))
