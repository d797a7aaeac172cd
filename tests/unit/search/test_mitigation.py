"""What a shop switches on against bias, on catalogues whose bias was built in."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.__main__ import main
from lookbook.outfits.slots import OutfitSlots
from lookbook.recommend import Items
from lookbook.recommend.data import EMPTY_HISTORY, Interactions
from lookbook.recommend.hybrid.model import Hybrid
from lookbook.schema.filters import FilterError
from lookbook.search.facets import facets
from lookbook.search.index import Index
from lookbook.search.mitigation import (
    Mitigation,
    check_quota,
    mitigated,
    mitigation,
    quota_order,
)
from lookbook.search.query import Query, run
from tests.tiny_index import publish_tiny, random_vectors

QUOTA = Mitigation(quota="gender", tolerance=0.1)
GENDERLESS = Mitigation(genderless=True)


@pytest.fixture(scope="module")
def apart(tmp_path_factory) -> Index:
    """60 women's and 40 men's pieces that lie apart: without a quota a search shows one of them."""
    gender = ["Women"] * 60 + ["Men"] * 40
    centres = np.repeat(9 * np.eye(2, 8), (60, 40), axis=0)
    items = {
        "id": [f"i{n}" for n in range(100)],
        "title": [f"piece {n}" for n in range(100)],
        "articleType": [("Shirts", "Dresses")[n % 2] for n in range(100)],
        "gender": gender,
        "baseColour": [("Red", "Blue", "Green")[n % 3] for n in range(100)],
    }
    vectors = (centres + random_vectors(100, 8)).astype(np.float32)
    root = tmp_path_factory.mktemp("apart")
    publish_tiny(root, count=100, vectors=vectors, items=items, thumbs=[b""] * 100)
    return Index.open(root, "exact")


def genders(index: Index, query: Query) -> list[object]:
    return [hit.item.attributes["gender"] for hit in run(query, index).hits]


def test_without_mitigation_nothing_changes():
    assert mitigation() == Mitigation()
    assert not mitigation().active


def test_a_quota_gives_each_group_its_share_at_every_length(apart):
    query = Query(item="i0", count=50, fold="copies")
    assert set(genders(apart, query)) == {"Women"}
    with mitigated(QUOTA):
        shown = genders(apart, query)
        fewer = genders(apart, replace(query, count=10))
    for length in range(1, 51):
        share = shown[:length].count("Men") / length
        assert 0.4 - 0.1 - 1 / length <= share <= 0.4 + 0.1 + 1 / length
    assert shown[:10] == fewer  # showing more keeps what is shown


def test_a_quota_keeps_the_order_within_a_group_and_the_filters(apart):
    query = Query(item="i0", count=40, fold="copies")
    plain = [hit.id for hit in run(query, apart).hits]
    with mitigated(QUOTA):
        shown = [hit.id for hit in run(query, apart).hits]
        filtered = genders(apart, Query(item="i0", where=("gender=Men",)))
    women = [id for id in shown if int(id[1:]) < 60]
    assert women == plain[: len(women)]
    assert len(set(shown)) == 40
    assert set(filtered) == {"Men"}


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60),
    st.lists(st.integers(1, 9), min_size=4, max_size=4),
    st.floats(0, 1),
)
def test_a_quota_shows_every_candidate_once(groups, weights, tolerance):
    shares = np.array(weights) / sum(weights)
    order = quota_order(np.array(groups), shares, len(groups), tolerance)
    assert sorted(order) == list(range(len(groups)))
    assert tolerance < 1 or order == list(range(len(groups)))  # nothing to keep: the order stays


def test_a_quota_on_no_column_is_refused(apart):
    with pytest.raises(FilterError, match="--exposure-quota size: the columns are: articleType"):
        check_quota(apart, Mitigation(quota="size"))


def test_genderless_gender_neither_filters_nor_is_offered(apart):
    query = Query(item="i0", count=10, where=("gender=Men", "baseColour=Red"))
    assert "gender" in {facet.column for facet in facets(apart)}
    with mitigated(GENDERLESS):
        answer = run(query, apart)
        assert {hit.item.attributes["gender"] for hit in answer.hits} == {"Women"}
        assert {hit.item.attributes["baseColour"] for hit in answer.hits} == {"Red"}
        assert "this shop does not sort by gender: all pieces are shown" in answer.notes
        assert {facet.column for facet in facets(apart, query.where)} == {
            "articleType",
            "baseColour",
        }


def test_genderless_words_name_the_kind_alone(apart):
    class Mute:
        def knows(self, text):
            return False

        def unknown_words(self, text):
            return []

    words = Query(words="mens shirts", count=30, fold="copies")
    plain = run(words, apart, Mute()).hits
    kind_alone = run(replace(words, words="shirts"), apart, Mute()).hits
    with mitigated(GENDERLESS):
        shown = run(words, apart, Mute()).hits
    assert {hit.item.attributes["gender"] for hit in plain[:10]} == {"Men"}
    assert [hit.id for hit in shown] == [hit.id for hit in kind_alone]


def test_genderless_outfits_are_for_anybody(apart):
    slots = OutfitSlots(apart)
    assert slots.compatibility(0, "person").mean() == 0.6
    with mitigated(GENDERLESS):
        assert slots.compatibility(0, "person").mean() == 1
        assert slots.compatibility(0, "season").mean() == 1


def sold(apart: Index) -> tuple[Interactions, Items]:
    """Item 0 is taken by twenty people, item 1 by five, the others by nobody."""
    users = [f"u{n}" for n in range(25)]
    rows = np.array([0] * 20 + [1] * 5)
    return Interactions.of(users, rows, np.ones(25), 100), Items.of_index(apart)


def test_damping_lowers_the_log_score_of_the_hybrid_by_the_log_of_events(apart):
    interactions, items = sold(apart)
    model = Hybrid().fit(interactions, items)
    plain = model.scores([EMPTY_HISTORY])[0]
    with mitigated(Mitigation(damping=0.5)):
        damped = model.scores([EMPTY_HISTORY])[0]
    assert plain[0] - damped[0] == pytest.approx(0.5 * np.log(21), abs=1e-4)
    assert plain[1] - damped[1] == pytest.approx(0.5 * np.log(6), abs=1e-4)


def test_genderless_recommendations_do_not_weigh_gender(apart):
    interactions, items = sold(apart)
    model = Hybrid().fit(interactions, items)
    assert model.weights["kind:gender"] != 0
    with mitigated(GENDERLESS):
        used = model._used_weights()
        assert items.mask(("gender=Men",)).all()
    changed = used != model._weights
    assert [name for name, c in zip(model.weights, changed, strict=True) if c] == ["kind:gender"]


def test_the_audit_prints_what_a_quota_changes_and_costs(apart, capsys):
    root = str(apart.generation.root)
    assert main(["audit", "--index", root, "--exposure-quota", "size"]) == 2
    assert main(["audit", "--index", root, "--quota-tolerance", "0.2"]) == 2
    capsys.readouterr()
    from lookbook.evaluation.mitigation_cost import mitigation_cost

    costs = {c.measure: c for c in mitigation_cost(apart, QUOTA, None)}
    distance = costs["distance of gender from the catalogue"]
    assert distance.before == pytest.approx(0.48, abs=0.01)  # 0.4 for women's, 0.6 for men's
    assert distance.after <= 0.1 + 1e-9
    assert distance.difference.high < 0
    assert costs["P@10 of articleType"].before == pytest.approx(0.5, abs=0.1)
    assert (
        json.loads(json.dumps([c.to_json() for c in costs.values()]))[0]["difference"]["n"] == 100
    )
    both = {c.measure for c in mitigation_cost(apart, GENDERLESS, None)}
    assert all(measure.startswith("outfits") for measure in both)
