"""A walk through time answers what a plain range answers, wherever it begins and however its records are spread."""

import random
from datetime import UTC, datetime

import pytest

from services.accounts.domain.auditing import AuditEntry
from tests.integration.api.conftest import Api, office
from turnus_runtime.http import cursor
from turnus_runtime.records import Decision, millis
from turnus_runtime.turn import Records

pytestmark = pytest.mark.asyncio(loop_scope="session")


def entry(workspace: str, n: int, at: datetime) -> AuditEntry:
    return AuditEntry(
        id=f"{workspace}_{n:03}",
        workspace_id=workspace,
        service="s",
        at=at,
        actor_id="turnus",
        action="a",
        thing="t",
        thing_id="x",
    )


async def walk(
    records: Records[AuditEntry], prefix: str, near: int | None, limit: int, *, reverse: bool
) -> list[AuditEntry]:
    """All pages."""
    found: list[AuditEntry] = []
    after: str | None = None
    while True:
        if near is None:
            page = await records.with_prefix("by_workspace", prefix, limit=limit, after=after, reverse=reverse)
        else:
            page = await records.by_time("by_workspace", prefix, near=near, limit=limit, after=after, reverse=reverse)
        found += page
        if len(page) < limit:
            return found
        after = str(page[-1].keys()["by_workspace"])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("spread", ["seconds", "years", "clusters", "one instant"])
async def test_a_walk_meets_each_record_once_in_order(api: Api, spread: str, *, reverse: bool) -> None:
    rng = random.Random(f"{spread} {reverse}")
    start = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    widths = {"seconds": 300, "years": 10**9, "clusters": 3, "one instant": 0}
    seconds = [start + rng.randint(0, widths[spread]) + (n % 3) * 10**7 * (spread == "clusters") for n in range(40)]
    prefix = f"ws_walk_{spread.replace(' ', '_')}_{reverse}"
    on = api.system.process.hosts["accounts"].turn()
    records = on.records(AuditEntry)
    for workspace in (prefix, f"{prefix}z"):  # a neighbour, of which nothing must be met
        for n, second in enumerate(seconds):
            made = entry(workspace, n, datetime.fromtimestamp(second, UTC))
            await records.decide(made.id, lambda _, made=made: Decision(None, made))
    expected = await walk(records, prefix, None, 200, reverse=reverse)
    assert len(expected) == 40
    for near in (0, min(seconds) * 1000, seconds[7] * 1000, max(seconds) * 1000 + 5, millis(on.now), 10**13 - 1):
        for limit in (1, 7, 40, 200):
            assert await walk(records, prefix, near, limit, reverse=reverse) == expected, (near, limit)


async def test_a_forged_place_in_a_list_that_grows_with_time_is_refused(api: Api) -> None:
    here = await office(api, "forged")
    for path in ("/audit-log", "/bookings", "/notifications"):
        for place in ("abc", "0;a", "-1|x", "1;12|x", "1;|", "²" * 13 + "|x"):
            answer = await api.send("GET", path, None, here.staff, params={"after": cursor(place)})
            assert (answer.status_code, answer.json().get("code")) == (422, "validation_failed"), f"{path} {place}"
