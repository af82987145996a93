"""`GET /slots/why/day`: the starts of a day with what speaks against them; and of a calendar that is closed."""

from datetime import datetime
from typing import Any

from tests.integration.saga.conftest import day
from tests.integration.saga.test_booking import slots
from tests.support.system import System, Tenant, eventually


async def told(system: System, tenant: Tenant, host: str, path: str, **query: str) -> dict[str, Any]:
    asked = {"calendar": "demo/beratung", **query}
    answer = await system.client.get(f"/api/v1/slots/{path}", params=asked, headers=tenant.headers(host))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_starts_of_the_raster_lie_in_their_stretches_and_those_without_reasons_are_the_slots(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada", "09:10", "17:00")
    await office.calendar(tenant, "beratung", [host], duration_minutes=45, interval_minutes=20)
    assert (await office.book(core, "demo/beratung", (await slots(core, "demo/beratung"))[3])).status_code == 201
    found = await told(core, tenant, host, "why/day", date=day(3), **{"with": "starts"})
    assert (found["duration_minutes"], found["step_minutes"]) == (45, 5)
    (row,) = found["hosts"]
    stretches = row["stretches"]
    offered = [start for one in stretches if not one["reasons"] for start in one["starts"]]
    listed = [datetime.fromisoformat(start) for start in await slots(core, "demo/beratung")]
    assert [datetime.fromisoformat(start) for start in offered] == listed
    everything = [start for one in stretches for start in one["starts"]]
    assert everything == sorted(everything)
    assert len(everything) == 24, "9:10 to 16:50, every 20 minutes"
    last = stretches[-2]
    assert ([one["code"] for one in last["reasons"]], len(last["starts"])) == (["DURATION"], 2)
    assert all(one["start"] <= start < one["end"] for one in stretches for start in one["starts"])
    short = await told(core, tenant, host, "why/day", date=day(3))
    assert all(one["starts"] is None for one in short["hosts"][0]["stretches"])
    wrong = await core.client.get(
        "/api/v1/slots/why/day",
        params={"calendar": "demo/beratung", "date": day(3), "with": "hosts"},
        headers=tenant.headers(host),
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "with")


async def test_a_closed_calendar_offers_no_start_and_says_so(core: System, tenant: Tenant, office: Any) -> None:
    host = await office.host(tenant, "Ada")
    calendar = await office.calendar(tenant, "beratung", [host])
    (start, *_) = await slots(core, "demo/beratung")
    assert (await told(core, tenant, host, "why", start=start))["hosts"][0]["offered"]
    retired = await core.client.post(
        f"/api/v1/calendars/{calendar['id']}/retire", headers={**tenant.headers(host), "Prefer": "wait=20"}
    )
    assert retired.status_code == 200, retired.text

    async def is_closed() -> bool:
        (row,) = (await told(core, tenant, host, "why", start=start))["hosts"]
        return ([one["code"] for one in row["reasons"]], row["offered"]) == (["CALENDAR_CLOSED"], False)

    await eventually(is_closed)
    found = await told(core, tenant, host, "why", start=start)
    assert found["next_offered"] is None
    found = await told(core, tenant, host, "why/day", date=day(3))
    assert all("CALENDAR_CLOSED" in [one["code"] for one in run["reasons"]] for run in found["hosts"][0]["stretches"])
