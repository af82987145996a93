"""The port `Mailer` by SMTP (RFC 5321), with mails that calendars understand (RFC 6047)."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.header import Header
from email.headerregistry import Address
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTPUTF8, Policy, compat32
from email.utils import format_datetime, formataddr
from time import monotonic
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from turnus_runtime.ports import Mail, MailDelayed, MailRefused
from turnus_runtime.settings import is_loopback

AT_ONCE = 8
IDLE_SECONDS = 10.0
"""A connection that was idle for longer is not used again: servers end them."""
BAD_MAILBOX = 553
"""RFC 5321: "mailbox name not allowed"; said by us where no server could be asked."""
_PORTS = {"smtp": 25, "smtps": 465}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]{1,64}")
_ASCII = compat32.clone(linesep="\r\n")
_READABLE = Charset("utf-8")
_READABLE.body_encoding = QP
_text = cast("Callable[[str, str, Charset], MIMEText]", MIMEText)  # its stub forgets that a charset may be an object
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")

log = structlog.stdlib.get_logger(__name__)


class SmtpMailer:
    """Sends to the server of a `smtp://` or `smtps://` URL; STARTTLS whenever it is offered, sign-in when given.

    Only what the server says about this mail (sender, receiver, content) can refuse it; a server that refuses *us* (a
    wrong password, no more connections) delays all mails, because that will be mended. `timeout_seconds` bounds one
    send as a whole. `tls` replaces the system's trust, for servers with a certificate of their own.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 30.0, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or _PORTS[parts.scheme]
        self._tls_at_once = parts.scheme == "smtps"
        self._user = unquote(parts.username or "") or None
        self._password = unquote(parts.password or "")
        self._clear_text_is_fine = is_loopback(url)
        self._timeout = timeout_seconds
        self._tls = tls
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []

    async def send(self, mail: Mail) -> str:
        """Send one mail; the server's reply text. Raises `MailRefused` or `MailDelayed`."""
        sender, receiver, unicode = _envelope(mail)
        content = composed(mail).as_bytes()
        try:
            async with self._slots, asyncio.timeout(self._timeout), self._connection() as client:
                if unicode and not client.supports_extension("smtputf8"):
                    raise MailRefused(BAD_MAILBOX)
                options = ["SMTPUTF8", "BODY=8BITMIME"] if unicode else []
                return await _handed_over(client, sender, receiver, content, options)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as problem:
            log.warning("mail_server_away", problem=type(problem).__name__)
            raise MailDelayed(problem.code if isinstance(problem, aiosmtplib.SMTPResponseException) else 0) from None

    def close(self) -> None:
        """End idle connections."""
        while self._idle:
            self._idle.pop()[1].close()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncGenerator[aiosmtplib.SMTP]:
        client = await self._kept() or await self._opened()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._idle.append((monotonic(), client))

    async def _kept(self) -> aiosmtplib.SMTP | None:
        """A kept connection that still answers."""
        while self._idle:
            since, client = self._idle.pop()
            if monotonic() - since < IDLE_SECONDS:
                with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                    await client.rset()
                    return client
            client.close()
        return None

    async def _opened(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._tls_at_once,
            tls_context=self._tls,
            local_hostname=socket.gethostname(),  # what it would look up by itself may take seconds
            timeout=self._timeout,
        )
        try:
            await client.connect()
            if self._user is not None:
                await self._sign_in(client, self._user)
        except BaseException:
            client.close()
            raise
        return client

    async def _sign_in(self, client: aiosmtplib.SMTP, user: str) -> None:
        if client.get_transport_info("sslcontext") is None and not self._clear_text_is_fine:
            log.error("mail_server_offers_no_tls", advice="the password would travel readably: use smtps://")
            raise aiosmtplib.SMTPException("no TLS for the password")
        await client.login(user, self._password)


async def _handed_over(client: aiosmtplib.SMTP, sender: str, receiver: str, content: bytes, options: list[str]) -> str:
    try:
        _, reply = await client.sendmail(sender, [receiver], content, mail_options=options)
    except aiosmtplib.SMTPRecipientsRefused as refused:
        raise _outcome(refused.recipients[0].code) from None
    except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as refused:
        raise _outcome(refused.code) from None
    return reply


def _outcome(code: int) -> MailRefused | MailDelayed:
    # 530 and 535 ask us to sign in: they say nothing about this mail.
    return MailRefused(code) if 500 <= code <= 599 and code not in {530, 535} else MailDelayed(code)


def composed(mail: Mail) -> Message:
    """The mail as multipart/alternative: text, HTML and, with a calendar, `text/calendar; method=…` last.

    Names, subject and header values are made one line: nothing in them can begin another header. All parts are of the
    older classes of `email`, in ASCII: `EmailMessage` parses every header and parameter again whenever one is looked
    at, which makes a mail four times as costly (2.6 against 0.65 ms). Only mailboxes beyond ASCII need its policy.
    """
    sender, receiver, unicode = _envelope(mail)
    address, policy = (_unicode_address, SMTPUTF8) if unicode else (_address, _ASCII)
    message: Any = MIMEMultipart("alternative", policy=cast("Policy[Message]", policy))
    message["From"] = address(sender, one_line(mail.sender_name))
    message["To"] = address(receiver, one_line(mail.to_name))
    message["Subject"] = one_line(mail.subject) if unicode else _encoded(one_line(mail.subject))
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = _message_id(mail.message_id)
    for name, value in mail.headers.items():
        if _HEADER_NAME.fullmatch(name) is None:
            raise ValueError(f"not the name of a mail header: {name!r}")
        message[name] = one_line(value)
    message.attach(_text(mail.text, "plain", _READABLE))
    message.attach(_text(mail.html, "html", _READABLE))
    if mail.calendar is not None:
        method = mail.calendar_method or "PUBLISH"
        part = MIMEBase("text", "calendar", charset="utf-8", method=method, name="invite.ics")
        part.set_payload(mail.calendar.encode())
        encode_base64(part)
        message.attach(part)
    return message


def one_line(text: str) -> str:
    """The text without line breaks and other control characters, as headers must be."""
    return _CONTROL.sub(" ", text).strip()


def _message_id(text: str) -> str:
    """`<left@right>` of letters, digits, dots, underscores and hyphens (RFC 5322, the safe part of `msg-id`)."""
    left, _, right = text.strip("<>").rpartition("@")
    atoms = (re.sub(r"[^A-Za-z0-9_-]+", ".", side).strip(".") or "turnus" for side in (left, right))
    return f"<{'@'.join(atoms)}>"


def _envelope(mail: Mail) -> tuple[str, str, bool]:
    """The mailboxes of sender and receiver, and whether they need SMTPUTF8. Raises `MailRefused`."""
    sender, receiver = _mailbox(mail.sender), _mailbox(mail.to)
    return sender, receiver, not (sender.isascii() and receiver.isascii())


def _address(mailbox: str, name: str) -> Header | str:
    """A name beyond ASCII becomes encoded words of its own, of 75 characters each at most (RFC 2047)."""
    if name.isascii() and "=?" not in name:
        return formataddr((name, mailbox))
    header = _encoded(name)
    header.append(f"<{mailbox}>", "us-ascii")
    return header


def _unicode_address(mailbox: str, name: str) -> Address:
    local, _, domain = mailbox.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def _encoded(text: str) -> Header:
    """Text of a header, encoded where it is not ASCII, or would be read as if it were encoded."""
    return Header(text, "us-ascii" if text.isascii() and "=?" not in text else "utf-8")


def _mailbox(address: str) -> str:
    """The address with its domain in ASCII (IDNA). Raises `MailRefused` for what can be no mailbox."""
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        raise MailRefused(BAD_MAILBOX) from None
    if _LOCAL.fullmatch(local) is None or re.fullmatch(r"[A-Za-z0-9.-]{1,255}", ascii_domain) is None:
        raise MailRefused(BAD_MAILBOX)
    return f"{local}@{ascii_domain}"
