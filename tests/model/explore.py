"""Breadth first through every state of a scenario: the first violation found has the shortest way there.

A state is five things: the records, all that was ever said, what of it was not handled yet, the handlers under way, and
three flags. What is said twice is kept once, so there are finitely many states although nothing bounds how often a
message comes or a handler dies.
"""

from collections.abc import Iterator

from services.availability.domain.hosts import Host, archive
from services.booking.domain.bookings import OVER, Booking, facts_now
from services.booking.domain.transitions import EXPIRE, REDRIVE
from tests.model.handling import Done
from tests.model.invariants import Invariants
from tests.model.machine import Machine
from tests.model.protocol import LATER, NOW, World
from tests.model.states import (
    AGAIN,
    FAULTS,
    LONG_PASSED,
    LOST,
    NOTHING_OFF,
    REPUBLISHED,
    By,
    Found,
    State,
    Switches,
    Way,
)
from turnus_runtime.records import Decision

ARCHIVES = -1
_COPY = 32
_THREAD = (1 << _COPY) - 1


def _archived(host: Host | None) -> Decision[Host, None]:
    """A reservation for somebody else, long after: it makes the host forget what is past."""
    return Decision(None, archive(host, LATER) if host is not None else None)


class Explorer:
    """Explores one world.

    A thread in a state is one int: twice its number in the machine, plus 1 if it took its message from the broker (and
    gives it back when it dies), plus the copy that it decides on, above bit 32 (0: none; number of the record + 1).
    """

    def __init__(self, world: World, switches: Switches = NOTHING_OFF) -> None:
        self.world = world
        self._scenario = world.scenario
        self._switches = switches
        fires = {EXPIRE: self._scenario.expires, REDRIVE: self._scenario.asks_again}
        self._silent = frozenset(name for name, may in fires.items() if not may)
        self._machine: Machine = world.machine
        self._invariants = Invariants(world)
        self.states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._parents: list[int] = []
        self._ways: list[Way] = []
        self._edges: list[tuple[int, int]] = []
        self._resting: list[int] = []

    def explore(self, most: int | None = None) -> Found:
        """Every state, or the first `most` of them."""
        found, at, level_ends = Found(self.world), 0, 1
        self._reach(self._first(), -1, Way(By.ASKED, -1))
        while at < len(self.states) and found.violation is None:
            if at == level_ends:
                found.depth, level_ends = found.depth + 1, len(self.states)
            self._look(found, at)
            at += 1
            if most is not None and len(self.states) > most:
                found.complete = False
                break
        if found.complete and found.violation is None and (stuck := self._stuck()) is not None:
            self._violated(found, stuck, "rest cannot be reached from here")
        found.states = len(self.states)
        return found

    def _first(self) -> State:
        blank = State(self.world.first, 0, 0, (), 0)
        return self._wrote(blank, 0, self.world.first[0], self.world.first_said)

    def _look(self, found: Found, at: int) -> None:
        """One state: what is wrong with it, and what comes after it."""
        state = self.states[at]
        if (wrong := self._wrong(state)) is not None:
            self._violated(found, at, wrong)
            return
        for way, after in self._ways_on(state):
            found.transitions += 1
            if way.broken is not None:
                self._violated(found, at, f"nobody can handle it: {way.broken}")
                found.trace.append((way, after))
                return
            if after != state:
                number = self._reach(after, at, way)
                if way.by not in FAULTS:
                    self._edges.append((at, number))
        if self._is_at_rest(state):
            found.at_rest += 1
            self._resting.append(at)
            if (wrong := self._invariants.at_rest(state.records)) is not None:
                self._violated(found, at, wrong)

    def _reach(self, state: State, parent: int, way: Way) -> int:
        """The number of a state; `way` leads there from `parent`, and nothing shorter did if it is new."""
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self.states)
            self.states.append(state)
            self._parents.append(parent)
            self._ways.append(way)
        return number

    def _violated(self, found: Found, at: int, wrong: str) -> None:
        found.violation, found.trace = wrong, self._trace(at)

    def _wrong(self, state: State) -> str | None:
        return self._invariants.of_state(state.records) or self._invariants.of_said(state.said)

    def _trace(self, at: int) -> list[tuple[Way, State]]:
        way: list[tuple[Way, State]] = []
        while at >= 0:
            way.append((self._ways[at], self.states[at]))
            at = self._parents[at]
        return way[::-1]

    def _stuck(self) -> int | None:
        """A state from which no resting one can be reached without a fault."""
        reaches = bytearray(len(self.states))
        for number in self._resting:
            reaches[number] = 1
        grew = True
        while grew:
            grew = False
            for before, after in reversed(self._edges):
                if reaches[after] and not reaches[before]:
                    reaches[before] = grew = True
        stuck = reaches.find(0)
        return None if stuck < 0 else stuck

    # -- what may happen next

    def _remembers(self, flags: int) -> bool:
        """Whether tracked deliveries may still come again after they were handled."""
        return self._scenario.again is None or flags < self._scenario.again * AGAIN

    def _once_more(self, state: State) -> State:
        """One of the late deliveries is used; after the last one nobody needs to know any more what was ever said."""
        flags = state.flags + AGAIN
        return state._replace(flags=flags, said=self._kept_in_mind(state.said, flags))

    def _kept_in_mind(self, said: int, flags: int) -> int:
        return said if self._remembers(flags) else said & ~self._machine.tracked

    def _is_at_rest(self, state: State) -> bool:
        """Nobody is under way, nothing waits, and neither a timer nor anything that may come again changes anything."""
        if state.threads or state.pending:
            return False
        bookings = range(len(self.world.bookings))
        if state.flags & LOST and not all(state.flags & REPUBLISHED << number for number in bookings):
            return False
        later = bool(state.flags & LONG_PASSED)
        for record in state.records:
            for thread in self._machine.timers(record, later=later):
                entry = self._machine.started(thread).entry
                if entry is not None and entry.name not in self._silent and self._does(thread, state, speaks=True):
                    return False
        said = state.said & ~self._machine.tracked
        while said:
            low = said & -said
            said ^= low
            if self._does(self._machine.hearing(low.bit_length() - 1, later=later), state, speaks=False):
                return False
        return True

    def _does(self, thread: int | None, state: State, *, speaks: bool) -> bool:
        """Whether a handler that begins now would change anything, or say something (new, unless it `speaks`)."""
        while thread is not None:
            slot = self._machine.threads[thread].slot
            done = self._machine.step(thread, state.records[slot])
            news = done.said if speaks else done.said & ~state.said & ~self._machine.tracked
            if done.record != state.records[slot] or news or done.broken is not None:
                return True
            thread = done.thread
        return False

    def _ways_on(self, state: State) -> Iterator[tuple[Way, State]]:
        scenario, later = self._scenario, bool(state.flags & LONG_PASSED)
        pending, tracked = state.pending, self._machine.tracked
        again = self._remembers(state.flags)
        once = state if scenario.again is None else self._once_more(state)
        coming = state.said | pending if again else state.said & ~tracked | pending
        while coming:
            low = coming & -coming
            coming ^= low
            delivery = low.bit_length() - 1
            thread = self._machine.hearing(delivery, later=later)
            if not tracked & low:
                yield from self._started(state, Way(By.HEARD, delivery), thread, owns=0)
                continue
            if pending & low:
                taken = state._replace(pending=pending ^ low)
                yield from self._started(taken, Way(By.HEARD, delivery), thread, owns=1)
                if scenario.unheard and self._needs_calendar(delivery):
                    yield Way(By.UNHEARD, delivery), taken
            if again:
                yield from self._started(once, Way(By.HEARD_AGAIN, delivery), thread, owns=0)
        previous = -1
        for place, thread in enumerate(state.threads):
            if thread == previous:
                continue
            previous = thread
            rest = state._replace(threads=state.threads[:place] + state.threads[place + 1 :])
            number = (thread & _THREAD) >> 1
            yield Way(By.DIED, number), self._dropped(rest, thread)
            yield from self._went_on(rest, Way(By.GOES_ON, number), number, thread & 1, thread >> _COPY)
        yield from self._timers_fire(state, later=later)
        yield from self._world_moves(state)

    def _timers_fire(self, state: State, *, later: bool) -> Iterator[tuple[Way, State]]:
        for record in state.records:
            for thread in self._machine.timers(record, later=later):
                entry = self._machine.started(thread).entry
                if entry is None or entry.name not in self._silent:
                    yield from self._started(state, Way(By.FIRED, thread), thread, owns=0)

    def _world_moves(self, state: State) -> Iterator[tuple[Way, State]]:
        for client, (_, on, slot, decision) in enumerate(self.world.clients):
            done = self._machine.decide_remembered(client, state.records[slot], decision, on)
            if done.record != state.records[slot]:
                yield Way(By.ASKED, client), self._wrote(state, slot, done.record, done.said)
        if not state.flags & LONG_PASSED and self._may_forget(state):
            after = state._replace(flags=state.flags | LONG_PASSED)
            for slot in self.world.host_slots:
                done = self._machine.decide_remembered(ARCHIVES, state.records[slot], _archived)
                after = self._wrote(after, slot, done.record, 0)
            yield Way(By.TIME_PASSED, 0), after
        if not self._scenario.loses:
            return
        if not state.flags & LOST:
            yield Way(By.BROKER_LOST, 0), state._replace(said=0, pending=0, flags=state.flags | LOST)
            return
        for number, slot in enumerate(self.world.booking_slots):
            flag = REPUBLISHED << number
            booking = self._machine.records[state.records[slot]]
            if not state.flags & flag and isinstance(booking, Booking):
                said = self._machine.says_now(facts_now(booking, NOW))
                after = self._wrote(state, slot, state.records[slot], said)
                yield Way(By.REPUBLISHED, number), after._replace(flags=state.flags | flag)

    def _may_forget(self, state: State) -> bool:
        if self._scenario.forgets != "decided":
            return self._scenario.forgets == "ever"
        bookings = [self._machine.records[state.records[slot]] for slot in self.world.booking_slots]
        return not any(isinstance(b, Booking) and b.open_attempt and b.status not in OVER for b in bookings)

    def _needs_calendar(self, delivery: int) -> bool:
        event = self._machine.deliveries[delivery].event
        return event is not None and event.topic() in {"BookingRequested", "SlotReserved"}

    def _started(self, state: State, way: Way, thread: int, owns: int) -> Iterator[tuple[Way, State]]:
        if len(state.threads) >= self._scenario.at_once and self._scenario.copies:
            return
        yield from self._went_on(state, way, thread, owns, 0)

    def _went_on(self, state: State, way: Way, number: int, owns: int, copy: int) -> Iterator[tuple[Way, State]]:
        """The next step of thread `number`, which is not among the threads of `state`."""
        thread = self._machine.threads[number]
        slot = thread.slot
        present = state.records[slot]
        if self._scenario.copies and thread.decides and not copy:
            yield way, self._joined(state, ((present + 1) << _COPY) | number << 1 | owns)
            return
        done = self._committed(number, present, copy)
        if done.broken is not None:
            yield way._replace(broken=done.broken), state
            return
        if done.thread is not None and not thread.is_whole and len(state.threads) >= self._scenario.at_once:
            return
        if not self._switches.owed_in_the_write and done.record != present and done.said:
            yield Way(By.DIED, number), self._dropped(self._wrote(state, slot, done.record, 0), number << 1 | owns)
        after = self._wrote(state, slot, done.record, done.said)
        while thread.is_whole and done.thread is not None:
            thread = self._machine.threads[done.thread]
            done = self._machine.step(done.thread, after.records[thread.slot])
            if done.broken is not None:
                yield way._replace(broken=done.broken), state
                return
            after = self._wrote(after, thread.slot, done.record, done.said)
        if done.thread is not None:
            yield way, self._joined(after, done.thread << 1 | owns)
        else:
            yield way, after
            if owns and after != state:
                yield Way(By.UNACKNOWLEDGED, number), self._dropped(after, number << 1 | owns)

    def _committed(self, number: int, present: int, copy: int) -> Done:
        """A decision on a copy counts if the record is as it was; otherwise it is made again on a fresh one."""
        if copy and copy - 1 != present:
            stale = self._machine.step(number, copy - 1)
            if stale.record != copy - 1 and not self._switches.version_in_the_filter:
                return stale
        return self._machine.step(number, present)

    def _dropped(self, state: State, thread: int) -> State:
        """The thread is gone; the message that it took is there again."""
        if not thread & 1 or not self._switches.offsets_after_the_work:
            return state
        started = self._machine.threads[(thread & _THREAD) >> 1].started
        return state._replace(pending=state.pending | self._machine.bit_of[started])

    @staticmethod
    def _joined(state: State, thread: int) -> State:
        return state._replace(threads=tuple(sorted((*state.threads, thread))))

    def _wrote(self, state: State, slot: int, record: int, said: int) -> State:
        records = state.records
        if records[slot] != record:
            records = (*records[:slot], record, *records[slot + 1 :])
        pending = state.pending | said & self._machine.tracked
        return State(records, self._kept_in_mind(state.said | said, state.flags), pending, state.threads, state.flags)
