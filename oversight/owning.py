"""Owners that were set back learn from the others what they owned: booking its bookings and calendars, accounts its
people. What nobody else knows is noted for the operator.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

from oversight.looks import COPIES
from oversight.repair import sources
from oversight.repair.bookings import BY, Known, booking_follows
from oversight.writing import Writing
from services.accounts.domain.auditing import AuditEntry
from services.accounts.domain.members import Member
from services.accounts.domain.signing import SigningPair
from services.accounts.domain.workspaces import Workspace
from services.assignment.domain.choice import Choice
from services.assignment.domain.rotation import Rotation
from services.availability.domain import rules
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host, Reservation
from services.availability.domain.serving import ServedCalendar
from services.booking.domain import directory
from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.notify.domain import projections
from services.notify.domain.notices import Notice
from turnus_contracts import ChangeRecorded
from turnus_runtime.ids import derived
from turnus_runtime.records import Projection, Record, key

R = TypeVar("R", bound=Record)


class Owning:
    """Repairs owners. Each method raises `StoreUnavailable`."""

    def __init__(self, at: Writing) -> None:
        self._at = at
        self.notes: list[str] = []
        """what an operator should look at"""

    async def bookings(self) -> None:
        """Every booking that anybody knows."""
        at = self._at
        settled: dict[str, dict[int, str]] = defaultdict(dict)
        overbooked: dict[str, dict[int, str]] = defaultdict(dict)
        async for host in self._all("availability", Host):
            for held in host.reservations:
                if held.settled:
                    settled[held.booking_id][held.attempt] = host.id
                if held.overbooked:
                    overbooked[held.booking_id][held.attempt] = await self._who_overbooked(held)
        calendars = {calendar.id: calendar async for calendar in self._all("booking", Calendar)}
        choices: dict[str, dict[int, Choice]] = defaultdict(dict)
        async for choice in self._all("assignment", Choice):
            choices[choice.booking_id][choice.attempt] = choice
        seen: set[str] = set()
        for service, kind in (("notify", Notice), ("availability", Claim), ("booking", Booking)):
            async for record in self._all(service, kind):
                if record.id in seen:
                    continue
                seen.add(record.id)
                known = Known(
                    claim=await at.on.get("availability", Claim, record.id),
                    notice=await at.on.get("notify", Notice, record.id),
                    choices=choices.get(record.id, {}),
                    settled=settled.get(record.id, {}),
                    calendar=calendars.get(str(getattr(record, "calendar_id", ""))),
                    overbooked=overbooked.get(record.id, {}),
                )
                follow = partial(booking_follows, record.id, known, at.on.clock.now())
                if (lost := await at.change("booking", Booking, record.id, follow)) is not None:
                    self.notes.append(lost)

    async def _who_overbooked(self, held: Reservation) -> str:
        """The member, if the audit log knows."""
        told = derived("aud", f"{ChangeRecorded.topic()}:booking:{held.booking_id}.{held.attempt}")
        entry = await self._at.on.get("accounts", AuditEntry, told)
        return entry.actor_id if entry is not None else BY

    async def calendars(self) -> None:
        """Every calendar, in a version above all copies."""
        at = self._at
        ids = {one.id async for one in self._all("booking", Calendar)}
        ids |= {one.id async for one in self._all("availability", ServedCalendar)}
        for calendar_id in sorted(ids):
            copies = sources.Copies(
                await at.on.get("availability", ServedCalendar, calendar_id),
                await at.on.get("assignment", Rotation, calendar_id),
                await at.on.get("notify", projections.Calendar, calendar_id),
            )
            follow = partial(sources.calendar_follows, copies, at.on.clock.now())
            changed = await at.change("booking", Calendar, calendar_id, follow)
            if changed is None:
                continue
            self.notes.append(
                f"calendar {calendar_id} was changed after the backup: published again as its copies know it; its "
                "draft, description, place and cutoffs are those of the backup"
            )
            for address in sorted(changed.addresses):
                claim = partial(directory.claim_address, address=address, calendar_id=calendar_id)
                await at.change("booking", directory.Address, address, claim)
            for one in changed.draft.members:
                link = directory.CalendarOfMember(
                    id=key(one.member_id, calendar_id), member_id=one.member_id, calendar_id=calendar_id
                )
                linked = partial(directory.link_member, link=link)
                await at.change("booking", directory.CalendarOfMember, link.id, linked)

    async def people(self) -> None:
        """Members, workspaces and keys, in a version above all copies; what accounts has lost is noted."""
        at = self._at
        for member_id, versions in (await self._versions(Member)).items():
            newest = await at.on.get("notify", projections.Member, member_id)
            paused = await at.on.get("availability", rules.Member, member_id)
            follow = partial(sources.member_follows, list(versions.values()), newest, paused)
            behind = await at.change("accounts", Member, member_id, follow)
            await self._note(Member, member_id, "invite them again", behind=behind)
        for workspace_id, versions in (await self._versions(Workspace)).items():
            raise_ = partial(sources.raised, list(versions.values()))
            behind = await at.change("accounts", Workspace, workspace_id, raise_)
            await self._note(Workspace, workspace_id, "nobody can sign in to it", behind=behind)
        copies = dict(await self._versions(SigningPair))
        async for pair in self._all("accounts", SigningPair):
            raise_ = partial(sources.raised, list(copies.pop(pair.key_id, {}).values()))
            await at.change("accounts", SigningPair, pair.id, raise_)
        for key_id in copies:
            self.notes.append(f"signing key {key_id} is lost: what it signed is valid until it ends or is revoked")

    async def _note(self, kind: type[Record], id: str, what: str, *, behind: bool) -> None:
        name = kind.collection.removesuffix("s")
        if behind:
            self.notes.append(f"{name} {id} was changed after the backup: look at what they may do")
        elif await self._at.on.get("accounts", kind, id) is None:
            self.notes.append(f"{name} {id} came after the backup and is unknown to accounts: {what}")

    async def _versions(self, kind: Any) -> Mapping[str, Mapping[str, int]]:
        """By id, which versions the copies of others have."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for service, copy in COPIES[kind].items():
            if service == "accounts":
                continue
            async for record in self._all(service, copy):
                if isinstance(record, Projection):
                    found[record.id][service] = record.version
        return found

    async def _all(self, service: str, kind: type[R]) -> AsyncGenerator[R]:
        async with aclosing(self._at.on.pages(service, kind)) as pages:
            async for page in pages:
                for record in page:
                    yield record
