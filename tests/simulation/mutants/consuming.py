"""Consuming: lanes, offsets, dead letters, patience."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from tests.simulation.consumer import SimulatedConsumer
from tests.simulation.mutants.registry import changed, mutant
from turnus_runtime import lane_work
from turnus_runtime.consume import Receiver
from turnus_runtime.lane_work import LaneWork
from turnus_runtime.lanes import Lanes
from turnus_runtime.ports import BrokerUnavailable, StoreUnavailable

LANES = "tests/unit/runtime/test_lanes.py::"
PORT = "tests/contracts/test_broker_port.py::"


@mutant("nothing is acked or dead-lettered for that")
def offsets_are_committed_before_the_work() -> Generator[None]:
    def hasty(self: SimulatedConsumer) -> None:
        if self.positions:
            self._broker.commit(self, dict(self.positions))

    with changed(SimulatedConsumer, _commit=hasty):
        yield


@mutant(
    "Offsets are committed per partition: the lowest one that is not finished, whatever was finished above it.",
    page="libs/runtime/turnus_runtime/lanes.py",
    seen_by=f"{LANES}test_the_lowest_unfinished_offset_is_committed_whatever_is_finished_above_it",
)
def the_highest_finished_offset_is_committed() -> Generator[None]:
    positions = Lanes.positions

    def highest(self: Lanes) -> Any:
        finished = {where: max(log.finished) + 1 for where, log in self._logs.items() if log.finished}
        return {**positions(self), **finished}

    with changed(Lanes, positions=highest):
        yield


@mutant(
    "While store or broker do not answer, the lane pauses its partitions and tries without limit",
    seen_by="tests/simulation/test_poison.py::test_while_the_store_is_away_a_message_is_tried_without_limit",
)
def a_message_is_given_up_while_the_store_is_away() -> Generator[None]:
    attempt = LaneWork._attempt

    async def impatient(self: LaneWork, message: Any) -> Any:
        problem = await attempt(self, message)
        return None if isinstance(problem, StoreUnavailable | BrokerUnavailable) else problem

    with changed(LaneWork, _attempt=impatient):
        yield


@mutant("nothing is acked or dead-lettered for that")
def a_store_that_is_away_is_a_dead_letter() -> Generator[None]:
    settle, bury = Receiver._settle, Receiver._bury

    async def hasty(self: Receiver, contract: Any, handler: Any, message: Any) -> None:
        try:
            await settle(self, contract, handler, message)
        except StoreUnavailable as problem:
            await bury(self, contract, message, problem)

    with changed(Receiver, _settle=hasty):
        yield


@mutant(
    "the lane pauses its partitions", seen_by=f"{LANES}test_a_lane_that_cannot_go_on_pauses_its_partition_until_it_does"
)
def a_lane_that_waits_pauses_nothing() -> Generator[None]:
    with changed(Lanes, hold=lambda self, entry: None):
        yield


@mutant(
    "is deterministic: to the dead letters after one retry",
    seen_by="tests/simulation/test_poison.py::test_what_raises_is_tried_twice_and_buried_and_the_lane_goes_on",
)
def what_raises_is_buried_at_once() -> Generator[None]:
    async def hasty(self: Receiver, contract: Any, handler: Any, message: Any) -> None:
        event = contract.model_validate_json(message.value or b"")
        await handler(event, self._turn())

    with changed(Receiver, _handle=hasty):
        yield


@mutant(
    "A payload that cannot be read, or a decision that raises, is deterministic: to the dead letters",
    seen_by="tests/simulation/test_poison.py::test_what_raises_is_tried_twice_and_buried_and_the_lane_goes_on",
)
def what_raises_is_dropped() -> Generator[None]:
    async def silent(self: Receiver, contract: Any, message: Any, problem: Any) -> None: ...

    with changed(Receiver, _bury=silent):
        yield


@mutant("the lane goes on", seen_by="tests/simulation/test_poison.py::test_a_lane_goes_on_after_a_receiver_that_raises")
def the_lane_stops_at_what_it_cannot_handle() -> Generator[None]:
    attempt = LaneWork._attempt

    async def stuck(self: LaneWork, message: Any) -> Any:
        problem = await attempt(self, message)
        return problem if problem is None else StoreUnavailable("as if it would pass")

    with changed(LaneWork, _attempt=stuck), changed(lane_work, LONGEST_PAUSE_SECONDS=0.05):
        yield


@mutant(
    "Dead letters of `GuestDetailsGiven` hold origin and error, not the payload.",
    seen_by="tests/simulation/test_poison.py::test_a_letter_about_a_guest_holds_no_payload",
)
def letters_about_guests_hold_the_payload() -> Generator[None]:
    letter = Receiver._letter

    def curious(self: Receiver, contract: Any, message: Any, problem: Any) -> Any:
        return replace(letter(self, contract, message, problem), value=message.value)

    with changed(Receiver, _letter=curious):
        yield


@mutant(
    "its messages are handled one at a time in the order they were taken",
    page="libs/runtime/turnus_runtime/lanes.py",
    seen_by=f"{LANES}test_a_lane_is_begun_once_and_gives_its_messages_in_order",
)
def a_lane_is_worked_by_several() -> Generator[None]:
    take = Lanes.take

    def eager(self: Lanes, message: Any, now: float) -> str | None:
        return take(self, message, now) or message.key or None

    with changed(Lanes, take=eager):
        yield


@mutant(
    "Its offset counts, unless its partition was given up since.",
    page="libs/runtime/turnus_runtime/lanes.py",
    seen_by=f"{LANES}test_what_was_handled_under_an_earlier_assignment_does_not_count_for_the_new_one",
)
def what_was_handled_before_a_rebalance_counts_after_it() -> Generator[None]:
    finish = Lanes.finish

    def late(self: Lanes, entry: Any) -> None:
        present = self._logs.get(entry.partition)
        if present is not None and present is not entry.log:
            present.finished.add(entry.message.offset)
        finish(self, entry)

    with changed(Lanes, finish=late):
        yield
