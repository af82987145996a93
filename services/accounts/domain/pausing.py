"""A pause of a member: they get no new bookings, what is booked stays. It ends by its day, or when they resume."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.accounts.domain.auditing import Actor
from services.accounts.domain.members import Changed, Member, Pause, refusal_of, said
from turnus_runtime.records import Decision


def pause_of(member: Member, now: datetime) -> Pause | None:
    """The pause in which a member is; None if they can be booked."""
    pause = member.pause
    if member.status != "active" or pause is None or pause.resumed_at is not None:
        return None
    return None if pause.until is not None and pause.until <= today_of(member, now) else pause


def today_of(member: Member, now: datetime) -> date:
    """Which day it is where the member is."""
    return now.astimezone(ZoneInfo(member.tz)).date()


def pause(current: Member, until: date | None, expected: int | None, actor: Actor) -> Decision[Member, Changed]:
    """Let a member pause from now until the day `until` (None: until they resume). Who pauses already gets that end.

    Again is fine, with whatever version: nothing is changed by it.
    """
    running = pause_of(current, actor.now)
    if running is not None and running.until == until:
        return Decision(Changed(member=current))
    since = running.since if running is not None else actor.now
    return _changed(current, Pause(since=since, until=until), "paused", expected, actor)


def resume(current: Member, expected: int | None, actor: Actor) -> Decision[Member, Changed]:
    """End a pause. Again is fine, and who does not pause stays as they are."""
    running = pause_of(current, actor.now)
    if running is None and current.status == "active":
        return Decision(Changed(member=current))
    ended = running.model_copy(update={"resumed_at": actor.now}) if running is not None else None
    return _changed(current, ended, "resumed", expected, actor)


def _changed(
    current: Member, pause: Pause | None, action: str, expected: int | None, actor: Actor
) -> Decision[Member, Changed]:
    if (refusal := refusal_of(current, expected)) is not None:
        return Decision(refusal)
    changed = current.change(pause=pause, version=current.version + 1, changed_at=actor.now)
    return Decision(Changed(member=changed), changed, owes=said(changed, action, actor, ["pause"]))
