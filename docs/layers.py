"""Draw docs/layers.svg: the packages of lookbook in the layers that pyproject.toml allows.

python docs/layers.py          the same as `make layers`

Rows come from the contract "layers" of import-linter, texts from the packages' docstrings, lines
from the imports in the code. A line that follows from others is left out (transitive reduction).
"""

from __future__ import annotations

import ast
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # grimp looks for packages on the path
PICTURE = ROOT / "docs" / "layers.svg"
WIDTH, ROW, BOX_WIDTH, BOX_HEIGHT, GAP, TOP = 960, 88, 300, 60, 16, 8
STYLE = (
    "text{font:12px sans-serif;fill:#333}.name{font-weight:bold;font-size:14px;fill:#111}"
    "rect{fill:#faf8f4;stroke:#a89878}line{stroke:#a89878;stroke-width:1.2}"
)


def layers() -> list[list[str]]:
    """Return the rows of the contract, from the top: names of packages without `lookbook.`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    return [[name.strip().removeprefix("lookbook.") for name in row.split("|")] for row in rows]


def imports(packages: set[str]) -> set[tuple[str, str]]:
    """Return (importer, imported) for all packages of which one imports the other directly."""
    graph = grimp.build_graph("lookbook", cache_dir=None)
    pairs = set()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            pair = tuple(f"{module}.".split(".")[1] for module in (importer, imported))
            if pair[0] != pair[1] and packages.issuperset(pair):
                pairs.add(pair)
    return pairs


def reduced(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs that do not follow from the others, which have no cycle."""
    closure = set(pairs)
    while more := {(a, d) for a, b in closure for c, d in pairs if b == c} - closure:
        closure |= more
    return {(a, c) for a, c in pairs if not any((b, c) in closure for x, b in pairs if x == a)}


def summary(package: str) -> list[str]:
    """Return the first sentence of the package's docstring, in at most two lines."""
    source = (ROOT / "lookbook" / package / "__init__.py").read_text(encoding="utf-8")
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split())
    return textwrap.wrap(text.split(". ")[0].rstrip("."), 48, max_lines=2, placeholder=" ...")


def corners(rows: list[list[str]]) -> dict[str, tuple[int, int]]:
    """Return the upper left corner of each package's box; each row is centred."""
    places = {}
    for number, row in enumerate(rows):
        left = (WIDTH - len(row) * BOX_WIDTH - (len(row) - 1) * GAP) // 2
        for column, package in enumerate(row):
            places[package] = (left + column * (BOX_WIDTH + GAP), TOP + number * ROW)
    return places


def shapes(places: dict[str, tuple[int, int]]) -> Iterator[str]:
    """Yield the lines of the SVG, and then the boxes that cover their ends."""
    middle = BOX_WIDTH // 2
    pairs = {(a, b) for a, b in imports(set(places)) if places[a][1] < places[b][1]}
    for importer, imported in sorted(reduced(pairs)):
        (x1, y1), (x2, y2) = places[importer], places[imported]
        yield (
            f'<line x1="{x1 + middle}" y1="{y1 + BOX_HEIGHT}" x2="{x2 + middle}" y2="{y2}" '
            'marker-end="url(#arrow)"/>'
        )
    for package, (x, y) in places.items():
        yield f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        yield f'<text class="name" x="{x + 10}" y="{y + 19}">{package}</text>'
        for number, line in enumerate(summary(package)):
            yield f'<text x="{x + 10}" y="{y + 36 + 15 * number}">{escape(line)}</text>'


def draw() -> str:
    """Return the picture as SVG."""
    rows = layers()
    height = TOP * 2 + ROW * (len(rows) - 1) + BOX_HEIGHT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">'
        "<title>The packages of lookbook; each imports only what lies below it</title>"
        f"<style>{STYLE}</style>"
        '<defs><marker id="arrow" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#a89878"/></marker></defs>'
        f'<rect width="{WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>'
    )
    return "\n".join([head, *shapes(corners(rows)), "</svg>"]) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
