"""A world for the rotation's handlers: records in a dict, and whatever may happen, by one seed.

Every read and write of a handler waits at a *gate*; the seed picks which gate opens next, who crashes there, which
message is delivered again and in what order, which fact is lost for good. Bookings are played as `availability` and
`booking` would: the first AssigneeChosen settles (with the chosen one, or another who was free), facts follow. At the
end everything is delivered and every timer fires, and `check` compares the rotation with what really happened.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from services.assignment import handlers
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import Rotation
from services.assignment.settings import Settings
from tests.unit.assignment import examples
from turnus_contracts import AssigneeChosen, Event, Settled
from turnus_runtime.records import Decision, Owed, Record
from turnus_runtime.turn import Turn

CONSUMES: dict[str, str] = {
    "CalendarPublished": "apply_calendar",
    "SlotReserved": "choose_assignee",
    "AssigneeSettled": "follow_settlement",
    "AttemptReleased": "release_attempt",
    "BookingConfirmed": "follow_booking",
    "BookingMoved": "follow_booking",
    "BookingConcluded": "follow_booking",
    "BookingReleased": "release_booking",
}
IMPATIENT = Settings(assignment_calendar_wait_seconds=0)
TIMERS = {"file_choice": "run_errand", "mark_applied": "run_errand", "apply_choice": "apply_choice"}


class Violation(AssertionError):
    """An invariant does not hold."""


class DictShelf:
    """The records of one service: what `turnus_runtime.turn.Shelf` promises, on a dict."""

    def __init__(self, gate: Callable[[], Awaitable[None]]) -> None:
        self.gate = gate
        self.records: dict[tuple[str, str], Record] = {}
        self.said: list[Event] = []
        self.topics: dict[str, type[Event]] = {AssigneeChosen.topic(): AssigneeChosen}

    async def get(self, kind: type[Any], id: str) -> Any:
        await self.gate()
        return self.records.get((kind.collection, id))

    async def versions(self, kind: type[Any], ids: Sequence[str]) -> Mapping[str, int]:
        raise AssertionError("nobody asks for versions here")

    async def find(self, kind: type[Any], index: str, low: Any, high: Any, *, limit: int, reverse: bool) -> list[Any]:
        await self.gate()
        found = [record for (name, _), record in self.records.items() if name == kind.collection]
        keyed = [(record.keys().get(index), record) for record in found]
        within = sorted((key, record) for key, record in keyed if key is not None and low <= key < high)
        return [record for _, record in (reversed(within) if reverse else within)][:limit]

    async def decide(self, kind: type[Any], id: str, decision: Callable[[Any], Decision[Any, Any]]) -> Any:
        await self.gate()
        before = self.records.get((kind.collection, id))
        decided = decision(before)
        if decided.record is not None:
            gone = {entry.id for entry in decided.owes} | set(decided.drops)
            kept = [entry for entry in (before.owed if before else ()) if entry.id not in gone]
            owed = (*kept, *(entry for entry in decided.owes if entry.kind == "timer"))
            written = kind.model_validate(decided.record.model_dump(mode="json")).change(owed=owed)
            self.records[kind.collection, id] = written
            for entry in decided.owes:
                if entry.kind == "event" and entry.name in self.topics:
                    self.said.append(self.topics[entry.name].model_validate(entry.data))
        await self.gate()
        self.said.extend(decided.says)
        return decided.answer

    async def say(self, events: Sequence[Event]) -> None:
        await self.gate()
        self.said.extend(events)


@dataclass
class Played:
    """One booking as its own service sees it."""

    id: str
    attempt: int = 1
    open: bool = True
    """the present attempt is not settled yet"""
    over: bool = False
    in_force: int = 0
    hosts: dict[int, str] = field(default_factory=dict)
    free: dict[int, list[str]] = field(default_factory=dict)
    answers: dict[int, AssigneeChosen] = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)
    version: int = 1
    fact: Settled | None = None


class World:
    """One history."""

    def __init__(self, seed: int, *, members_change: bool = False) -> None:
        self.rng = random.Random(seed)
        self.shelf = DictShelf(self._gate)
        self.gates: list[asyncio.Future[None]] = []
        self.running: dict[asyncio.Task[None], Event | None] = {}
        self.waiting: list[Event] = []
        self.ever: list[Event] = []
        bookings = self.rng.randint(1, 5)
        self.bookings = {f"bk_{n}": Played(f"bk_{n}") for n in range(bookings)}
        self.heard = 0
        self.members_change = members_change
        self.calendar_version = 1
        self.names = [f"mem_{n}" for n in range(self.rng.randint(2, 5))]
        self.optimize = self.rng.choice(["equal", "equal", "totals", "availability"])
        self.moves = [self._deliver, self._open, self._deliver_again, self._act, self._fire, self._crash]
        # Every history has its own weather: some crash all the time, in some the timers never wait.
        self.weights = [4.0, 8.0, *(self.rng.choice((0.2, 1.0, 3.0)) for _ in self.moves[2:])]
        if members_change:
            self.moves.append(self._publish)
            self.weights.append(0.2)

    # --- what happens

    async def play(self, steps: int = 160) -> None:
        """Random steps, then everything comes to rest, then `check`."""
        await self._alone(handlers.apply_calendar(self._calendar(), self._turn()))
        for played in self.bookings.values():
            self._ask(played)
        for _ in range(steps):
            await self._step()
        await self._rest()
        self.check()

    async def _step(self) -> None:
        self.rng.choices(self.moves, self.weights)[0]()
        await self._settle_down()

    async def _rest(self) -> None:
        for _ in range(400):
            told = [played.fact for played in self._all()]
            for played in self.bookings.values():
                if played.open and not played.over and played.attempt not in played.answers:
                    self._ask(played)
                if played.fact is not None:
                    self.waiting.append(played.fact)
                self.waiting += [examples.attempt_released(booking=played.id, attempt=each) for each in played.given_up]
            while self.waiting or self.gates or self.running:
                while self.waiting:
                    self._deliver()
                self._open()
                await self._settle_down()
            self._fire(all_of_them=True)
            await self._settle_down()
            while self.gates or self.running:
                self._open()
                await self._settle_down()
            news = told != [played.fact for played in self._all()]
            if not news and not self.waiting and not self._owed() and not any(map(self._unanswered, self._all())):
                return
        raise Violation(f"never at rest, still owed: {[entry.id for _, entry in self._owed()]}")

    def _all(self) -> list[Played]:
        return list(self.bookings.values())

    def _unanswered(self, played: Played) -> bool:
        return played.open and not played.over and played.attempt not in played.answers

    async def _settle_down(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)
        for task in [task for task in self.running if task.done()]:
            del self.running[task]
            if not task.cancelled() and (problem := task.exception()) is not None:
                raise problem
        self.gates = [gate for gate in self.gates if not gate.done()]
        self._hear()
        self._sum_is_zero()

    async def _alone(self, work: Coroutine[Any, Any, None]) -> None:
        self._start(work, None)
        while self.running:
            self._open()
            await self._settle_down()

    # --- handlers under way

    async def _gate(self) -> None:
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate

    def _open(self) -> None:
        if self.gates:
            gate = self.rng.choice(self.gates)
            if not gate.done():
                gate.set_result(None)

    def _crash(self) -> None:
        if self.running:
            task = self.rng.choice(list(self.running))
            message = self.running[task]
            task.cancel()
            if message is not None:
                self.waiting.append(message)

    def _deliver(self) -> None:
        if self.waiting:
            message = self.waiting.pop(self.rng.randrange(len(self.waiting)))
            self.ever.append(message)
            handler = cast("Any", getattr(handlers, CONSUMES[message.topic()]))
            self._start(handler(message, self._turn()), message)

    def _deliver_again(self) -> None:
        if self.ever:
            self.waiting.append(self.rng.choice(self.ever))

    def _fire(self, *, all_of_them: bool = False) -> None:
        owed = self._owed()
        for record, entry in owed if all_of_them else owed and [self.rng.choice(owed)]:
            handler = cast("Any", getattr(handlers, TIMERS[entry.name]))
            self._start(handler(record.id, entry, self._turn()), None)

    def _start(self, work: Coroutine[Any, Any, None], message: Event | None) -> None:
        self.running[asyncio.ensure_future(work)] = message

    def _owed(self) -> list[tuple[Record, Owed]]:
        return [(record, entry) for record in self.shelf.records.values() for entry in record.owed]

    def _turn(self) -> Turn:
        nothing = cast("Any", None)
        now = examples.NOW + timedelta(seconds=len(self.ever))
        return Turn(now, self.shelf, nothing, nothing, nothing, IMPATIENT)

    # --- the rest of the world

    def _calendar(self) -> Any:
        weights = {name: self.rng.randint(1, 3) for name in self.names}
        return examples.published(weights, version=self.calendar_version, optimize=self.optimize)

    def _publish(self) -> None:
        self.calendar_version += 1
        everybody = [f"mem_{n}" for n in range(6)]
        self.names = self.rng.sample(everybody, self.rng.randint(0, 5))
        self.waiting.append(self._calendar())

    def _ask(self, played: Played) -> None:
        free = played.free.setdefault(
            played.attempt,
            self.rng.sample(self.names, self.rng.randint(1, len(self.names))) if self.names else ["mem_9"],
        )
        self.waiting.append(examples.reserved(free, booking=played.id, attempt=played.attempt))

    def _hear(self) -> None:
        """React to what assignment said."""
        for event in self.shelf.said[self.heard :]:
            self.heard += 1
            if isinstance(event, AssigneeChosen):
                self._chosen(event)

    def _chosen(self, event: AssigneeChosen) -> None:
        played = self.bookings[event.booking_id]
        first = played.answers.setdefault(event.attempt, event)
        if first != event:
            raise Violation(f"two choices for {event.booking_id} {event.attempt}: {first.host_ids}, {event.host_ids}")
        if played.over or not played.open or event.attempt != played.attempt:
            return
        host = event.host_ids[0]
        if event.charged and self.rng.random() < 0.3:
            host = self.rng.choice(played.free[event.attempt])
        played.open = False
        played.hosts[event.attempt] = host
        played.in_force = event.attempt
        self.waiting.append(examples.settled(host, booking=played.id, attempt=event.attempt, charged=event.charged))
        self._say(played, self._standing(played))

    def _standing(self, played: Played) -> Settled:
        played.version += 1
        host, attempt = played.hosts[played.in_force], played.in_force
        if attempt == 1:
            return examples.confirmed(host, booking=played.id, version=played.version)
        return examples.moved(host, attempt, booking=played.id, version=played.version)

    def _say(self, played: Played, fact: Settled) -> None:
        """One fact in five is lost: the last one is always said again in the end."""
        played.fact = fact
        if self.rng.random() < 0.8:
            self.waiting.append(fact)

    def _act(self) -> None:
        played = self.rng.choice(self._all())
        what = self.rng.random()
        if played.over:
            return
        if what < 0.25:
            played.over = True
            played.version += 1
            self._say(played, examples.released(booking=played.id, highest=played.attempt, version=played.version))
        elif what < 0.5 and played.open and played.in_force:
            played.given_up.add(played.attempt)
            self.waiting.append(examples.attempt_released(booking=played.id, attempt=played.attempt))
            played.open = False
        elif not played.open and played.attempt < 4:
            played.attempt += 1
            played.open = True
            self._ask(played)

    # --- what must hold

    @property
    def rotation(self) -> Rotation:
        """The rotation as it is now."""
        return cast("Rotation", self.shelf.records["rotations", "cal_a"])

    def _sum_is_zero(self) -> None:
        found = self.shelf.records.get(("rotations", "cal_a"))
        if found is not None and sum(member.credit for member in cast("Rotation", found).members):
            raise Violation("credits do not add up to zero")

    def check(self) -> None:
        """At rest: each choice is as the booking went, and the rotation holds exactly the choices in force."""
        credit: Counter[str] = Counter()
        served: Counter[str] = Counter()
        for played in self._all():
            for choice in self._charged(played):
                assert choice.charge is not None
                stands = not played.over and choice.attempt == played.in_force
                if choice.returned == stands:
                    raise Violation(f"{choice.id}: returned is {choice.returned}, in force {stands}")
                if not stands:
                    continue
                if choice.payer != played.hosts[choice.attempt]:
                    raise Violation(f"{choice.id}: {choice.payer} pays, {played.hosts[choice.attempt]} serves")
                credit.update({share.member_id: share.gained for share in choice.charge.candidates})
                credit[choice.payer] -= choice.charge.paid
                served[choice.payer] += 1
        if not self.members_change:
            self._compare(credit, served)

    def _charged(self, played: Played) -> list[Choice]:
        ids = [choice_id(played.id, attempt) for attempt in range(1, played.attempt + 1)]
        kept = [cast("Choice | None", self.shelf.records.get(("choices", each))) for each in ids]
        return [each for each in kept if each is not None and each.charge is not None and each.charge.charged]

    def _compare(self, credit: Counter[str], served: Counter[str]) -> None:
        for member in self.rotation.members:
            if member.credit != credit[member.member_id]:
                raise Violation(f"credit of {member.member_id}: {member.credit}, should be {credit}")
            if sum(member.served.values()) != served[member.member_id]:
                raise Violation(f"count of {member.member_id}: {member.served}, should be {served}")


def run(seed: int, **options: Any) -> World:
    """Play one history to its end; raises `Violation`."""
    world = World(seed, **options)
    asyncio.run(world.play())
    return world
