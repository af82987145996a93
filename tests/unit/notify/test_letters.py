"""What a mail says, in which language and zone, and the invitation in it."""

import re
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pytest
from babel.messages.pofile import read_po
from icalendar import Calendar as Ical

from services.notify.adapters import examples, letters, wordings
from services.notify.adapters.catalogue import Catalogue, catalogue, catalogues
from services.notify.adapters.letters import Known, Sender
from services.notify.domain.notices import Message, Told
from services.notify.domain.projections import Calendar, Member, Workspace
from services.notify.domain.templates import template_name, variables
from services.notify.domain.wording import APPOINTMENT
from tests.unit.notify import ical
from tests.unit.notify.given import NOW, START, Kept, cancelled, confirmed, details, erased, moved, reminding
from turnus_contracts import Guest, Location
from turnus_runtime.ports import Mail
from turnus_runtime.smtp import composed

SENDER = Sender("termine@turnus.example", "https://turnus.example")
CALENDAR = Calendar(
    id="cal_1", workspace_id="ws_1", version=1, status="active", address="demo/beratung", name="Beratung"
)
GRACE = {"workspace_id": "ws_1", "version": 1, "status": "active", "email": "grace@example.com"}
HOSTS = {
    "mem_a": Member(id="mem_a", name="Grace", tz="America/New_York", locale="en", **GRACE),
    "mem_b": Member(id="mem_b", name="Edsger", tz="Europe/Berlin", locale="de", **GRACE),
}
WORKSPACE = Workspace(id="ws_1", version=1, status="active", name="Praxis Müller")
OTHERS = (Guest(name="Bob", email="bob@example.org"),)


def all_mails(kept: Kept) -> dict[str, Mail]:
    """The mail of every message of this notice as if it went now."""
    assert kept.notice is not None
    assert kept.notice.told is not None
    return {one.key: written(kept, kept.notice.told, one) for one in kept.notice.messages}


def written(kept: Kept, told: Told, message: Message) -> Mail:
    assert kept.notice is not None
    return letters.mail(Known(kept.notice, told, message, CALENDAR, HOSTS, WORKSPACE, SENDER))


def mails(*events: Any) -> dict[str, Mail]:
    kept = Kept(reminding(60))
    kept.hear(*events)
    return all_mails(kept)


def invitation(mail: Mail) -> Any:
    calendar: Any = Ical.from_ical(mail.calendar or "")
    (entry,) = calendar.walk("VEVENT")
    return entry


def test_a_german_guest_reads_their_own_zone_by_name_and_the_hosts_beside_it() -> None:
    mail = mails(details(), confirmed())["0.booked.guest"]
    assert mail.subject == "Gebucht: Beratung, Mi., 6. Jan. 2027, 10:00 Uhr (Europe/Berlin)"
    assert "Hallo Ada,\n\nDein Termin „Beratung“ ist gebucht." in mail.text
    assert "Mittwoch, 6. Januar 2027, 10:00–10:30 Uhr, Mitteleuropäische Normalzeit (Europe/Berlin)" in mail.text
    assert "04:00–04:30 Uhr, Nordamerikanische Ostküsten-Normalzeit (America/New_York)" in mail.text
    assert "https://turnus.example/b/bkt_token" in mail.text
    assert 'href="https://turnus.example/b/bkt_token"' in mail.html
    assert mail.sender_name == "Praxis Müller"
    assert mail.message_id == "ntf_1.0.booked.guest@turnus.example"


def test_an_english_host_reads_theirs_and_can_answer_the_guest() -> None:
    mail = mails(details(answers={"Anliegen": "Zahn"}), confirmed())["0.booked.host"]
    assert mail.to == "grace@example.com"
    assert mail.subject.startswith("New appointment: Ada, Beratung, Wed, Jan 6, 2027, 4:00")
    assert "Eastern Standard Time (America/New_York)" in mail.text
    assert "ada@example.org" in mail.text
    assert "Zahn" in mail.text
    assert mail.headers["Reply-To"] == "ada@example.org"
    assert "/b/" not in mail.text + mail.html + (mail.calendar or "")


def test_one_zone_is_named_once_when_the_clocks_agree() -> None:
    mail = mails(details(tz="Europe/Paris"), confirmed(host_ids=("mem_b",)))["0.booked.guest"]
    assert "Europe/Paris" in mail.text
    assert "Das ist" not in mail.text


def test_additional_guests_get_no_key_to_the_booking_and_see_no_addresses() -> None:
    mail = mails(details(additional_guests=OTHERS), confirmed())["0.booked.additional_guest"]
    assert mail.to == "bob@example.org"
    everything = mail.text + mail.html + (mail.calendar or "").replace("\r\n ", "")
    assert "bkt_" not in everything
    assert "ada@example.org" not in everything
    assert "grace@example.com" not in everything


def test_what_guests_typed_is_escaped_in_html_and_cannot_begin_a_header() -> None:
    wild = Guest(name='<script>alert(1)</script>\r\nBcc: x@example.org"', email="ada@example.org")
    mail = mails(details(guest=wild, reason="<b>krank</b>"), confirmed())["0.booked.host"]
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html
    message = composed(mail)
    assert message["Bcc"] is None
    assert ical.problems(mail.calendar or "") == []


def test_a_moved_mail_names_the_time_before() -> None:
    life = mails(details(), confirmed(), moved(4, 1, start=START + timedelta(days=1)))
    mail = life["1.moved.guest"]
    assert mail.subject == "Verschoben: Beratung, jetzt Do., 7. Jan. 2027, 10:00 Uhr (Europe/Berlin)"
    assert re.search(r"Vorher: +Mi\., 6\. Jan\. 2027, 10:00 Uhr", mail.text)


def test_another_host_at_the_same_time_is_a_change_and_no_move() -> None:
    life = mails(details(), confirmed(), moved(4, 1, host_ids=("mem_b",)))
    assert life["1.moved.guest"].subject.startswith("Geändert: Beratung")
    assert "Für dich da: Edsger" in life["1.moved.guest"].text
    assert life["1.booked.host"].subject.startswith("Neuer Termin: Ada")
    assert life["1.withdrawn.host"].subject.startswith("No longer with you: Ada")


def test_a_cancelled_mail_says_why_and_where_to_book_again() -> None:
    mail = mails(details(reason="Bin krank"), confirmed(), cancelled(3))["0.cancelled.guest"]
    assert re.search(r"Grund: +Bin krank", mail.text)
    assert "https://turnus.example/demo/beratung" in mail.text


def test_a_span_over_midnight_names_both_days() -> None:
    late = datetime(2027, 1, 6, 22, 45, tzinfo=UTC)
    mail = mails(details(), confirmed(start=late))["0.booked.guest"]
    assert "Mittwoch, 6. Januar 2027, 23:45 Uhr bis Donnerstag, 7. Januar 2027, 00:15 Uhr" in mail.text


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (Location(kind="phone", value="+49 30 1"), "Telefon +49 30 1"),
        (Location(kind="link", value="https://meet.example/x"), '<a href="https://meet.example/x">'),
        (Location(kind="link", value="javascript:alert(1)"), ">javascript:alert(1)</td>"),
        (Location(kind="hologram", value="Deck 3"), "Deck 3"),
    ],
)
def test_the_place_is_named_by_its_kind_also_by_one_that_is_not_known_yet(location: Location, text: str) -> None:
    assert text in mails(details(), confirmed(location=location))["0.booked.guest"].html


def test_html_has_inline_styles_only_and_loads_nothing() -> None:
    html = mails(details(), confirmed())["0.booked.guest"].html
    assert "<style" not in html
    assert "<script" not in html
    assert "<img" not in html
    assert re.findall(r"https?://[^\s\"<]+", html) == ["https://turnus.example/b/bkt_token"]
    assert 'content="light dark"' in html


# --- invitations ---------------------------------------------------------------------------------------------------


def every_kind() -> dict[str, Mail]:
    """Every event for every receiver."""
    given = details(additional_guests=OTHERS, reason="Grund, mit; Zeichen\nund \\ Zeilen" + "ü" * 80)
    life = [given, confirmed(), moved(4, 1, start=START + timedelta(days=1)), moved(6, 2, host_ids=("mem_b",))]
    return mails(*life) | {f"c{k}": v for k, v in mails(*life, cancelled(7, 2, host_ids=("mem_b",))).items()}


def test_every_invitation_keeps_to_the_rfcs() -> None:
    kinds = every_kind()
    assert len(kinds) > 20
    for key, mail in kinds.items():
        assert ical.problems(mail.calendar or "") == [], key


def test_the_judge_finds_what_is_wrong() -> None:
    good = mails(details(), confirmed())["0.booked.guest"].calendar or ""
    assert ical.problems(good) == []
    for line in ("ORGANIZER", "DTSTAMP", "UID"):
        assert ical.problems(re.sub(rf"{line}[^\r]*\r\n( [^\r]*\r\n)*", "", good)), line


def test_one_uid_a_booking_and_a_sequence_that_rises_with_every_change() -> None:
    kinds = every_kind()
    assert {str(invitation(mail)["UID"]) for mail in kinds.values()} == {"bk_1@turnus.example"}
    life = [details(), confirmed()]
    sequences = [invitation(mails(*life)["0.booked.guest"])["SEQUENCE"]]
    life.append(moved(4, 1, start=START + timedelta(days=1)))
    sequences.append(invitation(mails(*life)["1.moved.guest"])["SEQUENCE"])
    life.append(cancelled(5, 1, start=START + timedelta(days=1)))
    sequences.append(invitation(mails(*life)["1.cancelled.guest"])["SEQUENCE"])
    assert sequences == [0, 1, 2]


def test_requests_and_cancellations_say_so_in_method_and_status() -> None:
    for key, mail in every_kind().items():
        cancels = "cancelled" in key or "withdrawn" in key
        assert mail.calendar_method == ("CANCEL" if cancels else "REQUEST"), key
        assert f"METHOD:{mail.calendar_method}" in (mail.calendar or ""), key
        assert str(invitation(mail)["STATUS"]) == ("CANCELLED" if cancels else "CONFIRMED"), key


def test_the_invitation_holds_the_instant_and_is_the_same_at_every_sending() -> None:
    first, second = (mails(details(), confirmed())["0.booked.guest"] for _ in range(2))
    entry = invitation(first)
    assert entry["DTSTART"].dt == START
    assert entry["DTEND"].dt == START + timedelta(minutes=30)
    assert entry["DTSTAMP"].dt == NOW
    assert str(entry["ORGANIZER"]) == "mailto:termine@turnus.example"
    assert str(entry["ATTENDEE"]) == "mailto:ada@example.org"
    assert str(entry["LOCATION"]) == "Hauptstr. 1"
    assert str(entry["URL"]) == "https://turnus.example/b/bkt_token"
    assert first == second


# --- catalogues ----------------------------------------------------------------------------------------------------


def test_all_catalogues_have_the_same_keys_and_values() -> None:
    german, english = catalogues()["de"], catalogues()["en"]
    assert set(german.texts) == set(english.texts)
    for key, text in german.texts.items():
        assert text, key
        assert english.texts[key], key
        if key.rpartition(".")[2] in ("subject", "short", "one_day", "two_days"):
            named = re.compile(r"%\((\w+)\)s|\{\{(\w+)\}\}")
            assert set(named.findall(text)) == set(named.findall(english.texts[key])), key


def test_every_text_is_used_and_every_text_used_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()
    text = Catalogue.text

    def noted(self: Catalogue, key: str, **values: str) -> str:
        used.add(key)
        return text(self, key, **values)

    monkeypatch.setattr(Catalogue, "text", noted)
    every_kind()
    phone = Guest(name="Ada", email="ada@example.org", phone="+49 30 1")
    at = Location(kind="phone", value="+49 30 2")
    mails(details(guest=phone), confirmed(location=at, start=datetime(2027, 1, 6, 22, 45, tzinfo=UTC)))
    changed = moved(4, 1, host_ids=("mem_b",))
    mails(details(additional_guests=OTHERS), confirmed(host_ids=("mem_a", "mem_b")), changed)
    mails(erased(1), confirmed())
    for event, audience, language in wordings.names():
        for trial in (False, True):
            examples.shown(template_name(event, audience, language), None, None, SENDER, NOW, trial=trial)
        for name in (*variables(event), APPOINTMENT):
            assert set(wordings.explanation(name)) == set(catalogues())
    assert used == set(catalogues()["en"].texts)


def test_a_locale_finds_its_language_and_an_unknown_one_english() -> None:
    assert [catalogue(name).language for name in ("de", "de_AT", "de-CH", "en_GB", "fr", "")] == [
        "de", "de", "de", "en", "en", "en",
    ]  # fmt: skip


def test_the_catalogues_are_files_that_translators_tools_read() -> None:
    for language in ("de", "en"):
        with resources.files("services.notify").joinpath(f"locale/{language}.po").open("rb") as file:
            read = read_po(file, abort_invalid=True)
        assert str(read.locale) == language
        assert not [message.id for message in read if message.fuzzy and message.id]
