"""What the routes and handlers ask of the store does not examine more among 20,000 documents than among 200.

The documents are copies of real ones. What grows without bound in one workspace grows here in that workspace: bookings,
choices, notices, versions of a calendar, the audit log, what a signing key signed. What is bounded there (members,
keys, calendars, schedules, blocks) grows in others. Every index of every record is driven by a request or a timer, or
named as one that is walked as a whole by one query (`tests/integration/store/test_plans.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import bson
import pytest
import pytest_asyncio
from pymongo import MongoClient, monitoring

from services.accounts.domain import signing
from services.accounts.domain.credentials import Session
from services.accounts.domain.signing import SigningPair
from services.accounts.handlers.signing import remove_key
from services.booking.domain.bookings import BY_CREATION, WORDS
from services.booking.domain.finding import PLACES
from services.booking.domain.versions import CalendarVersion, version_id
from services.notify.domain.reminding import ReminderTimes
from services.notify.handlers import keep_page
from tests.integration.api.conftest import SERVICES, Api, started
from tests.integration.api.copies import FIRST_TURN, GROWS, Mould
from tests.integration.api.things import Things, things
from tests.integration.store.conftest import Wire, explained
from turnus_contracts import MemberChanged
from turnus_runtime import milestones
from turnus_runtime.embedded import Endpoints
from turnus_runtime.forms import loaded
from turnus_runtime.ids import RandomIds
from turnus_runtime.letterbox import FiledLetter
from turnus_runtime.mongo import documents
from turnus_runtime.process import installed
from turnus_runtime.records import Owed, Record, millis

pytestmark = pytest.mark.asyncio(loop_scope="session")
FEW, MANY = 200, 20_000
NEARBY = 5_000
"""What a question may read more than among few. A page with a filter looks at 1,000 records at most, at 200 at once,
and finds its way to each 200 by some 64 milestones, which lie where chance put them: about 2,500 in all, with a spread
of 400. Whatever reads a range as a whole reads 20,000."""
QUERIES = 90
"""What a question may ask of the store: two pages or five times 200 records, each found in a few steps from milestone
to milestone, three queries a step, and what the services ask for themselves each second meanwhile. Host and calendar of
each booking by themselves would be 100 more a page."""

SEARCHING = 2 * 3 * (PLACES + 1)
"""What a search may ask beside that: each place that a word may have must be looked at, on either page."""

Ask = Callable[[Api, Things], Awaitable[Any]]

WALKED_AS_A_WHOLE = {"self", "ends", "revoked"}
"""Indexes that only saying everything again walks (and that of signing keys, of which there are a handful)."""


def get(path: str, by: str = "", **query: str) -> Ask:
    """A page of a list, and the one after it; of a filtered one the first, which reads enough.

    The owner asks, or whoever has the API key of this name in `ids`.
    """

    async def ask(api: Api, here: Things) -> None:
        headers = {"Authorization": f"Bearer {here.ids[by]}"} if by else here.office.staff
        params = {name: here.ids.get(one, one) for name, one in query.items()}
        answer = await api.send("GET", path.format(**here.ids), None, headers, params=params)
        assert answer.status_code == 200, answer.text
        assert not by or answer.json()["items"], path
        if (following := answer.json().get("next")) and "status" not in query:
            after = await api.send("GET", path.format(**here.ids), None, headers, params={**params, "after": following})
            assert after.status_code == 200, after.text

    return ask


async def restrict(api: Api, here: Things) -> None:
    """Show the host of the booking only what is assigned to them; their API key is `assigned_key`."""
    host = here.ids["booked_host_id"]
    await api.call("PATCH", f"/members/{host}", {"permissions": {"assigned_only": True}}, here.office.staff)
    scopes = ["calendars:view", "groups:view", "bookings:view"]
    made = await here.office.made("/api-keys", {"name": "assigned", "member_id": host, "scopes": scopes})
    here.ids["assigned_key"] = str(made["key"])


async def free_times(api: Api, here: Things) -> None:
    assert await api.slots(f"{here.office.slug}/team", "2027-07-01")


async def overview(api: Api, here: Things) -> None:
    """What a guest can book in the workspace."""
    answer = await api.send("GET", "/groups", params={"workspace": here.office.slug})
    assert answer.json()["items"][0]["calendars"], answer.text


async def fresh_rules(api: Api, here: Things) -> None:
    """A change of rules makes schedules and blocks be read again."""
    item = {"start": "2027-03-22T10:00:00Z", "end": "2027-03-22T11:00:00Z"}
    await here.office.made("/blocks", {"member_id": here.ids["member_id"], "items": [item]})
    await free_times(api, here)
    await api.system.quiet()


async def new_limits(api: Api, here: Things) -> None:
    """A calendar begins to have limits: what is booked there by then is counted once."""
    path = f"/calendars/{here.ids['calendar_id']}"
    for limits in (None, {"month": 10_000}):
        await api.call("PATCH", path, {"limits": limits}, here.office.staff)
        await here.office.publish(here.ids["calendar_id"])
    await api.system.quiet()


async def removed_member(api: Api, here: Things) -> None:
    """Every calendar of somebody who is gone."""
    gone = await here.office.member(RandomIds().fresh("gone"))
    told = MemberChanged(
        workspace_id=here.ids["workspace_id"], member_id=gone, version=9, status="removed", name="G",
        email="g@example.org", tz="UTC", locale="de", role="member",
    )  # fmt: skip
    await api.system.publish(told)
    await api.system.quiet()


async def removed_key(api: Api, here: Things) -> None:
    """Whether anything living needs a key, which is asked before it is withdrawn; of sessions only without API keys."""
    on = api.system.process.hosts["accounts"].turn()
    pair = await on.records(SigningPair).get(signing.FIRST)
    assert pair
    await remove_key(pair.id, Owed(id="x", kind="timer", name="x", due=0), on)
    assert await on.records(Session).with_prefix("by_signing_key", pair.key_id, limit=1)


async def changed_times(api: Api, here: Things) -> None:
    """A page of the bookings to come, which go by changed reminder times from now on, and the one after it."""
    on = api.system.process.hosts["notify"].turn()
    times = ReminderTimes(id=here.ids["workspace_id"], version=1, mark=millis(on.now), changed_at=on.now)
    after = await keep_page(times, None, on)
    assert after
    assert await keep_page(times, after, on)


async def whole_range(api: Api, here: Things) -> None:
    """What no route does."""
    workspace = here.ids["workspace_id"]
    store = api.system.process.hosts["booking"].ports.store
    assert await store.find("bookings", "by_workspace", f"{workspace}|", f"{workspace}}}", limit=1)


ASKED: Mapping[str, tuple[Ask, set[str]]] = {
    "bookings": (get("/bookings"), {"booking.bookings.by_workspace"}),
    "bookings from a time on": (get("/bookings", start="2027-03-09T00:00:00Z"), set()),
    "bookings from long before the first one on": (get("/bookings", start="2000-01-01T00:00:00Z"), set()),
    "bookings of a kind that is rare": (get("/bookings", status="no_show"), set()),
    "bookings of a calendar": (
        get("/bookings", start="2027-03-01T00:00:00Z", calendar_id="calendar_id"),
        {"booking.bookings.by_calendar"},
    ),
    "bookings of a host": (
        get("/bookings", start="2027-03-01T00:00:00Z", host_id="booked_host_id"),
        {"booking.bookings.by_host"},
    ),
    "bookings from the last one on": (get("/bookings", sort="-start"), set()),
    "bookings of a span": (get("/bookings", start="2027-03-09T00:00:00Z", end="2027-03-12T00:00:00Z"), set()),
    "bookings of a span that is long over": (get("/bookings", sort="-start", end="2027-03-09T00:00:00Z"), set()),
    "bookings as they were made": (get("/bookings", sort="created_at"), {"booking.bookings.by_workspace_created"}),
    "bookings of a calendar, made last": (
        get("/bookings", sort="-created_at", calendar_id="calendar_id"),
        {"booking.bookings.by_calendar_created"},
    ),
    "bookings of a host, made last": (
        get("/bookings", sort="-created_at", host_id="booked_host_id"),
        {"booking.bookings.by_host_created"},
    ),
    "bookings by a word": (get("/bookings", q="guest"), {f"booking.bookings.{index}" for index in WORDS}),
    "bookings by a word, made last": (
        get("/bookings", q="guest", sort="-created_at"),
        {f"booking.bookings.{BY_CREATION[index]}" for index in WORDS},
    ),
    "bookings by a word that is rare": (get("/bookings", q="guess", status="no_show"), set()),
    "bookings by one letter": (get("/bookings", q="x", status="confirmed"), set()),
    "bookings by an id": (get("/bookings", q="booking_id"), set()),
    "bookings assigned to whoever asks": (get("/bookings", "assigned_key"), {"booking.bookings.by_host"}),
    "bookings of a calendar assigned to whoever asks": (
        get("/bookings", "assigned_key", calendar_id="calendar_id"),
        set(),
    ),
    "calendars assigned to whoever asks": (
        get("/calendars", "assigned_key"),
        {"booking.calendars_of_members.by_member"},
    ),
    "groups assigned to whoever asks": (get("/groups", "assigned_key"), set()),
    "choices assigned to whoever asks": (
        get("/rotations/{calendar_id}/choices", "assigned_key"),
        {"assignment.choices.by_host"},
    ),
    "notifications assigned to whoever asks": (get("/notifications", "assigned_key"), {"notify.notices.by_host"}),
    "calendars": (get("/calendars"), {"booking.calendars.by_workspace"}),
    "versions of a calendar": (
        get("/calendars/{calendar_id}/versions"),
        {"booking.calendar_versions.by_calendar"},
    ),
    "groups": (get("/groups"), set()),
    "what guests can book in a workspace": (overview, set()),
    "a removed member's calendars": (removed_member, {"booking.calendars_of_members.by_member"}),
    "free times": (free_times, {"availability.calendars.by_address"}),
    "rules anew": (fresh_rules, {"availability.schedules.by_member", "availability.blocks.by_owner"}),
    "a calendar that begins to have limits": (new_limits, {"availability.claims.by_calendar"}),
    "choices": (get("/rotations/{calendar_id}/choices"), {"assignment.choices.rotation"}),
    "notifications": (get("/notifications"), {"notify.notices.by_workspace"}),
    "notifications in a state that is rare": (get("/notifications", status="failed"), set()),
    "changed reminder times": (changed_times, {"notify.notices.by_start"}),
    "templates": (get("/templates"), {"notify.templates.by_workspace"}),
    "members": (get("/members"), {"accounts.members.by_workspace"}),
    "invitations": (get("/invitations"), {"accounts.members.invited"}),
    "workspaces of somebody": (get("/sessions/current/workspaces"), {"accounts.members.by_identity"}),
    "sessions": (get("/sessions"), {"accounts.sessions.by_member"}),
    "API keys": (get("/api-keys"), {"accounts.api_keys.by_workspace"}),
    "API keys of a member": (get("/api-keys", member_id="actor_id"), {"accounts.api_keys.by_member"}),
    "a key that is withdrawn": (removed_key, {"accounts.api_keys.by_signing_key", "accounts.sessions.by_signing_key"}),
    "messages that were given up": (get("/operations/booking/dead-letters"), {"booking.dead_letters.by_workspace"}),
    "how a service is": (get("/operations/booking"), {"booking.dead_letters.waiting"}),
    "audit log": (get("/audit-log"), {"accounts.audit_entries.by_workspace"}),
    "audit log of a thing": (get("/audit-log", thing_id="calendar_id"), {"accounts.audit_entries.by_thing"}),
    "audit log of an actor": (get("/audit-log", actor_id="actor_id"), {"accounts.audit_entries.by_actor"}),
}


WHOLE = "a range that is not long to the runtime"
ALL_ASKED = {**ASKED, WHOLE: (whole_range, set[str]())}


@dataclass
class Grown:
    """A system that can be filled, and what was examined for each question by how much there is."""

    api: Api
    here: Things
    wire: Wire
    client: MongoClient[dict[str, Any]]
    moulds: dict[str, Mould] = field(default_factory=dict[str, Mould])
    asked: dict[str, int] = field(default_factory=dict[str, int])
    examined: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    seen: set[str] = field(default_factory=set[str])

    def database(self, service: str) -> Any:
        return self.client[f"{self.api.system.prefix}_{service}"]

    def find_originals(self) -> None:
        """One document of each kind that grows: what the staff of this workspace made."""
        for name, kind in kinds():
            if name in GROWS:
                raw = self.database(name.split(".")[0])[kind.collection].find_one(_wanted(name, self.here))
                assert raw, name
                original = loaded(kind, documents.read(bson.encode(raw))).change(owed=())
                if name == "assignment.choices":
                    charge = original.charge  # pyright: ignore[reportAttributeAccessIssue]
                    original = original.change(charge=charge.model_copy(update={"turn": FIRST_TURN}))
                if isinstance(original, FiledLetter):
                    original = original.change(place=FIRST_TURN)
                if isinstance(original, CalendarVersion):
                    number = version_id(original.calendar_id, FIRST_TURN)
                    original = original.change(id=number, version=FIRST_TURN)
                self.moulds[name] = Mould(original, GROWS[name])

    def fill(self, start: int, stop: int) -> None:
        """Copies number `start` to `stop` of one document of each kind."""

        def insert(name: str) -> None:
            service, collection = name.split(".")
            mould = self.moulds[name]
            for first in range(start, stop, 2_000):
                copies = [mould.copy(n, check=n in (start, stop - 1)) for n in range(first, min(first + 2_000, stop))]
                # As a command: `insert_many` would decode each document to look for its id.
                done = self.database(service).command("insert", collection, documents=copies, ordered=False)
                assert done["n"] == len(copies), done

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(insert, self.moulds))
        self.database("assignment")["rotations"].update_one(
            {"_id": self.here.ids["calendar_id"]}, {"$set": {"s.turn": FIRST_TURN + stop - 1}, "$inc": {"v": 1}}
        )

    async def examine(self, size: int) -> None:
        """Ask everything once; what the commands on the wire examine."""
        await self.api.system.quiet()
        for name, (ask, _) in ALL_ASKED.items():
            said = await self._said(ask)
            if name.startswith("bookings"):  # the services ask for themselves meanwhile, more often on a busy machine
                said = min(said, await self._said(ask), await self._said(ask), key=len)
            self.asked[name] = len(said)
            self.examined.setdefault(name, {})[size] = await asyncio.to_thread(self._explained, said)

    async def _said(self, ask: Ask) -> list[dict[str, Any]]:
        self.wire.commands.clear()
        await ask(self.api, self.here)
        return [one for one in self.wire.commands if "find" in one and one["$db"].startswith(self.api.system.prefix)]

    def _explained(self, commands: list[dict[str, Any]]) -> int:
        total = 0
        for command in commands:
            service = command["$db"].removeprefix(f"{self.api.system.prefix}_")
            self.seen |= {f"{service}.{command['find']}.{name[2:]}" for name in command["filter"]}
            read = explained(self.client[command["$db"]][command["find"]], command)
            assert "COLLSCAN" not in str(read["plan"]), command
            total += max(read["documents"], read["keys"])
        return total


def kinds() -> Iterator[tuple[str, type[Record]]]:
    """Every record type of every service, by service and collection."""
    for service in installed(SERVICES):
        for kind in service.records:
            yield f"{service.name}.{kind.collection}", kind
    yield f"booking.{FiledLetter.collection}", FiledLetter  # which every service keeps alike


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def grown(embedded_servers: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Grown]:
    with MongoClient[dict[str, Any]](embedded_servers.mongo_url) as client:  # made first: the wire does not hear it
        wire = Wire()
        monitoring.register(wire)
        try:
            async with started(embedded_servers, tmp_path_factory) as api:
                here = await things(api, "grown")
                here.ids["booked_host_id"] = here.booking["host"]["id"]
                words = {"subject": "x", "body": "x"}
                await api.call("PUT", "/templates/booked.guest.de", words, here.office.staff)
                await restrict(api, here)
                await api.system.quiet()
                grown = Grown(api, here, wire, client)
                grown.find_originals()
                grown.fill(1, FEW)
                await grown.examine(FEW)
                await asyncio.to_thread(grown.fill, FEW, MANY)
                await grown.examine(MANY)
                yield grown
        finally:
            monitoring._LISTENERS.command_listeners.remove(wire)


def _wanted(name: str, here: Things) -> dict[str, Any]:
    """A choice that was charged, a change that the owner made to the calendar, who is invited, a claim of the calendar
    that stands; of the others any.
    """
    if name == "availability.claims":
        return {"s.calendar_id": here.ids["calendar_id"], "k_by_calendar": {"$exists": True}}
    if name == "accounts.audit_entries":
        return {"s.thing_id": here.ids["calendar_id"]}
    if name == "accounts.members":
        return {"k_invited": {"$exists": True}}
    return {"k_rotation": {"$exists": True}} if name == "assignment.choices" else {}


@pytest.mark.parametrize("name", ASKED)
async def test_what_is_examined_does_not_grow(grown: Grown, name: str) -> None:
    few, many = (grown.examined[name][size] for size in (FEW, MANY))
    assert 0 < many <= few + NEARBY, f"{few} of {FEW} and {many} of {MANY}"


@pytest.mark.parametrize("name", [name for name in ASKED if name.startswith("bookings")])
async def test_what_is_shown_beside_each_entry_of_a_list_is_read_for_all_at_once(grown: Grown, name: str) -> None:
    most = QUERIES + SEARCHING * ("by a word" in name)
    assert 0 < grown.asked[name] <= most, "host and calendar of each booking"


async def test_a_range_that_is_read_as_a_whole_would_be_seen(grown: Grown) -> None:
    assert grown.examined[WHOLE][FEW] == FEW
    assert grown.examined[WHOLE][MANY] == MANY


async def test_every_index_of_every_record_is_asked_or_known_to_be_walked_as_a_whole(grown: Grown) -> None:
    asked = set[str]().union(*(those for _, those in ASKED.values()))
    assert asked <= grown.seen, "named here and not on the wire"
    milestones_of = {f"{name}.{milestones.index_of(index)}" for name, kind in kinds() for index in kind.long}
    assert milestones_of <= grown.seen, "long, and not read from milestone to milestone"
    indexes = {f"{name}.{index}" for name, kind in kinds() for index in kind.indexes}
    left = {one for one in indexes - asked if one.rpartition(".")[2] not in WALKED_AS_A_WHOLE}
    assert left == {"accounts.sessions.by_workspace"}, (
        "every index needs a question; sessions are listed by member only"
    )
