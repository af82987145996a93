"""Templates over HTTP: what staff choose is what real mails say, and nothing else can be put into a mail by them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.notify.conftest import Notify, Staff, details, known, soon, staff_of, until
from tests.unit.notify.given import confirmed, moved
from turnus_contracts import ChangeRecorded, Guest, MemberChanged
from turnus_runtime.http import Counted

BOOKED = ("0.booked.guest", "0.booked.host")
KEY = "booked.guest.de"
OWN = {"subject": "Willkommen, {{guest_name}}", "body": "Schön, {{guest_name}}!\r\n\r\n{{appointment}}\r\n\r\nBis dann"}


@pytest.fixture
async def staff(notify: Notify) -> AsyncIterator[Staff]:
    """Staff of a process that only answers."""
    async with staff_of(await notify.make()) as client:
        yield client


@pytest.fixture
async def working(notify: Notify) -> AsyncIterator[Staff]:
    """Staff of a process that sends mails, too."""
    async with staff_of(await notify.new_host()) as client:
        yield client


async def test_every_template_is_listed_with_its_words_and_variables(staff: Staff) -> None:
    items = (await staff.send("GET", "/templates")).json()["items"]
    assert len(items) == 32
    assert {(one["customised"], one["version"]) for one in items} == {(False, 0)}
    by_key = {one["key"]: one for one in items}
    booked = by_key[KEY]
    assert booked["subject"] == "Gebucht: {{calendar_name}}, {{when}}"
    assert booked["body"].startswith("Hallo {{receiver_name}},\n\n# Dein Termin")
    names = [one["name"] for one in booked["variables"]]
    assert {"guest_name", "when", "appointment"} < set(names)
    assert all(one["explanation"]["de"] and one["explanation"]["en"] for one in booked["variables"])
    assert "reason" in [one["name"] for one in by_key["cancelled.host.en"]["variables"]]
    assert (await staff.send("GET", f"/templates/{KEY}")).json() == booked
    english = (await staff.send("GET", "/templates", language="en")).json()["items"]
    assert {one["language"] for one in english} == {"en"}
    assert len(english) == 16


async def test_the_list_has_pages_of_any_size(staff: Staff) -> None:
    for limit in (1, 7, 31, 32, 33):
        found: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = (await staff.send("GET", "/templates", limit=limit, **after)).json()
            found += [one["key"] for one in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert len(found) == len(set(found)) == 32
    assert (await staff.send("GET", "/templates", after="eA")).status_code == 422


async def test_what_staff_write_is_what_the_next_mails_say_in_every_process(notify: Notify, working: Staff) -> None:
    written = await working.send("PUT", f"/templates/{KEY}", OWN)
    assert (written.status_code, written.json()["customised"], written.headers["etag"]) == (200, True, '"1"')
    assert written.json()["body"] == OWN["body"].replace("\r\n", "\n")
    other = await notify.new_host()  # has read nothing before
    await notify.publish(*known(), details(), confirmed(**soon(other)))
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    (mail,) = [one for one in notify.inbox.mails if "ada@" in str(one["To"])]
    assert str(mail["Subject"]) == "Willkommen, Ada"
    text, html, invitation = [str(part.get_content()) for part in mail.walk() if not part.is_multipart()]
    text = text.replace("\r\n", "\n")
    assert text.startswith("Schön, Ada!\n\nTermin:")
    assert "Bis dann" in text
    assert "https://turnus.example/b/bkt_token" in text
    assert "Schön, Ada!" in html
    assert "METHOD:REQUEST" in invitation
    assert notify.inbox.subjects("grace@")[0].startswith("New appointment")
    reset = await working.send("DELETE", f"/templates/{KEY}", headers={"If-Match": '"1"'})
    assert (reset.json()["customised"], reset.json()["version"]) == (False, 2)
    english = await working.send("PUT", "/templates/moved.guest.de", OWN)
    assert english.status_code == 200
    await notify.publish(moved(4, 1, **soon(other, days=4)))
    await until(lambda: notify.settled("1.moved.guest"), "the move is told")
    assert notify.inbox.subjects("ada@")[-1] == "Willkommen, Ada"


async def test_a_hostile_name_is_a_piece_of_one_line_of_the_mail(notify: Notify, working: Staff) -> None:
    host = notify.hosts[-1]
    body = "{{guest_name}}\n\n{{appointment}}"
    assert (
        await working.send("PUT", "/templates/booked.host.en", {"subject": "{{guest_name}}", "body": body})
    ).is_success
    name = "Ada\r\nBcc: x@example.org\r\n\r\n<img src=x onerror=alert(1)>{{when}}\u202e"
    await notify.publish(*known(), details(guest=Guest(name=name, email="ada@example.org")), confirmed(**soon(host)))
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    (mail,) = [one for one in notify.inbox.mails if "grace@" in str(one["To"])]
    assert mail["Bcc"] is None
    assert str(mail["Subject"]).startswith("Ada Bcc: x@example.org <img")
    assert "{{when}}" in str(mail["Subject"])
    _, html, _ = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    assert "<img" not in html
    assert "&lt;img src=x" in html


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"subject": "{{nobody}}", "body": "x"}, "subject", "nobody"),
    ({"subject": "x", "body": "{{guest_name}} {{nobody}} {{zip}}"}, "body", "nobody, zip"),
    ({"subject": "x", "body": "{{guest.name}}"}, "body", "no variable"),
    ({"subject": "x", "body": "{{appointment}} x"}, "body", "alone on its line"),
    ({"subject": "a\r\nBcc: x@example.org", "body": "x"}, "subject", "control"),
    ({"subject": "a\nb", "body": "x"}, "subject", "control"),
    ({"subject": "a\u2028b", "body": "x"}, "subject", "control"),
    ({"subject": "x", "body": "a\0b"}, "body", "NUL"),
    ({"subject": "a\0b", "body": "x"}, "subject", "NUL"),
    ({"subject": "x", "body": "\u202egnp.exe"}, "body", "control"),
    ({"subject": "", "body": "x"}, "subject", ""),
    ({"subject": "x", "body": " \n "}, "body", ""),
    ({"subject": "x" * 201, "body": "x"}, "subject", ""),
    ({"subject": "x", "body": "x" * 10_001}, "body", ""),
    ({"subject": "x", "body": "{{when}}" * 101}, "body", "100"),
    ({"subject": 1, "body": "x"}, "subject", ""),
    ({"subject": "x", "body": "x", "html": "<b>"}, "html", ""),
]


async def test_what_no_mail_can_say_is_refused_by_the_field(staff: Staff) -> None:
    for body, field, words in WRONG:
        for method, path in (("PUT", ""), ("POST", "/preview"), ("POST", "/test")):
            answer = await staff.send(method, f"/templates/{KEY}{path}", body)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
            (error, *_) = answer.json()["errors"]
            assert error["field"] == field
            assert words in error["message"]
            if "unknown" in error["message"]:
                assert "guest_name" in error["message"], "the known ones are listed"
    assert (await staff.send("GET", f"/templates/{KEY}")).json()["version"] == 0


async def test_the_longest_text_and_text_from_right_to_left_go_out_whole(notify: Notify, working: Staff) -> None:
    host = notify.hosts[-1]
    long = ("שלום עולם " * 1000)[:9_999] + "א"
    subject = "תור: {{guest_name}} \U0001f389"
    assert (await working.send("PUT", f"/templates/{KEY}", {"subject": subject, "body": long})).status_code == 200
    await notify.publish(*known(), details(), confirmed(**soon(host)))
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    (mail,) = [one for one in notify.inbox.mails if "ada@" in str(one["To"])]
    assert str(mail["Subject"]) == "תור: Ada \U0001f389"
    text, *_ = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    assert long.strip() in text


async def test_a_stale_version_is_412_and_nothing_is_lost(staff: Staff) -> None:
    assert (await staff.send("PUT", f"/templates/{KEY}", OWN, headers={"If-Match": '"0"'})).status_code == 200
    for method, body in (("PUT", {**OWN, "subject": "Other"}), ("DELETE", None)):
        answer = await staff.send(method, f"/templates/{KEY}", body, headers={"If-Match": '"0"'})
        assert (answer.status_code, answer.json()["code"], answer.headers["etag"]) == (412, "version_stale", '"1"')
    assert (await staff.send("GET", f"/templates/{KEY}")).json()["subject"] == OWN["subject"]


async def test_a_preview_shows_the_mail_and_changes_nothing(notify: Notify, staff: Staff) -> None:
    saved = (await staff.send("POST", f"/templates/{KEY}/preview")).json()
    assert saved["subject"].startswith("Gebucht: Erstgespräch, ")
    tried = (await staff.send("POST", f"/templates/{KEY}/preview", {"subject": "Neu: {{guest_name}}"})).json()
    assert tried["subject"] == "Neu: Ada Beispiel"
    assert tried["text"] == saved["text"]
    both = (await staff.send("POST", f"/templates/{KEY}/preview", OWN)).json()
    assert "Schön, Ada Beispiel!" in both["text"]
    assert "Lindenstraße 7" in both["html"]
    assert (await staff.send("GET", f"/templates/{KEY}")).json()["customised"] is False
    assert notify.inbox.mails == []


async def test_a_test_goes_to_the_asking_member_and_its_fate_can_be_read(notify: Notify, working: Staff) -> None:
    await notify.publish(*known())
    answer = await working.send("POST", f"/templates/{KEY}/test", {"subject": "Neu"}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["event"], told["receiver"], told["member_id"], told["booking_id"]) == ("test", "member", "mem_a", None)
    assert answer.headers["location"] == f"/api/v1/notifications/{told['id']}"

    async def sent() -> Any:
        found = (await working.get(f"/{told['id']}")).json()
        return found if found["status"] == "sent" else None

    found = await until(sent, "the test is sent")
    assert [one["outcome"] for one in found["attempts"]] == ["sent"]
    (mail,) = notify.inbox.mails
    assert (str(mail["To"]), str(mail["Subject"])) == ("Grace <grace@example.com>", "Neu")
    assert "text/calendar" not in [part.get_content_type() for part in mail.walk()]
    texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    assert [text for text in texts if "findest du im Anhang" in text] == []
    again = await working.send("POST", f"/templates/{KEY}/test", {"subject": "Neu"}, headers={"Idempotency-Key": "k"})
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (told["id"], "true")
    other = await working.send("POST", f"/templates/{KEY}/test", {"subject": "Alt"}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await working.get(f"/{told['id']}", workspace="ws_2")).status_code == 404
    assert (await working.get()).json()["items"] == []


async def test_a_test_for_a_member_of_whom_nothing_was_heard_is_refused_for_now(staff: Staff) -> None:
    answer = await staff.send("POST", f"/templates/{KEY}/test", headers={"Prefer": "wait=0"}, member="mem_new")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_test_that_the_server_refuses_says_so(notify: Notify, working: Staff) -> None:
    notify.inbox.replies = ["550 5.1.1 no such user"]
    await notify.publish(*known())
    told = (await working.send("POST", f"/templates/{KEY}/test")).json()

    async def settled() -> Any:
        found = (await working.get(f"/{told['id']}")).json()
        return found if found["settled_at"] else None

    found = await until(settled, "it is settled")
    assert (found["status"], found["reason"], found["attempts"][0]["code"]) == ("failed", "refused", 550)


async def test_tests_are_limited_by_member(notify: Notify) -> None:
    class Strict:
        """Allows what the limit says, by group and key."""

        def __init__(self) -> None:
            self.hits: dict[tuple[str, str], int] = {}

        async def hit(self, name: str, key: str, limit: int, per_seconds: int) -> Counted:
            self.hits[name, key] = self.hits.get((name, key), 0) + 1
            left = limit - self.hits[name, key]
            return Counted(left >= 0, max(left, 0), per_seconds)

    host = await notify.new_host()
    bob = MemberChanged(
        workspace_id="ws_1", member_id="mem_bob", version=1, status="active", name="Bob", email="bob@example.com",
        tz="UTC", locale="de", role="member",
    )  # fmt: skip
    await notify.publish(*known(), bob)
    async with staff_of(host, Strict()) as staff:
        answers = [(await staff.send("POST", f"/templates/{KEY}/test")).status_code for _ in range(6)]
        assert answers == [202] * 5 + [429]
        assert (await staff.send("POST", f"/templates/{KEY}/test", member="mem_bob")).status_code == 202
        assert (await staff.send("POST", f"/templates/{KEY}/preview")).status_code == 200


@pytest.mark.parametrize(
    ("method", "body", "more"),
    [("GET", None, ""), ("PUT", OWN, ""), ("DELETE", None, ""), ("POST", None, "/preview"), ("POST", None, "/test")],
)
async def test_a_template_that_there_is_not_is_404(staff: Staff, method: str, body: Any, more: str) -> None:
    for path in ("booked.guest.fr", "booked.guest", "withdrawn.guest.de", "x", "ws_2|booked.guest.de"):
        answer = await staff.send(method, f"/templates/{path}{more}", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_another_workspace_has_its_own_words(staff: Staff) -> None:
    await staff.send("PUT", f"/templates/{KEY}", OWN)
    for path in ("", f"/{KEY}"):
        seen = await staff.send("GET", f"/templates{path}", workspace="ws_2")
        assert seen.status_code == 200
        assert "Willkommen" not in seen.text
    shown = await staff.send("POST", f"/templates/{KEY}/preview", workspace="ws_2")
    assert "Willkommen" not in shown.text


async def test_who_may_look_may_not_write(staff: Staff) -> None:
    look = ("calendars:view", "bookings:view", "team:view")
    assert (await staff.send("GET", "/templates", scopes=look)).status_code == 200
    for method, path, body in (
        ("PUT", f"/templates/{KEY}", OWN),
        ("DELETE", f"/templates/{KEY}", None),
        ("POST", f"/templates/{KEY}/preview", None),
        ("POST", f"/templates/{KEY}/test", None),
        ("PUT", "/notifications/settings", {"guest_reminder_minutes": [], "host_reminder_minutes": []}),
        ("DELETE", "/notifications/settings", None),
    ):
        assert (await staff.send(method, path, body, scopes=look)).status_code == 403
    assert (await staff.send("GET", "/templates", scopes=("bookings:view",))).status_code == 403


async def test_changes_are_told_to_the_audit_log_with_who_made_them(notify: Notify, working: Staff) -> None:
    await working.send("PUT", f"/templates/{KEY}", OWN)
    await working.send("PUT", f"/templates/{KEY}", OWN)
    await working.send("DELETE", f"/templates/{KEY}")
    await working.send(
        "PUT", "/notifications/settings", {"guest_reminder_minutes": [60], "host_reminder_minutes": []}, member="mem_b"
    )

    async def said() -> Any:
        found = notify.said(ChangeRecorded)
        return found if len(found) == 3 else None

    found = await until(said, "all three changes are said")
    told = {(one.service, one.actor_id, one.action, one.thing, one.thing_id, one.fields) for one in found}
    assert told == {
        ("notify", "mem_a", "changed", "template", KEY, ("subject", "body")),
        ("notify", "mem_a", "reset", "template", KEY, ()),
        (
            *("notify", "mem_b", "changed", "notification_settings", "ws_1"),
            ("guest_reminder_minutes", "host_reminder_minutes"),
        ),
    }


async def test_nothing_personal_is_in_what_staff_wrote(notify: Notify, working: Staff) -> None:
    """Trials hold words and a member's id only."""
    await notify.publish(*known())
    told = (await working.send("POST", f"/templates/{KEY}/test")).json()
    stored = await working.host.ports.store.get("trials", told["id"])
    assert stored is not None
    assert "grace" not in repr(stored).lower()
