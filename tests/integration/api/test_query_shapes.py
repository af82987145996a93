"""What the routes and handlers ask of the store does not examine more among 20,000 documents than among 200.

The documents are copies of real ones. What grows with time in one workspace grows here in that workspace: bookings,
choices, notices, the audit log. What is bounded there (members, keys, calendars, schedules, blocks) grows in others.
Every index of every record is driven by a request or named as one that is read as a whole.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from pydantic_core import to_jsonable_python
from pymongo import MongoClient, monitoring

from tests.integration.api.conftest import SERVICES, Api, started
from tests.integration.api.things import Things, things
from tests.integration.store.conftest import Wire, explained
from turnus_contracts import MemberChanged
from turnus_runtime.embedded import Endpoints
from turnus_runtime.ids import RandomIds
from turnus_runtime.mongo import documents
from turnus_runtime.ports import Stored
from turnus_runtime.process import installed
from turnus_runtime.records import Record
from turnus_runtime.store import loaded

pytestmark = pytest.mark.asyncio(loop_scope="session")
FEW, MANY = 200, 20_000
FULLER = 200
"""A list with a filter reads 200 at once: where there are no more, a window may hold fewer."""
EXPLAINED = 200
"""Commands of one question that are explained; more would say the same."""

Changes = Callable[[Any, int], dict[str, Any]]
Ask = Callable[[Api, Things], Awaitable[Any]]


def _time(of: str) -> Changes:
    """The n-th copy lies ten minutes before the one before."""
    return lambda record, n: {of: getattr(record, of) - timedelta(minutes=10 * n)}


def _booking(record: Any, n: int) -> dict[str, Any]:
    start: datetime = record.start + timedelta(minutes=10 * n)
    return {"start": start, "end": start + timedelta(minutes=30)}


def _choice(record: Any, n: int) -> dict[str, Any]:
    return {"charge": record.charge.model_copy(update={"turn": record.charge.turn + n})}


def _elsewhere(*names: str) -> Changes:
    """Twenty copies have each of the other owners."""
    return lambda record, n: {name: f"{getattr(record, name)[:-6]}{n // 20:06}" for name in names}


GROWS: Mapping[str, Changes] = {
    "booking.bookings": _booking,
    "assignment.choices": _choice,
    "notify.notices": _time("created_at"),
    "accounts.audit_entries": _time("at"),
    "accounts.members": _elsewhere("workspace_id"),
    "accounts.sessions": _elsewhere("workspace_id", "member_id"),
    "accounts.api_keys": _elsewhere("workspace_id", "member_id"),
    "booking.calendars": _elsewhere("workspace_id"),
    "booking.calendars_of_members": _elsewhere("member_id"),
    "availability.calendars": _elsewhere("address"),
    "availability.schedules": _elsewhere("member_id"),
    "availability.blocks": _elsewhere("owner_id"),
}

READ_AS_A_WHOLE = {"self", "ends", "revoked"}
"""Indexes that only saying everything again walks (and that of signing keys, of which there are a handful)."""
ONCE_A_ROTATION = {"by_signing_key"}
"""Whether any living credential still needs a signing key, asked before it is removed: reads all of that key's."""


def get(path: str, **query: str) -> Ask:
    """A page of a list, and the one after it."""

    async def ask(api: Api, here: Things) -> None:
        params = {name: here.ids.get(one, one) for name, one in query.items()}
        answer = await api.send("GET", path.format(**here.ids), None, here.office.staff, params=params)
        assert answer.status_code == 200, answer.text
        if following := answer.json().get("next"):
            after = await api.send(
                "GET", path.format(**here.ids), None, here.office.staff, params={**params, "after": following}
            )
            assert after.status_code == 200, after.text

    return ask


async def free_times(api: Api, here: Things) -> None:
    assert await api.slots(f"{here.office.slug}/team", "2027-07-01")


async def fresh_rules(api: Api, here: Things) -> None:
    """A change of rules makes schedules and blocks be read again."""
    item = {"start": "2027-03-22T10:00:00Z", "end": "2027-03-22T11:00:00Z"}
    await here.office.made("/blocks", {"member_id": here.ids["member_id"], "items": [item]})
    await free_times(api, here)


async def removed_member(api: Api, here: Things) -> None:
    """Every calendar of somebody who is gone."""
    gone = await here.office.member(RandomIds().fresh("gone"))
    told = MemberChanged(
        workspace_id=here.ids["workspace_id"], member_id=gone, version=9, status="removed", name="G",
        email="g@example.org", tz="UTC", locale="de", role="member",
    )  # fmt: skip
    await api.system.publish(told)
    await api.system.quiet()


ASKED: Mapping[str, tuple[Ask, set[str]]] = {
    "bookings of a workspace": (get("/bookings", start="2027-03-01T00:00:00Z"), {"booking.bookings.by_workspace"}),
    "bookings of a calendar": (
        get("/bookings", start="2027-03-01T00:00:00Z", calendar_id="calendar_id"),
        {"booking.bookings.by_calendar"},
    ),
    "bookings of a host": (
        get("/bookings", start="2027-03-01T00:00:00Z", host_id="booked_host_id"),
        {"booking.bookings.by_host"},
    ),
    "calendars": (get("/calendars"), {"booking.calendars.by_workspace"}),
    "a removed member's calendars": (removed_member, {"booking.calendars_of_members.by_member"}),
    "free times": (free_times, {"availability.calendars.by_address"}),
    "rules anew": (fresh_rules, {"availability.schedules.by_member", "availability.blocks.by_owner"}),
    "choices": (get("/rotations/{calendar_id}/choices"), {"assignment.choices.rotation"}),
    "notifications": (get("/notifications"), {"notify.notices.by_workspace"}),
    "members": (get("/members"), {"accounts.members.by_workspace"}),
    "sessions": (get("/sessions"), {"accounts.sessions.by_member"}),
    "API keys": (get("/api-keys"), {"accounts.api_keys.by_workspace"}),
    "API keys of a member": (get("/api-keys", member_id="actor_id"), {"accounts.api_keys.by_member"}),
    "audit log": (get("/audit-log"), {"accounts.audit_entries.by_workspace"}),
    "audit log of a thing": (get("/audit-log", thing_id="calendar_id"), {"accounts.audit_entries.by_thing"}),
    "audit log of an actor": (get("/audit-log", actor_id="actor_id"), {"accounts.audit_entries.by_actor"}),
}


FROM_THE_BEGINNING = "bookings from the beginning"
"""Without a `start` nobody knows where the first booking lies: the embedded server reads them all, MongoDB does not."""
ALL_ASKED = {**ASKED, FROM_THE_BEGINNING: (get("/bookings"), set[str]())}


@dataclass
class Grown:
    """A system that can be filled, and what was examined for each question by how much there is."""

    api: Api
    here: Things
    wire: Wire
    client: MongoClient[dict[str, Any]]
    originals: dict[str, Record]
    examined: dict[str, dict[int, int]]
    seen: set[str]

    def database(self, service: str) -> Any:
        return self.client[f"{self.api.system.prefix}_{service}"]

    def fill(self, start: int, stop: int) -> None:
        """Copies number `start` to `stop` of one document of each kind."""
        for name, change in GROWS.items():
            service, collection = name.split(".")
            original = self.originals[name]
            for first in range(start, stop, 1_000):
                rows = range(first, min(first + 1_000, stop))
                bodies = [documents.write(_copy(original, n, change(original, n)), 1).body for n in rows]
                self.database(service)[collection].insert_many(bodies)
        last = self.originals["assignment.choices"].charge.turn + stop  # pyright: ignore[reportAttributeAccessIssue]
        self.database("assignment")["rotations"].update_one(
            {"_id": self.here.ids["calendar_id"]}, {"$set": {"s.turn": last}, "$inc": {"v": 1}}
        )

    async def examine(self, size: int) -> None:
        """Ask everything once; what the commands on the wire examine."""
        for name, (ask, _) in ALL_ASKED.items():
            await self.api.system.quiet()
            self.wire.commands.clear()
            await ask(self.api, self.here)
            said = [
                one for one in self.wire.commands if "find" in one and one["$db"].startswith(self.api.system.prefix)
            ]
            total = 0
            for command in said[:EXPLAINED]:
                service = command["$db"].removeprefix(f"{self.api.system.prefix}_")
                self.seen |= {f"{service}.{command['find']}.{field[2:]}" for field in command["filter"]}
                read = await asyncio.to_thread(explained, self.client[command["$db"]][command["find"]], command)
                assert "COLLSCAN" not in str(read["plan"]), command
                total += max(read["documents"], read["keys"])
            self.examined.setdefault(name, {})[size] = total


def _copy(original: Record, n: int, changes: dict[str, Any]) -> Stored:
    changed = original.change(id=f"{original.id[:-6]}{n:06}", **changes)
    keys = {name: one for name, one in changed.keys().items() if one is not None}
    state = {**original.model_dump(mode="json"), **to_jsonable_python(changes), "id": changed.id}
    return Stored(changed.id, 1, changed.format, state, (), keys)


def kinds() -> Iterator[tuple[str, type[Record]]]:
    """Every record type of every service, by service and collection."""
    for service in installed(SERVICES):
        for kind in service.records:
            yield f"{service.name}.{kind.collection}", kind


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def grown(embedded_servers: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Grown]:
    wire = Wire()
    monitoring.register(wire)
    try:
        async with started(embedded_servers, tmp_path_factory) as api:
            here = await things(api, "grown")
            here.ids["booked_host_id"] = here.booking["host"]["id"]
            await api.system.quiet()
            with MongoClient[dict[str, Any]](embedded_servers.mongo_url) as client:
                grown = Grown(api, here, wire, client, {}, {}, set())
                for name, kind in kinds():
                    if name in GROWS:
                        # The newest: it is what the staff of this workspace made.
                        raw = grown.database(name.split(".")[0])[kind.collection].find_one(_wanted(name, here))
                        assert raw, name
                        keys = {field[2:]: one for field, one in raw.items() if field.startswith("k_")}
                        stored = Stored(raw["_id"], raw["v"], raw["f"], raw["s"], (), keys)
                        grown.originals[name] = loaded(kind, stored)
                grown.fill(1, FEW)
                await grown.examine(FEW)
                await asyncio.to_thread(grown.fill, FEW, MANY)
                await grown.examine(MANY)
                yield grown
    finally:
        monitoring._LISTENERS.command_listeners.remove(wire)


def _wanted(name: str, here: Things) -> dict[str, Any]:
    """A choice that was charged, and a change that the owner made to the calendar; of the others any."""
    if name == "accounts.audit_entries":
        return {"s.thing_id": here.ids["calendar_id"]}
    return {"k_rotation": {"$exists": True}} if name == "assignment.choices" else {}


@pytest.mark.parametrize("name", ASKED)
async def test_what_is_examined_does_not_grow(grown: Grown, name: str) -> None:
    few, many = (grown.examined[name][size] for size in (FEW, MANY))
    assert 0 < many <= few + FULLER, f"{few} of {FEW} and {many} of {MANY}"


async def test_a_range_that_is_read_as_a_whole_would_be_seen(grown: Grown) -> None:
    assert grown.examined[FROM_THE_BEGINNING][MANY] >= MANY


async def test_every_index_of_every_record_is_asked_or_known_to_be_read_as_a_whole(grown: Grown) -> None:
    asked = set[str]().union(*(those for _, those in ASKED.values()))
    assert asked <= grown.seen, "named here and not on the wire"
    indexes = {f"{name}.{index}" for name, kind in kinds() for index in kind.indexes}
    left = {one for one in indexes - asked if one.rpartition(".")[2] not in READ_AS_A_WHOLE | ONCE_A_ROTATION}
    assert left == {"accounts.sessions.by_workspace"}, (
        "every index needs a question; sessions are listed by member only"
    )
