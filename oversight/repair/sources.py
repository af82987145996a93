"""Owners after a disaster: what a service owns is known by others in newer versions than by itself.

Their copies would never believe its older ones, so its version rises above every copy, and it says itself again. What
the copies hold of the newer one is taken over from them; the rest is as it was in the backup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from services.accounts.domain.members import Member, Pause
from services.accounts.domain.signing import SigningPair
from services.accounts.domain.workspaces import Workspace
from services.assignment.domain.rotation import Rotation
from services.availability.domain import rules
from services.availability.domain.serving import ServedCalendar
from services.booking.domain.calendars import TERMS_KEPT, Calendar, superseded
from services.booking.domain.drafts import Draft
from services.notify.domain import projections
from turnus_contracts import CalendarPublished, Event, MemberChanged, SigningKeyChanged, WorkspaceChanged
from turnus_runtime.records import Decision, state

Owner = TypeVar("Owner", Member, Workspace, SigningPair)


@dataclass(frozen=True, slots=True)
class Copies:
    """What others keep of a calendar."""

    served: ServedCalendar | None = None
    rotation: Rotation | None = None
    told: projections.Calendar | None = None

    @property
    def version(self) -> int:
        """The newest version that anybody was told."""
        served = self.served.version if self.served is not None else 0
        rotation = self.rotation.calendar_version if self.rotation is not None else 0
        return max(served, rotation, self.told.version if self.told is not None else 0)


def calendar_follows(copies: Copies, now: datetime, calendar: Calendar | None) -> Decision[Calendar, Calendar | None]:
    """The calendar in a version above every copy, as far as the copies know it; the answer is it if it changed."""
    known = calendar.published_version if calendar is not None else 0
    if copies.version <= known or copies.served is None:
        return Decision(None)
    terms = _terms(copies.served, copies, calendar.published or calendar.draft if calendar is not None else None)
    version = max(copies.version, calendar.version if calendar is not None else 0) + 1
    kept = dict(list(calendar.terms.items())[-TERMS_KEPT + 1 :]) if calendar is not None else {}
    changed = Calendar(
        id=copies.served.id,
        workspace_id=copies.served.workspace_id,
        workspace_slug=copies.served.address.partition("/")[0],
        version=version,
        status="retired" if copies.served.status == "retired" else "active",
        draft=terms,
        published=terms,
        published_version=version,
        applied=calendar.applied if calendar is not None else {},
        terms={**kept, str(version): terms.duration_minutes},
        request_digest=calendar.request_digest if calendar is not None else None,
        created_at=calendar.created_at if calendar is not None else now,
        changed_at=now,
    )
    before = superseded(calendar, now) if calendar is not None else []
    return Decision(changed, changed, owes=[state(CalendarPublished), *before])


def _terms(served: ServedCalendar, copies: Copies, before: Draft | None) -> Draft:
    slug = served.address.partition("/")[2]
    known = before.model_dump() if before is not None else {"name": slug}
    if copies.told is not None:
        known["name"] = copies.told.name
    if copies.rotation is not None:
        known["optimize"] = copies.rotation.optimize
    taken = served.model_dump(include=set(Draft.model_fields))
    return Draft.model_validate({**known, **taken, "kind": served.calendar_kind, "slug": slug})


def raised(copies: Sequence[int], owner: Owner | None, **taken: object) -> Decision[Owner, bool]:
    """The same in a version above every copy (their versions), with what is taken over from the newest of them.

    The answer is whether it was behind.
    """
    if owner is None or max(copies, default=0) <= owner.version:
        return Decision(answer=False)
    said: type[Event] = SigningKeyChanged
    if isinstance(owner, Member):
        said = MemberChanged
    elif isinstance(owner, Workspace):
        said = WorkspaceChanged
    return Decision(True, owner.change(**taken, version=max(copies) + 1), owes=[state(said)])


def member_follows(
    copies: Sequence[int], newest: projections.Member | None, paused: rules.Member | None, owner: Member | None
) -> Decision[Member, bool]:
    """A member, named as the newest copy names them; who was removed stays removed, with all that they could do.

    Their pause is what availability was told of it (`paused`), if it was told later than the backup knows.
    """
    if owner is None:
        return raised(copies, owner)
    taken: dict[str, object] = {}
    if paused is not None and paused.paused_since is not None and paused.version > owner.version:
        taken["pause"] = Pause(since=paused.paused_since, until=paused.paused_until, resumed_at=paused.resumed_at)
    if newest is None or newest.version < max(copies, default=0):
        return raised(copies, owner, **taken)
    taken |= {"name": newest.name, "tz": newest.tz, "locale": newest.locale}
    if newest.status == "removed" and owner.status != "removed":
        taken |= {"status": "removed", "owner_since": 0, "epoch": owner.epoch + 1}
    return raised(copies, owner, **taken)
