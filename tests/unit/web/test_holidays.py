"""Which public holidays are offered, and what becomes of those that are ticked."""

from datetime import date
from typing import Any

import pytest

from services.web.adapters.words import languages
from services.web.adapters.zones import country_of
from services.web.domain.holidays import (
    Asked,
    Line,
    SeenCountry,
    SeenHoliday,
    are_taken,
    asked_for,
    code_asked_for,
    label_of,
    lines,
    sent_lines,
    sorting,
    taken_over,
)
from services.web.domain.staff import SeenSchedule

TODAY = date(2027, 1, 4)
GERMANY: dict[str, Any] = {
    "code": "DE", "regions": [{"code": "BE", "name": "Berlin"}, {"code": "BY", "name": "Bayern"}],
    "first_year": 1991, "last_year": 2100,
}  # fmt: skip
SWITZERLAND: dict[str, Any] = {
    "code": "CH",
    "regions": [{"code": "BE", "name": "Bern"}],
    "first_year": 1801,
    "last_year": 2027,
}
KNOWN = {one["code"]: SeenCountry.model_validate(one) for one in (GERMANY, SWITZERLAND)}
HOLIDAYS = [
    SeenHoliday(date=date.fromisoformat(day), name=name)
    for day, name in (
        ("2027-01-01", "Neujahr"),
        ("2027-01-06", "Heilige Drei Könige"),
        ("2027-05-01", "Erster Mai"),
        ("2027-05-06", "Christi Himmelfahrt"),
        ("2027-05-17", "Pfingstmontag"),
        ("2027-05-27", "Fronleichnam"),
    )
]


def schedule(**overrides: Any) -> SeenSchedule:
    return SeenSchedule.model_validate(
        {
            "id": "sch_1", "member_id": "mem_1", "version": 3, "name": "H", "tz": "Europe/Berlin", "default": True,
            "weekly": [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}],
            "overrides": [{"date": day.replace("_", "-")[1:], **told} for day, told in overrides.items()],
            "changed_at": "2027-01-01T00:00:00Z",
        }
    )  # fmt: skip


OWN = schedule(
    _2027_05_06={"ranges": [], "label": None},
    _2027_05_17={"ranges": [], "label": "Pfingstmontag"},
    _2027_05_27={"ranges": [{"start": "09:00", "end": "11:00"}, {"start": "13:00", "end": "14:00"}], "label": None},
)


def test_what_is_offered_says_why_it_is_not_ticked() -> None:
    found = {one.name: one for one in lines(HOLIDAYS, OWN, TODAY)}
    assert {name: (one.state, one.checked, one.field) for name, one in found.items()} == {
        "Neujahr": ("past", False, "day"),
        "Heilige Drei Könige": ("open", True, "day"),
        "Erster Mai": ("idle", False, "day"),
        "Christi Himmelfahrt": ("off", False, "instead"),
        "Pfingstmontag": ("taken", False, "instead"),
        "Fronleichnam": ("hours", False, "instead"),
    }
    assert found["Fronleichnam"].own_hours == "09:00–11:00, 13:00–14:00"


def test_today_is_not_over_yet() -> None:
    (one,) = lines([SeenHoliday(date=TODAY, name="X")], OWN, TODAY)
    assert one.state == "open"


def test_without_a_schedule_nothing_is_ticked() -> None:
    assert [one for one in lines(HOLIDAYS, None, TODAY) if one.checked] == []


def ticked(offered: list[Line], **sent: list[str]) -> list[str]:
    return [one.day.isoformat() for one in sent_lines(offered, sent) if one.checked]


def test_what_has_something_of_its_own_is_chosen_by_a_field_of_its_own() -> None:
    offered = lines(HOLIDAYS, OWN, TODAY)
    assert ticked(offered, day=["2027-01-06", "2027-05-27"], instead=["2027-05-06"]) == ["2027-01-06", "2027-05-06"]
    assert ticked(offered, day=["2027-12-24", "x", "", "2027-02-30"], instead=["<script>"]) == []


def test_what_is_taken_over_leaves_all_other_dates_as_they_are() -> None:
    chosen = [one for one in lines(HOLIDAYS, OWN, TODAY) if one.name in ("Heilige Drei Könige", "Christi Himmelfahrt")]
    known = [one.model_dump() for one in OWN.overrides if one.date != "2027-05-06"]
    assert taken_over(chosen, OWN.overrides) == [
        *known,
        {"date": "2027-01-06", "ranges": [], "label": "Heilige Drei Könige"},
        {"date": "2027-05-06", "ranges": [], "label": "Christi Himmelfahrt"},
    ]


def test_a_form_that_comes_twice_is_known_by_what_it_did() -> None:
    offered = lines(HOLIDAYS, OWN, TODAY)
    assert are_taken(offered, {"day": ["2027-05-17"]})
    assert not are_taken(offered, {"day": ["2027-05-17", "2027-05-27"]})
    assert not are_taken(offered, {})


def asked(given: dict[str, str], proposed: str | None) -> Asked:
    code = code_asked_for(given, list(KNOWN), proposed)
    return asked_for(given, KNOWN.get(code or ""), 2027)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("DE", None, 2027)),
        ({"country": "CH", "region": "CH-BE", "year": "2028"}, ("CH", "BE", 2028)),
        ({"country": "CH", "region": "DE-BE"}, ("CH", None, 2027)),
        ({"country": "DE", "region": "BE"}, ("DE", None, 2027)),
        ({"country": "ZZ", "region": "<script>", "year": "1999"}, ("DE", None, 2027)),
        ({"year": "2029"}, ("DE", None, 2029)),
        ({"year": "2030"}, ("DE", None, 2027)),
        ({"year": "٢٠٢٨"}, ("DE", None, 2027)),
    ],
)
def test_whatever_is_nowhere_counts_as_not_asked(given: dict[str, str], expected: tuple[str, str | None, int]) -> None:
    found = asked(given, "DE")
    assert found.country is not None
    assert (found.country.code, found.region, found.year) == expected


def test_without_a_country_nothing_is_known() -> None:
    for proposed in (None, "ZZ"):
        found = asked({}, proposed)
        assert (found.country, found.value, found.is_known) == (None, "", False)
    assert not asked({"country": "CH", "year": "2028"}, None).is_known


def test_a_long_name_is_cut_where_a_label_ends() -> None:
    assert label_of("x" * 100) == "x" * 100
    assert label_of("x" * 101) == "x" * 99 + "…"


def test_a_zone_proposes_its_country() -> None:
    zones = ("Europe/Berlin", "Europe/Vienna", "Europe/Kiev", "Asia/Calcutta", "US/Eastern")
    assert [country_of(zone) for zone in zones] == ["DE", "AT", "UA", "IN", "US"]
    assert [country_of(zone) for zone in ("UTC", "Etc/GMT+3", "Mars/Olympus")] == [None, None, None]


def test_countries_are_named_in_the_readers_language_and_umlauts_stand_by_their_letters() -> None:
    assert [languages()[one].country("AT") for one in ("de", "en")] == ["Österreich", "Austria"]
    assert sorted(["Zypern", "Österreich", "Oman", "Ägypten"], key=sorting) == [
        "Ägypten",
        "Oman",
        "Österreich",
        "Zypern",
    ]
