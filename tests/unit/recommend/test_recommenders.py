"""Every recommender does the same things, shown on a checkerboard whose answer is known."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from lookbook.recommend import (
    ALS,
    BPR,
    Context,
    History,
    Hybrid,
    Interactions,
    ItemKNN,
    Items,
    ModelCorrupt,
    Popularity,
    Visual,
)
from lookbook.recommend.baselines.factors import solve_user
from lookbook.recommend.baselines.item_knn import BoughtTogether
from lookbook.recommend.context_lift import occasion_prior, season_prior
from lookbook.recommend.items import UnknownItems
from lookbook.recommend.reasons import reason
from lookbook.schema.filters import FilterError
from tests.tensors import write_tensor
from tests.tiny_shop import ITEMS, checkerboard, checkerboard_items, missing

NOTHING = Interactions.of([], np.empty(0, int), np.empty(0), ITEMS)


@pytest.fixture(scope="module")
def items():
    return checkerboard_items()


class RecommenderBehaviour:
    """Every recommender that `model_of()` returns must do this, fitted on the checkerboard."""

    personal = True  # knows one person from another
    collaborative = True  # learns from what others took

    @staticmethod
    def model_of():
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, items):
        return cls.model_of().fit(checkerboard(items), items)

    def test_the_item_that_is_missing_comes_first(self, model):
        if not self.personal:
            pytest.fail("override where people are not told apart")
        for person in range(8):
            answer = model.recommend(f"u{person}", k=1)
            assert answer[0].row % 2 == person % 2
            assert answer.ids == [f"i{missing(person)}"]

    def test_recommend_and_recommend_many_agree(self, model):
        people = ["u0", "u3", None, History.of_rows([1, 3])]
        together = model.recommend_many(people, k=5)
        for person, answer in zip(people, together, strict=True):
            alone = model.recommend(person, k=5)
            assert alone.ids == answer.ids
            assert alone.reason == answer.reason
            assert np.allclose([o.score for o in alone], [o.score for o in answer], atol=1e-5)

    def test_scores_fall_and_no_item_comes_twice(self, model):
        answer = model.recommend(History.of_rows([0, 2]), k=12)
        scores = [one.score for one in answer]
        assert scores == sorted(scores, reverse=True)
        assert len(set(answer.ids)) == len(answer) > 0

    def test_items_taken_before_come_again_only_with_repeats(self, model):
        had = History.of_rows([0, 2, 4])
        new = model.recommend(had, k=ITEMS)
        assert not {"i0", "i2", "i4"} & set(new.ids)
        assert {"i0", "i2", "i4"} <= set(model.recommend(had, k=ITEMS, repeats=True).ids)

    def test_disliked_items_never_come(self, model):
        had = History.of_rows([0, 2], disliked=np.array([4, 6]))
        assert not {"i4", "i6"} & set(model.recommend(had, k=ITEMS, repeats=True).ids)

    def test_conditions_and_exclusions_hold(self, model):
        answer = model.recommend("u0", k=ITEMS, where={"season": "Summer"}, repeats=True)
        assert len(answer)
        assert all(one.row % 4 < 2 for one in answer)
        first = answer.ids[0]
        assert first not in model.recommend("u0", k=ITEMS, exclude=[first], repeats=True).ids
        with pytest.raises(FilterError, match="no column 'size'"):
            model.recommend("u0", where={"size": "S"})

    def test_nothing_to_recommend_is_an_answer_with_a_reason(self, model):
        answer = model.recommend("u0", where={"price": "-1"})
        assert list(answer) == []
        assert answer.reason == "no item meets the conditions"

    def test_a_shorter_list_has_a_reason(self, model):
        answer = model.recommend("u0", k=12, where={"articleType": "Shirts", "season": "Summer"})
        assert 0 < len(answer) < 12
        assert f"only {len(answer)} items" in answer.reason or len(answer) == 0

    def test_every_result_has_a_reason(self, model):
        assert all(one.reason for one in model.recommend("u1", k=5))

    def test_similar_items_are_of_the_same_colour_of_the_board(self, model):
        answer = model.similar_items("i3", k=4)
        assert "i3" not in answer.ids
        assert [one.row % 2 for one in answer] == [1, 1, 1, 1]
        with pytest.raises(UnknownItems, match="no item 'i99' among the 20"):
            model.similar_items("i99")

    def test_saved_and_loaded_it_answers_the_same(self, model, items, tmp_path):
        model.save(tmp_path)
        assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
        loaded = type(model).load(tmp_path, items)
        for had in (History.of_rows([0, 2, 4]), History.of_rows([5]), History()):
            before, after = model.recommend(had, k=8), loaded.recommend(had, k=8)
            assert before.ids == after.ids
            assert before.reason == after.reason

    def test_a_saved_model_holds_no_user(self, model, tmp_path):
        model.save(tmp_path)
        content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"u17" not in content

    def test_a_model_of_another_catalogue_is_refused(self, model, tmp_path):
        model.save(tmp_path)
        with pytest.raises(ModelCorrupt, match="expected"):
            type(model).load(tmp_path, checkerboard_items(10))

    @pytest.mark.parametrize("damage", [b"", b"\xff" * 40, b"{}"])
    @pytest.mark.parametrize("suffix", ["json", "safetensors"])
    def test_a_damaged_model_is_refused(self, model, items, tmp_path, damage, suffix):
        model.save(tmp_path)
        (tmp_path / f"{model.name}.{suffix}").write_bytes(damage)
        with pytest.raises(ModelCorrupt, match=model.name):
            type(model).load(tmp_path, items)

    def test_a_model_in_numbers_that_numpy_does_not_know_is_refused(self, model, items, tmp_path):
        model.save(tmp_path)
        file = tmp_path / f"{model.name}.safetensors"
        write_tensor(file, next(iter(load_file(file))), "BF16")
        with pytest.raises(ModelCorrupt, match=rf"{model.name} in .* found BF16$"):
            type(model).load(tmp_path, items)

    def test_a_catalogue_without_events_can_be_fitted(self, items):
        model = self.model_of().fit(NOTHING, items)
        answer = model.recommend(History.of_rows([0]))
        assert len(answer) or answer.reason

    def test_interactions_of_another_catalogue_are_refused(self, items):
        with pytest.raises(ValueError, match="interactions of 20 items, a catalogue of 10"):
            self.model_of().fit(checkerboard(items), checkerboard_items(10))

    def test_a_k_below_one_is_refused(self, model):
        with pytest.raises(ValueError, match="at least 1, found 0"):
            model.recommend("u0", k=0)


class TestPopularity(RecommenderBehaviour):
    model_of = staticmethod(Popularity)

    def test_the_item_that_is_missing_comes_first(self, items):
        """People are not told apart: all get what most took last."""
        days = np.array([0.0, 0, 0, 5, 5])
        taken = Interactions.of(list("abcde"), np.array([1, 1, 1, 2, 2]), days, ITEMS)
        assert Popularity(half_life=100).fit(taken, items).recommend().ids == ["i1", "i2"]
        assert Popularity(half_life=1).fit(taken, items).recommend().ids == ["i2", "i1"]

    def test_similar_items_are_of_the_same_colour_of_the_board(self, model):
        assert len(model.similar_items("i3", k=4)) == 4  # the popular ones, whatever the item


class TestItemKNN(RecommenderBehaviour):
    model_of = staticmethod(lambda: ItemKNN(neighbours=12))


class TestBM25(RecommenderBehaviour):
    model_of = staticmethod(lambda: ItemKNN(neighbours=12, weighting="bm25"))


class TestBoughtTogether(RecommenderBehaviour):
    model_of = staticmethod(BoughtTogether)


class TestALS(RecommenderBehaviour):
    model_of = staticmethod(lambda: ALS(size=4))


class TestBPR(RecommenderBehaviour):
    model_of = staticmethod(lambda: BPR(size=8, iterations=200))


class TestVisual(RecommenderBehaviour):
    model_of = staticmethod(Visual)

    def test_the_item_that_is_missing_comes_first(self, model):
        for person in range(8):
            assert model.recommend(f"u{person}", k=1).ids == [f"i{missing(person)}"]


class TestHybrid(RecommenderBehaviour):
    model_of = staticmethod(Hybrid)

    def test_weights_are_readable(self, model):
        assert model.weights["again"] != 0
        assert {"kind:articleType", "people like you"} <= set(model.weights)

    def test_a_saved_model_keeps_the_keys_of_the_first_release(self, model, tmp_path):
        model.save(tmp_path)
        arrays = load_file(tmp_path / "hybrid.safetensors")
        names = ("popular", "lasting", "trend", "family", "lent", "fresh", "cold", "events")
        names += ("tiebreak", "rebuy", "price", "share of articleType")
        assert {f"array.{name}" for name in names} <= set(arrays)
        assert {"weights", "factors.parts", "knn.data"} <= set(arrays)
        settings = json.loads((tmp_path / "hybrid.json").read_text())["settings"]
        assert set(settings) == {"strength", "newcomers", "names", "factors", "knn", "effects"}
        assert set(settings["names"]) == set(model.weights)


# what each parameter changes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ItemKNN(neighbours=2), ItemKNN(neighbours=12)),
        (ItemKNN(), ItemKNN(weighting="bm25")),
        (ALS(size=2), ALS(size=8)),
        (ALS(size=4), ALS(size=4, regularization=50)),
        (ALS(size=4), ALS(size=4, alpha=1)),
        (ALS(size=4), ALS(size=4, iterations=1)),
        (ALS(size=4), ALS(size=4, seed=1)),
        (BPR(size=4), BPR(size=8)),
        (BPR(size=4), BPR(size=4, learning_rate=0.001)),
        (BPR(size=4), BPR(size=4, regularization=1)),
        (BPR(size=4), BPR(size=4, iterations=1)),
        (BPR(size=4), BPR(size=4, seed=1)),
        (Popularity(half_life=1), Popularity(half_life=9)),
        (Visual(apart=0.99), Visual(apart=-1)),
        (Hybrid(strength=0.1), Hybrid(strength=1000)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_parameter_changes_something(items, one, other):
    known = checkerboard(items)
    had = [History.of_rows([0, 1, 2])]
    first = one.fit(known, items).scores(had)
    assert not np.array_equal(first, other.fit(known, items).scores(had))


@pytest.mark.parametrize(
    "build",
    [
        lambda: ItemKNN(neighbours=0),
        lambda: ItemKNN(weighting="tfidf"),
        lambda: Popularity(half_life=0),
        lambda: Visual(apart=2),
        lambda: Hybrid(cold_start_slots=-1),
    ],
)
def test_a_parameter_out_of_range_is_refused(build):
    with pytest.raises(ValueError, match="expected"):
        build()


def test_a_user_vector_is_the_least_squares_solution():
    """The half-step of ALS against the same sum written out over all items."""
    random = np.random.default_rng(0)
    factors = random.normal(size=(9, 3)).astype(np.float32)
    taken, confidence = np.array([2, 5]), np.array([20, 4], np.float32)
    weights, preference = np.ones(9), np.zeros(9)
    weights[taken], preference[taken] = confidence, 1
    left = (factors.T * weights) @ factors + 0.1 * np.eye(3)
    exact = np.linalg.solve(left, (factors.T * weights) @ preference)
    solved = solve_user(factors.T @ factors, factors[taken], confidence, 0.1)
    assert np.allclose(solved, exact, atol=1e-4)


# interests, cold items, colours


def test_two_interests_are_kept_apart():
    """Red shoes and blue hats liked: what lies between the two is nothing that anybody liked."""
    red, blue = np.array([1, 0, 0.0]), np.array([0, 1, 0.0])
    between = (red + blue) / np.sqrt(2)
    up = np.array([0, 0, 0.1])
    vectors = np.stack([red, blue, red + up, blue + up, between])
    items = Items(list("abcde"), vectors=vectors)
    none = Interactions.of([], np.empty(0, int), np.empty(0), 5)
    answer = Visual().fit(none, items).recommend(History.of_rows([0, 1]))
    assert set(answer.ids[:2]) == {"c", "d"}
    assert Visual(apart=-1).fit(none, items).recommend(History.of_rows([0, 1])).ids[0] == "e"


def test_a_new_colour_of_a_product_is_found_by_those_who_took_another(items):
    known = checkerboard(items)
    known = known.where(~np.isin(known.item, [6, 16, 18]))  # i4 and i6 are the same product
    answer = Hybrid().fit(known, items).recommend(History.of_rows([4]), k=ITEMS)
    assert answer.ids.index("i6") < min(answer.ids.index("i16"), answer.ids.index("i18"))
    assert next(o for o in answer if o.id == "i6").reason.startswith("another colour of")
    assert "i6" not in ALS(size=4).fit(known, items).recommend(History.of_rows([4]), k=ITEMS).ids


@pytest.mark.parametrize("cold_start_slots", [0, 1, 2])
def test_a_list_keeps_slots_for_what_nobody_took(items, cold_start_slots):
    """Odd items 7 and 17 are new; there are enough even ones to fill the list of even people."""
    known = checkerboard(items)
    known = known.where(~np.isin(known.item, [7, 17]))
    model = Hybrid(cold_start_slots=cold_start_slots).fit(known, items)
    had = History.of_rows([0, 2, 1])
    rows = [one.row for one in model.recommend(had, k=12, repeats=True)]
    slots = [slot for slot, row in enumerate(rows) if row in (7, 17)]
    assert slots == [4, 8][:cold_start_slots]
    plain = [row for row in rows if row not in (7, 17)]
    bare = Hybrid(cold_start_slots=0).fit(known, items).recommend(had, k=12, repeats=True)
    assert plain == [one.row for one in bare][: len(plain)]
    assert not {7, 17} & {one.row for one in model.recommend(had, k=7, repeats=True)}


def test_the_old_name_of_cold_start_slots_still_works():
    with pytest.warns(DeprecationWarning, match="cold_start_slots"):
        assert Hybrid(newcomers=2).cold_start_slots == 2


def test_the_reason_of_a_cold_item_says_what_it_looks_like(items):
    known = checkerboard(items)
    known = known.where(known.item != 7)
    model = Hybrid().fit(known, items)
    answer = model.recommend(History.of_rows([0, 2, 1]), k=8, repeats=True)
    assert answer[4].id == "i7"
    assert answer[4].reason == f"new, looks like the {items.short_name(1)} you bought; for winter"
    answer = model.recommend(History.of_rows([0, 2]), k=8, repeats=True)
    assert answer[4].reason.startswith("new here")
    assert "i7" not in model.recommend(k=8).ids  # a stranger tells nothing to go by


def test_less_of_what_is_like_a_disliked_item(items):
    model = Hybrid().fit(checkerboard(items), items)
    plain = model.recommend(History.of_rows([0, 1]), k=10)
    turned = model.recommend(History.of_rows([0, 1], disliked=np.array([2])), k=10)
    assert sum(o.row % 2 for o in turned) > sum(o.row % 2 for o in plain)


def test_without_pictures_all_but_the_visual_one_work(items):
    bare = Items(items.ids, items.titles, items.columns)
    known = checkerboard(bare)
    assert Hybrid().fit(known, bare).recommend("u3", k=1).ids == ["i3"]
    with pytest.raises(ValueError, match="needs items with vectors"):
        Visual().fit(known, bare)


# context: each part changes something


@pytest.mark.parametrize("kind", [Popularity, Hybrid])
@pytest.mark.parametrize(
    "context",
    [
        Context(season="Winter"),
        Context(day=date(2026, 1, 10)),
        Context(temperature=-3.0),
        Context(occasion="Party"),
        Context(budget=40.0),
    ],
    ids=["season", "day", "temperature", "occasion", "budget"],
)
def test_each_part_of_the_context_moves_what_fits_it_up(items, kind, context):
    fits = {
        "Winter": lambda row: row % 4 >= 2,
        "Party": lambda row: row % 3 == 0,
        None: lambda row: row < 4,
    }[context.effective_season or context.occasion]
    model = kind().fit(checkerboard(items), items)
    plain, there = (
        [fits(o.row) for o in model.recommend(k=6, context=c)] for c in (Context(), context)
    )
    assert sum(there) > sum(plain)


def test_the_hemisphere_turns_the_season(items):
    day = date(2026, 7, 1)
    assert Context(day=day).effective_season == "Summer"
    assert Context(day=day, hemisphere="south").effective_season == "Winter"
    assert Context(day=date(2026, 12, 31)).effective_season == "Winter"
    assert Context(season="autumn").effective_season == "Fall"


def test_the_item_in_view_draws_what_is_like_it(items):
    model = Hybrid().fit(checkerboard(items), items)
    plain, in_view = (
        model.recommend(k=6, context=context) for context in (Context(), Context(item="i0"))
    )
    assert "i0" not in in_view.ids
    assert [o.row % 2 for o in in_view] == [0] * 6
    assert any(o.row % 2 for o in plain)


def test_context_lifts_are_learnt_where_the_data_says_so(items):
    """The catalogue says i0 is for summer; people take it in winter alone."""
    rows = np.array([0] * 300 + [2] * 300)
    season = np.array(["Winter"] * 300 + ["Summer"] * 300)
    users = [f"p{n}" for n in range(600)]
    known = Interactions.of(users, rows, np.zeros(600), ITEMS, season=season)
    model = Popularity().fit(known, items)
    assert model.recommend(context=Context(season="Winter")).ids[0] == "i0"
    assert model.recommend(context=Context(season="Summer")).ids[0] == "i2"


@pytest.mark.parametrize(
    "wrong",
    [{"season": "Monsoon"}, {"hemisphere": "east"}, {"budget": -1.0}],
)
def test_a_context_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Context(**wrong)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, ITEMS - 1), max_size=8), st.integers(1, ITEMS))
def test_no_history_breaks_the_hybrid(rows, k):
    model = _fitted()
    answer = model.recommend(History.of_rows(rows), k=k)
    assert len(answer) == min(k, ITEMS - len(set(rows)))
    assert not {f"i{row}" for row in rows} & set(answer.ids)


def _fitted(kept: list = []) -> Hybrid:  # noqa: B006 (fitted once for all examples)
    if not kept:
        items = checkerboard_items()
        kept.append(Hybrid().fit(checkerboard(items), items))
    return kept[0]


@pytest.mark.parametrize(("seasons", "usages"), [("season", "usage"), ("Saison", "Occasion")])
def test_season_and_occasion_are_read_from_columns_of_any_usual_name(seasons, usages):
    columns = {seasons: ["Summer", "Winter"], usages: ["Party", "Casual"]}
    items = Items.of_columns(["a", "b"], columns)
    assert np.argmax(season_prior(items, "Summer")) == 0
    assert np.argmax(season_prior(items, "Winter")) == 1
    assert np.argmax(occasion_prior(items, "Casual")) == 1
    context = Context(season="Summer", occasion="Party")
    assert reason(items, History(), 0, context) == "for summer and for party"
