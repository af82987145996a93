from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.web.adapters.calendar_links import google_link, outlook_link
from services.web.domain.entered import entered, mistakes
from services.web.domain.seen import SeenBooking, state_of

NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)


def booking(**more: Any) -> SeenBooking:
    values: dict[str, Any] = {
        "id": "bk_1",
        "status": "confirmed",
        "code": None,
        "revision": 0,
        "version": 2,
        "calendar_id": "cal_1",
        "calendar_address": "sonnenhof/beratung",
        "calendar_name": "Beratung",
        "start": NOW + timedelta(days=1),
        "end": NOW + timedelta(days=1, minutes=30),
        "tz": "Europe/Berlin",
        "host": {"id": "mem_1", "name": "Ada"},
        "location": {"kind": "address", "value": "Lindenstraße 12; Berlin, Hof"},
        "guest": {"name": "Grace", "email": "grace@example.org"},
        "additional_guests": [],
        "reason": None,
        "move": None,
        "alternatives": [],
        "token": "bkt_secret",
        "manage_url": "https://turnus.example/b/bkt_secret",
        "changed_at": NOW,
        **more,
    }
    return SeenBooking.model_validate(values)


def test_the_form_is_read_as_the_api_takes_it_and_empty_rows_are_nobody() -> None:
    given = entered(
        {"name": " Grace ", "email": "grace@example.org", "phone": "", "guest_name_2": "Charles", "key": "k1"}, "new"
    )
    assert given.guest() == {"name": "Grace", "email": "grace@example.org", "phone": None}
    assert given.additional_guests() == [{"name": "Charles", "email": ""}]
    assert given.key == "k1"


@pytest.mark.parametrize("key", ["", "x" * 101, "ü", "a\nb"])
def test_a_key_that_the_api_would_refuse_is_replaced(key: str) -> None:
    assert entered({"key": key}, "new").key == "new"


def test_what_the_api_refused_is_said_at_the_field_where_it_was_written() -> None:
    given = entered(
        {"email": "nobody@", "guest_name_0": "A", "guest_email_0": "a@example.org", "guest_name_2": "C"}, "k"
    )
    refused = ["additional_guests.1.email", "guest.email", "guest.name", "start", "additional_guests.9.email"]
    assert [(one.field, one.message) for one in mistakes(given, refused)] == [
        ("name", "form.name_missing"),
        ("email", "form.email_wrong"),
        ("guest_email_2", "form.email_missing"),
    ]


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, "confirmed"),
        ({"revision": 2}, "moved"),
        ({"move": {"start": NOW, "end": NOW}}, "moving"),
        ({"status": "requested"}, "requested"),
        ({"status": "cancelled", "end": NOW}, "cancelled"),
        ({"status": "rejected"}, "rejected"),
        ({"status": "expired"}, "expired"),
        ({"end": NOW}, "past"),
        ({"status": "attended"}, "past"),
        ({"status": "no_show"}, "past"),
    ],
)
def test_a_page_is_about_the_state_of_its_booking(values: dict[str, Any], state: str) -> None:
    assert state_of(booking(**values), NOW) == state


def test_other_calendars_never_learn_the_guests_link_or_name() -> None:
    for link in (google_link(booking(), "Beratung: Ada"), outlook_link(booking(), "Beratung: Ada")):
        assert "bkt_" not in link
        assert "grace" not in link.lower()
        assert "20270105T120000Z" in link or "2027-01-05T12%3A00%3A00Z" in link
