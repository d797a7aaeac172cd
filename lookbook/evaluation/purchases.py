"""Recommenders measured on files: a table of purchases and the catalogue that they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from lookbook.evaluation.recommendation import Table, evaluate_interactions
from lookbook.recommend import Items
from lookbook.recommend.interaction_files import day_number, read_interactions


def evaluate_files(
    interactions: Path,
    items: str | None,
    split_day: str,
    *,
    index: Path | None = None,
    encoder: str | None = None,
    id_column: str | None = None,
    columns: Mapping[str, str | None] | None = None,
) -> dict[str, Table]:
    """{model: {group: {measure: Figure}}}; see `evaluate_interactions`.

    The catalogue is that of a built `index`, or `items` (anything that embed.py takes), whose
    pictures are encoded first. Raises ValueError that says what is wrong with a file.
    """
    day = day_number(split_day)
    if index is not None:
        from lookbook.search.index import Index

        catalogue = Items.of_index(Index.open(index))
    else:
        catalogue = encoded_items(str(items), encoder, id_column)
    return evaluate_interactions(
        read_interactions(interactions, catalogue, columns), catalogue, day
    )


def encoded_items(name: str, model: str | None, id_column: str | None = None) -> Items:
    """The items of a catalogue with the vectors of their pictures; zero for an unusable picture."""
    from lookbook.catalog import Columns, open_catalog
    from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
    from lookbook.evaluation.retrieval import usable

    found = list(open_catalog(name, columns=Columns(id=id_column)))
    encoder = Encoder.load(model or DEFAULT_MODEL)
    vectors = np.zeros((len(found), encoder.dim), np.float32)
    good = [(item.id, data) for item, _, data in usable(found)]
    row_of = {item.id: row for row, item in enumerate(found)}
    vectors[[row_of[id] for id, _ in good]] = encoder.encode([data for _, data in good])
    names = list(found[0].attributes)
    attributes = {n: [item.attributes[n] for item in found] for n in names}
    return Items.of_columns(
        [item.id for item in found], attributes, [item.title for item in found], vectors
    )


def plain(results: Mapping[str, Table]) -> dict:
    """The same as plain data for JSON."""
    return {
        model: {group: {m: asdict(f) for m, f in row.items()} for group, row in groups.items()}
        for model, groups in results.items()
    }
