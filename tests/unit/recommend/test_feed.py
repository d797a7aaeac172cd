"""The feed on a checkerboard: likes count at once, strangers get a list, slots are explored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from lookbook.commands import app
from lookbook.events import Event, EventStore, new_visitor
from lookbook.index import publish
from lookbook.recommend import Context
from lookbook.recommend.exploration import diversify
from lookbook.recommend.feed import Feed
from lookbook.recommend.history import history_of, interactions_of, net_events
from lookbook.recommend.items import UnknownItems
from lookbook.search.index import Index
from lookbook.ui.api import Api
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from tests.tiny_index import write_plain
from tests.tiny_shop import ITEMS, checkerboard_items

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """An index whose items are those of the checkerboard."""
    root, items = tmp_path_factory.mktemp("shop"), checkerboard_items()
    columns = {n: [values[c] for c in codes] for n, (values, codes) in items.columns.items()}
    folder = write_plain(
        root,
        vectors=items.vectors,
        items={"id": items.ids, "title": items.titles} | columns,
        thumbs=[b"picture"] * len(items),
        encoder={"id": "tiny"},
        trees=2,
    )
    publish(root, folder)
    return Index.open(root)


@pytest.fixture
def store(tmp_path):
    opened = EventStore.for_index(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def feed(shop, store, tmp_path):
    return Feed(shop, store, tmp_path / "models", exploration_share=0)


def test_the_items_of_a_feed_share_the_vectors_of_search(feed, shop):
    assert np.shares_memory(feed.items.vectors.array, shop.unit_vectors.array)
    np.testing.assert_allclose(np.asarray(feed.items.vectors), shop.unit_vectors, atol=1e-6)


def events_of(visitor, event_type, *items, **about):
    return [Event(visitor, event_type, item, **about) for item in items]


def crowd(store, event_type="buy"):
    """Ten people who take even items, ten who take odd ones."""
    for person in range(20):
        mine = [f"i{row}" for row in range(ITEMS) if row % 2 == person % 2]
        store.record(events_of(new_visitor(), event_type, *mine))


def test_likes_count_in_the_next_answer_and_are_forgotten_with_the_visitor(feed, store):
    visitor = new_visitor()
    before = feed.for_you(visitor, k=6).ids
    store.record(events_of(visitor, "like", "i1", "i3", "i5"))
    after = feed.for_you(visitor, k=6)
    assert all(one.row % 2 == 1 for one in after[:2])
    assert "you liked" in after[0].reason
    product_groups = [feed.items.product_groups[one.row] for one in after]
    assert len(set(product_groups)) == len(product_groups), (
        "of a product in several colours the best one"
    )
    store.forget(visitor)
    assert feed.for_you(visitor, k=6).ids == before


@pytest.mark.parametrize("liked", [[], ["i1", "i3", "i4"]])
def test_the_api_answers_as_the_feed_of_a_visitor_with_these_likes(shop, store, tmp_path, liked):
    """Same seed and context, explored slots included; the API records nothing."""
    crowd(store)
    visitor = "A" * 22
    store.record(events_of(visitor, "like", *liked))
    recorded = store.count()
    options = {"exploration_share": 0.3, "seed": 1}
    service = SimpleNamespace(
        feed=Feed(shop, store, tmp_path / "models", **options),
        context=lambda season, occasion, *_: Context(season=season, occasion=occasion),
    )
    api = Api(SearchService(shop, lambda: None, tmp_path / "thumbs"), service)
    answers = [api.for_you(liked, season="Winter", occasion="Party", count=8) for _ in range(5)]
    assert store.count() == recorded
    feed = Feed(shop, store, tmp_path / "models", **options)
    context = Context(season="Winter", occasion="Party")
    for answer in answers:
        expected = feed.for_you(visitor, 8, context)
        assert [(one["id"], one["reason"]) for one in answer] == [
            (one.id, one.reason) for one in expected
        ]


def test_the_api_shows_one_item_of_each_product(shop, store, tmp_path):
    """Ten products in two colours each: ten items with likes, explored slots included."""
    crowd(store)
    feed = Feed(shop, store, tmp_path / "models", exploration_share=0.5, seed=0)
    service = SimpleNamespace(feed=feed, context=lambda *_: Context())
    api = Api(SearchService(shop, lambda: None, tmp_path / "thumbs"), service)
    feed.models.hybrid.item_features.event_counts[::4] = 0  # half of the products have a rare item
    for _ in range(10):
        answer = api.for_you(["i1", "i4"], count=10)
        groups = [feed.items.product_groups[feed.items.row_of(one["id"])] for one in answer]
        assert len(set(groups)) == len(groups) == 10


def test_an_undo_takes_back_the_latest_event(feed, store):
    visitor = new_visitor()
    before = feed.for_you(visitor, k=6).ids
    store.record(events_of(visitor, "like", "i1"))
    assert feed.for_you(visitor, k=6).ids != before
    store.record(events_of(visitor, "undo", "i1"))
    assert feed.for_you(visitor, k=6).ids == before


def test_what_is_disliked_or_hidden_never_comes_again(feed, store):
    visitor = new_visitor()
    store.record(events_of(visitor, "like", "i1") + events_of(visitor, "hide", "i3"))
    feed.dislike(visitor, "i2", surface="for you")
    shown = feed.for_you(visitor, k=ITEMS, repeats=True).ids
    assert not {"i2", "i3"} & set(shown)
    assert store.of_visitor(visitor)[-1].event_type == "dislike"
    with pytest.raises(UnknownItems):
        feed.dislike(visitor, "i99")


def test_the_latest_event_of_an_item_counts():
    visitor = new_visitor()
    order = ("like", "dislike", "undo", "view")
    events = [Event(visitor, event_type, "i1", time=NOON) for event_type in order]
    assert [e.event_type for e in net_events(events)[0]] == ["like", "view"]
    assert net_events(events[:2]) == ([], [events[1]])


def test_a_history_has_ages_weights_and_event_types():
    visitor, items = new_visitor(), checkerboard_items()
    earlier = Event(visitor, "view", "i4", time=NOON - timedelta(days=2))
    events = [Event(visitor, "save", "i2", time=NOON), earlier, Event(visitor, "like", "gone")]
    history = history_of(events, items, NOON)
    assert history.rows.tolist() == [4, 2]
    assert history.ages.tolist() == [2, 0]
    assert history.event_types == ("view", "save")
    assert history.weights[0] < history.weights[1]


def test_an_item_shown_in_an_explored_slot_is_not_a_view():
    shown = Event(new_visitor(), "view", "i4", surface="explored", propensity=0.01)
    assert len(history_of([shown], checkerboard_items())) == 0
    assert len(interactions_of([[shown]], checkerboard_items())) == 0


def test_interactions_keep_the_context_of_events():
    events = events_of(
        new_visitor(), "buy", "i1", "i2", season="Summer", occasion="Party", time=NOON
    )
    known = interactions_of(
        [events, events_of(new_visitor(), "like", "i2", time=NOON)], checkerboard_items()
    )
    assert sorted(known.season.tolist()) == ["", "Summer", "Summer"]
    assert sorted(known.event_type.tolist()) == ["buy", "buy", "like"]
    assert known.day[0] == pytest.approx(NOON.timestamp() / 86400)


def test_a_stranger_gets_a_diverse_list_with_reasons(feed):
    answer = feed.for_you(k=6)
    assert len(answer) == 6
    assert {one.row % 2 for one in answer} == {0, 1}
    taken = feed.models.hybrid.item_features.event_counts
    for one in answer:
        assert one.reason.startswith(
            "popular now" if taken[one.row] else "something different to try"
        )


def test_three_onboarding_items_are_unlike_each_other(feed):
    answer = feed.onboarding_items(Context(season="Summer"))
    assert len(answer) == 3
    assert {one.row % 2 for one in answer} == {0, 1}
    assert all(one.row % 4 < 2 for one in feed.onboarding_items(where={"season": "Summer"}))


def test_diversity_prefers_the_unlike_among_equals():
    items = checkerboard_items()
    rows = diversify(np.arange(ITEMS), np.zeros(ITEMS), items, 2)
    assert {row % 2 for row in rows} == {0, 1}


def test_context_and_conditions_reach_the_feed(feed):
    answer = feed.for_you(k=5, context=Context(season="Winter", occasion="Party"))
    assert answer[0].row % 4 >= 2
    assert "for winter" in answer[0].reason
    cheap = feed.for_you(k=5, where="price<=50")
    assert {one.row for one in cheap} == set(range(5))
    assert feed.for_you(where="price<=1").reason == "no item meets the conditions"


def test_people_who_liked_this_also_liked(shop, store, tmp_path):
    assert Feed(shop, store, tmp_path / "m").also_liked("i2").reason.startswith("nobody")
    crowd(store)
    answer = Feed(shop, store, tmp_path / "m").also_liked("i2", k=5)
    assert [one.row % 2 for one in answer] == [0] * 5
    assert "i2" not in answer.ids


def test_a_new_item_asks_those_who_took_what_looks_like_it(shop, store, tmp_path):
    for _ in range(5):
        store.record(events_of(new_visitor(), "buy", "i2", "i4", "i8"))
    answer = Feed(shop, store, tmp_path / "m").also_liked("i6", k=3)
    assert set(answer.ids) <= {"i2", "i4", "i8"}
    assert "looks like this" in answer[0].reason


def test_a_look_is_completed_from_baskets_by_other_kinds(shop, store, tmp_path):
    for _ in range(5):
        store.record(events_of(new_visitor(), "buy", "i2", "i4", "i7"))
        store.record(events_of(new_visitor(), "like", "i2", "i9"))  # liked, but not bought
    answer = Feed(shop, store, tmp_path / "m").bought_together("i2")
    assert answer.ids == ["i7"]  # a shoe with the shirt, and not another shirt
    assert answer[0].reason.startswith("bought together with")


def test_explored_slots_show_rare_items_and_record_their_propensity(shop, store, tmp_path):
    """Even items are known to all; odd ones have no event, so only they are explored."""
    for _ in range(10):
        store.record(events_of(new_visitor(), "buy", *(f"i{row}" for row in range(0, ITEMS, 2))))
    feed = Feed(shop, store, tmp_path / "models", exploration_share=0.5, seed=3)
    visitor = new_visitor()
    answer = feed.for_you(visitor, k=8, where={"articleType": "Shirts"})
    assert all(one.propensity == 1 for one in answer)  # nothing rare among them
    answer = feed.for_you(visitor, k=8)
    rare = [one for one in answer if one.propensity < 0.5]
    assert rare
    assert all(one.row % 2 == 1 for one in rare)
    assert all(0 < one.propensity <= 0.5 for one in rare)
    recorded = store.of_visitor(visitor)
    assert [(e.item, e.propensity, e.surface) for e in recorded] == [
        (one.id, one.propensity, "explored") for one in rare
    ]


def test_the_share_of_explored_slots_is_as_it_was_set(shop, store, tmp_path):
    for _ in range(10):
        store.record(events_of(new_visitor(), "buy", *(f"i{row}" for row in range(0, ITEMS, 2))))
    feed = Feed(shop, store, tmp_path / "models", exploration_share=0.2, seed=0)
    answers = [feed.for_you(k=6) for _ in range(150)]
    given = np.mean([one.propensity < 0.5 for answer in answers for one in list(answer)[1:]])
    assert 0.15 < given < 0.25
    assert all(answer[0].propensity == 1 for answer in answers)
    with pytest.raises(ValueError, match="expected 0 to below 1"):
        Feed(shop, store, tmp_path / "models", exploration_share=1)


def test_models_learnt_on_the_spot_forget_who_was_forgotten(shop, store, tmp_path):
    """No refresh has ever run: the next answer knows nothing of them all the same."""
    visitor = new_visitor()
    store.record(events_of(visitor, "like", *shop.ids[:3]))
    feed = Feed(shop, store, tmp_path / "models", exploration_share=0)
    assert set(feed.also_liked(shop.ids[0]).ids) >= set(shop.ids[1:3])
    store.forget(visitor)
    assert not set(feed.also_liked(shop.ids[0]).ids) & set(shop.ids[1:3])


def test_where_few_candidates_are_rare_others_are_dealt(shop, store, tmp_path):
    """A visitor is dealt the same rare items all day: the propensities are of one pool."""
    crowd(store)
    feed = Feed(shop, store, tmp_path / "models", exploration_share=0.5, seed=0)
    item_features = feed.models.hybrid.item_features
    item_features.event_counts = np.where(np.arange(ITEMS) < 4, 9, 0)
    visitor, every = new_visitor(), np.ones(ITEMS, bool)
    history = feed.history(visitor)
    scores = np.full(ITEMS, -np.inf, np.float32)
    once, again = (feed._rare_scores(scores, history, Context(), every, visitor) for _ in range(2))
    assert np.isfinite(once).any()
    assert not np.isfinite(once[:4]).any()
    assert np.array_equal(once, again)


def test_the_site_keeps_its_events_where_the_url_says(shop, tmp_path):
    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    visits = VisitorService(shop, tmp_path / "state", tmp_path / "spare", database_url=url)
    visits.record(new_visitor(), "like", "i2", "results")
    visits.store.close()
    store = EventStore(url)
    assert [e.item for e in store.all()] == ["i2"]
    store.close()
    assert visits.root == tmp_path / "state" / "models"
    assert not (tmp_path / "state" / "events.sqlite").exists()


def test_the_site_does_not_start_where_it_cannot_keep_events(shop, capsys):
    url = "sqlite:///no/such/folder/events.sqlite"
    assert app.main(["--index", str(shop.generation.root), "--database-url", url]) == 2
    assert "app.py: the database of events: unable to open" in capsys.readouterr().err
