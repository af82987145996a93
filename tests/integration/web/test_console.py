"""What the console keeps to, whatever is sent to it."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest
from starlette.responses import Response

from services.accounts.domain.identities import Identity, enrol
from services.accounts.domain.members import Member
from services.accounts.store import identity_id
from services.web.domain.staff import NewSession
from services.web.routes.console.desk import signed_in
from services.web.routes.console.entrance import inside
from tests.support.processes import free_port
from tests.support.system import System, eventually
from turnus_runtime.embedded import Endpoints
from turnus_runtime.listening import listening
from turnus_runtime.records import Decision

SERVICES = ("accounts", "booking", "availability", "assignment", "notify", "web")
EMAIL, PASSWORD = "olga@sonnenhof.example.org", "correct horse battery staple"
HOSTILE = (
    "<script>document.title='x'</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "x" * 10_000,
    "\u202eevil\u202c שלום",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "a\0b",
    "a\r\nSet-Cookie: x=y",
    "schlüssel",
)
PAGES = (
    "",
    "/bookings",
    "/bookings/table.csv",
    "/calendars",
    "/calendars/new",
    "/calendars/new/personal",
    "/calendars/new/round_robin",
    "/availability",
    "/availability/holidays",
    "/team",
    "/team/new",
    "/groups",
    "/groups/new",
    "/notifications",
    "/notifications/log",
    "/notifications/booked.guest.de",
    "/profile",
    "/api-keys",
    "/audit-log",
    "/operations",
    "/operations/booking",
    "/shortcuts",
)

OF_EACH_SERVICE = ("/team", "/bookings", "/availability", "/operations/assignment", "/notifications/log")
"""A page that each service is asked for."""


@dataclass
class Console:
    """`client` has the cookie of the owner of the workspace `sonnenhof`."""

    client: httpx.AsyncClient
    system: System

    async def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        return await self.client.post(f"/console{path}", data=fields, headers=headers)


@pytest.fixture
async def console(embedded_servers: Endpoints, fresh_broker: str) -> AsyncIterator[Console]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    system = System(
        embedded_servers,
        SERVICES,
        kafka_url=fresh_broker,
        public_url=url,
        api_url=url,
        trusted_proxies=("127.0.0.1/32",),
        clock_start="2027-01-04T06:00:00Z",
    )
    async with (
        system.running(),
        listening(system.process.app(), "127.0.0.1", port),
        httpx.AsyncClient(base_url=url, timeout=60, headers={"Prefer": "wait=30"}) as client,
    ):
        made = Console(client, system)
        start = await made.post(
            "/start",
            workspace_name="Sonnenhof",
            slug="sonnenhof",
            name="Olga Sommer",
            email=EMAIL,
            password=PASSWORD,
            tz="Europe/Berlin",
            locale="de",
        )
        assert start.status_code == 303, start.text
        assert start.headers["location"] == "/console/availability?done=started"
        for path in OF_EACH_SERVICE:  # every service has to hear of the first signing key

            async def is_served(path: str = path) -> bool:
                return (await client.get(f"/console{path}")).status_code == 200

            await eventually(is_served)
        yield made


def draft(**more: str) -> dict[str, str]:
    """The fields of a calendar as the page sends them."""
    return {
        "name": "Beratung",
        "slug": "beratung",
        "description": "",
        "tz": "Europe/Berlin",
        "duration_minutes": "30",
        "interval_minutes": "30",
        "anchor": "opening",
        "location_kind": "",
        "location_value": "",
        "buffer_before_minutes": "0",
        "buffer_after_minutes": "0",
        "notice_minutes": "0",
        "notice_minutes_unit": "hours",
        "window_kind": "rolling",
        "window_count": "60",
        "window_unit": "days",
        "window_counting": "calendar",
        "cancel_cutoff_minutes": "0",
        "reschedule_cutoff_minutes": "0",
    } | more


async def test_no_page_is_shown_to_somebody_who_is_not_signed_in(console: Console) -> None:
    console.client.cookies.clear()
    for path in (*PAGES, "/bookings/bk_1", "/calendars/cal_1", "/team/mem_1"):
        answer = await console.client.get(f"/console{path}")
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/console/sign-in?next=%2Fconsole"), path
    for path in ("/calendars/new/personal", "/availability", "/team/new", "/api-keys"):
        answer = await console.post(path, name="x")
        assert answer.status_code == 401, path
        assert 'name="kept.name" value="x"' in answer.text


async def test_every_page_is_shut_against_scripts_frames_and_search_engines(console: Console) -> None:
    for path in (*PAGES, "/sign-in", "/start", "/nowhere"):
        answer = await console.client.get(f"/console{path}")
        assert answer.status_code in (200, 404), path
        if "text/html" not in answer.headers["content-type"]:
            continue
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert not re.search(r"<script(?! src=\"/static/)|\son\w+=|style=", answer.text), path
        if answer.status_code == 200:
            assert "noindex" in answer.headers["x-robots-tag"]


async def test_a_form_that_another_site_sends_does_nothing(console: Console) -> None:
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://other.127.0.0.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        for path in ("/calendars/new/personal", "/sign-out", "/sign-in", "/team/new", "/start"):
            answer = await console.post(path, headers, **draft())
            assert answer.status_code == 403, (path, headers)
            assert "set-cookie" not in answer.headers
    assert (await console.client.get("/console/calendars")).text.count("/console/calendars/cal_") == 0


async def test_a_form_of_the_site_itself_works(console: Console) -> None:
    origin = str(console.client.base_url).rstrip("/")
    for number, headers in enumerate(({"Sec-Fetch-Site": "same-origin"}, {"Origin": origin}, {})):
        answer = await console.post("/calendars/new/personal", headers, **draft(slug=f"beratung-{number}"))
        assert answer.status_code == 303, answer.text


async def test_whatever_is_typed_is_text_and_nothing_breaks(console: Console) -> None:
    for hostile in HOSTILE:
        for field in (*draft(), "key", "version", "member"):
            answer = await console.post("/calendars/new/round_robin", **draft(**{field: hostile}))
            assert answer.status_code in (303, 409, 422), (field, hostile, answer.status_code)
            assert hostile not in answer.text or "<" not in hostile
            assert "x" not in answer.cookies
    for hostile in HOSTILE:
        for path, fields in (
            ("/team/new", {"name": hostile, "email": "a@example.org", "tz": "UTC", "locale": "de", "role": "member"}),
            ("/api-keys", {"name": hostile, "scope": "bookings:view"}),
            ("/availability", {"tz": hostile, "hours_1_start": hostile, "hours_1_end": hostile}),
            ("/availability/day", {"day": hostile, "kind": hostile}),
            ("/availability/day", {"day": "2027-01-12", "kind": "off", "label": hostile}),
            ("/availability/blocks", {"start_day": hostile, "start_time": hostile, "reason": hostile}),
            ("/sign-in", {"email": hostile, "password": hostile, "to": hostile}),
            ("/forgot", {"email": hostile}),
            ("/groups/new", {"name": hostile, "slug": hostile, "calendar": hostile, "order": hostile}),
            ("/notifications/reminders", {"guest_0": hostile, "guest_0_unit": hostile}),
            ("/notifications/booked.guest.de", {"subject": hostile, "body": hostile, "version": hostile}),
            ("/profile/password", {"password": hostile, "new_password": hostile}),
        ):
            answer = await console.post(path, **fields)
            assert answer.status_code < 500, (path, hostile)
            assert hostile not in answer.text or "<" not in hostile
        for path in (
            "/bookings",
            "/bookings/table.csv",
            "/availability",
            "/audit-log",
            "/calendars",
            "/sign-in",
            "/operations/booking",
        ):
            names = ("from", "to", "calendar", "host", "status", "after", "member", "month", "day", "thing", "next")
            names = (*names, "done", "q", "sort", "list")
            answer = await console.client.get(f"/console{path}", params=dict.fromkeys(names, hostile[:500]))
            assert answer.status_code < 500, (path, hostile)
    strange = await console.client.get(
        "/console", headers={"Cookie": "turnus_session=schl\u00fcssel".encode("latin-1")}
    )
    assert strange.status_code == 303
    page = await console.client.get("/console/calendars")
    assert "<script>document" not in page.text
    assert "49" not in re.findall(r"<h2>.*?</h2>", page.text)


async def test_what_is_wrong_stands_at_its_field_and_all_input_stays(console: Console) -> None:
    answer = await console.post("/calendars/new/personal", **draft(name="", duration_minutes="7 or so", slug="Ä"))
    assert answer.status_code == 422
    for field in ("name", "duration_minutes", "slug"):
        assert f'id="{field}-error"' in answer.text
        assert f'<a href="#{field}">' in answer.text
    assert 'value="7 or so"' in answer.text
    assert 'value="60"' in answer.text


async def test_a_form_that_is_sent_twice_makes_one_thing(console: Console) -> None:
    page = await console.client.get("/console/calendars/new/personal")
    key = re.search(r'name="key" value="([^"]+)"', page.text)
    assert key is not None
    first, second = [await console.post("/calendars/new/personal", **draft(key=key[1])) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]


async def test_a_form_that_is_redrawn_keeps_the_version_that_was_looked_at(console: Console) -> None:
    """Else whoever corrects a slip would overwrite what somebody else has saved meanwhile, and nobody is told."""
    made = await console.post("/calendars/new/personal", **draft())
    path = made.headers["location"].removeprefix("/console").partition("?")[0]
    await console.post(path, **draft(name="By the other", version="1"))
    slip = await console.post(path, **draft(name="", version="1"))
    assert slip.status_code == 422
    assert 'name="version" value="1"' in slip.text
    late = await console.post(path, **draft(name="By the first", version="1"))
    assert late.status_code == 412
    assert 'name="version" value="2"' in late.text
    assert 'value="By the first"' in late.text
    assert "By the other" in (await console.client.get(f"/console{path}")).text
    unsaid = await console.post(path, **draft(name="Without a version"))
    assert unsaid.status_code == 412


async def test_a_key_that_stands_for_another_form_is_replaced(console: Console) -> None:
    key = "try_0123456789"
    first = await console.post("/calendars/new/personal", **draft(key=key))
    assert first.status_code == 303
    second = await console.post("/calendars/new/personal", **draft(key=key, name="Other", slug="other"))
    assert second.status_code == 422
    fresh = re.search(r'name="key" value="([^"]+)"', second.text)
    assert fresh is not None
    assert fresh[1] != key
    third = await console.post("/calendars/new/personal", **draft(key=fresh[1], name="Other", slug="other"))
    assert third.status_code == 303


async def test_after_an_ended_session_a_form_goes_where_it_was_meant_to(console: Console) -> None:
    cookies = dict(console.client.cookies)
    console.client.cookies.clear()
    for path in ("/availability?member=mem_somebody", "/profile/password", "/team/mem_1/remove"):
        answer = await console.post(path, password="secret secret", tz="UTC")
        assert answer.status_code == 401
        assert 'name="resume" value="1"' in answer.text
        assert f'name="to" value="/console{path}"' in answer.text
        assert "secret secret" not in answer.text
    console.client.cookies.update(cookies)


async def test_a_day_off_puts_no_hours_on_offer_that_nobody_kept(console: Console) -> None:
    await console.post("/availability/day", day="2027-01-11", kind="off")
    owner = await _own_id(console)
    token = next(iter(console.client.cookies.values()))
    bearer = {"Authorization": f"Bearer {token}"}
    found = await console.client.get("/api/v1/schedules", params={"member_id": owner}, headers=bearer)
    (schedule,) = found.json()["items"]
    assert schedule["weekly"] == []
    assert schedule["overrides"] == [{"date": "2027-01-11", "ranges": [], "label": None}]


async def test_more_hours_than_the_page_adds_are_kept(console: Console) -> None:
    owner = await _own_id(console)
    bearer = {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}
    hours = [{"days": [1], "start": f"{hour:02}:00", "end": f"{hour:02}:30"} for hour in range(8, 17)]
    body = {"member_id": owner, "name": "Hours", "tz": "Europe/Berlin", "weekly": hours}
    made = await console.client.post("/api/v1/schedules", json=body, headers=bearer)
    page = (await console.client.get("/console/availability")).text
    times = {which: re.findall(rf'name="hours_1_{which}" value="([^"]*)"', page) for which in ("start", "end")}
    fields = {f"hours_1_{which}": those for which, those in times.items()}
    answer = await console.client.post("/console/availability", data={"tz": "Europe/Berlin", "version": "1", **fields})
    assert answer.status_code == 303, answer.text
    kept = await console.client.get(f"/api/v1/schedules/{made.json()['id']}", headers=bearer)
    assert len(kept.json()["weekly"]) == 9


async def test_a_signed_out_session_is_over_for_the_api_too(console: Console) -> None:
    token = next(iter(console.client.cookies.values()))
    answer = await console.post("/sign-out")
    assert answer.status_code == 303
    assert 'turnus_session=""' in answer.headers["set-cookie"]
    console.client.cookies.set("turnus_session", token)
    again = await console.client.get("/console")
    assert again.status_code == 303
    assert again.headers["location"].startswith("/console/sign-in")


async def test_a_wrong_password_says_nothing_more_and_signs_nobody_in(console: Console) -> None:
    console.client.cookies.clear()
    for fields in (
        {"email": EMAIL, "password": "wrong-password"},
        {"email": "nobody@example.org", "password": PASSWORD},
    ):
        answer = await console.post("/sign-in", **fields)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert "E-mail address or password is not right" in answer.text
        assert fields["password"] not in answer.text


async def test_the_table_of_bookings_holds_no_formulas(console: Console) -> None:
    made = await console.post("/calendars/new/personal", publish="1", **draft(member=await _own_id(console)))
    assert "calendar_published" in made.headers["location"], made.headers
    await console.post("/availability", tz="Europe/Berlin", hours_1_start="09:00", hours_1_end="17:00")
    guest = {"name": '=HYPERLINK("http://evil.example")', "email": "grace@example.org"}
    body = {"calendar": "sonnenhof/beratung", "start": "2027-01-11T09:00:00+01:00", "tz": "Europe/Berlin"}
    booked = await console.client.post("/api/v1/bookings", json={**body, "guest": guest}, headers={"Prefer": "wait=20"})
    assert booked.status_code == 201, booked.text
    table = await console.client.get("/console/bookings/table.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    lines = table.text.splitlines()
    assert len(lines) == 2
    assert "\"'=HYPERLINK(" in lines[1]


async def test_a_pause_is_asked_for_shown_and_ended_and_only_a_later_day_is_taken(console: Console) -> None:
    await console.post("/team/new", name="Ida", email="i@example.org", tz="Europe/Berlin", locale="de", role="member")
    own, team = await _own_id(console), (await console.client.get("/console/team")).text
    ida = next(one for one in re.findall(r'href="/console/team/(mem_[0-9a-z]+)"', team) if one != own)
    path = f"/team/{ida}"
    for wrong in ("2027-01-04", "2027-02-30", "soon", *HOSTILE):
        answer = await console.post(f"{path}/pause", until=wrong)
        assert answer.status_code == 422, wrong
        assert 'id="until-error"' in answer.text, wrong
        assert wrong not in answer.text or "<" not in wrong
    paused = await console.post(f"{path}/pause", until="2027-02-01")
    assert paused.headers["location"] == f"/console{path}?done=member_paused"
    assert "01.02.2027" in (await console.client.get("/console/team")).text
    assert "01.02.2027" in (await console.client.get(f"/console{path}")).text
    resumed = await console.post(f"{path}/resume")
    assert resumed.headers["location"] == f"/console{path}?done=member_resumed"
    assert "01.02.2027" not in (await console.client.get("/console/team")).text
    mine = await console.post(f"/team/{own}/pause", until="")
    assert mine.headers["location"] == "/console/profile?done=member_paused"
    attention = re.findall(r'<ul class="tasks">.*?</ul>', (await console.client.get("/console")).text, re.DOTALL)
    assert "/console/profile" in attention[0]
    await console.post(f"{path}/remove", **SURE)
    gone = await console.post(f"{path}/pause", until="")
    assert gone.status_code == 409


async def test_members_pause_themselves_and_nobody_else(console: Console) -> None:
    owner = await _own_id(console)
    await _become(console, "member")
    own = await _own_id(console)
    for path, status in ((f"/team/{owner}", 403), (f"/team/{own}", 303)):
        for action in ("pause", "resume"):
            assert (await console.post(f"{path}/{action}")).status_code == status, (path, action)
    assert (await console.client.get(f"/console/team/{owner}/pause")).status_code == 403
    assert f"/console/team/{owner}/pause" not in (await console.client.get(f"/console/team/{owner}")).text
    assert (await console.client.get(f"/console/team/{own}/pause")).status_code == 200


PERMITTED: Mapping[str, Mapping[str, object]] = {
    "assigned": {"calendars": "manage", "bookings": "manage", "groups": "manage", "assigned_only": True},
    "nothing": {"calendars": "none", "bookings": "none", "groups": "none"},
}
"""Members with permissions of their own: one may do all with what is assigned to them, one nothing at all."""
EVERYBODY, LOOKERS = ("owner", "admin", "member", *PERMITTED), ("owner", "admin", "member", "assigned")
MANAGERS, RUNNERS, OWNERS = ("owner", "admin", "assigned"), ("owner", "admin"), ("owner",)
SURE = {"sure": "yes"}
LETTER = "dlt_00000000000000000000000000"
REPLAY = f"/operations/booking/dead-letters/{LETTER}/replay"
MOVE = {"start": "2027-01-11T10:00:00Z"}
GIVEN, CAME = {"host_id": "OWNER"}, {"status": "attended"}
HOURS = {"member_id": "OWNER", "name": "Hours", "tz": "UTC"}
ACTIONS: tuple[tuple[tuple[str, ...], str, dict[str, str], str, str, Mapping[str, object] | None], ...] = (
    (MANAGERS, "/calendars/new/personal", draft(), "POST", "/calendars", {}),
    (RUNNERS, "/calendars/CALENDAR", draft(), "PATCH", "/calendars/CALENDAR", {"name": "X"}),
    (RUNNERS, "/calendars/CALENDAR/retire", SURE, "POST", "/calendars/CALENDAR/retire", None),
    (MANAGERS, "/groups/new", {"name": "X"}, "POST", "/groups", {}),
    (RUNNERS, "/bookings/BOOKING/cancel", SURE, "POST", "/bookings/BOOKING/cancel", {}),
    (RUNNERS, "/bookings/BOOKING/move", MOVE, "POST", "/bookings/BOOKING/reschedule", MOVE),
    (RUNNERS, "/bookings/BOOKING/hand-over", GIVEN, "POST", "/bookings/BOOKING/assign", GIVEN),
    (RUNNERS, "/bookings/BOOKING/attendance", CAME, "POST", "/bookings/BOOKING/attendance", CAME),
    (RUNNERS, "/team/new", {"name": "X"}, "POST", "/members", {}),
    (OWNERS, "/team/OWNER/remove", SURE, "DELETE", "/members/OWNER", None),
    (RUNNERS, "/availability?member=OWNER", {"tz": "UTC"}, "POST", "/schedules", HOURS),
    (RUNNERS, "/availability/holidays?member=OWNER", {"day": "2027-03-26"}, "POST", "/schedules", HOURS),
    (RUNNERS, "/availability/schedules/new?member=OWNER", {"name": "X"}, "POST", "/schedules", HOURS),
    (RUNNERS, "/notifications/reminders", {"guest_0": "1"}, "PUT", "/notifications/settings", {}),
    (RUNNERS, f"/operations/booking/{LETTER}/replay", {}, "POST", REPLAY, None),
    (RUNNERS, "/notifications/booked.guest.de", {"subject": "x", "body": "y"}, "PUT", "/templates/booked.guest.de", {}),
)
"""Who may: an action of the console with its fields, and the request to the API behind it."""
OF_CALENDARS = ("why", "versions", "versions/2/take", "preview", "preview/form")
NOT_THERE = re.compile("CALENDAR|BOOKING")
"""What is the owner's is not there for who sees only what is assigned to them."""
SHUT = {
    "/bookings": LOOKERS,
    "/bookings/table.csv": LOOKERS,
    "/calendars": LOOKERS,
    "/groups": LOOKERS,
    "/notifications": LOOKERS,
    "/notifications/log": LOOKERS,
    "/notifications/booked.guest.de": LOOKERS,
    "/calendars/new": MANAGERS,
    "/calendars/new/personal": MANAGERS,
    "/calendars/new/round_robin": MANAGERS,
    "/groups/new": MANAGERS,
    "/team/new": RUNNERS,
    "/audit-log": OWNERS,
    "/operations": RUNNERS,
    "/operations/booking": RUNNERS,
}


@pytest.mark.parametrize("role", EVERYBODY)
async def test_each_role_gets_its_pages_and_actions_and_no_others(console: Console, role: str) -> None:
    """What is shut on the pages is shut in the API: both are asked, and must agree."""
    owner = await _own_id(console)
    await console.post("/availability", tz="Europe/Berlin", hours_1_start="09:00", hours_1_end="17:00")
    made = await console.post("/calendars/new/personal", publish="1", **draft(member=owner))
    calendar = made.headers["location"].rpartition("/")[2].partition("?")[0]
    guest = {"name": "Grace", "email": "grace@example.org"}
    body = {"calendar": "sonnenhof/beratung", "start": "2027-01-11T09:00:00+01:00", "tz": "Europe/Berlin"}
    booked = await console.client.post("/api/v1/bookings", json={**body, "guest": guest}, headers={"Prefer": "wait=20"})
    names = {"OWNER": owner, "CALENDAR": calendar, "BOOKING": str(booked.json()["id"])}

    def named(text: str) -> str:
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    token = await _become(console, role)
    bearer = {"Authorization": f"Bearer {token}"}
    for path in PAGES:
        answer = await console.client.get(f"/console{path}")
        assert answer.status_code == (200 if role in SHUT.get(path, EVERYBODY) else 403), path
    overview = (await console.client.get("/console")).text
    for path, roles in SHUT.items():
        assert (f'href="/console{path}"' in overview) <= (role in roles), path
    for roles, path, fields, method, resource, asked in ACTIONS:
        if role in roles:
            continue  # that it works for who may is what all other tests show
        refusal = 404 if role == "assigned" and NOT_THERE.search(path) else 403
        sent = {name: named(value) for name, value in fields.items()}
        page = await console.post(named(path), **sent)
        hidden = role == "assigned" and "?member=" in path
        assert page.status_code == (404 if hidden else refusal), path
        told = {name: named(value) if isinstance(value, str) else value for name, value in (asked or {}).items()}
        behind = await console.client.request(
            method, f"/api/v1{named(resource)}", json=None if asked is None else told, headers=bearer
        )
        assert behind.status_code == refusal, (resource, behind.text)
    hours = {"hours_2_start": "09:00", "hours_2_end": "12:00"}
    own = await console.post("/availability", tz="Europe/Berlin", version="1", **hours)
    assert "done=hours_kept" in own.headers["location"]


async def test_who_sees_only_what_is_assigned_to_them_works_with_that_and_finds_nothing_else(console: Console) -> None:
    owner_id, owner = await _own_id(console), {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}
    me = await _added(console, "assigned")
    for one in (owner_id, me):
        hours = [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}]
        body = {"member_id": one, "name": "Hours", "tz": "Europe/Berlin", "weekly": hours}
        assert (await console.client.post("/api/v1/schedules", json=body, headers=owner)).is_success
    ids: dict[str, str] = {}
    for slug, members in (("team", [me, owner_id]), ("others", [owner_id])):
        kind = "round_robin" if slug == "team" else "personal"
        told = {
            "kind": kind,
            "slug": slug,
            "name": f"Kalender {slug}",
            "tz": "Europe/Berlin",
            "guest_chooses_host": True,
        }
        listed = [{"member_id": one} for one in members]
        made = await console.client.post("/api/v1/calendars", json={**told, "members": listed}, headers=owner)
        ids[slug] = str(made.json()["id"])
        path = f"/api/v1/calendars/{ids[slug]}/publish"
        assert (await console.client.post(path, headers={**owner, "Prefer": "wait=20"})).status_code == 200
    grouped = {"slug": "alle", "name": "Alle", "calendar_ids": [ids["others"], ids["team"]]}
    group = (await console.client.post("/api/v1/groups", json=grouped, headers=owner)).json()["id"]
    for guest, slug, host, hour in (
        ("Grace", "team", me, 9),
        ("Hedy", "team", owner_id, 10),
        ("Ida", "others", "", 11),
    ):
        body = {"calendar": f"sonnenhof/{slug}", "start": f"2027-01-11T{hour:02}:00:00+01:00", "tz": "Europe/Berlin"}
        body |= {"guest": {"name": guest, "email": f"{guest.lower()}@example.org"}} | (
            {"host_id": host} if host else {}
        )
        booked = await console.client.post("/api/v1/bookings", json=body, headers={"Prefer": "wait=20"})
        assert booked.status_code == 201, booked.text
        ids[guest] = str(booked.json()["id"])
    await _enter(console, "assigned")

    listed = ("/bookings?from=2027-01-01", "/bookings/table.csv?from=2027-01-01", "/bookings?sort=-created_at", "")
    for path in listed:
        page = (await console.client.get(f"/console{path}")).text
        assert "Grace" in page, path
        assert "Hedy" not in page, path
        assert "Ida" not in page, path
    for name, there in (("Grace", True), ("Hedy", False), ("Ida", False)):
        for path in ("/bookings", "/bookings/table.csv"):
            for sought in (name, ids[name]):
                found = (await console.client.get(f"/console{path}", params={"q": sought})).text
                assert (f"{name.lower()}@example.org" in found or f'id="{ids[name]}"' in found) is there, (path, sought)
    load = re.findall(r'<section class="sheet" aria-labelledby="load">.*?</section>', page, re.DOTALL)[0]
    assert re.findall(r'<th scope="row">(.*?)</th>', load) == ["Assigned"]
    assert ids["others"] not in (await console.client.get("/console/calendars")).text
    assert 'name="host"' not in (await console.client.get("/console/bookings")).text
    for path, status in (
        (f"/bookings/{ids['Grace']}", 200),
        (f"/bookings/{ids['Hedy']}", 404),
        (f"/bookings/{ids['Ida']}", 404),
        (f"/bookings/{ids['Hedy']}/hand-over", 404),
        (f"/calendars/{ids['team']}", 200),
        (f"/calendars/{ids['others']}", 404),
        *((f"/calendars/{ids['team']}/{rest}", 200) for rest in OF_CALENDARS),
        *((f"/calendars/{ids['others']}/{rest}", 404) for rest in OF_CALENDARS),
        (f"/live?booking={ids['Hedy']}", 404),
        (f"/availability?member={owner_id}", 404),
        (f"/availability/holidays?member={owner_id}", 404),
        (f"/team/{owner_id}", 200),
    ):
        assert (await console.client.get(f"/console{path}")).status_code == status, path
    shown = (await console.client.get(f"/console/groups/{group}")).text
    assert "Kalender others" not in shown
    # The calendar of others stays in the group, although the form cannot name it.
    fields = {"name": "Alle", "slug": "alle", "active": "on", "calendar": ids["team"], "order": ids["team"]}
    version = re.search(r'name="version" value="(\d+)"', shown)
    assert version is not None
    kept = await console.post(f"/groups/{group}", version=version[1], **fields)
    assert "done=group_changed" in kept.headers["location"], kept.text
    now = (await console.client.get(f"/api/v1/groups/{group}", headers=owner)).json()
    assert sorted(now["calendar_ids"]) == sorted([ids["team"], ids["others"]])
    handing = await console.client.get(f"/console/bookings/{ids['Grace']}/hand-over")
    assert f'value="{owner_id}"' in handing.text
    given = await console.post(f"/bookings/{ids['Grace']}/hand-over", host_id=owner_id)
    assert given.headers["location"] == "/console/bookings?done=booking_handed_over"
    assert (await console.client.get(f"/console/bookings/{ids['Grace']}")).status_code == 404


async def test_a_members_permissions_are_chosen_on_their_page(console: Console) -> None:
    me = await _added(console, "mia")
    path = f"/console/team/{me}"
    page = (await console.client.get(path)).text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    fields = {"name": "Mia", "tz": "Europe/Berlin", "locale": "de", "role": "member", "permissions": "1"}
    chosen = {"may_calendars": "none", "may_bookings": "manage", "may_groups": "view", "assigned_only": "on"}
    saved = await console.post(f"/team/{me}", version=version[1], **fields, **chosen)
    assert "done=member_changed" in saved.headers["location"], saved.text
    owner = {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}
    known = (await console.client.get(f"/api/v1/members/{me}", headers=owner)).json()["permissions"]
    assert known == {"calendars": "none", "bookings": "manage", "groups": "view", "assigned_only": True}
    page = (await console.client.get(path)).text
    assert re.search(r'id="may_bookings".*?value="manage" selected', page, re.DOTALL)
    assert re.search(r'name="assigned_only" checked', page)
    listed = (await console.client.get("/console/team")).text
    assert "nur was zugewiesen ist" in listed
    # As an admin they have the permissions of the role, whatever the form says below it.
    promoted = {**fields, "role": "admin"}
    assert "done=" in (await console.post(f"/team/{me}", version="2", **promoted, **chosen)).headers["location"]
    wrong = await console.post(f"/team/{me}", version="3", **{**fields, **chosen, "may_groups": "all"})
    assert wrong.status_code == 422
    assert 'id="may_groups-error"' in wrong.text


async def test_a_members_page_names_the_calendars_in_which_they_serve(console: Console) -> None:
    owner = await _own_id(console)
    assert "Noch in keinem Kalender" in (await console.client.get(f"/console/team/{owner}")).text
    made = await console.post("/calendars/new/personal", publish="1", **draft(member=owner))
    calendar = made.headers["location"].partition("?")[0]
    page = (await console.client.get(f"/console/team/{owner}")).text
    assert f'href="{calendar}"' in page
    other = await _added(console, "mia")
    assert calendar not in (await console.client.get(f"/console/team/{other}")).text


async def _become(console: Console, role: str) -> str:
    """Sign in as a new member with this role, or with permissions of that name; gives their token."""
    if role != "owner":
        await _added(console, role)
        await _enter(console, role)
    return next(iter(console.client.cookies.values()))


async def _added(console: Console, role: str) -> str:
    """A new member with this role, or with permissions of that name, who has a password; their id."""
    owner = {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}
    email = f"{role}@example.org"
    person = {"name": role.title(), "email": email, "role": role if role in RUNNERS else "member"}
    allowed = {"permissions": PERMITTED[role]} if role in PERMITTED else {}
    made = await console.client.post("/api/v1/members", json={**person, **allowed}, headers=owner)
    assert made.status_code == 201, made.text
    turn = console.system.process.hosts["accounts"].turn()
    hashed = await turn.effects.passwords.hashed(PASSWORD)
    new = Identity(id=identity_id(email), email=email, password_hash=hashed, created_at=turn.now, changed_at=turn.now)
    await turn.records(Identity).decide(new.id, partial(enrol, new=new))

    def link(current: Member | None) -> Decision[Member, None]:
        assert current is not None
        return Decision(None, current.change(identity_id=new.id))

    await turn.records(Member).decide(made.json()["id"], link)
    return str(made.json()["id"])


async def _enter(console: Console, name: str) -> None:
    console.client.cookies.clear()
    answer = await console.post("/sign-in", email=f"{name}@example.org", password=PASSWORD)
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/console@evil.example",
        "/consolevil",
        "javascript:alert(1)",
        "/console\r\nSet-Cookie: x",
        "/demo/beratung",
        "/console/../demo/beratung",
        "/console//evil.example",
        "",
        None,
    ],
)
def test_nobody_is_led_out_of_the_console(path: str | None) -> None:
    assert inside(path) == "/console"


def test_paths_of_the_console_are_gone_on_to() -> None:
    assert inside("/console/bookings?from=2027-01-01&status=confirmed") == (
        "/console/bookings?from=2027-01-01&status=confirmed"
    )


def test_scripts_cannot_read_the_cookie_and_other_sites_cannot_use_it() -> None:
    member = {
        "id": "mem_1",
        "version": 1,
        "status": "active",
        "name": "Olga",
        "email": EMAIL,
        "tz": "UTC",
        "locale": "de",
        "role": "owner",
        "can_sign_in": True,
    }
    session = NewSession.model_validate(
        {
            "id": "ses_1",
            "workspace_id": "ws_1",
            "member_id": "mem_1",
            "role": "owner",
            "scopes": [],
            "expires_at": datetime(2027, 2, 1, tzinfo=UTC),
            "member": member,
            "workspace": {"slug": "sonnenhof", "name": "Sonnenhof"},
            "token": "secret",
        }
    )
    secure = signed_in(Response(), session, "https://turnus.example").headers["set-cookie"].lower()
    assert secure.startswith("__host-turnus_session=secret;")
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= {part.strip() for part in secure.split(";")}
    plain = signed_in(Response(), session, "http://127.0.0.1:8080").headers["set-cookie"].lower()
    assert plain.startswith("turnus_session=secret;")
    assert "httponly" in plain


async def _own_id(console: Console) -> str:
    found = re.search(r'href="/console/team/(mem_[0-9a-z]+)"', (await console.client.get("/console/profile")).text)
    assert found is not None
    return found[1]
