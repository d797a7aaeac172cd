"""Searching: upload, webcam, clipboard, titles, words, examples; bad uploads."""

from __future__ import annotations

import json
import re
import time
import urllib.request

import pytest
from PIL import Image
from seeing import RESULTS, ROOT, examples, ids, open_result, titles, wait_for_change, wait_for_line

FOUND = r"24 of [\d,]+ pieces, found in \d+ ms"
BOX = "#name textarea, #name input"


def test_the_first_page_shows_the_collection(page):
    assert re.search(r"[\d,]+ pieces", wait_for_line(page, "pieces"))
    assert len(titles(page)) == 24
    assert all(titles(page)), "every picture says what it shows"


def test_an_uploaded_photo_is_answered_and_not_kept(page, uploads):
    page.set_input_files("#picture input[type=file]", examples()[0])
    wait_for_line(page, FOUND)
    shares = page.eval_on_selector_all(
        "#results .chance b", "all => all.map(one => parseFloat(one.style.width))"
    )
    assert len(shares) == 24
    # the bar says how alike the shapes are; among them those of the photo's colour come first
    assert shares[0] == max(shares)
    assert sum(shares[:12]) > sum(shares[12:])
    page.wait_for_selector("#photos img[src^='data:image/webp']")
    for _ in range(80):  # it goes some seconds later
        # a folder named by the hash of the picture would still tell who looked for what
        kept = [path for path in uploads.rglob("*") if re.fullmatch(r"[0-9a-f]{64}", path.name)]
        if not kept:
            break
        page.wait_for_timeout(250)
    assert kept == []


def test_a_webcam_snapshot_is_answered(page):
    page.click("button[aria-label='Capture from camera']")
    page.click("text=Click to Access Webcam")
    page.wait_for_selector("#picture video")
    page.wait_for_timeout(1500)
    page.click("button[aria-label='capture photo']")
    wait_for_line(page, FOUND)
    page.wait_for_selector("#photos img[src^='data:image/webp']")


def test_a_photo_from_the_clipboard_is_answered(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(200, 260), pen = canvas.getContext('2d');
          pen.fillStyle = '#fff'; pen.fillRect(0, 0, 200, 260);
          pen.fillStyle = '#a22'; pen.fillRect(50, 40, 100, 180);
          const blob = await canvas.convertToBlob({type: 'image/png'});
          await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
        }"""
    )
    # the first press opens a pane, or pastes at once: it depends on the moment
    page.click("#picture button[aria-label='Paste from clipboard']")
    page.wait_for_timeout(1500)
    paste = page.locator("#picture button:has-text('Paste from Clipboard')")
    if "found in" not in page.inner_text("#line") and paste.is_visible():
        paste.click(timeout=5_000)
    wait_for_line(page, FOUND)


def test_a_press_on_a_result_searches_from_it(page):
    title, before = titles(page)[3], ids(page)
    page.click(f"{RESULTS} >> nth=3 >> .open")
    after = wait_for_change(page, before)
    assert page.inner_text("#piece h2") == title
    assert before[3] not in after, "not its own neighbour"
    assert page.evaluate("window.scrollY") == 0
    assert f"item={before[3]}" in page.url


def test_an_item_is_chosen_by_typing_its_title(page):
    title = titles(page)[5]
    page.click(BOX)
    page.keyboard.type(" ".join(reversed(title.split())), delay=15)  # words in any order
    page.click(f"#names label:has-text('{title}')")
    page.wait_for_selector(f"#piece h2:has-text('{title}')")
    page.wait_for_selector("#names label", state="hidden")
    assert page.input_value(BOX) == title


LATE = """() => {
    const now = window.fetch;
    window.late = 0;
    window.fetch = async (...what) => {
        const answer = await now(...what);
        if (!String(what[0]).includes("/run/")) return answer;
        await new Promise((done) => setTimeout(done, 1200));
        window.late += 1;
        return answer;
    };
}"""  # suggestions arrive more than a second late


def test_suggestions_that_come_late_do_not_stay_open(page):
    title = titles(page)[4]  # of one item only
    page.click(BOX)
    page.keyboard.type(title[:-1], delay=15)
    page.wait_for_selector(f"#names label:has-text('{title}')")
    page.wait_for_timeout(500)
    page.evaluate(LATE)
    page.keyboard.type(title[-1])
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_selector(f"#piece h2:has-text('{title}')")
    page.wait_for_function("window.late >= 2")
    page.wait_for_selector("#names label", state="hidden", timeout=5000)


def test_enter_opens_the_item_of_a_whole_title_or_id(page):
    title, id = titles(page)[2], ids(page)[3]
    page.fill(BOX, title)
    page.press(BOX, "Enter")
    page.wait_for_selector(f"#piece h2:has-text('{title}')")
    page.fill(BOX, id)
    page.press(BOX, "Enter")
    page.wait_for_function("id => location.search.includes(`item=${id}`)", arg=id)


@pytest.mark.parametrize("words", ["t shirt", "jumper", "women", "Kleid"])
def test_enter_gives_a_list_and_the_box_keeps_what_was_typed(page, words):
    before = ids(page)
    page.click(BOX)
    page.keyboard.type(words, delay=15)
    page.click("#name button:has-text('Search')")  # the same as Enter, for who sees none
    wait_for_change(page, before)
    assert "words=" in page.url
    assert page.query_selector("#piece h2") is None
    assert page.input_value(BOX) == words
    wait_for_line(page, FOUND)
    page.wait_for_selector("#names label", state="hidden", timeout=5000)


def test_a_number_out_of_range_is_clipped(page):
    page.fill("#count input[type=number]", "5")
    page.press("#count input[type=number]", "Tab")
    page.wait_for_function(f"document.querySelectorAll('{RESULTS}').length == 5")
    page.fill("#count input[type=number]", "500")
    page.press("#count input[type=number]", "Tab")
    page.wait_for_function(f"document.querySelectorAll('{RESULTS}').length == 96")


def test_an_example_is_answered_on_a_press(page):
    page.click("#examples button >> nth=1")
    wait_for_line(page, FOUND)
    page.wait_for_selector("#photos img[src^='data:image/webp']")


def test_show_more_shows_more_of_the_same(page):
    before = open_result(page, 0)
    page.click("#more")
    page.wait_for_function(f"document.querySelectorAll('{RESULTS}').length == 48")
    assert ids(page)[:24] == before


def test_removing_the_picture_brings_the_collection_back(page):
    page.set_input_files("#picture input[type=file]", examples()[0])
    page.click("#photos [data-act=drop]")
    wait_for_line(page, "Show a picture")
    page.wait_for_selector("#photos .pic", state="detached")
    page.wait_for_selector("#picture:has-text('Drop a photo')")
    assert not page.query_selector("#picture img")


def test_an_item_pressed_while_a_photo_is_searched_wins_and_the_upload_is_empty(page):
    id = ids(page)[3]
    with page.expect_response(lambda answer: "queue/join" in answer.url):  # it has begun
        page.set_input_files("#picture input[type=file]", examples()[0])
    page.click(f"{RESULTS} >> nth=3 >> .open")
    page.wait_for_selector("#piece h2")
    page.wait_for_selector("#picture:has-text('Drop a photo')")
    page.wait_for_timeout(2_500)  # longer than a photo takes
    assert f"item={id}" in page.url
    assert page.is_visible("#piece h2")
    assert not page.query_selector("#photos .pic, #picture img")


@pytest.mark.parametrize(
    "name, data, pattern",
    [
        ("notes.jpg", b"these are my notes", "picture"),
        ("empty.png", b"", "empty"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "damaged|cut short|picture"),
    ],
)
def test_a_bad_picture_gets_a_message(page, tmp_path, name, data, pattern):
    bad = tmp_path / name
    bad.write_bytes(data)
    before = ids(page)
    page.set_input_files("#picture input[type=file]", bad)
    page.wait_for_selector(".toast-body")
    message = page.inner_text(".toast-body")
    assert re.search(pattern, message), message
    assert ids(page) == before, "what was shown stays"


def test_a_file_too_large_gets_a_message(page, tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(examples()[0].read_bytes() + bytes(21 * 2**20))
    # gradio's page asks for the progress of an upload that is refused already: a 404 in the console
    progress = re.compile(r"/upload_progress\?")
    page.route(progress, lambda route: route.fulfill(content_type="text/event-stream", body=""))
    page.set_input_files("#picture input[type=file]", large)
    page.wait_for_selector(".toast-body")
    assert "up to 20 MB" in page.inner_text(".toast-body")


def test_no_file_of_the_machine_can_be_asked_for(site, uploads, tmp_path):
    """A client that writes its own requests can read uploads only."""
    secret = tmp_path / "secret.png"
    Image.new("RGB", (64, 64), "red").save(secret)
    config = json.loads(urllib.request.urlopen(f"{site}config", timeout=20).read())
    by_id = {part["id"]: part for part in config["components"]}
    [upload] = [
        event
        for event in config["dependencies"]
        if event["inputs"]
        and by_id[event["inputs"][0]]["props"].get("elem_id") == "picture"
        and event["backend_fn"]
    ]
    for path in (str(secret), str(ROOT / "examples" / "street-caps.jpg"), str(uploads)):
        answer = ask(site, upload["id"], [{"path": path}, None, None, False, None])
        assert "No picture arrived" in answer, answer[:500]
    assert secret.exists()


def ask(site: str, event: int, data: list) -> str:
    """Return all that the server streams back for one event."""
    body = {"data": data, "fn_index": event, "session_hash": f"attack{time.monotonic_ns()}"}
    request = urllib.request.Request(
        f"{site}gradio_api/queue/join",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=20).read()
    stream = f"{site}gradio_api/queue/data?session_hash={body['session_hash']}"
    return urllib.request.urlopen(stream, timeout=60).read().decode()
