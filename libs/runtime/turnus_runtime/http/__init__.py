"""The HTTP side of a service: write routes, `app_of` gives them every convention of the API.

```python
router = APIRouter(prefix="/notes")                       # "notes" must be in Service.resources
NOTE_LOCKED = declare("note_locked", 409, "The note is locked", en="Unlock it first.", de="Entsperren Sie sie zuerst.")

class NewNote(Request):                                   # unknown fields are refused
    title: Name                                           # 1..200 characters, one line
    text: Note = ""
    remind_at: Instant | None = None                      # RFC 3339 with offset -> aware UTC

class NoteView(Answer):
    id: str
    title: str
    version: int

Manager = Annotated[Principal, staff("settings:manage")]

@router.post("", status_code=201, response_model=NoteView, responses=documented(IDEMPOTENCY_KEY_REUSED))
async def create_note(who: Manager, body: Body[NewNote], key: Key, on: On) -> Response:
    note_id = derived("nte", who.workspace_id, key.key) if key.key else on.ids.fresh("nte")
    note, replayed = await on.records(NoteRecord).decide(note_id, partial(domain.create, body, key.digest))
    key.check(note.digest)                                # 422 idempotency_key_reused
    return answer(view(note), 201, version=note.version, location=f"/notes/{note.id}", replayed=replayed)

@router.get("")
async def list_notes(who: Manager, paging: Paged, on: On) -> Page[NoteView]:
    return await paging.page(on.records(NoteRecord), "by_workspace", who.workspace_id, view)

@router.get("/{note_id}", response_model=NoteView)        # If-None-Match -> 304 by itself
async def get_note(note_id: str, who: Manager, on: On) -> Response:
    note = found(await on.records(NoteRecord).get(note_id), who)          # absent or foreign: 404
    return answer(view(note), version=note.version)

@router.post("/{note_id}/publish", response_model=NoteView, responses=documented(NOTE_LOCKED))
async def publish_note(note_id: str, who: Manager, expected: IfMatch, wait: Wait, on: On) -> Response:
    found(await on.records(NoteRecord).get(note_id), who)
    # publish() calls unless_stale(expected, note.version): 412, decided inside the compare-and-set
    note = await on.records(NoteRecord).decide(note_id, partial(publish, expected))
    note = await on.records(NoteRecord).wait(note_id, lambda n: n.published, wait)   # Prefer: wait=N
    return answer(view(note), 200 if note.published else 202, version=note.version, location=f"/notes/{note.id}")

@router.get("/public", response_model=NoteView, dependencies=[guest()])   # guests: CORS, limited by address
```

Rules: refusals are `raise NOTE_LOCKED`, `raise NOTE_LOCKED("What to do.", extra=…)`, `raise MEMBER_UNKNOWN.at(
"member_id", "is not known here")` or `raise invalid("end", "must be after start")`, never `HTTPException`. Put `who`
before `body`: then 401 comes before 422. Every query parameter must be declared; an undeclared or repeated one is 422.
Keys and revocations are learned by every service
that has resources, and each tells how it is under `/operations/<name>`; its table need not say so
(`turnus_runtime.http.equipment`).
"""

from turnus_runtime.credentials import Principal
from turnus_runtime.http.again import Again
from turnus_runtime.http.answers import answer, matches_none, not_modified
from turnus_runtime.http.app import PREFIX, App, app_of, pages_of
from turnus_runtime.http.edge import Edge
from turnus_runtime.http.gates import CREDENTIAL_REVOKED, FORBIDDEN, Bearer, found, principal_of, staff, staff_or_guest
from turnus_runtime.http.gateway import gateway, shared_pages
from turnus_runtime.http.limits import Counted, RateLimiter, Verdict, client_address, throttle, throttle_address
from turnus_runtime.http.params import (
    Body,
    Idempotency,
    IfMatch,
    Key,
    On,
    Page,
    Paged,
    Paging,
    Wait,
    cursor,
    guest,
    unless_stale,
    waits,
)
from turnus_runtime.http.problems import (
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    STALE_VERSION,
    UNAVAILABLE,
    VALIDATION_FAILED,
    Declared,
    FieldError,
    Problem,
    declare,
    documented,
    invalid,
)
from turnus_runtime.http.union import description_to_keep, union_openapi
from turnus_runtime.http.values import (
    Answer,
    Day,
    EmailAddress,
    Id,
    Instant,
    Locale,
    Name,
    Note,
    Request,
    Text,
    ZoneName,
)

__all__ = [
    "CREDENTIAL_REVOKED",
    "FORBIDDEN",
    "IDEMPOTENCY_KEY_REUSED",
    "NOT_FOUND",
    "PREFIX",
    "STALE_VERSION",
    "UNAVAILABLE",
    "VALIDATION_FAILED",
    "Again",
    "Answer",
    "App",
    "Bearer",
    "Body",
    "Counted",
    "Day",
    "Declared",
    "Edge",
    "EmailAddress",
    "FieldError",
    "Id",
    "Idempotency",
    "IfMatch",
    "Instant",
    "Key",
    "Locale",
    "Name",
    "Note",
    "On",
    "Page",
    "Paged",
    "Paging",
    "Principal",
    "Problem",
    "RateLimiter",
    "Request",
    "Text",
    "Verdict",
    "Wait",
    "ZoneName",
    "answer",
    "app_of",
    "client_address",
    "cursor",
    "declare",
    "description_to_keep",
    "documented",
    "found",
    "gateway",
    "guest",
    "invalid",
    "matches_none",
    "not_modified",
    "pages_of",
    "principal_of",
    "shared_pages",
    "staff",
    "staff_or_guest",
    "throttle",
    "throttle_address",
    "union_openapi",
    "unless_stale",
    "waits",
]
