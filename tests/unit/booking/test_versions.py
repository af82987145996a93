"""Versions of a calendar: none is forgotten, and who changed what is told with each."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain import calendars, drafts, versions
from services.booking.domain.calendars import KEEP_VERSION, Calendar
from services.booking.domain.doing import Actor, Publishing, Touch
from services.booking.domain.drafts import Draft
from services.booking.domain.versions import CalendarVersion
from turnus_contracts import CalendarMember
from turnus_runtime.owing import owed_after
from turnus_runtime.records import Decision, millis

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
MEMBERS = (CalendarMember(member_id="mem_ada"), CalendarMember(member_id="mem_bob"))


def actor(name: str = "ada", minutes: int = 0, key_id: str | None = None) -> Actor:
    return Actor(id=f"mem_{name}", now=NOW + timedelta(minutes=minutes), key_id=key_id)


def calendar(**values: Any) -> Calendar:
    draft = Draft(kind="round_robin", slug="talk", name="Talk", tz="UTC", members=MEMBERS)
    return Calendar(
        **{
            "id": "cal_1", "workspace_id": "ws_a", "workspace_slug": "demo", "version": 1, "status": "draft",
            "draft": draft, "created_at": NOW, "changed_at": NOW,
        } | values
    )  # fmt: skip


def after(decision: Decision[Calendar, Any], before: Calendar) -> Calendar:
    """The calendar with what it owes, as the store would have it."""
    assert decision.record is not None
    owed = owed_after(before.owed, decision, decision.record.version, millis(NOW), "")
    return decision.record.change(owed=owed)


def published(current: Calendar, who: Actor | None = None) -> Calendar:
    return after(calendars.publish(current, None, who or actor()), current)


def edited(current: Calendar, who: Actor | None = None, /, **values: Any) -> Calendar:
    return after(calendars.edit(current, values, None, who or actor()), current)


def of(current: Calendar) -> list[tuple[int, int | None, str]]:
    """The versions that the calendar holds: number, the one before, status."""
    return [(one.version, one.publishing.previous if one.publishing else None, one.status) for one in held(current)]


def held(current: Calendar) -> list[CalendarVersion]:
    return sorted(versions.held(current), key=lambda one: one.version)


def test_a_draft_that_was_never_published_has_no_versions_and_no_unpublished_changes() -> None:
    current = edited(calendar(), duration_minutes=45)
    assert held(current) == []
    assert current.unpublished == ()
    assert current.owed[-1].name == "ChangeRecorded"


def test_what_is_published_is_the_newest_version_and_the_one_before_is_owed_whole() -> None:
    first = published(calendar(), actor("ada"))
    second = published(edited(first, actor("bob", 1), duration_minutes=45), actor("cleo", 2, "key_1"))
    assert of(second) == [(2, None, "active"), (4, 2, "active")]
    one, two = held(second)
    assert (one.settings.duration_minutes, two.settings.duration_minutes) == (30, 45)
    assert one.publishing == Publishing(at=NOW, actor_id="mem_ada")
    assert two.publishing == Publishing(
        at=NOW + timedelta(minutes=2),
        actor_id="mem_cleo",
        key_id="key_1",
        previous=2,
        changes=(Touch(field="duration_minutes", at=NOW + timedelta(minutes=1), actor_id="mem_bob"),),
    )


def test_each_change_is_told_with_whoever_made_it_last() -> None:
    current = edited(published(calendar()), actor("bob", 1), duration_minutes=45, name="Chat")
    current = edited(current, actor("cleo", 2), duration_minutes=60, name="Chat")
    assert [(one.field, one.actor_id) for one in current.unpublished] == [
        ("name", "mem_bob"),
        ("duration_minutes", "mem_cleo"),
    ]


def test_what_was_changed_back_is_no_change() -> None:
    current = edited(published(calendar()), duration_minutes=45, name="Chat")
    current = edited(current, actor("bob"), duration_minutes=30)
    assert [one.field for one in current.unpublished] == ["name"]
    assert current.touches == current.unpublished


def test_only_what_differs_is_told_to_the_audit_log() -> None:
    """A form sends all its fields; a log that names them all says nothing."""
    decision = calendars.edit(calendar(), {"name": "Chat", "tz": "UTC", "duration_minutes": 30}, None, actor())
    (recorded,) = decision.owes
    assert recorded.data is not None
    assert recorded.data["fields"] == ["name"]


def test_closing_is_a_version_that_changes_nothing_and_drafts_are_none() -> None:
    current = edited(published(calendar()), duration_minutes=45)
    closed = after(calendars.retire(current, None, actor("bob", 5)), current)
    assert of(closed) == [(2, None, "active"), (4, 2, "retired")]
    assert held(closed)[-1].settings.duration_minutes == 30
    assert held(closed)[-1].publishing == Publishing(at=NOW + timedelta(minutes=5), actor_id="mem_bob", previous=2)
    drafted = calendar()
    assert held(after(calendars.retire(drafted, None, actor()), drafted)) == []


def test_a_removed_member_makes_a_version_and_leaves_the_other_changes_to_whoever_made_them() -> None:
    current = edited(published(calendar()), actor("bob", 1), duration_minutes=45)
    left = after(calendars.drop_member(current, "mem_bob", NOW + timedelta(minutes=2)), current)
    newest = held(left)[-1]
    assert [one.member_id for one in newest.settings.members] == ["mem_ada"]
    assert newest.settings.duration_minutes == 30
    assert newest.publishing is not None
    assert newest.publishing.actor_id == "turnus"
    assert [(one.field, one.actor_id) for one in newest.publishing.changes] == [("members", "turnus")]
    assert [(one.field, one.actor_id) for one in left.unpublished] == [("duration_minutes", "mem_bob")]


def test_publishing_again_what_is_published_makes_no_version() -> None:
    current = published(calendar())
    assert calendars.publish(current, None, actor()).record is None


def test_a_calendar_of_before_says_that_nobody_knows_who_published_it() -> None:
    draft = calendar().draft
    old = calendar(
        status="active",
        published=draft,
        published_version=7,
        version=8,
        draft=draft.model_copy(update={"name": "Chat"}),
    )
    assert [(one.version, one.publishing) for one in held(old)] == [(7, None)]
    assert old.unpublished == (Touch(field="name"),)
    new = published(old)
    assert of(new) == [(7, None, "active"), (9, 7, "active")]
    assert held(new)[-1].publishing == Publishing(
        at=NOW, actor_id="mem_ada", previous=7, changes=(Touch(field="name"),)
    )


def test_a_filed_version_is_not_owed_any_more_and_never_changes() -> None:
    current = published(edited(published(calendar()), name="Chat"))
    (owed,) = [entry for entry in current.owed if entry.name == KEEP_VERSION]
    version = versions.owed_version(owed)
    assert versions.file(None, version).record == version
    assert versions.file(version, version.change(status="retired")).record is None
    decision = calendars.kept(current, owed.id)
    assert list(decision.drops) == [owed.id]
    assert decision.record == current
    assert calendars.kept(current.change(owed=()), owed.id).record is None
    assert calendars.kept(None, owed.id).record is None


def done(doing: str, current: Calendar, n: int) -> Decision[Calendar, Any]:
    """The n-th thing that happens."""
    who = actor(minutes=n)
    match doing:
        case "edit":
            return calendars.edit(current, {"duration_minutes": 30 + 5 * (n % 3)}, None, who)
        case "publish":
            return calendars.publish(current, None, who)
        case "drop":
            return calendars.drop_member(current, ("mem_ada", "mem_bob")[n % 2], who.now)
        case "retire":
            return calendars.retire(current, None, who)
        case _:
            return calendars.kept(current, next((one.id for one in current.owed if one.name == KEEP_VERSION), ""))


@given(st.lists(st.sampled_from(["edit", "publish", "drop", "retire", "file"]), max_size=12))
def test_whatever_happens_every_version_is_filed_or_held_and_follows_the_one_before(doings: list[str]) -> None:
    current, filed, said = calendar(), dict[int, CalendarVersion](), set[int]()
    for n, doing in enumerate(doings):
        decided = done(doing, current, n)
        filed |= {one.version: one for one in held(current) if f"{KEEP_VERSION}:{one.version}" in decided.drops}
        current = after(decided, current) if decided.record is not None else current
        said |= {current.published_version} if current.published is not None else set()
    known = filed | {one.version: one for one in held(current)}
    assert known.keys() == said
    numbers = sorted(known)
    for before, number in zip([None, *numbers], numbers, strict=False):
        told = known[number].publishing
        assert told is not None
        assert told.previous == before
        if before is not None:
            differing = drafts.differing(known[before].settings, known[number].settings)
            assert [one.field for one in told.changes] == list(differing)
