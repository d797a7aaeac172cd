"""Evaluation of recommenders: cohorts, ranking of all items, and the command on files."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookbook.__main__ import main
from lookbook.evaluation.metrics import Estimate
from lookbook.evaluation.recommendation import (
    evaluate_interactions,
    evaluate_model,
    ground_truth_by_cohort,
    ranked_rows,
)
from lookbook.recommend import MODELS, Interactions, ItemKNN, Popularity, Visual
from tests.tiny_interactions import NONE, TEST, TRAIN, interactions
from tests.tiny_shop import ITEMS, checkerboard, checkerboard_items


def test_warm_and_cold_users_and_items_are_cohorts_of_their_own():
    assert ground_truth_by_cohort(TRAIN, TEST) == {
        "new": {"a": {2, 7}, "b": {5}},
        "repeat": {"a": {0, 2, 7}, "b": {5}},
        "cold_items": {"a": {7}, "b": {5}},
        "cold_users": {"new": {1}},
    }


def test_all_items_are_ranked_and_items_taken_before_only_for_repeat():
    items = checkerboard_items()
    model = Popularity().fit(interactions(("a", 0, 1), ("b", 0, 1), ("c", 2, 1)), items)
    assert ranked_rows(model, ["a"], "new").tolist() == [[2, *NONE[:11]]]
    assert ranked_rows(model, ["a"], "repeat").tolist() == [[0, 2, *NONE[:10]]]
    assert ranked_rows(model, ["a"], "cold_items").tolist() == [[2, *NONE[:11]]]
    ranked = ranked_rows(Visual().fit(model.interactions, items), ["a"], "cold_items")
    assert 0 not in ranked[0]
    assert 2 in ranked[0]  # warm items compete with the cold ones, as on the site
    assert (ranked >= 0).all()


def test_a_model_that_learns_the_pattern_beats_popularity():
    """Every user takes another item of the same colour; popularity cannot tell colours apart."""
    items, known = checkerboard_items(), checkerboard(checkerboard_items())
    again = [(f"u{person}", person % ITEMS, 9) for person in range(40)]
    everything = Interactions.of(
        [known.users[u] for u in known.user] + [user for user, _, _ in again],
        np.concatenate([known.item, [item for _, item, _ in again]]),
        np.concatenate([known.day, [day for *_, day in again]]),
        ITEMS,
    )
    models = {"popularity": Popularity(), "item_knn": ItemKNN()}
    results = evaluate_interactions(everything, items, 9.0, models)
    assert results["item_knn"]["new"]["ndcg@12"].value == 1
    assert results["popularity"]["new"]["ndcg@12"].value < 0.8
    assert results["popularity"]["cold_items"]["ndcg@12"].n == 0
    with pytest.raises(ValueError, match="both parts need some"):
        evaluate_interactions(everything, items, 100.0, models)


def test_a_model_that_was_not_fitted_cannot_be_measured():
    with pytest.raises(ValueError, match="expected a model fitted on interactions"):
        evaluate_model(Popularity(), TEST, {})


@pytest.fixture
def files(tmp_path, shapes):
    """Purchases of the drawn shapes: every customer takes one colour."""
    colours = ("red", "green", "blue")
    rows = [
        {
            "customer": c,
            "article_id": f"{colours[c % 3]}{k}",
            "day": f"2026-01-0{1 + k}",
            "price": 2.5,
        }
        for c in range(12)
        for k in range(3)
    ]
    rows += [{**rows[0], "customer": 99, "day": "2026-01-03"}]
    path = tmp_path / "purchases.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path, shapes


def test_the_command_prints_every_model_group_and_measure(files, tiny_model, capsys):
    purchases, catalogue = files
    command = ["evaluate", "--interactions", str(purchases), "--items", str(catalogue)]
    command += ["--split-day", "2026-01-03", "--encoder", str(tiny_model), "--json"]
    assert main(command) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["models"]
    assert set(printed["models"]) == set(MODELS)
    measures = {f"{m}@12" for m in ("precision", "recall", "f1", "hit", "map", "ndcg", "accuracy")}
    measures |= {"coverage", "gini", "novelty", "intra_list_diversity"}
    for groups in printed["models"].values():
        assert set(groups) == {"new", "repeat", "cold_items", "cold_users"}
        for group in groups.values():
            assert set(group) == measures
            assert all(set(f) == {"value", "low", "high", "n"} for f in group.values())
    assert printed["models"]["hybrid"]["new"]["ndcg@12"]["n"] == 12


def test_a_cohort_without_users_is_printed_as_nobody_not_as_zero(capsys, monkeypatch):
    measured = {"ndcg@12": Estimate(0.5, 0.25, 0.75, 4)}
    nobody = dict.fromkeys(measured, Estimate(0.0, 0.0, 0.0, 0))
    table = {"hybrid": {"new": measured, "cold_users": nobody}}
    monkeypatch.setattr("lookbook.evaluation.recommendation.evaluate_files", lambda *a, **k: table)
    command = ["evaluate", "--interactions", "p.csv", "--items", "x", "--split-day", "2026-01-02"]
    assert main(command) == 0
    lines = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()]
    assert [line[-1] for line in lines] == ["0.500 (0.250-0.750, n=4)", "nobody"]
    assert main([*command, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["models"]["hybrid"]["cold_users"]["ndcg@12"]
    assert printed == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 0}


@pytest.mark.parametrize(
    "more",
    [
        ["--items", "x"],
        ["--split-day", "2026-01-02"],
        ["--split-day", "2026-01-02", "--items", "/no/such"],
    ],
)
def test_a_missing_option_is_an_error(files, capsys, more):
    assert main(["evaluate", "--interactions", str(files[0]), *more]) == 2
    assert "python -m lookbook evaluate: " in capsys.readouterr().err
