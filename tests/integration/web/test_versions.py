"""Versions, previews and the overview of the console: who may, what is said, and that nothing sent breaks them."""

import itertools
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.notify.domain.notices import Notice
from tests.integration.web.test_console import (
    HOSTILE,
    OF_EACH_SERVICE,
    PASSWORD,
    SERVICES,
    Console,
    _become,
    _own_id,
    draft,
)
from tests.support.processes import free_port
from tests.support.stack import broker_in
from tests.support.system import System, eventually
from turnus_runtime.embedded import Endpoints
from turnus_runtime.listening import listening
from turnus_runtime.records import Decision

pytestmark = pytest.mark.asyncio(loop_scope="module")
_NUMBERS = itertools.count(1)


@dataclass
class English(Console):
    """A console in English, of the workspace with this slug."""

    slug: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    embedded_servers: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[System, str]]:
    """The system that the tests of this file share, and its address. They keep apart by workspace."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with broker_in(tmp_path_factory.mktemp("versions") / "broker") as kafka_url:
        system = System(
            embedded_servers,
            SERVICES,
            kafka_url=kafka_url,
            public_url=url,
            api_url=url,
            trusted_proxies=("127.0.0.1/32",),
            clock_start="2027-01-04T06:00:00Z",
        )
        async with system.running(), listening(system.process.app(), "127.0.0.1", port):
            yield system, url


@pytest_asyncio.fixture(loop_scope="module")
async def english(running: tuple[System, str]) -> AsyncIterator[English]:
    system, url = running
    slug = f"versions-{next(_NUMBERS)}"
    person = {"name": "Olga Sommer", "email": f"olga@{slug}.example.org", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=url, timeout=60, headers={"Prefer": "wait=30"}) as client:
        made = English(client, system, slug)
        place = {"workspace_name": "Sonnenhof", "slug": slug, "tz": "Europe/Berlin", "locale": "en"}
        start = await made.post("/start", **person, **place)
        assert start.status_code == 303, start.text
        for path in ("", "/calendars", "/notifications", *OF_EACH_SERVICE):

            async def is_served(path: str = path) -> bool:
                return (await client.get(f"/console{path}")).status_code == 200

            await eventually(is_served)
        yield made


def bearer(console: Console) -> dict[str, str]:
    return {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}


async def api(console: Console, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """The public API as whoever is signed in."""
    answer = await console.client.request(
        method, f"/api/v1{path}", json=body, headers={**bearer(console), "Prefer": "wait=20"}
    )
    assert answer.is_success, answer.text
    return dict(answer.json())


async def published(console: Console, **fields: str) -> str:
    """A calendar of the owner's; its path under `/console`."""
    made = await console.post("/calendars/new/personal", publish="1", **draft(member=await _own_id(console), **fields))
    assert made.status_code == 303, made.text
    return made.headers["location"].removeprefix("/console").partition("?")[0]


async def page_of(console: Console, path: str, status: int = 200) -> str:
    answer = await console.client.get(f"/console{path}")
    assert answer.status_code == status, answer.text
    return answer.text


@contextmanager
def without(console: Console, *prefixes: str) -> Iterator[None]:
    """What the API has under these paths cannot be reached by the pages meanwhile."""
    client: httpx.AsyncClient = console.system.process.hosts["web"].ports.effects._client
    known: Callable[..., Any] = client.request

    async def request(method: str, path: str, **more: Any) -> httpx.Response:
        if path.startswith(prefixes):
            raise httpx.ConnectError("away")
        return await known(method, path, **more)

    client.request = request  # type: ignore[method-assign]
    try:
        yield
    finally:
        client.request = known  # type: ignore[method-assign]


async def test_limits_look_busy_and_the_gapless_raster_are_typed_in_kept_told_and_taken_back(english: English) -> None:
    path = await published(english)
    fields = draft(member=await _own_id(english), anchor="gapless", look_busy_percent="91", limit_day="0")
    wrong = await english.post(path, version="2", **fields)
    assert wrong.status_code == 422
    for field in ("look_busy_percent", "limit_day"):
        assert f'id="{field}-error"' in wrong.text
        assert f'<a href="#{field}">' in wrong.text
    assert re.search(r'id="look_busy_percent"[^>]* value="91"', wrong.text)
    new = {"look_busy_percent": "30", "limit_day": "8", "limit_month": "100"}
    await english.post(path, publish="1", version="2", **{**fields, **new})
    text = await page_of(english, path)
    for field, value in new.items():
        assert re.search(rf'id="{field}"[^>]* value="{value}"', text)
    assert 'value="gapless" checked' in text
    assert "Most bookings: 8 per day, 100 per month · Look busy: 30%" in text
    told = " ".join(re.sub(r"<[^>]*>|\s+", " ", await page_of(english, f"{path}/versions")).split())
    for words in ("becomes Without gaps", "unlimited becomes 8 per day, 100 per month", "0% becomes 30%"):
        assert words in told
    taken = await english.post(f"{path}/versions/2/take", sure="yes", version="4")
    assert taken.status_code == 303, taken.text
    back = await api(english, "GET", f"/calendars/{path.rpartition('/')[2]}")
    assert (back["limits"], back["look_busy_percent"], back["anchor"]) == (None, 0, "opening")


async def test_what_changed_between_versions_and_what_is_not_published_yet(english: English) -> None:
    path = await published(english)
    assert "The first version." in await page_of(english, f"{path}/versions")
    fields = draft(duration_minutes="45", location_kind="phone", location_value="+49 30 1")
    await english.post(path, publish="1", member=await _own_id(english), version="2", **fields)
    await english.post(path, member=await _own_id(english), version="4", **{**fields, "name": "Sprechstunde"})
    text = await page_of(english, f"{path}/versions")
    told = [re.sub(r"<[^>]*>|\s+", " ", one) for one in re.findall(r'<ul class="changes">.*?</ul>', text, re.DOTALL)]
    told = [" ".join(one.split()) for one in told]
    assert len(told) == 2
    assert told[0].startswith("Name Beratung becomes Sprechstunde Olga Sommer, 4 Jan 2027")
    assert "Duration 30 minutes becomes 45 minutes Olga Sommer" in told[1]
    assert "Video options and place To be agreed later becomes Phone call: +49 30 1" in told[1]
    assert text.count("Version 4 · Olga Sommer") == 1
    assert f'href="/console{path}/versions"' in await page_of(english, path)
    german = await english.client.get(f"/console{path}/versions", params={"lang": "de"})
    assert "30 Minuten" in german.text


async def test_a_version_is_taken_over_as_the_draft_and_published_by_nobody_but_its_reader(english: English) -> None:
    path = await published(english)
    owner = await _own_id(english)
    await english.post(path, publish="1", member=owner, version="2", **draft(duration_minutes="45"))
    ask = await page_of(english, f"{path}/versions/2/take")
    action = re.search(r'<form method="post" action="/console([^"]+/take[^"]*)"', ask)
    assert action is not None
    sure = {"sure": "yes", "version": "4"}
    answer = await english.post(action[1], **sure)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/console{path}?done=version_taken"
    calendar = await api(english, "GET", path)
    assert (calendar["duration_minutes"], calendar["has_unpublished_changes"]) == (30, True)
    late = await english.post(action[1], **sure)
    assert late.headers["location"].endswith("versions?refused=take_version_stale")
    assert "Somebody else has changed the draft" in await page_of(
        english, f"{path}/versions?refused=take_version_stale"
    )
    without_version = await english.post(f"{path}/versions/4/take", sure="yes")
    assert without_version.headers["location"].endswith("refused=take_version_stale")
    assert (await api(english, "GET", path))["version"] == 5


async def test_whoever_left_is_not_taken_over_and_still_named(english: English) -> None:
    owner = await _own_id(english)
    gone = await api(
        english,
        "POST",
        "/members",
        {"name": "Gonzo <b>", "email": f"gonzo@{english.slug}.example.org", "role": "member"},
    )

    async def known() -> bool:
        made = await english.client.post(
            "/console/calendars/new/round_robin",
            data={"publish": "1", "slug": "team", "name": "Team", "member": [owner, gone["id"]]}
            | {k: v for k, v in draft().items() if k not in ("slug", "name")}
            | {"optimize": "equal", "reschedule_policy": "same_host"},
        )
        return made.status_code == 303 and "calendar_published" in made.headers["location"]

    await eventually(known)
    (calendar,) = (await api(english, "GET", "/calendars"))["items"]
    path = f"/calendars/{calendar['id']}"
    await english.client.delete(f"/api/v1/members/{gone['id']}", headers=bearer(english))

    async def left() -> bool:
        return len((await api(english, "GET", f"{path}/versions"))["items"]) == 2

    await eventually(left)
    text = await page_of(english, f"{path}/versions")
    assert "Gonzo &lt;b&gt; leaves" in text
    assert "Turnus itself" in text
    now = (await api(english, "GET", path))["version"]
    answer = await english.post(f"{path}/versions/{calendar['published_version']}/take", sure="yes", version=str(now))
    assert answer.headers["location"] == f"/console{path}?done=version_taken_without"
    assert [one["member_id"] for one in (await api(english, "GET", path))["members"]] == [owner]


async def test_many_versions_come_page_by_page_and_each_knows_the_one_before(english: English) -> None:
    path = await published(english)
    for minutes in range(35, 35 + 5 * 22, 5):
        await api(english, "PATCH", path, {"duration_minutes": minutes})
        await api(english, "POST", f"{path}/publish")
    first = await page_of(english, f"{path}/versions")
    further = re.search(rf'href="/console({path}/versions\?after=[^"]+)"', first)
    assert further is not None
    second = await page_of(english, further[1].replace("&amp;", "&"))
    changes = [len(re.findall(r"<del>\d", one)) for one in (first, second)]
    assert changes == [20, 2]
    assert "The first version." in second
    assert "In force" in first
    assert "In force" not in second
    wrong = await english.client.get(f"/console{path}/versions", params={"after": "x"})
    assert wrong.headers["location"] == f"/console{path}/versions"


async def test_whatever_is_named_or_typed_breaks_no_page_and_is_text(english: English) -> None:
    path = await published(english)
    owner, taken = await _own_id(english), 0
    for hostile in HOSTILE:
        for field in ("name", "location_value", "slug", "duration_minutes", "tz", "member"):
            fields = draft(location_kind="link") | {"member": owner, field: hostile}
            for place in (f"{path}/preview", "/calendars/new/round_robin/preview"):
                answer = await english.post(place, **fields)
                assert answer.status_code in (200, 422), (place, field, hostile)
                assert hostile not in answer.text or "<" not in hostile
        name = hostile.replace("\0", "").replace("\r\n", " ")[:200]
        current = (await api(english, "GET", path))["version"]
        fields = draft(name=name, description=name, location_kind="link", location_value=name)
        kept = await english.post(path, publish="1", member=owner, version=str(current), **fields)
        assert kept.status_code in (303, 422), kept.text  # text that turns others around is refused
        taken += kept.status_code == 303
        for place in ("", "/versions", "/preview", "/preview/form"):
            text = await page_of(english, f"{path}{place}")
            assert name not in text or "<" not in name
            assert not re.search(r"<script(?! src=\"/static/)|<img|style=", text)
        for place in (f"{path}/versions/{hostile[:50]}/take", f"/calendars/{hostile[:50]}/versions"):
            odd = await english.client.get(f"/console{place}".replace("\0", "%00").replace("\r\n", "%0D%0A"))
            assert odd.status_code in (303, 404), place
        params = dict.fromkeys(("after", "version", "start", "tz", "month", "day", "tried"), hostile[:300])
        for place in ("/versions", "/versions/2/take", "/preview", "/preview/form"):
            answer = await english.client.get(f"/console{path}{place}", params=params)
            assert answer.status_code in (200, 303), place
    assert taken >= 6


async def test_a_preview_shows_what_is_drafted_marked_as_such_and_books_nothing(english: English) -> None:
    await english.post("/availability", tz="Europe/Berlin", hours_1_start="09:00", hours_1_end="17:00")
    path = await published(english)
    await api(english, "PATCH", path, {"name": "Sprechstunde", "duration_minutes": 60})
    text = await page_of(english, f"{path}/preview?month=2027-01&day=2027-01-11")
    assert "<h1>Sprechstunde</h1>" in text
    assert "1 hour" in text
    assert "Nothing is booked here." in text
    assert "The free times are those of the published version." in text
    assert f'href="/{english.slug}' not in text
    form = re.search(rf'href="(/console{path}/preview/form\?start=[^"]+)"', text)
    assert form is not None
    opened = await english.client.get(form[1].replace("&amp;", "&"))
    assert "Monday, 11 January 2027" in opened.text
    action = re.search(r'<form method="post" action="([^"]+)"', opened.text)
    assert action is not None
    guest = {"name": "Grace", "email": "grace@example.org"}
    sent = await english.client.post(action[1].replace("&amp;", "&"), data=guest)
    assert sent.status_code == 303
    assert "Nothing is booked in the preview." in (await english.client.get(sent.headers["location"])).text
    assert (await api(english, "GET", "/bookings"))["items"] == []


async def test_a_preview_of_what_was_typed_keeps_nothing(english: English) -> None:
    path = await published(english)
    owner = await _own_id(english)
    before = await api(english, "GET", path)
    answer = await english.post(f"{path}/preview", member=owner, **draft(name="Only typed", duration_minutes="75"))
    assert "<h1>Only typed</h1>" in answer.text
    assert "1 hour 15 minutes" in answer.text
    assert "It is not saved yet." in answer.text
    assert "Olga Sommer" in answer.text
    assert await api(english, "GET", path) == before
    new = await english.post("/calendars/new/personal/preview", member=owner, **draft(name="New", slug=""))
    assert "<h1>New</h1>" in new.text
    assert len((await api(english, "GET", "/calendars"))["items"]) == 1
    wrong = await english.post(f"{path}/preview", version="2", **draft(name=""))
    assert wrong.status_code == 422
    assert 'id="name-error"' in wrong.text
    assert 'name="version" value="2"' in wrong.text


async def test_a_draft_that_was_never_published_is_shown_without_times(english: English) -> None:
    made = await english.post("/calendars/new/personal", **draft(member=await _own_id(english)))
    path = made.headers["location"].removeprefix("/console").partition("?")[0]
    text = await page_of(english, f"{path}/preview")
    assert "They appear once the calendar is published." in text
    assert "Tuesday, 5 January 2027" in await page_of(english, f"{path}/preview/form")
    assert "No version yet" in await page_of(english, f"{path}/versions")
    for place in ("versions", "preview", "preview/form", "versions/2/take"):
        assert (await english.client.get(f"/console/calendars/cal_nowhere/{place}")).status_code == 404
    assert (await english.client.get(f"/console{path}/versions/2/take")).status_code == 404


async def test_who_only_looks_sees_versions_and_previews_and_changes_nothing(english: English) -> None:
    path = await published(english)
    await _become(english, "member")
    text = await page_of(english, f"{path}/versions")
    assert "/take" not in text
    await page_of(english, f"{path}/preview")
    assert f'href="/console{path}/preview"' in await page_of(english, path)
    assert (await english.client.get(f"/console{path}/versions/2/take")).status_code == 403
    for place in (f"{path}/versions/2/take", f"{path}/preview", "/calendars/new/personal/preview"):
        assert (await english.post(place, **draft())).status_code == 403, place
    english.client.cookies.clear()
    for place in ("versions", "preview", "preview/form"):
        answer = await english.client.get(f"/console{path}/{place}")
        assert answer.headers["location"].startswith("/console/sign-in"), place


async def test_pages_of_the_console_in_the_looks_of_guests_are_shut_like_all_others(english: English) -> None:
    path = await published(english)
    for place in ("versions", "preview", "preview/form", "preview?embed=1"):
        answer = await english.client.get(f"/console{path}/{place}")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["cache-control"] == "no-store"


AWAY = {
    "/bookings": ("The bookings cannot be shown at the moment.", "The distribution cannot be shown"),
    "/calendars": ("The calendars cannot be shown at the moment.",),
    "/schedules": ("Whether your working hours are set cannot be told",),
    "/notifications": ("Whether all mails were delivered cannot be told",),
    "/rotations": ("The distribution cannot be shown at the moment.",),
    "/members": (),
}


async def test_the_overview_goes_without_what_is_away_and_says_so(english: English) -> None:
    await _team(english)
    whole = await page_of(english, "")
    assert "Load and fairness" in whole
    for away, said in AWAY.items():
        assert not [one for one in said if one in whole]
        with without(english, away):
            text = await page_of(english, "")
        assert [one for one in said if one not in text] == [], away
    with without(english, *AWAY):
        assert "Hello Olga Sommer" in await page_of(english, "")


async def test_the_overview_shows_load_and_share_of_each_member_of_a_team(english: English) -> None:
    await _team(english)
    await _book(english, "2027-01-04T10:00:00+01:00", "2027-01-08T10:00:00+01:00", "2027-01-20T10:00:00+01:00")

    async def shown() -> bool:
        found = " ".join(re.sub(r"<[^>]*>", " ", await page_of(english, "")).split())
        return "Together: 2 in the next 7 days, 3 in the whole month." in found

    await eventually(shown)
    text = " ".join(re.sub(r"<[^>]*>", " ", await page_of(english, "")).split())
    assert re.search(r"Olga Sommer 2 100% target 67% Second &lt;b&gt; 0 0% target 33%", text), text
    assert "The mark shows the share" in text


async def test_the_overview_tells_of_mails_that_nobody_got(english: English) -> None:
    await _team(english)
    await _book(english, "2027-01-08T10:00:00+01:00", email="grace@example.org")
    assert "could not be delivered" not in await page_of(english, "")
    await _mails_fail(english)
    text = await page_of(english, "")
    assert re.search(r"mails? of the last 7 days could not be delivered", text)
    assert 'href="/console/notifications/log?status=failed"' in text


async def _team(console: English) -> str:
    """A published team calendar in which the owner has two turns of three."""
    hours = {f"hours_{day}_{at}": hour for day in range(1, 8) for at, hour in (("start", "09:00"), ("end", "17:00"))}
    await console.post("/availability", tz="Europe/Berlin", **hours)
    owner = await _own_id(console)
    second = await api(
        console, "POST", "/members", {"name": "Second <b>", "email": f"b@{console.slug}.example.org", "role": "member"}
    )
    body = {
        "kind": "round_robin", "slug": "team", "name": "Team", "tz": "Europe/Berlin", "optimize": "equal",
        "members": [{"member_id": owner, "weight": 2}, {"member_id": second["id"], "weight": 1}],
    }  # fmt: skip
    made = await api(console, "POST", "/calendars", body)
    await api(console, "POST", f"/calendars/{made['id']}/publish")
    return str(made["id"])


async def _book(console: English, *starts: str, email: str = "grace@example.org") -> None:
    for start in starts:
        body = {
            "calendar": f"{console.slug}/team",
            "start": start,
            "tz": "Europe/Berlin",
            "guest": {"name": "G", "email": email},
        }
        booked = await console.client.post("/api/v1/bookings", json=body, headers={"Prefer": "wait=20"})
        assert booked.status_code == 201, booked.text


async def _mails_fail(english: English) -> None:
    """The mails of the booking are given up, as after a last try."""
    records = english.system.process.hosts["notify"].turn().records(Notice)
    (booking,) = (await api(english, "GET", "/bookings"))["items"]

    async def settled() -> bool:
        notice = await records.get(booking["id"])
        return notice is not None and any(one.status == "sent" for one in notice.messages)

    await eventually(settled)

    def failed(notice: Notice | None) -> Decision[Notice, None]:
        assert notice is not None
        messages = tuple(
            one.model_copy(update={"status": "failed", "reason": "refused"}) if one.status == "sent" else one
            for one in notice.messages
        )
        return Decision(None, notice.change(messages=messages))

    await records.decide(booking["id"], failed)
