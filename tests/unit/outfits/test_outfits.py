"""Outfits from a small wardrobe in which the right answer is known."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookbook.outfits.completion import complete
from lookbook.outfits.slots import SLOTS, outfit_slots, slot_of
from lookbook.schema.colours import harmony, named, seen
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
def wardrobe(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("wardrobe"))


def ids(look):
    return [piece.id for piece in look.pieces]


def test_a_tee_gets_trousers_and_shoes_of_its_own_use_and_season(wardrobe):
    looks = complete(wardrobe, "tee")
    first = ids(looks[0])
    assert first[0] in ("chinos", "jeans")
    assert first[1] in ("sneakers", "loafers")
    assert "casual summer" in looks[0].reason
    assert looks.reason == ""


def test_looks_share_no_piece_and_leave_the_item_itself_out(wardrobe):
    for id in wardrobe.ids:
        worn = [piece for look in complete(wardrobe, id) for piece in ids(look)]
        assert len(worn) == len(set(worn))
        assert id not in worn


def test_pieces_are_of_other_slots_and_one_of_each(wardrobe):
    slots = dict(zip(wardrobe.ids, outfit_slots(wardrobe).slots, strict=True))
    for id in wardrobe.ids:
        for look in complete(wardrobe, id):
            worn = [slots[id], *(slots[piece] for piece in ids(look))]
            assert len(worn) == len(set(worn))


def test_nobody_wears_what_is_for_others_not_even_around_a_piece_for_all(wardrobe):
    genders = {item.id: item.attributes["gender"] for item in wardrobe.items}
    for id in wardrobe.ids:
        for look in complete(wardrobe, id):
            assert len({genders[id], *(genders[piece] for piece in ids(look))} - {"Unisex"}) <= 1


def test_a_dress_needs_no_trousers(wardrobe):
    assert set(ids(complete(wardrobe, "gown")[0])) == {"heels", "clutch"}


def test_what_was_bought_with_it_counts(wardrobe):
    plain = complete(wardrobe, "tee", looks=1)[0]
    (other,) = {"sneakers", "loafers"} - set(ids(plain))
    liked = complete(wardrobe, "tee", lambda id: {other: 9.0, "gone": 1.0}, looks=1)[0]
    assert other in ids(liked)
    assert liked.score > plain.score


def test_no_outfit_is_a_result_with_a_reason(wardrobe):
    assert complete(wardrobe, "briefs") == []
    assert "no outfit is made of it" in complete(wardrobe, "briefs").reason
    alone = complete(wardrobe, "skirt")
    assert alone == []
    assert alone.reason == "This collection has no top that goes with this piece."
    with pytest.raises(UnknownItem):
        complete(wardrobe, "gone")


@pytest.mark.parametrize(("id", "lacking"), [("gown", "shoes"), ("heels", "bottom and top")])
def test_what_is_lacking_is_told_in_good_grammar(tmp_path, id, lacking):
    reason = complete(shop(tmp_path, [row for row in ROWS if row[0] in (id, "watch")]), id).reason
    assert reason == f"This collection has no {lacking} that go with this piece."


def test_colourways_of_a_piece_are_one_piece(tmp_path):
    rows = [ROWS[0], *((f"chino{n}", f"Mara Chinos in {c}", "Trousers", c, *ROWS[1][4:])
            for n, c in enumerate(("Beige", "White", "Black")))]  # fmt: skip
    assert len(complete(shop(tmp_path, rows), "tee")) == 1


def test_another_shop_with_other_columns(tmp_path):
    items = {
        "id": ["a", "b", "c", "d"],
        "title": ["Liliana", "Florida", "Winona", "Ida"],
        "product_type_name": ["Blouse", "Skirt", "Boots", "Bikini top"],
        "colour_group_name": ["Light Pink", "Dark Green", "Black", "Red"],
        "index_group_name": ["Ladieswear"] * 4,
    }
    publish_tiny(tmp_path, count=4, items=items, thumbs=[b""] * 4)
    looks = complete(Index.open(tmp_path), "a")
    assert [ids(look) for look in looks] == [["b", "c"]]
    assert "light pink" in looks[0].reason


def picture(rgb):
    out = io.BytesIO()
    image = Image.new("RGB", (60, 80), (255, 255, 255))
    image.paste(rgb, (10, 10, 50, 70))
    image.save(out, "WEBP", lossless=True)
    return out.getvalue()


def test_without_columns_titles_and_pictures_have_to_do(tmp_path):
    titles = ["Red Shirt", "Green Trousers", "Grey Trousers", "Shoes"]
    shades = [(200, 30, 40), (30, 150, 50), (120, 120, 122), (20, 20, 20)]
    items = {"id": list("abcd"), "title": titles}
    publish_tiny(tmp_path, count=4, items=items, thumbs=[picture(s) for s in shades])
    assert ids(complete(Index.open(tmp_path), "a")[0]) == ["c", "d"]


def test_every_slot_is_found_by_its_usual_names():
    found = {slot_of(t) for t in ("Tshirts", "Jeans", "Dress", "Coat", "Heels", "Clutches", "Belt")}
    assert found == set(SLOTS)
    assert slot_of("T-shirt") == "top"
    assert slot_of("Leggings/Tights") == "bottom"
    assert slot_of("Swimwear bottom") is None
    with pytest.raises(LookupError):
        slot_of("Tyres")


colours = st.sampled_from(
    ["Navy Blue", "Red", "Green", "Pink", "Black", "Teal", "Light Blue", "Multi"]
)


@given(colours, colours)
def test_harmony_is_mutual(one, other):
    assert harmony(named(one), named(other)) == harmony(named(other), named(one))
    assert 0 <= harmony(named(one), named(other))[0] <= 1


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("Red", "Black", "quiet"),
        ("Red", "Maroon", "tonal"),
        ("Orange", "Blue", "contrast"),
        ("Red", "Green", "clash"),
        ("Red", "Multi", "unknown"),
        ("Navy Blue", "White", "quiet"),
    ],
)
def test_the_rules_of_the_wheel(one, other, rule):
    assert harmony(named(one), named(other))[1] == rule


def test_a_colour_is_read_from_its_name_or_seen():
    assert named("Dark Blue").light < named("Blue").light < named("Light Blue").light
    assert named(None) is None
    assert seen(picture((200, 30, 40))).name == "red"
    assert seen(picture((255, 255, 255))) is None
