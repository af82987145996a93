"""A calendar: draft, published version, and what other services serve of it.

Rules: `semantics.md` ("Calendars", "Availability"). Limits are checked where they are typed in, in the routes.
"""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from turnus_contracts import (
    CalendarApplied,
    CalendarMember,
    CalendarPublished,
    ChangeRecorded,
    Location,
    Window,
)
from turnus_runtime.records import Decision, Owed, Record, event, key, state

APPLIED_BY = ("availability", "assignment")
"""The services that must serve a version before it counts as published."""
TERMS_KEPT = 50
"""Published versions whose duration is remembered, for guests who saw an older one."""

Kind = Literal["personal", "round_robin"]


class Draft(BaseModel):
    """The settings of a calendar, as staff type them in. Minutes are whole; defaults are those of `semantics.md`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    slug: str
    name: str
    description: str = ""
    tz: str
    duration_minutes: int = 30
    interval_minutes: int = 30
    anchor: Literal["opening", "clock"] = "opening"
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    notice_minutes: int = 0
    window: Window | None = None
    location: Location | None = None
    optimize: Literal["availability", "equal", "totals"] = "availability"
    reschedule_policy: Literal["same_host", "reassign"] = "same_host"
    guest_chooses_host: bool = False
    members: tuple[CalendarMember, ...] = ()
    cancel_cutoff_minutes: int = 0
    reschedule_cutoff_minutes: int = 0


class Calendar(Record):
    """One calendar. `version` rises with every change; `published` is the version that guests see."""

    collection: ClassVar[str] = "calendars"
    indexes: ClassVar[tuple[str, ...]] = ("by_workspace",)
    wakes: ClassVar[bool] = True

    workspace_id: str
    workspace_slug: str
    version: int
    status: Literal["draft", "active", "retired"]
    draft: Draft
    published: Draft | None = None
    published_version: int = 0
    applied: dict[str, int] = {}
    terms: dict[str, int] = {}
    """duration in minutes of every published version (the last `TERMS_KEPT`)"""
    request_digest: str | None = None
    created_at: datetime
    changed_at: datetime

    def keys(self) -> dict[str, str | int | None]:
        """By workspace, in the order of creation."""
        return {"by_workspace": key(self.workspace_id, self.id)}

    @property
    def address(self) -> str:
        """`{workspace}/{slug}` as published, or as drafted before that."""
        return f"{self.workspace_slug}/{(self.published or self.draft).slug}"

    @property
    def addresses(self) -> set[str]:
        """The address that is published and the one that is drafted: both are held."""
        terms = [one for one in (self.draft, self.published) if one is not None]
        return {f"{self.workspace_slug}/{one.slug}" for one in terms}

    def serves(self, member_id: str) -> bool:
        """Whether this member serves here: in what guests see, or in the draft of what they will see."""
        terms = [one for one in (self.draft, self.published) if one is not None]
        return any(member_id == one.member_id for drafted in terms for one in drafted.members)

    @property
    def is_open(self) -> bool:
        """Guests can book in it: it is published and not retired."""
        return self.status == "active" and self.published is not None

    @property
    def is_applied(self) -> bool:
        """Every service that must serves the published version."""
        return all(self.applied.get(service, 0) >= self.published_version for service in APPLIED_BY)


def published_state(calendar: Calendar) -> CalendarPublished | None:
    """The full state that the world knows; None before the first publish."""
    terms = calendar.published
    if terms is None:
        return None
    return CalendarPublished(
        workspace_id=calendar.workspace_id,
        calendar_id=calendar.id,
        version=calendar.published_version,
        status="retired" if calendar.status == "retired" else "active",
        calendar_kind=terms.kind,
        address=calendar.address,
        **terms.model_dump(exclude={"kind", "slug", "cancel_cutoff_minutes", "reschedule_cutoff_minutes"}),
    )


def states_now(calendar: Calendar, now: datetime) -> tuple[CalendarPublished, ...]:
    """What a calendar says of itself now."""
    known = published_state(calendar)
    return (known,) if known is not None else ()


class Actor(BaseModel):
    """Who changes something, and when."""

    model_config = ConfigDict(frozen=True)
    id: str
    now: datetime


def _recorded(calendar: Calendar, actor: Actor, action: str, fields: tuple[str, ...] = ()) -> Owed:
    return event(
        ChangeRecorded(
            workspace_id=calendar.workspace_id,
            change_id=f"{calendar.id}.{calendar.version}",
            service="booking",
            at=actor.now,
            actor_id=actor.id,
            action=action,
            thing="calendar",
            thing_id=calendar.id,
            fields=fields,
        )
    )


class Changed(BaseModel):
    """What became of a change: the calendar as it is now, and a problem code if it was refused."""

    model_config = ConfigDict(frozen=True)
    calendar: Calendar
    code: str | None = None
    replayed: bool = False


def create(current: Calendar | None, new: Calendar, actor: Actor) -> Decision[Calendar, Changed]:
    """A new draft. The same key and body again is the same calendar."""
    if current is not None:
        code = None if current.request_digest == new.request_digest else "idempotency_key_reused"
        return Decision(Changed(calendar=current, code=code, replayed=True))
    return Decision(Changed(calendar=new), new, owes=[_recorded(new, actor, "created")])


def edit(
    current: Calendar | None, values: dict[str, Any], expected: int | None, actor: Actor
) -> Decision[Calendar, Changed | None]:
    """Change the draft; what guests see changes at the next publish only."""
    if current is None:
        return Decision(None)
    if (refusal := _refusal(current, expected)) is not None:
        return Decision(refusal)
    draft = current.draft.model_copy(update=values)
    if draft == current.draft:
        return Decision(Changed(calendar=current))
    changed = current.change(draft=draft, version=current.version + 1, changed_at=actor.now)
    return Decision(Changed(calendar=changed), changed, owes=[_recorded(changed, actor, "changed", tuple(values))])


def publish(current: Calendar | None, expected: int | None, actor: Actor) -> Decision[Calendar, Changed | None]:
    """Make the draft what guests see. Publishing an unchanged draft again says it again."""
    if current is None:
        return Decision(None)
    if (refusal := _refusal(current, expected)) is not None:
        return Decision(refusal)
    if not current.draft.members:
        return Decision(Changed(calendar=current, code="calendar_without_members"))
    if current.status == "active" and current.draft == current.published:
        said = published_state(current)
        return Decision(Changed(calendar=current), says=[said] if said is not None else [])
    changed = _published(current, current.draft, "active", actor.now)
    return Decision(
        Changed(calendar=changed), changed, owes=[state(CalendarPublished), _recorded(changed, actor, "published")]
    )


def retire(current: Calendar | None, expected: int | None, actor: Actor) -> Decision[Calendar, Changed | None]:
    """Take no new requests; open ones, moves and cancels go on. A draft that nobody saw is only closed."""
    if current is None:
        return Decision(None)
    if current.status == "retired":
        return Decision(Changed(calendar=current))
    if (refusal := _refusal(current, expected)) is not None:
        return Decision(refusal)
    changed = _published(current, current.published, "retired", actor.now)
    said = [state(CalendarPublished)] if changed.published is not None else []
    return Decision(Changed(calendar=changed), changed, owes=[*said, _recorded(changed, actor, "retired")])


def apply(current: Calendar | None, reply: CalendarApplied) -> Decision[Calendar, None]:
    """A service serves this version."""
    if current is None or current.applied.get(reply.service, 0) >= reply.version:
        return Decision(None)
    return Decision(None, current.change(applied={**current.applied, reply.service: reply.version}))


def drop_member(current: Calendar | None, member_id: str, now: datetime) -> Decision[Calendar, None]:
    """A member was removed: publish the calendar without them; one that nobody serves in any more is retired."""
    if current is None:
        return Decision(None)
    actor = Actor(id="turnus", now=now)
    draft = _without(current.draft, member_id)
    published = _without(current.published, member_id) if current.published is not None else None
    if draft == current.draft and published == current.published:
        return Decision(None)
    base = current.change(draft=draft)
    if published is None or published == current.published or current.status == "retired":
        changed = base.change(published=published, version=current.version + 1, changed_at=now)
        return Decision(None, changed, owes=[_recorded(changed, actor, "changed", ("members",))])
    changed = _published(base, published, "active" if published.members else "retired", now)
    return Decision(None, changed, owes=[state(CalendarPublished), _recorded(changed, actor, "changed", ("members",))])


def _refusal(current: Calendar, expected: int | None) -> Changed | None:
    if expected is not None and expected != current.version:
        return Changed(calendar=current, code="stale_version")
    if current.status == "retired":
        return Changed(calendar=current, code="calendar_retired")
    return None


def _without(draft: Draft, member_id: str) -> Draft:
    left = tuple(member for member in draft.members if member.member_id != member_id)
    return draft.model_copy(update={"members": left})


def _published(current: Calendar, terms: Draft | None, status: Literal["active", "retired"], now: datetime) -> Calendar:
    version = current.version + 1
    kept = dict(list(current.terms.items())[-TERMS_KEPT + 1 :])
    if terms is not None:
        kept[str(version)] = terms.duration_minutes
    return current.change(
        version=version, status=status, published=terms, published_version=version, terms=kept, changed_at=now
    )
