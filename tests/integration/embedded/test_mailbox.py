"""What is sent to the embedded SMTP server is kept, listed and shown, and can do no harm."""

import asyncio
import logging
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from turnus_runtime.embedded import EmbeddedStack
from turnus_runtime.embedded.mailbox import MailboxServer, MailboxStore
from turnus_runtime.embedded.mailbox_pages import mailbox_router
from turnus_runtime.embedded.ports import PortBook

ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def store(tmp_path: Path) -> MailboxStore:
    return MailboxStore(tmp_path / "mailbox")


@pytest.fixture
async def port(store: MailboxStore, tmp_path: Path) -> AsyncIterator[int]:
    """Port of an SMTP server that fills `store`."""
    server = MailboxServer(store)
    port = PortBook(tmp_path / "ports.json").take("mailbox")
    await server.start(port)
    yield port
    await server.stop()


def pages(store: MailboxStore) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(mailbox_router(store))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://turnus.test")


def mail(subject: str = "Ihr Termin am Dienstag – 10:00", to: str = "guest@example.org") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Praxis Müller <praxis@example.org>"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Tue, 03 Mar 2026 10:00:00 +0000"
    message["Message-ID"] = "<bk_1.r0@turnus.test>"
    message.set_content("Grüße & <b>bis bald</b>: http://turnus.test/b/bk_1?token=x&y=1.")
    message.add_alternative(
        "<html><head></head><body><p>Grüße</p><a href='http://turnus.test/b'>x</a></body></html>", "html"
    )
    message.add_attachment(ICS.encode(), maintype="text", subtype="calendar", filename="termin.ics")
    return message


async def send(port: int, message: EmailMessage | bytes, recipients: list[str] | None = None) -> None:
    def talk() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            if isinstance(message, bytes):
                client.sendmail("sender@example.org", recipients or ["guest@example.org"], message)
            else:
                client.send_message(message, to_addrs=recipients)

    await asyncio.to_thread(talk)


async def test_a_mail_that_was_sent_is_listed_with_its_recipients_subject_and_date(
    store: MailboxStore, port: int
) -> None:
    await send(port, mail(), ["guest@example.org", "hidden@example.org"])
    async with pages(store) as client:
        [listed] = (await client.get("/mailbox/messages.json")).json()
    assert listed["to"] == ["guest@example.org", "hidden@example.org"]
    assert listed["subject"] == "Ihr Termin am Dienstag – 10:00"
    assert listed["sender"] == "Praxis Müller <praxis@example.org>"
    assert listed["date"] == "Tue, 03 Mar 2026 10:00:00 +0000"
    assert listed["message_id"] == "<bk_1.r0@turnus.test>"


async def test_a_mail_is_shown_with_its_text_html_and_attachments(store: MailboxStore, port: int) -> None:
    await send(port, mail())
    async with pages(store) as client:
        [listed] = (await client.get("/mailbox/messages.json")).json()
        overview = await client.get("/mailbox")
        page = await client.get(f"/mailbox/{listed['id']}")
        html = await client.get(f"/mailbox/{listed['id']}/html")
        parts = (await client.get(f"/mailbox/{listed['id']}.json")).json()
        attachment = await client.get(parts["attachments"][0]["href"])
        source = await client.get(f"/mailbox/{listed['id']}.eml")
    assert f'href="/mailbox/{listed["id"]}"' in overview.text
    assert "Grüße &amp; &lt;b&gt;bis bald&lt;/b&gt;" in page.text
    assert 'href="http://turnus.test/b/bk_1?token=x&amp;y=1"' in page.text  # a link, without the full stop
    assert '<head><base target="_blank">' in html.text
    assert parts["text"].startswith("Grüße & <b>bis bald</b>")
    assert [(part["name"], part["content_type"]) for part in parts["attachments"]] == [("termin.ics", "text/calendar")]
    assert attachment.text.splitlines() == ICS.splitlines()
    assert attachment.headers["content-disposition"] == "attachment; filename*=UTF-8''termin.ics"
    assert b"Message-ID: <bk_1.r0@turnus.test>" in source.content


async def test_mails_survive_a_restart_of_the_whole_stack(tmp_path: Path) -> None:
    async with EmbeddedStack(tmp_path / "data") as stack:
        port = int(stack.endpoints.smtp_url.rpartition(":")[2])
        await send(port, mail("kept"))
    async with EmbeddedStack(tmp_path / "data") as stack:
        assert int(stack.endpoints.smtp_url.rpartition(":")[2]) == port
        await send(port, mail("new"))
        assert [kept.subject for kept in stack.endpoints.mailbox.list()] == ["new", "kept"]


async def test_the_oldest_mails_go_when_the_mailbox_is_full(tmp_path: Path) -> None:
    store = MailboxStore(tmp_path, keep=3)
    ids = [store.add("a@example.org", ["b@example.org"], f"Subject: {number}\r\n\r\n".encode()) for number in range(5)]
    assert [kept.subject for kept in store.list()] == ["4", "3", "2"]
    assert sorted(path.stem for path in tmp_path.iterdir()) == ids[2:]
    assert store.raw(ids[0]) is None

    small = MailboxStore(tmp_path, keep_bytes=2_000)
    small.add("a@example.org", ["b@example.org"], b"Subject: big\r\n\r\n" + b"x" * 1_900)
    assert [kept.subject for kept in small.list()] == ["big"]


async def test_the_list_can_be_narrowed_to_a_recipient_and_paged(tmp_path: Path) -> None:
    store = MailboxStore(tmp_path)
    for number in range(150):
        store.add("a@example.org", [f"{number % 2}@example.org"], f"Subject: {number}\r\n\r\n".encode())
    async with pages(store) as client:
        to_one = (await client.get("/mailbox/messages.json", params={"to": "1@EXAMPLE.org", "limit": 2})).json()
        first = await client.get("/mailbox")
        last_shown = store.list(limit=100)[-1].id
        second = await client.get("/mailbox", params={"before": last_shown})
    assert [listed["subject"] for listed in to_one] == ["149", "147"]
    assert f"before={last_shown}" in first.text
    assert first.text.count("<time") == 100
    assert second.text.count("<time") == 50


HOSTILE = b"""\
From: "<script>alert(1)</script>" <x@example.org>\r
To: guest@example.org\r
Subject: </title><script>alert(2)</script>\r
Message-ID: "><img src=x onerror=alert(3)>\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
<script>alert(4)</script> https://x.example/"onmouseover="alert(5) javascript:alert(6)\r
--b\r
Content-Type: text/html\r
\r
<script>alert(7)</script><form action=/api><base href=//evil.example>\r
--b\r
Content-Type: text/html; name="../../<b>x\r
Content-Disposition: attachment; filename*=utf-8''%3Cb%3E%22%0d%0aSet-Cookie%3A%20a=b\r
\r
<script>alert(8)</script>\r
--b--\r
"""


async def test_a_hostile_mail_is_escaped_on_the_page_and_its_html_is_sandboxed(store: MailboxStore, port: int) -> None:
    await send(port, HOSTILE)
    [kept] = store.list()
    async with pages(store) as client:
        overview = await client.get("/mailbox")
        page = await client.get(f"/mailbox/{kept.id}")
        html = await client.get(f"/mailbox/{kept.id}/html")
        attachment = await client.get(f"/mailbox/{kept.id}/attachments/1")
    for shown in (overview, page):
        assert "<script" not in shown.text
        assert "<img" not in shown.text
        assert 'onmouseover="' not in shown.text
        assert 'href="javascript:' not in shown.text
        policy = shown.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; frame-src 'self'")
        assert "script-src" not in policy
    assert '" sandbox="allow-popups allow-popups-to-escape-sandbox">' in page.text
    directives = [directive.strip() for directive in html.headers["content-security-policy"].split(";")]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in directives  # no scripts, no forms, no origin
    assert {"default-src 'none'", "form-action 'none'", "base-uri 'none'"} <= set(directives)
    assert attachment.headers["content-disposition"].startswith("attachment;")
    assert attachment.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in attachment.headers
    assert "sandbox" in attachment.headers["content-security-policy"]


BROKEN = [
    b"",
    b"\r\n\r\n",
    b"no headers at all",
    b"Subject: \xff\xfe raw bytes\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xff\xfe\r\n",
    b"Subject: =?utf-8?b?!!!?= =?nonsense?q?x?=\r\nContent-Type: text/plain; charset=no-such\r\n\r\nx\r\n",
    b"Subject: x\r\nContent-Type: multipart/mixed\r\n\r\nwithout boundary\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: \xc3\xbc/<x>\r\n\r\ny\r\n--b--\r\n",
    b"Subject: x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%\r\n",
    b"Delivered-To: forged@example.org\r\nSubject: x\r\n\r\nx\r\n",
    b"Subject: x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ny\r\n",
]


@pytest.mark.parametrize("content", BROKEN)
async def test_a_broken_mail_is_kept_and_can_be_listed_and_opened(
    content: bytes, store: MailboxStore, port: int
) -> None:
    await send(port, content)
    [kept] = store.list()
    assert kept.to == ("guest@example.org",)
    async with pages(store) as client:
        for path in ("/mailbox", "/mailbox/messages.json", f"/mailbox/{kept.id}", f"/mailbox/{kept.id}.json"):
            assert (await client.get(path)).status_code == 200, path
        parts = (await client.get(f"/mailbox/{kept.id}.json")).json()
        for attachment in parts["attachments"]:
            assert (await client.get(attachment["href"])).status_code == 200


async def test_unknown_mails_and_paths_outside_the_mailbox_are_not_found(store: MailboxStore, tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_text("x")
    async with pages(store) as client:
        for path in ("nobody", "nobody.eml", "nobody.json", "nobody/html", "nobody/attachments/1", "..%2Fsecret.eml"):
            assert (await client.get(f"/mailbox/{path}")).status_code == 404, path


async def test_a_mail_above_the_size_limit_is_refused(store: MailboxStore, port: int) -> None:
    with pytest.raises(smtplib.SMTPException) as refusal:
        await send(port, b"Subject: big\r\n\r\n" + b"x" * 11 * 1024 * 1024)
    assert "552" in str(refusal.value)
    assert store.list() == []


async def test_a_disk_that_refuses_is_a_temporary_error(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    folder.write_text("a file where the folder should be")
    server = MailboxServer(MailboxStore(folder))
    port = PortBook(tmp_path / "ports.json").take("mailbox")
    await server.start(port)
    try:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            await send(port, mail())
        assert refusal.value.smtp_code == 451
    finally:
        await server.stop()


async def test_no_log_line_holds_an_address(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await send(port, mail())
    assert "example.org" not in caplog.text
