"""Calls of all concurrent tasks, gathered into few batches: while batches are under way, the next one fills up.

There is no timer: a call that finds a free place goes out at the end of the event loop's present round, together with
whatever else was asked in that round. Under load the batches grow by themselves; a lone call waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from turnus_runtime.ports import StoreUnavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

IN_FLIGHT = 2
"""Batches under way at once: one at the server while the next is prepared or answered here."""
BATCH_ITEMS = 100
BATCH_BYTES = 8 * 2**20
CLOSED = "the store was closed by this process"


@dataclass(slots=True)
class _Call(Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


class Gathering(Generic[Item, Answer]):
    """One kind of call on one collection.

    `send` gets a batch (key -> items asked under it) and returns key -> answer, where an exception as an answer is
    raised to those who asked under that key. `StoreUnavailable` raised by `send` is raised to everybody in the batch;
    after any other exception (the server refuses the command as a whole, so nothing of it was done) each key is sent
    alone, so that a bad item fails by itself.
    With `shared`, all calls that wait under one key get one answer. Without, a key is in one batch at a time and with
    one item only; the others wait their turn, so that no two writes of one document are ever under way together.
    """

    def __init__(
        self,
        send: Callable[[Mapping[str, Sequence[Item]]], Awaitable[Mapping[str, Answer | Exception]]],
        *,
        shared: bool,
        weigh: Callable[[Item], int] = lambda _: 0,
    ) -> None:
        self._send = send
        self._shared = shared
        self._weigh = weigh
        self._ready: dict[str, list[_Call[Item, Answer]]] = {}
        self._behind: dict[str, deque[_Call[Item, Answer]]] = {}  # not shared only: a key is here while it has a turn
        self._flying: set[asyncio.Task[None]] = set()
        self._called_soon = False
        self._closed = False

    async def ask(self, key: str, item: Item) -> Answer:
        """The answer to `item`. A caller that is cancelled takes back only its own call."""
        if self._closed:
            raise StoreUnavailable(CLOSED)
        call = _Call[Item, Answer](item, asyncio.get_running_loop().create_future())
        if self._shared:
            self._ready.setdefault(key, []).append(call)
        elif key in self._behind:
            self._behind[key].append(call)
        else:
            self._behind[key] = deque()
            self._ready[key] = [call]
        self._go_soon()
        return await call.answer

    async def settle(self) -> None:
        """Wait until nothing is under way, and let nothing more out: who asks is told `StoreUnavailable`."""
        self._closed = True
        waiting = [call for calls in (*self._ready.values(), *self._behind.values()) for call in calls]
        self._ready.clear()
        for calls in self._behind.values():
            calls.clear()
        _fail(waiting, StoreUnavailable(CLOSED))
        await asyncio.gather(*self._flying, return_exceptions=True)

    def _go_soon(self) -> None:
        if not self._called_soon and len(self._flying) < IN_FLIGHT and self._ready:
            self._called_soon = True
            asyncio.get_running_loop().call_soon(self._go)

    def _go(self) -> None:
        self._called_soon = False
        if batch := self._take():
            task = asyncio.get_running_loop().create_task(self._fly(batch))
            self._flying.add(task)
            task.add_done_callback(self._landed)
        self._go_soon()

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._go_soon()

    def _take(self) -> dict[str, list[_Call[Item, Answer]]]:
        """The oldest keys that fit into one batch, without the calls that nobody waits for any more."""
        batch: dict[str, list[_Call[Item, Answer]]] = {}
        size = 0
        while self._ready and len(batch) < BATCH_ITEMS:
            key = next(iter(self._ready))
            calls = [call for call in self._ready[key] if not call.answer.done()]
            weight = sum(self._weigh(call.item) for call in calls)
            if batch and size + weight > BATCH_BYTES:
                break
            del self._ready[key]
            if calls:
                batch[key] = calls
                size += weight
            else:
                self._next_turn(key)
        return batch

    def _next_turn(self, key: str) -> None:
        """`key` is in no batch any more: whoever waits behind goes to the end of the queue."""
        if self._shared:
            return
        if self._behind[key]:
            self._ready[key] = [self._behind[key].popleft()]
        else:
            del self._behind[key]

    async def _fly(self, batch: Mapping[str, Sequence[_Call[Item, Answer]]]) -> None:
        try:
            await self._send_off(batch)
        finally:
            # Only what was cancelled together with the loop still waits here.
            _fail([call for calls in batch.values() for call in calls], StoreUnavailable("the batch was broken off"))
            for key in batch:
                self._next_turn(key)

    async def _send_off(self, batch: Mapping[str, Sequence[_Call[Item, Answer]]]) -> None:
        try:
            answers = await self._send({key: [call.item for call in calls] for key, calls in batch.items()})
        except Exception as error:  # noqa: BLE001 (whatever it is, those who wait get it)
            if len(batch) > 1 and not isinstance(error, StoreUnavailable):
                for key, calls in batch.items():
                    await self._send_off({key: calls})
                return
            _fail([call for calls in batch.values() for call in calls], error)
        else:
            for key, calls in batch.items():
                _tell(calls, answers[key])


def _tell(calls: Sequence[_Call[Item, Answer]], answer: Answer | Exception) -> None:
    if isinstance(answer, Exception):
        _fail(calls, answer)
        return
    for call in calls:
        if not call.answer.done():
            call.answer.set_result(answer)


def _fail(calls: Sequence[_Call[Item, Answer]], error: Exception) -> None:
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(_own(error))


def _own(error: Exception) -> Exception:
    """A copy for one of many callers, so that their tracebacks do not pile up in one object."""
    if type(error) is not StoreUnavailable:
        return error
    copy = StoreUnavailable(*error.args)
    copy.__cause__ = error.__cause__
    return copy
