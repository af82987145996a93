"""Whatever must not be is found when it is put into the stores: exactly that, with its records."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from oversight.invariants.findings import KINDS, Kind, place
from services.accounts.domain.auditing import AuditEntry
from services.accounts.domain.members import Member, Pause
from services.assignment.domain.choice import MOVE, RETURN, Choice, choice_id
from services.assignment.domain.rotation import Rotation
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host, Reservation
from services.availability.domain.rules import MemberLimits
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.booking.domain import directory
from services.booking.domain.bookings import Booking
from services.booking.domain.transitions import CONCLUDE, EXPIRE, REDRIVE
from services.notify.domain import projections
from services.notify.domain.notices import Attempt, Message, Notice
from services.notify.domain.reminding import Minutes, ReminderTimes
from tests.integration.audit.conftest import Installation, Stores
from turnus_contracts import Limits
from turnus_runtime.records import Owed, timer

UNKNOWN = "bk_nobody0000000000000000000"


@dataclass
class Planting:
    """What a test plants into, and the bookings there are."""

    stores: Stores
    installation: Installation
    bookings: list[Booking]

    def standing(self, calendar: str) -> Booking:
        """The first booking of the calendar that stands and was never to be moved."""
        mine = [booking for booking in self.bookings if booking.calendar_id == calendar]
        return min((b for b in mine if b.status == "confirmed" and len(b.attempts) == 1), key=lambda b: b.start)

    @property
    def personal(self) -> Booking:
        return self.standing(self.installation.personal)

    @property
    def teamed(self) -> Booking:
        return self.standing(self.installation.team)

    def ended(self, status: str, *, calendar: str | None = None) -> Booking:
        return next(b for b in self.bookings if b.status == status and calendar in (None, b.calendar_id))

    async def host(self, booking: Booking) -> Host:
        return await self.stores.get("availability", Host, booking.host_ids[0])

    async def claim(self, booking: Booking) -> Claim:
        return await self.stores.get("availability", Claim, booking.id)

    async def choice(self, booking: Booking) -> Choice:
        return await self.stores.get("assignment", Choice, choice_id(booking.id, booking.attempt))

    async def notice(self, booking: Booking) -> Notice:
        return await self.stores.get("notify", Notice, booking.id)

    async def put(self, service: str, record: Any, **changed: Any) -> None:
        await self.stores.put(service, record.change(**changed))

    async def reservations(self, booking: Booking, *, without: bool = False, **changed: int) -> None:
        """Change what is held for this booking."""
        host = await self.host(booking)
        mine = host.held(booking.id, booking.attempt)
        assert mine is not None
        new = () if without else (mine._replace(**changed),)
        await self.put("availability", host, reservations=(*(r for r in host.reservations if r is not mine), *new))

    async def messages(self, booking: Booking, change: Callable[[Message], Message | None]) -> None:
        """Change the messages to the guest; None takes one away."""
        notice = await self.notice(booking)
        changed = [change(message) if message.key == "0.booked.guest" else message for message in notice.messages]
        await self.put("notify", notice, messages=tuple(message for message in changed if message is not None))


Plant = Callable[[Planting], Awaitable[set[str]]]
PLANTS: dict[Kind, Plant] = {}
"""What plants a violation of each kind; the answer is ids that the finding must name."""


def plants(kind: Kind) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        PLANTS[kind] = plant
        return plant

    return register


# -- times


@plants("double_booked")
async def _(on: Planting) -> set[str]:
    """The later one of two bookings of a day is promised a buffer that reaches back over the earlier one."""
    mine = [b for b in on.bookings if b.host_ids == on.personal.host_ids and b.status == "confirmed"]
    mine = [b for b in mine if b.id != on.installation.overbooked]
    first, later = sorted((b for b in mine if b.start.date() == on.personal.start.date()), key=lambda b: b.start)[:2]
    minutes = int((later.start - first.start).total_seconds()) // 60
    claim = await on.claim(later)
    asked = claim.attempts[str(later.attempt)]
    padded = asked.model_copy(update={"padded_start": asked.start - minutes})
    await on.put("booking", later, buffer_before_minutes=minutes)
    await on.put("availability", claim, attempts={**claim.attempts, str(later.attempt): padded})
    await on.reservations(later, start=asked.start - minutes)
    return {first.id, later.id, first.host_ids[0]}


@plants("not_held")
async def _(on: Planting) -> set[str]:
    await on.reservations(on.personal, without=True)
    return {on.personal.id, on.personal.host_ids[0]}


@plants("held_otherwise")
async def _(on: Planting) -> set[str]:
    held = (await on.host(on.personal)).held(on.personal.id, 1)
    assert held is not None
    await on.reservations(on.personal, start=held.start + 1)
    return {on.personal.id, on.personal.host_ids[0]}


@plants("held_for_nobody")
async def _(on: Planting) -> set[str]:
    host, over = await on.host(on.personal), on.ended("cancelled")
    new = Reservation(start=10**8, end=10**8 + 30, booking_id=over.id, attempt=1)
    await on.put("availability", host, reservations=(*host.reservations, new))
    return {host.id, over.id}


@plants("counted_for_nobody")
async def _(on: Planting) -> set[str]:
    tally = await on.stores.get("availability", Tally, on.installation.team)
    entry = tally.entries[0].model_copy(update={"booking_id": UNKNOWN})
    await on.put("availability", tally, entries=(*tally.entries, entry))
    return {tally.id, UNKNOWN}


@plants("not_counted")
async def _(on: Planting) -> set[str]:
    tally = await on.stores.get("availability", Tally, on.installation.team)
    without = tuple(one for one in tally.entries if one.booking_id != on.teamed.id)
    await on.put("availability", tally, entries=without)
    return {tally.id, on.teamed.id}


@plants("over_limit")
async def _(on: Planting) -> set[str]:
    """As if the calendar had had these limits when its guests were let in."""
    calendar = await on.stores.get("availability", ServedCalendar, on.installation.team)
    await on.put("availability", calendar, limits=Limits(day=2))
    return {calendar.id, "2 are let in"}


@plants("overbooked_unsaid")
async def _(on: Planting) -> set[str]:
    (entry,) = [one for one in await on.stores.all("accounts", AuditEntry) if one.action == "overbooked"]
    await on.stores.remove("accounts", AuditEntry, entry.id)
    return {on.installation.overbooked, entry.id}


@plants("claim_missing")
async def _(on: Planting) -> set[str]:
    await on.stores.remove("availability", Claim, on.personal.id)
    return {on.personal.id}


@plants("claim_differs")
async def _(on: Planting) -> set[str]:
    claim = await on.claim(on.teamed)
    shorter = claim.attempts["1"].model_copy(update={"padded_end": claim.attempts["1"].padded_end - 5})
    await on.put("availability", claim, attempts={"1": shorter})
    return {claim.id}


@plants("claim_of_nobody")
async def _(on: Planting) -> set[str]:
    await on.put("availability", await on.claim(on.personal), id=UNKNOWN)
    return {UNKNOWN}


@plants("answer_differs")
async def _(on: Planting) -> set[str]:
    claim = await on.claim(on.ended("rejected"))
    asked = claim.attempts["1"]
    assert asked.refusal is not None
    other = asked.model_copy(update={"refusal": asked.refusal.model_copy(update={"code": "slot_not_offered"})})
    await on.put("availability", claim, attempts={"1": other})
    return {claim.id}


@plants("not_given_up")
async def _(on: Planting) -> set[str]:
    claim = await on.claim(on.ended("cancelled"))
    await on.put("availability", claim, over=False)
    return {claim.id}


# -- bookings


@plants("undecided")
async def _(on: Planting) -> set[str]:
    """A request of an hour ago whose deadline is put off again and again."""
    model, far = on.teamed, on.teamed.end
    asked = model.created_at - timedelta(hours=1)
    waiting = model.attempts[0].model_copy(update={"state": "open", "host_ids": (), "requested_at": asked})
    new: dict[str, Any] = {"id": UNKNOWN, "status": "requested", "history": model.history[:1]}
    nothing: dict[str, Any] = {"attempt": 0, "charged": 0, "host_ids": ()}
    owed = (timer(REDRIVE, far), timer(EXPIRE, far))
    await on.put("booking", model, attempts=(waiting,), owed=owed, **new, **nothing)
    return {UNKNOWN}


@plants("broken_booking")
async def _(on: Planting) -> set[str]:
    other = on.personal.attempts[0].model_copy(update={"end": on.personal.end + timedelta(minutes=5)})
    await on.put("booking", on.personal, attempts=(other,))
    return {on.personal.id}


@plants("illegal_path")
async def _(on: Planting) -> set[str]:
    begun, ended = on.personal.history
    await on.put("booking", on.personal, history=(begun, begun.model_copy(update={"what": "rejected"}), ended))
    return {on.personal.id}


@plants("no_deadline")
async def _(on: Planting) -> set[str]:
    await on.put("booking", on.personal, owed=tuple(entry for entry in on.personal.owed if entry.name != CONCLUDE))
    return {on.personal.id}


@plants("owed_after_end")
async def _(on: Planting) -> set[str]:
    over = on.ended("cancelled")
    await on.put("booking", over, owed=(*over.owed, timer(CONCLUDE, over.end)))
    return {over.id}


@plants("overdue")
async def _(on: Planting) -> set[str]:
    host = await on.host(on.teamed)
    late = Owed(id="AssigneeSettled:x@1", kind="event", name="AssigneeSettled", due=1, key="x", data={})
    await on.put("availability", host, owed=(late,))
    return {host.id}


# -- turns


@plants("unbalanced")
async def _(on: Planting) -> set[str]:
    rotation = await on.stores.get("assignment", Rotation, on.installation.team)
    first, *others = rotation.members
    await on.put("assignment", rotation, members=(first.model_copy(update={"credit": first.credit + 1}), *others))
    return {rotation.id}


@plants("charge_missing")
async def _(on: Planting) -> set[str]:
    missing = choice_id(on.teamed.id, 1)
    await on.stores.remove("assignment", Choice, missing)
    return {on.teamed.id, missing}


@plants("charge_unsettled")
async def _(on: Planting) -> set[str]:
    choice = await on.choice(on.teamed)
    await on.put("assignment", choice, released=True, returned=True, applied=(*choice.applied, RETURN))
    return {on.teamed.id, choice.id}


@plants("charge_unapplied")
async def _(on: Planting) -> set[str]:
    choice = await on.choice(on.ended("cancelled", calendar=on.installation.team))
    assert choice.returned
    await on.put("assignment", choice, applied=())
    return {choice.id}


@plants("charge_of_nobody")
async def _(on: Planting) -> set[str]:
    unknown = choice_id(UNKNOWN, 1)
    await on.put("assignment", await on.choice(on.teamed), id=unknown, booking_id=UNKNOWN)
    return {unknown, UNKNOWN}


@plants("wrong_payer")
async def _(on: Planting) -> set[str]:
    choice = await on.choice(on.teamed)
    rotation = await on.stores.get("assignment", Rotation, on.installation.team)
    other = next(one.member_id for one in rotation.members if one.member_id not in on.teamed.host_ids)
    await on.put("assignment", choice, payer=other, applied=(MOVE,))
    return {on.teamed.id, choice.id}


# -- mails


@plants("not_told")
async def _(on: Planting) -> set[str]:
    await on.stores.remove("notify", Notice, on.personal.id)
    return {on.personal.id}


@plants("mail_missing")
async def _(on: Planting) -> set[str]:
    await on.messages(on.personal, lambda _: None)
    return {on.personal.id}


@plants("mail_forgotten")
async def _(on: Planting) -> set[str]:
    await on.messages(on.personal, lambda message: message.model_copy(update={"status": "queued"}))
    return {on.personal.id}


@plants("mail_twice")
async def _(on: Planting) -> set[str]:
    again = Attempt(at=on.personal.created_at, outcome="sent", code=250)
    await on.messages(on.personal, lambda message: message.model_copy(update={"attempts": (*message.attempts, again)}))
    return {on.personal.id}


@plants("reminded_otherwise")
async def _(on: Planting) -> set[str]:
    """The workspace has chosen what the installation does anyway, and one booking does not go by it."""
    mine, at = on.personal, on.personal.created_at
    minutes = Minutes.of((1440, 60), (1440, 60))
    await on.stores.put(
        "notify", ReminderTimes(id=mine.workspace_id, version=1, mark=1, minutes=minutes, changed_at=at)
    )
    notice = await on.notice(mine)
    await on.put("notify", notice, messages=tuple(one for one in notice.messages if one.offset_minutes != 60))
    return {mine.id}


# -- copies


@plants("newer_than_source")
async def _(on: Planting) -> set[str]:
    member = await on.stores.get("booking", directory.Member, on.personal.host_ids[0])
    await on.put("booking", member, version=member.version + 1)
    return {member.id}


@plants("behind_source")
async def _(on: Planting) -> set[str]:
    calendar = await on.stores.get("notify", projections.Calendar, on.installation.personal)
    await on.put("notify", calendar, version=calendar.version - 1)
    return {calendar.id}


async def test_a_pause_that_the_host_record_does_not_know_is_named(planting: Planting) -> None:
    member = await planting.stores.get("accounts", Member, planting.personal.host_ids[0])
    await planting.put("accounts", member, pause=Pause(since=member.changed_at, until=None))
    violations = await planting.installation.audited()
    assert {violation.kind for violation in violations} == {"behind_source"}, violations
    assert [place("availability", Host, member.id) in violation.records for violation in violations] == [True]


async def test_limits_of_a_member_that_were_not_kept_are_named(planting: Planting) -> None:
    """As if the member had had these limits before anybody asked."""
    limits = await planting.stores.get("availability", MemberLimits, planting.personal.host_ids[0])
    asked = min(booking.created_at for booking in planting.bookings)
    await planting.put("availability", limits, limits=Limits(week=3), changed_at=asked - timedelta(days=1))
    violations = await planting.installation.audited()
    assert {violation.kind for violation in violations} == {"over_limit"}, violations
    assert [place("availability", MemberLimits, limits.id) in violation.records for violation in violations] == [True]


async def test_more_than_limits_allow_is_nothing_where_it_was_booked_before_they_were_these(planting: Planting) -> None:
    limits = await planting.stores.get("availability", MemberLimits, planting.personal.host_ids[0])
    calendar = await planting.stores.get("availability", ServedCalendar, planting.installation.team)
    await planting.put("availability", limits, limits=Limits(week=3))
    await planting.put("availability", calendar, limits=Limits(day=1), same_limits_since=calendar.version + 1)
    assert await planting.installation.audited() == []


async def test_an_overbooking_that_the_history_does_not_explain_is_named(planting: Planting) -> None:
    over = next(one for one in planting.bookings if one.id == planting.installation.overbooked)
    last = over.history[-1]
    assert last.what == "overbooked"
    await planting.put("booking", over, history=(*over.history[:-1], last.model_copy(update={"detail": ""})))
    violations = await planting.installation.audited()
    assert {violation.kind for violation in violations} == {"overbooked_unsaid"}, violations


async def test_whoever_is_laid_upon_what_staff_overbooked_is_double_booked(planting: Planting) -> None:
    """The other one of the pair was asked for before it; now minutes after it."""
    over = next(one for one in planting.bookings if one.id == planting.installation.overbooked)
    (below,) = [
        one
        for one in planting.bookings
        if (one.start, one.status, one.host_ids) == (over.start, "confirmed", over.host_ids) and one.id != over.id
    ]
    assert await planting.installation.audited() == []
    asked = over.attempts[0].requested_at + timedelta(minutes=10)
    later = tuple(one.model_copy(update={"requested_at": asked}) for one in below.attempts)
    await planting.put("booking", below, attempts=later, created_at=asked)
    violations = await planting.installation.audited()
    assert "double_booked" in {violation.kind for violation in violations}, violations
    assert {over.id, below.id} <= {one.rpartition("/")[2] for v in violations for one in v.records}


@pytest.fixture
async def planting(stores: Stores, installation: Installation) -> Planting:
    return Planting(stores, installation, await stores.all("booking", Booking))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_violation_is_named_with_its_records(planting: Planting, kind: Kind) -> None:
    named = await PLANTS[kind](planting)
    violations = await planting.installation.audited()
    assert {violation.kind for violation in violations} == {kind}, violations
    for violation in violations:
        shown = " ".join((*violation.records, violation.says))
        assert all(one in shown for one in named), shown
        assert "example.org" not in shown
        assert "Guest" not in shown
