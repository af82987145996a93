"""How calls are gathered, with a sender that answers when the test says so."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from turnus_runtime.mongo.gathering import BATCH_BYTES, BATCH_ITEMS, IN_FLIGHT, Gathering
from turnus_runtime.ports import StoreUnavailable


class Sender:
    """Answers each key with the sum of its items; -1 is refused, alone or by breaking the whole batch."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[dict[str, list[int]]] = []
        self.gates: list[asyncio.Event] = []
        self.held = held
        self.away = False

    async def __call__(self, batch: Mapping[str, Sequence[int]]) -> Mapping[str, int | Exception]:
        self.batches.append({key: list(items) for key, items in batch.items()})
        self.gates.append(asyncio.Event())
        if self.held:
            await self.gates[len(self.batches) - 1].wait()
        if self.away:
            raise StoreUnavailable("away")
        if any(-1 in items for items in batch.values()):
            raise ValueError("the batch holds -1")
        return {key: KeyError(key) if -2 in items else sum(items) for key, items in batch.items()}


async def rounds() -> None:
    """Let everything that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_calls_of_one_round_are_one_batch_and_two_batches_fly() -> None:
    send = Sender(held=True)
    gathering = Gathering[int, int](send, shared=False)
    calls: list[asyncio.Task[int]] = []
    for burst in range(4):
        calls += [asyncio.create_task(gathering.ask(f"{burst}.{n}", n)) for n in range(3)]
        await rounds()
    assert [len(batch) for batch in send.batches] == [3, 3]
    assert IN_FLIGHT == 2
    send.gates[0].set()
    await rounds()
    assert [len(batch) for batch in send.batches] == [3, 3, 6]
    send.held = False
    for gate in send.gates:
        gate.set()
    assert await asyncio.gather(*calls) == [0, 1, 2] * 4


async def test_a_batch_is_bounded_in_number_and_size() -> None:
    send = Sender()
    gathering = Gathering[int, int](send, shared=False)
    await asyncio.gather(*(gathering.ask(str(n), n) for n in range(BATCH_ITEMS + 20)))
    assert [len(batch) for batch in send.batches] == [BATCH_ITEMS, 20]
    heavy = Sender()
    weighed = Gathering[int, int](heavy, shared=False, weigh=lambda item: item)
    await asyncio.gather(*(weighed.ask(str(n), BATCH_BYTES // 2) for n in range(5)), weighed.ask("x", BATCH_BYTES * 2))
    assert [len(batch) for batch in heavy.batches] == [2, 2, 1, 1]


async def test_calls_under_one_key_take_turns_unless_shared() -> None:
    alone, shared = Sender(), Sender()
    turns = Gathering[int, int](alone, shared=False)
    assert await asyncio.gather(*(turns.ask("a", n) for n in range(3)), turns.ask("b", 9)) == [0, 1, 2, 9]
    assert alone.batches == [{"a": [0], "b": [9]}, {"a": [1]}, {"a": [2]}]
    assert await asyncio.gather(*(Gathering[int, int](shared, shared=True).ask("a", n) for n in range(1))) == [0]
    together = Gathering[int, int](shared, shared=True)
    assert await asyncio.gather(*(together.ask("a", n) for n in range(3))) == [3, 3, 3]
    assert shared.batches[-1] == {"a": [0, 1, 2]}


async def test_a_read_never_joins_one_that_is_under_way() -> None:
    """The one under way may have been read before a write that is already acknowledged."""
    send = Sender(held=True)
    gathering = Gathering[int, int](send, shared=True)
    first = asyncio.create_task(gathering.ask("a", 1))
    await rounds()
    second = asyncio.create_task(gathering.ask("a", 2))
    await rounds()
    assert send.batches == [{"a": [1]}, {"a": [2]}]
    for gate in send.gates:
        gate.set()
    assert await asyncio.gather(first, second) == [1, 2]


async def test_a_key_under_way_holds_back_only_itself() -> None:
    send = Sender(held=True)
    gathering = Gathering[int, int](send, shared=False)
    calls = [asyncio.create_task(gathering.ask("a", n)) for n in range(2)]
    await rounds()
    calls.append(asyncio.create_task(gathering.ask("b", 5)))
    await rounds()
    assert send.batches == [{"a": [0]}, {"b": [5]}]
    send.held = False
    for gate in send.gates:
        gate.set()
    assert await asyncio.gather(*calls) == [0, 1, 5]


async def test_one_refused_item_fails_alone() -> None:
    gathering = Gathering[int, int](Sender(), shared=False)
    answers = await asyncio.gather(*(gathering.ask(str(n), n) for n in (1, -2, -1, 3)), return_exceptions=True)
    assert [answers[0], answers[3]] == [1, 3]
    assert isinstance(answers[1], KeyError)
    assert isinstance(answers[2], ValueError)


async def test_an_outage_is_told_to_everybody_once_and_not_tried_again_here() -> None:
    send = Sender()
    send.away = True
    gathering = Gathering[int, int](send, shared=True)
    told = await asyncio.gather(*(gathering.ask("a", n) for n in range(3)), return_exceptions=True)
    assert [type(error) for error in told] == [StoreUnavailable] * 3
    assert len({id(error) for error in told}) == 3
    assert len(send.batches) == 1
    send.away = False
    assert await gathering.ask("a", 4) == 4


@pytest.mark.parametrize("shared", [True, False])
async def test_a_call_taken_back_is_not_sent_and_holds_nobody_back(shared: bool) -> None:
    send = Sender(held=True)
    gathering = Gathering[int, int](send, shared=shared)
    flying = [asyncio.create_task(gathering.ask(f"f{n}", n)) for n in range(1)]
    await rounds()
    flying.append(asyncio.create_task(gathering.ask("g", 1)))
    await rounds()
    taken_back, kept = (asyncio.create_task(gathering.ask("a", n)) for n in (10, 20))
    await rounds()
    taken_back.cancel()
    send.held = False
    for gate in send.gates:
        gate.set()
    assert await kept == 20
    assert all(10 not in items for batch in send.batches for items in batch.values())
    assert await asyncio.gather(*flying) == [0, 1]


async def test_cancelling_a_caller_under_way_leaves_its_batch_alone() -> None:
    send = Sender(held=True)
    gathering = Gathering[int, int](send, shared=False)
    gone, stays = (asyncio.create_task(gathering.ask(key, 1)) for key in "ab")
    await rounds()
    gone.cancel()
    send.gates[0].set()
    assert await stays == 1
    send.held = False
    assert await gathering.ask("a", 2) == 2


async def test_after_closing_nobody_waits() -> None:
    send = Sender(held=True)
    gathering = Gathering[int, int](send, shared=False)
    calls = [asyncio.create_task(gathering.ask("a", n)) for n in range(3)]
    await rounds()
    closing = asyncio.create_task(gathering.settle())
    await rounds()
    assert not closing.done()
    send.gates[0].set()
    await closing
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert outcomes[0] == 0
    assert [type(error) for error in outcomes[1:]] == [StoreUnavailable] * 2
    with pytest.raises(StoreUnavailable):
        await gathering.ask("b", 1)
