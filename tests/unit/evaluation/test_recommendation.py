"""Measures of rankings counted by hand, their intervals, and the guard against leakage."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.__main__ import main
from lookbook.evaluation import figure
from lookbook.evaluation.metrics import Estimate, bootstrap_means
from lookbook.evaluation.recommendation import evaluate_interactions, questions, ranked_rows
from lookbook.evaluation.recommendation_metrics import (
    Leakage,
    accuracy_figures,
    diversity_figures,
    gini,
    guard,
)
from lookbook.recommend import MODELS, History, Interactions, ItemKNN, Popularity, Visual
from lookbook.recommend.interaction_files import InteractionsError, day_number, read_interactions
from tests.tiny_shop import ITEMS, checkerboard, checkerboard_items

NONE = [-1] * 12


def interactions(*rows, items=20):
    users, taken, days = zip(*rows, strict=True)
    return Interactions.of(users, np.array(taken), np.array(days, float), items)


FITTED = interactions(("a", 0, 1), ("a", 1, 1), ("b", 1, 2), ("c", 2, 2))
ASKED = interactions(("a", 0, 3), ("a", 2, 3), ("a", 7, 4), ("b", 5, 3), ("new", 1, 3))


def test_each_measure_is_what_is_counted_by_hand():
    """a wants 0, 2 and 7, found at places 1 and 3; b wants 5, not found."""
    ranked = np.array([[0, 9, 2, *NONE[:9]], [4, *NONE[:11]]])
    found = accuracy_figures(ranked, ["a", "b"], [{0, 2, 7}, {5}], FITTED, ASKED)
    value = {name: f.value for name, f in found.items()}
    assert all(f.n == 2 for f in found.values())
    assert value["precision@12"] == pytest.approx((2 / 12 + 0) / 2)
    assert value["recall@12"] == pytest.approx((2 / 3 + 0) / 2)
    assert value["f1@12"] == pytest.approx(2 * (1 / 6) * (2 / 3) / (1 / 6 + 2 / 3) / 2)
    assert value["hit@12"] == 0.5
    assert value["map@12"] == pytest.approx((1 + 2 / 3) / 3 / 2)
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert value["ndcg@12"] == pytest.approx((1 + 1 / 2) / ideal / 2)
    assert value["accuracy@12"] == pytest.approx((1 - 2 / 20 + 1 - 2 / 20) / 2)


@given(st.lists(st.integers(0, 19), min_size=12, max_size=12, unique=True), st.data())
def test_measures_lie_between_0_and_1_and_a_perfect_ranking_has_1(ranked, data):
    wanted = data.draw(st.sets(st.integers(0, 19), min_size=1, max_size=12))
    asked = interactions(*(("a", row, 3) for row in wanted))
    table = accuracy_figures(np.array([ranked]), ["a"], [wanted], FITTED, asked)
    assert all(0 <= f.value <= 1 for f in table.values())
    best = [*wanted, *(row for row in range(20) if row not in wanted)][:12]
    perfect = accuracy_figures(np.array([best]), ["a"], [wanted], FITTED, asked)
    assert perfect["ndcg@12"].value == pytest.approx(1)
    assert perfect["map@12"].value == pytest.approx(1)
    assert perfect["recall@12"].value == 1


def test_several_measures_have_the_intervals_of_each_alone():
    draw = np.random.default_rng(0)
    values = {"one": draw.random(40), "other": draw.random(40) < 0.2}
    for name, found in bootstrap_means(values).items():
        alone = figure(values[name])
        assert found.n == alone.n
        assert found.value == pytest.approx(alone.value)
        assert (found.low, found.high) == pytest.approx((alone.low, alone.high))


def test_diversity_of_lists_that_are_all_alike_and_of_lists_that_share_nothing():
    vectors = np.eye(20, dtype=np.float32)
    same = np.tile([3, *NONE[:11]], (4, 1))
    apart = np.arange(16).reshape(4, 4)
    alike, unlike = (diversity_figures(rows, FITTED, vectors) for rows in (same, apart))
    assert alike["coverage"].value == 1 / 20
    assert unlike["coverage"].value == 16 / 20
    for one in (alike, unlike):
        for name in ("coverage", "gini"):
            assert one[name].low <= one[name].value <= one[name].high
    assert alike["coverage"].low == pytest.approx(alike["coverage"].high), "all show the same"
    assert unlike["coverage"].low < unlike["coverage"].high
    assert alike["gini"].value == pytest.approx(19 / 20)
    assert unlike["gini"].value == pytest.approx(4 / 20)
    assert unlike["intra_list_diversity"].value == pytest.approx(1)
    assert alike["novelty"].value == pytest.approx(2)  # nobody of three took it: 1 of 4
    assert diversity_figures(np.array([[1, 1]]), FITTED, None)["novelty"].value < 2


def test_gini():
    assert gini(np.array([5, 5, 5, 5])) == 0
    assert gini(np.array([0, 0, 0, 8])) == 0.75
    assert gini(np.zeros(4)) == 0


def test_a_test_part_that_is_not_later_is_leakage():
    with pytest.raises(Leakage, match="begins on day 2, but the fit part has day 2"):
        guard(FITTED, interactions(("a", 3, 2)))
    with pytest.raises(Leakage, match="split by time"):
        accuracy_figures(np.array([NONE]), ["a"], [{0}], FITTED, FITTED)


def test_an_answer_that_was_never_in_the_test_part_is_refused():
    with pytest.raises(Leakage, match="item 1 of 'a' is not in the test part"):
        accuracy_figures(np.array([NONE]), ["a"], [{1}], FITTED, ASKED)
    with pytest.raises(ValueError, match="no right answer"):
        accuracy_figures(np.array([NONE]), ["a"], [set()], FITTED, ASKED)


def test_warm_and_cold_are_asked_apart():
    assert questions(FITTED, ASKED) == {
        "new": {"a": {2, 7}, "b": {5}},
        "repeat": {"a": {0, 2, 7}, "b": {5}},
        "cold_items": {"a": {7}, "b": {5}},
        "cold_users": {"new": {1}},
    }


def test_all_items_are_ranked_and_what_is_known_comes_again_only_in_repeat():
    items = checkerboard_items()
    model = Popularity().fit(interactions(("a", 0, 1), ("b", 0, 1), ("c", 2, 1)), items)
    assert ranked_rows(model, ["a"], "new").tolist() == [[2, *NONE[:11]]]
    assert ranked_rows(model, ["a"], "repeat").tolist() == [[0, 2, *NONE[:10]]]
    assert ranked_rows(model, ["a"], "cold_items").tolist() == [[2, *NONE[:11]]]
    seen = ranked_rows(Visual().fit(model.interactions, items), ["a"], "cold_items")
    assert 0 not in seen[0]
    assert 2 in seen[0]  # what others took is in the way there, as it is on a site
    assert (seen >= 0).all()


def test_a_recommender_that_knows_beats_one_that_does_not():
    """Everybody comes back for another item of the colour; popularity knows no colours."""
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


# files


@pytest.fixture
def files(tmp_path, shapes):
    """Purchases of the drawn shapes: people keep to their colour."""
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
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["models"]
    assert set(found["models"]) == set(MODELS)
    measures = {f"{m}@12" for m in ("precision", "recall", "f1", "hit", "map", "ndcg", "accuracy")}
    measures |= {"coverage", "gini", "novelty", "intra_list_diversity"}
    for groups in found["models"].values():
        assert set(groups) == {"new", "repeat", "cold_items", "cold_users"}
        for group in groups.values():
            assert set(group) == measures
            assert all(set(f) == {"value", "low", "high", "n"} for f in group.values())
    assert found["models"]["hybrid"]["new"]["ndcg@12"]["n"] == 12


def test_columns_are_found_or_named(files, tmp_path):
    path, _ = files
    items = checkerboard_items()
    table = pa.table({"who": ["x"], "what": ["i3"], "when": [10.0]})
    pq.write_table(table, tmp_path / "odd.parquet")
    with pytest.raises(InteractionsError, match=r"called like the user.*--user-column.*who, what"):
        read_interactions(tmp_path / "odd.parquet", items)
    names = {"user": "who", "item": "what", "time": "when"}
    read = read_interactions(tmp_path / "odd.parquet", items, names)
    assert (read.users, read.item.tolist(), read.day.tolist()) == (["x"], [3], [10.0])
    with pytest.raises(InteractionsError, match="no column 'wen'"):
        read_interactions(tmp_path / "odd.parquet", items, names | {"time": "wen"})
    with pytest.raises(InteractionsError, match="none of the 37 interactions"):
        read_interactions(path, items)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_purchases_may_be_a_csv(tmp_path, mark):
    items = checkerboard_items()
    rows = ["customer,item,day,price", "a,i3,2026-01-02,9", "a,i4,2026-01-03 12:00:00,8.5"]
    path = tmp_path / "purchases.csv"
    path.write_text("\n".join(rows).replace(",", mark))
    read = read_interactions(path, items)
    assert (read.users, read.item.tolist()) == (["a"], [3, 4])
    assert np.diff(read.day).tolist() == [1.5]
    assert read.price.tolist() == [9, 8.5]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "purchases.csv: cannot be read"),
        (b"customer,item,day\n", "it has no rows"),
        (b"customer,item,day\na,i3,soon\n", "the column of times"),
        (b"customer,item,day\n\xff,i3,soon\n", "UTF-8"),
    ],
)
def test_a_csv_that_cannot_be_read_is_said(tmp_path, content, word):
    path = tmp_path / "purchases.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InteractionsError, match=word):
        read_interactions(path, checkerboard_items())


def test_days_are_those_of_the_calendar():
    assert day_number("1970-01-02") == 1
    with pytest.raises(InteractionsError, match="YYYY-MM-DD, found 'soon'"):
        day_number("soon")


def test_what_nobody_was_asked_for_is_no_zero(capsys, monkeypatch):
    measured = {"ndcg@12": Estimate(0.5, 0.25, 0.75, 4)}
    nobody = dict.fromkeys(measured, Estimate(0.0, 0.0, 0.0, 0))
    table = {"hybrid": {"new": measured, "cold_users": nobody}}
    monkeypatch.setattr("lookbook.evaluation.purchases.evaluate_files", lambda *a, **k: table)
    command = ["evaluate", "--interactions", "p.csv", "--items", "x", "--split-day", "2026-01-02"]
    assert main(command) == 0
    lines = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()]
    assert [line[-1] for line in lines] == ["0.500 (0.250-0.750, n=4)", "nobody"]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["models"]["hybrid"]["cold_users"]["ndcg@12"]
    assert told == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 0}


@pytest.mark.parametrize(
    "more",
    [
        ["--items", "x"],
        ["--split-day", "2026-01-02"],
        ["--split-day", "2026-01-02", "--items", "/no/such"],
    ],
)
def test_what_is_missing_is_said(files, capsys, more):
    assert main(["evaluate", "--interactions", str(files[0]), *more]) == 2
    assert "python -m lookbook evaluate: " in capsys.readouterr().err


def test_a_history_is_that_of_its_person_in_order_of_time():
    known = interactions(("a", 5, 3), ("b", 1, 1), ("a", 4, 1))
    history = known.history("a")
    assert history.rows.tolist() == [4, 5]
    assert history.ages.tolist() == [3, 1]
    assert known.history("nobody") is None
    assert isinstance(history, History)
