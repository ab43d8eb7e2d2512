"""`/setup/menu`: the menu, a new one from a file, and what the till sells that the camera does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from edge_agent.api.gate import refuse_other_than
from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, back_to, note, role_of, setup_page, shown_or_none
from edge_agent.api.screen.setup.overview import unknown_to_menu
from edge_agent.api.screen.views.setup_menu import menu_rows
from edge_agent.domain.order import MAX_ID, MAX_TEXT
from edge_agent.domain.said import placed, said_of, say
from edge_agent.domain.unknown_skus import Known, Meaning
from edge_agent.errors import BadInput, Conflict, EdgeAgentError, StoreBusy
from edge_agent.formats.menu_upload import uploaded_path
from edge_agent.formats.yaml_file import MAX_BYTES
from edge_agent.ports import Choice

REFUSALS = (BadInput, Conflict, StoreBusy)

MOST_SHOWN = 50
"""So many unknown SKUs are shown at a time, those ordered most often first."""


@dataclass(frozen=True, slots=True)
class _Page:
    """Makes the page."""

    screen: Screen
    ports: SetupPorts

    def answer(self, request: Request, *, status: int = 200, wrong: str = "", detail: str = "") -> Response:
        """The page as it is now."""
        shown = shown_or_none(self.ports)
        unknown = unknown_to_menu(self.ports)
        menu = self.ports.in_use.menu()
        return setup_page(
            self.screen,
            request,
            self.ports,
            "setup_menu.html",
            status=status,
            chosen=None if shown is None else shown.menu,
            is_aside=shown is not None and "menu" in shown.set_aside,
            rows=menu_rows(viewer_of(request).texts, menu),
            unknown=unknown[:MOST_SHOWN],
            unknown_count=len(unknown),
            items=[item for item in menu.items if item.detects_as],
            classes=sorted({name for model in self.ports.in_use.models() for name in model.classes}),
            wrong=wrong,
            detail=detail,
        )

    def refused(self, request: Request, refusal: EdgeAgentError, *, uploaded: str = "") -> Response:
        """The page with why nothing was saved: a line of the uploaded file, or a fault somewhere else."""
        texts = viewer_of(request).texts
        if isinstance(refusal, BadInput) and refusal.line is not None and refusal.path == uploaded_path(uploaded):
            wrong = texts("setup_menu.wrong_at", line=refusal.line)
            return self.answer(request, status=422, wrong=wrong, detail=said_of(refusal))
        return self.answer(request, status=422, wrong=texts("setup.not_saved"), detail=placed(refusal))


def menu_routes(screen: Screen, ports: SetupPorts) -> APIRouter:
    """The page, the upload, and what is said of SKUs."""
    router, page = screen_router(), _Page(screen, ports)

    @router.get("/setup/menu")
    def menu_page(request: Request) -> Response:
        return page.answer(request)

    _add_upload(router, page)
    _add_skus(router, page)
    return router


def _add_upload(router: APIRouter, page: _Page) -> None:
    setup = page.ports.setup

    @router.post("/setup/menu")
    async def upload_menu(request: Request) -> Response:
        refuse_other_than("multipart/form-data", request)
        async with request.form(max_files=1, max_fields=1, max_part_size=MAX_BYTES) as form:
            file = form.get("file")
            raw = await file.read(MAX_BYTES + 1) if isinstance(file, UploadFile) else b""
            name = (file.filename or "")[:200] if isinstance(file, UploadFile) else ""
        try:
            await run_in_threadpool(setup.use_menu, raw, name, by=role_of(request))
        except REFUSALS as refusal:
            return await run_in_threadpool(page.refused, request, refusal, uploaded=name)
        note(request, "a menu was uploaded", name)
        return back_to("/setup/menu", saved="menu")

    @router.post("/setup/menu/forget")
    def forget_menu(request: Request) -> Response:
        try:
            setup.forget(Choice.MENU)
        except REFUSALS as refusal:
            return page.refused(request, refusal)
        note(request, "the configured menu is back")
        return back_to("/setup/menu", saved="configured")


def _add_skus(router: APIRouter, page: _Page) -> None:
    setup = page.ports.setup

    @router.post("/setup/menu/sku")
    def know_sku(
        request: Request,
        sku: Annotated[str, Form(min_length=1, max_length=MAX_ID)],
        means: Annotated[str, Form(min_length=1, max_length=MAX_ID + 10)],
        name: Annotated[str, Form(max_length=MAX_TEXT)] = "",
    ) -> Response:
        kind, _, of = means.partition(":")
        try:
            setup.know([Known(sku=sku, means=_meaning(kind), of=of, name=name.strip())], by=role_of(request))
        except REFUSALS as refusal:
            return page.refused(request, refusal)
        note(request, "the menu learned of a SKU", sku, means)
        return back_to("/setup/menu", saved="sku")

    @router.post("/setup/menu/again")
    def know_again(request: Request) -> Response:
        """What was said of SKUs before the configured menu was changed holds for the new one too."""
        try:
            setup.know([], by=role_of(request))
        except REFUSALS as refusal:
            return page.refused(request, refusal)
        note(request, "what was said of SKUs holds for the new menu")
        return back_to("/setup/menu", saved="sku")


def _meaning(kind: str) -> Meaning:
    try:
        return Meaning(kind)
    except ValueError:
        raise BadInput(say("sku_choose", "choose what it is, or that it is checked by hand")) from None
