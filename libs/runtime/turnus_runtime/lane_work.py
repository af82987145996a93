"""Works the lanes of one subscription: a task per busy lane, patience while store or broker are away.

Free of any broker library; `kafka.py` feeds it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog

from turnus_runtime.lanes import Entry, Lanes, Partition
from turnus_runtime.ports import BrokerUnavailable, Message, Receive, StoreUnavailable

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class LaneWork:
    """Calls `receive` for every message handed over, one at a time per lane.

    `changed` is called (on the loop, must not block) whenever the partitions to pause may have changed.
    """

    def __init__(self, lanes: Lanes, receive: Receive, changed: Callable[[], None]) -> None:
        self._lanes = lanes
        self._receive = receive
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()  # replaced whenever it is set: a message left its lane
        self._nudge = asyncio.Event()  # replaced whenever it is set: those who wait look again
        self._stopping = False

    def hand_over(self, messages: Iterable[Message]) -> None:
        """Queue these and begin their lanes. Never waits."""
        now = asyncio.get_running_loop().time()
        for message in messages:
            if (lane := self._lanes.take(message, now)) is not None:
                self._spawn(self._work(lane))
        self._changed()

    def close(self, partitions: Iterable[Partition]) -> None:
        """Drop what waits of these partitions and end the patience of what is being tried again."""
        self._lanes.close(partitions)
        self._wake()

    async def settle(self, partitions: Iterable[Partition] | None, seconds: float) -> bool:
        """Wait until nothing of these partitions (None: of any, waiting ones too) is at work; False: time is up."""
        partitions = None if partitions is None else list(partitions)
        try:
            async with asyncio.timeout(seconds):
                while self._lanes.busy if partitions is None else self._lanes.running(partitions):
                    await self._left.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self, seconds: float) -> None:
        """Finish what was taken, for at most `seconds`; then break off what is left, like a crash would."""
        self._stopping = True
        self._wake()
        if not await self.settle(None, seconds):
            log.warning("lanes_broken_off", messages=self._lanes.busy)
        tasks = list(self._tasks)
        self.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cancel(self) -> None:
        """Break off everything now."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()

    def _wake(self) -> None:
        self._nudge.set()
        self._nudge = asyncio.Event()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, lane: str) -> None:
        while (entry := self._lanes.begin(lane)) is not None:
            done = False
            try:
                done = await self._handle(entry)
            finally:
                if done:
                    self._lanes.finish(entry)
                else:
                    self._lanes.abandon(entry)
                self._left.set()
                self._left = asyncio.Event()
                self._changed()

    async def _handle(self, entry: Entry) -> bool:
        """True when the message is done, False when it is given up because its partition was (or all stops)."""
        pause = FIRST_PAUSE_SECONDS
        broken = False
        while (problem := await self._attempt(entry.message)) is not None:
            if isinstance(problem, StoreUnavailable | BrokerUnavailable):
                if pause == FIRST_PAUSE_SECONDS:
                    log.warning("lane_waits", topic=entry.message.topic, problem=type(problem).__name__)
                self._lanes.hold(entry)
                self._changed()
                if not await self._patience(entry, pause):
                    return False
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            elif broken:
                _say_skipped(entry.message, problem)
                break
            else:
                broken = True
        return True

    async def _attempt(self, message: Message) -> BaseException | None:
        """What `receive` raised; a cancellation that is not ours is one of its problems, not our end."""
        try:
            await self._receive(message)
        except asyncio.CancelledError as problem:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return problem
        except Exception as problem:  # noqa: BLE001 (whatever it is, the lane goes on)
            return problem
        return None

    async def _patience(self, entry: Entry, seconds: float) -> bool:
        """Wait before the next try; False: there is no next try."""
        try:
            async with asyncio.timeout(seconds):
                while not (entry.closed or self._stopping):
                    await self._nudge.wait()
        except TimeoutError:
            return True
        return False


def _say_skipped(message: Message, problem: BaseException) -> None:
    """`receive` must turn what it cannot handle into a dead letter; that it raised twice is a bug of ours."""
    log.critical(
        "message_skipped",
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        problem=type(problem).__name__,
    )
