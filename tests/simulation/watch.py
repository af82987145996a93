"""What must hold, looked at with every write and every word said, and once more when everything has come to rest.

What can be told from records is said by `oversight.invariants`, as the auditor says it of live stores. The watcher sees
all stores and the broker at once and every step between, so it adds what is about steps and words.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from oversight.invariants import copies, sagas, times, turns
from oversight.invariants.findings import Finding
from oversight.invariants.sagas import ARROWS, STANDING
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import Rotation
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host, Reservation
from services.availability.domain.rules import APPLY_RULES, Blocks, ServedCalendar
from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from turnus_contracts import AssigneeChosen, AssigneeSettled, SlotRefused
from turnus_runtime.forms import loaded
from turnus_runtime.ports import Message
from turnus_runtime.records import Record
from turnus_runtime.saga import START

if TYPE_CHECKING:
    from tests.simulation.process import SimulatedProcess
    from tests.simulation.world import World

WATCHED: dict[tuple[str, str], type[Record]] = {
    ("booking", "bookings"): Booking,
    ("availability", "hosts"): Host,
    ("availability", "claims"): Claim,
    ("availability", "blocks"): Blocks,
    ("availability", "calendars"): ServedCalendar,
    ("booking", "calendars"): Calendar,
    ("assignment", "rotations"): Rotation,
    ("assignment", "choices"): Choice,
}
HANDLING: ContextVar[str] = ContextVar("handling", default="")
FINAL = ("confirmed", "moved", "rejected", "move_refused", "expired", "move_expired")
ANSWERED_WITHIN = timedelta(seconds=35)
"""While everything works no request may expire that has as long as this to ask again, at 10 or 30 s at the latest."""


class Watch:
    """Looks at one world. `coverage` counts transitions of bookings and faults by what they struck."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._last: dict[tuple[str, str, str], tuple[int, Any]] = {}
        self._said: dict[tuple[str, str, int], dict[str, Any]] = {}
        self._answers: dict[str, str] = {}
        self.coverage: Counter[str] = Counter()

    # -- while it goes on

    def wrote(self, process: "SimulatedProcess", collection: str, id: str) -> None:
        """A write may have taken place."""
        kind = WATCHED.get((process.service.name, collection))
        if kind is None:
            return
        kept = self._world.stores[process.service.name].collections[collection].get(id)
        place = (process.service.name, collection, id)
        version, before = self._last.get(place, (0, None))
        if kept is None or kept.version == version:
            return
        record = loaded(kind, kept.told)
        self._last[place] = (kept.version, record)
        if collection == "blocks":
            return
        self._world.note(process.name, f"write {_short(id)} v{kept.version} {_shown(record)}")
        if isinstance(record, Booking):
            self._booking(before, record)
        elif isinstance(record, Host):
            self._host(before, record)
        elif isinstance(record, Rotation):
            self._none(turns.balanced(record))

    def published(self, process: "SimulatedProcess", messages: Sequence[Message]) -> None:
        """A process says something."""
        for message in messages:
            self._world.note(process.name, f"say   {_name(message)}")
            if message.topic.endswith(".dlq"):
                told = message.headers
                self._world.fail(f"dead letter of {told['origin_topic']}: {told['error']} {told['error_detail']}")
            elif message.topic in ("AssigneeSettled", "SlotRefused", "AssigneeChosen"):
                self._answered(message)

    def delivered(self, process: "SimulatedProcess", message: Message) -> None:
        """A process begins to handle a message."""
        HANDLING.set(message.topic)
        self._world.note(process.name, f"hear  {_name(message)}")

    def struck(self, fault: str, moment: str, verb: str, where: str) -> None:
        """A fault hits a process in the middle of something."""
        self.coverage[f"{fault} {moment} {verb} {where} in {HANDLING.get() or 'a route or loop'}"] += 1

    def told(self, key: str, answer: str) -> None:
        """A guest gets the final answer to the command with this key: it never changes."""
        first = self._answers.setdefault(key, answer)
        if first != answer:
            self._world.fail(f"the same command {key} was answered {first}, then {answer}")

    def _answered(self, message: Message) -> None:
        contract = {one.topic(): one for one in (AssigneeSettled, SlotRefused, AssigneeChosen)}[message.topic]
        event: Any = contract.model_validate_json(message.value or b"")
        said = self._said.setdefault(("answer", event.booking_id, event.attempt), {})
        if isinstance(event, AssigneeSettled):
            told: Any = (event.start, event.host_ids, event.charged)
        elif isinstance(event, SlotRefused):
            told = event
        else:
            told = (event.host_ids, event.charged, event.rule)
        if said.setdefault(message.topic, told) != told:
            self._world.fail(f"{_name(message)} was first {said[message.topic]} and is now {told}")
        if "AssigneeSettled" in said and "SlotRefused" in said:
            self._world.fail(f"attempt {event.attempt} of {_short(event.booking_id)} got a yes and a no")

    def _booking(self, before: Booking | None, now: Booking) -> None:
        came_from = before.status if before is not None else START
        what = now.history[-1].what if before is None or len(now.history) > len(before.history) else "asked again"
        self.coverage[f"booking {came_from} --{what}--> {now.status}"] += 1
        if what in FINAL:
            self._in_time(now, what)
        if not sagas.is_legal(came_from, now.status):
            self._world.fail(f"{_short(now.id)} went from {came_from} to {now.status}")
        if before is not None:
            if now.version < before.version or len(now.attempts) < len(before.attempts):
                self._world.fail(f"{_short(now.id)} went back in time")
            for old, new in zip(before.attempts, now.attempts, strict=False):
                if old.state != "open" and new != old:
                    self._world.fail(f"attempt {old.number} of {_short(now.id)} was {old.state} and is {new.state}")
        self._none((*sagas.whole(now), *sagas.path(now), *sagas.timers(now)))
        if now.status in STANDING and not self._held(now):
            self._world.fail(f"{_short(now.id)} is {now.status} and {_short(now.host_ids[0])} does not hold the time")

    def _in_time(self, booking: Booking, what: str) -> None:
        asked, calm = booking.latest.requested_at, self._world.calm_since
        if self._world.weather.skewed:
            return
        if not sagas.in_time(asked, booking.changed_at):
            self._world.fail(f"{_short(booking.id)} was {what} {booking.changed_at - asked} after it was asked for")
        if what.endswith("expired") and calm is not None and booking.changed_at - max(asked, calm) > ANSWERED_WITHIN:
            self._world.fail(f"{_short(booking.id)} expired although everything worked")

    def _held(self, booking: Booking) -> bool:
        host: Host | None = self._last.get(("availability", "hosts", booking.host_ids[0]), (0, None))[1]
        return times.is_held(booking, host)

    def _host(self, before: Host | None, now: Host) -> None:
        self._none(times.double_bookings(now))
        for new in now.reservations:
            if before is None or new not in before.reservations:
                self._not_blocked(now, new)
        for gone in before.reservations if before is not None else ():
            booking: Booking | None = self._last.get(("booking", "bookings", gone.booking_id), (0, None))[1]
            if booking is None or booking.status not in STANDING or booking.attempt != gone.attempt:
                continue
            if booking.host_ids[0] == now.id and not self._held(booking):
                self._world.fail(f"{_short(now.id)} gives back the time of {_short(booking.id)}, which stands")

    def _not_blocked(self, host: Host, new: Reservation) -> None:
        """Whoever is asked by a request has looked at the rules as they are (the chosen one of a swap need not)."""
        claim: Claim | None = self._last.get(("availability", "claims", new.booking_id), (0, None))[1]
        attempt = claim.attempt(new.attempt) if claim is not None else None
        if claim is None or attempt is None or attempt.chosen == host.id or new.settled:
            return
        for blocks in self.records(Blocks):
            if blocks.owner_id not in (host.id, claim.calendar_id) or blocks.owes(APPLY_RULES) is not None:
                continue
            for block in blocks.items:
                if not block.removed and new.start < block.end and block.start < new.end:
                    self._world.fail(f"{_short(host.id)} gives {_short(new.booking_id)} a time that is blocked")

    def _none(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._world.fail(f"{finding.kind}: {shortened(' '.join((*finding.records, finding.says)))}")

    # -- at rest

    def records(self, kind: type[Any]) -> list[Any]:
        """The records of one watched type as they are now."""
        return [record for _, record in self._last.values() if isinstance(record, kind)]

    def unfinished(self) -> list[str]:
        """Why it is not at rest yet."""
        found = [
            f"attempt {attempt.number} of {_short(booking.id)} ({booking.status}) is open"
            for booking in self.records(Booking)
            for attempt in booking.attempts
            if attempt.state == "open" and booking.status != "cancelled"
        ]
        for name, store in self._world.stores.items():
            for collection, kept in store.collections.items():
                for whose, one in kept.items():
                    found += [
                        f"{name} {collection} {_short(whose)} owes {entry['id']}"
                        for entry in one.told.owed
                        if entry["kind"] in ("event", "state", "job") or entry["name"] not in ("conclude", "again")
                    ]
        return found

    def check(self) -> None:
        """Everything has come to rest: what stands is held and paid once, and nothing else is."""
        hosts: dict[str, Host] = {host.id: host for host in self.records(Host)}
        claims: dict[str, Claim] = {claim.id: claim for claim in self.records(Claim)}
        choices: dict[str, Choice] = {choice.id: choice for choice in self.records(Choice)}
        bookings: dict[str, Booking] = {booking.id: booking for booking in self.records(Booking)}
        for host in hosts.values():
            for held in host.reservations:
                self._none(times.wanted(host, held, bookings.get(held.booking_id)))
        for booking in bookings.values():
            self._none(times.held(booking, hosts.get(booking.host_ids[0]) if booking.host_ids else None))
            self._none(times.claimed(booking, claims.get(booking.id)))
            made = {number: choice_id(booking.id, number) for number in range(1, len(booking.attempts) + 1)}
            known = {number: choices[wanted] for number, wanted in made.items() if wanted in choices}
            self._none(turns.paid(booking, known, claims.get(booking.id)))
        for claim in claims.values():
            self._none(times.of_somebody(claim, bookings.get(claim.id)))
        for choice in choices.values():
            self._none((*turns.applied(choice), *turns.of_somebody(choice, bookings.get(choice.booking_id))))
        if self._world.members_stay:
            for rotation in self.records(Rotation):
                self._credit(rotation, bookings, choices)
        served: dict[str, ServedCalendar] = {one.id: one for one in self.records(ServedCalendar)}
        rotations: dict[str, Rotation] = {one.id: one for one in self.records(Rotation)}
        for calendar in self.records(Calendar):
            version = calendar.published_version
            self._none(copies.current(calendar.id, version, "availability", served[calendar.id].version))
            self._none(copies.current(calendar.id, version, "assignment", rotations[calendar.id].calendar_version))

    def unchanged(self) -> None:
        """Nobody changed in place what he was given to read."""
        for name, store in self._world.stores.items():
            for collection, kept in store.collections.items():
                for whose in [whose for whose, one in kept.items() if one.changed]:
                    self._world.fail(f"{name} {collection} {_short(whose)} was changed in place")

    def _credit(self, rotation: Rotation, bookings: dict[str, Booking], choices: dict[str, Choice]) -> None:
        """While nobody joins or leaves, credits are exactly what the choices in force say."""
        credit: Counter[str] = Counter()
        for choice in choices.values():
            booking = bookings.get(choice.booking_id)
            if choice.calendar_id != rotation.id or choice.charge is None or booking is None:
                continue
            if turns.in_force(booking, choice.attempt):
                credit.update({share.member_id: share.gained for share in choice.charge.candidates})
                credit[choice.payer or ""] -= choice.charge.paid
        for member in rotation.members:
            if member.credit != credit[member.member_id]:
                said = f"credit {member.credit}, their choices say {credit[member.member_id]}"
                self._world.fail(f"{_short(member.member_id)} has {said}")


def transitions_missed(seen: Collection[str]) -> list[str]:
    """Arrows between states that none of these (keys of `coverage`) has drawn."""
    drawn = {(name.split(" --")[0].removeprefix("booking "), name.rpartition("--> ")[2]) for name in seen}
    return [f"{source} → {target}" for source, target in sorted(ARROWS - drawn)]


def shortened(text: str) -> str:
    """The text with its ids as they are shown in a table."""
    return re.sub(r"\b(?:bk|mem|cal|cho)_\w+", lambda found: _short(found[0]), text)


def _short(id: str) -> str:
    """Enough of an id to tell it apart in a table."""
    return id if len(id) < 12 else id[: id.find("_") + 5]


def _name(message: Message) -> str:
    topic, *parts = message.headers.get("ce_id", message.topic).split(":")
    return " ".join([topic, *(_short(part) for part in parts)])


def _shown(record: Record) -> str:
    if isinstance(record, Booking):
        attempts = ",".join(attempt.state for attempt in record.attempts)
        return f"{record.status} ({attempts}) on {','.join(map(_short, record.host_ids)) or '–'}"
    if isinstance(record, Host):
        held = [f"{_short(r.booking_id)}/{r.attempt}{'!' if r.settled else ''}" for r in record.reservations]
        return f"holds {' '.join(held) or 'nothing'}, rules {record.rules_version}"
    if isinstance(record, Claim):
        told = [
            f"{a.number}: asked {'>'.join(map(_short, a.asked))} refused {'>'.join(map(_short, a.refused))}"
            f"{' chosen ' + _short(a.chosen) if a.chosen else ''}{' REFUSED' if a.refusal else ''}"
            for a in record.attempts.values()
        ]
        return (
            "; ".join(told)
            + (f" tombstones {record.tombstones}" if record.tombstones else "")
            + (" over" if record.over else "")
        )
    if isinstance(record, Choice):
        return f"charged {record.charge is not None} released {record.released} payer {_short(record.payer or '–')}"
    return ""
