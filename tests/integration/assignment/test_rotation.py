"""The rotation over the real store and broker: said, chosen, filed, returned, at rest."""

import asyncio
from functools import partial

from services.assignment.domain.charging import charge
from services.assignment.domain.choice import Choice, release
from services.assignment.domain.rotation import Rotation, apply_calendar
from services.assignment.handlers import choose_assignee, follow_booking, release_booking
from tests.integration.assignment.conftest import Assignment, at_rest, choice_of, rotation_of, until
from tests.unit.assignment.examples import (
    attempt_released,
    confirmed,
    moved,
    published,
    released,
    reserved,
    settled,
)
from turnus_runtime.ports import Message

TEAM = {"mem_a": 1, "mem_b": 1, "mem_c": 1}
ALL = list(TEAM)


async def test_a_calendar_is_said_to_be_served_and_again_for_a_duplicate(assignment: Assignment) -> None:
    await assignment.listen()
    host = await assignment.new_host()
    await host.start(consume=True, jobs=True)
    await assignment.publish(published(TEAM, version=2))

    async def said() -> bool:
        return assignment.applied().count(2) >= 1

    await until(said, "version 2 is said to be served")
    before = assignment.applied().count(2)
    await assignment.publish(published(TEAM, version=2), published(TEAM, version=1))

    async def said_again() -> bool:
        return assignment.applied().count(2) >= before + 2

    await until(said_again, "it is said again, for the older version too")
    assert assignment.applied().count(1) == 0


async def test_bookings_are_chosen_moved_cancelled_and_nothing_stays_owed(assignment: Assignment) -> None:
    await assignment.listen()
    host = await assignment.new_host()
    await host.start(consume=True, jobs=True)
    await assignment.publish(published(TEAM))
    await until(lambda: host.records.get(Rotation, "cal_a"), "the calendar is known")
    bookings = [f"bk_{n}" for n in range(6)]
    await assignment.publish(*(reserved(ALL, booking=each) for each in bookings))

    async def answered() -> bool:
        return all(assignment.chosen(each) for each in bookings)

    await until(answered, "six answers")
    assert [assignment.chosen(each)[0].host_ids[0] for each in bookings] == ["mem_a", "mem_b", "mem_c"] * 2

    # Of bk_0 another serves; bk_1 moves to a second attempt; bk_2 is cancelled; the release of bk_9 comes first.
    await assignment.publish(
        settled("mem_c", booking="bk_0"),
        reserved(["mem_b"], booking="bk_1", attempt=2),
        released(booking="bk_2"),
        attempt_released(booking="bk_9"),
    )
    await until(lambda: choice_of(host, "bk_9"), "the release of bk_9 is filed")
    await assignment.publish(
        moved("mem_b", 2, booking="bk_1"), reserved(ALL, booking="bk_9"), reserved(ALL, booking="bk_0")
    )

    async def repeated() -> bool:
        return bool(assignment.chosen("bk_9")) and len(assignment.chosen("bk_0")) >= 2

    await until(repeated, "bk_9 is answered and bk_0 again")
    assert {answer.host_ids for answer in assignment.chosen("bk_0")} == {("mem_a",)}
    await until(partial(at_rest, host), "nothing is owed")
    choices = {name: await choice_of(host, name) for name in ("bk_0", "bk_1", "bk_2", "bk_9")}
    assert {name: choice and choice.returned for name, choice in choices.items()} == {
        "bk_0": False,
        "bk_1": True,
        "bk_2": True,
        "bk_9": True,
    }
    assert choices["bk_0"] is not None
    assert choices["bk_0"].payer == "mem_c"
    members = (await rotation_of(host)).members
    assert sum(member.credit for member in members) == 0
    assert [member.served.get("2027-01", 0) for member in members] == [1, 2, 2]


async def test_two_processes_that_handle_the_same_messages_make_one_choice_each_and_return_it_once(
    assignment: Assignment,
) -> None:
    hosts = [await assignment.new_host(), await assignment.new_host()]
    await hosts[0].records.decide(Rotation, "cal_a", partial(apply_calendar, published(TEAM)))
    bookings = [f"bk_{n}" for n in range(30)]
    await asyncio.gather(
        *(choose_assignee(reserved(ALL, booking=each), host.turn()) for each in bookings for host in hosts)
    )
    rotation = await rotation_of(hosts[0])
    assert rotation.turn == 30
    assert [member.served for member in rotation.members] == [{"2027-01": 10}] * 3
    keep = bookings[:10]
    await asyncio.gather(
        *(release_booking(released(booking=each), host.turn()) for each in bookings[10:] for host in hosts),
        *(follow_booking(confirmed("mem_b", booking=each), host.turn()) for each in keep for host in hosts),
    )
    rotation = await rotation_of(hosts[0])
    assert sum(member.credit for member in rotation.members) == 0
    assert [member.served.get("2027-01", 0) for member in rotation.members] == [0, 10, 0]


async def test_what_a_crash_leaves_owed_is_done_by_the_next_process(assignment: Assignment) -> None:
    first = await assignment.new_host()
    now = first.turn().now
    await first.records.decide(Rotation, "cal_a", partial(apply_calendar, published(TEAM)))
    for booking in ("bk_0", "bk_1"):  # charged, and then the process is gone: nothing filed
        read = (await rotation_of(first)).version
        await first.records.decide(Rotation, "cal_a", partial(charge, reserved(ALL, booking=booking), read, (), now))
    blank = Choice(id="cho_1_1", workspace_id="ws_a", calendar_id="cal_a", booking_id="bk_1", attempt=1)
    await first.records.decide(Choice, blank.id, partial(release, blank, now))
    assert await choice_of(first, "bk_0") is None
    await first.stop()

    second = await assignment.new_host()
    await second.start(consume=False, jobs=True)
    await until(partial(at_rest, second), "nothing is owed")
    kept, gone = await choice_of(second, "bk_0"), await choice_of(second, "bk_1")
    assert kept is not None
    assert gone is not None
    assert (kept.returned, gone.returned, gone.applied) == (False, True, ("return",))
    members = (await rotation_of(second)).members
    assert [member.served.get("2027-01", 0) for member in members] == [1, 0, 0]


async def test_without_its_calendar_nothing_is_chosen_until_it_is_asked_again(assignment: Assignment) -> None:
    host = await assignment.new_host()
    await choose_assignee(reserved(ALL), host.turn())
    assert await choice_of(host, "bk_1") is None
    await host.records.decide(Rotation, "cal_a", partial(apply_calendar, published(TEAM)))
    await choose_assignee(reserved(ALL), host.turn())
    assert await choice_of(host, "bk_1") is not None


async def test_releases_of_personal_calendars_leave_nothing_behind(assignment: Assignment) -> None:
    host = await assignment.new_host()
    await host.records.decide(Rotation, "cal_a", partial(apply_calendar, published(TEAM, calendar_kind="personal")))
    await release_booking(released(highest=2), host.turn())
    assert await choice_of(host, "bk_1") is None


async def test_a_message_that_cannot_be_read_does_not_stop_the_next_one(assignment: Assignment) -> None:
    host = await assignment.new_host()
    await host.start(consume=True, jobs=False)
    broken = published(TEAM).model_dump_json().replace('"version":1', '"version":"many"')
    await host.ports.broker.publish([Message("CalendarPublished", "cal_a", broken.encode())])
    await assignment.publish(published(TEAM, version=2))
    found = await until(lambda: host.records.get(Rotation, "cal_a"), "the next calendar is applied")
    assert found.calendar_version == 2
