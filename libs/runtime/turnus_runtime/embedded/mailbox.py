"""The mailbox: what an embedded Turnus sends is kept on disk instead of leaving the machine."""

import email
import email.policy
import logging
import os
import re
import secrets
import threading
import time
import weakref
from asyncio import AbstractServer, WriteTransport, get_running_loop, to_thread
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart
from email.parser import BytesHeaderParser
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_MAIL_BYTES = 10 * 1024 * 1024
_FILE = re.compile(r"(\d{16}-[0-9a-f]{8})\.eml")


@dataclass(frozen=True)
class Mail:
    """What a list shows of a mail. All texts are decoded, and as untrusted as the mail."""

    id: str
    """Sorts by arrival."""
    received_at: datetime
    sender: str
    to: tuple[str, ...]
    """The envelope's recipients, addresses only: who really gets it."""
    subject: str
    date: str
    """The ``Date`` header as it stands: the sender's clock."""
    message_id: str
    size: int
    """Bytes."""


@dataclass(frozen=True)
class Attachment:
    """A part that is neither the text nor the HTML of its mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class OpenedMail:
    """A mail's parts; `text` and `html` are None where it has none."""

    mail: Mail
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]


class MailboxStore:
    """Mails as files in `folder`, oldest deleted above `keep` mails or `keep_bytes` in all.

    A mail is on disk (synced) when `add` returns. Methods block on the disk and may be called from any thread.
    """

    def __init__(self, folder: Path, *, keep: int = 2_000, keep_bytes: int = 256 * 1024 * 1024) -> None:
        self._folder = folder
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._guard = threading.Lock()
        self._known: dict[str, Mail] | None = None  # oldest first; read from the files at first use

    def add(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Keep a mail as delivered (``Delivered-To`` and ``Return-Path`` on top); returns its id."""
        envelope = [*(f"Delivered-To: {recipient}" for recipient in recipients), f"Return-Path: <{sender}>"]
        delivered = "".join(f"{line}\r\n" for line in envelope).encode(errors="surrogateescape") + content
        with self._guard:
            known = self._loaded()
            last = int(next(reversed(known)).partition("-")[0]) if known else 0
            mail_id = f"{max(last + 1, time.time_ns() // 1000):016d}-{secrets.token_hex(4)}"
            self._write(mail_id, delivered)
            known[mail_id] = _summary(mail_id, delivered)
            self._drop_oldest(known)
        return mail_id

    def list(self, *, to: str | None = None, before: str | None = None, limit: int = 100) -> list[Mail]:
        """At most `limit` mails, newest first; only those to the address `to`, or older than the mail `before`."""
        with self._guard:
            mails = reversed(self._loaded().values())
            found = (
                mail
                for mail in mails
                if (before is None or mail.id < before) and (to is None or to.lower() in map(str.lower, mail.to))
            )
            return [mail for mail, _ in zip(found, range(limit), strict=False)]

    def raw(self, mail_id: str) -> bytes | None:
        """The mail as delivered; None if it is unknown (or was dropped by now)."""
        with self._guard:
            return self._path(mail_id).read_bytes() if mail_id in self._loaded() else None

    def open(self, mail_id: str) -> OpenedMail | None:
        """The mail in its parts; None if it is unknown."""
        content = self.raw(mail_id)
        return None if content is None else _opened(_summary(mail_id, content), content)

    def _loaded(self) -> dict[str, Mail]:
        if self._known is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            ids = sorted(match[1] for path in self._folder.iterdir() if (match := _FILE.fullmatch(path.name)))
            self._known = {mail_id: _summary(mail_id, self._path(mail_id).read_bytes()) for mail_id in ids}
            for torn in self._folder.glob("*.new"):
                torn.unlink()
        return self._known

    def _write(self, mail_id: str, content: bytes) -> None:
        path = self._path(mail_id)
        written = path.with_suffix(".new")
        with written.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)

    def _drop_oldest(self, known: dict[str, Mail]) -> None:
        size = sum(mail.size for mail in known.values())
        while len(known) > 1 and (len(known) > self._keep or size > self._keep_bytes):
            oldest = next(iter(known))
            size -= known.pop(oldest).size
            self._path(oldest).unlink(missing_ok=True)

    def _path(self, mail_id: str) -> Path:
        return self._folder / f"{mail_id}.eml"


class MailboxServer:
    """An SMTP server on 127.0.0.1 that puts what it accepts into a `MailboxStore`.

    It answers 250 only when the mail is on disk, and 451 (try again) while the disk refuses.
    """

    def __init__(self, store: MailboxStore) -> None:
        self._store = store
        self._server: AbstractServer | None = None
        self._sessions: weakref.WeakSet[SMTP] = weakref.WeakSet()
        # It would log every address at INFO.
        logging.getLogger("mail.log").setLevel(logging.ERROR)

    async def start(self, port: int) -> None:
        """Listen; raises OSError if the port is taken."""
        self._server = await get_running_loop().create_server(self._session, "127.0.0.1", port)

    async def stop(self) -> None:
        """Stop listening and drop open connections; a mail not yet answered will be sent again."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self._sessions):
            if isinstance(session.transport, WriteTransport):
                session.transport.abort()
        await self._server.wait_closed()
        self._server = None

    def _session(self) -> SMTP:
        session = SMTP(
            self,
            data_size_limit=MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
            hostname="localhost",  # else it asks the name service
            ident="Turnus mailbox",
            loop=get_running_loop(),
        )
        self._sessions.add(session)
        return session

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (its name)
        """Called by the SMTP server with a complete mail; returns the reply."""
        content = envelope.original_content or b""
        try:
            mail_id = await to_thread(self._store.add, envelope.mail_from or "", list(envelope.rcpt_tos), content)
        except OSError:
            return "451 4.3.0 The mailbox cannot be written now, try again"
        return f"250 2.0.0 Kept as {mail_id}"


def _summary(mail_id: str, content: bytes) -> Mail:
    headers = BytesHeaderParser(policy=email.policy.compat32).parsebytes(content)
    return Mail(
        id=mail_id,
        received_at=datetime.fromtimestamp(int(mail_id.partition("-")[0]) / 1e6, UTC),
        sender=_decoded(headers["From"]),
        to=_recipients(content),
        subject=_decoded(headers["Subject"]),
        date=_decoded(headers["Date"]),
        message_id=_decoded(headers["Message-ID"]).strip(),
        size=len(content),
    )


def _recipients(content: bytes) -> tuple[str, ...]:
    """The ``Delivered-To`` lines that `add` wrote; what follows ``Return-Path`` is the sender's word."""
    envelope, _, _ = content.partition(b"Return-Path:")
    lines = envelope.decode(errors="replace").splitlines()
    return tuple(line.removeprefix("Delivered-To:").strip() for line in lines)


def _decoded(value: object) -> str:
    """A header's text; one whose encoding is broken is shown as it stands."""
    if value is None:
        return ""
    try:
        text = str(make_header(decode_header(str(value))))
    except (LookupError, ValueError):
        text = str(value)
    return text.encode(errors="replace").decode()  # bytes outside any encoding arrive as lone surrogates


def _opened(mail: Mail, content: bytes) -> OpenedMail:
    message = email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    others = [part for part in message.walk() if not part.is_multipart() and part not in (text, html)]
    return OpenedMail(
        mail=mail,
        text=None if text is None else _text(text),
        html=None if html is None else _text(html),
        attachments=tuple(_attachment(part, number) for number, part in enumerate(others, 1)),
    )


def _attachment(part: MIMEPart, number: int) -> Attachment:
    payload = part.get_payload(decode=True)
    name = part.get_filename() or f"part-{number}"
    return Attachment(name, part.get_content_type(), payload if isinstance(payload, bytes) else b"")


def _text(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return content.decode("utf-8", "replace")
