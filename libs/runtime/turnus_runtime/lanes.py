"""Which message may be handled now, which partition must wait, and which offset may be committed.

Pure bookkeeping of one subscription: no I/O, no clock, no tasks. The adapter of the broker and the simulated broker of
the tests drive the same code.

A *lane* is what the subscription makes of a message, over **all** topics (its key, or what it is about): its messages
are handled one at a time in the order they were taken, different lanes run side by side. Events of one lane mostly
change the same record, and two of them at once would only meet as a conflict in the store. Messages without a lane
share one per partition.

Offsets are committed per partition: the lowest one that is not finished, whatever was finished above it.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from turnus_runtime.ports import LaneOf, Message, by_key

Partition = tuple[str, int]
"""(topic, partition)"""


@dataclass(slots=True, eq=False)
class Entry:
    """One taken message. `closed` says that its partition was given up: its offset counts for nothing any more."""

    message: Message
    lane: str
    taken_at: float
    log: "_Log"

    @property
    def partition(self) -> Partition:
        return (self.message.topic, self.message.partition)

    @property
    def closed(self) -> bool:
        return self.log.closed


@dataclass(slots=True, eq=False)
class _Log:
    """What was taken from one partition since it was assigned (or since its offsets began anew)."""

    unfinished: list[int] = field(default_factory=list[int])  # a heap
    finished: set[int] = field(default_factory=set[int])  # of those in the heap
    next_offset: int = -1
    committed: int = -1
    running: int = 0
    closed: bool = False

    def position(self) -> int:
        """The offset to go on from after a crash: the lowest unfinished one, or the one after the last; -1: unknown."""
        while self.unfinished and self.unfinished[0] in self.finished:
            self.finished.discard(heapq.heappop(self.unfinished))
        return self.unfinished[0] if self.unfinished else self.next_offset


class Lanes:
    """Lanes and offsets of one subscription.

    `limit` bounds the messages taken and not finished, over all lanes, given that no more than `batch` are handed over
    at once; `depth` bounds those waiting in one lane before the partitions that feed it must pause.
    """

    def __init__(self, lane_of: LaneOf = by_key, *, limit: int = 500, batch: int = 100, depth: int = 100) -> None:
        if not 0 < batch < limit:
            raise ValueError(f"a batch must be between 1 and limit - 1 = {limit - 1}, not {batch}")
        self._lane_of = lane_of
        self._room = limit - batch
        self._depth = depth
        self._waiting: dict[str, deque[Entry]] = {}
        self._running: dict[str, Entry] = {}
        self._logs: dict[Partition, _Log] = {}
        self._held: dict[Partition, set[str]] = {}  # partition -> lanes that want it paused
        self._busy = 0
        self._full = False

    @property
    def busy(self) -> int:
        """Messages taken and not finished."""
        return self._busy

    @property
    def partitions(self) -> frozenset[Partition]:
        """Those that are ours now."""
        return frozenset(self._logs)

    def oldest(self) -> float | None:
        """When the message that waits or runs longest was taken; None if nothing does."""
        heads = [queue[0].taken_at for queue in self._waiting.values() if queue]
        return min([*heads, *(entry.taken_at for entry in self._running.values())], default=None)

    def running(self, partitions: Iterable[Partition]) -> int:
        """How many messages of these partitions are in the hands of a handler."""
        return sum(self._logs[each].running for each in partitions if each in self._logs)

    # -- partitions come and go

    def open(self, partitions: Iterable[Partition]) -> None:
        """These partitions are ours now, from their committed offsets on. What was taken from them before is closed."""
        for each in partitions:
            self.forget([each])
            self._logs[each] = _Log()

    def close(self, partitions: Iterable[Partition]) -> None:
        """Take nothing more from these, drop what waits (it will be delivered again), let run what runs."""
        for each in partitions:
            if (log := self._logs.get(each)) and not log.closed:
                log.closed = True
                self._held.pop(each, None)
        for lane, queue in self._waiting.items():
            kept = [entry for entry in queue if not entry.closed]
            self._busy -= len(queue) - len(kept)
            queue.clear()
            queue.extend(kept)  # also when empty: somebody was told to work this lane, `begin` is who ends it
            if lane not in self._running:
                self._relax(lane)
        self._measure()

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These are not ours any more: nothing may be committed for them."""
        partitions = list(partitions)
        self.close(partitions)
        for each in partitions:
            self._logs.pop(each, None)

    # -- messages

    def take(self, message: Message, now: float) -> str | None:
        """Queue a message. The name of its lane if that was idle (somebody must begin to work it), else None.

        A message of a partition that is not ours is ignored. Offsets that begin anew (a topic was lost and made again)
        close what was taken of the old ones.
        """
        where = (message.topic, message.partition)
        log = self._logs.get(where)
        if log is None or log.closed:
            return None
        if message.offset < log.next_offset:
            self.open([where])
            log = self._logs[where]
        heapq.heappush(log.unfinished, message.offset)
        log.next_offset = message.offset + 1
        self._busy += 1
        self._measure()
        lane = self._lane_of(message) or f"\0{message.topic}/{message.partition}"
        idle = lane not in self._waiting
        queue = self._waiting.setdefault(lane, deque())
        queue.append(Entry(message, lane, now, log))
        if len(queue) >= self._depth:
            self._held.setdefault(where, set()).add(lane)
        return lane if idle else None

    def begin(self, lane: str) -> Entry | None:
        """The next message of a lane, now running; None: the lane is empty and idle again."""
        queue = self._waiting[lane]
        if not queue:
            del self._waiting[lane]
            return None
        entry = queue.popleft()
        self._running[lane] = entry
        entry.log.running += 1
        return entry

    def finish(self, entry: Entry) -> None:
        """A message was handled. Its offset counts, unless its partition was given up since."""
        self._leave(entry)
        entry.log.finished.add(entry.message.offset)

    def abandon(self, entry: Entry) -> None:
        """A message was not handled and will not be: its offset is never committed."""
        self._leave(entry)

    def hold(self, entry: Entry) -> None:
        """The lane cannot go on for now: pause the partition of its message."""
        if not entry.closed:
            self._held.setdefault(entry.partition, set()).add(entry.lane)

    def _leave(self, entry: Entry) -> None:
        del self._running[entry.lane]
        entry.log.running -= 1
        self._busy -= 1
        self._measure()
        self._relax(entry.lane)

    def _measure(self) -> None:
        """Full from the limit on until half empty: pausing throws away what was fetched ahead, so not for every one."""
        self._full = self._busy > (self._room // 2 if self._full else self._room)

    def _relax(self, lane: str) -> None:
        if self._held and len(self._waiting[lane]) <= self._depth // 2:
            for where, lanes in list(self._held.items()):
                lanes.discard(lane)
                if not lanes:
                    del self._held[where]

    # -- what follows from it

    def paused(self) -> frozenset[Partition]:
        """Partitions to take nothing from now: all of them when full, else those of deep or held lanes."""
        return self.partitions if self._full else frozenset(self._held)

    def positions(self) -> Mapping[Partition, int]:
        """Per partition the offset below which everything is finished; without those nothing was taken from."""
        found = {where: log.position() for where, log in self._logs.items()}
        return {where: offset for where, offset in found.items() if offset >= 0}

    def to_commit(self) -> dict[Partition, int]:
        """The positions that differ from what was committed last."""
        return {where: offset for where, offset in self.positions().items() if offset != self._logs[where].committed}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """These were committed."""
        for where, offset in offsets.items():
            if where in self._logs:
                self._logs[where].committed = offset
