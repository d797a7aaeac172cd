"""The quality report as one HTML page: no network, no script, every picture inside it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from lookbook.evaluation.metrics import Estimate
from lookbook.images.transforms import format_of
from lookbook.search.index import Index

# a browser then loads nothing but what stands in the page, whatever a catalogue's text holds
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto;
  padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; } small { color: #666; white-space: nowrap; }
.confusion td, .confusion th { font-size: 12px; padding: .15rem .3rem; }
.example { display: flex; gap: .5rem; margin: .5rem 0 1rem; overflow-x: auto; }
figure { margin: 0; width: 7rem; flex: none; font-size: 12px; overflow-wrap: anywhere; }
figure img { width: 7rem; height: 9rem; object-fit: contain; background: #f4f2ef; }
.query img { outline: 2px solid #222; } .relevant img { outline: 2px solid #2a7d4f; }
"""


def write_report(report: Mapping[str, Any], index: Index, path: Path) -> list[Path]:
    """Write the page and, beside it, its figures as JSON; return both paths. Raises OSError."""
    return _write(report, report_page(report, index), path)


def write_comparison(
    comparison: Mapping[str, Any], names: tuple[str, str], path: Path
) -> list[Path]:
    """Write a comparison as `write_report` does; `names` of the two that are compared."""
    return _write(comparison, comparison_page(comparison, names), path)


def _write(values: Mapping[str, Any], page: str, path: Path) -> list[Path]:
    beside = path.with_suffix(".json")
    if beside == path:
        raise ValueError(f"{path}: expected a name such as report.html; the JSON goes beside it")
    path.write_text(page, encoding="utf-8")
    beside.write_text(json.dumps(values, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return [path, beside]


def report_page(report: Mapping[str, Any], index: Index) -> str:
    """Return the page of a quality report; `index` is the one measured, for its pictures."""
    joint = " + ".join(report["joint_columns"])
    sections = [
        f"<p>{len(report['queries']):,} of {report['items']:,} items as queries; "
        f"{report['near_duplicates_removed']:,} near-duplicates removed. Generation "
        f"{escape(report['generation'])}. A result is relevant if it has the query's value; "
        f"jointly: its {escape(joint)}. In brackets 95 % bootstrap intervals over queries. Recall "
        f"is of all relevant items of the catalogue; mAP and MRR look at {report['depth']} "
        "ranks.</p>",
        "<h2>By attribute</h2>",
        _measures(report["attributes"]),
        "<h2>Approximate and exact search</h2>",
        _engines(report["engines"]),
        "<h2>Calibration</h2>",
        _calibration(report["calibration"]),
        "<h2>What is taken for what</h2><p>Of the first ten results of the queries with the value "
        "of a row, the share in per cent that has the value of a column.</p>",
        *map(_confusion, report["confusion"]),
    ]
    for end in ("best", "worst"):
        sections.append(
            f"<h2>{end.capitalize()} queries</h2><p>By joint nDCG; the query comes first, relevant "
            "results have a green frame.</p>"
        )
        sections += [_example(example, index) for example in report["examples"][end]]
    return _page("Quality report", sections)


def comparison_page(comparison: Mapping[str, Any], names: tuple[str, str]) -> str:
    """Return the page of two compared reports."""
    rows = []
    for attribute, measures in comparison["attributes"].items():
        for measure, row in measures.items():
            difference = Estimate(**row["difference"])
            sure = difference.low > 0 or difference.high < 0
            shown = f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
            rows.append(
                [
                    escape(attribute),
                    measure,
                    f"{row['a']:.3f}",
                    f"{row['b']:.3f}",
                    f"<b>{shown}</b>" if sure else shown,
                    str(difference.n),
                ]
            )
    text = (
        f"<p>A: {escape(names[0])}. B: {escape(names[1])}. {comparison['queries']:,} queries in "
        "common. The difference is B minus A with its 95 % interval by paired bootstrap; bold "
        "where the interval leaves out 0.</p>"
    )
    head = ["attribute", "measure", "A", "B", "difference", "queries"]
    return _page("Comparison", [text, _table(head, rows)])


def _page(title: str, sections: Iterable[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], css: str = "") -> str:
    """Return a table of cells that are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table class="{css}"><tr>{top}</tr>{body}</table></div>'


def _estimate(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return "-"
    e = Estimate(**value)
    return f"{e.value:.3f} <small>({e.low:.3f}-{e.high:.3f})</small>"


def _measures(table: Mapping[str, Mapping[str, Any]]) -> str:
    names = list(next(iter(table.values()), {}))
    rows = [
        [escape(attribute), *(_estimate(row[m]) for m in names), str(row[names[0]]["n"])]
        for attribute, row in table.items()
    ]
    return _table(["attribute", *names, "queries"], rows)


def _engines(engines: Sequence[Mapping[str, Any]]) -> str:
    names = list(engines[0]["measures"])
    rows = [
        [
            escape(row["name"]),
            _estimate(row.get("recall_of_exact")),
            f"{row['median_ms']:.2f}",
            *(_estimate(row["measures"].get(name)) for name in names),
        ]
        for row in engines
    ]
    explained = (
        "<p>Recall of the 24 results of exact search, milliseconds for one query (median), and the "
        "joint measures. As served: what the site answers, which also keeps the colour of the "
        "query.</p>"
    )
    return explained + _table(["search", "recall of exact", "ms", *names], rows)


def _calibration(calibration: Mapping[str, Any] | None) -> str:
    if calibration is None:
        return (
            "<p>Not measured: pages show no probability, as the catalogue names no kinds, is too "
            "small, or its kinds cannot be predicted well enough.</p>"
        )
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    bins = calibration["bins"]
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot([b["said"] for b in bins], [b["true"] for b in bins], "o-", color="#2b2b2b")
    axes.set(xlabel="probability shown", ylabel="share of the kind", xlim=(0, 1), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    rows = [[f"{b['said']:.3f}", f"{b['true']:.3f}", f"{b['results']:,}"] for b in bins]
    return (
        f"<p>Probability that a result of the first page has the query's "
        f"{escape(calibration['kind'])}, and how many have it. Expected calibration error "
        f"{calibration['ece']:.3f}, Brier score {calibration['brier']:.3f}. Queries are items of "
        "the catalogue: photos of visitors are harder.</p>"
        + _image(stream.getvalue(), "png", "calibration plot")
        + _table(["shown", "true", "results"], rows)
    )


def _confusion(table: Mapping[str, Any]) -> str:
    names = [escape(name) for name in table["names"]]
    rows = []
    for name, count, shares in zip(names, table["queries"], table["shares"], strict=True):
        cells = "".join(
            f'<td style="background:rgba(185,43,51,{share:.2f})">{100 * share:.0f}</td>'
            for share in shares
        )
        rows.append(f"<tr><th>{name}</th>{cells}<td>{count}</td></tr>")
    head = "".join(f"<th>{name}</th>" for name in ("", *names, "queries"))
    return (
        f'<h3>{escape(table["column"])}</h3><div class="wide"><table class="confusion">'
        f"<tr>{head}</tr>{''.join(rows)}</table></div>"
    )


def _example(example: Mapping[str, Any], index: Index) -> str:
    score = f"nDCG {example['nDCG']:.2f}"
    figures = [_figure(index, example["id"], "query", score)]
    figures += [
        _figure(index, result["id"], "relevant" if result["relevant"] else "")
        for result in example["results"]
    ]
    return f'<div class="example">{"".join(figures)}</div>'


def _figure(index: Index, id: str, css: str, note: str = "") -> str:
    title = index.item(id).title or id
    caption = "<br>".join(filter(None, [escape(title), escape(note)]))
    thumb = index.thumb(id)
    picture = _image(thumb, format_of(thumb), title)
    return f'<figure class="{css}">{picture}<figcaption>{caption}</figcaption></figure>'


def _image(data: bytes, format: str, alt: str) -> str:
    encoded = base64.b64encode(data).decode()
    return f'<img src="data:image/{format};base64,{encoded}" alt="{escape(alt)}">'
