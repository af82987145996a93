"""What must hold, looked at with every write and every word said, and once more when everything has come to rest.

What can be told from records is said by `oversight.invariants`, as the auditor says it of live stores. The watcher sees
all stores and the broker at once and every step between, so it adds what is about steps and words.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from oversight.invariants import mails, sagas, times, turns
from oversight.invariants.findings import Finding
from oversight.invariants.sagas import STANDING
from services.assignment.domain.choice import Choice
from services.assignment.domain.rotation import Rotation
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.rules import Blocks, MemberLimits, MemberSchedule
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.notify.domain.notices import Notice, notification_id
from services.notify.domain.reminding import ReminderTimes
from tests.simulation.allowed import Allowed
from tests.simulation.coverage import Place
from tests.simulation.quiet import HANDLING
from tests.simulation.words import name_of, short, shortened, shown
from turnus_contracts import AssigneeChosen, AssigneeSettled, SlotRefused
from turnus_runtime import store
from turnus_runtime.ports import Message
from turnus_runtime.records import Record
from turnus_runtime.saga import START

if TYPE_CHECKING:
    from tests.simulation.process import SimulatedProcess
    from tests.simulation.world import World

R = TypeVar("R", bound=Record)
WATCHED: dict[tuple[str, str], type[Record]] = {
    ("booking", "bookings"): Booking,
    ("availability", "hosts"): Host,
    ("availability", "claims"): Claim,
    ("availability", "blocks"): Blocks,
    ("availability", "schedules"): MemberSchedule,
    ("availability", "calendars"): ServedCalendar,
    ("availability", "tallies"): Tally,
    ("availability", "limits"): MemberLimits,
    ("booking", "calendars"): Calendar,
    ("assignment", "rotations"): Rotation,
    ("assignment", "choices"): Choice,
    ("notify", "notices"): Notice,
    ("notify", "reminder_times"): ReminderTimes,
}
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
        self._places: dict[tuple[str, str, str, str, str], Place] = {}
        self._under_way: Counter[tuple[str, str, int, int]] = Counter()
        self.allowed = Allowed(world, self)
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
        record = store.loaded(kind, kept.told)
        self._last[place] = (kept.version, record)
        if isinstance(record, ServedCalendar | Blocks | MemberLimits | MemberSchedule):
            self.allowed.learn(before, record)
        if isinstance(record, Blocks | MemberLimits | MemberSchedule):
            return
        self._world.note(process.name, f"write {short(id)} v{kept.version} {shown(record)}")
        if isinstance(record, Booking):
            self._booking(before, record)
        elif isinstance(record, Host):
            self._host(before, record)
        elif isinstance(record, Tally):
            self.allowed.counts(before, record)
        elif isinstance(record, Notice):
            again = self._world.weather.skewed
            self.none(one for one in mails.once(record) if not (again and one.kind == "mail_twice"))
        elif isinstance(record, Rotation | Choice):
            self.none(turns.balanced(record) if isinstance(record, Rotation) else turns.applied(record))

    def published(self, process: "SimulatedProcess", messages: Sequence[Message]) -> None:
        """A process says something."""
        for message in messages:
            self._world.note(process.name, f"say   {name_of(message)}")
            if message.topic.endswith(".dlq"):
                told = message.headers
                self._world.fail(f"dead letter of {told['origin_topic']}: {told['error']} {told['error_detail']}")
            elif message.topic in ("AssigneeSettled", "SlotRefused", "AssigneeChosen"):
                self._answered(message)

    @contextmanager
    def delivered(self, process: "SimulatedProcess", message: Message) -> Generator[None]:
        """A process handles a message; at times two do, of which one is a zombie."""
        self._world.note(process.name, f"hear  {name_of(message)}")
        where = (process.service.name, message.topic, message.partition, message.offset)
        if self._under_way[where]:
            self.coverage[f"zombie {process.service.name} {message.topic}"] += 1
        self._under_way[where] += 1
        try:
            yield
        finally:
            self._under_way[where] -= 1

    def place(self, service: str, moment: str, verb: str, where: str) -> Place:
        """The step of a handler that a process is at."""
        key = (service, HANDLING.get(), moment, verb, where)
        place = self._places.get(key)
        if place is None:
            name = f"{service} {key[1] or 'loop'}: {moment} {verb} {where}"
            place = self._places[key] = Place(name, self._world.weather.aims_at(name))
        place.met += 1
        return place

    @property
    def places(self) -> list[Place]:
        """All steps that were met."""
        return list(self._places.values())

    def told(self, key: str, answer: str) -> None:
        """A guest gets the final answer to the command with this key: it never changes."""
        first = self._answers.setdefault(key, answer)
        if first != answer:
            self._world.fail(f"the same command {key} was answered {first}, then {answer}")

    def mailed(self, process: "SimulatedProcess", message_id: str) -> None:
        """The mail server takes a mail: once, unless its sender could not know of the first time."""
        self._world.note(process.name, f"mail  {short(message_id.partition('@')[0])}")
        post = self._world.post
        if self._world.weather.skewed:
            return
        for notice in self.records(Notice):
            for message in notice.messages:
                mine = notification_id(notice.id, message.key) == message_id.partition("@")[0]
                if mine and message.status == "sent" and message_id not in post.unheard:
                    self._world.fail(f"{message.key} of {short(notice.id)} goes out again")

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
            self._world.fail(f"{name_of(message)} was first {said[message.topic]} and is now {told}")
        if "AssigneeSettled" in said and "SlotRefused" in said:
            self._world.fail(f"attempt {event.attempt} of {short(event.booking_id)} got a yes and a no")

    def _booking(self, before: Booking | None, now: Booking) -> None:
        came_from = before.status if before is not None else START
        what = now.history[-1].what if before is None or len(now.history) > len(before.history) else "asked again"
        self.coverage[f"booking {came_from} --{what}--> {now.status}"] += 1
        if what in FINAL:
            self._in_time(now, what)
        if not sagas.is_legal(came_from, now.status):
            self._world.fail(f"{short(now.id)} went from {came_from} to {now.status}")
        if before is not None:
            if now.version < before.version or len(now.attempts) < len(before.attempts):
                self._world.fail(f"{short(now.id)} went back in time")
            for old, new in zip(before.attempts, now.attempts, strict=False):
                if old.state != "open" and new != old:
                    self._world.fail(f"attempt {old.number} of {short(now.id)} was {old.state} and is {new.state}")
        self.none((*sagas.whole(now), *sagas.path(now), *sagas.timers(now)))
        if now.status in STANDING and not self._held(now):
            self._world.fail(f"{short(now.id)} is {now.status} and {short(now.host_ids[0])} does not hold the time")

    def _in_time(self, booking: Booking, what: str) -> None:
        asked, calm = booking.latest.requested_at, self._world.calm_since
        if self._world.weather.skewed:
            return
        if not sagas.in_time(asked, booking.changed_at):
            self._world.fail(f"{short(booking.id)} was {what} {booking.changed_at - asked} after it was asked for")
        if what.endswith("expired") and calm is not None and booking.changed_at - max(asked, calm) > ANSWERED_WITHIN:
            self._world.fail(f"{short(booking.id)} expired although everything worked")

    def _held(self, booking: Booking) -> bool:
        host: Host | None = self._last.get(("availability", "hosts", booking.host_ids[0]), (0, None))[1]
        return times.is_held(booking, host)

    def _host(self, before: Host | None, now: Host) -> None:
        self.none(times.double_bookings(now))
        self.allowed.gave(before, now)
        for gone in before.reservations if before is not None else ():
            booking: Booking | None = self._last.get(("booking", "bookings", gone.booking_id), (0, None))[1]
            if booking is None or booking.status not in STANDING or booking.attempt != gone.attempt:
                continue
            if booking.host_ids[0] == now.id and not self._held(booking):
                self._world.fail(f"{short(now.id)} gives back the time of {short(booking.id)}, which stands")

    def none(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._world.fail(f"{finding.kind}: {shortened(' '.join((*finding.records, finding.says)))}")

    def latest(self, kind: type[R], id: str) -> R | None:
        """One record of a watched type as it is now."""
        (place,) = [place for place, one in WATCHED.items() if one is kind]
        return self._last.get((*place, id), (0, None))[1]

    def records(self, kind: type[Any]) -> list[Any]:
        """The records of one watched type as they are now."""
        return [record for _, record in self._last.values() if isinstance(record, kind)]
