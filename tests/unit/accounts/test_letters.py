"""What the mails of accounts say, and to whom."""

import re
from datetime import timedelta
from importlib import resources

import pytest
from babel.messages.pofile import read_po

from services.accounts.adapters import letters
from services.accounts.adapters.catalogue import catalogue, catalogues
from services.accounts.adapters.letters import Sender
from services.accounts.domain.identities import Reset
from services.accounts.domain.invitations import new_invitation
from services.accounts.domain.members import Member
from tests.unit.accounts.team import ACTOR, NOW, member, workspace
from tests.unit.accounts.test_credentials import identity
from turnus_runtime.ports import Mail
from turnus_runtime.smtp import composed

SENDER = Sender("turnus@turnus.example", "Turnus", "https://turnus.example")


def invitation(to: Member, name: str = "Praxis Müller") -> Mail:
    told = new_invitation(to, "1" * 16, NOW + timedelta(days=7), None, ACTOR)
    inviter = member("olga").change(name="Olga")
    return letters.invitation(to, told, inviter, workspace("olga", name=name), "ivt_token", SENDER)


def reset(to: Member | None) -> Mail:
    told = Reset(nonce="1" * 16, asked_at=NOW, expires_at=NOW + timedelta(hours=1))
    return letters.reset(identity(), told, to, "prt_token", SENDER)


def test_an_invitation_says_who_invites_where_and_until_when_in_the_members_zone() -> None:
    mail = invitation(member().change(name="Mia"))
    assert (mail.to, mail.to_name, mail.sender_name) == ("mia@example.org", "Mia", "Praxis Müller")
    assert mail.subject == "Einladung: Praxis Müller"
    assert mail.text.startswith("Hallo Mia,\n\nDu bist zu „Praxis Müller“ eingeladen.")
    assert re.search(r"Eingeladen von: +Olga\n", mail.text)
    assert "Montag, 11. Januar 2027, 09:00 Uhr (Europe/Berlin)" in mail.text
    assert "https://turnus.example/console/welcome/ivt_token\n" in mail.text
    assert 'href="https://turnus.example/console/welcome/ivt_token"' in mail.html
    assert mail.message_id == f"mem_mia.{'1' * 16}@turnus.example"
    assert mail.headers["Auto-Submitted"] == "auto-generated"


def test_an_english_member_reads_english() -> None:
    mail = invitation(member(locale="en", tz="America/New_York").change(name="Mia"))
    assert mail.subject == "Invitation: Praxis Müller"
    assert "Hello Mia," in mail.text
    assert re.search(r"Monday, January 11, 2027, 3:00\sAM \(America/New_York\)", mail.text)


def test_a_reset_says_what_to_do_if_one_did_not_ask_for_it() -> None:
    mail = reset(member().change(name="Mia"))
    assert mail.subject == "Neues Passwort festlegen"
    assert "Warst du das nicht?" in mail.text
    assert "https://turnus.example/console/reset/prt_token\n" in mail.text
    assert mail.sender_name == "Turnus"
    nameless = reset(None)
    assert nameless.text.startswith("Hello,\n")
    assert nameless.to == "mia@example.org"


def test_names_are_text_in_html_and_one_line_in_headers() -> None:
    mail = invitation(member().change(name="<b>Mia</b>"), name='"><script>x</script>')
    assert "<b>Mia" not in mail.html
    assert "<script>" not in mail.html
    assert re.findall(r"https?://[^\s\"<]+", mail.html) == ["https://turnus.example/console/welcome/ivt_token"]
    read = composed(mail)
    assert "\n" not in str(read["Subject"]).replace("\n ", " ")


@pytest.mark.parametrize("to", [member(locale="de"), member(locale="en")])
def test_no_token_stands_anywhere_but_in_the_link(to: Member) -> None:
    mail = invitation(to)
    headers = " ".join([mail.subject, mail.message_id, mail.to_name, mail.sender_name, *mail.headers.values()])
    assert "ivt_" not in headers
    assert mail.text.count("ivt_") == 1


def test_all_languages_have_the_same_texts_with_the_same_values() -> None:
    said = [
        {key: set(re.findall(r"%\((\w+)\)s", text)) for key, text in one.texts.items()} for one in catalogues().values()
    ]
    first, *others = said
    assert first
    assert all(other == first for other in others)
    assert set(catalogues()) == {"de", "en"}
    for language in catalogues():
        with resources.files("services.accounts").joinpath(f"locale/{language}.po").open("rb") as file:
            assert str(read_po(file).locale) == language


def test_a_locale_finds_its_language_and_an_unknown_one_english() -> None:
    assert [catalogue(locale).language for locale in ("de", "de_AT", "de-CH", "en", "fr", "")] == [
        *("de", "de", "de"),
        *("en", "en", "en"),
    ]
