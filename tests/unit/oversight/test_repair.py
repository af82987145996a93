"""What a store that was set back must hold: pure functions, each held to the invariant that it is there for."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from oversight.invariants import mails as mail_invariants
from oversight.invariants import sagas, times, turns
from oversight.repair import limits as counts
from oversight.repair import mails as told
from oversight.repair import sources
from oversight.repair import times as held
from oversight.repair import turns as paid
from oversight.repair.bookings import Known, booking_follows
from oversight.writing import SAID_AGAIN
from services.accounts.domain.members import Member, Pause
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.choice import file as filed
from services.assignment.domain.rotation import Rotation, RotationMember
from services.availability.domain import rules, tallies
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Counting, Entry, Tally
from services.booking.domain.bookings import Attempt, Booking, Moment, Overbooking, fact, guest_details
from services.notify.domain import projections
from services.notify.domain.notices import Notice, sending
from services.notify.domain.planning import Rules, keep_times, learn_details, learn_fact
from tests.unit.oversight.world import BEGIN, HOST, claim_of, confirmed, host_of
from turnus_contracts import Limits
from turnus_runtime.process import installed

START = BEGIN + timedelta(days=3)
ASKED = START - timedelta(days=7)
"""when the world's bookings were asked for and confirmed"""
NOW = BEGIN
RULES = Rules()


def moved(booking: Booking, at: Any = NOW) -> Booking:
    """The booking an hour later, with somebody else."""
    start, end = booking.start + timedelta(hours=1), booking.end + timedelta(hours=1)
    second = Attempt(number=2, start=start, end=end, state="settled", host_ids=("mem_b",), requested_at=at)
    history = [Moment(at=at, what=what, attempt=2) for what in ("move_requested", "moved")]
    return booking.change(
        attempts=(*booking.attempts, second),
        attempt=2,
        revision=1,
        start=start,
        end=end,
        host_ids=("mem_b",),
        version=booking.version + 2,
        history=(*booking.history, *history),
        changed_at=at,
    )


def cancelled(booking: Booking, at: Any = NOW) -> Booking:
    history = (*booking.history, Moment(at=at, what="cancelled"))
    return booking.change(
        status="cancelled", version=booking.version + 1, history=history, ended_by="guest", changed_at=at, owed=()
    )


# -- availability


def followed(booking: Booking, claim: Claim | None, *hosts: Host) -> tuple[Claim, dict[str, Host]]:
    """Claim and hosts as the repair leaves them."""
    after = held.claim_follows(booking, {}, claim).answer
    wanted = held.held(booking, after).wanted
    new: dict[str, Host] = {}
    for host_id, host in {**dict.fromkeys(wanted, None), **{one.id: one for one in hosts}}.items():
        gone = [one for one in (host.reservations if host else ()) if not held.belongs(one, host_id, booking)]
        due = [wanted[host_id]] if host_id in wanted else []
        decided = held.host_follows(due, (), gone, NOW, host_id, host)
        new[host_id] = decided.record or host or Host(id=host_id)
        again = held.host_follows(due, (), gone, NOW, host_id, new[host_id])
        assert again.record is None, "done twice it changes nothing"
    assert held.claim_follows(booking, {}, after).record is None
    return after, new


@pytest.mark.parametrize("changed", [lambda b: b, moved, cancelled], ids=["as_it_was", "moved", "cancelled"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "forgotten"])
def test_a_claim_and_hosts_say_what_the_booking_says(changed: Any, known: bool) -> None:
    before = confirmed("bk_a", START)
    booking = changed(before)
    claim, hosts = followed(booking, claim_of(before) if known else None, *([host_of(before)] if known else []))
    serving = hosts.get(booking.host_ids[0])
    assert list(times.claimed(booking, claim)) == []
    assert list(times.held(booking, serving)) == []
    wrong = [
        found for host in hosts.values() for one in host.reservations for found in times.wanted(host, one, booking)
    ]
    assert wrong == []


def test_what_is_as_it_should_be_is_not_touched() -> None:
    booking = confirmed("bk_a", START)
    assert held.claim_follows(booking, {}, claim_of(booking)).record is None
    time = held.held(booking, claim_of(booking)).wanted[HOST]
    assert held.host_follows([time], (), [], NOW, HOST, host_of(booking)).record is None


def test_what_is_held_again_is_told_apart_from_its_buffers_and_is_overbooked_as_it_was() -> None:
    booking = confirmed("bk_a", START).change(buffer_before_minutes=5)
    time = held.held(booking, claim_of(booking)).wanted[HOST]
    assert (time.begins, time.end - time.after) == (times.minute(booking.start), times.minute(booking.end))
    assert not time.overbooked
    over = Overbooking(actor_id="mem_b", reason="Urgent")
    upon = booking.change(attempts=(booking.attempts[0].model_copy(update={"overbooking": over}),))
    assert held.held(upon, claim_of(upon)).wanted[HOST].overbooked


def test_a_tally_counts_what_is_held_keeps_what_waits_and_gives_back_the_rest() -> None:
    start = times.minute(START)
    entries = tuple(Entry(booking_id=name, attempt=1, start=start, calendar_version=3) for name in ("bk_a", "bk_b"))
    known = Tally(id="cal_a", filled_for=2, entries=(*entries, entries[0].model_copy(update={"booking_id": "bk_c"})))
    due, waiting = {("bk_a", 1): start, ("bk_new", 2): start}, {("bk_b", 1)}
    follow = partial(counts.tally_follows, limited(), due, waiting, NOW)
    tally = follow(known, fill=False).record
    assert tally is not None
    let_in = {(one.booking_id, one.attempt): one.calendar_version for one in tally.entries}
    assert let_in == {("bk_a", 1): 3, ("bk_b", 1): 3, ("bk_new", 2): 0}
    assert not tallies.count(tally, Counting(known.entries[2], ()), "cal_a", NOW).answer, "what was given up is over"
    assert follow(tally, fill=True).record is None, "done twice it changes nothing"


def test_a_tally_that_does_not_count_yet_is_filled_only_while_nobody_asks() -> None:
    due = {("bk_a", 1): times.minute(START)}
    assert counts.tally_follows(limited(), due, set(), NOW, None, fill=False).record is None
    filled = counts.tally_follows(limited(), due, set(), NOW, None, fill=True).record
    assert filled is not None
    assert (filled.filled_for, len(filled.entries)) == (2, 1)
    assert counts.tally_follows(limited(limited_since=0), due, set(), NOW, None, fill=True).record is None


def limited(**more: Any) -> ServedCalendar:
    """A calendar that has had limits since its second version."""
    terms: dict[str, Any] = {
        **dict.fromkeys(("interval_minutes", "duration_minutes"), 30),
        **dict.fromkeys(("buffer_before_minutes", "buffer_after_minutes", "notice_minutes"), 0),
        "workspace_id": "ws_a",
        "status": "active",
        "calendar_kind": "personal",
        "anchor": "opening",
        "address": "a/a",
        "tz": "UTC",
        "version": 3,
        "limits": Limits(day=2),
        "limited_since": 2,
    }
    return ServedCalendar(id="cal_a", **{**terms, "same_limits_since": 2, **more})


def test_a_time_that_two_bookings_were_given_is_held_for_both_and_nobody_else() -> None:
    first, second = confirmed("bk_a", START), confirmed("bk_b", START + timedelta(minutes=10))
    both = [held.held(one, claim_of(one)).wanted[HOST] for one in (first, second)]
    host = held.host_follows(both, (), [], NOW, HOST, None).record
    assert host is not None
    (found,) = times.double_bookings(host)
    assert {"booking.bookings/bk_a", "booking.bookings/bk_b"} < set(found.records)


def test_an_attempt_that_was_given_up_is_never_taken_again() -> None:
    before = confirmed("bk_a", START)
    claim, hosts = followed(cancelled(before), claim_of(before), host_of(before))
    assert claim.over
    assert hosts[HOST].reservations == ()
    assert hosts[HOST].tombstones


def test_what_a_move_left_behind_or_was_given_up_asks_nobody_when_it_comes_again() -> None:
    booking = moved(confirmed("bk_a", START))
    third = booking.attempts[1].model_copy(update={"number": 3, "state": "released", "host_ids": ()})
    claim, _ = followed(booking.change(attempts=(*booking.attempts, third)), None)
    assert [claim.is_released(number) for number in (1, 2, 3)] == [True, False, True]


def test_a_refusal_stays_the_answer() -> None:
    before = confirmed("bk_a", START)
    asked = Attempt(
        number=1, start=START, end=before.end, state="refused", code="slot_taken", requested_at=ASKED, host_ids=()
    )
    rejected = before.change(status="rejected", attempts=(asked,), attempt=0, host_ids=())
    claim, _ = followed(rejected, None)
    assert list(times.claimed(rejected, claim)) == []


# -- assignment


def rotation(**credits: int) -> Rotation:
    return Rotation(
        id="cal_a",
        workspace_id="ws_a",
        calendar_version=2,
        calendar_kind="round_robin",
        status="active",
        tz="UTC",
        optimize="equal",
        members=tuple(RotationMember(member_id=name, credit=credit) for name, credit in credits.items()),
    )


def teamed() -> tuple[Booking, Claim]:
    booking = confirmed("bk_a", START).change(charged=1)
    claim = claim_of(booking)
    asked = claim.attempts["1"].model_copy(update={"at_once": False, "candidates": (HOST, "mem_b")})
    return booking, claim.with_attempt(asked)


def test_a_lost_choice_is_charged_to_who_serves_and_credits_add_up_to_zero() -> None:
    booking, claim = teamed()
    before = rotation(mem_a=30, mem_b=-30)
    assert paid.missing(booking, {}, claim) == [1]
    decided = paid.charge(booking, 1, claim, NOW, before)
    assert decided.record is not None
    assert decided.answer is not None
    assert [owed.kind for owed in decided.owes] == ["timer"], "the others know who was chosen: only the filing is owed"
    assert list(turns.balanced(decided.record)) == []
    server, other = decided.record.members
    assert server.credit < 30, "who serves pays"
    assert other.credit > -30, "who was free gains"
    choice = filed(decided.answer, NOW, None).answer
    assert list(turns.paid(booking, {1: choice}, claim)) == []
    assert paid.missing(booking, {1: choice}, claim) == []


def test_a_choice_of_a_booking_that_is_over_is_taken_back_and_one_of_others_is_paid_by_who_serves() -> None:
    booking, claim = teamed()
    charged = paid.charge(booking, 1, claim, NOW, rotation(mem_a=0, mem_b=0)).answer
    assert charged is not None
    back = paid.follow(cancelled(booking), 1, NOW, charged)
    assert back.answer is not None
    assert back.answer.returned
    assert back.owes, "the rotation is told by the service"
    other = booking.change(
        host_ids=("mem_b",), attempts=(booking.attempts[0].model_copy(update={"host_ids": ("mem_b",)}),)
    )
    changed = paid.follow(other, 1, NOW, charged)
    assert changed.answer is not None
    assert changed.answer.payer == "mem_b"
    assert paid.follow(booking, 1, NOW, charged).record is None


def test_a_release_is_filed_before_a_charge_that_may_still_come() -> None:
    over = cancelled(confirmed("bk_a", START))
    over = over.change(attempts=(over.attempts[0].model_copy(update={"requested_at": NOW}),))
    (blank,) = paid.given_up(over, {}, rotation(mem_a=0), NOW)
    assert blank.id == choice_id("bk_a", 1)
    assert paid.given_up(over, {1: Choice(**blank.model_dump())}, rotation(mem_a=0), NOW) == []
    assert paid.given_up(confirmed("bk_a", START), {}, rotation(mem_a=0), NOW) == []


# -- notify


def notice(booking: Booking, at: Any) -> Notice:
    """What notify plans by itself for the booking, when it hears of it then."""
    details = learn_details(None, guest_details(booking), RULES, at).record
    settled = fact(booking)
    assert settled is not None
    planned = learn_fact(details, settled, RULES, at).record
    assert planned is not None
    return planned


def statuses(record: Notice) -> dict[str, str]:
    return {one.key: f"{one.status}:{one.reason}".rstrip(":") for one in record.messages}


def test_what_was_due_before_the_closing_is_not_sent_again_and_reminders_to_come_are_planned() -> None:
    booking = confirmed("bk_a", START)
    decided = told.notice_follows(booking, BEGIN, RULES, NOW, None)
    assert decided.record is not None
    assert statuses(decided.record)["0.booked.guest"] == "skipped:unknown"
    assert statuses(decided.record)["0.reminder-60.guest"] == "planned"
    assert not [owed for owed in decided.owes if owed.kind == "job"]
    assert sorted(owed.id for owed in decided.owes) == ["remind:0.1440", "remind:0.60"]
    kept = decided.record.change(owed=tuple(decided.owes))
    assert list(mail_invariants.told(booking, kept)) == []
    assert list(mail_invariants.once(kept)) == []
    assert told.notice_follows(booking, BEGIN, RULES, NOW, kept).record is None


def test_a_mail_that_waited_in_the_backup_may_have_gone_out_since() -> None:
    booking = confirmed("bk_a", START)
    known = notice(booking, ASKED)
    known = known.change(owed=tuple(sending(one, ASKED) for one in known.messages if one.status == "queued"))
    decided = told.notice_follows(booking, BEGIN, RULES, NOW, known)
    assert decided.record is not None
    assert statuses(decided.record)["0.booked.guest"] == "skipped:unknown"
    assert {"send:0.booked.guest", "send:0.booked.host"} <= set(decided.drops)


def test_a_reminder_that_was_due_before_the_closing_is_unknown_and_a_later_one_is_sent() -> None:
    booking = confirmed("bk_a", START)
    since = START - timedelta(hours=20)
    decided = told.notice_follows(booking, since, RULES, since, notice(booking, ASKED))
    assert decided.record is not None
    assert statuses(decided.record)["0.reminder-1440.guest"] == "skipped:unknown"
    assert statuses(decided.record)["0.reminder-60.guest"] == "planned"
    assert "remind:0.1440" in decided.drops
    assert "remind:0.60" not in decided.drops


def test_a_notice_that_went_by_times_which_are_forgotten_goes_by_those_that_are_known() -> None:
    booking = confirmed("bk_a", START)
    forgotten = Rules((1440,), (120,), mark=9)
    later = keep_times(notice(booking, ASKED), forgotten, ASKED).record
    assert later is not None
    older = Rules((60,), (60,), mark=5)
    assert [one.kind for one in mail_invariants.reminded(later, older, BEGIN)] == ["reminded_otherwise"] * 2
    decided = told.notice_follows(booking, BEGIN, older, NOW, later)
    assert decided.record is not None
    assert decided.record.reminded_by == 5
    assert list(mail_invariants.reminded(decided.record, older, NOW)) == []
    assert {key for key, status in statuses(decided.record).items() if status == "planned"} == {
        "0.reminder-60.guest",
        "0.reminder-60.host",
    }
    assert sorted(decided.drops)[:2] == ["remind:0.120", "remind:0.1440"]
    kept = decided.record.change(owed=tuple(decided.owes))
    assert told.notice_follows(booking, BEGIN, older, NOW, kept).record is None


def test_what_happened_after_the_closing_is_news() -> None:
    since = BEGIN - timedelta(hours=1)
    booking = moved(confirmed("bk_a", START))
    decided = told.notice_follows(booking, since, RULES, NOW, None)
    assert decided.record is not None
    found = statuses(decided.record)
    assert found["0.booked.guest"] == "skipped:unknown"
    assert found["1.moved.guest"] == found["1.withdrawn.host"] == found["1.booked.host"] == "queued"
    assert {owed.id for owed in decided.owes if owed.kind == "job"} == {
        "send:1.moved.guest",
        "send:1.withdrawn.host",
        "send:1.booked.host",
    }


# -- booking


def known_of(booking: Booking, claim: Claim | None, **more: Any) -> Known:
    settled = {booking.attempt: booking.host_ids[0]} if booking.status == "confirmed" else {}
    return Known(**{"claim": claim, "notice": notice(booking, booking.changed_at), "settled": settled, **more})


@pytest.mark.parametrize("kept", ["nothing", "confirmed"])
@pytest.mark.parametrize("changed", [lambda b: b, moved, cancelled], ids=["as_it_was", "moved", "cancelled"])
def test_a_booking_is_found_again_as_it_was(changed: Any, kept: str) -> None:
    before = confirmed("bk_a", START)
    lost = changed(before)
    claim = held.claim_follows(lost, {}, held.claim_follows(before, {}, None).answer).answer
    if lost.revision:
        claim = claim.change(tombstones=())  # what a move has left behind has none
    known = known_of(lost, claim)
    decided = booking_follows("bk_a", known, NOW, before if kept == "confirmed" else None)
    if lost == before and kept == "confirmed":
        assert decided.record is None
        return
    found = decided.record
    assert found is not None
    same = ("status", "attempt", "revision", "start", "end", "host_ids", "guest", "token", "duration_minutes")
    assert [getattr(found, name) for name in same] == [getattr(lost, name) for name in same]
    assert found.version > lost.version
    assert [attempt.state for attempt in found.attempts] == [attempt.state for attempt in lost.attempts]
    found = found.change(owed=tuple(owed for owed in decided.owes if owed.id not in decided.drops))
    assert list(sagas.alone(found, NOW)) == []
    assert fact(found) is not None
    assert booking_follows("bk_a", known, NOW, found).record is None


def test_an_attempt_that_availability_has_seen_is_never_used_again() -> None:
    booking = confirmed("bk_a", START)
    claim = claim_of(booking)
    third = claim.attempts["1"].model_copy(update={"number": 3, "start": 0, "end": 30})
    decided = booking_follows("bk_a", known_of(booking, claim.with_attempt(third)), NOW, booking)
    assert decided.record is not None
    assert [attempt.state for attempt in decided.record.attempts] == ["settled", "released", "released"]
    assert (decided.record.status, decided.record.start) == ("confirmed", START)
    released = [owed for owed in decided.owes if owed.name == "AttemptReleased"]
    assert len(released) == 2


def test_a_time_that_is_held_for_good_was_promised() -> None:
    booking = confirmed("bk_a", START)
    details = learn_details(None, guest_details(booking), RULES, ASKED).record
    known = Known(claim=claim_of(booking), notice=details, settled={1: HOST})
    decided = booking_follows("bk_a", known, NOW, None)
    assert decided.record is not None
    assert (decided.record.status, decided.record.host_ids) == ("confirmed", (HOST,))
    assert list(sagas.alone(decided.record.change(owed=tuple(decided.owes)), NOW)) == []


def test_a_request_that_nobody_answered_is_given_up() -> None:
    booking = confirmed("bk_a", START)
    details = learn_details(None, guest_details(booking), RULES, ASKED).record
    decided = booking_follows("bk_a", Known(claim=claim_of(booking), notice=details), NOW, None)
    assert decided.record is not None
    assert decided.record.status == "expired"
    assert [owed.name for owed in decided.owes if owed.kind == "event"] == ["AttemptReleased", "BookingReleased"]


def test_a_booking_without_a_guest_is_named_and_nothing_is_made_up() -> None:
    booking = confirmed("bk_a", START)
    decided = booking_follows("bk_a", Known(claim=claim_of(booking)), NOW, None)
    assert decided.record is None
    assert decided.answer is not None
    assert "bk_a is lost" in decided.answer
    assert HOST in decided.answer


# -- accounts


def test_a_member_is_raised_above_every_copy_and_who_was_removed_stays_removed() -> None:
    member = Member(
        id="mem_a",
        workspace_id="ws_a",
        version=2,
        name="Ada",
        email="ada@example.org",
        tz="UTC",
        locale="en",
        role="admin",
        created_at=ASKED,
        changed_at=ASKED,
    )
    gone = projections.Member(
        id="mem_a",
        workspace_id="ws_a",
        version=5,
        status="removed",
        name="Ada L.",
        email="ada@example.org",
        tz="UTC",
        locale="de",
    )
    decided = sources.member_follows([5, 4], gone, None, member)
    assert decided.record is not None
    found = decided.record
    assert (found.version, found.status, found.name, found.epoch) == (6, "removed", "Ada L.", 2)
    assert [owed.name for owed in decided.owes] == ["MemberChanged"]
    assert sources.member_follows([5, 4], gone, None, found).record is None


def test_a_pause_that_began_after_the_backup_is_taken_over_from_whoever_was_told_of_it() -> None:
    member = Member(
        id="mem_a",
        workspace_id="ws_a",
        version=2,
        name="Ada",
        email="ada@example.org",
        tz="UTC",
        locale="en",
        role="admin",
        created_at=ASKED,
        changed_at=ASKED,
    )
    told = rules.Member(id="mem_a", workspace_id="ws_a", version=4, status="active", paused_since=ASKED)
    decided = sources.member_follows([5, 4], None, told, member)
    assert decided.record is not None
    assert (decided.record.version, decided.record.pause) == (6, Pause(since=ASKED, until=None))
    older = told.change(version=2, resumed_at=ASKED)
    kept = sources.member_follows([5, 2], None, older, member.change(pause=Pause(since=ASKED, until=None)))
    assert kept.record is not None
    assert kept.record.pause == Pause(since=ASKED, until=None)


def test_what_is_said_again_daily_is_what_the_tables_of_the_services_say() -> None:
    assert {says.record for service in installed() for says in service.says if says.daily} == SAID_AGAIN
