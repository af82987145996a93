"""`/blocks`: stretches in which a member, or a calendar, cannot be booked."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from services.availability.domain.rules import Block, Blocks, changed_rule
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.zones import epoch_minute, instant_of, next_epoch_minute
from services.availability.handlers.learning import apply_blocks
from services.availability.routes.schedules import MEMBER_UNKNOWN, MemberId, known_member, may_plan, sees_plan
from services.availability.routes.slots import CALENDAR_UNKNOWN
from turnus_runtime.http import (
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    Answer,
    Body,
    Id,
    Instant,
    Key,
    On,
    Page,
    Paged,
    Principal,
    Request,
    Text,
    Wait,
    answer,
    documented,
    found,
    invalid,
    staff,
)
from turnus_runtime.ids import derived
from turnus_runtime.records import Decision
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/blocks")
Asking = Annotated[Principal, staff()]
CalendarId = Annotated[str, Id("cal")]
MOST_AT_ONCE = 1000


class BlockIn(Request):
    """One stretch, half-open; outward to whole minutes."""

    start: Instant
    end: Instant
    reason: Annotated[str, Text(200)] | None = None


class NewBlocks(Request):
    """Blocks of one member or of one calendar, all or none."""

    member_id: MemberId | None = None
    calendar_id: CalendarId | None = None
    items: Annotated[list[BlockIn], Field(min_length=1, max_length=MOST_AT_ONCE)]


class BlockView(Answer):
    """One blocked stretch."""

    id: str
    member_id: str | None
    calendar_id: str | None
    start: Instant
    end: Instant
    reason: str | None


class MadeBlocks(Answer):
    """What one request made."""

    items: list[BlockView]


@router.post(
    "",
    status_code=201,
    response_model=MadeBlocks,
    responses=documented(IDEMPOTENCY_KEY_REUSED, MEMBER_UNKNOWN, CALENDAR_UNKNOWN, FORBIDDEN),
)
async def create_blocks(who: Asking, body: Body[NewBlocks], key: Key, wait: Wait, on: On) -> Response:
    """Block up to 1,000 stretches at once, all or none. Bookings that stand are not changed."""
    owner_id = await _owner(who, body, wait, on)
    items: list[Block] = []
    for i, item in enumerate(body.items):
        if item.end <= item.start:
            raise invalid(f"items.{i}.end", "must be after start")
        items.append(Block(start=epoch_minute(item.start), end=next_epoch_minute(item.end), reason=item.reason))
    new = Blocks(
        id=derived("blk", who.workspace_id, key.key) if key.key else on.ids.fresh("blk"),
        workspace_id=who.workspace_id,
        owner_id=owner_id,
        version=1,
        items=tuple(items),
        request_digest=key.digest if key.key else None,
        created_at=on.now,
    )

    def create(current: Blocks | None) -> Decision[Blocks, tuple[Blocks, bool]]:
        if current is not None:
            return Decision((current, True))
        return Decision((new, False), new, owes=changed_rule(new, "created", who.member_id, on.now))

    made, replayed = await on.records(Blocks).decide(new.id, create)
    key.check(made.request_digest)
    await apply_blocks(made.id, on)
    return answer(MadeBlocks(items=_views(made)), 201, replayed=replayed)


@router.get("", response_model=Page[BlockView], responses=documented(FORBIDDEN))
async def list_blocks(
    who: Asking,
    on: On,
    paging: Paged,
    member_id: Annotated[MemberId | None, Query()] = None,
    calendar_id: Annotated[CalendarId | None, Query()] = None,
) -> Page[BlockView]:
    """The blocks of one member or calendar, by the request that made them. Those of a calendar need `calendars:view`.

    Who is restricted to what is assigned to them has their own, and those of calendars in which they serve.
    """
    if (member_id is None) == (calendar_id is None):
        raise invalid("member_id", "give either member_id or calendar_id")
    if calendar_id is not None and "calendars:view" not in who.scopes:
        raise FORBIDDEN("This needs the permission calendars:view.")
    owner_id = member_id or calendar_id or ""
    if not await _sees_blocks(who, owner_id, on):
        return Page(items=[])
    page = await paging.page(
        on.records(Blocks),
        "by_owner",
        owner_id,
        _views,
        keep=lambda b: b.workspace_id == who.workspace_id,
    )
    return Page(items=[view for views in page.items for view in views], next=page.next)


@router.delete("/{block_id}", status_code=204, responses=documented(FORBIDDEN))
async def delete_block(block_id: str, who: Asking, on: On) -> Response:
    """Take one block away. Doing it again is fine."""
    blocks_id, _, number = block_id.partition(".")
    known = found(await on.records(Blocks).get(blocks_id), who)
    if not number.isdecimal() or len(number) > 4 or int(number) >= len(known.items):
        raise NOT_FOUND
    if not await _sees_blocks(who, known.owner_id, on):
        raise NOT_FOUND
    if known.owner_id.startswith("mem_"):
        may_plan(who, known.owner_id)
    elif "calendars:manage" not in who.scopes:
        raise FORBIDDEN("This needs the permission calendars:manage.")
    at = int(number)

    def remove(current: Blocks | None) -> Decision[Blocks, None]:
        current = found(current, who)
        if current.items[at].removed:
            return Decision(None)
        items = [*current.items]
        items[at] = items[at].model_copy(update={"removed": True})
        changed = current.change(items=tuple(items), version=current.version + 1)
        return Decision(None, changed, owes=changed_rule(changed, "removed", who.member_id, on.now))

    await on.records(Blocks).decide(blocks_id, remove)
    await apply_blocks(blocks_id, on)
    return Response(status_code=204)


async def _owner(who: Principal, body: NewBlocks, wait: float, on: Turn) -> str:
    if body.member_id is not None and body.calendar_id is None:
        may_plan(who, body.member_id)
        await known_member(who, body.member_id, wait, on)
        return body.member_id
    if body.calendar_id is not None and body.member_id is None:
        if "calendars:manage" not in who.scopes:
            raise FORBIDDEN("This needs the permission calendars:manage.")
        calendar = await on.records(ServedCalendar).wait(body.calendar_id, lambda c: c is not None, wait)
        if calendar is None or calendar.workspace_id != who.workspace_id or not _serves(who, calendar):
            raise CALENDAR_UNKNOWN.at("calendar_id", "is not known here")
        return body.calendar_id
    raise invalid("member_id", "give either member_id or calendar_id")


async def _sees_blocks(who: Principal, owner_id: str, on: Turn) -> bool:
    """Whether the blocks of this member or calendar are there for whoever asks."""
    if not who.assigned_only or owner_id.startswith("mem_"):
        return sees_plan(who, owner_id)
    calendar = await on.records(ServedCalendar).get(owner_id)
    return calendar is not None and _serves(who, calendar)


def _serves(who: Principal, calendar: ServedCalendar) -> bool:
    return not who.assigned_only or who.member_id in calendar.member_ids


def _views(blocks: Blocks) -> list[BlockView]:
    of_member = blocks.owner_id.startswith("mem_")
    return [
        BlockView(
            id=f"{blocks.id}.{i}",
            member_id=blocks.owner_id if of_member else None,
            calendar_id=None if of_member else blocks.owner_id,
            start=instant_of(block.start),
            end=instant_of(block.end),
            reason=block.reason,
        )
        for i, block in enumerate(blocks.items)
        if not block.removed
    ]
