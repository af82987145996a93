"""`/audit-log`: who changed what, in every service."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.accounts.domain.auditing import AuditEntry
from services.accounts.routes.asking import Settler
from turnus_runtime.http import Answer, Instant, On, Page, Paged
from turnus_runtime.records import key

router = APIRouter(prefix="/audit-log")
SomeId = Annotated[
    str | None,
    Query(pattern=r"^[a-z0-9_.]{1,100}$", json_schema_extra={"examples": ["mem_01jh2r6b5v8w9x0y1z2a3b4c5d"]}),
]


class AuditEntryView(Answer):
    """One change: names of the changed fields, never their values. `actor_id` is a member, or `turnus`."""

    id: str
    service: str
    at: Instant
    actor_id: str
    action: str
    thing: str
    thing_id: str
    fields: list[str]


@router.get("")
async def list_audit_log(
    who: Settler, paging: Paged, on: On, thing_id: SomeId = None, actor_id: SomeId = None
) -> Page[AuditEntryView]:
    """The changes of your workspace, the newest first. A change of another service arrives a moment after it."""
    entries = on.records(AuditEntry)
    if thing_id is not None:

        def by_actor(entry: AuditEntry) -> bool:
            return actor_id in (None, entry.actor_id)

        place = key(who.workspace_id, thing_id)
        return await paging.page(entries, "by_thing", place, _view, keep=by_actor, reverse=True)
    if actor_id is not None:
        place = key(who.workspace_id, actor_id)
        return await paging.page(entries, "by_actor", place, _view, reverse=True)
    return await paging.page(entries, "by_workspace", who.workspace_id, _view, reverse=True)


def _view(entry: AuditEntry) -> AuditEntryView:
    values = entry.model_dump(include=set(AuditEntryView.model_fields) - {"fields"})
    return AuditEntryView(**values, fields=list(entry.fields))
