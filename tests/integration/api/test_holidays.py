"""`/holidays`: which days they are, and how they become days off."""

from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Api, Office, office

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def asked(api: Api, at: Office, **query: str) -> httpx.Response:
    return await api.send("GET", "/holidays", None, at.staff, params=query)


async def test_holidays_are_named_in_the_asked_language(api: Api) -> None:
    at = await office(api, "holidays")
    await api.call("GET", "/holidays/countries", None, at.staff)
    for language, told, name in (("de", "de", "Fronleichnam"), ("en", "en-US", "Corpus Christi")):
        answer = await asked(api, at, country="DE", region="BY", year="2027", language=language)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert {**found, "items": len(found["items"])} == {
            "country": "DE",
            "region": "BY",
            "year": 2027,
            "language": told,
            "items": 12,
        }
        assert {"date": "2027-05-27", "name": name} in found["items"]
    everywhere = (await asked(api, at, country="DE", year="2027")).json()
    assert (everywhere["region"], len(everywhere["items"])) == (None, 9)


async def test_countries_are_listed_and_each_has_its_regions_and_years(api: Api) -> None:
    at = await office(api, "holidays")
    codes = [one["code"] for one in (await api.call("GET", "/holidays/countries", None, at.staff))["items"]]
    assert codes == sorted(codes)
    germany = await api.call("GET", "/holidays/countries/DE", None, at.staff)
    assert {"code": "BY", "name": "Bayern"} in germany["regions"]
    for code in codes[::25]:
        one = await api.call("GET", f"/holidays/countries/{code}", None, at.staff)
        for region in [None, *(region["code"] for region in one["regions"][:2])]:
            query = {"country": code, "year": str(one["last_year"])} | ({"region": region} if region else {})
            answer = await asked(api, at, **query)
            assert answer.status_code == 200, answer.text
    for code in ("ZZ", "de", "DEU", "__class__"):
        nowhere = await api.send("GET", f"/holidays/countries/{code}", None, at.staff)
        assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "field", "exists"),
    [
        ({"country": "ZZ"}, "country", "/holidays/countries"),
        ({"country": "de"}, "country", "such as DE"),
        ({"country": "__class__"}, "country", ""),
        ({"country": ""}, "country", ""),
        ({"region": "XX"}, "region", "BW, BY"),
        ({"region": "bayern"}, "region", "BW, BY"),
        ({"region": "x" * 101}, "region", "100"),
        ({"country": "VA", "region": "BY"}, "region", "none"),
        ({"region": ""}, "region", "1"),
        ({"country": "LK", "region": None, "year": "2027"}, "year", "2003 to 2026"),
        ({"year": "1999"}, "year", "2000"),
        ({"year": "2101"}, "year", "2100"),
        ({"year": "next"}, "year", ""),
        ({"year": "2027.0"}, "year", ""),
        ({"language": "fr"}, "language", "'de' or 'en'"),
        ({"surprise": "1"}, "surprise", ""),
        ({"country": None}, "country", ""),
        ({"year": None}, "year", ""),
    ],
    ids=str,
)
async def test_a_wrong_question_is_refused_by_the_field_and_says_what_there_is(
    api: Api, query: dict[str, Any], field: str, exists: str
) -> None:
    at = await office(api, "holidays")
    right = {"country": "DE", "region": "BY", "year": "2027", "language": "de"}
    await api.call("GET", "/holidays/countries", None, at.staff)
    answer = await asked(api, at, **{name: one for name, one in {**right, **query}.items() if one is not None})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert exists in error["message"], error


async def test_only_staff_may_ask(api: Api) -> None:
    for path in ("/holidays?country=DE&year=2027", "/holidays/countries", "/holidays/countries/DE"):
        assert (await api.send("GET", path)).status_code == 401
        nobody = await api.send("GET", path, None, {"Authorization": "Bearer nonsense"})
        assert nobody.status_code == 401


async def test_a_holiday_that_is_taken_over_is_a_day_off_with_a_name(api: Api) -> None:
    at = await office(api, "holidays")
    ada = await at.member("Ada")
    schedule = await at.hours(ada)
    calendar = await at.calendar("talk", [ada])
    day = "2027-05-06"
    window = {"window": {"kind": "rolling", "count": 365, "unit": "days", "counting": "calendar"}}
    draft = await api.call("PATCH", f"/calendars/{calendar['id']}", window, {**at.staff, "If-Match": "*"})
    await at.publish(draft["id"])
    assert await api.slots(calendar["address"], day)
    holidays = (await asked(api, at, country="DE", year="2027", language="de")).json()["items"]
    overrides = [{"date": one["date"], "ranges": [], "label": one["name"]} for one in holidays]
    body = {name: schedule[name] for name in ("name", "tz", "default", "weekly")} | {"overrides": overrides}
    path, staff = f"/schedules/{schedule['id']}", at.staff
    changed = await api.call("PUT", path, body, {**staff, "If-Match": '"1"'})
    assert {"date": day, "ranges": [], "label": "Christi Himmelfahrt"} in changed["overrides"]
    assert await api.slots(calendar["address"], day) == []
    stale = await api.send("PUT", path, {**body, "overrides": []}, {**staff, "If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_stale")
    # What says nothing of labels is as good as before.
    plain = [{"date": day, "ranges": [{"start": "10:00", "end": "11:00"}]}]
    again = await api.call("PUT", path, {**body, "overrides": plain}, {**staff, "If-Match": '"2"'})
    assert again["overrides"] == [{**plain[0], "label": None}]


@pytest.mark.parametrize("label", ["", "x" * 101, "a\nb", "\u202eevil", 7, ["x"]], ids=repr)
async def test_a_label_is_a_line_of_text(api: Api, label: object) -> None:
    at = await office(api, "holidays")
    body = {
        "member_id": await at.member("Ada"), "name": "H", "tz": "Europe/Berlin",
        "overrides": [{"date": "2027-05-06", "label": label}],
    }  # fmt: skip
    answer = await api.send("POST", "/schedules", body, at.staff)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "overrides.0.label")
