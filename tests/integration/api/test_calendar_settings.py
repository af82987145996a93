"""Limits, Look Busy and the gapless raster of a calendar: typed in, kept, published, told, and shown to no guest."""

from typing import Any

import pytest

from services.availability.domain.serving import ServedCalendar
from tests.integration.api.conftest import Api, Office, office
from tests.integration.api.test_versions import change, versions
from turnus_contracts import Limits

pytestmark = pytest.mark.asyncio(loop_scope="session")
NEW = {"limits": {"day": 4, "week": None, "month": 40}, "look_busy_percent": 30, "anchor": "gapless"}


def of(calendar: dict[str, Any]) -> dict[str, Any]:
    return {name: calendar[name] for name in NEW}


async def talk(at: Office, **settings: Any) -> dict[str, Any]:
    return await at.draft("talk", [await at.member()], **settings)


async def test_a_calendar_has_none_of_them_unless_somebody_sets_them(api: Api) -> None:
    at = await office(api, "settings")
    made = await talk(at)
    assert of(made) == {"limits": None, "look_busy_percent": 0, "anchor": "opening"}
    changed = await change(at, made["id"], **NEW)
    assert of(changed) == NEW
    assert of(await api.call("GET", f"/calendars/{made['id']}", None, at.staff)) == NEW
    assert of(await change(at, made["id"], name="Chat")) == NEW


async def test_a_limit_that_is_left_out_is_none_and_none_at_all_is_null(api: Api) -> None:
    at = await office(api, "settings")
    made = await talk(at, limits={"week": 10_000})
    assert made["limits"] == {"day": None, "week": 10_000, "month": None}
    assert (await change(at, made["id"], limits={"day": 1}))["limits"] == {"day": 1, "week": None, "month": None}
    nothing: list[dict[str, None] | None] = [{}, {"day": None}, None]
    for none in nothing:
        await change(at, made["id"], limits={"day": 1})
        assert (await change(at, made["id"], limits=none))["limits"] is None


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"limits": {"day": 0}}, "limits.day"),
        ({"limits": {"week": 10_001}}, "limits.week"),
        ({"limits": {"month": "3"}}, "limits.month"),
        ({"limits": {"year": 3}}, "limits.year"),
        ({"limits": 3}, "limits"),
        ({"look_busy_percent": -1}, "look_busy_percent"),
        ({"look_busy_percent": 91}, "look_busy_percent"),
        ({"look_busy_percent": None}, "look_busy_percent"),
        ({"anchor": "gapful"}, "anchor"),
    ],
)
async def test_what_is_out_of_bounds_is_refused_by_its_field_and_not_clamped(
    api: Api, settings: dict[str, Any], field: str
) -> None:
    at = await office(api, "settings")
    made = await talk(at, **NEW)
    told = {"kind": "personal", "slug": "more", "name": "More", "tz": "UTC", **settings}
    for answer in (
        await api.send("PATCH", f"/calendars/{made['id']}", settings, at.staff),
        await api.send("POST", "/calendars", told, at.staff),
    ):
        assert answer.status_code == 422, answer.text
        assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert of(await api.call("GET", f"/calendars/{made['id']}", None, at.staff)) == NEW


async def test_what_is_published_reaches_availability_and_not_the_guests(api: Api) -> None:
    at = await office(api, "settings")
    made = await at.calendar("talk", [await at.member()], **NEW)
    served = await api.system.process.hosts["availability"].records.get(ServedCalendar, made["id"])
    assert served is not None
    assert (served.limits, served.look_busy_percent, served.anchor) == (Limits(day=4, month=40), 30, "gapless")
    public = await api.call("GET", f"/calendars?address={made['address']}")
    assert not NEW.keys() & public.keys()


async def test_versions_tell_their_change_and_an_old_one_brings_them_back(api: Api) -> None:
    at = await office(api, "settings")
    made = await at.calendar("talk", [await at.member()])
    await change(at, made["id"], **NEW)
    await at.publish(made["id"])
    newest, first = await versions(at, made["id"])
    assert {one["field"] for one in newest["changes"]} == set(NEW)
    assert (of(newest["settings"]), of(first["settings"])) == (NEW, of(made))
    back = {name: value for name, value in first["settings"].items() if name != "kind"}
    drafted = await change(at, made["id"], **back)
    assert of(drafted) == of(made)
    assert {one["field"] for one in drafted["unpublished_changes"]} == set(NEW)
