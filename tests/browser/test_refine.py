"""Refining a query: box, filters, words, more and less; links and downloads of the results."""

from __future__ import annotations

import base64
import csv

import numpy as np
from PIL import Image
from seeing import RESULTS, examples, ids, open_result, wait_for_change, wait_for_line


def ask_with_a_photo(page) -> list[str]:
    before = ids(page)
    page.set_input_files("#picture input[type=file]", examples()[4])  # with room around it
    page.wait_for_selector("#photos .pic")
    return wait_for_change(page, before)


def test_dragging_over_the_picture_searches_that_part_and_whole_undoes_it(page):
    before = ask_with_a_photo(page)
    page.locator("#photos .pic img").scroll_into_view_if_needed()
    box = page.locator("#photos .pic img").bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.25 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_selector("#photos figcaption:has-text('The part you marked is searched')")
    part = wait_for_change(page, before)
    frame = page.eval_on_selector("#photos .frame", "e => JSON.parse(e.dataset.box)")
    for side, expected in zip(frame, (10, 10, 30, 25), strict=True):
        assert abs(side - expected) < 3
    page.click("#photos [data-act=whole]")
    page.wait_for_selector("#photos figcaption:has-text('Whole picture')")
    wait_for_change(page, part)


def test_a_photo_without_a_garment_is_searched_whole_and_a_found_one_leads_back_to_that(
    page, tmp_path
):
    checks = np.indices((300, 240)).sum(0) // 4 % 2 * 35 + 105
    Image.fromarray(checks.astype(np.uint8)).save(tmp_path / "wall.png")
    page.set_input_files("#picture input[type=file]", tmp_path / "wall.png")
    page.wait_for_selector("#photos figcaption:has-text('The whole picture is searched')")
    assert not page.is_visible("#photos [data-act=garment]"), "it was sought already"
    page.click("#photos [data-act=drop]")
    page.wait_for_selector("#photos .pic", state="detached")
    page.set_input_files("#picture input[type=file]", examples()[0])
    page.wait_for_selector("#photos figcaption:has-text('This garment is searched')")
    page.click("#photos [data-act=whole]")
    page.wait_for_selector("#photos figcaption:has-text('The whole picture is searched')")
    assert page.is_visible("#photos [data-act=garment]")


def test_a_blank_photo_gets_a_sentence_and_no_results(page, tmp_path):
    Image.new("RGB", (240, 300), (120, 130, 140)).save(tmp_path / "blank.png")
    page.set_input_files("#picture input[type=file]", tmp_path / "blank.png")
    page.wait_for_selector(".toast-body:has-text('one even surface')")
    assert not page.is_visible("#photos .pic")


def test_the_box_moves_by_keyboard(page):
    ask_with_a_photo(page)
    if page.is_visible("#photos [data-act=garment]"):
        page.click("#photos [data-act=garment]")
    page.wait_for_selector("#photos .frame:not([hidden])")
    before = page.eval_on_selector("#photos .frame", "e => JSON.parse(e.dataset.box)")
    page.focus("#photos .frame")
    page.keyboard.press("Shift+ArrowUp")
    page.wait_for_selector("#photos figcaption:has-text('The part you marked is searched')")
    after = page.eval_on_selector("#photos .frame", "e => JSON.parse(e.dataset.box)")
    assert after[3] < before[3]


def test_two_pictures_make_one_query(page):
    one = ask_with_a_photo(page)
    page.click("#photos [data-act=another]")
    page.wait_for_selector("#picture", state="visible")  # as a person has to
    page.set_input_files("#picture input[type=file]", examples()[1])
    page.wait_for_function("document.querySelectorAll('#photos .pic').length == 2")
    both = wait_for_change(page, one)
    page.click("#photos [data-act=drop] >> nth=1")
    page.wait_for_function("document.querySelectorAll('#photos .pic').length == 1")
    assert wait_for_change(page, both) == one


def prices(page) -> list[float]:
    return page.eval_on_selector_all(
        "#results .price", "all => all.map(one => parseFloat(one.innerText))"
    )


def test_filters_narrow_and_stay_while_the_query_changes(page):
    before = ids(page)
    page.click("#filters .chip[data-column=gender][data-value=Women]")
    women = wait_for_change(page, before)
    assert page.get_attribute("#filters .chip[data-value=Women]", "aria-pressed") == "true"
    page.click(f"{RESULTS} >> nth=1 >> .open")
    wait_for_change(page, women)
    assert "where=gender=Women" in page.url
    page.wait_for_selector("#asked button:has-text('Women')")
    page.click("#asked button.where")
    page.wait_for_function("!location.search.includes('where')")


def test_a_price_range_holds(page):
    page.fill("#filters .span input >> nth=1", "40")
    page.press("#filters .span input >> nth=1", "Tab")
    wait_for_line(page, "meet the filters")
    assert len(prices(page)) == 24
    assert max(prices(page)) <= 40


def test_filters_that_leave_nothing_show_the_message_in_view(visit):
    page = visit("?where=articleType=Dresses;gender=Men")
    page.wait_for_selector("#asked button:has-text('Dresses')")
    page.wait_for_timeout(500)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert page.evaluate("window.scrollY") > 300
    assert "No piece meets all of these filters" in page.inner_text("#line")
    top = page.eval_on_selector("#results .empty", "e => e.getBoundingClientRect().top")
    assert 0 <= top < 900


def test_a_price_range_the_wrong_way_round_is_turned_and_said(page):
    page.fill("#filters .span input >> nth=0", "60")
    page.fill("#filters .span input >> nth=1", "40")
    page.press("#filters .span input >> nth=1", "Tab")
    assert "turned round: from 40 to 60" in wait_for_line(page, "turned round")
    assert all(40 <= price <= 60 for price in prices(page))
    page.wait_for_function("decodeURIComponent(location.search).includes('price>=40;price<=60')")


def test_why_leaves_the_page_where_it_was(page):
    open_result(page, 2)
    before = page.eval_on_selector("#page", "e => e.getBoundingClientRect().top")
    page.click(f"{RESULTS} >> nth=0 >> [data-act=why]")
    page.wait_for_selector("dialog.why[open]")
    page.click("dialog.why .close")
    page.evaluate("window.scrollTo(0, 0)")
    assert page.eval_on_selector("#page", "e => e.getBoundingClientRect().top") == before


def test_more_and_less_move_the_query_and_can_be_undone(page):
    start = open_result(page, 2)
    page.click(f"{RESULTS} >> nth=10 >> [data-act=more]")
    towards = wait_for_change(page, start)
    page.click(f"{RESULTS} >> nth=0 >> [data-act=less]")
    away = wait_for_change(page, towards)
    assert towards[0] not in away, "what was pushed away is gone"
    page.click("#asked [data-act=undo]")
    assert wait_for_change(page, away) == towards
    page.click("#asked [data-act=undo]")
    assert wait_for_change(page, towards) == start


def test_words_change_the_results_and_unknown_ones_are_reported(page):
    start = open_result(page, 2)
    words = "#words textarea, #words input"
    page.fill(words, "in red")
    page.press(words, "Enter")
    wait_for_change(page, start)
    page.fill(words, "qzxwvk")
    page.press(words, "Enter")
    assert "qzxwvk" in wait_for_line(page, "Not understood")


def test_a_photo_after_words_empties_both_fields_and_added_words_keep_the_match(page):
    box, words = "#name textarea, #name input", "#words textarea, #words input"
    start = ids(page)
    page.fill(box, "blue dress")
    page.press(box, "Enter")
    wait_for_change(page, start)
    page.wait_for_function("location.search.includes('words')")
    assert (page.input_value(box), page.input_value(words)) == ("blue dress", "")
    shown = ask_with_a_photo(page)
    page.wait_for_function("!location.search.includes('words')")
    assert (page.input_value(box), page.input_value(words)) == ("", "")
    page.get_by_role("button", name="its shape").click()
    shown = wait_for_change(page, shown)
    page.fill(words, "in red")
    page.press(words, "Enter")
    wait_for_change(page, shown)
    assert page.get_attribute("#match [data-on=shape]", "aria-pressed") == "true"
    assert (page.input_value(box), page.input_value(words)) == ("", "in red")


def test_variety_reorders(visit):
    page = visit("?item=100001")
    start = ids(page)
    page.fill("#variety input[type=number]", "0.8")
    page.press("#variety input[type=number]", "Tab")
    varied = wait_for_change(page, start)
    assert varied[0] == start[0]


def test_why_shows_both_pictures_and_closes_on_escape(page):
    ask_with_a_photo(page)
    page.click(f"{RESULTS} >> nth=0 >> [data-act=why]")
    page.wait_for_selector("dialog.why[open]")
    pictures = page.eval_on_selector_all("dialog.why img", "all => all.map(one => one.src)")
    assert len(pictures) == 2
    assert all(picture.startswith("data:image/webp") for picture in pictures)
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.why[open]", state="detached")
    page.click(f"{RESULTS} >> nth=0 >> [data-act=why]")  # the same answer again
    page.wait_for_selector("dialog.why[open]")
    page.keyboard.press("Escape")


def test_an_outfit_has_items_of_other_categories(visit):
    page = visit("?where=articleType=Shirts")
    page.click(f"{RESULTS} >> nth=0 >> .open")
    page.click("#piece [data-act=look]")
    page.wait_for_selector("#looks .look")
    shown = page.eval_on_selector_all(
        "#looks .look", "all => all.map(look => look.querySelectorAll('.card').length)"
    )
    assert 2 <= len(shown) <= 3
    assert min(shown) >= 2
    assert all(page.eval_on_selector_all("#looks .look p", "all => all.map(p => p.innerText)"))


def test_a_link_opens_the_same_view_for_somebody_else(page, visit):
    page.click("#filters .chip[data-column=gender][data-value=Men]")
    wait_for_line(page, "meet the filters")
    before = ids(page)
    page.click(f"{RESULTS} >> nth=1 >> .open")
    wait_for_change(page, before)
    page.click("#more")
    page.wait_for_function(f"document.querySelectorAll('{RESULTS}').length == 48")
    page.click("#share")
    link = page.input_value("#sharing input")
    assert link == page.url
    other = visit(link.partition("?")[1] + link.partition("?")[2])
    assert ids(other) == ids(page)
    assert other.input_value("#count input[type=number]") == "48"


def test_an_uploaded_picture_is_shared_only_with_its_owners_consent(page, visit):
    results = ask_with_a_photo(page)
    page.click("#share")
    page.wait_for_selector("#sharing input")
    assert "picture" not in page.input_value("#sharing input")
    page.click("#sharing [data-act=vector]")
    page.wait_for_function("document.querySelector('#sharing input').value.includes('picture=')")
    link = page.input_value("#sharing input")
    assert len(link) < 1_500, "short enough to send"
    other = visit("?" + link.partition("?")[2])
    assert len(set(ids(other)[:10]) & set(results[:10])) >= 9, "its numbers are rounded"
    assert not other.query_selector("#photos .pic")
    assert "picture that came with this link" in other.inner_text("#line")


def test_back_and_forward_walk_through_the_views(page):
    first = ids(page)
    page.click(f"{RESULTS} >> nth=0 >> .open")
    second = wait_for_change(page, first)
    page.click(f"{RESULTS} >> nth=0 >> .open")
    third = wait_for_change(page, second)
    page.go_back()
    assert wait_for_change(page, third) == second
    page.go_back()
    assert wait_for_change(page, second) == first
    page.go_forward()
    assert wait_for_change(page, first) == second


def test_results_can_be_saved_as_a_sheet_and_a_table(page):
    ids_before = ids(page)
    page.click("#save")
    page.wait_for_selector("#saved a >> nth=1")
    sheet, table = page.eval_on_selector_all("#saved a", "all => all.map(one => one.href)")
    assert base64.b64decode(sheet.partition(",")[2]).startswith(b"\xff\xd8\xff")
    rows = list(csv.DictReader(base64.b64decode(table.partition(",")[2]).decode().splitlines()))
    assert [row["id"] for row in rows] == ids_before


def test_two_quick_presses_and_a_gallery_emptied_meanwhile_do_no_harm(page):
    before = ids(page)
    page.dblclick(f"{RESULTS} >> nth=4 >> .open")
    wait_for_change(page, before)
    page.evaluate(
        """() => {
          const old = document.querySelector('#results .card .open');
          document.querySelector('#filters .chip').click();
          old.dataset.id = 'gone';
          old.click();
        }"""
    )
    wait_for_line(page, "pieces")
    page.wait_for_timeout(500)
    assert ids(page)
