"""The mailer against a real SMTP server that says no, later, or nothing at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from turnus_runtime.ports import Mail, MailDelayed, MailRefused
from turnus_runtime.smtp import SmtpMailer

MAIL = Mail(
    message_id="bk_1.2@turnus.example",
    sender="termine@turnus.example",
    sender_name="Turnus",
    to="ada@example.org",
    to_name="Ada",
    subject="Ihr Termin",
    text="Hallo",
    html="<p>Hallo</p>",
)


@dataclass
class Inbox:
    """What an SMTP server of this test answers, and what it was handed. A reply of None is silence."""

    on_mail: str = "250 OK"
    on_rcpt: str = "250 OK"
    on_data: str | None = "250 2.0.0 queued as 4711"
    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.on_mail.startswith("250"):
            envelope.mail_from, envelope.mail_options = address, options
        return self.on_mail

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.on_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.on_rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        self.sessions.append(session)
        if self.on_data is None:
            self.silent.set()
            await asyncio.Event().wait()
        return str(self.on_data)

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss/word", handled=False)


Serve = Callable[..., Awaitable[int]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server for an inbox; its port."""
    servers: list[asyncio.Server] = []

    async def start(inbox: Inbox, **options: Any) -> int:
        loop = asyncio.get_running_loop()
        with_tls = options.pop("ssl", None)
        server = await loop.create_server(
            lambda: SMTP(inbox, loop=loop, hostname="localhost", **options), "127.0.0.1", 0, ssl=with_tls
        )
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for 127.0.0.1 and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    place = tmp_path / "mail.pem"
    place.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(place)
    return server, ssl.create_default_context(cafile=str(place))


async def test_a_taken_mail_gives_the_reply_for_the_delivery_log(serve: Serve) -> None:
    inbox = Inbox()
    mailer = SmtpMailer(f"smtp://127.0.0.1:{await serve(inbox)}")
    assert await mailer.send(MAIL) == "2.0.0 queued as 4711"
    assert inbox.envelopes[0].mail_from == MAIL.sender
    assert inbox.envelopes[0].rcpt_tos == [MAIL.to]
    mailer.close()


async def test_one_connection_serves_many_mails_and_a_lost_one_is_replaced(serve: Serve) -> None:
    inbox = Inbox()
    mailer = SmtpMailer(f"smtp://127.0.0.1:{await serve(inbox, timeout=3)}")
    await mailer.send(MAIL)
    await mailer.send(MAIL)
    first, second = inbox.sessions
    assert first.peer == second.peer
    await asyncio.wait_for(_closed_by_server(mailer), 30)
    await mailer.send(MAIL)
    assert inbox.sessions[2].peer != first.peer
    mailer.close()


async def _closed_by_server(mailer: SmtpMailer) -> None:
    (_, client) = mailer._idle[0]
    while client.is_connected:  # noqa: ASYNC110 - nothing signals it
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("inbox", "outcome"),
    [
        (Inbox(on_rcpt="550 5.1.1 no such user"), MailRefused(550)),
        (Inbox(on_mail="553 5.1.8 sender address"), MailRefused(553)),
        (Inbox(on_data="554 5.6.0 looks like spam"), MailRefused(554)),
        (Inbox(on_rcpt="451 4.7.1 greylisted"), MailDelayed(451)),
        (Inbox(on_data="452 4.3.1 disk full"), MailDelayed(452)),
        (Inbox(on_mail="421 4.3.2 shutting down"), MailDelayed(421)),
        (Inbox(on_mail="530 5.7.0 sign in first"), MailDelayed(530)),
    ],
    ids=lambda value: value.on_mail + value.on_rcpt + str(value.on_data) if isinstance(value, Inbox) else None,
)
async def test_no_for_good_and_not_now_are_told_apart(
    serve: Serve, inbox: Inbox, outcome: MailRefused | MailDelayed
) -> None:
    mailer = SmtpMailer(f"smtp://127.0.0.1:{await serve(inbox)}")
    with pytest.raises(type(outcome)) as raised:
        await mailer.send(MAIL)
    assert raised.value.code == outcome.code
    assert not mailer._idle  # what failed is not used again
    mailer.close()


async def test_a_server_that_stalls_delays_the_mail(serve: Serve) -> None:
    inbox = Inbox(on_data=None)
    mailer = SmtpMailer(f"smtp://127.0.0.1:{await serve(inbox)}", timeout_seconds=2)
    with pytest.raises(MailDelayed) as raised:
        await mailer.send(MAIL)
    assert raised.value.code == 0
    assert inbox.silent.is_set()


async def test_a_server_that_says_nothing_at_all_delays_the_mail() -> None:
    server = await asyncio.start_server(lambda reader, writer: asyncio.Event().wait(), "127.0.0.1", 0)
    mailer = SmtpMailer(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_seconds=0.2)
    with pytest.raises(MailDelayed):
        await mailer.send(MAIL)
    server.close()


async def test_no_server_at_all_delays_the_mail(serve: Serve, unused_tcp_port: int) -> None:
    with pytest.raises(MailDelayed) as raised:
        await SmtpMailer(f"smtp://127.0.0.1:{unused_tcp_port}").send(MAIL)
    assert raised.value.code == 0


async def test_a_greeting_that_sends_us_away_delays_the_mail() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.7.1 your address is on a list\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    with pytest.raises(MailDelayed):
        await SmtpMailer(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}").send(MAIL)
    server.close()


async def test_an_address_beyond_ascii_needs_a_server_that_knows_them(serve: Serve) -> None:
    unicode = replace(MAIL, to="zoë@example.org")
    plain = SmtpMailer(f"smtp://127.0.0.1:{await serve(Inbox(), enable_SMTPUTF8=False)}")
    with pytest.raises(MailRefused) as raised:
        await plain.send(unicode)
    assert raised.value.code == 553
    plain.close()
    inbox = Inbox()
    able = SmtpMailer(f"smtp://127.0.0.1:{await serve(inbox, enable_SMTPUTF8=True)}")
    await able.send(unicode)
    assert inbox.envelopes[0].rcpt_tos == ["zoë@example.org"]
    assert "SMTPUTF8" in inbox.envelopes[0].mail_options
    able.close()


async def test_a_line_that_begins_with_a_dot_arrives_whole(serve: Serve) -> None:
    inbox = Inbox()
    mailer = SmtpMailer(f"smtp://127.0.0.1:{await serve(inbox)}")
    await mailer.send(replace(MAIL, text=".\r\n.begins with a dot\r\n.\r\nQUIT\r\n"))
    content = inbox.envelopes[0].original_content
    assert content is not None
    assert b"\r\n.begins with a dot\r\n.\r\nQUIT" in content
    mailer.close()


async def test_starttls_is_used_when_offered_and_the_sign_in_follows_it(
    serve: Serve, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = certificate
    inbox = Inbox()
    port = await serve(inbox, tls_context=server, require_starttls=True, authenticator=inbox.authenticate)
    mailer = SmtpMailer(f"smtp://ada%40example.org:p%40ss%2Fword@127.0.0.1:{port}", tls=client)
    await mailer.send(MAIL)
    assert inbox.sessions[0].ssl is not None
    assert inbox.logins == [(b"ada@example.org", b"p@ss/word")]
    mailer.close()


async def test_tls_from_the_start_and_a_certificate_that_nobody_vouches_for(
    serve: Serve, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = certificate
    port = await serve(Inbox(), ssl=server)
    trusting = SmtpMailer(f"smtps://127.0.0.1:{port}", tls=client)
    await trusting.send(MAIL)
    trusting.close()
    with pytest.raises(MailDelayed):
        await SmtpMailer(f"smtps://127.0.0.1:{port}").send(MAIL)


async def test_a_wrong_password_delays_all_mails_and_refuses_none(serve: Serve) -> None:
    inbox = Inbox()
    port = await serve(inbox, authenticator=inbox.authenticate, auth_require_tls=False)
    with pytest.raises(MailDelayed) as raised:
        await SmtpMailer(f"smtp://ada:wrong@127.0.0.1:{port}").send(MAIL)
    assert raised.value.code == 535
    await SmtpMailer(f"smtp://ada:p%40ss%2Fword@127.0.0.1:{port}").send(MAIL)


async def test_a_password_is_not_said_readably_to_another_machine(serve: Serve) -> None:
    inbox = Inbox()
    port = await serve(inbox, authenticator=inbox.authenticate, auth_require_tls=False)
    mailer = SmtpMailer(f"smtp://ada:p%40ss%2Fword@127.0.0.1:{port}")
    mailer._clear_text_is_fine = False
    with pytest.raises(MailDelayed):
        await mailer.send(MAIL)
    assert inbox.logins == []
