"""A loop whose time jumps: one thread, no waiting, the same order of everything on every run.

Time stands still while anything can run and then jumps to the next timer. Tasks belong to the simulated process in
whose context they were made (`OWNER`), so that a crash can end exactly those.
"""

import asyncio
import gc
import heapq
import selectors
from collections import deque
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, Protocol


class Owner(Protocol):
    """Whose memory a task lives in."""

    tasks: list["asyncio.Task[Any]"]


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


_MANY = 200
"""Tasks that a process keeps before it forgets those that are done."""


class Stuck(RuntimeError):
    """Nothing can ever happen again: everybody waits and no timer is set."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module. `virtual` is the time in seconds since the loop was made.

    Asyncio's loop without a network to ask, without a clock and without a log; timers of one instant ring in the order
    in which they were set.
    """

    _ready: deque[asyncio.Handle]
    _stopping: bool

    def __init__(self) -> None:
        self.virtual = 0.0
        self._alarms: list[tuple[float, int, asyncio.Future[bool] | asyncio.Handle]] = []
        self._set = 0
        super().__init__(selectors.SelectSelector())
        self.set_task_factory(_make_task)

    def time(self) -> float:
        """Virtual seconds."""
        return self.virtual

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self.virtual + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        alarm = asyncio.TimerHandle(when, callback, args, self, context)
        self._set += 1
        heapq.heappush(self._alarms, (when, self._set, alarm))
        return alarm

    def pause(self, seconds: float) -> "asyncio.Future[bool]":
        """Await it to sleep so long (then it is False): `asyncio.sleep` with half the work. May be set earlier."""
        future = self.create_future()
        self._set += 1
        heapq.heappush(self._alarms, (self.virtual + seconds, self._set, future))
        return future

    def call_exception_handler(self, context: Any) -> None:
        """What nobody asked for is dropped: tasks of dead processes end as they like."""

    def _run_once(self) -> None:
        """Run what can run; if nothing can, jump to the next alarm."""
        ready, alarms = self._ready, self._alarms
        if not ready and not self._stopping:
            while alarms and alarms[0][2].cancelled():
                heapq.heappop(alarms)
            if not alarms:
                raise Stuck("everybody waits and no timer is set")
            self.virtual = max(self.virtual, alarms[0][0])
        while alarms and alarms[0][0] <= self.virtual:
            due = heapq.heappop(alarms)[2]
            if isinstance(due, asyncio.Handle):
                ready.append(due)
            elif not due.done():
                due.set_result(False)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()


def _make_task(loop: asyncio.AbstractEventLoop, work: Any, **given: Any) -> "asyncio.Task[Any]":
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **given)
    context = given.get("context")
    owner = OWNER.get() if context is None else context.get(OWNER)
    if owner is not None:
        tasks = owner.tasks
        tasks.append(task)
        if len(tasks) > _MANY:
            tasks[:] = [one for one in tasks if not one.done()]
    return task


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` in virtual time; whatever is left over afterwards is broken off."""
    loop = VirtualLoop()
    collected = gc.isenabled()
    gc.disable()  # a history is short, and leaves most of its cycles to the collection at its end
    try:
        return loop.run_until_complete(work)
    finally:
        if collected:
            gc.enable()
        for _ in range(20):
            left = [task for task in asyncio.all_tasks(loop) if not task.done()]
            if not left:
                break
            for task in left:
                task.cancel()
            loop.run_until_complete(_a_moment())
        loop.close()


async def _a_moment() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
