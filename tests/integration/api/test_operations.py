"""What owners and admins see of how the services are, and of their own workspace's messages that were given up."""

import asyncio
import json

import pytest

from services.booking.domain import directory
from tests.integration.api.conftest import SERVICES, Api, Office, office
from tests.integration.api.letters import buried, poisoned, waiting, workspace_of
from tests.support.system import eventually
from turnus_contracts import MemberChanged
from turnus_runtime.consume import dead_letter_topic
from turnus_runtime.dead_letters import REPLAYED, dead_letters, replay
from turnus_runtime.ids import RandomIds
from turnus_runtime.letterbox import FiledLetter
from turnus_runtime.operations import reader_of
from turnus_runtime.ports import Message

pytestmark = pytest.mark.asyncio(loop_scope="session")


def grace(workspace_id: str) -> MemberChanged:
    return MemberChanged(
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


async def forgotten_member(api: Api, at: Office) -> MemberChanged:
    """A member of whom booking did not hear: it gave the message up."""
    told = grace(await workspace_of(api, at))
    await buried(api, "booking", "MemberChanged", told.member_id, told.model_dump_json().encode())
    return told


async def times_said(api: Api, told: MemberChanged) -> int:
    reader = reader_of(api.system.process.settings)
    return sum(message.key == told.member_id for message in await reader.all_of(["MemberChanged"]))


@pytest.mark.parametrize("service", SERVICES)
async def test_every_service_tells_how_it_is(api: Api, service: str) -> None:
    here = await office(api, "how")
    told = await api.call("GET", f"/operations/{service}", None, here.staff)
    assert (told["service"], told["ready"]) == (service, True)
    assert told["version"] != "0"
    assert told["owed"].keys() == {"count", "oldest_seconds", "under_way", "retried"}

    async def all_done() -> bool:
        now = await api.call("GET", f"/operations/{service}", None, here.staff)
        return now["owed"]["count"] == 0 and now["lag"] == {"messages": 0, "topics": []}

    await eventually(all_done)


async def test_a_message_that_is_given_up_is_shown_to_its_own_workspace_only(api: Api) -> None:
    here, other = await office(api, "mine"), await office(api, "other")
    key = await poisoned(api, here)
    for service in SERVICES:
        (letter,) = await waiting(api, here, service)
        assert (letter["topic"], letter["key"], letter["error"]) == ("CredentialRevoked", key, "ValidationError")
        assert set(letter["unreadable"]) == {"version", "status", "member_id"}
        assert not letter["empty"]
        assert not letter["replayed"]
        assert await waiting(api, other, service) == []
        path = f"/operations/{service}/dead-letters/{letter['id']}/replay"
        foreign = await api.send("POST", path, None, other.staff)
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
        assert len(await waiting(api, here, service)) == 1
        assert (await api.call("GET", f"/operations/{service}", None, other.staff))["dead_letters"] >= 1


async def test_nothing_of_what_a_message_said_is_shown(api: Api) -> None:
    here = await office(api, "quiet")
    told = grace(await workspace_of(api, here))
    value = told.model_dump_json().encode()
    await buried(api, "booking", "MemberChanged", told.member_id, value, error_detail="Grace Hopper is not here")
    answers = [await api.send("GET", "/operations/booking/dead-letters", None, here.staff)]
    letter = answers[0].json()["items"][0]
    replayed = f"/operations/booking/dead-letters/{letter['id']}/replay"
    answers.append(await api.send("POST", replayed, None, here.staff))
    for answer in answers:
        assert "Grace" not in answer.text
        assert "grace@example.org" not in answer.text
    kept = await api.system.process.hosts["booking"].records.get(FiledLetter, letter["id"])
    assert kept is not None
    assert "Grace" not in kept.model_dump_json()


async def test_a_message_is_handled_again_once_however_often_that_is_asked_and_the_audit_log_says_by_whom(
    api: Api,
) -> None:
    here = await office(api, "again")
    told = await forgotten_member(api, here)
    (letter,) = await waiting(api, here, "booking")
    path = f"/operations/booking/dead-letters/{letter['id']}/replay"
    asked = [await api.send("POST", path, None, here.staff)]
    asked += await asyncio.gather(*(api.send("POST", path, None, here.staff) for _ in range(4)))
    assert [(one.status_code, one.json()) for one in asked] == [(200, {**letter, "replayed": True})] * 5
    assert await times_said(api, told) == 1
    assert await waiting(api, here, "booking") == []

    async def learned() -> bool:
        known = await api.system.process.hosts["booking"].records.get(directory.Member, told.member_id)
        return known is not None and known.workspace_id == told.workspace_id

    await eventually(learned)
    actor = (await api.call("GET", "/sessions/current", None, here.staff))["member_id"]

    async def audited() -> bool:
        query = {"thing_id": letter["id"]}
        found = (await api.send("GET", "/audit-log", None, here.staff, params=query)).json()["items"]
        return [(one["action"], one["thing"], one["actor_id"]) for one in found] == [("replayed", "dead_letter", actor)]

    await eventually(audited)


async def test_many_who_ask_at_once_have_a_message_said_once(api: Api) -> None:
    here = await office(api, "race")
    told = await forgotten_member(api, here)
    (letter,) = await waiting(api, here, "booking")
    path = f"/operations/booking/dead-letters/{letter['id']}/replay"
    asked = await asyncio.gather(*(api.send("POST", path, None, here.staff) for _ in range(8)))
    assert {one.status_code for one in asked} == {200}
    assert await times_said(api, told) == 1


async def test_what_fails_again_is_a_letter_of_its_own(api: Api) -> None:
    here = await office(api, "anew")
    key = await poisoned(api, here)
    (first,) = await waiting(api, here, "notify")
    await api.call("POST", f"/operations/notify/dead-letters/{first['id']}/replay", None, here.staff)

    async def came_back() -> bool:
        found = await waiting(api, here, "notify")
        return len(found) == 1 and found[0]["id"] != first["id"] and found[0]["key"] == key

    await eventually(came_back)


async def test_what_the_operator_replays_is_not_shown_any_more(api: Api) -> None:
    here = await office(api, "operator")
    told = await forgotten_member(api, here)
    (letter,) = await waiting(api, here, "booking")
    process = api.system.process
    known = await dead_letters(reader_of(process.settings), [process.hosts["booking"].service])
    await replay(process.broker, [one for one in known if one.key == told.member_id])
    assert await waiting(api, here, "booking") == []
    again = await api.call("POST", f"/operations/booking/dead-letters/{letter['id']}/replay", None, here.staff)
    assert again["replayed"]
    assert await times_said(api, told) == 1


async def test_a_message_without_its_content_cannot_be_replayed(api: Api) -> None:
    here = await office(api, "empty")
    workspace = await workspace_of(api, here)
    told = json.dumps({"workspace_id": workspace, "guest": {"email": "ada@example.org"}}).encode()
    key = RandomIds().fresh("cal")
    await api.system.process.broker.publish([Message("GuestDetailsGiven", key, told, {"ce_id": key})])

    async def there() -> bool:
        return bool(await waiting(api, here, "notify"))

    await eventually(there)
    (letter,) = await waiting(api, here, "notify")
    assert letter["empty"]
    path = f"/operations/notify/dead-letters/{letter['id']}/replay"
    refused = await api.send("POST", path, None, here.staff)
    assert (refused.status_code, refused.json()["code"]) == (409, "dead_letter_empty")
    assert "ada@example.org" not in refused.text


async def test_a_message_that_names_no_workspace_is_counted_and_shown_to_nobody(api: Api) -> None:
    here = await office(api, "nobody")
    before = await _counted(api, here)
    for value in (b"{", b"null", b"[" * 10_000, b'{"workspace_id": "x|y"}', b'{"workspace_id": 7}', b"\xff\xfe"):
        await buried(api, "assignment", "CalendarPublished", "\N{ZERO WIDTH SPACE}<b>", value)

    async def counted() -> bool:
        return await _counted(api, here) == before + 6

    await eventually(counted)
    assert await waiting(api, here, "assignment") == []


async def _counted(api: Api, at: Office) -> int:
    return int((await api.call("GET", "/operations/assignment", None, at.staff))["dead_letters"])


async def test_letters_are_listed_the_newest_first_page_by_page(api: Api) -> None:
    here, other = await office(api, "pages"), await office(api, "between")
    mine, theirs = await workspace_of(api, here), await workspace_of(api, other)
    for number in range(30):
        for workspace in (mine, theirs):
            told = json.dumps({"workspace_id": workspace}).encode()
            await buried(api, "availability", "CalendarPublished", f"cal_{workspace}_{number}", told)
    found: list[str] = []
    after: str | None = None
    while True:
        query = {"limit": "7", **({"after": after} if after else {})}
        path = "/operations/availability/dead-letters"
        page = (await api.send("GET", path, None, here.staff, params=query)).json()
        found += [one["key"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert found == [f"cal_{mine}_{number}" for number in reversed(range(30))]


@pytest.mark.parametrize("scopes", [[], ["operations:manage"], ["operations:view"]])
async def test_who_lacks_the_permission_is_refused(api: Api, scopes: list[str]) -> None:
    here = await office(api, "scopes")
    await forgotten_member(api, here)
    (letter,) = await waiting(api, here, "booking")
    made = await here.made("/api-keys", {"name": "key", "scopes": ["bookings:view", *scopes]})
    key = {"Authorization": f"Bearer {made['key']}"}
    for path in ("/operations/booking", "/operations/booking/dead-letters"):
        seen = await api.send("GET", path, None, key)
        assert seen.status_code == (200 if "operations:view" in scopes else 403), path
    replayed = await api.send("POST", f"/operations/booking/dead-letters/{letter['id']}/replay", None, key)
    assert replayed.status_code == (200 if "operations:manage" in scopes else 403)


async def test_a_letter_that_is_none_or_of_another_service_is_not_found(api: Api) -> None:
    here = await office(api, "none")
    await poisoned(api, here)
    (letter,) = await waiting(api, here, "booking")
    for name in ("dlt_1", letter["id"][:-1], "booking:0:0", "%00", "x" * 5_000):
        answer = await api.send("POST", f"/operations/booking/dead-letters/{name}/replay", None, here.staff)
        assert answer.status_code == 404, name
    elsewhere = await api.send("POST", f"/operations/accounts/dead-letters/{letter['id']}/replay", None, here.staff)
    assert elsewhere.status_code == 404
    assert (await api.send("GET", "/operations/nothing", None, here.staff)).status_code == 404
    assert (await api.send("GET", "/operations", None, here.staff)).status_code == 404


async def test_a_note_of_a_letter_that_nobody_knows_stops_nothing(api: Api) -> None:
    here = await office(api, "notes")
    topic = dead_letter_topic("booking")
    notes = [Message(topic, "k", b"{}", {REPLAYED: name}) for name in ("booking:0:999999", "x", "booking:0:²", "")]
    await api.system.process.broker.publish(notes)
    await forgotten_member(api, here)
    assert len(await waiting(api, here, "booking")) == 1
