"""Who books as staff, who as a guest, and whose overbooking is refused, by which field."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.booking.domain.calendars import Calendar
from services.booking.domain.drafts import Draft
from services.booking.routes.asking import acting
from services.booking.routes.views import NewBooking
from turnus_contracts import CalendarMember
from turnus_runtime.credentials import Principal
from turnus_runtime.http.problems import Problem
from turnus_runtime.ids import derived

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
ADA, BOB, CLEO = (derived("mem", name) for name in ("ada", "bob", "cleo"))
TERMS = Draft(kind="personal", slug="talk", name="Talk", tz="UTC", members=(CalendarMember(member_id=ADA),))
CALENDAR = Calendar(
    id="cal_1",
    workspace_id="ws_a",
    workspace_slug="demo",
    version=2,
    status="active",
    draft=TERMS,
    published=TERMS,
    published_version=2,
    created_at=NOW,
    changed_at=NOW,
)
OVER: dict[str, Any] = {"overbook": True, "host_id": ADA, "reason": "The guest comes from afar"}


def asks(**more: Any) -> NewBooking:
    guest = {"name": "Grace", "email": "grace@example.org"}
    told = {"calendar": "demo/talk", "start": "2027-01-11T09:00:00Z", "tz": "UTC", "guest": guest}
    return NewBooking.model_validate({**told, **more})


def member(member_id: str = BOB, workspace: str = "ws_a", *scopes: str, assigned_only: bool = False) -> Principal:
    return Principal(
        member_id=member_id,
        workspace_id=workspace,
        role="member",
        scopes=frozenset(scopes or ("bookings:view", "bookings:manage")),
        credential_id="key_1",
        assigned_only=assigned_only,
    )


def refusal(body: NewBooking, who: Principal | None) -> tuple[str, list[str]]:
    with pytest.raises(Problem) as refused:
        acting(body, who, CALENDAR)
    return refused.value.code, [one.field for one in refused.value.errors]


@pytest.mark.parametrize(
    ("who", "as_staff"),
    [
        (None, False),
        (member(), True),
        (member(BOB, "ws_b"), False),
        (member(BOB, "ws_a", "bookings:view"), False),
        (member(ADA, assigned_only=True), True),
        (member(BOB, assigned_only=True), False),
    ],
)
def test_who_manages_the_bookings_of_the_calendar_is_staff_there_and_everybody_else_a_guest(
    who: Principal | None, as_staff: bool
) -> None:
    assert acting(asks(), who, CALENDAR) == (who if as_staff else None)


def test_staff_overbook_and_who_is_restricted_themselves_where_they_serve() -> None:
    for who in (member(), member(ADA, assigned_only=True)):
        assert acting(asks(**OVER), who, CALENDAR) == who


@pytest.mark.parametrize("who", [None, member(BOB, "ws_b"), member(BOB, "ws_a", "bookings:view")])
def test_guests_foreigners_and_those_who_only_look_overbook_nothing(who: Principal | None) -> None:
    assert refusal(asks(**OVER), who) == ("forbidden", [])


@pytest.mark.parametrize("field", ["host_id", "reason"])
def test_an_overbooking_without_its_host_or_its_reason_is_refused_by_that_field(field: str) -> None:
    body = asks(**{name: value for name, value in OVER.items() if name != field})
    assert refusal(body, member()) == ("validation_failed", [field])


def test_who_is_restricted_overbooks_nobody_else_and_nothing_elsewhere() -> None:
    assert refusal(asks(**{**OVER, "host_id": CLEO}), member(ADA, assigned_only=True)) == ("assigned_only", ["host_id"])
    assert refusal(asks(**{**OVER, "host_id": BOB}), member(BOB, assigned_only=True)) == ("assigned_only", ["calendar"])
