"""The operations page: what its readers see of the services, whatever becomes of these."""

import asyncio
import json
from urllib.parse import quote

import pytest

from services.web.domain.operations import SERVICES as ASKED
from tests.integration.web.test_console import HOSTILE, PASSWORD, Console, console
from tests.support.system import eventually
from turnus_contracts import MemberChanged
from turnus_runtime.consume import dead_letter_topic
from turnus_runtime.http.equipment import equipped
from turnus_runtime.ids import RandomIds
from turnus_runtime.ports import Message
from turnus_runtime.process import installed

__all__ = ["console"]


def test_the_page_asks_every_service_that_tells_how_it_is() -> None:
    tell = [one.name for one in map(equipped, installed([])) if f"operations/{one.name}" in one.resources]
    assert sorted(ASKED) == sorted(tell)


async def workspace_of(console: Console) -> str:
    bearer = {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}
    return str((await console.client.get("/api/v1/sessions/current", headers=bearer)).json()["workspace_id"])


async def given_up(console: Console, workspace_id: str, **about: str) -> str:
    """A message of this workspace that booking gave up: a member of whom it did not hear. Gives their id."""
    told = MemberChanged(
        workspace_id=workspace_id,
        member_id=RandomIds().fresh("mem"),
        version=1,
        status="active",
        name="Grace Hopper",
        email="grace@example.org",
        tz="Europe/Berlin",
        locale="de",
        role="member",
    )
    headers = {"ce_id": told.ce_id, "origin_topic": "MemberChanged", "error": "KeyError", **about}
    letter = Message(dead_letter_topic("booking"), told.member_id, told.model_dump_json().encode(), headers)
    await console.system.process.broker.publish([letter])
    return told.member_id


async def page(console: Console, path: str = "") -> str:
    answer = await console.client.get(f"/console/operations{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


def replaying(text: str) -> list[str]:
    """Where the buttons of the page lead."""
    return [part.partition('"')[0] for part in text.split('action="') if "/replay" in part.partition('"')[0]]


async def test_who_has_nothing_to_do_is_told_so(console: Console) -> None:
    async def quiet() -> bool:
        text = await page(console)
        return text.count("Alles erledigt") == 2 * len(ASKED) and "Alles läuft, nichts wartet." in text

    await eventually(quiet)


async def test_a_message_that_was_given_up_is_shown_and_processed_again(console: Console) -> None:
    member = await given_up(console, await workspace_of(console))
    for path in ("", "/booking"):
        shown = await page(console, path)
        assert member in shown
        assert f'href="/console/team/{member}"' in shown
        assert "Grace" not in shown
    (path,) = replaying(await page(console))
    for _ in range(2):
        again = await console.client.post(path)
        assert (again.status_code, again.headers["location"]) == (303, "/console/operations?done=letter_replayed")
    assert "wird erneut verarbeitet" in (await console.client.get(again.headers["location"])).text
    assert member not in await page(console)

    async def audited() -> bool:
        return (await console.client.get("/console/audit-log")).text.count("erneut verarbeitet") == 1

    await eventually(audited)


async def test_another_workspace_is_not_shown_it(console: Console) -> None:
    member = await given_up(console, await workspace_of(console))
    (path,) = replaying(await page(console))
    console.client.cookies.clear()
    start = await console.post(
        "/start",
        workspace_name="Elsewhere",
        slug="elsewhere",
        name="Eve",
        email="eve@example.org",
        password=PASSWORD,
        tz="UTC",
        locale="de",
    )
    assert start.status_code == 303
    for shown in (await page(console), await page(console, "/booking")):
        assert member not in shown
        assert replaying(shown) == []
    assert (await console.client.post(path)).status_code == 404


async def test_a_message_without_its_content_has_no_button(console: Console) -> None:
    workspace = await workspace_of(console)
    told = json.dumps({"workspace_id": workspace, "guest": {"name": "Ada"}}).encode()
    await console.system.process.broker.publish([Message("GuestDetailsGiven", "cal_1", told, {})])

    async def shown() -> bool:
        return "Ohne Inhalt aufbewahrt" in await page(console)

    await eventually(shown)
    assert replaying(await page(console)) == []
    assert "Ada" not in await page(console)
    bearer = {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}
    found = (await console.client.get("/api/v1/operations/notify/dead-letters", headers=bearer)).json()["items"]
    refused = await console.post(f"/operations/notify/{found[0]['id']}/replay")
    assert refused.headers["location"] == "/console/operations?refused=dead_letter_empty"
    assert "ohne Inhalt aufbewahrt" in (await console.client.get(refused.headers["location"])).text


async def test_a_service_that_fails_or_says_nothing_is_shown_as_that_and_the_others_as_ever(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: object) -> None:
        raise ConnectionError("gone")

    async def silent(*_: object) -> None:
        await asyncio.Event().wait()

    apps = console.system.process.apps
    monkeypatch.setattr(apps["availability"], "_edge", failing)
    monkeypatch.setattr(apps["notify"], "_edge", silent)
    shown = await page(console)
    assert shown.count("Antwortet nicht") == 2
    assert shown.count('<dl class="figures">') == len(ASKED) - 2
    assert "Mindestens ein Dienst antwortet nicht." in shown


async def test_without_a_broker_what_is_owed_and_what_is_known_is_shown(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await given_up(console, await workspace_of(console))
    assert member in await page(console)
    reader = console.system.process._reader
    for one in (reader, reader._topics):
        monkeypatch.setattr(one, "_url", "127.0.0.1:1")

    async def unknown() -> bool:
        shown = await page(console)
        return shown.count("Im Moment nicht bekannt") == 2 * len(ASKED) and member in shown

    await eventually(unknown)
    refused = await console.client.post(replaying(await page(console))[0])
    assert refused.headers["location"] == "/console/operations?refused=away"


async def test_whatever_a_message_is_about_is_text(console: Console) -> None:
    workspace = await workspace_of(console)
    for hostile in HOSTILE:
        text = hostile[:300].replace("\0", "")
        await given_up(console, workspace, ce_subject=text, error=text, error_detail=f"unreadable: {text}")
    shown = await page(console, "/booking")
    assert "<script>document" not in shown
    assert "<img" not in shown
    assert len(replaying(shown)) == len(HOSTILE)


async def test_hostile_addresses_lead_nowhere(console: Console) -> None:
    await given_up(console, await workspace_of(console))
    for hostile in (*HOSTILE, "dlt_../x", "booking:0:0", "DLT_1"):
        name = quote(hostile, safe="")
        for path in (f"/operations/{name}", f"/operations/{name}?after={name}"):
            assert (await console.client.get(f"/console{path}")).status_code in (303, 404), path
        for path in (f"/operations/booking/{name}/replay", f"/operations/{name}/dlt_1/replay"):
            assert (await console.post(path)).status_code in (404, 405), path
    assert (await console.client.get("/console/operations/web")).status_code == 404
    assert (await console.post("/operations/booking/dlt_1/replay")).status_code == 404
    forged = await console.client.get("/console/operations/booking", params={"after": "%00"})
    assert forged.headers["location"] == "/console/operations/booking"
