"""Training: the split, the views, the losses, and the way from a student to an encoder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import train
from lookbook import Encoder
from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.evaluation.splits import held_out
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.foreground_mask import foreground_mask
from lookbook.training import augmentation, losses
from lookbook.training.cross_batch_memory import Memory
from lookbook.training.data import (
    HEADS,
    MISSING,
    Photos,
    canvas_side,
    load_photos,
    number_labels,
    vocabulary,
)
from lookbook.training.descriptions import Description
from lookbook.training.head_finetuning import Features, finish, init_proxies
from lookbook.training.model import AVERAGES, CUT_SHARE, DETAILS, LEARNT_BESIDE, EmbeddingModel
from lookbook.training.objective import asked
from lookbook.training.pair_sampler import MEAN, STD, Batch, PairSampler, Truth
from lookbook.training.trainer import Run, grouped, learning_rate, mean
from tests.shapes import COLOURS, draw_shape

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def photos(shapes):
    made = load_photos(open_catalog(str(shapes)), 48, "id")
    for row in made.attributes:
        row |= {"baseColour": row["colour"], "articleType": "disc", "gender": "Unisex"}
    number_labels(made, vocabulary([made], least=2))
    return made


def test_the_split_holds_for_ever_and_has_its_share():
    assert [held_out(str(i), 0.5) for i in (1, 2, 3, 4, 5)] == [True, False, True, True, False]
    share = np.mean([held_out(str(i), 0.108) for i in range(20_000)])
    assert abs(share - 0.108) < 0.01


def test_a_smaller_part_lies_within_a_larger():
    assert all(held_out(str(i), 0.3) for i in range(500) if held_out(str(i), 0.1))


def test_unusable_pictures_are_left_out_and_labels_numbered(photos):
    assert len(photos) == 15
    colours = photos.labels[:, HEADS.index("baseColour")]
    assert len(set(colours)) == 5
    assert (photos.labels[:, HEADS.index("season")] == MISSING).all()


def test_a_batch_holds_two_views_of_the_same_products(photos):
    batch = next(PairSampler([photos], None, 0).batches(5, 32, seed=1))
    n = len(batch.truth)
    assert batch.pictures.shape == (2 * n, 3, 32, 32)
    assert len(set(batch.truth.products[0].tolist())) == n
    assert torch.equal(*batch.truth.products)
    first, second = batch.truth.labels
    changed = (first != second).nonzero()
    assert {HEADS[head] for head in changed[:, 1].tolist()} == {"baseColour", "exactly"}
    assert batch.truth.recoloured[changed[:, 0]].all(), "nobody says what colour it is now"
    pixels = batch.pictures * STD + MEAN
    assert -0.01 <= float(pixels.min()) <= float(pixels.max()) <= 1.01
    assert not torch.allclose(batch.pictures[:n], batch.pictures[n:])


def test_the_same_seed_draws_the_same_batches(photos):
    one, same, other = (
        next(PairSampler([photos], photos, 0.4).batches(5, 32, seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(one.pictures, same.pictures)
    assert not torch.equal(one.pictures, other.pictures)


def test_photos_of_two_sources_come_as_they_are(photos):
    few = photos.take(np.array([3, 7]))
    few.canvases = 255 - few.canvases  # the same products, seen otherwise
    mixer = PairSampler([photos, few], None, 0)
    batch = next(mixer.unaugmented_pairs(5, 48, seed=1))
    assert len(batch.truth) == 2 and not batch.truth.recoloured.any()
    pixels = ((batch.pictures * STD + MEAN) * 255).round().permute(0, 2, 3, 1)
    for row, number in enumerate(batch.truth.products[0].tolist()):
        key = list(mixer.shots)[number]
        for found, source in ((pixels[row], few), (pixels[2 + row], photos)):
            shown = source.canvases[source.keys.index(key), ..., :3].astype(np.float32)
            assert np.abs(found.numpy() - shown).max() <= 1
    assert next(PairSampler([photos], None, 0).unaugmented_pairs(5, 48, seed=1), None) is None


def in_pairs_of_colours(photos: Photos) -> Photos:
    """Six of `photos` as three products of two colours each, told by their names."""
    six = photos.take(np.arange(6))
    six.keys = [str(row) for row in range(6)]
    six.names = [
        f"{word} {c}" for word in ("Oak Tee", "Elm Tee", "Fir Tee") for c in ("Red", "Tan")
    ]
    six.attributes = [dict(row) for row in six.attributes]
    for row in six.attributes:
        row |= {"baseColour": None}
    return six


def test_a_second_view_may_be_the_product_in_another_of_its_colours(photos, monkeypatch):
    monkeypatch.setattr("lookbook.training.pair_sampler.RECOLOURED", 1.0)
    monkeypatch.setattr("lookbook.training.pair_sampler.SOLD", 1.0)
    truth = next(PairSampler([in_pairs_of_colours(photos)], None, 0).batches(6, 32, seed=1)).truth
    first, second = truth.products
    assert torch.equal(second, first ^ 1), "0 and 1 are one product, 2 and 3, 4 and 5"
    assert torch.equal(truth.designs, truth.products // 2 * 2)
    assert truth.recoloured.all()
    colours = truth.labels[..., HEADS.index("baseColour")]
    known = photos.labels[:6, HEADS.index("baseColour")]
    assert colours[1].tolist() == known[second].tolist(), "its colour is known, as it is sold"
    names = in_pairs_of_colours(photos).names
    assert [d.name for d in truth.said] == [names[n] for n in truth.products.flatten().tolist()]
    assert [d.name for d in truth.take(torch.tensor([2])).said] == [
        names[n] for n in truth.products[:, 2]
    ]


def test_nothing_is_said_of_a_view_in_a_colour_that_was_drawn(photos, monkeypatch):
    monkeypatch.setattr("lookbook.training.pair_sampler.RECOLOURED", 1.0)
    monkeypatch.setattr("lookbook.training.pair_sampler.SOLD", 0.0)
    truth = next(PairSampler([photos], photos, 0.4).batches(5, 32, seed=1)).truth
    first, second = truth.descriptions
    held = truth.products[0] < 0  # photos on their own ground, of which nothing is said at all
    assert held.tolist() == [False, False, False, True, True]
    assert [bool(d.words) for d in first] == [True, True, True, False, False]
    assert not any(d.words for d in second), "painted anew, nobody knows the name of its colour"


def test_two_colours_of_a_product_come_as_they_are(photos):
    sold = in_pairs_of_colours(photos)
    batch = next(PairSampler([sold], None, 0).colourway_pairs(5, 48, seed=1))
    assert len(batch.truth) == 3 and batch.truth.recoloured.all()
    assert torch.equal(batch.truth.products[1], batch.truth.products[0] ^ 1)
    pixels = ((batch.pictures * STD + MEAN) * 255).round().permute(0, 2, 3, 1)
    for picture, number in zip(pixels, batch.truth.products.flatten().tolist(), strict=True):
        assert np.abs(picture.numpy() - sold.canvases[number, ..., :3]).max() <= 1
    assert next(PairSampler([photos], None, 0).colourway_pairs(5, 48, seed=1), None) is None


def test_photos_alone_are_strangers_and_all_have_their_turn(photos):
    six = in_pairs_of_colours(photos)
    batches = PairSampler([six], None, 0).alone(2, 48, seed=1)
    first, second = next(batches), next(batches)
    drawn = torch.cat([batch.truth.products.flatten() for batch in (first, second)])
    assert sorted(drawn.tolist()) == [0, 1, 2, 3, 4, 5], "two and one pairs make a round"
    assert not first.truth.single_colour.any() and not first.truth.recoloured.any()
    pixels = ((first.pictures * STD + MEAN) * 255).round().permute(0, 2, 3, 1)
    for picture, number in zip(pixels, first.truth.products.flatten().tolist(), strict=True):
        assert np.abs(picture.numpy() - six.canvases[number, ..., :3]).max() <= 1
    assert next(PairSampler([six.take(np.array([0]))], None, 0).alone(5, 48, seed=1), None) is None


def test_another_colour_keeps_the_shape_and_the_ground():
    discs = [np.asarray(draw_shape(colour, 0, (64, 64))) for colour in ("red", "blue")]
    pixels = np.stack([np.dstack([disc, foreground_mask(disc)]) for disc in discs])
    canvases = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    found = augmentation.recolour(canvases, torch.tensor([True, False]))
    torch.testing.assert_close(found[1], canvases[1])
    inside = canvases[0, 3] > 0
    torch.testing.assert_close(found[0, :, ~inside], canvases[0, :, ~inside])
    blue = torch.tensor(COLOURS["blue"]) / 255
    assert (found[0, :3, inside] - blue[:, None]).abs().max() < 0.02, "the other one's colour"


def unit(*shape: int) -> torch.Tensor:
    return unit_of(torch.randn(*shape))


def unit_of(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows, dim=-1)


def test_pairs_that_belong_together_cost_less():
    left, scale, all_of = unit(8, 16), torch.tensor(2.3), torch.ones(8, dtype=torch.bool)
    each = torch.arange(8).repeat(2)
    apart = left.roll(1, 0)
    same, other = torch.cat([left, left]), torch.cat([left, apart])
    assert losses.nt_xent(same, scale, all_of, each) < losses.nt_xent(other, scale, all_of, each)


def test_only_the_pairs_that_are_asked_for_must_find_each_other():
    left, scale, each = unit(4, 16), torch.tensor(2.3), torch.arange(4).repeat(2)
    right = left.clone()
    right[3] = -left[3]
    some = torch.tensor([True, True, False, False])
    views = torch.cat([left, right])
    assert losses.nt_xent(views, scale, some, each) < losses.nt_xent(views, scale, ~some, each)
    assert losses.nt_xent(views, scale, torch.zeros(4, dtype=torch.bool), each) == 0


def test_views_of_other_products_make_the_task_harder():
    left, scale, all_of = unit(4, 16), torch.tensor(2.3), torch.ones(4, dtype=torch.bool)
    views, each = torch.cat([left, left]), torch.arange(4).repeat(2)
    alone = losses.nt_xent(views, scale, all_of, each)
    assert losses.nt_xent(views, scale, all_of, each, unit(64, 16)) > alone
    assert losses.nt_xent(views, scale, all_of, each, -views) > alone


def test_a_product_that_comes_twice_is_not_told_apart_from_itself():
    scale, both = torch.tensor(2.3), torch.ones(2, dtype=torch.bool)
    views = unit(1, 16).expand(4, 16)
    assert losses.nt_xent(views, scale, both, torch.tensor([7, 7, 7, 7])) < 1e-4
    assert losses.nt_xent(views, scale, both, torch.tensor([7, 8, 7, 8])) > 1
    apart = losses.nt_xent(views, scale, both, torch.tensor([7, 8, 8, 9]))
    assert 0 < apart < losses.nt_xent(views, scale, both, torch.tensor([6, 7, 8, 9]))


def test_another_colour_of_a_design_is_no_wrong_answer_for_its_cut():
    learning, words = student(), Vocabulary(("red", "shirt"), ())
    features = torch.randn(4, AVERAGES + DETAILS)
    labels = torch.full((2, 2, len(HEADS)), MISSING)
    truth = told(labels, ["", ""], recoloured=True)

    def cost(remembered: torch.Tensor) -> float:
        memory = Memory(8)
        sides = learning.sides(features)[:2]
        memory.add(remembered, [unit_of(side.detach()) for side in sides])
        return float(asked(learning, words, features, truth, memory)["cut"].detach())

    learning.eval()
    assert cost(truth.designs.flatten()) < cost(truth.designs.flatten() + 7)


def test_a_memory_keeps_the_latest_views_of_other_products():
    memory = Memory(5)
    assert memory.without(torch.tensor([1])) == (None, None)
    for product in (1, 2, 3):
        memory.add(torch.tensor([product, product]), (torch.full((2, 4), float(product)),) * 2)
    whole, cut = memory.without(torch.tensor([3, 9]))
    assert whole[:, 0].tolist() == [1, 2, 2], "of six views the first is forgotten"
    assert cut.shape == (3, 4)
    memory.add(torch.full((9,), 4), (torch.ones(9, 4),) * 2)
    assert len(memory.without(torch.tensor([3]))[0]) == 5, "no more than it may, however many come"


def told(labels: torch.Tensor, names: list[str], recoloured: bool = False) -> Truth:
    """Of as many products as there are `names`, each seen twice."""
    numbers = torch.arange(len(names)).repeat(2, 1)
    said = [[Description(name) for name in names]] * 2
    return Truth(numbers, numbers, labels, torch.full((len(names),), recoloured), said, None)


def student(**changes) -> EmbeddingModel:
    return EmbeddingModel({head: ["a", "b"] for head in HEADS}, 20, 0, 2, **changes)


def test_what_stands_still_does_not_change():
    learning = student(still=2).train()
    before = {name: value.clone() for name, value in learning.state_dict().items()}
    optimiser = torch.optim.SGD(learning.parameters(), lr=1.0)
    learning.embed(learning.features(torch.randn(4, 3, 64, 64)))[:, 0].sum().backward()
    optimiser.step()
    changed = {
        name.rsplit(".", 1)[0]
        for name, value in learning.state_dict().items()
        if name.startswith("backbone") and not torch.equal(value, before[name])
    }
    assert any(name.startswith("backbone.encoder.stages.1") for name in changed)
    still = ("backbone.embedder", "backbone.encoder.stages.0")
    assert not [name for name in changed if name.startswith(still)]


def test_proxies_are_put_where_their_pictures_are():
    made = student()
    numbers = torch.arange(40) % 2
    features = ((2 * numbers - 1)[:, None] * torch.ones(AVERAGES + DETAILS)).half()
    labels = numbers[None, :, None].repeat(2, 1, len(HEADS))
    truth = told(labels, [""] * 40)
    init_proxies(made, Features(features, features, truth))
    whole = unit_of(made.sides(features.float())[0])
    near = unit_of(made.heads["gender"]) @ whole.T
    assert (near[0, numbers == 0] > 0.99).all()
    assert (near[1, numbers == 1] > 0.99).all()
    assert (near[0, numbers == 1] < -0.99).all()


def test_the_last_step_moves_all_but_what_is_to_stay():
    made, words = student(), Vocabulary(("red", "shirt"), ())
    features = torch.randn(2, 16, AVERAGES + DETAILS).half()
    labels = torch.arange(16)[None, :, None].repeat(2, 1, len(HEADS)) % 2
    pairs = Features(*features, told(labels, ["red", "shirt"] * 8))
    before = {name: value.clone() for name, value in made.named_parameters()}
    finish(made, pairs, epochs=2, batch=8, rate=1e-2, still=("cut.",))
    moved = {n.split(".")[0] for n, p in made.named_parameters() if not torch.equal(p, before[n])}
    assert {"projection", "heads", "kind", "kinds"} <= moved
    assert not moved & {"backbone", "cut", "words"}
    before = {name: value.clone() for name, value in made.named_parameters()}
    finish(made, pairs, epochs=1, batch=8, rate=1e-2, still=("cut.", "kind"), words=words)
    moved = {n.split(".")[0] for n, p in made.named_parameters() if not torch.equal(p, before[n])}
    assert {"projection", "words"} <= moved and not moved & {"backbone", "cut", "kind", "kinds"}


def test_neighbours_of_one_label_cost_nothing_where_they_are_the_nearest():
    codes, labels = torch.eye(4)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1])
    each = torch.arange(4)
    assert losses.nca(codes, labels, each) < 1e-4
    assert losses.nca(codes, torch.tensor([0, 1, 0, 1]), each) > 10
    # without a label, or a second one of it that is another product, nobody asks
    assert losses.nca(codes, torch.tensor([0, MISSING, MISSING, 1]), each) == 0
    assert losses.nca(codes, labels, torch.tensor([0, 0, 1, 1])) == 0
    # nor is a stranger without a label, be it as near, a wrong answer
    alike = torch.eye(4)[[0, 0, 0]]
    assert losses.nca(alike, torch.tensor([0, 0, MISSING]), torch.arange(3)) < 1e-4


def test_strangers_need_not_find_each_other():
    learning, words = student().eval(), Vocabulary(("red", "shirt"), ())
    labels = torch.zeros(2, 3, len(HEADS), dtype=torch.int64)
    truth = told(labels, ["red"] * 3)
    truth.products = truth.designs = torch.arange(6).view(2, 3)
    parts = asked(learning, words, torch.randn(6, AVERAGES + DETAILS), truth)
    pairs = ("views", "cut", "vector views", "vector colours")
    assert [float(parts[name].detach()) for name in pairs] == [0, 0, 0, 0]


def test_the_vector_as_one_is_asked_but_cut_learns_by_colours_alone():
    learning, words = student(), Vocabulary(("red", "shirt"), ())
    features = torch.randn(16, AVERAGES + DETAILS)
    labels = torch.arange(8).repeat(2, 1)[..., None].expand(2, 8, len(HEADS)) % 2
    truth = told(labels, ["red", "shirt"] * 4)
    truth.products = truth.designs = torch.arange(16).view(2, 8)
    truth.products[1, :2] = truth.products[0, :2]  # the others are strangers
    parts = asked(learning, words, features, truth)
    asking = {name: value for name, value in parts.items() if name.startswith("vector ")}
    asked_of = {name for name, value in asking.items() if value > 0}
    assert asked_of == {"vector views", "vector kind", "vector exactly"}, "no pair in two colours"
    drawn = asked(learning, words, features, told(labels, ["red", "shirt"] * 4))
    assert drawn["vector kind"] > 0, "without strangers all views are asked, as in a batch of them"
    sum(asking.values()).backward()
    assert learning.kind.weight.grad.any() and learning.projection.weight.grad.any()
    assert learning.cut.weight.grad is None


def test_the_whole_learns_beside_a_shorter_cut():
    made = student()
    sides = made.sides(torch.randn(3, AVERAGES + DETAILS))
    whole, cut, _ = made.sizes

    def beside(vectors: torch.Tensor) -> torch.Tensor:
        return vectors[:, whole : whole + cut].norm(dim=1) / vectors[:, :whole].norm(dim=1)

    learning, shipped = (beside(made.train(way).vector(*sides)) for way in (True, False))
    torch.testing.assert_close(learning / shipped, torch.full((3,), LEARNT_BESIDE / CUT_SHARE))


def test_a_kind_that_nobody_told_costs_nothing():
    told = torch.tensor([[9.0, 0.0], [0.0, 9.0]], requires_grad=True)
    assert losses.category_cross_entropy(told, torch.tensor([0, 1])) < 1e-3
    assert losses.category_cross_entropy(told, torch.tensor([0, MISSING])) < 1e-3
    none = losses.category_cross_entropy(told, torch.tensor([MISSING, MISSING]))
    none.backward()
    assert none == 0 and not told.grad.any()


def test_a_missing_label_costs_nothing():
    vectors, proxies = torch.nn.functional.normalize(torch.randn(4, 8), dim=1), torch.randn(3, 8)
    labels = torch.tensor([0, MISSING, 2, MISSING])
    some = losses.proxy_nca(vectors, proxies, labels)
    assert torch.isclose(some, losses.proxy_nca(vectors[[0, 2]], proxies, labels[[0, 2]]))
    assert losses.proxy_nca(vectors, proxies, torch.full((4,), MISSING)) == 0


def test_the_teacher_is_matched_by_direction():
    teacher = torch.randn(4, 8)
    assert losses.distillation(3 * teacher, teacher) < 1e-6
    assert losses.distillation(-teacher, teacher) == pytest.approx(2)


def test_a_street_view_is_drawn_from_its_seed():
    photo = draw_shape("red", 0, (200, 260))
    one, same, other = (np.asarray(simulate_street_photo(photo, seed)) for seed in (5, 5, 6))
    assert one.shape == (256, 256, 3)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    redness = one[..., 0].astype(int) - one[..., 1]
    assert redness[100:156, 100:156].mean() > redness[:20].mean() + 20, "the product is there"


@pytest.fixture
def trained(shapes, tmp_path):
    """A function that runs the real script on a few pictures, with more options."""

    def run(*more):
        command = [sys.executable, str(ROOT / "train.py"), "--data", str(shapes)]
        command += ["--work", str(tmp_path / "work"), "--output", str(tmp_path / "model")]
        command += ["--size", "32", "--batch", "4", "--dim", "20", "--threads", "2"]
        command += ["--start-from", "none", "--memory", "4096"]
        command += ["--export-size", "64", "--log-every", "1"]
        command += ["--finish", "8", "--finish-epochs", "8", *map(str, more)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    return run


def test_train_runs_resumes_and_ships_what_encoder_load_reads(trained, tmp_path):
    """The second call goes on from the first, the third begins with what they shipped."""
    for steps in (2, 3):
        done = trained("--steps", steps)
        assert done.returncode == 0, done.stderr
    begin = ["--start-from", tmp_path / "model", "--work", tmp_path / "other", "--settle", 4]
    begin += ["--blend", tmp_path / "model", "--blend-share", 0.25]
    begin += ["--output", tmp_path / "second"]
    done = trained(*begin, "--still", 2, "--memory", 0, "--steps", 1)
    assert done.returncode == 0, done.stderr
    began = json.loads((tmp_path / "other/log.jsonl").read_text().splitlines()[1])
    assert began["blend"] == 0.25
    assert began["settle"][-1] < began["settle"][0]
    assert Encoder.load(tmp_path / "second").dim == 20
    log = [json.loads(line) for line in (tmp_path / "work/log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log if "views" in row] == [1, 2, 3]
    assert [row["options"]["steps"] for row in log if "options" in row] == [2, 3]
    checks = [row["check"] for row in log if "check" in row and "step" in row]
    assert len(checks) == 2
    assert all(0 <= value <= 1 for check in checks for value in check.values())
    finished = [row["finish"] for row in log if "finish" in row]
    assert len(finished) == 2
    assert finished[0][-1] < finished[0][0], "the last step lowers its loss"
    assert (tmp_path / "model/training.png").read_bytes().startswith(b"\x89PNG")
    encoder = Encoder.load(tmp_path / "model")
    assert (encoder.dim, encoder.preprocessing.size) == (20, 64)
    assert encoder.encode([draw_shape("red", 0)]).shape == (1, 20)
    assert encoder.encode_text(["shape"]).shape == (1, 20)
    assert encoder.unknown_words("zebra shape") == ["zebra"]


def test_a_training_whose_end_could_not_be_stored_does_not_begin(trained, tmp_path):
    from transformers import ResNetConfig, ResNetModel

    bare = ResNetModel(ResNetConfig())
    bare.embedder.embedder.normalization.running_var[3] = 1e5
    bare.save_pretrained(tmp_path / "bare")
    done = trained("--start-from", tmp_path / "bare", "--steps", 1)
    assert done.returncode != 0
    assert "running_var: expected values up to 65,504" in done.stderr
    assert not (tmp_path / "work/log.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--start-from", ROOT), "expected a folder with config.json, found"),
        (
            ("--start-from", DEFAULT_MODEL, "--dim", 20),
            "expected sides of [12, 6, 2], found [192, 192, 64]",
        ),
        (("--blend", DEFAULT_MODEL), "needs weights in --start-from"),
        (("--blend-share", 1.5), "expected 0 to 1"),
        (("--still", 6), "--still 6: expected 0 to 5"),
        (("--dim", 6), "--dim 6: expected 7 or more"),
        (("--batch", 0), "argument --batch: expected 1 or more, found 0"),
        (("--rate", "nan"), "argument --rate: expected 0 or more, found nan"),
        (("--size", "big"), "argument --size: invalid number value: 'big'"),
    ],
)
def test_options_that_cannot_be_are_named_before_anything_is_read(
    monkeypatch, capsys, tmp_path, options, told
):
    given = ["--data", "nowhere", "--work", tmp_path / "work", "--start-from", "none", "--dim", 20]
    monkeypatch.setattr(sys, "argv", ["train.py", *map(str, (*given, *options))])
    with pytest.raises(SystemExit) as stopped:
        train.main()
    assert stopped.value.code == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_a_canvas_is_as_fine_as_the_pictures_within_reason(tmp_path):
    for number, side in enumerate((30, 100, 120, 1000)):
        draw_shape("red", 0, (side, side)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert canvas_side(open_catalog(str(tmp_path))) == 110
    for number in range(3):
        (tmp_path / f"{number}.png").unlink()
    assert canvas_side(open_catalog(str(tmp_path))) == 192, "no more than a view can use"


def test_training_begins_with_shipped_weights_when_told(tmp_path):
    from lookbook.training.checkpoints import export, load_shipped

    classes = {head: ["a", "b"] for head in HEADS}
    old_words, new_words = Vocabulary(("red", "shirt"), ()), Vocabulary(("blue", "shirt"), ())
    old, new = (EmbeddingModel(classes, 10, 0, 2).eval() for _ in range(2))
    pictures = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        wanted = old.embed(old.features(pictures))
    shirt = old.words.weight[1].detach().clone()
    export(old, old_words, 64, tmp_path)
    load_shipped(new, new_words, tmp_path)
    with torch.inference_mode():
        found = new.embed(new.features(pictures))
    torch.testing.assert_close(found, wanted, atol=2e-2, rtol=0)  # it was stored in half precision
    torch.testing.assert_close(new.words.weight[1].detach(), shirt, atol=1e-3, rtol=0)
    assert not torch.allclose(new.words.weight[0], old.words.weight[0])


def test_a_bare_backbone_is_enough_to_begin_with(tmp_path):
    from transformers import ResNetConfig, ResNetModel

    from lookbook.training.checkpoints import load_shipped

    ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).save_pretrained(tmp_path)
    config = ResNetConfig.from_pretrained(tmp_path)
    new = student(config=config)
    before = new.projection.weight.detach().clone()
    load_shipped(new, Vocabulary(("red", "shirt"), ()), tmp_path)
    given = ResNetModel.from_pretrained(tmp_path).eval()
    pictures = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        wanted = given(pictures).last_hidden_state.mean((2, 3))
        torch.testing.assert_close(new.eval().features(pictures)[:, :AVERAGES], wanted)
    torch.testing.assert_close(new.projection.weight.detach(), before)


def test_sides_of_other_lengths_are_not_begun_with(tmp_path):
    from safetensors.torch import save_file

    from lookbook.training.checkpoints import export, load_shipped

    words = Vocabulary(("red", "shirt"), ())
    export(student(), words, 64, tmp_path)
    load_shipped(student(), words, tmp_path)  # of the same lengths
    other = {"sides": "[16, 4]"}
    save_file({"projection": torch.zeros(20, 2048)}, tmp_path / "projection.safetensors", other)
    with pytest.raises(ValueError, match=r"sides of \[12, 6, 2\] dimensions, found \[16, 4\]"):
        load_shipped(student(), words, tmp_path)


def test_other_kinds_have_to_be_learnt_anew(tmp_path):
    from lookbook.training.checkpoints import export, has_category_head, load_shipped

    words, old = Vocabulary(("red", "shirt"), ()), student()
    export(old, words, 64, tmp_path)
    same, others = student(), EmbeddingModel({head: ["b", "c"] for head in HEADS}, 20, 0, 2)
    fresh = others.kind.weight.detach().clone()
    for new in (same, others):
        load_shipped(new, words, tmp_path)
    assert has_category_head(same, tmp_path) and not has_category_head(others, tmp_path)
    torch.testing.assert_close(same.kind.weight, old.kind.weight, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(others.kind.weight.detach(), fresh)
    torch.testing.assert_close(others.cut.weight, old.cut.weight, atol=1e-4, rtol=1e-3)


def test_an_array_of_another_shape_is_not_begun_with(tmp_path):
    from safetensors.torch import save_file

    from lookbook.training.checkpoints import export, load_shipped

    words = Vocabulary(("red", "shirt"), ())
    export(student(), words, 64, tmp_path)
    arrays = {"projection": torch.zeros(1, AVERAGES), "detail": torch.zeros(6, DETAILS)}
    save_file(arrays, tmp_path / "projection.safetensors", {"sides": "[12, 6, 2]"})
    with pytest.raises(ValueError, match=r"projection: expected .*\(12, 2048\), found \(1, 2048\)"):
        load_shipped(student(), words, tmp_path)


def test_a_run_with_other_sides_is_named(tmp_path):
    run = a_run(tmp_path)
    run.save()
    state = torch.load(run.file)
    del state["student"]["usual"]
    torch.save(state, run.file)
    with pytest.raises(SystemExit, match=r"run\.pt: expected a run with these sides.*--work"):
        a_run(tmp_path)


def test_a_backbone_part_way_is_between_both_ends_and_normalises_by_what_it_sees(tmp_path):
    run, other = a_run(tmp_path, still=2), student()
    other.backbone.save_pretrained(tmp_path)
    name = "encoder.stages.1.layers.0.layer.0.convolution.weight"
    new = run.student.backbone
    ends = [backbone.state_dict()[name].clone() for backbone in (new, other.backbone)]
    batches = [a_batch() for _ in range(30)]
    run.blend(tmp_path, 0.25, iter(batches))
    torch.testing.assert_close(new.state_dict()[name], 0.75 * ends[0] + 0.25 * ends[1])
    with torch.no_grad():
        seen = [new.embedder.embedder.convolution(batch.pictures) for batch in batches]
    norm = new.embedder.embedder.normalization
    expected = torch.cat(seen).mean((0, 2, 3))
    # the convolutions may have been computed in bfloat16
    torch.testing.assert_close(norm.running_mean, expected, atol=0.01, rtol=0.02)
    assert not norm.training, "it stands still again"
    torch.testing.assert_close(run.average.module.state_dict(), run.student.state_dict())


def test_only_networks_that_are_built_alike_are_blended_and_only_between_them(tmp_path):
    from transformers import ResNetConfig, ResNetModel

    from lookbook.training.interpolation import blend

    ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="downsample_in_bottleneck False, found True"):
        blend(student().backbone, tmp_path, 0.5)
    with pytest.raises(ValueError, match=r"share of 0 to 1, found 1\.5"):
        blend(student().backbone, tmp_path, 1.5)


def test_only_the_backbone_takes_a_share_of_the_rate():
    new = student()
    groups = grouped(new, 0.25)
    share_of = {id(p): group["share"] for group in groups for p in group["params"]}
    assert {share_of[id(p)] for p in new.backbone.parameters()} == {0.25}
    assert {share_of[id(side.weight)] for side in (new.projection, new.cut, new.kind)} == {1.0}
    assert len(share_of) == len(list(new.parameters()))


def a_run(work: Path, **changes) -> Run:
    wishes = {"work": work, "start_from": None, "dim": 20, "size": 64, "still": 0, "memory": 0}
    wishes |= {"rate": 1e-2, "backbone_rate": 0.5, "warmup": 10, "cooldown": 0.5, "average": 0.9}
    wishes |= changes
    classes = {head: ["a", "b"] for head in HEADS}
    return Run(SimpleNamespace(**wishes), classes, Vocabulary(("red", "shirt"), ()), 0)


def a_batch() -> Batch:
    """Four views of two products in red and blue, whose labels are told."""
    colours = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]).repeat(2, 1)
    pictures = colours[:, :, None, None] + 0.1 * torch.randn(4, 3, 64, 64)
    labels = torch.tensor([0, 1])[None, :, None].repeat(2, 1, len(HEADS))
    truth = told(labels, ["red", "shirt"])
    return Batch(pictures, truth)


def test_a_resumed_run_has_all_that_the_saved_one_had(tmp_path):
    from transformers import ResNetConfig, ResNetModel

    ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).save_pretrained(tmp_path / "start")
    saved = a_run(tmp_path, start_from=tmp_path / "start", still=2)
    saved.update(a_batch(), 1e-2)
    saved.best = {"like": 0.5}
    saved.save()
    # neither the folder that it began with nor its rate is needed to go on
    resumed = a_run(tmp_path, still=None, backbone_rate=1.0)
    assert (resumed.step, resumed.best) == (1, {"like": 0.5})
    assert resumed.student.backbone.config.downsample_in_bottleneck
    for old, new in ((saved.student, resumed.student), (saved.average, resumed.average)):
        torch.testing.assert_close(old.state_dict(), new.state_dict())
    torch.testing.assert_close(
        saved.optimiser.state_dict()["state"], resumed.optimiser.state_dict()["state"]
    )
    assert {group["share"] for group in resumed.optimiser.param_groups} == {1.0}
    norm = resumed.student.backbone.embedder.embedder.normalization
    before = norm.running_mean.clone()
    resumed.update(a_batch(), 1e-2)
    torch.testing.assert_close(norm.running_mean, before)


def test_at_another_size_the_average_begins_anew(tmp_path):
    saved = a_run(tmp_path)
    saved.update(a_batch(), 1e-2)
    saved.best = {"like": 0.5}
    saved.save()
    resumed = a_run(tmp_path, size=96)
    assert resumed.best == {} and int(resumed.average.n_averaged) == 0
    torch.testing.assert_close(
        resumed.average.module.projection.weight, saved.student.projection.weight
    )


def test_a_backbone_at_no_rate_stays_while_the_rest_learns(tmp_path):
    run = a_run(tmp_path, backbone_rate=0.0)
    weights = {name: p.detach().clone() for name, p in run.student.named_parameters()}
    run.update(a_batch(), 1e-2)
    moved = {n for n, p in run.student.named_parameters() if not torch.equal(p, weights[n])}
    assert "projection.weight" in moved
    assert not [name for name in moved if name.startswith("backbone.")]


def test_the_rate_warms_up_by_steps_and_falls_at_the_end():
    args = SimpleNamespace(rate=1.0, warmup=10, cooldown=0.5)
    rates = [learning_rate(args, step, spent) for step, spent in
             ((0, 0), (4, 0), (99, 0.5), (99, 0.75), (99, 1))]  # fmt: skip
    assert rates == pytest.approx([0.1, 0.5, 1, 0.5, 0.01])
    args.warmup = 0
    assert learning_rate(args, 0, 0) == 1


def test_better_is_better_over_tasks_not_over_figures():
    before = {"like": 0.7, "street R@1": 0.4, "street R@10": 0.8}
    assert mean(before | {"like": 0.74, "street R@1": 0.37, "street R@10": 0.77}) > mean(before)
    assert mean({}) < mean({"like": 0.0})


def test_a_weight_too_large_for_half_precision_is_named(tmp_path):
    from lookbook.training.checkpoints import export

    new = student()
    new.backbone.embedder.embedder.normalization.running_var[3] = 1e5
    with pytest.raises(ValueError, match=r"embedder.embedder.normalization.running_var: expected"):
        export(new, Vocabulary(("red", "shirt"), ()), 64, tmp_path)


def test_a_single_picture_takes_any_other_colour():
    canvas = torch.zeros(1, 4, 16, 16)
    canvas[:, 0], canvas[:, 3] = 0.8, 1.0
    torch.manual_seed(0)
    found = augmentation.recolour(canvas, torch.tensor([True]))
    assert (found[:, :3].mean((2, 3)) - canvas[:, :3].mean((2, 3))).abs().max() > 0.1
