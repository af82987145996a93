"""A small service for the tests of the conventions: notes of a workspace, and a board that guests write on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse
from pydantic import Field
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from turnus_runtime.http import (
    IDEMPOTENCY_KEY_REUSED,
    Again,
    Answer,
    Bearer,
    Body,
    Day,
    EmailAddress,
    Id,
    IfMatch,
    Instant,
    Key,
    Locale,
    Name,
    Note,
    On,
    Page,
    Paged,
    Principal,
    Request,
    Wait,
    ZoneName,
    answer,
    declare,
    documented,
    found,
    guest,
    principal_of,
    staff,
    staff_or_guest,
    unless_stale,
)
from turnus_runtime.ids import derived
from turnus_runtime.ports import BrokerUnavailable, StoreUnavailable
from turnus_runtime.records import Decision, Record
from turnus_runtime.records import key as key_of
from turnus_runtime.service import Service

NOTE_LOCKED = declare(
    "note_locked", 409, "The note is locked", en="Unlock it first.", de="Entsperren Sie die Notiz zuerst."
)


class NoteRecord(Record):
    collection: ClassVar[str] = "notes"
    indexes: ClassVar[tuple[str, ...]] = ("by_workspace",)

    workspace_id: str
    title: str
    text: str
    version: int
    digest: str
    locked: bool = False

    def keys(self) -> Mapping[str, str | int | None]:
        return {"by_workspace": key_of(self.workspace_id, self.id)}


class Author(Request):
    name: Name
    email: EmailAddress


class Rolling(Request):
    kind: Literal["rolling"]
    count: int = Field(ge=1, le=365)


class Until(Request):
    kind: Literal["until"]
    date: Day


class NewNote(Request):
    title: Name
    text: Note = ""
    remind_at: Instant | None = None
    day: Day | None = None
    tz: ZoneName = "UTC"
    locale: Locale = "de"
    weight: int = Field(default=1, ge=1, le=100)
    share: float = 1.0
    urgent: bool = False
    author: Author | None = None
    window: Annotated[Rolling | Until, Field(discriminator="kind")] | None = None
    lines: list[Author] = Field(default=[], max_length=3)
    member_id: Annotated[str, Id("mem")] | None = None
    answers: dict[str, Any] = {}


class NewTitle(Request):
    title: Name


class Reason(Request):
    reason: Note | None = None


class NoteView(Answer):
    id: str
    title: str
    text: str
    version: int


class Echo(Answer):
    start: Instant
    tz: ZoneName
    waited: float | None = None
    reason: str | None = None


class Who(Answer):
    member_id: str | None


Viewer = Annotated[Principal, staff("bookings:view")]
Manager = Annotated[Principal, staff("bookings:manage")]
router = APIRouter(prefix="/notes")
board = APIRouter(prefix="/board")


def view(note: NoteRecord) -> NoteView:
    return NoteView(id=note.id, title=note.title, text=note.text, version=note.version)


def write(body: NewNote, who: str, digest: str, id: str, known: NoteRecord | None) -> Decision[NoteRecord, Any]:
    if known is not None:
        return Decision((known, True))
    note = NoteRecord(id=id, workspace_id=who, title=body.title, text=body.text, version=1, digest=digest)
    return Decision((note, False), note)


def rename(title: str, expected: int | None, note: NoteRecord | None) -> Decision[NoteRecord, NoteRecord]:
    assert note is not None
    unless_stale(expected, note.version)
    if note.locked:
        raise NOTE_LOCKED(locked_until=None)
    changed = note.change(title=title, version=note.version + 1)
    return Decision(changed, changed)


@router.post("", status_code=201, response_model=NoteView, responses=documented(IDEMPOTENCY_KEY_REUSED))
async def create_note(who: Manager, body: Body[NewNote], key: Key, on: On) -> Response:
    note_id = derived("nte", who.workspace_id, key.key) if key.key else on.ids.fresh("nte")
    decision = partial(write, body, who.workspace_id, key.digest, note_id)
    note, replayed = await on.records(NoteRecord).decide(note_id, decision)
    key.check(note.digest)
    return answer(view(note), 201, version=note.version, location=f"/notes/{note_id}", replayed=replayed)


@router.get("")
async def list_notes(who: Viewer, paging: Paged, on: On, title: str | None = None) -> Page[NoteView]:
    keep = None if title is None else (lambda note: note.title == title)
    return await paging.page(on.records(NoteRecord), "by_workspace", who.workspace_id, view, keep=keep)


@router.get("/{note_id}", response_model=NoteView)
async def get_note(note_id: str, who: Viewer, on: On) -> Response:
    note = found(await on.records(NoteRecord).get(note_id), who)
    return answer(view(note), version=note.version)


@router.patch("/{note_id}", response_model=NoteView, responses=documented(NOTE_LOCKED))
async def rename_note(note_id: str, who: Manager, body: Body[NewTitle], expected: IfMatch, on: On) -> Response:
    found(await on.records(NoteRecord).get(note_id), who)
    note = await on.records(NoteRecord).decide(note_id, partial(rename, body.title, expected))
    return answer(view(note), version=note.version)


@router.get("/{note_id}/text", response_class=PlainTextResponse)
async def text_of_note(note_id: str, who: Viewer, on: On) -> str:
    return found(await on.records(NoteRecord).get(note_id), who).text


@router.post("/{note_id}/lock", status_code=204)
async def lock_note(note_id: str, who: Manager) -> None:
    """Takes no body."""


@board.get("", dependencies=[guest()])
async def read_board(
    start: Instant, tz: ZoneName = "UTC", depth: int = 1, deep: bool = False, member: list[str] | None = None
) -> Echo:
    return Echo(start=start, tz=tz)


READ: list[str] = []
"""The depths that were read from query strings."""


async def dug(depth: int, request: HttpRequest, on: On) -> Response:
    if depth == 13:
        raise NOTE_LOCKED(locked_until=None)
    if on.now > BROKEN_SINCE:
        raise StoreUnavailable("away")
    return answer(Echo(start=on.now, tz="UTC", waited=depth), etag=f"depth-{depth}")


BROKEN_SINCE = datetime(2031, 1, 1, tzinfo=UTC)
HOLES = Again(dug)


@board.get("/holes", dependencies=[guest(), Depends(HOLES)], response_model=Echo)
async def dig(request: HttpRequest, on: On, wait: Wait, depth: int, name: str = "") -> Response:
    READ.append(f"{depth} {name}")
    return await HOLES.first(depth, request, on)


@board.post("", dependencies=[guest("sign_ins")], response_model=Echo, status_code=202)
async def write_on_board(body: Body[Reason], key: Key, wait: Wait) -> Response:
    start = datetime(2027, 1, 4, 8, tzinfo=UTC)
    return answer(Echo(start=start, tz="UTC", waited=wait, reason=body.reason), 202, location="/board/1")


@board.get("/who")
async def who_is_it(who: Annotated[Principal | None, staff_or_guest("bookings:view")]) -> Who:
    return Who(member_id=who.member_id if who else None)


@board.get("/own")
async def own_token(token: Bearer, request: HttpRequest) -> Who:
    if token == "bkt_good":
        return Who(member_id=None)
    return Who(member_id=(await principal_of(request, token, "bookings:view")).member_id)


@board.get("/broken/{how}", dependencies=[guest()])
async def broken(how: str) -> Who:
    raise {"store": StoreUnavailable("secret host"), "broker": BrokerUnavailable("secret host")}.get(
        how, RuntimeError("secret@example.org")
    )


routes = APIRouter()
routes.include_router(router)
routes.include_router(board)

SERVICE = Service(name="noting", summary="Notes", records=(NoteRecord,), resources=("notes", "board"), routes=routes)
