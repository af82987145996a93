"""A calendar: draft, published version, and what other services serve of it.

Rules: `semantics.md` ("Calendars", "Availability"). Limits are checked where they are typed in, in the routes.
"""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from services.booking.domain.doing import Actor, Publishing, Touch, touched
from services.booking.domain.drafts import Draft, differing, without
from turnus_contracts import CalendarApplied, CalendarPublished, ChangeRecorded
from turnus_runtime.records import Decision, Owed, Record, event, key, state, timer

APPLIED_BY = ("availability", "assignment")
"""The services that must serve a version before it counts as published."""
TERMS_KEPT = 50
"""Published versions whose duration is remembered, for guests who saw an older one."""

KEEP_VERSION = "keep_version"
"""The timer that files a version which is not the published one any more."""


class Calendar(Record):
    """One calendar. `version` rises with every change; `published` is the version that guests see.

    What was published before lies in records of its own (`versions.py`): the write that publishes owes them.
    """

    collection: ClassVar[str] = "calendars"
    format: ClassVar[int] = 3
    """Format 1 did not note who had changed or published what; 3: limits and Look Busy."""
    indexes: ClassVar[tuple[str, ...]] = ("by_workspace",)
    wakes: ClassVar[bool] = True

    workspace_id: str
    workspace_slug: str
    version: int
    status: Literal["draft", "active", "retired"]
    draft: Draft
    published: Draft | None = None
    published_version: int = 0
    publishing: Publishing | None = None
    touches: tuple[Touch, ...] = ()
    """of the settings in which the draft differs from what is published"""
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
    def edition(self) -> dict[str, Any]:
        """What is kept of the published version, as `CalendarVersion` stores it."""
        return {
            "workspace_id": self.workspace_id,
            "calendar_id": self.id,
            "version": self.published_version,
            "status": self.status,
            "settings": self.published.model_dump(mode="json") if self.published is not None else None,
            "publishing": self.publishing.model_dump(mode="json") if self.publishing is not None else None,
        }

    @property
    def unpublished(self) -> tuple[Touch, ...]:
        """The settings in which the draft differs from what is published."""
        return _touches(self, self.published, self.draft)

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
    fields = differing(current.draft, draft)
    if not fields:
        return Decision(Changed(calendar=current))
    touches = _touches(current, current.published, draft, actor)
    changed = current.change(draft=draft, touches=touches, version=current.version + 1, changed_at=actor.now)
    return Decision(Changed(calendar=changed), changed, owes=[_recorded(changed, actor, "changed", fields)])


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
    changed = _published(current, current.draft, "active", actor, current.unpublished).change(touches=())
    said = [state(CalendarPublished), _recorded(changed, actor, "published")]
    return Decision(Changed(calendar=changed), changed, owes=[*said, *superseded(current, actor.now)])


def retire(current: Calendar | None, expected: int | None, actor: Actor) -> Decision[Calendar, Changed | None]:
    """Take no new requests; open ones, moves and cancels go on. A draft that nobody saw is only closed."""
    if current is None:
        return Decision(None)
    if current.status == "retired":
        return Decision(Changed(calendar=current))
    if (refusal := _refusal(current, expected)) is not None:
        return Decision(refusal)
    changed = _published(current, current.published, "retired", actor)
    said = [state(CalendarPublished)] if changed.published is not None else []
    owes = [*said, _recorded(changed, actor, "retired"), *superseded(current, actor.now)]
    return Decision(Changed(calendar=changed), changed, owes=owes)


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
    draft = without(current.draft, member_id)
    published = without(current.published, member_id) if current.published is not None else None
    if draft == current.draft and published == current.published:
        return Decision(None)
    base = current.change(draft=draft, touches=_touches(current, published, draft, actor))
    if published is None or published == current.published or current.status == "retired":
        publishing = current.publishing
        if publishing is not None and published != current.published:
            # A closed calendar is published no more: whoever leaves it leaves its last version.
            publishing = publishing.model_copy(update={"changes": (touched("members", actor),)})
        values = {"published": published, "publishing": publishing, "changed_at": now}
        changed = base.change(version=current.version + 1, **values)
        return Decision(None, changed, owes=[_recorded(changed, actor, "changed", ("members",))])
    changes = (touched("members", actor),)
    changed = _published(base, published, "active" if published.members else "retired", actor, changes)
    said = [state(CalendarPublished), _recorded(changed, actor, "changed", ("members",))]
    return Decision(None, changed, owes=[*said, *superseded(current, now)])


def superseded(current: Calendar, now: datetime) -> list[Owed]:
    """What a write owes that publishes another version: that the one of before is filed."""
    if current.published is None:
        return []
    return [timer(KEEP_VERSION, now, id=f"{KEEP_VERSION}:{current.published_version}", data=current.edition)]


def kept(current: Calendar | None, owed_id: str) -> Decision[Calendar, None]:
    """A version of before is filed: it is not owed any more."""
    if current is None or current.owes(owed_id) is None:
        return Decision(None)
    return Decision(None, current, drops=[owed_id])


def _refusal(current: Calendar, expected: int | None) -> Changed | None:
    if expected is not None and expected != current.version:
        return Changed(calendar=current, code="stale_version")
    if current.status == "retired":
        return Changed(calendar=current, code="calendar_retired")
    return None


def _touches(current: Calendar, published: Draft | None, draft: Draft, actor: Actor | None = None) -> tuple[Touch, ...]:
    """Who last changed each setting in which `draft` differs from what is published, if `actor` makes it the draft."""
    if published is None:
        return ()
    known = {one.field: one for one in current.touches}
    if actor is not None:
        known |= {name: touched(name, actor) for name in differing(current.draft, draft)}
    return tuple(known.get(name) or Touch(field=name) for name in differing(published, draft))


def _published(
    current: Calendar,
    terms: Draft | None,
    status: Literal["active", "retired"],
    actor: Actor,
    changes: tuple[Touch, ...] = (),
) -> Calendar:
    version = current.version + 1
    durations = dict(list(current.terms.items())[-TERMS_KEPT + 1 :])
    publishing: Publishing | None = None
    if terms is not None:
        durations[str(version)] = terms.duration_minutes
        previous = current.published_version if current.published is not None else None
        publishing = Publishing(
            at=actor.now, actor_id=actor.id, key_id=actor.key_id, previous=previous, changes=changes
        )
    return current.change(
        version=version,
        status=status,
        published=terms,
        published_version=version,
        publishing=publishing,
        terms=durations,
        changed_at=actor.now,
    )
