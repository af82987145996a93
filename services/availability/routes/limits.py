"""`/limits`: how many bookings a member takes, across all calendars."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from services.availability.domain.rules import Member, MemberLimits, changed_rule
from services.availability.handlers.learning import apply_limits
from services.availability.routes.schedules import MemberId, may_plan, sees_plan
from turnus_contracts import Limits
from turnus_runtime.http import (
    FORBIDDEN,
    STALE_VERSION,
    Answer,
    Body,
    IfMatch,
    Instant,
    On,
    Principal,
    Request,
    Wait,
    answer,
    documented,
    found,
    staff,
    unless_stale,
)
from turnus_runtime.records import Decision
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/limits")
Asking = Annotated[Principal, staff()]
Most = Annotated[int, Field(ge=1, le=10_000, examples=[8])]


class LimitsIn(Request):
    """At most so many bookings that start in one day, one week (from Monday) or one month; null: as many as fit."""

    day: Most | None = None
    week: Most | None = None
    month: Most | None = None


class LimitsView(LimitsIn, Answer):
    """The limits of a member, in whatever calendar they are booked; days are those of `tz`, the member's zone."""

    member_id: str
    version: int
    tz: str
    changed_at: Instant | None = None


@router.get("/{member_id}", response_model=LimitsView)
async def get_limits(member_id: MemberId, who: Asking, on: On) -> Response:
    """The limits of one member; all null if nobody has set any."""
    member = await _member(member_id, who, on)
    return _answered(member, await on.records(MemberLimits).get(member_id))


@router.put("/{member_id}", response_model=LimitsView, responses=documented(STALE_VERSION, FORBIDDEN))
async def replace_limits(
    member_id: MemberId, who: Asking, body: Body[LimitsIn], expected: IfMatch, wait: Wait, on: On
) -> Response:
    """Write the limits anew. Bookings that stand are not changed. A member who was just added is waited for."""
    member = await _member(member_id, who, on, wait)
    may_plan(who, member_id)

    def write(current: MemberLimits | None) -> Decision[MemberLimits, MemberLimits]:
        version = current.version if current is not None else 0
        unless_stale(expected, version)
        changed = MemberLimits(
            id=member_id,
            workspace_id=who.workspace_id,
            version=version + 1,
            limits=Limits(day=body.day, week=body.week, month=body.month),
            tz=member.tz,
            changed_at=on.now,
        )
        return Decision(changed, changed, owes=changed_rule(changed, "changed", who.member_id, on.now))

    changed = await on.records(MemberLimits).decide(member_id, write)
    await apply_limits(member_id, on)
    return _answered(member, changed)


async def _member(member_id: str, who: Principal, on: Turn, wait: float = 0) -> Member:
    if not sees_plan(who, member_id):
        return found(None, who)
    member = found(await on.records(Member).wait(member_id, lambda one: one is not None, wait), who)
    return found(member if member.status == "active" else None, who)


def _answered(member: Member, known: MemberLimits | None) -> Response:
    limits = known.limits if known is not None else Limits()
    version = known.version if known is not None else 0
    view = LimitsView(
        member_id=member.id,
        version=version,
        tz=member.tz,
        day=limits.day,
        week=limits.week,
        month=limits.month,
        changed_at=known.changed_at if known is not None else None,
    )
    return answer(view, version=version)
