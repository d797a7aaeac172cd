"""Outfits from a small shop in which the right answer is known by construction."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from lookbook.outfits import complete, outfit_slots
from lookbook.search.index import Index, UnknownItem
from tests.tiny_index import publish_tiny, random_vectors

ROWS = [  # id, title, articleType, baseColour, season, usage, gender
    ("tee", "Plain Tee", "Tshirts", "Navy Blue", "Summer", "Casual", "Men"),
    ("chinos", "Chinos", "Trousers", "Beige", "Summer", "Casual", "Men"),
    ("suit-trousers", "Suit Trousers", "Trousers", "Black", "Winter", "Formal", "Men"),
    ("jeans", "Jeans", "Jeans", "Blue", "Summer", "Casual", "Men"),
    ("skirt", "Skirt", "Skirts", "White", "Summer", "Casual", "Women"),
    ("sneakers", "Sneakers", "Casual Shoes", "White", "Summer", "Casual", "Men"),
    ("loafers", "Loafers", "Casual Shoes", "Brown", "Summer", "Casual", "Unisex"),
    ("oxfords", "Oxfords", "Formal Shoes", "Black", "Winter", "Formal", "Men"),
    ("watch", "Watch", "Watches", "Steel", "Summer", "Casual", "Unisex"),
    ("briefs", "Briefs", "Briefs", "White", "Summer", "Casual", "Men"),
    ("gown", "Gown", "Dresses", "Red", "Winter", "Party", "Women"),
    ("heels", "Heels", "Heels", "Gold", "Winter", "Party", "Women"),
    ("clutch", "Clutch", "Clutches", "Black", "Winter", "Party", "Women"),
]
COLUMNS = ("id", "title", "articleType", "baseColour", "season", "usage", "gender")


def shop(root, rows=ROWS, **options):
    items = {name: [row[n] for row in rows] for n, name in enumerate(COLUMNS)}
    thumbs = options.pop("thumbs", [b""] * len(rows))
    items = {k: v for k, v in items.items() if k not in options.pop("without", ())}
    vectors = random_vectors(len(rows), 8)
    publish_tiny(root, count=len(rows), items=items, vectors=vectors, thumbs=thumbs, **options)
    return Index.open(root)


@pytest.fixture(scope="module")
def outfits_shop(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("outfits"))


def ids(outfit):
    return [item.id for item in outfit.items]


def test_a_tee_gets_trousers_and_shoes_of_its_own_use_and_season(outfits_shop):
    outfits = complete(outfits_shop, "tee")
    first = ids(outfits[0])
    assert first[0] in ("chinos", "jeans")
    assert first[1] in ("sneakers", "loafers")
    assert "casual summer" in outfits[0].reason
    assert outfits.reason == ""


def test_outfits_share_no_item_and_leave_the_query_item_out(outfits_shop):
    for id in outfits_shop.ids:
        worn = [other for outfit in complete(outfits_shop, id) for other in ids(outfit)]
        assert len(worn) == len(set(worn))
        assert id not in worn


def test_an_outfit_has_one_item_of_each_slot(outfits_shop):
    slots = dict(zip(outfits_shop.ids, outfit_slots(outfits_shop).slots, strict=True))
    for id in outfits_shop.ids:
        for outfit in complete(outfits_shop, id):
            worn = [slots[id], *(slots[other] for other in ids(outfit))]
            assert len(worn) == len(set(worn))


def test_an_outfit_is_for_one_gender_even_around_a_unisex_item(outfits_shop):
    genders = {item.id: item.attributes["gender"] for item in outfits_shop.items}
    for id in outfits_shop.ids:
        for outfit in complete(outfits_shop, id):
            assert len({genders[id], *(genders[other] for other in ids(outfit))} - {"Unisex"}) <= 1


def test_a_dress_needs_no_trousers(outfits_shop):
    assert set(ids(complete(outfits_shop, "gown")[0])) == {"heels", "clutch"}


def test_items_bought_together_score_higher(outfits_shop):
    plain = complete(outfits_shop, "tee", count=1)[0]
    (other,) = {"sneakers", "loafers"} - set(ids(plain))
    liked = complete(outfits_shop, "tee", lambda id: {other: 9.0, "gone": 1.0}, count=1)[0]
    assert other in ids(liked)
    assert liked.score > plain.score


def test_no_outfit_is_a_result_with_a_reason(outfits_shop):
    assert complete(outfits_shop, "briefs") == []
    assert "there is no outfit for it" in complete(outfits_shop, "briefs").reason
    alone = complete(outfits_shop, "skirt")
    assert alone == []
    assert alone.reason == "This collection has no top that goes with this piece."
    with pytest.raises(UnknownItem):
        complete(outfits_shop, "gone")


@pytest.mark.parametrize(("id", "lacking"), [("gown", "shoes"), ("heels", "bottom and top")])
def test_the_reason_names_the_missing_slots_with_the_right_verb(tmp_path, id, lacking):
    reason = complete(shop(tmp_path, [row for row in ROWS if row[0] in (id, "watch")]), id).reason
    assert reason == f"This collection has no {lacking} that go with this piece."


def test_colourways_of_a_product_are_used_once(tmp_path):
    rows = [ROWS[0], *((f"chino{n}", f"Mara Chinos in {c}", "Trousers", c, *ROWS[1][4:])
            for n, c in enumerate(("Beige", "White", "Black")))]  # fmt: skip
    assert len(complete(shop(tmp_path, rows), "tee")) == 1


def test_columns_of_another_shop_are_understood(tmp_path):
    items = {
        "id": ["a", "b", "c", "d"],
        "title": ["Liliana", "Florida", "Winona", "Ida"],
        "product_type_name": ["Blouse", "Skirt", "Boots", "Bikini top"],
        "colour_group_name": ["Light Pink", "Dark Green", "Black", "Red"],
        "index_group_name": ["Ladies"] * 4,
    }
    publish_tiny(tmp_path, count=4, items=items, thumbs=[b""] * 4)
    outfits = complete(Index.open(tmp_path), "a")
    assert [ids(outfit) for outfit in outfits] == [["b", "c"]]
    assert "light pink" in outfits[0].reason


def picture(rgb):
    out = io.BytesIO()
    image = Image.new("RGB", (60, 80), (255, 255, 255))
    image.paste(rgb, (10, 10, 50, 70))
    image.save(out, "WEBP", lossless=True)
    return out.getvalue()


def test_without_columns_slots_come_from_titles_and_colours_from_thumbnails(tmp_path):
    titles = ["Red Shirt", "Green Trousers", "Grey Trousers", "Shoes"]
    shades = [(200, 30, 40), (30, 150, 50), (120, 120, 122), (20, 20, 20)]
    items = {"id": list("abcd"), "title": titles}
    publish_tiny(tmp_path, count=4, items=items, thumbs=[picture(s) for s in shades])
    assert ids(complete(Index.open(tmp_path), "a")[0]) == ["c", "d"]
