"""Collect the messages of the interface, and bring the files of translations up to date.

python docs/messages.py        adds messages that are new, untranslated; removes those that are gone

docs/LANGUAGES.md says how a language is added; tests/unit/ui/test_messages.py fails as long as a
message lacks its translation.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from lookbook.ui.messages import LOCALES, SCRIPT_MESSAGE  # noqa: E402

PACKAGE = ROOT / "lookbook"
# functions and classes by how many messages they take: `_n` has one for 1 and one for more
KEYWORDS = {"_": 1, "_n": 2, "Message": 1}
_ONE_VALUE = re.compile(r"{\w+}")  # nothing to translate
_PEOPLE_AND_DATES = re.compile(  # lines of the header that git knows better
    rb'^"(Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team'
    rb"|Generated-By|Project-Id-Version):.*\n",
    re.MULTILINE,
)
Found = tuple[str, str | tuple[str, str]]  # (file, message)


def messages() -> Iterator[Found]:
    """Yield every message of the package with the file that it stands in."""
    for file in sorted(PACKAGE.rglob("*")):
        if file.suffix not in (".py", ".js", ".html"):
            continue
        name = file.relative_to(ROOT).as_posix()
        text = file.read_text(encoding="utf-8")
        for script in SCRIPT_MESSAGE.findall(text):
            yield name, script.replace("\\'", "'")
        if file.suffix == ".py":
            for message in _of_calls(ast.parse(text)):
                yield name, message


def _of_calls(tree: ast.AST) -> Iterator[str | tuple[str, str]]:
    """Yield the messages of calls, which may stand in f-strings: babel's extractor skips those."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        found = [a.value for a in call.args if isinstance(a, ast.Constant)]
        texts = [value for value in found if isinstance(value, str)]
        if texts and KEYWORDS.get(call.func.id) == 1 and not _ONE_VALUE.fullmatch(texts[0]):
            yield texts[0]
        elif KEYWORDS.get(call.func.id) == 2:
            yield texts[0], texts[1]


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
        written = io.BytesIO()
        write_po(written, catalog, width=100, sort_output=True, no_location=True)
        file.write_bytes(_PEOPLE_AND_DATES.sub(b"", written.getvalue()))
        missing = sum(not all(strings(message.string)) for message in catalog if message.id)
        print(f"{file.relative_to(ROOT)}: {len(catalog)} messages, {missing} without a translation")
    return 0


def strings(string: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """Return the forms of a message or of its translation."""
    return (string or "",) if isinstance(string, str) or string is None else tuple(string)


if __name__ == "__main__":
    sys.exit(main())
