"""Which days are public holidays, by the library that is kept: what people in these places would say."""

import subprocess
import sys
from datetime import date

import pytest

from services.availability.adapters.holidays import Country, Holiday, codes, country_of, holidays_in
from services.availability.domain.rules import MemberSchedule, Override
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.ports import Stored


def days(country: str, region: str | None = None, year: int = 2027, language: str = "de") -> dict[str, str]:
    return {one.day.isoformat(): one.name for one in holidays_in(country, region, year, language).days}


def country(code: str) -> Country:
    found = country_of(code)
    assert found is not None
    return found


def test_bavaria_has_these_twelve_days() -> None:
    assert days("DE", "BY") == {
        "2027-01-01": "Neujahr",
        "2027-01-06": "Heilige Drei Könige",
        "2027-03-26": "Karfreitag",
        "2027-03-29": "Ostermontag",
        "2027-05-01": "Erster Mai",
        "2027-05-06": "Christi Himmelfahrt",
        "2027-05-17": "Pfingstmontag",
        "2027-05-27": "Fronleichnam",
        "2027-10-03": "Tag der Deutschen Einheit",
        "2027-11-01": "Allerheiligen",
        "2027-12-25": "Erster Weihnachtstag",
        "2027-12-26": "Zweiter Weihnachtstag",
    }


@pytest.mark.parametrize(
    ("day", "name", "regions"),
    [
        ("2027-01-06", "Heilige Drei Könige", {"BW", "BY", "ST", "Augsburg"}),
        ("2027-03-08", "Frauentag", {"BE", "MV"}),
        ("2027-05-27", "Fronleichnam", {"BW", "BY", "HE", "NW", "RP", "SL", "Augsburg"}),
        ("2027-08-08", "Augsburger Hohes Friedensfest", {"Augsburg"}),
        ("2027-11-17", "Buß- und Bettag", {"SN"}),
    ],
)
def test_a_holiday_of_some_german_states_is_one_there_and_nowhere_else(day: str, name: str, regions: set[str]) -> None:
    assert {one.code for one in country("DE").regions if days("DE", one.code).get(day) == name} == regions
    assert day not in days("DE"), "without a region there is only what holds everywhere"


def test_names_are_in_the_asked_language_else_in_english_else_in_the_only_one_there_is() -> None:
    for country, asked, language, new_year in (
        ("DE", "de", "de", "Neujahr"),
        ("DE", "en", "en-US", "New Year's Day"),
        ("CH", "de", "de", "Neujahrstag"),
        ("GB", "en", "en-GB", "New Year's Day"),
        ("FR", "de", "en-US", "New Year's Day"),
        ("NZ", "de", "en", "New Year's Day"),
    ):
        found = holidays_in(country, None, 2027, asked)
        assert (found.language, found.days[0]) == (language, Holiday(date(2027, 1, 1), new_year)), country


def test_two_holidays_on_one_day_are_one_with_both_names() -> None:
    assert days("DE", year=2008)["2008-05-01"] in (
        "Christi Himmelfahrt / Erster Mai",
        "Erster Mai / Christi Himmelfahrt",
    )


def test_every_country_answers_in_order_with_days_of_that_year_only() -> None:
    assert len(codes()) > 200
    for code in codes():
        year = min(2027, country(code).last_year)
        found = holidays_in(code, None, year, "en").days
        assert [one.day for one in found] == sorted({one.day for one in found}), code
        assert all(one.day.year == year and one.name.strip() for one in found), code


def test_countries_and_regions_have_codes_and_names() -> None:
    assert list(codes()) == sorted(codes())
    assert all(len(code) == 2 and code.isupper() for code in codes())
    named = {one.code: one.name for one in country("DE").regions}
    assert (named["BY"], named["TH"]) == ("Bayern", "Thüringen")
    assert {one.code: one.name for one in country("FR").regions}["974"] == "La Réunion", "no second code for a name"
    for code in codes():
        regions = [one.code for one in country(code).regions]
        assert len(regions) == len(set(regions))
        assert all(0 < len(one) <= 100 for one in regions)


@pytest.mark.parametrize("code", ["ZZ", "de", "DEU", "UK", "", "__class__", "country_holidays", "XETR"])
def test_what_is_no_country_is_none(code: str) -> None:
    assert country_of(code) is None


def test_a_process_that_nobody_asks_does_without_the_library() -> None:
    code = "import sys, services.availability.service; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_schedule_of_before_there_were_labels_is_read_and_an_older_process_waits_for_a_new_one() -> None:
    known = MemberSchedule.model_validate(
        {
            "id": "sch_1", "workspace_id": "ws_1", "member_id": "mem_1", "version": 1, "name": "H", "tz": "UTC",
            "default": True, "overrides": (Override(date=date(2027, 5, 27)),),
            "created_at": "2027-01-01T00:00:00Z", "changed_at": "2027-01-01T00:00:00Z",
        }
    )  # fmt: skip
    document = stored_form(known, 1)
    assert document.format == 3
    state = {**document.state, "overrides": [{"date": "2027-05-27", "ranges": []}]}
    assert loaded(MemberSchedule, Stored(id=known.id, version=1, format=1, state=state)) == known
