"""What is gone for good is asked for first: a form that nobody was asked about changes nothing."""

import ast
import re
from html import unescape
from pathlib import Path
from typing import Any

from tests.integration.web import test_console
from tests.integration.web.test_console import EMAIL, PASSWORD, Console, draft
from tests.support.system import eventually

console = test_console.console
ASKS = (
    ("/profile/sessions/SESSION/end", "angemeldet ist, muss sich neu anmelden"),
    ("/team/MEMBER/revoke", "Der Link, den Ada per E-Mail bekommen hat"),
    ("/availability/schedules/SCHEDULE/remove", "Sommer verschwindet mit allen Zeiten"),
    ("/availability/blocks/BLOCK/delete", "Von 11.01.2027, 10:00 bis 11.01.2027, 12:00"),
    ("/notifications/booked.guest.de/reset", "Euer eigener Betreff und Text"),
    ("/api-keys/KEY/delete", "sofort abgewiesen"),
    ("/groups/GROUP/remove", "Gäste sehen diese Gruppe dann nicht mehr"),
    ("/bookings/BOOKING/cancel", "Grace"),
    ("/calendars/CALENDAR/versions/VERSION/take", "Alle Einstellungen werden im Entwurf wieder so"),
    ("/calendars/CALENDAR/retire", "Gäste können hier nicht mehr buchen"),
    ("/team/MEMBER/remove", "Sitzungen und API-Schlüssel enden"),
)
"""An action of the console that cannot be undone, and what its page says will happen."""
LISTS = ("/members", "/invitations", "/sessions", "/api-keys", "/calendars", "/groups", "/bookings", "/templates")
CONSOLE = Path("services/web/routes/console")
OWN = {"entrance.sign_out", "profile.switch"}
"""Leaving is asked for by the button itself, and undone by signing in."""


def bearer(console: Console) -> dict[str, str]:
    return {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}


async def known(console: Console, owner: str) -> dict[str, Any]:
    """All that an action could have changed."""
    found: dict[str, Any] = {}
    for path in (*LISTS, f"/blocks?member_id={owner}", f"/schedules?member_id={owner}"):
        answer = await console.client.get(f"/api/v1{path}", headers=bearer(console))
        assert answer.status_code == 200, answer.text
        found[path] = answer.json()["items"]
    return found


async def one_of_everything(console: Console) -> dict[str, str]:
    """The ids of what the actions are about."""
    staff = bearer(console)

    async def made(path: str, body: Any) -> dict[str, Any]:
        answer = await console.client.post(f"/api/v1{path}", json=body, headers={**staff, "Prefer": "wait=20"})
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    session = (await console.client.get("/api/v1/sessions/current", headers=staff)).json()
    owner = str(session["member_id"])
    other = await made("/sessions", {"workspace": "sonnenhof", "email": EMAIL, "password": PASSWORD})
    member = await made("/members", {"name": "Ada", "email": "ada@example.org"})
    await made("/invitations", {"member_id": member["id"]})
    stretch = {"start": "2027-01-11T10:00:00+01:00", "end": "2027-01-11T12:00:00+01:00"}
    blocks = await made("/blocks", {"member_id": owner, "items": [stretch]})
    key = await made("/api-keys", {"name": "Key", "scopes": ["bookings:view"]})
    await console.post("/availability", tz="Europe/Berlin", hours_2_start="09:00", hours_2_end="17:00")
    summer = await made("/schedules", {"member_id": owner, "name": "Sommer", "tz": "Europe/Berlin", "default": False})
    page = await console.post("/calendars/new/personal", publish="1", **draft(member=owner))
    calendar = page.headers["location"].rpartition("/")[2].partition("?")[0]
    version = (await console.client.get(f"/api/v1/calendars/{calendar}", headers=staff)).json()["published_version"]
    other_name = {"name": "Other"}
    await console.client.patch(f"/api/v1/calendars/{calendar}", json=other_name, headers=staff)
    group = await made("/groups", {"slug": "group", "name": "Group", "calendar_ids": [calendar]})
    guest = {"name": "Grace", "email": "grace@example.org"}
    body = {"calendar": "sonnenhof/beratung", "start": "2027-01-12T09:00:00+01:00", "tz": "Europe/Berlin"}
    booking = await made("/bookings", {**body, "guest": guest})
    words = {"subject": "Own", "body": "Own", "version": "0"}
    assert (await console.post("/notifications/booked.guest.de", **words)).status_code == 303
    return {
        "SESSION": other["id"],
        "MEMBER": member["id"],
        "BLOCK": blocks["items"][0]["id"],
        "SCHEDULE": summer["id"],
        "KEY": key["id"],
        "GROUP": group["id"],
        "BOOKING": booking["id"],
        "CALENDAR": calendar,
        "VERSION": str(version),
        "OWNER": owner,
    }


async def test_every_action_that_cannot_be_undone_asks_before_it_acts(console: Console) -> None:
    ids = await one_of_everything(console)
    await console.system.quiet()  # that its mail was sent changes the invitation
    listed = [len(one) for one in (await known(console, ids["OWNER"])).values()]
    assert 0 not in listed
    for template, happens in ASKS:
        path = template
        for name, value in ids.items():
            path = path.replace(name, value)
        before = await known(console, ids["OWNER"])
        asked = await console.client.get(f"/console{path}")
        for fields in ({}, {"sure": ""}, {"sure": "no"}, {"version": "1", "reset": "1", "revoke": "1"}):
            unsure = await console.post(path, **fields)
            assert unsure.status_code == 200, (path, unsure.status_code)
            for page in (asked, unsure):
                text = re.sub(r"\s+", " ", unescape(page.text))
                assert 'name="sure" value="yes"' in text, path
                assert happens in text, (path, text)
                assert f'action="/console{path}"' in text, path
        assert await known(console, ids["OWNER"]) == before, f"{path} did something before it was confirmed"
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', asked.text))
        sure = await console.post(path, **hidden)
        assert sure.status_code == 303, (path, sure.status_code)
        assert "done=" in sure.headers["location"], (path, sure.headers["location"])

        async def has_changed(before: dict[str, Any] = before) -> bool:
            return await known(console, ids["OWNER"]) != before

        await eventually(has_changed)
        await console.system.quiet()


async def test_a_text_that_was_changed_meanwhile_is_not_reset_unseen(console: Console) -> None:
    for version in ("0", "1"):
        words = {"subject": f"Own {version}", "body": "Own", "version": version}
        assert (await console.post("/notifications/booked.guest.de", **words)).status_code == 303
    late = await console.post("/notifications/booked.guest.de/reset", sure="yes", version="1")
    assert late.headers["location"].endswith("refused=template_changed")
    shown = await console.client.get(late.headers["location"])
    assert "Own 1" in shown.text
    assert "Inzwischen hat jemand anderes diesen Text geändert" in shown.text


def destructive() -> set[str]:
    """Functions of the console that delete something, close a calendar, cancel a booking or give up a draft."""
    found: set[str] = set()
    for path in CONSOLE.glob("*.py"):
        for one in ast.walk(ast.parse(path.read_text())):
            if not isinstance(one, ast.AsyncFunctionDef):
                continue
            text = ast.unparse(one)
            if re.search(r"send\('DELETE'|send\('POST', f'[^']*/(retire|cancel)'|restorable\(", text):
                found.add(f"{path.stem}.{one.name}{'' if 'is_sure(sent)' in text else ' does not ask'}")
    return found


def test_no_action_of_the_console_deletes_without_asking() -> None:
    unasked = {one for one in destructive() if one.endswith(" does not ask")}
    assert unasked == {f"{one} does not ask" for one in OWN}
    assert len(destructive() - unasked) == len(ASKS), "each of them stands in the table above"
