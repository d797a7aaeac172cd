"""The routes of the owner's page: plain forms, each with the token of its session."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from lookbook.index import IndexMissing, Manifest, publish, published
from lookbook.index import rollback as publish_previous
from lookbook.schema.message import Message
from lookbook.schema.readable import base_name
from lookbook.search.index import UnknownItem
from lookbook.ui.messages import _, error_text
from lookbook.ui.owner.access import LoginRefused, OwnerAccess, Session, is_form_token
from lookbook.ui.owner.activity import activity
from lookbook.ui.owner.job import CatalogueJob, embed_options
from lookbook.ui.owner.pages import GenerationRow, login_html, owner_html
from lookbook.ui.owner.uploads import UploadRefused, store_upload
from lookbook.ui.pictures import plotly_file
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService

COOKIE = "lookbook_owner"
_MAX_FORM = 2**16  # bytes of a form without a file
_PRIVATE = {"cache-control": "no-store"}


class OwnerPage:
    """What the owner of a site may do: index a catalogue, switch generations, see numbers.

    `folder` takes an upload until it is indexed or discarded. Raises ValueError for a password that
    is too short.
    """

    def __init__(
        self,
        password: str,
        name: str,
        folder: Path,
        search_service: SearchService,
        visitor_service: VisitorService,
    ) -> None:
        self.access, self.name = OwnerAccess(password), name
        self._problems: dict[str, str] = {}  # to show once, by session
        self._search, self._visitors = search_service, visitor_service
        generation = search_service.index.generation
        self._root = generation.root
        output = self._root or generation.path
        self.job = CatalogueJob(folder, output, embed_options(generation.manifest))

    def html(self, session: Session, problem: str = "") -> str:
        """Return the page of a session."""
        numbers = activity(self._visitors.store, self._search.unanswered, self._title)
        rows = self.generations()
        return owner_html(self.name, session.form_token, self.job.status, rows, numbers, problem)

    def _title(self, id: str) -> str:
        try:
            return self._search.item(id).title or id
        except UnknownItem:
            return id

    def generations(self) -> list[GenerationRow]:
        """Return the published generations, the current one first."""
        root, rows = self._root, []
        shown = self._search.index.manifest.generation
        for place, name in enumerate(published(root) if root else []):
            created, items, source = name, None, ""
            with contextlib.suppress(OSError, ValueError):  # a damaged one is listed by its name
                m = Manifest.read(root / name)  # type: ignore[operator]
                source = base_name(str(m.source.get("name") or ""))
                created, items = m.created[:16].replace("T", " "), m.count
            rows.append(GenerationRow(name, created, items, source, place == 0, name == shown))
        return rows

    def publish(self, name: str) -> None:
        """Publish one of the listed generations; raises ValueError for any other."""
        if self._root is None or name not in published(self._root):
            raise ValueError(Message("There is no such generation any more."))
        publish(self._root, name)

    def roll_back(self) -> None:
        """Withdraw the published generation; raises ValueError where it is the only one."""
        if self._root is None:
            raise ValueError(Message("This index has no published generations."))
        try:
            publish_previous(self._root)
        except IndexMissing:
            raise ValueError(Message("There is no earlier generation to roll back to.")) from None

    def take(self, upload: UploadFile) -> None:
        """Store an upload and start its dry run; raises ValueError."""
        if self._root is None:
            raise ValueError(
                Message("This index was opened as a single generation: it cannot be changed.")
            )
        name = upload.filename or "catalogue"
        folder = self.job.reserve(name[-80:])
        try:
            data_set = store_upload(upload.file, name, folder)
        except UploadRefused as error:
            self.job.refuse(error.args[0])
            return
        except Exception:
            self.job.refuse(Message("The upload could not be stored: the site's log says why."))
            raise
        self.job.check(data_set)

    def router(self) -> APIRouter:
        """Return the routes /owner and those of its forms."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/owner", self._get, methods=["GET"])
        routes.add_api_route("/owner/plotly.js", self._plotly, methods=["GET"])
        routes.add_api_route("/owner/login", self._login, methods=["POST"])
        actions: dict[str, Callable[[FormData], None]] = {
            "upload": self._upload,
            "index": lambda form: self.job.index(),
            "discard": lambda form: self.job.discard(),
            "publish": lambda form: self.publish(str(form.get("name", ""))),
            "rollback": lambda form: self.roll_back(),
        }
        for name, action in actions.items():
            routes.add_api_route(f"/owner/{name}", self._posted(action), methods=["POST"])
        routes.add_api_route("/owner/logout", self._logout, methods=["POST"])
        return routes

    def _upload(self, form: FormData) -> None:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise ValueError(Message("Choose a file first."))
        self.take(file)

    def _session(self, request: Request) -> Session | None:
        return self.access.session(request.cookies.get(COOKIE))

    def _get(self, request: Request) -> Response:
        session = self._session(request)
        if session is None:
            return HTMLResponse(login_html(self.name), headers=_PRIVATE)
        page = self.html(session, self._problems.pop(session.cookie, ""))
        return HTMLResponse(page, headers=_PRIVATE)

    def _plotly(self, request: Request) -> Response:
        if self._session(request) is None:
            return HTMLResponse("", 403, headers=_PRIVATE)
        return FileResponse(plotly_file(), media_type="text/javascript")

    async def _login(self, request: Request) -> Response:
        if not _is_own(request):
            return self._refused(_("The form came from another site."))
        client = request.client.host if request.client else ""
        async with request.form(max_files=0, max_fields=4) as form:
            password = str(form.get("password", ""))
        try:
            session = self.access.login(client, password)
        except LoginRefused as error:
            return self._refused(error_text(error))
        answer = _to_owner()
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, session.cookie, httponly=True, samesite="strict", secure=secure, path="/"
        )
        return answer

    def _refused(self, problem: str) -> Response:
        return HTMLResponse(login_html(self.name, problem, "../"), 403, headers=_PRIVATE)

    async def _logout(self, request: Request) -> Response:
        session = self._session(request)
        async with request.form(max_files=0, max_fields=4) as form:
            if session is not None and is_form_token(session, form.get("token")):
                self.access.logout(session)
        answer = _to_owner()
        answer.delete_cookie(COOKIE, path="/")
        return answer

    def _posted(self, action: Callable[[FormData], None]) -> Callable[..., object]:
        """Return a route that does something for a session; a body is read for no one else."""

        async def route(request: Request) -> Response:
            session = self._session(request)
            if session is None or not _is_own(request):
                return self._refused(_("Please log in."))
            async with request.form(max_files=1, max_fields=4, max_part_size=_MAX_FORM) as form:
                if not is_form_token(session, form.get("token")):
                    return self._refused(_("This form is of another session: please log in."))
                try:
                    await run_in_threadpool(action, form)
                except (ValueError, OSError) as error:
                    self._problems[session.cookie] = error_text(error)
            return _to_owner()

        return route


def _is_own(request: Request) -> bool:
    """Whether a form was sent from a page of this site, where the browser says from which."""
    if (sent_from := request.headers.get("sec-fetch-site")) is not None:
        return sent_from == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _to_owner() -> RedirectResponse:
    return RedirectResponse("../owner", 303, headers=_PRIVATE)
