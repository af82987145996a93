"""Of several schedules of one member it is always clear which one counts where."""

from datetime import UTC, datetime

from services.web.domain.schedules import (
    Place,
    calendars_of,
    chosen_in,
    counts_in,
    sent_form,
    sent_places,
    standard,
)
from services.web.domain.staff import SeenSchedule


def schedule(name: str, hour: int, *calendar_ids: str, default: bool = False) -> SeenSchedule:
    return SeenSchedule(
        id=f"sch_{name}",
        member_id="mem_1",
        version=1,
        name=name,
        tz="UTC",
        default=default,
        calendar_ids=calendar_ids,
        weekly=(),
        overrides=(),
        changed_at=datetime(2027, 1, 4, hour, tzinfo=UTC),
    )


OLD, NEW, PHONE = (
    schedule("old", 7, "cal_1", "cal_2", default=True),
    schedule("new", 9, default=True),
    schedule("phone", 8, "cal_2"),
)
ALL = (OLD, NEW, PHONE)


def test_the_newest_default_one_is_the_standard_and_the_newest_of_a_calendar_counts_there() -> None:
    assert standard(ALL) == NEW
    assert standard([PHONE]) is None
    assert {calendar_id: one.name for calendar_id, one in counts_in(ALL).items()} == {"cal_1": "old", "cal_2": "phone"}
    assert (calendars_of(OLD, ALL), calendars_of(PHONE, ALL)) == (["cal_1"], ["cal_2"])


def test_calendars_that_are_not_shown_stay_and_only_shown_ones_can_be_chosen() -> None:
    shown = [Place("cal_1", "One", checked=True, other=None), Place("cal_2", "Two", checked=False, other="phone")]
    assert chosen_in(shown, ["cal_9", "cal_1"]) == ["cal_9", "cal_1"]
    ticked = sent_places(shown, {"calendar_id": ["cal_2", "cal_7"]})
    assert chosen_in(ticked, ["cal_9", "cal_1"]) == ["cal_9", "cal_2"]


def test_no_two_schedules_have_one_name() -> None:
    assert sent_form({"name": ["  OLD "]}, None, ALL).errors["name"].key == "wrong.name_taken"
    assert not sent_form({"name": ["old"]}, OLD, ALL).errors
    assert sent_form({"name": [" "]}, OLD, ALL).errors["name"].key == "wrong.missing"
