"""A list that is read from milestone to milestone holds what a plain range holds, however its records are spread."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services.accounts.domain.auditing import AuditEntry
from tests.integration.api.conftest import Api, office
from turnus_runtime.forms import stored_form
from turnus_runtime.http import cursor
from turnus_runtime.milestones import level_of
from turnus_runtime.turn import Records

pytestmark = pytest.mark.asyncio(loop_scope="session")
IDS: dict[str, tuple[int, Callable[[int], bool]]] = {
    "as they come": (300, lambda _: True),
    "no milestone": (70, lambda level: level == 0),
    "milestones only": (70, lambda level: level > 0),
}
"""How many, and of which levels."""


def entry(id: str, workspace: str, at: datetime) -> AuditEntry:
    return AuditEntry(
        id=id,
        workspace_id=workspace,
        service="s",
        at=at,
        actor_id="turnus",
        action="a",
        thing="t",
        thing_id="x",
    )


async def filed(api: Api, entries: Sequence[AuditEntry]) -> Records[AuditEntry]:
    host = api.system.process.hosts["accounts"]
    store = host.ports.store
    assert all(await asyncio.gather(*(store.insert(AuditEntry.collection, stored_form(one, 1)) for one in entries)))
    return host.turn().records(AuditEntry)


async def walk(
    records: Records[AuditEntry], prefix: str, limit: int, *, reverse: bool, after: str | None = None
) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    while True:
        page = await records.with_prefix("by_workspace", prefix, limit=limit, after=after, reverse=reverse)
        assert len(page) <= limit
        found += [one.id for one in page]
        if len(page) < limit:
            return found
        after = str(page[-1].keys()["by_workspace"])


@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("spread", ["seconds", "years", "clusters", "one instant"])
async def test_a_walk_meets_each_record_once_in_order(api: Api, spread: str, ids: str) -> None:
    rng = random.Random(f"{spread} {ids}")
    start = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    width = {"seconds": 300, "years": 10**9, "clusters": 3, "one instant": 0}[spread]
    workspace = f"ws_walk_{spread.replace(' ', '_')}_{ids.replace(' ', '_')}"
    entries: list[AuditEntry] = []
    number = 0
    count, wanted = IDS[ids]
    while len(entries) < count:
        number += 1
        name = f"{workspace}_{number:05}"
        if wanted(level_of(name)):
            second = start + rng.randint(0, width) + number % 3 * 10**7 * (spread == "clusters")
            entries.append(entry(name, workspace, datetime.fromtimestamp(second, UTC)))
    neighbours = [entry(f"{one.id}z", f"{workspace}z", one.at) for one in entries[:50]]
    records = await filed(api, [*entries, *neighbours])
    in_order = sorted(str(one.keys()["by_workspace"]) for one in entries)
    expected = [place.rpartition("|")[2] for place in in_order]
    for limit in (20, 64, count, count + 1):
        assert await walk(records, workspace, limit, reverse=False) == expected, limit
        assert await walk(records, workspace, limit, reverse=True) == expected[::-1], limit
    for at in (0, 63, count - 1):  # from anywhere
        assert await walk(records, workspace, 50, reverse=False, after=in_order[at]) == expected[at + 1 :]
        assert await walk(records, workspace, 50, reverse=True, after=in_order[at]) == expected[:at][::-1]


async def test_what_stays_is_met_once_while_others_come(api: Api) -> None:
    workspace = "ws_walk_meanwhile"
    at = datetime(2027, 1, 1, tzinfo=UTC)
    stay = [entry(f"{workspace}_{n:03}", workspace, at + timedelta(minutes=n)) for n in range(200)]
    records = await filed(api, stay)
    for reverse in (False, True):
        met: list[str] = []
        after: str | None = None
        while page := await records.with_prefix("by_workspace", workspace, limit=20, after=after, reverse=reverse):
            met += [one.id for one in page]
            after = str(page[-1].keys()["by_workspace"])
            new = f"{workspace}_{reverse}_{len(met):04}"
            for minutes in (0.5, 100.5, 198.5):
                await filed(api, [entry(f"{new}_{minutes}", workspace, at + timedelta(minutes=minutes))])
            if len(met) > 400:
                break
        ids = [one.id for one in stay]
        assert [name for name in met if name in ids] == (ids[::-1] if reverse else ids)


async def test_a_forged_place_in_a_list_leads_nowhere_else(api: Api) -> None:
    mine, other = await office(api, "mine"), await office(api, "other")
    for here in (mine, other):
        await here.member("Ada")
    await api.system.quiet()
    theirs = {one["id"] for one in (await api.call("GET", "/audit-log", None, other.staff))["items"]}
    assert theirs
    for path in ("/audit-log", "/bookings", "/notifications"):
        for place in ("abc", "0;a", "-1|x", "1;12|x", "1;|", "²" * 13 + "|x", "}", "~", "|", "0"):
            answer = await api.send("GET", path, None, mine.staff, params={"after": cursor(place)})
            assert answer.status_code in (200, 422), f"{path} {place} {answer.text}"
            if answer.status_code == 200:
                assert not theirs & {one["id"] for one in answer.json()["items"]}
