"""Who may do what: every staff route of every service, asked by each role and by members with permissions of their own.

`RULES` is the table: the permission that a route needs, and what it is for who is restricted to what is assigned to
them. The routes come from the services' own description, so that a new one without a line here fails.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
import pytest_asyncio

from tests.integration.api.conftest import Api, Office, office
from tests.support.system import eventually
from turnus_runtime.ids import RandomIds

pytestmark = pytest.mark.asyncio(loop_scope="session")

Restricted = Literal["all", "theirs", "nothing"]
STALE = {"If-Match": '"999999999"'}
"""Whoever may is told that somebody was quicker, so that asking changes nothing."""
SPAN = {"start": "2027-11-21T10:00:00Z", "end": "2027-11-21T11:00:00Z"}
MOVE = {"start": "2027-03-09T10:00:00Z"}
HOURS = {"name": "Hours", "tz": "UTC", "default": False}
OVERBOOKED_MOVE = {**MOVE, "host_id": "$nobody", "overbook": True, "reason": "x"}
OVERBOOKING: dict[str, Any] = {
    **OVERBOOKED_MOVE,
    "calendar": "$calendar_id",
    "tz": "UTC",
    "guest": {"name": "Guest", "email": "guest@example.org"},
}
"""Guests book, too: what staff alone may is to overbook."""
WORDS = {"subject": "x", "body": "y"}
MINUTES: dict[str, Any] = {"guest_reminder_minutes": [], "host_reminder_minutes": []}


@dataclass(frozen=True)
class Rule:
    """What a route needs. Texts like `$booking_id` in bodies and queries are ids; those of paths are filled in as well.

    `restricted` says what is there for who is restricted to what is assigned to them: `all` that there is, `theirs`
    (what is not, is answered `foreign`), or `nothing` (403). `shows`: of a list, the id by which a line is known.
    `self_too`: about oneself everybody may. `absent`: there is none of it, as whoever may is told (404).
    """

    scope: str = ""
    restricted: Restricted = "all"
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    stale: bool = False
    shows: str = ""
    foreign: int = 404
    self_too: bool = False
    absent: bool = False


RULES: Mapping[str, Rule] = {
    "GET /workspaces/{workspace_id}": Rule(),
    "PATCH /workspaces/{workspace_id}": Rule("settings:manage", body={}),
    "GET /members": Rule("team:view"),
    "POST /members": Rule("team:manage", body={"name": "Ada", "email": "$email"}),
    "GET /members/{member_id}": Rule("team:view"),
    "PATCH /members/{member_id}": Rule("team:manage", body={}, self_too=True),
    "DELETE /members/{member_id}": Rule("team:manage", stale=True),
    "POST /members/{member_id}/pause": Rule("team:manage", body={}, stale=True, self_too=True),
    "POST /members/{member_id}/resume": Rule("team:manage", stale=True, self_too=True),
    "POST /invitations": Rule("team:manage", body={"member_id": "$nobody"}),
    "GET /invitations": Rule("team:view"),
    "GET /invitations/{invitation_id}": Rule("team:view"),
    "DELETE /invitations/{invitation_id}": Rule("team:manage", stale=True),
    "GET /api-keys": Rule(),
    "GET /sessions": Rule(),
    "GET /audit-log": Rule("settings:manage"),
    "GET /rotations/{calendar_id}": Rule("calendars:view", "theirs"),
    "GET /rotations/{calendar_id}/choices": Rule("calendars:view", "theirs"),
    "POST /schedules": Rule(
        "team:manage", "theirs", body={"member_id": "$member_id", **HOURS}, self_too=True, foreign=403
    ),
    "GET /schedules": Rule(restricted="theirs", query={"member_id": "$member_id"}, shows="schedule_id"),
    "GET /schedules/{schedule_id}": Rule(restricted="theirs"),
    "PUT /schedules/{schedule_id}": Rule("team:manage", "theirs", body=HOURS, stale=True, self_too=True),
    "DELETE /schedules/{schedule_id}": Rule("team:manage", "theirs", stale=True, self_too=True),
    "GET /limits/{member_id}": Rule(restricted="theirs"),
    "PUT /limits/{member_id}": Rule("team:manage", "theirs", body={"day": 9}, stale=True, self_too=True),
    "GET /slots/why": Rule(
        "calendars:view", "theirs", query={"calendar": "$calendar_id", "start": SPAN["start"]}, foreign=422
    ),
    "GET /slots/why/day": Rule(
        "calendars:view", "theirs", query={"calendar": "$calendar_id", "date": SPAN["start"][:10]}, foreign=422
    ),
    "GET /holidays": Rule(query={"country": "DE", "year": "2027"}),
    "GET /holidays/countries": Rule(),
    "GET /holidays/countries/{country}": Rule(),
    "POST /blocks": Rule(
        "calendars:manage", "theirs", body={"calendar_id": "$calendar_id", "items": [SPAN]}, foreign=422
    ),
    "GET /blocks": Rule("calendars:view", "theirs", query={"calendar_id": "$calendar_id"}, shows="calendar_id"),
    "DELETE /blocks/{block_id}": Rule("calendars:manage", "theirs"),
    "POST /calendars": Rule(
        "calendars:manage",
        "theirs",
        body={
            "kind": "personal",
            "slug": "same",
            "name": "Same",
            "tz": "UTC",
            "members": [{"member_id": "$member_id"}],
        },
        foreign=422,
    ),
    "GET /calendars": Rule("calendars:view", "theirs", shows="calendar_id"),
    "GET /calendars/{calendar_id}": Rule("calendars:view", "theirs"),
    "GET /calendars/{calendar_id}/versions": Rule("calendars:view", "theirs"),
    "GET /calendars/{calendar_id}/versions/{version}": Rule("calendars:view", "theirs"),
    "PATCH /calendars/{calendar_id}": Rule("calendars:manage", "theirs", body={}, stale=True),
    "POST /calendars/{calendar_id}/publish": Rule("calendars:manage", "theirs", stale=True),
    "POST /calendars/{calendar_id}/retire": Rule("calendars:manage", "theirs", stale=True),
    "POST /groups": Rule(
        "groups:manage", "theirs", body={"slug": "same", "name": "S", "calendar_ids": ["$calendar_id"]}, foreign=422
    ),
    "GET /groups": Rule("groups:view", "theirs", shows="group_id"),
    "GET /groups/{group_id}": Rule("groups:view", "theirs"),
    "PATCH /groups/{group_id}": Rule("groups:manage", "theirs", body={}, stale=True),
    "DELETE /groups/{group_id}": Rule("groups:manage", "theirs", stale=True),
    "POST /bookings": Rule("bookings:manage", "theirs", body=OVERBOOKING, foreign=422),
    "GET /bookings": Rule("bookings:view", "theirs", shows="booking_id"),
    "GET /bookings/{booking_id}": Rule("bookings:view", "theirs"),
    "GET /bookings/{booking_id}/history": Rule("bookings:view", "theirs"),
    "GET /bookings/{booking_id}/ics": Rule("bookings:view", "theirs"),
    "POST /bookings/{booking_id}/cancel": Rule("bookings:manage", "theirs", body={}, stale=True),
    "POST /bookings/{booking_id}/reschedule": Rule("bookings:manage", "theirs", body=MOVE, stale=True),
    "POST /bookings/{booking_id}/assign": Rule("bookings:manage", "theirs", body={"host_id": "$nobody"}),
    "POST /bookings/{booking_id}/attendance": Rule("bookings:manage", "theirs", body={"status": "attended"}),
    "GET /notifications/settings": Rule("calendars:view"),
    "PUT /notifications/settings": Rule("calendars:manage", "nothing", body=MINUTES, stale=True),
    "DELETE /notifications/settings": Rule("calendars:manage", "nothing", stale=True),
    "GET /notifications": Rule("bookings:view", "theirs", shows="booking_id"),
    "GET /notifications/{notification_id}": Rule("bookings:view", "theirs"),
    "GET /templates": Rule("calendars:view"),
    "GET /templates/{template_key}": Rule("calendars:view"),
    "PUT /templates/{template_key}": Rule("calendars:manage", "nothing", body=WORDS, stale=True),
    "DELETE /templates/{template_key}": Rule("calendars:manage", "nothing", stale=True),
    "POST /templates/{template_key}/preview": Rule("calendars:manage", "nothing", body={}),
    "POST /templates/{template_key}/test": Rule("calendars:manage", "nothing", body={}),
    **{
        f"{method} /operations/{service}{path}": Rule(f"operations:{level}", absent="{" in path)
        for service in ("accounts", "assignment", "availability", "booking", "notify")
        for method, path, level in (
            ("GET", "", "view"),
            ("GET", "/dead-letters", "view"),
            ("POST", "/dead-letters/{letter_id}/replay", "manage"),
        )
    },
}
OWN_WAYS: Mapping[str, str] = {
    "GET /invitations/current": "by the token of a link",
    "POST /invitations/current/accept": "by the token of a link",
    "GET /password-resets/current": "by the token of a link",
    "POST /password-resets/current/use": "by the token of a link",
    "GET /sessions/current/workspaces": "by a session: the person, whatever they may do here",
    "POST /sessions/current/switch": "by a session: the person, whatever they may do here",
    "POST /sessions/current/password": "by a session: the person, whatever they may do here",
    "GET /sessions/{session_id}": "one's own",
    "DELETE /sessions/{session_id}": "one's own; others' as roles say (accounts/test_sessions.py)",
    "POST /api-keys": "no more than one has (below, and accounts/test_keys.py)",
    "GET /api-keys/{key_id}": "one's own, or settings:manage (accounts/test_keys.py)",
    "DELETE /api-keys/{key_id}": "one's own, or settings:manage (accounts/test_keys.py)",
}
"""Staff routes that ask for something else than a permission."""

THINGS = ("calendars", "bookings", "groups")
EVERYTHING = {f"{thing}:{level}" for thing in (*THINGS, "team", "operations") for level in ("view", "manage")} | {
    "settings:manage"
}
LOOKING = {"team:view", *(f"{thing}:view" for thing in THINGS)}
MANAGING = dict.fromkeys(THINGS, "manage")


@dataclass(frozen=True)
class Person:
    """A role, the permissions that it was given, and what it may do by that."""

    role: str
    scopes: set[str]
    permissions: Mapping[str, Any] | None = None


PEOPLE: Mapping[str, Person] = {
    "owner": Person("owner", EVERYTHING),
    "admin": Person("admin", EVERYTHING - {"settings:manage"}),
    "member": Person("member", LOOKING),
    **{f"no {thing}": Person("member", LOOKING - {f"{thing}:view"}, {thing: "none"}) for thing in THINGS},
    **{f"managed {thing}": Person("member", LOOKING | {f"{thing}:manage"}, {thing: "manage"}) for thing in THINGS},
}
ASSIGNED = Person("member", LOOKING | {f"{thing}:manage" for thing in THINGS}, {**MANAGING, "assigned_only": True})
"""Ada: she may manage all things, of those that are assigned to her."""


@dataclass
class Practice:
    """Ada serves in `team`, with Bob. `mine` are ids of what is assigned to her, `foreign` those of Bob's things."""

    at: Office
    mine: dict[str, str]
    foreign: dict[str, str]
    keys: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    async def ask(self, route: str, rule: Rule, ids: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        method, _, path = route.partition(" ")
        body = json.loads(_filled(json.dumps(rule.body), ids)) if rule.body is not None else None
        query = {name: _filled(value, ids) for name, value in rule.query.items()}
        sent = {**headers, **(STALE if rule.stale else {})}
        answer = await self.at.api.send(method, path.format(**ids), body, sent, params=query)
        return answer.status_code, answer.text

    async def key_of(self, member_id: str, scopes: set[str]) -> dict[str, str]:
        """An API key with all that somebody may do."""
        body = {"name": "all", "member_id": member_id, "scopes": sorted(scopes)}
        return {"Authorization": f"Bearer {(await self.at.made('/api-keys', body))['key']}"}


def _filled(text: str, ids: Mapping[str, str]) -> str:
    for name in sorted(ids, key=len, reverse=True):
        text = text.replace(f"${name}", ids[name])
    return text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def practice(api: Api) -> AsyncIterator[Practice]:
    at = await office(api, "permitted")
    ada, bob, cleo = [await at.host(name, "08:00", "18:00") for name in ("Ada", "Bob", "Cleo")]
    team = await at.calendar("team", [ada, bob], guest_chooses_host=True)
    others = await at.calendar("others", [bob, cleo], guest_chooses_host=True)
    groups = [
        await at.made("/groups", {"slug": slug, "name": slug, "calendar_ids": those})
        for slug, those in (("both", [others["id"], team["id"]]), ("bobs", [others["id"]]))
    ]
    invitation = await at.made("/invitations", {"member_id": bob})
    session = await api.call("GET", "/sessions/current", None, at.staff)
    bookings = []
    for n, (calendar, host) in enumerate(((team, ada), (team, bob), (others, bob))):
        start = f"2027-03-02T1{n}:00:00+01:00"
        booked = await api.book(calendar["address"], start, n, host_id=host)
        assert booked.status_code == 201, booked.text
        bookings.append(booked.json()["id"])

    async def notified() -> bool:
        found = (await api.call("GET", "/notifications", None, at.staff))["items"]
        return {one["booking_id"] for one in found} == set(bookings)

    await eventually(notified)
    notices = (await api.call("GET", "/notifications", None, at.staff))["items"]

    async def blocked(calendar: Mapping[str, Any]) -> str:
        made = await at.made("/blocks", {"calendar_id": calendar["id"], "items": [SPAN, SPAN]})
        return str(made["items"][1]["id"])

    async def about(member: str, calendar: Mapping[str, Any], group: Mapping[str, Any], booking: str) -> dict[str, str]:
        schedules = await api.call("GET", f"/schedules?member_id={member}", None, at.staff)
        versions = await api.call("GET", f"/calendars/{calendar['id']}/versions", None, at.staff)
        return {
            "workspace_id": session["workspace_id"],
            "nobody": RandomIds().fresh("mem"),
            "email": f"ada@{at.slug}.example.org",
            "invitation_id": invitation["id"],
            "template_key": "booked.guest.de",
            "country": "DE",
            "version": str(versions["items"][0]["version"]),
            "letter_id": RandomIds().fresh("dlt"),
            "member_id": member,
            "calendar_id": calendar["id"],
            "group_id": group["id"],
            "booking_id": booking,
            "schedule_id": schedules["items"][0]["id"],
            "block_id": await blocked(calendar),
            "notification_id": next(one["id"] for one in notices if one["booking_id"] == booking),
        }

    made = Practice(
        at,
        await about(ada, team, groups[0], bookings[0]),
        # A booking of Bob in Ada's own calendar: that she serves there does not make it hers.
        await about(bob, others, groups[1], bookings[1]),
    )
    made.keys["owner"] = at.staff
    for name, person in PEOPLE.items():
        if name != "owner":
            email = f"{name.replace(' ', '-')}@{at.slug}.example.org"
            body = {"name": name, "email": email, "role": person.role, "permissions": person.permissions}
            member = await at.made("/members", {key: one for key, one in body.items() if one is not None})
            made.keys[name] = await made.key_of(member["id"], person.scopes)
    await api.call("PATCH", f"/members/{ada}", {"permissions": ASSIGNED.permissions}, at.staff)
    made.keys["assigned"] = await made.key_of(ada, ASSIGNED.scopes)

    async def settled() -> bool:
        """Every service takes every key."""
        answers = [
            await api.send("GET", path, None, headers)
            for headers in made.keys.values()
            for path in ("/sessions", f"/schedules?member_id={ada}", "/bookings", "/rotations/x", "/notifications")
        ]
        return all(one.status_code not in (401, 503) for one in answers)

    await eventually(settled)
    yield made


async def test_every_staff_route_of_every_service_has_its_line(api: Api) -> None:
    described = (await api.send("GET", "/openapi.json")).json()["paths"]
    routes = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, operations in described.items()
        for method, operation in operations.items()
        if operation.get("security")
    }
    assert routes == set(RULES) | set(OWN_WAYS)
    assert len(routes) == len(RULES) + len(OWN_WAYS)


@pytest.mark.parametrize("name", PEOPLE)
async def test_everybody_may_what_their_role_or_permissions_say_and_nothing_else(practice: Practice, name: str) -> None:
    person, headers = PEOPLE[name], practice.keys[name]
    wrong = list[str]()
    for route, rule in RULES.items():
        for ids in (practice.mine, practice.foreign):
            status, text = await practice.ask(route, rule, ids, headers)
            may = not rule.scope or rule.scope in person.scopes
            missed = status == 404 and not rule.absent
            if (status == 403) is may or missed or status in (401, 429) or status >= 500:
                wrong.append(f"{route}: {status} {text[:200]}")
            if may and rule.shows and ids[rule.shows] not in text:
                wrong.append(f"{route}: {ids[rule.shows]} is missing")
    assert not wrong


async def test_who_is_restricted_to_what_is_assigned_to_them_finds_that_and_nothing_else(practice: Practice) -> None:
    headers, wrong = practice.keys["assigned"], list[str]()
    for route, rule in RULES.items():
        own, own_text = await practice.ask(route, rule, practice.mine, headers)
        other, other_text = await practice.ask(route, rule, practice.foreign, headers)
        may = rule.restricted != "nothing" and (rule.self_too or not rule.scope or rule.scope in ASSIGNED.scopes)
        if (own == 403) is may or own in (401, 404, 429) or own >= 500:
            wrong.append(f"{route}: {own} for what is theirs {own_text[:200]}")
        if rule.shows and (practice.mine[rule.shows] not in own_text or practice.foreign[rule.shows] in other_text):
            wrong.append(f"{route}: {own_text[:500]} {other_text[:500]}")
        if rule.restricted == "theirs" and not rule.shows and other != rule.foreign:
            wrong.append(f"{route}: {other} for what is not theirs {other_text[:200]}")
    assert not wrong


@pytest.mark.parametrize("name", [*PEOPLE, "assigned"])
async def test_a_move_is_overbooked_by_those_only_who_may_move(practice: Practice, name: str) -> None:
    rule = Rule(body=OVERBOOKED_MOVE)
    may = name == "assigned" or "bookings:manage" in PEOPLE[name].scopes
    path = "POST /bookings/{booking_id}/reschedule"
    assert (await practice.ask(path, rule, practice.mine, practice.keys[name]))[0] == (422 if may else 403)
    foreign = 404 if name == "assigned" else 422 if may else 403
    assert (await practice.ask(path, rule, practice.foreign, practice.keys[name]))[0] == foreign


@pytest.mark.parametrize("name", [*PEOPLE, "assigned"])
async def test_an_api_key_gets_no_more_than_its_member_has(practice: Practice, name: str) -> None:
    person = ASSIGNED if name == "assigned" else PEOPLE[name]
    me = next(iter((await practice.at.api.send("GET", "/api-keys", None, practice.keys[name])).json()["items"]), None)
    for scope in sorted(EVERYTHING - person.scopes):
        asked = {"name": "more", "scopes": [scope]}
        assert (await practice.at.api.send("POST", "/api-keys", asked, practice.keys[name])).status_code == 403, scope
        if me is not None:
            for_them = {**asked, "member_id": me["member_id"]}
            assert (await practice.at.api.send("POST", "/api-keys", for_them, practice.at.staff)).status_code == 403


async def test_a_key_that_somebody_restricted_makes_is_restricted_too(practice: Practice) -> None:
    body = {"name": "own", "scopes": ["bookings:view"]}
    made = await practice.at.api.call("POST", "/api-keys", body, practice.keys["assigned"])
    assert made["assigned_only"] is True
    headers = {"Authorization": f"Bearer {made['key']}"}
    found = await practice.at.api.call("GET", "/bookings", None, headers)
    assert practice.foreign["booking_id"] not in {one["id"] for one in found["items"]}


async def test_what_was_taken_ends_at_once_with_what_was_issued_before(practice: Practice) -> None:
    at = practice.at
    member = await at.made(
        "/members", {"name": "Dan", "email": f"dan@{at.slug}.example.org", "permissions": {"bookings": "manage"}}
    )
    assert member["permissions"] == {
        "calendars": "view",
        "bookings": "manage",
        "groups": "view",
        "assigned_only": False,
    }
    key = await practice.key_of(member["id"], LOOKING | {"bookings:manage"})
    await at.api.call("GET", "/bookings", None, key)
    taken = await at.api.call("PATCH", f"/members/{member['id']}", {"permissions": {"bookings": "none"}}, at.staff)
    assert taken["permissions"]["bookings"] == "none"

    async def ended() -> bool:
        return (await at.api.send("GET", "/bookings", None, key)).status_code == 401

    await eventually(ended)

    async def told() -> bool:
        log = await at.api.call("GET", f"/audit-log?thing_id={member['id']}", None, at.staff)
        return bool(log["items"]) and log["items"][0]["fields"] == ["permissions.bookings"]

    await eventually(told)


@pytest.mark.parametrize("role", ["admin", "owner"])
async def test_whose_role_says_everything_gets_no_permissions_of_their_own(practice: Practice, role: str) -> None:
    body = {"name": "X", "email": f"x@{practice.at.slug}.example.org", "role": role, "permissions": {"groups": "none"}}
    refused = await practice.at.api.send("POST", "/members", body, practice.at.staff)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "permissions")
    owner = (await practice.at.api.call("GET", "/sessions/current", None, practice.at.staff))["member_id"]
    refused = await practice.at.api.send(
        "PATCH", f"/members/{owner}", {"permissions": {"groups": "none"}}, practice.at.staff
    )
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "permissions")


async def test_nobody_gives_permissions_to_themselves(practice: Practice) -> None:
    body = {"permissions": {"assigned_only": False}}
    path = f"/members/{practice.mine['member_id']}"
    assert (await practice.at.api.send("PATCH", path, body, practice.keys["assigned"])).status_code == 403


async def test_what_is_handed_over_is_gone_for_who_had_it(practice: Practice) -> None:
    at, ada = practice.at, practice.keys["assigned"]
    booked = await at.api.book(f"{at.slug}/team", "2027-03-04T10:00:00+01:00", 9, host_id=practice.mine["member_id"])
    path = f"/bookings/{booked.json()['id']}"
    handed = await at.api.send(
        "POST", f"{path}/assign", {"host_id": practice.foreign["member_id"]}, {**ada, "Prefer": "wait=30"}
    )
    assert (handed.status_code, handed.json()["host"]["id"]) == (200, practice.foreign["member_id"])
    for method, rest in (("GET", ""), ("GET", "/history"), ("GET", "/ics"), ("POST", "/cancel")):
        assert (await at.api.send(method, f"{path}{rest}", None, ada)).status_code == 404
    query = {"booking_id": booked.json()["id"]}

    async def gone_everywhere() -> bool:
        mails = await at.api.send("GET", "/notifications", None, ada, params=query)
        choices = await at.api.send(
            "GET", f"/rotations/{practice.mine['calendar_id']}/choices", None, ada, params=query
        )
        return mails.status_code == 404 and choices.json()["items"] == []

    await eventually(gone_everywhere)
    whole = await at.api.call("GET", f"/rotations/{practice.mine['calendar_id']}/choices", None, ada)
    assert booked.json()["id"] not in {one["booking_id"] for one in whole["items"]}


async def test_choices_are_those_of_bookings_that_one_serves(practice: Practice) -> None:
    path = f"/rotations/{practice.mine['calendar_id']}/choices"
    ada = practice.keys["assigned"]
    all_of_it = (await practice.at.api.call("GET", path, None, practice.at.staff))["items"]
    theirs = (await practice.at.api.call("GET", path, None, ada))["items"]
    assert {one["host_id"] for one in theirs} == {practice.mine["member_id"]}
    assert practice.mine["booking_id"] in {one["booking_id"] for one in theirs}
    assert practice.foreign["booking_id"] in {one["booking_id"] for one in all_of_it}
    for ids, there in ((practice.mine, True), (practice.foreign, False)):
        found = await practice.at.api.send("GET", path, None, ada, params={"booking_id": ids["booking_id"]})
        assert bool(found.json()["items"]) is there


async def test_no_order_search_or_id_leads_to_bookings_of_others(practice: Practice) -> None:
    at, ada = practice.at, practice.keys["assigned"]

    async def found(headers: Mapping[str, str], **query: str) -> set[str]:
        page = (await at.api.send("GET", "/bookings", None, headers, params={"limit": "200", **query})).json()
        assert page["next"] is None
        return {one["id"] for one in page["items"]}

    mine, foreign = practice.mine, practice.foreign
    guest = (await at.api.call("GET", f"/bookings/{foreign['booking_id']}", None, at.staff))["guest"]
    own_guest = (await at.api.call("GET", f"/bookings/{mine['booking_id']}", None, at.staff))["guest"]
    for sort in ("start", "-start", "created_at", "-created_at"):
        for narrowed in ({}, {"calendar_id": mine["calendar_id"]}, {"start": "2027-03-01T00:00:00Z"}):
            everything = await found(at.staff, sort=sort, **narrowed)
            assert {mine["booking_id"], foreign["booking_id"]} <= everything
            hers = await found(at.staff, sort=sort, host_id=mine["member_id"], **narrowed)
            assert await found(ada, sort=sort, **narrowed) == hers
            assert await found(ada, sort=sort, host_id=foreign["member_id"], **narrowed) == set()
        for text in (foreign["booking_id"], guest["email"]):
            assert foreign["booking_id"] in await found(at.staff, sort=sort, q=text)
            assert foreign["booking_id"] not in await found(ada, sort=sort, q=text)
        for text in (mine["booking_id"], own_guest["email"], own_guest["name"]):
            assert mine["booking_id"] in await found(ada, sort=sort, q=text)


async def test_a_list_of_what_is_assigned_ends_and_leaves_nothing_out(practice: Practice) -> None:
    """Page by page, among calendars in which one does not serve any more."""
    at, ada = practice.at, practice.mine["member_id"]
    left = [await at.calendar(f"left-{n}", [ada, practice.foreign["member_id"]]) for n in range(3)]
    for one in left:
        bob = [{"member_id": practice.foreign["member_id"]}]
        await at.api.call("PATCH", f"/calendars/{one['id']}", {"members": bob}, at.staff)
        await at.publish(one["id"])
    kept = await at.calendar("kept", [ada, practice.foreign["member_id"]])
    for path, wanted in (
        ("/calendars", {practice.mine["calendar_id"], kept["id"]}),
        ("/bookings", {practice.mine["booking_id"]}),
    ):
        seen, after, pages = list[str](), "", 0
        while pages < 20:
            page = await at.api.call("GET", f"{path}?limit=1{after}", None, practice.keys["assigned"])
            seen += [one["id"] for one in page["items"]]
            pages += 1
            if page["next"] is None:
                break
            assert page["items"], "an empty page that leads on"
            after = f"&after={page['next']}"
        assert len(seen) == len(set(seen))
        assert set(seen) >= wanted
        assert pages <= len(seen) + 1
        assert not set(seen) & {one["id"] for one in left}


async def test_who_is_restricted_neither_leaves_a_calendar_nor_takes_those_of_others_out_of_a_group(
    practice: Practice,
) -> None:
    at, ada = practice.at, practice.keys["assigned"]

    async def refused(path: str, body: dict[str, Any]) -> tuple[int, str]:
        answer = await at.api.send("PATCH", path, body, ada)
        return answer.status_code, answer.json().get("code", "")

    mine, foreign = practice.mine, practice.foreign
    others = [{"member_id": foreign["member_id"]}]
    assert await refused(f"/calendars/{mine['calendar_id']}", {"members": others}) == (422, "assigned_only")
    path = f"/groups/{mine['group_id']}"
    assert await refused(path, {"calendar_ids": [mine["calendar_id"]]}) == (422, "assigned_only")
    assert await refused(path, {"calendar_ids": [foreign["calendar_id"]]}) == (422, "assigned_only")
    solo = await at.calendar("solo", [foreign["member_id"]])
    both = [mine["calendar_id"], foreign["calendar_id"]]
    assert await refused(path, {"calendar_ids": [*both, solo["id"]]}) == (422, "calendar_unknown")
    assert await refused(path, {"calendar_ids": both}) == (200, "")
    made = {"kind": "personal", "slug": "nobodys", "name": "N", "tz": "UTC"}
    assert (await at.api.send("POST", "/calendars", made, ada)).json()["code"] == "assigned_only"
    assert (await at.api.send("POST", "/groups", {"slug": "empty", "name": "E"}, ada)).json()["code"] == "assigned_only"
