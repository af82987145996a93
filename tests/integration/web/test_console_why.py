"""Why a time is not offered, on its page; and what Look Busy hides, on the preview."""

import asyncio
import re
from datetime import datetime
from typing import Any

import httpx

from tests.integration.web import test_console
from tests.integration.web.test_console import HOSTILE, Console, draft
from tests.integration.web.test_console_holidays import bearer, told, week

console = test_console.console
DAY = "2027-01-12"


async def made(console: Console, path: str, body: Any) -> dict[str, Any]:
    answer = await console.client.post(f"/api/v1{path}", json=body, headers={**bearer(console), "Prefer": "wait=20"})
    assert answer.is_success, answer.text
    return dict(answer.json()) if answer.content else {}


async def calendar(console: Console, **more: str) -> tuple[str, str]:
    """A published calendar of the owner, who works from nine to five on working days: its id, and theirs."""
    session = await console.client.get("/api/v1/sessions/current", headers=bearer(console))
    owner = str(session.json()["member_id"])
    params = {"member_id": owner}
    if not (await console.client.get("/api/v1/schedules", params=params, headers=bearer(console))).json()["items"]:
        await week(console)
    page = await console.post("/calendars/new/personal", publish="1", **draft(member=owner, **more))
    assert "done=" in page.headers["location"], page.text
    return page.headers["location"].rpartition("/")[2].partition("?")[0], owner


async def why(console: Console, calendar_id: str, **query: str) -> httpx.Response:
    return await console.client.get(f"/console/calendars/{calendar_id}/why", params=query)


async def test_the_page_says_of_every_stretch_and_of_a_time_what_speaks_against_it(console: Console) -> None:
    calendar_id, owner = await calendar(console, limit_day="2", buffer_before_minutes="15")
    guest = {"name": "Grace", "email": "grace@example.org"}
    for hour in (9, 14):
        start = f"{DAY}T{hour:02}:30:00+01:00"
        await made(console, "/bookings", {"calendar": calendar_id, "start": start, "tz": "UTC", "guest": guest})
    block = {"start": f"{DAY}T11:00:00+01:00", "end": f"{DAY}T12:00:00+01:00"}
    await made(console, "/blocks", {"member_id": owner, "items": [block]})
    page = await why(console, calendar_id, date=DAY, time="9:45")
    assert page.status_code == 200
    text = told(page)
    assert "Di., 12. Jan., 09:45: Diese Zeit wird Gästen nicht angeboten." in text
    assert "Belegt 09:30–10:00" in text
    assert "Grenze des Kalenders erreicht: 2 von 2 an diesem Tag" in text
    assert "Zwischen den Startzeiten" in text
    assert "Grace" not in page.text, "whose booking it is, is said where bookings are"
    assert "10:35–12:00 Grenze des Kalenders erreicht, gesperrt" in text
    assert "Die nächste freie Zeit ist: " in text
    following = re.search(r'href="([^"]+time=\d\d%3A\d\d[^"]*)">Die nächste', page.text)
    assert following is not None
    shown = await console.client.get(following[1].replace("&amp;", "&"))
    assert "Diese Zeit wird Gästen angeboten." in told(shown)
    assert "Wird angeboten" in told(shown)
    english = await why(console, calendar_id, date=DAY, time="09:45", lang="en")
    assert "Busy 09:30–10:00" in told(english)
    assert "Limit of the calendar reached: 2 of 2 on this day" in told(english)


async def test_whose_limit_it_is_and_a_pause_or_a_day_off_are_told_apart(console: Console) -> None:
    calendar_id, owner = await calendar(console)
    headers = bearer(console)
    limited = await console.client.put(f"/api/v1/limits/{owner}", json={"week": 1}, headers=headers)
    assert limited.status_code == 200, limited.text
    guest = {"name": "Grace", "email": "grace@example.org"}
    start = f"{DAY}T09:30:00+01:00"
    await made(console, "/bookings", {"calendar": calendar_id, "start": start, "tz": "UTC", "guest": guest})
    page = told(await why(console, calendar_id, date=DAY, time="14:00"))
    assert "Eigene Grenze erreicht, in allen Kalendern zusammen: 1 von 1 in dieser Woche" in page
    assert "10:00–16:35 eigene Grenze erreicht" in page
    assert "Grenze des Kalenders" not in page
    (hours,) = (await console.client.get("/api/v1/schedules", params={"member_id": owner}, headers=headers)).json()[
        "items"
    ]
    kept = {name: hours[name] for name in ("name", "tz", "default", "calendar_ids", "weekly")}
    body = {**kept, "overrides": [{"date": "2027-01-19", "label": "Urlaub"}]}
    assert (await console.client.put(f"/api/v1/schedules/{hours['id']}", json=body, headers=headers)).is_success
    page = told(await why(console, calendar_id, date="2027-01-19", time="14:00"))
    assert "00:00–00:00 freier Tag" in page
    assert "Freier Tag" in page
    await made(console, f"/members/{owner}/pause", {})
    while "Pause" not in (page := told(await why(console, calendar_id, date="2027-01-20", time="14:00"))):  # noqa: ASYNC110
        await asyncio.sleep(0.05)  # it is an event away
    assert "Pause seit" in page
    assert re.search(r"09:00–\d\d:\d\d Pause", page)
    assert "reier Tag" not in page


async def test_the_day_is_told_without_gaps_and_the_neighbours_are_a_link_away(console: Console) -> None:
    calendar_id, _ = await calendar(console)
    page = await why(console, calendar_id, date=DAY)
    spans = re.findall(r">(\d\d:\d\d)–(\d\d:\d\d)<", page.text)
    assert spans[0][0] == spans[-1][1] == "00:00"
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    assert "date=2027-01-11" in page.text
    assert "date=2027-01-13" in page.text
    assert "style=" not in page.text
    today = await why(console, calendar_id)
    assert 'value="2027-01-04"' in today.text
    assert "09:00–16:35 schon vorbei" in told(await why(console, calendar_id, date="2027-01-01"))
    # Whoever chooses the beginning of a stretch asks about it.
    link = re.search(r'href="([^"]+time=09%3A00[^"]*)">09:00–', page.text)
    assert link is not None
    assert "09:00: Diese Zeit wird Gästen angeboten." in told(await console.client.get(link[1].replace("&amp;", "&")))
    for edge in ("2001-01-01", "2099-12-31"):
        far = await why(console, calendar_id, date=edge, time="00:00")
        assert far.status_code == 200, far.text
        assert ("date=2000-" in far.text, "date=2100-" in far.text) == (False, False)


async def test_what_is_no_day_or_time_stands_at_its_field_and_stays(console: Console) -> None:
    calendar_id, _ = await calendar(console)
    page = await why(console, calendar_id, date="2027-02-30", time="25:00")
    assert page.status_code == 422
    assert 'value="2027-02-30"' in page.text
    assert 'value="25:00"' in page.text
    assert "Ein Datum wie 2027-01-31" in told(page)
    assert "Eine Uhrzeit wie 09:00" in told(page)
    for wrong in HOSTILE:
        answer = await why(console, calendar_id, **dict.fromkeys(("date", "time", "again"), wrong[:500]))
        assert answer.status_code == 422
        assert wrong not in answer.text or "<" not in wrong
    for path in ("cal_nothing", "x", "cal_" + "0" * 60):
        assert (await why(console, path)).status_code == 404


async def test_a_draft_and_a_closed_calendar_say_that_nothing_is_offered(console: Console) -> None:
    kept = await console.post("/calendars/new/personal", **draft())
    drafted = kept.headers["location"].rpartition("/")[2].partition("?")[0]
    assert "noch nicht veröffentlicht" in told(await why(console, drafted))
    calendar_id, _ = await calendar(console, slug="andere")
    assert f"/console/calendars/{calendar_id}/why" in (await console.client.get("/console/availability")).text
    page = (await console.client.get(f"/console/calendars/{calendar_id}")).text
    assert f'href="/console/calendars/{calendar_id}/why"' in page
    await console.post(f"/calendars/{calendar_id}/retire", sure="yes")
    assert "bietet keine Zeiten mehr an" in told(await why(console, calendar_id, date=DAY))


async def test_who_is_restricted_to_what_is_assigned_sees_their_own_row_and_nobody_without_permission_any(
    console: Console,
) -> None:
    _, owner = await calendar(console)
    me = await test_console._added(console, "assigned")
    hours = [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}]
    await made(console, "/schedules", {"member_id": me, "name": "H", "tz": "Europe/Berlin", "weekly": hours})
    seats = [{"member_id": me}, {"member_id": owner}]
    body = {"kind": "round_robin", "slug": "team", "name": "Team", "tz": "Europe/Berlin", "members": seats}
    team = (await made(console, "/calendars", body))["id"]
    await made(console, f"/calendars/{team}/publish", None)
    both = told(await why(console, team, date=DAY))
    assert "Der Tag von Olga Sommer in Worten" in both
    assert "Der Tag von Assigned in Worten" in both
    await test_console._enter(console, "assigned")
    own = told(await why(console, team, date=DAY, time="03:00"))
    assert "Der Tag von Assigned in Worten" in own
    assert "Der Tag von Olga Sommer in Worten" not in own
    assert "Mit dir wird diese Zeit nicht angeboten." in own
    assert "Außerhalb der Arbeitszeiten" in own


async def test_nobody_without_the_permission_sees_the_page(console: Console) -> None:
    calendar_id, _ = await calendar(console)
    await test_console._become(console, "nothing")
    assert (await why(console, calendar_id, date=DAY)).status_code == 403


async def test_the_preview_says_what_look_busy_hides(console: Console) -> None:
    calendar_id, _ = await calendar(console, look_busy_percent="50")
    shown = await console.client.get(f"/console/calendars/{calendar_id}/preview?day={DAY}&month=2027-01")
    text = told(shown)
    assert "So wirkt Look Busy am Dienstag, 12. Januar 2027" in text
    slots = await console.client.get(
        "/api/v1/slots", params={"calendar": calendar_id, "start": DAY, "end": DAY, "tz": "Europe/Berlin"}
    )
    free = [f"{datetime.fromisoformat(at):%H:%M}" for at in slots.json()["days"][DAY]]
    panel = re.findall(r'<section class="look-busy".*?</section>', shown.text, re.DOTALL)[0]
    assert re.findall(r"</span>(\d\d:\d\d)</li>", panel) == free
    hidden = re.findall(r"</span>(\d\d:\d\d)–(\d\d:\d\d)</li>", panel)
    assert hidden
    assert not [at for at in free for start, end in hidden if start <= at < end]
    plain, _ = await calendar(console, slug="offen")
    assert "Look Busy" not in told(await console.client.get(f"/console/calendars/{plain}/preview"))
