"""The owner's page: who gets in, what an upload may hold, what is counted."""

from __future__ import annotations

import contextvars
import html
import io
import json
import os
import random
import re
import stat
import subprocess
import sys
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from lookbook.catalog import open_catalog
from lookbook.catalog.report import CatalogReport
from lookbook.commands import embed
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.errors import EncoderError
from lookbook.events import Event, EventStore, new_visitor
from lookbook.schema.message import Message
from lookbook.search.index import Index
from lookbook.search.query import Query, SearchResult
from lookbook.ui.guard import Guard, GuardOptions
from lookbook.ui.messages import LANGUAGES, use_language
from lookbook.ui.owner import OwnerPage, check_password, job
from lookbook.ui.owner.access import SESSION_SECONDS, LoginRefused, OwnerAccess, is_form_token
from lookbook.ui.owner.activity import KINDS, Activity, activity
from lookbook.ui.owner.job import CatalogueJob, Status
from lookbook.ui.owner.pages import GenerationRow, login_html, owner_html
from lookbook.ui.owner.uploads import UploadLimits, UploadRefused, store_upload
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.unanswered import UnansweredSearches
from lookbook.ui.services.visitor import VisitorService
from tests.tiny_index import publish_tiny

PASSWORD = "correct horse battery"
TOKEN = re.compile(r'name="token" value="([^"]+)"')


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def owner(tmp_path):
    publish_tiny(tmp_path / "index", tag="a")
    publish_tiny(tmp_path / "index", tag="b", source={"name": "/srv/x/feed.csv<b>"})
    index = Index.open(tmp_path / "index")
    search = SearchService(index, lambda: None, tmp_path / "thumbs")
    visitors = VisitorService(index, tmp_path / "state", tmp_path)
    return OwnerPage(PASSWORD, "Shop <b>", tmp_path / "owner", search, visitors)


@pytest.fixture
def client(owner):
    app = FastAPI()
    app.include_router(owner.router())
    return TestClient(Guard(app, GuardOptions(owner=True)), base_url="https://shop.example")


def log_in(client):
    page = client.post("/owner/login", data={"password": PASSWORD})
    assert page.status_code == 200
    return TOKEN.search(page.text)[1]


def test_a_site_without_a_password_has_no_owners_page(owner):
    app = FastAPI()
    app.include_router(owner.router())
    closed = TestClient(Guard(app, GuardOptions()))
    for path in ("/owner", "/owner/plotly.js"):
        assert closed.get(path).status_code == 404
    assert closed.post("/owner/login", data={"password": PASSWORD}).status_code == 404


def test_only_named_paths_are_let_through(client):
    for path in ("/owner/", "/owner/x", "/owner/../config", "/owner/login/x"):
        assert client.get(path).status_code in (404, 405), path


def test_a_short_password_is_refused():
    with pytest.raises(ValueError, match="at least 10 characters, found 5"):
        check_password("short")


def test_without_the_password_nothing_is_shown_or_done(client, owner):
    page = client.get("/owner")
    assert "Password" in page.text and "Published" not in page.text
    wrong = client.post("/owner/login", data={"password": PASSWORD + "!"})
    assert wrong.status_code == 403 and "not the password" in wrong.text
    assert not client.cookies
    before = owner.generations()
    for action in ("upload", "index", "discard", "publish", "rollback"):
        answer = client.post(f"/owner/{action}", data={"name": before[1].name, "token": ""})
        assert answer.status_code == 403, action
    assert client.get("/owner/plotly.js").status_code == 403
    assert owner.generations() == before


def test_the_cookie_is_for_this_site_alone_and_the_page_is_not_kept(client):
    answer = client.post("/owner/login", data={"password": PASSWORD}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "secure"))
    page = client.get("/owner")
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "Shop &lt;b&gt;" in page.text and "feed.csv&lt;b&gt;" in page.text
    assert "/srv/x" not in page.text


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_a_form_of_another_site_does_nothing(client, owner, headers):
    token = log_in(client)
    before = owner.generations()
    data = {"name": before[1].name, "token": token}
    assert client.post("/owner/publish", data=data, headers=headers).status_code == 403
    login = client.post("/owner/login", data={"password": PASSWORD}, headers=headers)
    assert login.status_code == 403
    assert owner.generations() == before


@pytest.mark.parametrize("token", ["", "x", "ä" * 43])
def test_a_form_without_the_token_of_the_session_does_nothing(client, owner, token):
    log_in(client)
    before = owner.generations()
    answer = client.post("/owner/publish", data={"name": before[1].name, "token": token})
    assert answer.status_code == 403
    assert owner.generations() == before


def test_generations_are_switched_and_rolled_back(client, owner):
    token = log_in(client)
    b, a = owner.generations()
    assert (b.current, b.shown, a.current) == (True, True, False)
    client.post("/owner/publish", data={"name": a.name, "token": token})
    assert [row.name for row in owner.generations()] == [a.name, b.name]
    client.post("/owner/rollback", data={"token": token})
    assert [row.name for row in owner.generations()] == [b.name]
    page = client.post("/owner/rollback", data={"token": token})
    assert "no earlier generation" in page.text
    page = client.post("/owner/publish", data={"name": "../../etc", "token": token})
    assert "no such generation" in page.text


def test_logging_out_ends_the_session(client):
    token = log_in(client)
    cookie = dict(client.cookies)
    client.post("/owner/logout", data={"token": token})
    client.cookies.update(cookie)
    assert "Password" in client.get("/owner").text


def test_attempts_are_limited_and_sessions_end():
    clock = Clock()
    access = OwnerAccess(PASSWORD, clock)
    for _ in range(5):
        with pytest.raises(LoginRefused, match="not the password"):
            access.login("1.2.3.4", "wrong")
    with pytest.raises(LoginRefused, match="wait 30 s"):
        access.login("1.2.3.4", PASSWORD)
    session = access.login("5.6.7.8", PASSWORD)
    assert access.session(session.cookie) is session
    assert access.session("other") is None and access.session(None) is None
    assert is_form_token(session, session.form_token) and not is_form_token(session, None)
    clock.now += SESSION_SECONDS + 1
    assert access.session(session.cookie) is None
    access.login("1.2.3.4", PASSWORD)


def test_attempts_of_all_clients_together_are_limited():
    access = OwnerAccess(PASSWORD, Clock())
    refused = Counter()
    for n in range(60):
        with pytest.raises(LoginRefused) as raised:
            access.login(f"10.0.0.{n}", "wrong")
        refused[str(raised.value)[:8]] += 1
    assert refused == {"This is ": 50, "Too many": 10}


def zipped(files, links=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        for name in links:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, "/etc/passwd")
    out.seek(0)
    return out


def names_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_pictures_and_tables_of_a_zip_are_unpacked(tmp_path):
    files = {
        "shop/metadata.csv": b"file_name",
        "shop/a/one.JPG": b"x",
        "shop/run.sh": b"rm",
        "__MACOSX/shop/a/._one.jpg": b"x",
        "shop/.hidden.png": b"x",
    }
    data_set = store_upload(zipped(files), r"C:\my shop\Summer 26 (ä).zip", tmp_path)
    assert data_set == tmp_path / "Summer-26" / "shop"
    assert names_in(data_set) == ["a/one.JPG", "metadata.csv"]


def test_a_zip_of_one_table_is_that_table(tmp_path):
    assert store_upload(zipped({"x/feed.csv": b"id"}), "f.zip", tmp_path).name == "feed.csv"


def test_a_table_is_stored_as_it_is(tmp_path):
    stored = store_upload(io.BytesIO(b"id,title"), "../../feed v2.csv", tmp_path)
    assert stored == tmp_path / "feed-v2.csv"
    assert stored.read_bytes() == b"id,title"


@pytest.mark.parametrize(
    "name",
    ["../evil.jpg", "a/../../evil.jpg", "/evil.jpg", r"..\evil.jpg", "C:evil.jpg", "a/../b.jpg"],
)
def test_a_zip_that_leads_out_of_its_folder_is_refused_as_a_whole(tmp_path, name):
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    with pytest.raises(UploadRefused, match="leads out of its folder"):
        store_upload(zipped({"good.jpg": b"x", name: b"x"}), "shop.zip", folder)
    assert names_in(tmp_path) == []


def test_links_passwords_and_other_files_are_refused(tmp_path):
    with pytest.raises(UploadRefused, match="a link"):
        store_upload(zipped({"a.jpg": b""}, links=["b.jpg"]), "one.zip", tmp_path)
    locked = bytearray(zipped({"a.jpg": b"x"}).getvalue())
    central = locked.index(b"PK\x01\x02")
    locked[central + 8] |= 1
    with pytest.raises(UploadRefused, match="has a password"):
        store_upload(io.BytesIO(bytes(locked)), "two.zip", tmp_path)
    with pytest.raises(UploadRefused, match="neither pictures nor a table"):
        store_upload(zipped({"a.exe": b"x"}), "three.zip", tmp_path)
    with pytest.raises(UploadRefused, match="cannot be read"):
        store_upload(io.BytesIO(b"PK no zip"), "four.zip", tmp_path)
    with pytest.raises(UploadRefused, match=r"found a \.exe file"):
        store_upload(io.BytesIO(b""), "five.exe", tmp_path)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "names",
    [
        ("a.csv", "a.csv/b.csv"),
        ("a" * 300 + "/b.csv",),
        ("d/" * 3000 + "a.csv",),
        ("a" * 300 + ".csv",),
    ],
)
def test_names_that_no_disk_can_hold_are_refused_without_a_path_of_the_server(tmp_path, names):
    with pytest.raises(UploadRefused) as refused:
        store_upload(zipped(dict.fromkeys(names, b"x")), "shop.zip", tmp_path)
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_whose_bytes_were_changed_is_stored_or_refused(tmp_path, method):
    whole, draw = io.BytesIO(), random.Random(1)
    with zipfile.ZipFile(whole, "w", method) as archive:
        entry = zipfile.ZipInfo("feed.csv")  # its time is the same in each run
        archive.writestr(entry, "id,title\n" + "1,shirt\n" * 100, method)
    refused = 0
    for number in range(200):
        damaged = bytearray(whole.getvalue())
        for _ in range(draw.randint(1, 6)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            store_upload(io.BytesIO(damaged), "shop.zip", folder)
        except UploadRefused as error:
            refused += 1
            assert str(tmp_path) not in str(error)
    assert refused > 100


def test_a_zip_that_lists_more_than_memory_holds_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("lookbook.ui.owner.uploads._MAX_DIRECTORY", 1000)
    monkeypatch.setattr("lookbook.ui.owner.uploads._MIB", 1)
    many = zipped({f"{n}.jpg": b"" for n in range(30)})
    with pytest.raises(UploadRefused, match="at most 1,000 are read"):
        store_upload(many, "shop.zip", tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
def test_a_command_of_the_owner_has_a_limit_of_memory_and_no_secret(monkeypatch):
    import resource

    secrets = {
        *("OAUTH_CLIENT_SECRET", "HF_TOKEN", "PGPASSWORD", "LOOKBOOK_AUTH"),
        *("LOOKBOOK_OWNER_PASSWORD", "LOOKBOOK_DATABASE_URL", "LOOKBOOK_METRICS_TOKEN"),
    }
    needed = {"LOOKBOOK_MILVUS_URI", "LOOKBOOK_DEVICE"}
    for name in secrets | needed:
        monkeypatch.setenv(name, "open sesame")
    handed_on = set(job._environment(""))
    assert not secrets & handed_on and needed <= handed_on
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    job._limit_memory(child.pid)
    limit, _ = resource.prlimit(child.pid, resource.RLIMIT_DATA)
    first_to_end = Path(f"/proc/{child.pid}/oom_score_adj").read_text().strip()
    child.communicate(b"\n")
    assert limit == job._memory() // 2
    assert first_to_end == "1000"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("memory.max", "1048576\n", 2**20),
        ("memory/memory.limit_in_bytes", "2097152\n", 2**21),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
        ("other", "", None),
    ],
)
def test_the_memory_of_a_container_is_what_it_may_have(tmp_path, monkeypatch, name, text, expected):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    monkeypatch.setattr(job, "_CGROUP", tmp_path)
    of_machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert job._memory() == (expected or of_machine)


def test_a_command_without_a_limit_of_memory_is_logged(monkeypatch, caplog):
    def refuse(*args):
        raise PermissionError("not permitted")

    monkeypatch.setattr("resource.prlimit", refuse, raising=False)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    job._limit_memory(child.pid)
    child.communicate(b"\n")
    assert "without a limit of memory: not permitted" in caplog.text


def test_what_is_too_large_is_refused_whatever_it_announces(tmp_path):
    limits = UploadLimits(files=2, bytes=2**20)
    bomb = zipped({"a.jpg": bytes(2**21)})
    assert len(bomb.getvalue()) < 10_000
    with pytest.raises(UploadRefused, match="there is room for"):
        store_upload(bomb, "one.zip", tmp_path, limits)
    lying = bytearray(bomb.getvalue())
    central = lying.index(b"PK\x01\x02")
    lying[central + 24 : central + 28] = (10).to_bytes(4, "little")
    with pytest.raises(UploadRefused):
        store_upload(io.BytesIO(bytes(lying)), "two.zip", tmp_path, limits)
    many = zipped({f"{n}.jpg": b"" for n in range(3)})
    with pytest.raises(UploadRefused, match="3 files; up to 2"):
        store_upload(many, "three.zip", tmp_path, limits)
    with pytest.raises(UploadRefused, match="too large"):
        store_upload(io.BytesIO(bytes(2**20 + 1)), "four.csv", tmp_path, limits)
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) <= 2**21


def test_an_upload_that_is_refused_says_why(client, owner):
    token = log_in(client)
    file = {"file": ("shop.zip", zipped({"../a.jpg": b"x"}))}
    page = client.post("/owner/upload", data={"token": token}, files=file)
    assert "leads out of its folder" in page.text
    assert not (owner.job._folder).exists()


def test_the_upload_has_a_limit_of_its_own(owner):
    app = FastAPI()
    app.include_router(owner.router())
    guard = Guard(app, GuardOptions(owner=True, owner_upload=1000, max_body=100))
    client = TestClient(guard, base_url="https://shop.example")
    assert client.post("/owner/upload", content=bytes(999)).status_code == 403
    assert client.post("/owner/upload", content=bytes(1001)).status_code == 413
    assert client.post("/owner/index", content=bytes(101)).status_code == 413


def result(hits=(), unknown=()):
    return SearchResult(list(hits), 9, list(unknown), 0.0)


def test_words_that_found_nothing_are_counted_by_day():
    day = [date(2026, 11, 1)]
    searches = UnansweredSearches(lambda: day[0])
    searches.note(Query(words="Purple  Tutu"), result())
    searches.note(Query(words="purple tutu"), result())
    searches.note(Query(words="red qwxyz"), result(["a hit"], ["qwxyz"]))
    searches.note(Query(words="red dress"), result(["a hit"]))
    searches.note(Query(item="a"), result())
    assert searches.by_day() == {day[0]: 3}
    assert searches.most_frequent() == [("purple tutu", 2), ("qwxyz", 1)]
    day[0] += timedelta(days=30)
    searches.note(Query(words="hat"), result())
    assert searches.by_day() == {day[0]: 1}


@pytest.mark.parametrize(
    "words", ["me@mail.example", "call 0301234567", "https://x.example", "x" * 61]
)
def test_what_may_be_personal_is_not_counted(words):
    searches = UnansweredSearches()
    searches.note(Query(words=words), result())
    assert searches.most_frequent() == []


def test_events_are_counted_by_day_without_visitors(database):
    store = EventStore(database)
    midnight = datetime(2026, 11, 3, tzinfo=UTC)
    visitor = new_visitor()

    def event(kind, item, time, **more):
        return Event(visitor, kind, item, time, **more)

    late = midnight - timedelta(microseconds=1000)
    store.record(
        [
            event("view", "a", late),
            event("view", "a", midnight),
            event("view", "b", midnight, surface="explored"),
            event("like", "b", midnight + timedelta(hours=23, minutes=59)),
            event("save", "b", midnight),
            event("buy", "a", midnight),
            event("buy", "a", midnight - timedelta(days=40)),
        ]
    )
    found = activity(store, UnansweredSearches(), str.upper, date(2026, 11, 3))
    assert found.days[-2:] == [date(2026, 11, 2), date(2026, 11, 3)]
    last_two = {kind: counts[-2:] for kind, counts in found.counts.items()}
    assert last_two == {"view": [1, 1], "like": [0, 2], "buy": [0, 1], "unanswered": [0, 0]}
    assert sum(map(sum, found.counts.values())) == 5
    assert found.items == {"view": [("A", 2)], "like": [("B", 1)], "buy": [("A", 1)]}
    assert visitor not in repr(found)
    store.close()


REPORT = {
    "items": None,
    "photos": 3,
    "by_address": 2,
    "columns": [{"name": "c1", "taken_for": "title", "why": "by its name", "examples": ["X1"]}],
    "rows": [{"id": "i1", "c1": "X1"}],
    "refused": {"missing": {"count": 20, "lines": [*range(20)], "first": "The file is not there."}},
    "notes": ["line 3 has no cell"],
}
STATUSES = (
    Status(),
    Status("checking", "a.zip"),
    Status("checked", "a.zip", REPORT),
    Status("indexing", "a.zip", step="tuning", done=3, total=9),
    Status("indexing", "a.zip", done=3, total=9),
    Status("indexing", "a.zip", done=3),
    Status("failed", "a.zip", message=Message("it was stopped")),
    Status("done", "a.zip", message="9 pieces"),
    Status("failed", "a.zip", message="a.zip: no picture"),
    Status("failed", "a.zip", message=Message("The zip holds {name} twice.", name="b")),
)
DATA = {"20", "a.zip", "c1", "X1", "i1", "id", "Blouse", "tutu", "2", "1", "3", "5", "2026-11-03"}

ALIKE = {"Stop"}  # in some of the languages


class Said(HTMLParser):
    """The texts of a page but those that a command wrote, which are marked as English."""

    def __init__(self, html):
        super().__init__()
        self.texts, self._skipped = set(), None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if self._skipped is None and (tag in ("style", "script") or ("lang", "en") in attrs):
            self._skipped = None if tag == "html" else tag

    def handle_endtag(self, tag):
        if tag == self._skipped:
            self._skipped = None

    def handle_data(self, data):
        if self._skipped is None and re.search(r"\w", data):
            self.texts.add(data.strip())


def every_page():
    """The texts of the owner's page in all its states, and of its login."""
    row = GenerationRow("g", "2026-11-03", 5, "a.zip", True, True)
    numbers = Activity(
        [date(2026, 11, 3)],
        {kind: [2] for kind in (*KINDS, "unanswered")},
        {kind: [("Blouse", 1)] for kind in KINDS},
        [("tutu", 1)],
    )
    pages = [owner_html("Shop", "t", status, [row, row], numbers) for status in STATUSES]
    pages += [owner_html("Shop", "t", STATUSES[0], [], Activity(problem="x")), login_html("Shop")]
    return set().union(*(Said(page).texts for page in pages))


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_the_owners_page_has_no_english_in_another_language(language):
    def within(language):
        use_language(language)
        return every_page()

    english = contextvars.copy_context().run(within, "en")
    assert {
        "Log in",
        "Most often bought",
        "Upload and check",
        "published, shown by the site",
    } <= english
    same = english & contextvars.copy_context().run(within, language)
    assert same - DATA <= ALIKE, "what says the same in both languages is not translated"


ROWS = """file_name,title
a.png,Anna
b.png,Bella
d.png,Dana
gone.png,Berta
../out.png,Carla
d.png
c.png,"Dora
"""


@pytest.fixture
def refused(tmp_path):
    """What the page shows of a table whose rows lack a picture, a cell or a quote."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in "abd":
        Image.new("RGB", (9, 9)).save(folder / f"{name}.png")
    (folder / "metadata.csv").write_text(ROWS)
    return json.loads(json.dumps(CatalogReport.of(open_catalog(str(folder))).to_json()))


def shown_in(language, status):
    def page():
        use_language(language)
        return owner_html("Shop", "t", status, [], Activity([], {}, {}, []))

    return html.unescape(contextvars.copy_context().run(page))


def test_refused_rows_are_named_in_the_owners_language(refused):
    status = Status("checked", "a.zip", refused)
    english, german = shown_in("en", status), shown_in("de", status)
    for said in ("missing", "The file 'gone.png' is not there", "too few cells", "outside of the"):
        assert said in english and said not in german
    for said in (
        "Zeile 5: Die Datei 'gone.png' fehlt",
        "zu wenige Zellen",
        "außerhalb des Ordners",
    ):
        assert said in german
    assert "erwartet werden 2 Zellen, getrennt durch Kommas" in german
    assert 'lang="en">metadata.csv' not in german


def test_why_nothing_is_taken_is_said_in_the_owners_language(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme.txt").write_text("no picture")
    job = CatalogueJob(tmp_path / "work", tmp_path / "index")
    job.reserve("empty.zip")
    job.check(tmp_path / "empty")
    status = job.wait(120)
    assert "empty holds no pictures" in shown_in("en", status)
    assert "empty enthält keine Bilder: Dateien: 1" in shown_in("de", status)


def test_the_owner_is_refused_in_the_language_of_the_browser(client):
    german = {"accept-language": "de-DE,de;q=0.9"}
    page = client.get("/owner", headers=german)
    assert '<html lang="de">' in page.text and "Anmelden" in page.text
    wrong = client.post("/owner/login", data={"password": "x"}, headers=german)
    assert "Das ist nicht das Passwort." in wrong.text
    token = log_in(client)
    upload = {"file": ("shop.zip", zipped({"../a.jpg": b"x"}))}
    page = client.post("/owner/upload", data={"token": token}, files=upload, headers=german)
    assert "das führt aus seinem Ordner hinaus" in page.text
    assert "leads out" in client.get("/owner").text, "the reason is kept, and said in any language"
    page = client.post("/owner/publish", data={"name": "x", "token": token}, headers=german)
    assert "Diese Generation gibt es nicht mehr." in page.text


@pytest.mark.parametrize(("built", "computed"), [("float32", "float32"), ("int8", None)])
def test_an_index_in_a_precision_that_is_not_computed_here_is_renewed_in_another(
    tiny_model, tmp_path, built, computed
):
    """As by `embed`: the tiny model has no calibration for int8, and raises where it is asked."""
    here = Encoder.load(tiny_model)
    encoder = here.identity | {"precision": built, "model": str(tiny_model)}
    publish_tiny(tmp_path, encoder=encoder)
    options = job.embed_options(Index.open(tmp_path, engine="exact").manifest)
    args = embed._options(["--output", str(tmp_path), "--dataset", "shop", *options], "embed")
    assert embed._encoder(args).precision == (computed or here.precision)
    with pytest.raises(EncoderError, match="int8 needs"):
        Encoder.load(tiny_model, precision="int8")
