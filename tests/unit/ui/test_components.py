"""Components: what they write is safe HTML, what they read may be anything."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from lookbook.schema.filters import Condition
from lookbook.search.facets import Facet, FacetValue, NumericRange
from lookbook.search.index import Index, IndexItem
from lookbook.search.permalinks import MAX_PICTURES
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.filter_panel import filters_html, turned_range_message
from lookbook.ui.components.gallery import gallery_html
from lookbook.ui.components.item_panel import explanation_html, item_html, outfits_html
from lookbook.ui.components.photos import WHOLE, Photo, PhotoGarments, Photos, parse_box
from lookbook.ui.components.query_bar import condition_text, query_html
from lookbook.ui.components.share import SharePanel
from lookbook.ui.messages import use_language
from lookbook.ui.pages import about, explore
from lookbook.ui.pages.find.share_actions import ShareActions
from lookbook.ui.services.search import SearchService
from lookbook.ui.views import Card, ItemView, OutfitView, PhotoView
from tests.tiny_index import publish_tiny

NASTY = "</b><script>alert(1)</script>\"' onload=x {{this}} ${1} `"


class Tags(HTMLParser):
    """Names of all tags and attributes of a piece of HTML, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.names, self.values, self.text = [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names += [name for name, _ in attrs]
        self.values += [value for _, value in attrs]

    def handle_data(self, data):
        self.text += data


def everything(text: str) -> str:
    """Every kind of markup with `text` wherever a catalogue's words can stand."""
    card = Card("1", text, "/tmp/a.webp", text, text, 0.5, text, text, (("2", text),))
    facet = Facet(text, (FacetValue(text, 3, True),))
    item = IndexItem(text, text, {text: text})
    view = ItemView(item, (PhotoView(text, text), PhotoView(text)), text, True, ((text, text),))
    query = Query(words=text, positive=(text,), where=(f"a={text}",))
    return "".join(
        [
            gallery_html([card]),
            filters_html([facet], NumericRange(text, 0, 1)),
            query_html(query, {text: (text, text)}),
            item_html(view),
            outfits_html([OutfitView(text, [card])], text, text),
            explanation_html([(text, text)], [(text, text)], text),
            about.bars_html([(text, {"value": 0.5, "low": 0.4, "high": 0.6})]),
        ]
    )


def test_a_catalogues_words_never_become_markup():
    plain, nasty = Tags(everything("plain")), Tags(everything(NASTY))
    assert nasty.tags == plain.tags
    assert nasty.names == plain.names
    assert NASTY in nasty.text
    html = everything(NASTY)
    assert "{{" not in html
    assert "${" not in html
    assert "`" not in html


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_text_comes_back_as_it_went_in(text):
    assert Tags(f"<p>{markup.escape(text)}</p>").text == text


@given(st.lists(st.floats(-1e9, 1e9), min_size=4, max_size=4))
def test_a_box_lies_within_the_picture_in_order(values):
    left, top, right, bottom = parse_box(values)
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1


@pytest.mark.parametrize(
    "value", [None, "x", [], [1, 2], [0, 0, 1, 1], ["a"] * 4, {"a": 1}, [float("nan")] * 4, 7]
)
def test_what_is_no_box_is_the_whole_picture(value):
    assert parse_box(value) == WHOLE


def test_a_box_that_leaves_out_a_sliver_is_the_whole_picture():
    assert parse_box([2, 0, 98, 96]) == WHOLE
    assert parse_box([0, 0, 100, 94]) == (0, 0, 1, 0.94)
    assert parse_box([6, 0, 100, 100]) == (0.06, 0, 1, 1)


@pytest.mark.parametrize(
    "payload", [None, "text", 3, [], {"photos": 3}, {"photos": [1, {"src": 2}]}]
)
def test_photos_read_nothing_from_what_is_none(payload):
    assert Photos().preprocess(payload) == ()


def test_photos_are_a_few_at_most():
    rows = [{"src": "data:image/webp;base64,AA", "box": [0, 0, 50, 50]}] * 9
    photos = Photos().preprocess({"photos": rows})
    assert len(photos) == MAX_PICTURES
    assert photos[0].box == (0, 0, 0.5, 0.5)


def test_garments_have_the_key_of_their_photo_whatever_its_box_is():
    left, right = (0.1, 0.2, 0.45, 0.9), (0.55, 0.2, 0.9, 0.9)
    photo, other = Photo("data:image/webp;base64,AA", right), Photo("data:image/webp;base64,BA")
    (row,) = Photos().postprocess([photo])["photos"]
    (back,) = Photos().preprocess({"photos": [row | {"box": [1, 2, 50, 60], "key": "another"}]})
    assert back.key == photo.key != other.key, "made of the pixels, not read from the page"
    sent = PhotoGarments().postprocess({photo.key: [(left, "top"), (right, "shoes")]})
    assert [one["kind"] for one in sent[row["key"]]] == ["top", "shoes"]
    assert sent[row["key"]][1]["box"] == row["box"], "so that the page knows which is searched"


def test_a_picture_address_that_is_no_data_url_is_refused():
    from lookbook.images.loading import ImageError

    for address in ("/etc/passwd", "http://127.0.0.1/a.png", "data:text/html;base64,AA", ""):
        with pytest.raises(ImageError):
            Photo(address).picture()


def test_the_query_bar_names_each_part_of_the_query():
    text = Tags(query_html(Query(words="in navy", where=("gender=Women|Girls",)), {})).text
    assert "Women or Girls" in text
    assert "in navy" in text
    assert query_html(Query(), {}) == ""


@pytest.mark.parametrize(
    "condition, label",
    [
        ("price>=100", "Price from 100"),
        ("price<=30.5", "Price up to 30.5"),
        ("season!=Summer|Fall", "not Summer or Fall"),
        ("season=Summer", "Summer"),
    ],
)
def test_a_condition_is_shown_in_words_and_removed_by_its_text(condition, label):
    assert condition_text(Condition.parse(condition)) == label
    tags = Tags(query_html(Query(where=(condition,)), {}))
    assert label in tags.text
    assert f"Remove: {label}" in tags.values
    assert condition in tags.values


def test_a_range_that_ends_before_it_begins_is_explained():
    sentence = "Price turned round: from 30 to 100."
    assert turned_range_message(NumericRange("price", 1, 200, 100, 30)) == sentence


def test_a_card_shows_its_score_as_a_label_and_as_a_bar():
    tags = Tags(
        gallery_html([Card("7", "Blue shirt", "f.webp", "12", "close", 0.42, "42% of ...")])
    )
    assert "width:42%" in tags.values
    assert "close" in tags.text
    assert "Blue shirt, 12, close" in tags.values


def test_a_price_is_not_glued_to_its_title():
    card = Card("7", "Ballerinas in Chambray", "f.webp", "98")
    assert "Ballerinas in Chambray 98" in Tags(gallery_html([card])).text
    assert "Ballerinas in Chambray 98" in Tags(outfits_html([OutfitView("", [card])], "", "")).text


def test_a_second_press_closes_a_panel_and_one_closes_the_other(tmp_path):
    publish_tiny(tmp_path / "index", count=3)
    actions = ShareActions(
        SearchService(Index.open(tmp_path / "index"), lambda: None, tmp_path / "thumbs")
    )
    link, saved = actions.share(Query(words="blue"), is_open=False)
    assert "words=blue" in link and saved == ""
    assert actions.share(Query(), is_open=True) == ("", "")
    link, saved = actions.save([], is_open=False)
    assert link == "" and "nothing to download" in saved
    assert actions.save([], is_open=True) == ("", "")
    assert SharePanel().preprocess("<p>") is True
    assert SharePanel().preprocess("") is SharePanel().preprocess(None) is False


def test_the_map_colours_few_groups_and_colours_differ(tmp_path):
    kinds = [f"kind {n}" for n in range(20) for _ in range(2 * (n + 1))]
    root = tmp_path / "index"
    items = {"id": [str(n) for n in range(len(kinds))], "title": kinds, "type": kinds}
    places = np.zeros((len(kinds), 2), np.float32)
    thumbs = [b""] * len(kinds)
    publish_tiny(
        root, count=len(kinds), items=items, thumbs=thumbs, enrich=lambda _: {"map.npy": places}
    )
    search_service = SearchService(Index.open(root), lambda: None, tmp_path / "thumbs")
    groups = explore.Callbacks(search_service).points("type")["groups"]
    names = [group["name"] for group in groups]
    assert names == [f"kind {n}" for n in range(19, 7, -1)] + ["other kinds"]
    assert sum(len(group["ids"]) for group in groups) == len(kinds)
    assert len({group["colour"] for group in groups}) == 13
    pixels = Image.new("RGB", (13, 1))
    pixels.putdata([ImageColor.getrgb(group["colour"]) for group in groups])
    lab = np.asarray(pixels.convert("LAB"), float)[0] * (100 / 255, 1, 1)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)[np.triu_indices(13, 1)]
    assert apart.min() > 18


def test_a_group_named_after_a_colour_has_that_colour():
    assert explore.group_colour("Navy Blue", 3) == markup.css_colour("navy blue")
    assert explore.group_colour("Multi", 3) == explore.PALETTE[3], "a point has one colour"


def a_shop(folder, **columns):
    count = len(next(iter(columns.values())))
    items = {"id": [str(n) for n in range(count)], "title": ["shirt"] * count, **columns}
    publish_tiny(folder / "index", count=count, items=items, thumbs=[b""] * count)
    return SearchService(Index.open(folder / "index"), lambda: None, folder / "thumbs")


def test_the_button_of_a_shelf_shows_the_items_of_the_shelf(tmp_path):
    service = a_shop(tmp_path, size=[38.0, 38.5, 38.0, 38.5], new=[True, True, False, False])
    for column, titles in (("size", ("38", "38.5")), ("new", ("yes", "no"))):
        shelves = Tags(explore.Callbacks(service).shelves(column))
        assert all(f"{title} 2" in shelves.text for title in titles)
        attributes = zip(shelves.names, shelves.values, strict=True)
        pressed = [value for name, value in attributes if name == "data-value"]
        assert len(pressed) == 2
        for value in pressed:
            assert service.index.matching([Condition(column, "=", (value,))]).sum() == 2


def test_an_explanation_writes_values_as_the_item_panel_does():
    values = {"size": 38.0, "new": True, "tags": ("a", "b")}
    item = IndexItem("7", "shirt", values)
    dialog = Tags(explanation_html([], list(values.items()), ""))
    panel = Tags(item_html(ItemView(item, (PhotoView("f.webp"),))))
    for text in ("38", "yes", "a, b"):
        assert f": {text}" in dialog.text
        assert text in panel.text


@pytest.mark.parametrize("column", ["Farbe", "perceived_colour_value_name", "baseColour"])
def test_another_colour_is_called_by_its_colour_whatever_the_column_is_called(tmp_path, column):
    service = a_shop(tmp_path, brand=["Anna", "Anna"], **{column: ["rot", "blau"]})
    assert service.colour_label(service.item("1")) == ("1", "blau")


def test_a_spaces_gpu_is_borrowed_where_there_is_one(monkeypatch):
    import sys
    import types

    from lookbook.ui.services.gpu import on_gpu

    def plain(x):
        return x + 1

    monkeypatch.setitem(sys.modules, "spaces", None)
    assert on_gpu(plain) is plain
    borrowed = []
    lent = types.ModuleType("spaces")
    lent.GPU = lambda function: lambda *a: (borrowed.append(a), function(*a))[1]
    monkeypatch.setitem(sys.modules, "spaces", lent)
    assert on_gpu(plain)(2) == 3
    assert borrowed == [(2,)]


def test_the_message_of_a_toast_is_escaped(monkeypatch):
    """gradio shows toasts as HTML: a link could put a form into the page."""
    from lookbook.ui.components import base

    shown = []
    monkeypatch.setattr(base.gr, "Info", lambda text, title: shown.append(text))
    monkeypatch.setattr(base.gr, "Warning", lambda text, title: shown.append(text))
    base.info("<img src=//there/x.png>", "t")
    base.warn("<form>", "t")
    assert [Tags(text).tags for text in shown] == [[], []]
    assert [Tags(text).text for text in shown] == ["<img src=//there/x.png>", "<form>"]


def test_what_was_left_behind_is_removed_and_what_is_new_stays(tmp_path):
    import os

    from lookbook.ui.uploads import clean

    old = [tmp_path / "hash/photo.jpg", tmp_path / "deep_links/id/state.json"]
    new = tmp_path / "other/photo.jpg"
    (tmp_path / "empty").mkdir()
    for file in (*old, new):
        file.parent.mkdir(parents=True)
        file.write_text("x")
    for path in (*old, tmp_path / "empty"):
        os.utime(path, (0, 0))
    clean(tmp_path, 60)
    assert [path.exists() for path in old] == [False, False]
    assert new.exists()
    assert not (tmp_path / "empty").exists()


def shop_of_one(tmp_path, **attributes) -> SearchService:
    """A service on an index of one reduced dress in two languages."""
    columns = {"price": [80.0], "regular_price": [100.0], "currency": ["EUR"]}
    columns |= {"title_de": ["Rotes Kleid"], "fit": ["loose"], "fit_de": ["weit"]}
    columns |= {name: [value] for name, value in attributes.items()}
    publish_tiny(tmp_path, count=1, items={"id": ["1"], "title": ["Red dress"]} | columns)
    return SearchService(Index.open(tmp_path), lambda: None, tmp_path / "thumbs")


@pytest.mark.parametrize(
    "language, title, fit", [("en", "Red dress", "loose"), ("de", "Rotes Kleid", "weit")]
)
def test_an_item_is_shown_in_the_visitors_language_where_the_catalogue_has_it(
    tmp_path, language, title, fit
):
    service = shop_of_one(tmp_path)
    use_language(language)
    try:
        card, view = service.card(service.as_hit("1")), service.item_view("1")
    finally:
        use_language("en")
    assert card.title == view.item.title == title
    assert dict(view.item.attributes) == {"fit": fit}


def test_a_reduced_price_stands_beside_the_one_before(tmp_path):
    service = shop_of_one(tmp_path / "reduced")
    card, view = service.card(service.as_hit("1")), service.item_view("1")
    assert (card.price, card.regular_price) == ("€ 80.00", "€ 100.00")
    assert '<s aria-label="Before: € 100.00"' in gallery_html([card])
    assert "€ 100.00</s>" in item_html(view)
    other = shop_of_one(tmp_path / "same", regular_price=80.0)
    assert other.card(other.as_hit("1")).regular_price == ""
    assert "<s " not in item_html(other.item_view("1"))


def test_a_path_of_categories_is_a_chip_of_its_last_level():
    html = filters_html([Facet("kind", (FacetValue("Apparel > Dresses", 3, False),))], None)
    assert 'data-value="Apparel &gt; Dresses"' in html
    assert Tags(html).text.strip() == "KindDresses 3"
    assert condition_text(Condition("kind", "=", ("Apparel > Dresses",))) == "Dresses"


def test_a_card_offers_its_larger_picture_to_fine_screens():
    name = "/thumbs/" + "a" * 32 + ".webp"
    larger = "/thumbs/" + "b" * 32 + ".webp"
    html = gallery_html([Card("1", "Dress", name, detail=larger), Card("2", "Bag", name)])
    assert html.count("srcset") == 1
    assert f'srcset="pictures/{"a" * 32}.webp 1.5x, pictures/{"b" * 32}.webp 3x"' in html
