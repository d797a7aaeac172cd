"""Collect the messages of the interface, and bring the files of translations up to date.

python docs/messages.py        adds messages that are new, untranslated; removes those that are gone

A new language begins with `pybabel init`, see docs/OPERATING.md; tests/unit/ui/test_messages.py
fails as long as a message lacks its translation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from lookbook.ui.messages import LOCALES, SCRIPT_MESSAGE  # noqa: E402

PACKAGE = ROOT / "lookbook"
# functions and classes whose first argument is a message; `_n` takes one for 1 and one for more
KEYWORDS = {"_": None, "_n": (1, 2), "Message": None}
Found = tuple[str, str | tuple[str, str]]  # (file, message)


def messages() -> Iterator[Found]:
    """Yield every message of the package with the file that it stands in."""
    for file in sorted(PACKAGE.rglob("*")):
        if file.suffix not in (".py", ".js", ".html"):
            continue
        name = file.relative_to(ROOT).as_posix()
        for script in SCRIPT_MESSAGE.findall(file.read_text(encoding="utf-8")):
            yield name, script.replace("\\'", "'")
        if file.suffix == ".py":
            for _line, message, _comments, _context in extract_from_file("python", file, KEYWORDS):
                yield name, message if isinstance(message, str) else (message[0], message[1])


def template() -> Catalog:
    """Return the catalogue of all messages, without translations."""
    catalog = Catalog(project="Lookbook", charset="utf-8")
    for file, message in messages():
        catalog.add(message, locations=[(file, 0)])
    return catalog


def main() -> int:
    """Update every file of translations; say how many messages each lacks."""
    collected = template()
    for file in sorted(LOCALES.glob("*.po")):
        with file.open("rb") as stream:
            catalog = read_po(stream, locale=file.stem)
        catalog.update(collected, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with file.open("wb") as stream:
            write_po(stream, catalog, width=100, sort_output=True, no_location=True, omit_header=False)
        missing = sum(not all(_strings(m.string)) for m in catalog if m.id)
        print(f"{file.relative_to(ROOT)}: {len(catalog)} messages, {missing} without a translation")
    return 0


def _strings(string: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


if __name__ == "__main__":
    sys.exit(main())
