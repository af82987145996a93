"""What must hold in every state, and what must hold once everything is at rest. Most of it is what the auditor asks."""

from collections.abc import Iterator, Sequence
from typing import cast

from oversight.invariants import sagas, times, turns
from services.assignment.domain.applying import choice_of
from services.assignment.domain.choice import Choice
from services.assignment.domain.credit import UNIT
from services.assignment.domain.rotation import FILE, Rotation
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.booking.domain.bookings import OVER, Booking
from tests.model.protocol import LATE, World
from turnus_contracts import AssigneeChosen, AssigneeSettled, SlotRefused
from turnus_runtime.records import Record


class Invariants:
    """The invariants of a world; each answers None or what is wrong. Remembered by the records that it is about."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._machine = world.machine
        self._known: dict[tuple[str, tuple[int, ...]], str | None] = {}
        self._said: dict[int, str | None] = {}

    def of_state(self, records: Sequence[int]) -> str | None:
        """In every state."""
        world = self._world
        for slot in world.host_slots:
            if wrong := self._ask("host", (records[slot],)):
                return wrong
        bookings = tuple(records[slot] for slot in world.booking_slots)
        hosts = tuple(records[slot] for slot in world.host_slots)
        for slot in world.booking_slots:
            if wrong := self._ask("booking", (records[slot], *hosts)):
                return wrong
        if wrong := self._ask("pair", bookings):
            return wrong
        choices = tuple(records[slot] for slots in world.choice_slots for slot in slots)
        return self._ask("charges", (records[world.rotation_slot], *choices))

    def of_said(self, said: int) -> str | None:
        """Of all that was ever said: no two answers contradict each other."""
        if said not in self._said:
            self._said[said] = next(self._contradictions(said), None)
        return self._said[said]

    def at_rest(self, records: Sequence[int]) -> str | None:
        """When nothing is under way, nothing is owed and no timer would do anything."""
        return next(self._restless(records), None)

    def _ask(self, about: str, ids: tuple[int, ...]) -> str | None:
        key = (about, ids)
        if key not in self._known:
            found = [self._machine.records[number] for number in ids]
            self._known[key] = next(_LOOKS[about](found), None)
        return self._known[key]

    def _contradictions(self, said: int) -> Iterator[str]:
        answers: dict[tuple[str, str, int], object] = {}
        for event in self._events(said):
            if isinstance(event, SlotRefused | AssigneeSettled):
                answer = event.host_ids if isinstance(event, AssigneeSettled) else event.code
                key = ("answer", event.booking_id, event.attempt)
            elif isinstance(event, AssigneeChosen):
                key, answer = ("choice", event.booking_id, event.attempt), (event.host_ids, event.charged)
            else:
                continue
            if answers.setdefault(key, answer) != answer:
                yield f"contradicting answers: attempt {key[2]} of {key[1]} got {answers[key]} and {answer}"

    def _events(self, said: int) -> Iterator[object]:
        for delivery, number in enumerate(self._machine.event_of):
            if said >> delivery & 1:
                yield self._machine.events[number]

    def _restless(self, records: Sequence[int]) -> Iterator[str]:
        world, kept = self._world, [self._machine.records[number] for number in records]
        hosts = cast("list[Host]", [kept[slot] for slot in world.host_slots if kept[slot] is not None])
        bookings = cast("list[Booking]", [kept[slot] for slot in world.booking_slots])
        choices: list[Choice] = []
        for booking, claim_slot, slots in zip(bookings, world.claim_slots, world.choice_slots, strict=True):
            if booking.status == "requested" or (booking.open_attempt is not None and booking.status not in OVER):
                yield f"undecided at rest: {booking.id} is {booking.status}"
            claim = cast("Claim | None", kept[claim_slot])
            filed = cast("list[Choice]", [kept[slot] for slot in slots if kept[slot] is not None])
            choices += filed
            found = [
                *sagas.alone(booking, LATE),
                *times.claimed(booking, claim),
                *turns.paid(booking, {choice.attempt: choice for choice in filed}, claim),
            ]
            for host in hosts:
                for held in host.reservations:
                    if held.booking_id == booking.id:
                        found += times.wanted(host, held, booking)
            for finding in found:
                yield f"{finding.kind} at rest: {', '.join(finding.records)}: {finding.says}"
        yield from _credits(cast("Rotation", kept[world.rotation_slot]), choices)


def _of_host(found: list[Record | None]) -> Iterator[str]:
    (host,) = found
    if isinstance(host, Host):
        for finding in times.double_bookings(host):
            yield f"{finding.kind}: {', '.join(finding.records)}: {finding.says}"


def _of_booking(found: list[Record | None]) -> Iterator[str]:
    booking = cast("Booking", found[0])
    for finding in (*sagas.whole(booking), *sagas.path(booking), *sagas.timers(booking)):
        yield f"{finding.kind}: {', '.join(finding.records)}: {finding.says}"
    if booking.status == "confirmed":
        serving = next((h for h in found[1:] if h is not None and h.id in booking.host_ids), None)
        for finding in times.held(booking, cast("Host | None", serving)):
            yield f"{finding.kind}: {', '.join(finding.records)}: {finding.says}"


def _of_pair(found: list[Record | None]) -> Iterator[str]:
    standing = [b for b in found if isinstance(b, Booking) and b.status == "confirmed"]
    for place, one in enumerate(standing):
        for other in standing[place + 1 :]:
            if set(one.host_ids) & set(other.host_ids) and one.start < other.end and other.start < one.end:
                yield f"double_booked: {one.id} and {other.id} are both confirmed on {one.host_ids[0]}"


def _of_charges(found: list[Record | None]) -> Iterator[str]:
    rotation = cast("Rotation", found[0])
    for finding in turns.balanced(rotation):
        yield f"{finding.kind}: {finding.says}"
    charged = {choice.id for choice in found[1:] if isinstance(choice, Choice) and choice.charge is not None}
    charged |= {choice_of(entry) for entry in rotation.owed if entry.id.startswith(FILE)}
    if rotation.turn > len(charged):
        yield f"charged twice: {rotation.turn} charges of {len(charged)} attempts are counted"


def _credits(rotation: Rotation, choices: Sequence[Choice]) -> Iterator[str]:
    """Credits are exactly what the choices in force make them."""
    due = {member.member_id: 0 for member in rotation.members}
    for choice in choices:
        for finding in turns.applied(choice):
            yield f"{finding.kind} at rest: {finding.says}"
        if choice.charge is None or choice.returned:
            continue
        for share in choice.charge.candidates:
            due[share.member_id] += share.gained
        if choice.charge.charged and choice.payer is not None:
            due[choice.payer] -= choice.charge.paid
    for member in rotation.members:
        if member.credit != due[member.member_id]:
            says = f"{member.member_id} has {member.credit / UNIT:g}, the choices in force make it"
            yield f"wrong credit at rest: {says} {due[member.member_id] / UNIT:g}"


_LOOKS = {"host": _of_host, "booking": _of_booking, "pair": _of_pair, "charges": _of_charges}
