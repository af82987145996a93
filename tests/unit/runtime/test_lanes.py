"""Lanes and offsets as plain values."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assignment.service import service as assignment
from services.booking.service import service as booking
from turnus_runtime.consume import SUBJECT, Receiver
from turnus_runtime.lanes import Entry, Lanes
from turnus_runtime.ports import Message

T = ("T", 0)
U = ("U", 0)


def message(offset: int, key: str = "k", where: tuple[str, int] = T) -> Message:
    return Message(where[0], key, b"", partition=where[1], offset=offset)


def lanes(limit: int = 500, batch: int = 100, depth: int = 100) -> Lanes:
    made = Lanes(limit=limit, batch=batch, depth=depth)
    made.open([T, U])
    return made


def began(some: Lanes, lane: str) -> Entry:
    entry = some.begin(lane)
    assert entry is not None
    return entry


def test_a_lane_is_begun_once_and_gives_its_messages_in_order():
    some = lanes()
    assert [some.take(message(n), 0.0) for n in range(3)] == ["k", None, None]
    seen: list[int] = []
    while (entry := some.begin("k")) is not None:
        seen.append(entry.message.offset)
        some.finish(entry)
    assert seen == [0, 1, 2]
    assert some.take(message(3), 0.0) == "k"


def test_one_key_in_two_topics_is_one_lane():
    some = lanes()
    assert some.take(message(0, where=T), 0.0) == "k"
    assert some.take(message(0, where=U), 0.0) is None


def test_what_is_about_two_things_is_in_two_lanes_though_its_key_is_one():
    some = Lanes(Receiver(booking, Any, Any, Any).lane)
    some.open([T])
    told = [Message("T", "cal_1", b"", {SUBJECT: about}, partition=0, offset=n) for n, about in enumerate("aba")]
    assert [some.take(each, 0.0) for each in told] == ["a", "b", None]
    assert some.take(message(3, "cal_1"), 0.0) == "cal_1"  # an older process wrote no subject


def test_a_service_of_which_all_changes_one_record_of_the_key_takes_its_messages_one_by_one():
    some = Lanes(Receiver(assignment, Any, Any, Any).lane)
    some.open([T])
    told = [Message("T", "cal_1", b"", {SUBJECT: about}, partition=0, offset=n) for n, about in enumerate("ab")]
    assert [some.take(each, 0.0) for each in told] == ["cal_1", None]


def test_messages_without_a_key_are_in_order_per_partition():
    some = lanes()
    first, other = some.take(message(0, key=""), 0.0), some.take(message(0, key="", where=U), 0.0)
    assert first is not None
    assert other not in (None, first)
    assert some.take(message(1, key=""), 0.0) is None


def test_the_lowest_unfinished_offset_is_committed_whatever_is_finished_above_it():
    some = lanes()
    for n, key in enumerate("abc"):
        some.take(message(n, key), 0.0)
    a, b, c = (began(some, key) for key in "abc")
    some.finish(c)
    some.finish(b)
    assert some.to_commit() == {T: 0}
    some.finish(a)
    assert some.to_commit() == {T: 3}
    some.committed({T: 3})
    assert some.to_commit() == {}


def test_a_partition_that_was_taken_away_is_never_committed_again():
    some = lanes()
    some.take(message(0), 0.0)
    entry = began(some, "k")
    some.forget([T])
    some.finish(entry)
    assert some.to_commit() == {}
    some.open([T])
    assert some.to_commit() == {}


def test_what_was_handled_under_an_earlier_assignment_does_not_count_for_the_new_one():
    some = lanes()
    some.take(message(0), 0.0)
    old = began(some, "k")
    some.forget([T])
    some.open([T])
    some.take(message(0), 0.0)
    some.finish(old)
    assert some.to_commit() == {T: 0}
    some.finish(began(some, "k"))
    assert some.to_commit() == {T: 1}


def test_a_redelivered_key_waits_for_the_handler_that_still_runs():
    some = lanes()
    some.take(message(0), 0.0)
    old = began(some, "k")
    some.forget([T])
    some.open([T])
    assert some.take(message(0), 0.0) is None  # the worker of the lane goes on with it
    some.finish(old)
    assert began(some, "k").message.offset == 0


def test_closing_a_partition_drops_what_waits_and_keeps_the_lane_with_its_worker():
    some = lanes()
    some.take(message(0), 0.0)  # a worker was told to begin and has not begun yet
    some.close([T])
    assert some.busy == 0
    some.open([T])
    assert some.take(message(0), 0.0) is None
    assert began(some, "k").message.offset == 0


def test_offsets_that_begin_anew_close_what_was_taken_of_the_lost_topic():
    some = lanes()
    some.take(message(7, "a"), 0.0)
    old = began(some, "a")
    some.take(message(0, "b"), 0.0)
    some.finish(old)
    assert some.to_commit() == {T: 0}
    some.finish(began(some, "b"))
    assert some.to_commit() == {T: 1}


def test_an_abandoned_message_holds_its_offset_back():
    some = lanes()
    some.take(message(0, "a"), 0.0)
    some.take(message(1, "b"), 0.0)
    some.abandon(began(some, "a"))
    some.finish(began(some, "b"))
    assert some.to_commit() == {T: 0}
    assert some.busy == 0


def test_all_partitions_pause_before_the_next_batch_could_exceed_the_limit_until_half_is_done():
    some = lanes(limit=30, batch=10)
    for n in range(21):
        some.take(message(n, f"k{n}"), 0.0)
    assert some.paused() == {T, U}
    for n in range(10):
        some.finish(began(some, f"k{n}"))
    assert some.paused() == {T, U}
    some.finish(began(some, "k10"))
    assert some.paused() == frozenset()


def test_a_deep_lane_pauses_only_the_partitions_that_feed_it():
    some = lanes(depth=4)
    for n in range(4):
        some.take(message(n), 0.0)
    assert some.paused() == {T}
    some.finish(began(some, "k"))
    assert some.paused() == {T}
    some.finish(began(some, "k"))
    assert some.paused() == frozenset()


def test_a_lane_that_cannot_go_on_pauses_its_partition_until_it_does():
    some = lanes()
    some.take(message(0, "a"), 0.0)
    some.take(message(0, "b", U), 0.0)
    stuck = began(some, "a")
    some.hold(stuck)
    assert some.paused() == {T}
    some.finish(began(some, "b"))
    assert some.paused() == {T}
    some.finish(stuck)
    assert some.paused() == frozenset()


def test_nothing_stays_paused_for_lanes_that_were_dropped():
    some = lanes(depth=2)
    for n in range(3):
        some.take(message(n, where=U if n == 1 else T), 0.0)
    assert some.paused() == {T, U}
    some.forget([T])
    assert T not in some.paused()
    some.finish(began(some, "k"))
    assert some.paused() == frozenset()


def test_the_oldest_message_is_known_whether_it_runs_or_waits():
    some = lanes()
    assert some.oldest() is None
    some.take(message(0, "a"), 1.0)
    some.take(message(1, "b"), 2.0)
    assert some.oldest() == 1.0
    entry = began(some, "a")
    assert some.oldest() == 1.0
    some.finish(entry)
    assert some.oldest() == 2.0


def test_a_batch_as_large_as_the_limit_is_refused():
    with pytest.raises(ValueError, match="between 1 and limit"):
        Lanes(limit=100, batch=100)


@given(st.randoms(use_true_random=False), st.integers(1, 60), st.integers(1, 8))
def test_in_any_order_of_work_no_unfinished_message_lies_below_what_is_committed(
    chance: random.Random, count: int, keys: int
):
    some = lanes(limit=400, batch=10)
    offset = -1
    unfinished: set[int] = set()
    idle: set[str] = set()
    running: list[Entry] = []
    handled: dict[str, list[int]] = {}
    for _ in range(count * 3):
        action = chance.choice(["take", "begin", "finish"])
        if action == "take" and len(unfinished) < count:
            offset += chance.choice([1, 1, 3])  # compaction leaves gaps
            unfinished.add(offset)
            if lane := some.take(message(offset, f"k{chance.randrange(keys)}"), 0.0):
                idle.add(lane)
        elif action == "begin" and idle:
            lane = chance.choice(sorted(idle))
            idle.discard(lane)
            if entry := some.begin(lane):
                running.append(entry)
        elif action == "finish" and running:
            entry = running.pop(chance.randrange(len(running)))
            some.finish(entry)
            unfinished.discard(entry.message.offset)
            handled.setdefault(entry.lane, []).append(entry.message.offset)
            idle.add(entry.lane)
        assert some.busy == len(unfinished)
        if T in (positions := some.positions()):
            assert positions[T] == min(unfinished, default=offset + 1)
    assert all(offsets == sorted(offsets) for offsets in handled.values())
