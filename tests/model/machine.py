"""Production handlers, one atomic step at a time: what a step does is a pure function of one record, and is remembered.

A handler is a coroutine that touches the world only through records: it reads one, or decides on one. Each of these is
one atomic step; between two of them anything else may happen, and the handler may die. A *thread* is a handler together
with the answers that it got so far; a copy of it for every interleaving is had by running it again with these answers.
Records, events, deliveries and threads are kept once each and named by small numbers, so that a state is a few numbers.
"""

# pyright: reportPrivateUsage=false

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.assignment.domain.rotation import Rotation
from services.assignment.service import service as assignment
from services.availability.domain.hosts import Host
from services.availability.domain.schedule import Schedule, WeeklyRange
from services.availability.domain.serving import ServedCalendar
from services.availability.handlers.reserving import reserve_slot
from services.availability.service import service as availability
from services.availability.store.teams import Rules, RulesCache
from services.booking.domain.bookings import Booking
from services.booking.domain.transitions import CONCLUDE, EXPIRE
from services.booking.service import service as booking
from tests.model.handling import Access, Arrow, Done, Started, Thread, Turn, named
from turnus_contracts import Event
from turnus_runtime.owing import owed_after
from turnus_runtime.records import Decision, Owed, Record
from turnus_runtime.saga import START

SERVICES = (booking, availability, assignment)
ALWAYS = Schedule("UTC", (WeeklyRange(frozenset(range(1, 8)), 0, 1440),))
LEFT_OUT = frozenset({CONCLUDE})
"""Timers that the model does not fire."""


class Machine:
    """The services of the model: numbers for everything, and what a step does."""

    def __init__(
        self,
        calendar: ServedCalendar,
        now: datetime,
        late: datetime,
        later: datetime,
        whole: frozenset[str],
        tracked: str,
    ) -> None:
        """`now`: when everything happens; `late`: after every deadline; `later`: when even the records forget."""
        self._calendar = calendar
        self._whole = whole
        self._tracks = tracked
        self.tracked = 0
        """the deliveries that are tracked, as bits"""
        self._now, self._late, self._later = now, late, later
        self.slots: list[tuple[type[Record], str]] = []
        self._slot_of: dict[tuple[str, str], int] = {}
        self.records: list[Record | None] = [None]
        self._record_ids: dict[str, int] = {}
        self.events: list[Event] = []
        self._deliveries_of: dict[str, int] = {}
        self.deliveries: list[Started] = []
        self.event_of: list[int] = []
        self._starteds: list[Started] = []
        self._started_ids: dict[Any, int] = {}
        self.threads: list[Thread] = []
        self._thread_ids: dict[Any, int] = {}
        self._steps: dict[tuple[int, int], Done] = {}
        self._roots: dict[tuple[int, bool], int] = {}
        self._timers: dict[tuple[int, bool], tuple[int, ...]] = {}
        self.bit_of: dict[int, int] = {}
        """The delivery, as a bit, that a handler handles."""
        self._requests: dict[tuple[int, int], Done] = {}
        self.arrows: set[Arrow] = set()
        """every change of a booking that was seen"""
        self.decisions = 0
        """how often production code was asked; all other steps were remembered"""

    # -- numbers

    def slot(self, kind: type[Record], id: str) -> int:
        """The place of this record in a state."""
        found = self._slot_of.get((kind.collection, id))
        if found is None:
            found = self._slot_of[(kind.collection, id)] = len(self.slots)
            self.slots.append((kind, id))
        return found

    def record(self, record: Record | None) -> int:
        """The number of this content, 0 for none."""
        if record is None:
            return 0
        record = self._plain(record)
        key = f"{record.collection}/{record.id}/{record.model_dump_json()}/{record.owed!r}"
        found = self._record_ids.get(key)
        if found is None:
            found = self._record_ids[key] = len(self.records)
            self.records.append(record)
        return found

    def saying(self, event: Event) -> int:
        """The deliveries of an event, as bits: one for each service that consumes it."""
        key = f"{event.topic()}/{event.model_dump_json()}"
        found = self._deliveries_of.get(key)
        if found is None:
            found = 0
            for service in SERVICES:
                handler = service.consumes.get(type(event))
                started = Started(service.name, f"hears {event.topic()}", handler, event) if handler else None
                if started is not None and self._is_for(started):
                    found |= 1 << len(self.deliveries)
                    if self._tracks == "*" or (self._tracks and started.title.startswith(self._tracks)):
                        self.tracked |= 1 << len(self.deliveries)
                    self.event_of.append(len(self.events))
                    self.deliveries.append(started)
            self._deliveries_of[key] = found
            self.events.append(event)
        return found

    def _is_for(self, started: Started) -> bool:
        """Whether the handler does anything at all about its event."""
        try:
            self._coroutine(started, self._turn(started)).send(None)
        except StopIteration:
            return False
        return True

    def hearing(self, delivery: int, *, later: bool) -> int:
        """The thread that handles a delivery, before its first step."""
        found = self._roots.get((delivery, later))
        if found is None:
            found = self._begin(replace(self.deliveries[delivery], later=later), ("event", delivery, later))
            self._roots[(delivery, later)] = found
            self.bit_of[self.threads[found].started] = 1 << delivery
        return found

    def timers(self, record: int, *, later: bool) -> tuple[int, ...]:
        """The threads of the timers that a record owes."""
        found = self._timers.get((record, later))
        if found is None:
            kept = self.records[record]
            owed = [entry for entry in kept.owed if entry.name not in LEFT_OUT] if kept is not None else []
            found = tuple(self._fire(kept, entry, later=later) for entry in owed if kept is not None)
            self._timers[(record, later)] = found
        return found

    def _fire(self, record: Record, entry: Owed, *, later: bool) -> int:
        service = next(one for one in SERVICES if entry.name in one.timers)
        handler = service.timers[entry.name]
        started = Started(service.name, f"timer {entry.name}", handler, None, record.id, entry, later)
        return self._begin(started, ("timer", record.id, repr(entry), later))

    def _begin(self, started: Started, key: Any) -> int:
        number = self._started_ids.get(key)
        if number is None:
            number = self._started_ids[key] = len(self._starteds)
            self._starteds.append(started)
        turn = self._turn(started)
        first = self._coroutine(started, turn).send(None)
        return self._thread(number, (), (), first)

    def started(self, thread: int) -> Started:
        """Why this thread runs."""
        return self._starteds[self.threads[thread].started]

    # -- steps

    def step(self, thread: int, record: int) -> Done:
        """The next step of a thread, which finds `record` in the place where it looks."""
        done = self._steps.get((thread, record))
        if done is None:
            done = self._steps[(thread, record)] = self._work(thread, record, self.records[record])
        return done

    def decide_remembered(
        self, client: int, record: int, decision: Callable[[Any], Decision[Any, Any]], on: str = ""
    ) -> Done:
        """A request of a client that asks the same every time."""
        done = self._requests.get((client, record))
        if done is None:
            done = self._requests[(client, record)] = self.decide(record, decision, on)
        return done

    def decide(self, record: int, decision: Callable[[Any], Decision[Any, Any]], on: str = "") -> Done:
        """A request `on` of a client: one decision."""
        decided = decision(self.records[record])
        after, said = self._written(self.records[record], decided)
        self._draw(on, self.records[record], after, decided)
        return Done(record if after is None else self.record(after), said)

    def says_now(self, events: Sequence[Event]) -> int:
        """The deliveries of several events."""
        bits = 0
        for event in events:
            bits |= self.saying(event)
        return bits

    def _work(self, thread: int, number: int, record: Record | None) -> Done:
        self.decisions += 1
        state = self.threads[thread]
        started = self._starteds[state.started]
        turn = self._turn(started)
        coroutine = self._coroutine(started, turn)
        access = coroutine.send(None)
        for _, answer in state.answers:
            if started.handler is reserve_slot and access.decision is not None:
                turn.is_blind = True
            access = coroutine.send(answer)
        turn.said.clear()
        after, bits, answer = number, 0, record
        try:
            if access.decision is not None:
                decided = access.decision(record)
                written, bits = self._written(record, decided)
                self._draw(started, record, written, decided)
                after = number if written is None else self.record(written)
                answer = decided.answer
                turn.is_blind = turn.is_blind or started.handler is reserve_slot
            if started.handler is reserve_slot and isinstance(answer, Host):
                # All that a team looks at: threads that saw the same of it are the same.
                answer = Host(id=answer.id, rules_version=answer.rules_version, reservations=answer.reservations)
            asked = coroutine.send(answer)
        except StopIteration:
            return Done(after, bits | self.says_now(turn.said))
        except Exception as problem:  # noqa: BLE001 (whatever a handler raises ends in the dead letters)
            return Done(after, bits, broken=f"{type(problem).__name__}: {problem}")
        bits |= self.says_now(turn.said)
        answers = (*state.answers, (self._key(answer), answer))
        if turn.is_blind:
            answers = tuple(self._forgotten(*one) for one in answers)
        coroutine.close()
        keys = tuple(key for key, _ in answers)
        return Done(after, bits, self._thread(state.started, keys, answers, asked))

    def _written(self, before: Record | None, decided: Decision[Any, Any]) -> tuple[Record | None, int]:
        """What the runtime would write (None: nothing), and all that is said: owed, or at once.

        An owed event is not told from one that was published and not handled yet: both will be handled, some time.
        """
        bits = self.says_now(decided.says)
        if decided.record is None:
            return None, bits
        owed = owed_after(before.owed if before is not None else (), decided, 0, 0, "")
        for entry in owed:
            if entry.kind == "event" and entry.data is not None:
                bits |= self.saying(_contract(entry.name).model_validate(entry.data))
        kept = tuple(entry for entry in owed if entry.kind not in ("event", "state"))
        return decided.record.change(owed=kept), bits

    def _draw(
        self, cause: Started | str, before: Record | None, after: Record | None, decided: Decision[Any, Any]
    ) -> None:
        """Note a change of a booking; nothing is noted of a decision that neither changes nor says anything."""
        booking = after or before
        if not isinstance(booking, Booking):
            return
        owed = {entry.name for entry in decided.owes if entry.kind in ("event", "state")}
        said = frozenset(owed | {event.topic() for event in decided.says})
        unchanged = isinstance(before, Booking) and before.attempts == self._plain(booking).attempts
        if not said and unchanged and isinstance(before, Booking) and before.status == booking.status:
            return
        source = before.status if isinstance(before, Booking) else START
        self.arrows.add(Arrow(source, named(cause, before), booking.status, said))

    def _turn(self, started: Started) -> Turn:
        expires = started.entry is not None and started.entry.name == EXPIRE
        now = self._later if started.later else self._late if expires else self._now
        cache = RulesCache()
        for member in self._calendar.member_ids:
            cache.keep(member, Rules(0, ALWAYS, ()))
        cache.keep(self._calendar.id, Rules(0, ALWAYS, ()))
        return Turn(now, {self._calendar.id: self._calendar}, cache)

    def _coroutine(self, started: Started, turn: Any) -> Coroutine[Any, Any, None]:
        if started.event is not None:
            return started.handler(started.event, turn)
        return started.handler(started.record_id, started.entry, turn)

    def _thread(self, started: int, keys: tuple[Any, ...], answers: tuple[Any, ...], access: Access) -> int:
        key = (started, keys)
        found = self._thread_ids.get(key)
        if found is None:
            found = self._thread_ids[key] = len(self.threads)
            verb = "reads" if access.decision is None else "writes"
            asked = f"{verb} {access.kind.collection}/{access.id}"
            whole = self._starteds[started].service in self._whole
            self.threads.append(
                Thread(started, answers, self.slot(access.kind, access.id), asked, access.decision is not None, whole)
            )
        return found

    def _key(self, answer: Any) -> Any:
        if isinstance(answer, Record):
            return self.record(answer)
        return repr(answer)

    def _forgotten(self, key: Any, answer: Any) -> tuple[Any, Any]:
        """What was read of hosts before the candidates were pinned has no say any more."""
        if not isinstance(answer, Host):
            return key, answer
        blank = Host(id=answer.id)
        return self.record(blank), blank

    def _plain(self, record: Record) -> Record:
        """The record without what no decision looks at: how often something was asked, and the order of sets."""
        owed = sorted((replace(entry, due=0, tries=0, trace="") for entry in record.owed), key=lambda entry: entry.id)
        values: dict[str, Any] = {"owed": tuple(owed)}
        if isinstance(record, Booking):
            values["attempts"] = tuple(attempt.model_copy(update={"asked": 1}) for attempt in record.attempts)
        if isinstance(record, Host):
            for name in ("refused", "tombstones", "answered"):
                marks: dict[str, str] = getattr(record, name)
                values[name] = {day: _in_order(marks[day]) for day in sorted(marks)}
        if isinstance(record, Rotation) and "assignment" in self._whole:
            values["version"] = 1  # nobody is between two looks at it
        return record.change(**values)


def _in_order(marks: str) -> str:
    return "".join(sorted(marks[at : at + 16] for at in range(0, len(marks), 16)))


def _contract(topic: str) -> type[Event]:
    return next(kind for service in SERVICES for kind in service.publishes if kind.topic() == topic)
