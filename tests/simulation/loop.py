"""A loop whose time jumps: one thread, no waiting, the same order of everything on every run.

Time stands still while anything can run and then jumps to the next timer. Tasks belong to the simulated process in
whose context they were made (`OWNER`), so that a crash can end exactly those.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, Protocol


class Owner(Protocol):
    """Whose memory a task lives in."""

    tasks: dict["asyncio.Task[Any]", None]


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


class Stuck(RuntimeError):
    """Nothing can ever happen again: everybody waits and no timer is set."""


class _NoWaiting(selectors.SelectSelector):
    """Instead of waiting for the network, let time pass."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("everybody waits and no timer is set")
        self.loop.virtual += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module. `virtual` is the time in seconds since the loop was made."""

    def __init__(self) -> None:
        self.virtual = 0.0
        selector = _NoWaiting()
        super().__init__(selector)
        selector.loop = self
        self._clock_resolution = 1e-6
        self.set_task_factory(_make_task)
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        """Virtual seconds."""
        return self.virtual


def _make_task(loop: asyncio.AbstractEventLoop, work: Any, **given: Any) -> "asyncio.Task[Any]":
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **given)
    context = given.get("context")
    owner = OWNER.get() if context is None else context.get(OWNER)
    if owner is not None:
        tasks = owner.tasks
        tasks[task] = None
        task.add_done_callback(lambda done: tasks.pop(done, None))
    return task


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` in virtual time; whatever is left over afterwards is broken off."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
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
