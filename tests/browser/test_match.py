"""What results are matched on: chips beside the results of a piece or a photo."""

from __future__ import annotations

from seeing import ids, wait_for_change


def pressed(page):
    return page.eval_on_selector_all(
        "#match [aria-pressed=true]", "chips => chips.map(chip => chip.dataset.on)"
    )


def test_a_piece_is_matched_on_one_thing_at_a_time(page):
    start = ids(page)
    assert page.locator("#match button").count() == 0, "there is nothing to match yet"
    page.click("#results .card .open >> nth=2")
    before = wait_for_change(page, start)
    group = page.get_by_role("group", name="Match on")
    assert group.get_by_role("button").all_inner_texts() == [
        f"its {it}" for it in ("shape", "colour", "pattern", "kind")
    ]
    assert pressed(page) == []
    group.get_by_role("button", name="its shape").click()
    by_shape = wait_for_change(page, before)
    assert pressed(page) == ["shape"]
    assert "match=shape" in page.url
    page.wait_for_function("document.activeElement?.dataset.on === 'shape'")
    group.get_by_role("button", name="its colour").click()
    by_colour = wait_for_change(page, by_shape)
    assert pressed(page) == ["colour"]
    page.reload()
    page.wait_for_selector("#match [aria-pressed=true]")
    assert pressed(page) == ["colour"]
    assert ids(page) == by_colour, "a link keeps it"
    group.get_by_role("button", name="its colour").click()
    assert wait_for_change(page, by_colour) == before
    page.wait_for_function("!location.search.includes('match')")
    assert pressed(page) == []
