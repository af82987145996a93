"""The door of a service: what was seen is believed for a moment, and closed is closed whoever asks."""

from datetime import UTC, datetime

import pytest

from tests.simulation.store import SimulatedStore
from turnus_runtime import closing
from turnus_runtime.closing import BELIEVED_SECONDS, LOOK_EVERY_SECONDS, TAKES_EFFECT, Door, ServiceClosed

NOW = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)


class Ticks:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def beside() -> SimulatedStore:
    return SimulatedStore(lambda: NOW)


async def opened(beside: SimulatedStore, ticks: Ticks) -> Door:
    door = Door("shop", beside, ticks=ticks)
    await door.look()
    door.unlock()
    await door.enter()
    return door


async def test_nobody_is_let_in_before_everything_is_ready(beside: SimulatedStore) -> None:
    door = Door("shop", beside)
    assert await door.look() is None
    with pytest.raises(ServiceClosed):
        await door.enter()
    door.unlock()
    await door.enter()


async def test_a_process_that_does_not_look_by_itself_notices_when_its_belief_is_too_old(
    beside: SimulatedStore,
) -> None:
    ticks = Ticks()
    door = await opened(beside, ticks)
    await closing.close(beside, "shop", NOW, "by a test")
    ticks.now += BELIEVED_SECONDS - 0.1
    await door.enter()
    ticks.now += 0.2
    with pytest.raises(ServiceClosed, match="shop is closed"):
        await door.enter()


async def test_it_stays_shut_until_it_is_unlocked_again(beside: SimulatedStore) -> None:
    ticks = Ticks()
    door = await opened(beside, ticks)
    closure = await closing.close(beside, "shop", NOW, "by a test")
    await door.look()
    door.unlock()
    with pytest.raises(ServiceClosed):
        await door.enter()
    await closing.reopen(beside, closure)
    assert await door.look() is None
    with pytest.raises(ServiceClosed):
        await door.enter()
    door.unlock()
    await door.enter()


async def test_closing_again_changes_nothing_but_for_a_restore_which_says_why(beside: SimulatedStore) -> None:
    first = await closing.close(beside, "shop", NOW, "by a test")
    assert await closing.close(beside, "shop", NOW.replace(hour=9), "again") == first
    restored = await closing.close(beside, "shop", NOW.replace(hour=9), "restored", NOW, anew=True)
    assert (restored.since, restored.why) == (first.since, "restored"), "nobody has worked since the first closing"


async def test_what_was_closed_once_more_is_not_opened_by_who_knew_only_the_first(beside: SimulatedStore) -> None:
    first = await closing.close(beside, "shop", NOW, "by a test")
    await closing.close(beside, "shop", NOW, "restored", NOW, anew=True)
    left = await closing.reopen(beside, first)
    assert left.closed


async def test_other_services_stay_open(beside: SimulatedStore) -> None:
    door = await opened(beside, Ticks())
    await closing.close(beside, "market", NOW, "by a test")
    assert await door.look() is None
    await door.enter()


def test_a_closing_takes_effect_when_nobody_can_believe_any_more_that_it_is_open() -> None:
    clocks_apart = 2.0
    assert TAKES_EFFECT.total_seconds() >= BELIEVED_SECONDS + clocks_apart
    assert LOOK_EVERY_SECONDS * 2 < BELIEVED_SECONDS
