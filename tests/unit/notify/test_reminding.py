"""Reminder times that change: whoever is to be reminded is, by the times of then, once, in any order of hearing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain import planning, reminding
from services.notify.domain.notices import Notice
from services.notify.domain.planning import Rules
from services.notify.domain.reminding import KEEP_TIMES, Minutes, ReminderTimes, rules_by
from tests.unit.notify.given import NOW, START, Kept, cancelled, confirmed, details, moved
from tests.unit.notify.given import reminding as reminded_at
from turnus_contracts import Event
from turnus_runtime.records import Decision, timer

OFFSETS = (5, 60, 120, 1440, 2880)
SOME = st.frozensets(st.sampled_from(OFFSETS))
TIMES = st.tuples(SOME, SOME)


class Life(Kept):
    """A booking, and the times of its workspace; what is done by a process that has read older ones is chosen."""

    def __init__(self) -> None:
        super().__init__(reminded_at(1440, 60))
        self.chosen: list[tuple[datetime, Rules]] = [(self.now, self.rules)]
        self.stages: list[tuple[datetime, datetime, int]] = []
        """when it was heard, its start, its revision"""

    def choose(self, guests: frozenset[int], hosts: frozenset[int]) -> None:
        mark = self.rules.mark + 1
        self.rules = replace(self.rules, guest_minutes=tuple(guests), host_minutes=tuple(hosts), mark=mark)
        self.chosen.append((self.now, self.rules))

    def walk(self, rules: Rules | None = None) -> None:
        self.decide(lambda n: planning.keep_times(n, rules or self.rules, self.now))

    def take_in(self, event: Any, meanwhile: Callable[[], None] | None = None) -> None:
        """As the handler does; `meanwhile` happens between its reading of the times and its write."""
        rules = self.rules
        if meanwhile is not None:
            meanwhile()

        def plan(notice: Notice | None) -> Decision[Notice, bool]:
            learn: Any = planning.learn_details if hasattr(event, "guest") else planning.learn_fact
            return learn(notice, event, rules, self.now)

        while self.decide(plan):
            if self.rules.mark <= rules.mark:
                return
            rules = self.rules

            def plan(notice: Notice | None) -> Decision[Notice, bool]:
                return planning.keep_times(notice, self.rules, self.now)

    def book(self, event: Any, meanwhile: Callable[[], None] | None = None) -> None:
        self.take_in(event, meanwhile)
        self.stages.append((self.now, event.start, event.revision))

    def expected(self) -> list[str]:
        """Whom the times of then name: at each due time of the stage that was in force, if it was known before."""
        keys: list[str] = []
        ends = [*(heard for heard, _, _ in self.stages[1:]), self.now]
        for (heard, start, revision), end in zip(self.stages, ends, strict=True):
            for offset in OFFSETS:
                due = start - timedelta(minutes=offset)
                if not heard < due <= end:
                    continue
                then = [rules for since, rules in self.chosen if since < due][-1]
                keys += [f"{revision}.reminder-{offset}.guest"] * (offset in then.guest_minutes)
                keys += [f"{revision}.reminder-{offset}.host"] * (offset in then.host_minutes)
        return sorted(keys)

    def reminded(self) -> list[str]:
        return sorted(key for key in self.sent if "reminder" in key)

    def is_as_chosen(self) -> None:
        """What waits is what is wanted and still to come, and a timer will send it."""
        assert self.notice is not None
        told = self.notice.told
        assert told is not None
        assert len({one.key for one in self.notice.messages}) == len(self.notice.messages)
        waiting = {one.key for one in self.notice.messages if one.status == "planned"}
        wanted = {
            f"{told.revision}.reminder-{offset}.{who}"
            for who, minutes in (("guest", self.rules.guest_minutes), ("host", self.rules.host_minutes))
            for offset in minutes
            if told.start - timedelta(minutes=offset) > self.now
        }
        assert waiting == wanted
        timers = {entry.id: entry.due for entry in self.owed("timer")}
        assert timers == {
            f"remind:{told.revision}.{one.offset_minutes}": int(one.due.timestamp() * 1000)
            for one in self.notice.messages
            if one.status == "planned"
        }


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("choose"), TIMES),
        st.tuples(st.just("pass"), st.integers(1, 1500)),
        st.tuples(st.just("move"), st.integers(-60, 1440)),
        st.tuples(st.just("move meanwhile"), TIMES),
        st.tuples(st.just("again"), st.none()),
    ),
    max_size=8,
)


@settings(max_examples=400, deadline=None)
@given(STEPS, st.booleans())
def test_every_reminder_that_the_times_of_then_ask_for_goes_once_and_no_other(steps: Any, first_change: Any) -> None:
    life = Life()
    life.take_in(details(1))

    def changed() -> None:
        life.choose(frozenset({120}), frozenset())
        life.walk()

    life.book(confirmed(2), changed if first_change else None)
    version, revision, start = 2, 0, START
    last: Event = confirmed(2)
    for what, value in steps:
        if life.now >= start - timedelta(minutes=1):
            break
        if what == "choose":
            life.choose(*value)
            life.walk()
        elif what == "pass":
            life.pass_to(min(life.now + timedelta(minutes=value), start - timedelta(minutes=1)))
        elif what == "again":
            life.take_in(last)
        else:
            later = start + timedelta(minutes=value if what == "move" else 60)
            if later <= life.now:
                continue
            version, revision, start = version + 2, revision + 1, later

            def meanwhile(times: Any = value) -> None:
                life.choose(*times)
                life.walk()

            last = moved(version, revision, start=start)
            life.book(last, meanwhile if what == "move meanwhile" else None)
        life.is_as_chosen()
    life.pass_to(start + timedelta(minutes=1))
    assert life.reminded() == life.expected()


@settings(max_examples=300, deadline=None)
@given(st.lists(TIMES, min_size=1, max_size=5), st.lists(st.integers(0, 5), max_size=12), st.integers(0, 2880))
def test_walks_that_are_late_or_old_end_in_the_newest_times_and_remind_nobody_twice(
    choices: Any, walks: Any, passes: int
) -> None:
    life = Life()
    life.take_in(details(1))
    life.book(confirmed(2))
    for choice in choices:
        life.choose(*choice)
    newest = 0
    for walk in walks:
        rules = life.chosen[min(walk, len(life.chosen) - 1)][1]
        life.walk(rules)
        newest = max(newest, rules.mark)
        assert life.notice is not None
        assert life.notice.reminded_by == newest, "an old walk undid what a newer one did"
        life.pass_to(min(life.now + timedelta(minutes=passes), START - timedelta(minutes=1)))
    life.walk()
    life.is_as_chosen()
    life.pass_to(START + timedelta(minutes=1))
    assert len(life.reminded()) == len(set(life.reminded()))


def test_a_reminder_that_is_due_already_is_not_taken_back() -> None:
    life = Life()
    life.take_in(details(1))
    life.book(confirmed(2))
    life.now = START - timedelta(minutes=1440)
    life.choose(frozenset(), frozenset())
    life.walk()
    life.fire()
    life.work()
    assert life.reminded() == ["0.reminder-1440.guest", "0.reminder-1440.host"]
    assert not life.owed("timer")


def test_a_reminder_that_went_is_not_sent_again_when_its_time_is_chosen_again() -> None:
    life = Life()
    life.take_in(details(1))
    life.book(confirmed(2))
    life.pass_to(START - timedelta(minutes=1000))
    for times in ((frozenset[int](), frozenset[int]()), (frozenset({1440, 60}), frozenset({60}))):
        life.choose(*times)
        life.walk()
    life.pass_to(START)
    assert life.reminded() == [
        "0.reminder-1440.guest",
        "0.reminder-1440.host",
        "0.reminder-60.guest",
        "0.reminder-60.host",
    ]


def test_a_booking_that_was_called_off_is_reminded_of_by_no_change() -> None:
    life = Life()
    life.take_in(details(1))
    life.take_in(confirmed(2))
    life.take_in(cancelled(3))
    life.choose(frozenset({60}), frozenset({60}))
    life.walk()
    assert not life.owed("timer")
    assert not [one for one in (life.notice.messages if life.notice else ()) if one.status == "planned"]


def test_notices_of_before_there_were_marks_are_planned_anew_when_they_are_heard_of() -> None:
    life = Life()
    life.take_in(details(1))
    life.take_in(confirmed(2))
    assert life.notice is not None
    stored = life.notice.model_dump(mode="json", exclude={"id", "reminded_by"})
    old = Notice.model_validate({**Notice.upgrade(stored, 1), "id": "bk_1"}).change(owed=life.notice.owed)
    life.notice = old
    life.take_in(confirmed(2))
    assert life.notice.reminded_by == 0
    life.is_as_chosen()
    assert life.notice.messages == old.messages


# --- the times themselves ------------------------------------------------------------------------------------------


def chosen(current: ReminderTimes | None, minutes: Minutes | None, now: datetime = NOW) -> Any:
    return reminding.change(current, "ws_1", minutes, "mem_a", now)


def test_marks_rise_although_a_clock_goes_back() -> None:
    first = chosen(None, Minutes.of([60], [])).record
    second = chosen(first, Minutes.of([], [5, 60]), NOW - timedelta(days=1)).record
    assert second.mark > first.mark
    assert second.minutes.hosts == (60, 5)
    third = chosen(second, None).record
    assert (third.version, third.minutes) == (3, None)
    assert rules_by(third, Rules()) == Rules(mark=third.mark)
    assert rules_by(second, Rules()) == Rules((), (60, 5), mark=second.mark)
    assert rules_by(None, Rules()) == Rules()


def test_a_change_owes_the_walk_and_the_audit_log_and_the_same_again_owes_nothing() -> None:
    decided = chosen(None, Minutes.of([60], [60]))
    (said, walk) = decided.owes
    assert (said.data["thing"], said.data["thing_id"], said.data["action"]) == (
        "notification_settings",
        "ws_1",
        "changed",
    )
    assert said.data["fields"] == ["guest_reminder_minutes", "host_reminder_minutes"]
    assert walk.id == KEEP_TIMES
    again = chosen(decided.record, Minutes.of([60], [60]))
    assert (again.answer, again.record) == (decided.record, None)
    assert chosen(None, None).record is None
    (said, _) = chosen(decided.record, Minutes.of([60], [])).owes
    assert said.data["fields"] == ["host_reminder_minutes"]


def test_a_walk_goes_on_where_it_was_and_ends_unless_the_times_were_changed_meanwhile() -> None:
    times = chosen(None, Minutes.of([60], [60])).record
    fired = timer(KEEP_TIMES, NOW)
    owing = times.change(owed=(fired,))
    (on,) = reminding.walked(owing, fired, "ws_1|x", NOW).owes
    assert on.data == {"after": "ws_1|x"}
    assert reminding.walked(owing, fired, None, NOW).drops == (KEEP_TIMES,)
    later = times.change(owed=(timer(KEEP_TIMES, NOW + timedelta(seconds=1)),))
    assert reminding.walked(later, fired, None, NOW).record is None
    assert reminding.walked(None, fired, None, NOW).record is None
