"""An audit of catalogues whose bias was built in."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from lookbook.__main__ import main
from lookbook.evaluation.bias_audit import audit, group_columns, plot
from tests.tiny_index import index_of_columns, random_vectors


@pytest.fixture(scope="module")
def unfair(tmp_path_factory):
    """Women's categories are apart, men's coincide: 4 categories each, 40 items in each."""
    categories = np.repeat(np.arange(8), 40)
    centres = 8 * np.eye(8, 10)
    centres[4:] = 8 * np.eye(10)[8]
    vectors = (centres[categories] + random_vectors(320, 10)).astype(np.float32)
    gender = ["Women" if category < 4 else "Men" for category in categories]
    return index_of_columns(
        tmp_path_factory.mktemp("unfair"),
        vectors,
        gender=gender,
        articleType=[f"category {c}" for c in categories],
    )


def test_the_group_with_worse_results_is_found_with_an_interval(unfair):
    (by_gender,) = audit(unfair).attributes
    women, men = sorted(by_gender.groups, key=lambda group: -group.precision.value)
    assert (women.name, men.name) == ("Women", "Men")
    assert women.precision.value > 0.95
    assert men.precision.value == pytest.approx(0.25, abs=0.1)
    assert women.share == men.share == 0.5
    gap = by_gender.precision_gap
    assert (gap.most, gap.least) == ("Women", "Men")
    assert gap.low < gap.value < gap.high
    assert gap.value == pytest.approx(women.precision.value - men.precision.value)


def test_exposure_is_one_where_results_stay_in_the_group_of_the_query(unfair):
    for group in audit(unfair).attributes[0].groups:
        assert group.exposure.value == pytest.approx(1, abs=0.05)


def test_a_hub_that_is_near_to_every_query_is_over_exposed(tmp_path):
    """A hundred items around ten in the middle, which are near to all of them."""
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles), np.ones(100)], axis=1)
    middle = np.array([[0.01 * n, 0, 1] for n in range(10)])
    season = ["Ring"] * 100 + ["Middle"] * 10
    vectors = np.concatenate([ring * [3, 3, 1], middle]).astype(np.float32)
    draw = np.random.default_rng(0)
    vectors[:100] = vectors[draw.permutation(100)]
    spread = index_of_columns(tmp_path / "ring", vectors, season=season, year=list(range(110)))
    assert group_columns(spread) == ["season"]
    groups = {g.name: g for g in audit(spread).attributes[0].groups}
    assert groups["Ring"].precision is None
    lonely = np.concatenate([np.eye(100, 101)[:, :100], np.zeros((10, 100))]).astype(np.float32)
    lonely[100:] = 1 + 0.01 * random_vectors(10, 100)
    hub = index_of_columns(tmp_path / "hub", lonely, season=season)
    (by_season,) = audit(hub).attributes
    exposure = {group.name: group.exposure.value for group in by_season.groups}
    assert exposure["Middle"] == pytest.approx(10.9, abs=0.3)  # all of 11 times its share
    assert exposure["Ring"] < 0.05


def test_small_groups_take_no_part_in_a_gap(tmp_path):
    gender = ["Men"] * 60 + ["Women"] * 3
    index = index_of_columns(
        tmp_path, random_vectors(63, 5), gender=gender, category=["a", "b", "c"] * 21
    )
    (by_gender,) = [a for a in audit(index).attributes if a.column == "gender"]
    assert by_gender.groups[1].precision.n == 3
    assert by_gender.precision_gap is None


def test_many_values_are_cut_to_twelve_and_the_rest(tmp_path):
    colours = [f"colour {n % 20:02}" if n else None for n in range(200)]
    index = index_of_columns(tmp_path, random_vectors(200, 5), baseColour=colours, name=colours)
    assert group_columns(index) == ["baseColour"]
    groups = audit(index).attributes[0].groups
    assert len(groups) == 13
    assert groups[-1].name == "other or none"
    assert sum(group.items for group in groups) == 200
    assert sum(group.share for group in groups) == pytest.approx(1)


def test_an_index_that_cannot_be_audited_raises(tmp_path):
    plain = index_of_columns(tmp_path / "a", random_vectors(30, 4))
    with pytest.raises(ValueError, match="no attribute to group by"):
        audit(plain)
    few = index_of_columns(tmp_path / "b", random_vectors(6, 4), gender=["Men", "Women"] * 3)
    with pytest.raises(ValueError, match="needs 11 different pictures, found 6"):
        audit(few)


def test_the_text_names_groups_and_gaps(unfair):
    text = str(audit(unfair))
    assert "320 queries; a result with the query's articleType is relevant" in text
    assert "largest gap in P@10: Women over Men by 0." in text


def test_a_plot_for_each_attribute(unfair, tmp_path):
    (path,) = plot(audit(unfair), tmp_path / "plots")
    assert path.name == "audit-gender.png"
    pixels = np.asarray(Image.open(path).convert("L"))
    assert pixels.shape[1] > 900
    assert (pixels < 60).any()


def test_the_command_prints_json_and_draws(unfair, tmp_path, capsys):
    root = str(unfair.generation.root)
    assert main(["audit", "--index", root, "--json", "--plot", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == audit(unfair).to_json()
    assert (tmp_path / "audit-gender.png").exists()
    assert main(["audit", "--index", root, "--sample", "50"]) == 0
    assert capsys.readouterr().out.startswith("50 queries")
