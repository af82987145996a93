"""What a mail looks like on the wire, read back by the standard library's parser."""

from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import parseaddr
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from turnus_runtime.ports import Mail, MailRefused
from turnus_runtime.smtp import composed, one_line

ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Beratung mit Jörg\r\nEND:VCALENDAR\r\n"
MAIL = Mail(
    message_id="bk_1.2.booked.guest@turnus.example",
    sender="termine@turnus.example",
    sender_name="Turnus",
    to="ada@example.org",
    to_name="Ada",
    subject="Ihr Termin",
    text="Hallo Ada,\nbis bald – schön!\n",
    html="<p>Hallo Ada</p>",
    calendar=ICS,
    calendar_method="REQUEST",
)


def read(mail: Mail) -> EmailMessage:
    return cast("EmailMessage", message_from_bytes(composed(mail).as_bytes(), policy=default))


def test_the_parts_are_text_html_and_calendar_in_rising_order_of_preference() -> None:
    message = read(MAIL)
    assert message.get_content_type() == "multipart/alternative"
    assert message["Message-ID"] == "<bk_1.2.booked.guest@turnus.example>"
    text, html, calendar = message.iter_parts()
    assert text.get_content().splitlines() == MAIL.text.splitlines()
    assert html.get_content().strip() == MAIL.html
    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_payload(decode=True) == ICS.encode()


def test_without_a_calendar_there_are_two_parts() -> None:
    assert [part.get_content_type() for part in read(replace(MAIL, calendar=None)).iter_parts()] == [
        "text/plain",
        "text/html",
    ]


def test_everything_on_the_wire_is_ascii_in_short_lines() -> None:
    mail = replace(MAIL, to_name="Zoë " * 40, subject="Prüfung " * 60, text="ü" * 5_000, html="<p>" + "ß" * 5_000)
    raw = composed(mail).as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def name_shown(mail: Mail) -> str:
    """The receiver's name by RFC 2047: what stands between two encoded words counts for nothing."""
    raw = str(message_from_bytes(composed(mail).as_bytes(), policy=compat32)["To"]).replace("\r\n", "")
    words = [(part, charset) for part, charset in decode_header(raw) if charset is not None]
    return "".join(part.decode(charset) for part, charset in words) if words else parseaddr(raw)[0]


words = some.text(max_size=200).filter(lambda text: text == one_line(text) and "  " not in text)


@given(words)
@example('Ärzte, Dr. "Quote" <evil@example.org>' * 5)
@example("=?utf-8?q?not_encoded?=")
def test_any_subject_and_name_comes_out_as_it_went_in(text: str) -> None:
    message = read(replace(MAIL, subject=text, to_name=text))
    assert message["Subject"] == text
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.org"]
    assert name_shown(replace(MAIL, to_name=text)) == text
    assert [name for name in message.keys() if name in {"Subject", "To"}] == ["To", "Subject"]  # noqa: SIM118


@given(some.text(max_size=120), some.sampled_from(["\r\n", "\n", "\r", "\x00", "\x0b", "\u2028", "\x85"]))
def test_no_text_can_begin_another_header(text: str, ending: str) -> None:
    evil = f"{text}{ending}Bcc: all@example.org{ending}{ending}body"
    mail = replace(MAIL, subject=evil, to_name=evil, sender_name=evil, message_id=evil, headers={"X-Turnus": evil})
    message = read(mail)
    assert "Bcc" not in message
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.org"]
    assert len(list(message.iter_parts())) == 3


def test_a_header_name_is_checked() -> None:
    with pytest.raises(ValueError, match="not the name of a mail header"):
        composed(replace(MAIL, headers={"X: 1\r\nBcc": "all@example.org"}))


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@example.org",
        "ada@",
        "a b@example.org",
        "ada@example.org\r\nRCPT TO:<eve@example.org>",
        "ada\r\n@example.org",
        "ada@ex ample.org",
        "<ada@example.org>",
        "ada,eve@example.org",
        f"{'a' * 65}@example.org",
        f"ada@{'x' * 64}.org",
        "ada@example..org",
    ],
)
def test_what_can_be_no_mailbox_is_refused_for_good(address: str) -> None:
    with pytest.raises(MailRefused) as refused:
        composed(replace(MAIL, to=address))
    assert refused.value.code == 553


def test_a_domain_beyond_ascii_is_written_in_its_ascii_form() -> None:
    mail = replace(MAIL, to="ada@bücher.example", subject="Für Ádá")
    assert read(mail)["To"].addresses[0].domain == "xn--bcher-kva.example"
    assert composed(mail).as_bytes().isascii()
