"""The site in a real Chromium, on the shipped index: what a visitor does on the first day."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
RESULTS = "#results .thumbnail-item"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium"),
]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def uploads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def site(uploads):
    """The address of `python app.py` on the shipped index, stopped afterwards."""
    port = free_port()
    environment = os.environ | {"GRADIO_TEMP_DIR": str(uploads), "HF_HUB_OFFLINE": "1"}
    log = uploads.parent / "app.log"
    with log.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            # as a shell starts what it puts in the background: SIGTERM must end it all the same
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(240):
            assert running.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
        assert "Traceback" not in log.read_text()
    finally:
        running.terminate()
        running.wait(20)


def camera_film(path: Path, photo: Path) -> Path:
    """A still as the endless film of a webcam: raw YUV 4:2:0, which keeps its colours."""
    with Image.open(photo) as image:
        frame = Image.new("RGB", (640, 480), (120, 110, 100))
        image.thumbnail((480, 480))
        frame.paste(image, ((640 - image.width) // 2, (480 - image.height) // 2))
    y, u, v = (np.asarray(channel) for channel in frame.convert("YCbCr").split())
    planes = y.tobytes() + u[::2, ::2].tobytes() + v[::2, ::2].tobytes()
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + b"FRAME\n" + planes)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    film = camera_film(tmp_path_factory.mktemp("camera") / "film.y4m", examples()[0])
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        yield chromium
        chromium.close()


def examples() -> list[Path]:
    return sorted((ROOT / "examples").glob("*.jpg"))


@pytest.fixture
def page(browser, site):
    """A page that has loaded; afterwards nothing may have left the machine nor gone wrong."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    outside, errors = [], []
    opened.on("request", lambda r: outside.append(r.url) if is_outside(r.url, site) else None)
    opened.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda e: errors.append(str(e)))
    opened.goto(site)
    opened.wait_for_selector(RESULTS, timeout=45_000)
    yield opened
    assert outside == []
    assert errors == []
    context.close()


def is_outside(url: str, site: str) -> bool:
    return not url.startswith((site, site.replace("http", "ws"), "data:", "blob:"))


def captions(page) -> list[str]:
    return page.eval_on_selector_all(f"{RESULTS} img", "all => all.map(one => one.alt)")


def wait_for_line(page, pattern: str) -> str:
    """The line above the results, once it says what is expected."""
    page.wait_for_function(
        "pattern => new RegExp(pattern).test(document.querySelector('#line').innerText)",
        arg=pattern,
        timeout=45_000,
    )
    return page.inner_text("#line")


def test_the_first_page_shows_the_collection(page):
    assert re.search(r"[\d,]+ pieces", wait_for_line(page, "pieces"))
    assert len(captions(page)) == 24
    assert all(captions(page)), "every picture says what it shows"


def test_an_uploaded_photo_is_answered_and_not_kept(page, uploads):
    page.set_input_files("#picture input[type=file]", examples()[0])
    wait_for_line(page, r"24 of [\d,]+ pieces, found in (\d+|under 1) ms")
    scores = [
        float(re.search(r"similarity (-?\d\.\d\d)$", text).group(1)) for text in captions(page)
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 24
    page.wait_for_selector("#picture img[src^='data:image/webp']")
    for _ in range(80):  # it goes some seconds later
        # a folder named by the hash of the picture would still tell who looked for what
        kept = [path for path in uploads.glob("*") if re.fullmatch(r"[0-9a-f]{64}", path.name)]
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
    wait_for_line(page, r"24 of [\d,]+ pieces, found in")
    page.wait_for_selector("#picture img[src^='data:image/webp']")


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
    paste = page.locator("#picture button:has-text('Paste from Clipboard')")
    for _ in range(15):  # the first press opens a pane, or pastes at once: it depends on the moment
        if "found in" in page.inner_text("#line"):
            break
        if paste.is_visible():
            paste.click(timeout=5_000)
        else:
            page.click("#picture button[aria-label='Paste from clipboard']")
        page.wait_for_timeout(1500)
    wait_for_line(page, r"24 of [\d,]+ pieces, found in")


def test_a_click_on_a_result_searches_from_it(page):
    chosen = captions(page)[3]
    page.click(f"{RESULTS} >> nth=3")
    wait_for_line(page, "found in")
    assert page.input_value("#name textarea, #name input") == chosen
    before = captions(page)
    assert chosen not in [text.splitlines()[0] for text in before], "not its own neighbour"
    assert page.evaluate("window.scrollY") == 0
    page.click(f"{RESULTS} >> nth=0")
    page.wait_for_function(
        "old => document.querySelector('#results img').alt !== old", arg=before[0]
    )


def test_an_item_is_chosen_by_typing_its_name(page):
    title = captions(page)[5]
    typed = " ".join(reversed(title.split()))  # words in any order
    page.click("#name textarea, #name input")
    page.keyboard.type(typed, delay=15)
    page.wait_for_selector(f"#names label:has-text('{title}')")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    wait_for_line(page, "found in")
    page.wait_for_selector("#picture img[src^='data:image/webp']")
    page.wait_for_selector("#names label", state="hidden")


def test_enter_takes_the_first_piece_of_that_name_or_else_asks_by_words(page):
    box = "#name textarea, #name input"
    title = captions(page)[2]
    page.fill(box, title)
    page.press(box, "Enter")
    wait_for_line(page, "found in")
    page.wait_for_function(
        "([box, title]) => document.querySelector(box).value === title", arg=[box, title]
    )
    page.fill(box, "")
    page.click(box)
    page.keyboard.type("wristwatch watch analog", delay=15)
    wait_for_line(page, "No piece is called that")
    before = captions(page)
    page.press(box, "Enter")
    page.wait_for_function(
        "old => document.querySelector('#results img').alt !== old", arg=before[0]
    )


def test_a_number_out_of_range_is_brought_into_it(page):
    page.fill("#count input[type=number]", "5")
    page.press("#count input[type=number]", "Tab")
    page.wait_for_function(f"document.querySelectorAll('{RESULTS}').length == 5")
    page.fill("#count input[type=number]", "500")
    page.press("#count input[type=number]", "Tab")
    page.wait_for_function(f"document.querySelectorAll('{RESULTS}').length == 96")


def test_an_example_is_answered_on_a_click(page):
    page.click("#examples .thumbnail-item >> nth=1")
    wait_for_line(page, "found in")
    page.wait_for_selector("#picture img[src^='data:image/webp']")


def test_more_results_are_shown_when_asked_for(page):
    page.fill("#count input[type=number]", "48")
    page.press("#count input[type=number]", "Enter")
    page.wait_for_function(f"document.querySelectorAll('{RESULTS}').length == 48")


def test_emptying_the_frame_brings_the_collection_back(page):
    page.set_input_files("#picture input[type=file]", examples()[0])
    wait_for_line(page, "found in")
    page.click("#picture button[aria-label='Remove Image']")
    wait_for_line(page, "Show a picture")


@pytest.mark.parametrize(
    "name, data, sentence",
    [
        ("notes.jpg", b"these are my notes", "picture"),
        ("empty.png", b"", "empty"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "damaged|cut short|picture"),
    ],
)
def test_a_bad_picture_gets_a_sentence(page, tmp_path, name, data, sentence):
    bad = tmp_path / name
    bad.write_bytes(data)
    before = captions(page)
    page.set_input_files("#picture input[type=file]", bad)
    page.wait_for_selector(".toast-body", timeout=45_000)
    said = page.inner_text(".toast-body")
    assert re.search(sentence, said), said
    assert "Error" not in page.inner_text("#results")
    assert captions(page) == before, "what was shown stays"


def test_no_file_of_the_machine_can_be_asked_for(site, uploads, tmp_path):
    """A client that writes its own requests gets at uploads only."""
    secret = tmp_path / "secret.png"
    Image.new("RGB", (64, 64), "red").save(secret)
    config = json.loads(urllib.request.urlopen(f"{site}config", timeout=20).read())
    by_id = {part["id"]: part for part in config["components"]}
    [upload] = [
        event
        for event in config["dependencies"]
        if any(by_id[i]["props"].get("elem_id") == "picture" for i in event["inputs"])
    ]
    for path in (str(secret), str(ROOT / "examples" / "street-caps.jpg"), str(uploads)):
        answer = ask(site, upload["id"], [{"path": path}, 24])
        assert "No picture arrived" in answer, answer[:500]
    assert secret.exists()


def ask(site: str, event: int, data: list) -> str:
    """All that the server streams back for one event."""
    body = {"data": data, "fn_index": event, "session_hash": f"attack{time.monotonic_ns()}"}
    request = urllib.request.Request(
        f"{site}gradio_api/queue/join",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=20).read()
    stream = f"{site}gradio_api/queue/data?session_hash={body['session_hash']}"
    return urllib.request.urlopen(stream, timeout=60).read().decode()


def test_a_file_too_large_gets_our_sentence(page, tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(examples()[0].read_bytes() + bytes(21 * 2**20))
    page.set_input_files("#picture input[type=file]", large)
    page.wait_for_selector(".toast-body")
    assert "up to 20 MB" in page.inner_text(".toast-body")


def test_a_phone_screen_needs_no_sideways_scrolling(browser, site):
    context = browser.new_context(viewport={"width": 360, "height": 740})
    opened = context.new_page()
    opened.goto(site)
    opened.wait_for_selector(RESULTS, timeout=45_000)
    wide = opened.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360
    context.close()
