"""Value types: what they take, and as what."""

from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from turnus_runtime.http import Answer, EmailAddress, Id, Instant, Name, Text, ZoneName
from turnus_runtime.ids import derived

INSTANT, ZONE, EMAIL = TypeAdapter(Instant), TypeAdapter(ZoneName), TypeAdapter(EmailAddress)


class Shown(Answer):
    at: Instant


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60),
)
def test_every_instant_with_offset_is_read_as_the_same_instant(local: datetime, minutes: int) -> None:
    aware = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    read = INSTANT.validate_python(aware.isoformat())
    assert read == aware.replace(microsecond=aware.microsecond // 1000 * 1000)
    assert read.tzinfo is UTC


def test_an_instant_is_answered_in_the_zone_it_was_put_in() -> None:
    berlin = datetime(2027, 7, 1, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    assert Shown(at=berlin).model_dump_json() == '{"at":"2027-07-01T09:00:00+02:00"}'
    assert Shown(at=berlin.astimezone(UTC)).model_dump_json() == '{"at":"2027-07-01T07:00:00Z"}'
    assert (
        Shown.model_validate_json('{"at":"2027-07-01t09:00:00.5+02:00"}').model_dump_json()
        == '{"at":"2027-07-01T07:00:00.500Z"}'
    )


@pytest.mark.parametrize("value", [1, 1.5, True, None, datetime(2027, 1, 1)])  # noqa: DTZ001
def test_what_is_no_text_is_no_instant(value: Any) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(value)


def test_every_zone_of_tzdata_is_taken_in_any_case_and_spelled_its_own_way() -> None:
    for name in resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split():
        if name != "Factory":
            assert ZONE.validate_python(name.upper()) == name
            assert ZoneInfo(name)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada+tag@Example.ORG ", "Ada+tag@example.org"),
        ("ada@müller.de", "ada@xn--mller-kva.de"),
        ("o'hara@a-b.co.uk", "o'hara@a-b.co.uk"),
        ("a@b.xn--p1ai", "a@b.xn--p1ai"),
    ],
)
def test_mail_addresses_are_kept_in_one_form(given_: str, kept: str) -> None:
    assert EMAIL.validate_python(given_) == kept


@pytest.mark.parametrize(
    "value",
    ["", "@", "ada", "ada@", "@example.org", "ada@localhost", "ada@example..org", "ada@.org", "a da@example.org",
     "ada@exa mple.org", ".ada@example.org", "ada.@example.org", "a..b@example.org", "ada@example.org\nBcc: x@y.de",
     "ada@-a.org", "ada@a-.org", "ada@127.0.0.1", "<ada@example.org>", '"a b"@example.org', "ada@example.org,b@c.de",
     "ä@example.org", "a" * 65 + "@example.org", "a@" + "b" * 60 + ("." + "b" * 60) * 4 + ".org", "a@b.c", 7, None,
     "a@" + "b" * 64 + ".org"],
)  # fmt: skip
def test_what_no_mail_can_be_sent_to_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        EMAIL.validate_python(value)


def test_text_is_stripped_and_composed_before_it_is_kept() -> None:
    assert TypeAdapter(Name).validate_python("  Zoe\u0308 ") == "Zoë"
    lines = TypeAdapter(Annotated[str, Text(20, lines=True)])
    assert lines.validate_python("a\r\n\tb") == "a\r\n\tb"
    with pytest.raises(ValidationError):
        lines.validate_python("a\x0bb")


def test_ids_name_their_kind() -> None:
    ids = TypeAdapter(Annotated[str, Id("mem")])
    assert ids.validate_python(derived("mem", "a"))
    for wrong in (
        "mem_",
        derived("bk", "a"),
        derived("mem", "a") + "0",
        derived("mem", "a").upper(),
        "mem_" + "l" * 26,
    ):
        with pytest.raises(ValidationError):
            ids.validate_python(wrong)
