"""What was decided, with its pictures, and a decision on photographs that somebody sends."""

from __future__ import annotations

import hashlib
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from edge_agent.api.access import V1
from edge_agent.api.answers.checks import CheckOut, ChecksOut, ContentsOut, PhotoCheckOut, VerdictOut
from edge_agent.api.described import jpeg, problems
from edge_agent.api.gate import guarded_router, refuse_other_than
from edge_agent.api.problems import Problem
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import MAX_ID, Order, OrderKey
from edge_agent.domain.record import StoredCheck
from edge_agent.errors import BadInput, BadOrder, Overloaded, Unknown
from edge_agent.formats.orders import MAX_ORDER_BYTES, order_from_json, parse_json
from edge_agent.ports import EventHistory, PhotoChecker, Pictures

MAX_PAGE = 200
MAX_PHOTOGRAPHS = 8
AT_A_TIME = 2
"""So many photograph checks are read at a time: their pictures lie in memory."""

MAX_ROW = 2**63 - 1
"""SQLite's largest number of a row."""

CheckId = Annotated[int, Path(ge=1, le=MAX_ROW)]
Before = Annotated[
    int | None, Query(ge=1, le=MAX_ROW, description="Continue a list: only what came before this check.")
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Part = Annotated[str | None, Query(min_length=1, max_length=MAX_ID, description="With the others: of one order only.")]

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["order", "photo"],
                    "properties": {
                        "order": {"type": "string", "description": "The order as JSON, with its order_id."},
                        "photo": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MAX_PHOTOGRAPHS,
                            "items": {"type": "string", "contentMediaType": "image/jpeg"},
                            "description": "Photographs of one tray, JPEG or PNG.",
                        },
                    },
                }
            }
        },
    }
}


_KNOWN: dict[str, Any] = {"description": "The picture is the one that is known already."}


def check_routes(history: EventHistory, pictures: Pictures, photo_checker: PhotoChecker) -> APIRouter:
    """All routes under `checks`, and `check`."""
    router = guarded_router("checks")
    _add_reading(router, history)
    _add_picture(router, history, pictures)
    _add_photographs(router, photo_checker)
    return router


def _add_reading(router: APIRouter, history: EventHistory) -> None:
    @router.get(f"{V1}/checks", responses=problems(422, 503))
    def list_checks(  # noqa: PLR0913  a list has as many filters as it needs
        *,
        limit: Limit = 50,
        before: Before = None,
        verdict: VerdictKind | None = None,
        final: Annotated[bool, Query(description="Only the last check of each tray.")] = False,
        run_id: Annotated[int | None, Query(ge=1, le=MAX_ROW)] = None,
        source: Part = None,
        business_day: Part = None,
        order_id: Part = None,
    ) -> ChecksOut:
        """List checks, newest first."""
        key = _key_of(source, business_day, order_id)
        found = history.checks(limit=limit, before=before, run_id=run_id, order=key, verdict=verdict, final=final)
        more = found[-1].check_id if len(found) == limit else None
        return ChecksOut.of(found, next_before=more)

    @router.get(f"{V1}/checks/{{check_id}}", responses=problems(404, 422, 503))
    def read_check(check_id: CheckId) -> CheckOut:
        """Read one check."""
        return CheckOut.of(_check(history, check_id))


def _add_picture(router: APIRouter, history: EventHistory, pictures: Pictures) -> None:
    @router.get(
        f"{V1}/checks/{{check_id}}/image.jpg",
        response_class=Response,
        responses={**jpeg("The slot as it was seen; the rest is masked."), 304: _KNOWN, **problems(404, 422, 503)},
    )
    def read_image(
        check_id: CheckId,
        n: Annotated[int | None, Query(ge=0, le=1_000, description="Which picture; the newest if left out.")] = None,
        if_none_match: Annotated[str | None, Header(max_length=200, description="The ETag of one known.")] = None,
    ) -> Response:
        """Read a picture of a check. Pictures expire: then this is 404, and the check stays."""
        names = _check(history, check_id).pictures
        wanted = len(names) - 1 if n is None else n
        found = pictures.read(names[wanted]) if 0 <= wanted < len(names) else None
        if found is None:
            raise Unknown(f"check {check_id} has no such picture, or not any more")
        tag = f'"{hashlib.sha256(found).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
        if if_none_match == tag:
            return Response(status_code=304, headers=headers)
        return Response(found, media_type="image/jpeg", headers=headers)


def _add_photographs(router: APIRouter, photo_checker: PhotoChecker) -> None:
    under_way = 0

    @router.post(f"{V1}/check", openapi_extra=_FORM, responses=problems(503, body=True))
    async def check_photographs(request: Request) -> PhotoCheckOut:
        """Hold an order against photographs of its tray. Nothing is stored, and no station knows of it."""
        nonlocal under_way
        refuse_other_than("multipart/form-data", request)
        if under_way >= AT_A_TIME:
            raise Overloaded("photographs are being checked already; try again in a moment")
        under_way += 1
        try:
            parts = {"max_files": MAX_PHOTOGRAPHS, "max_fields": MAX_PHOTOGRAPHS, "max_part_size": MAX_ORDER_BYTES}
            async with request.form(**parts) as form:
                order, photographs = await _read(form)
            checked = await run_in_threadpool(photo_checker.check, order, photographs)
        finally:
            under_way -= 1
        return PhotoCheckOut(verdict=VerdictOut.of(checked.verdict), contents=ContentsOut.of(checked.contents))


async def _read(form: FormData) -> tuple[Order, list[bytes]]:
    strange = sorted(set(form) - {"order", "photo"})
    if strange:
        raise BadInput(f"the part '{strange[0][:MAX_ID]}' is not known; 'order' and 'photo' are")
    orders, photos = form.getlist("order"), form.getlist("photo")
    if len(orders) != 1 or not photos or not all(isinstance(photo, UploadFile) for photo in photos):
        raise BadInput("send one part 'order', the order as JSON, and files as parts 'photo'")
    text = orders[0] if isinstance(orders[0], str) else await _text_of(orders[0])
    order = order_from_json(parse_json(text, path=FilePath("order"), line=None, error=BadOrder))
    return order, [await photo.read() for photo in photos if isinstance(photo, UploadFile)]


async def _text_of(file: UploadFile) -> str:
    raw = await file.read(MAX_ORDER_BYTES + 1)
    if len(raw) > MAX_ORDER_BYTES:
        raise BadInput("the part 'order' is larger than an order can be")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("bad-request", "the part 'order' is not UTF-8") from error


def _check(history: EventHistory, check_id: int) -> StoredCheck:
    found = history.checks(limit=1, before=check_id + 1) if check_id < MAX_ROW else ()
    if not found or found[0].check_id != check_id:
        raise Unknown(f"there is no check {check_id}")
    return found[0]


def _key_of(source: str | None, business_day: str | None, order_id: str | None) -> OrderKey | None:
    if source is None and business_day is None and order_id is None:
        return None
    if source is None or business_day is None or order_id is None:
        raise BadInput("to list the checks of one order give source, business_day and order_id, all three")
    return OrderKey(source, business_day, order_id)
