"""A suspicion becomes a violation when the very same is found again after the bound, and only then."""

from datetime import timedelta

import pytest

from oversight.auditor import BOUND, Auditor
from services.booking.domain.bookings import Booking
from services.notify.domain.notices import Notice
from tests.unit.oversight.world import BEGIN, World, confirmed, host_of, notice_of

TOMORROW = BEGIN + timedelta(days=1)
A_WHILE = timedelta(seconds=20)


@pytest.fixture
async def world() -> World:
    made = World()
    await made.on.open()
    return made


@pytest.fixture
def auditor(world: World) -> Auditor:
    return Auditor(world.on)


async def test_a_booking_with_everything_that_belongs_to_it_is_clean(world: World, auditor: Auditor) -> None:
    await world.booked("bk_a", TOMORROW)
    assert await auditor.audit() == []
    assert world.clock.now() == BEGIN  # nobody had to wait for anything


async def test_what_is_put_right_within_the_bound_is_never_reported(world: World, auditor: Auditor) -> None:
    booking = await world.booked("bk_a", TOMORROW)
    await world.put("availability", host_of())
    await auditor.round(whole=True)
    assert [finding.kind for finding in auditor.suspicions] == ["not_held"]
    world.clock.time += A_WHILE
    await world.put("availability", host_of(booking))
    world.clock.time += BOUND
    await auditor.look_again()
    assert (auditor.violations, auditor.suspicions) == ([], [])


async def test_what_is_still_so_after_the_bound_is_violated_until_it_is_mended(world: World, auditor: Auditor) -> None:
    booking = await world.booked("bk_a", TOMORROW)
    await world.put("availability", host_of())
    await auditor.round(whole=True)
    world.clock.time += BOUND - A_WHILE
    await auditor.round(whole=False)
    assert auditor.violations == []
    world.clock.time += A_WHILE
    await auditor.look_again()
    assert [finding.kind for finding in auditor.violations] == ["not_held"]
    assert auditor.suspicions == []
    await world.put("availability", host_of(booking))
    await auditor.look_again()
    assert auditor.violations == []


async def test_the_same_fault_of_a_booking_that_has_changed_since_is_a_new_suspicion(
    world: World, auditor: Auditor
) -> None:
    booking = await world.booked("bk_a", TOMORROW)
    await world.put("availability", host_of())
    await auditor.round(whole=True)
    world.clock.time += BOUND
    await world.put("booking", booking.change(version=3))
    await auditor.look_again()
    assert auditor.violations == []
    assert [finding.kind for finding in auditor.suspicions] == ["not_held"]


async def test_what_one_record_shows_is_reported_at_once(world: World, auditor: Auditor) -> None:
    first, second = await world.booked("bk_a", TOMORROW), confirmed("bk_b", TOMORROW + timedelta(minutes=35))
    await world.put("availability", host_of(first, second))
    await auditor.round(whole=True)
    assert [finding.kind for finding in auditor.violations] == ["double_booked"]


async def test_an_audit_waits_for_what_is_under_way_and_then_says_what_is_left(world: World, auditor: Auditor) -> None:
    await world.booked("bk_a", TOMORROW)
    await world.put("availability", host_of())
    assert [finding.kind for finding in await auditor.audit()] == ["not_held"]
    assert world.clock.now() == BEGIN + BOUND


async def test_a_round_that_is_not_whole_reads_no_booking_that_can_no_longer_change(
    world: World, auditor: Auditor
) -> None:
    for number in range(5):
        await world.booked(f"bk_old{number}", BEGIN - timedelta(days=30 + number))
    await world.put("availability", host_of())
    booking = await world.booked("bk_new", TOMORROW)
    await world.put("availability", host_of(booking))
    read: list[tuple[str, str]] = []

    async def noted(moment: str, verb: str, collection: str, id: str) -> None:
        if moment == "before" and verb == "get":
            read.append((collection, id))

    for store in world.stores.values():
        store.fault = noted
    await auditor.round(whole=False)
    about = (Booking.collection, Notice.collection)
    assert {of for collection, of in read if collection in about} == {"bk_new"}
    await auditor.round(whole=True)
    assert len({of for collection, of in read if collection == Notice.collection}) == 6


async def test_a_notice_of_nobody_is_found_by_a_whole_round_and_looked_at_again_by_the_others(
    world: World, auditor: Auditor
) -> None:
    await world.put("notify", notice_of(confirmed("bk_gone", TOMORROW)))
    await auditor.round(whole=False)
    assert auditor.suspicions == []
    await auditor.round(whole=True)
    world.clock.time += BOUND
    await auditor.round(whole=False)
    await auditor.look_again()
    assert [finding.kind for finding in auditor.violations] == ["newer_than_source"]
