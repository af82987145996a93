"""The guest's whole way, in German and English, with and without JavaScript."""

import re
from datetime import date, datetime
from typing import Any

import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.guest import choose, fill, press, see, words_of
from tests.browser.site import Site

WAYS = [
    pytest.param("de-DE", True, id="german"),
    pytest.param("de-DE", False, id="german-without-script"),
    pytest.param("en-GB", True, id="english"),
    pytest.param("en-GB", False, id="english-without-script"),
]


def invitation(mail: dict[str, Any]) -> tuple[str, Any]:
    """The METHOD and the event of a mail's calendar file."""
    (text,) = {part["text"] for part in mail["attachments"] if part["content_type"].startswith("text/calendar")}
    calendar: Any = Calendar.from_ical(text)
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event


@pytest.mark.parametrize(("locale", "script"), WAYS)
def test_a_guest_books_reads_the_mail_moves_and_cancels(site: Site, opened: Opener, locale: str, script: bool) -> None:
    words = words_of(locale)
    host = site.host("Ada Lindner")
    address = site.calendar([host], location={"kind": "phone", "value": "+49 30 1234567"})
    guest = f"grace.{locale[:2]}.{script}@example.org".lower()
    page = opened(locale, script=script)
    page.goto(f"/{address}")
    choose(page, words, words.month(date(2027, 2, 1)), words.long_day(date(2027, 2, 9)), "10:30")
    fill(page, words, "Grace Hopper", guest)
    press(page, words, "form.book")
    see(page, words.say("booking.title_confirmed"))
    expect(page.locator("main")).to_contain_text(words.long_day(date(2027, 2, 9)))
    expect(page.locator("main")).to_contain_text("10:30–11:00")
    expect(page.locator("main")).to_contain_text("Ada Lindner")
    link = page.url.partition("?")[0]
    booking = site.call(site._send("GET", "/bookings/current", None, 200, token=link.rpartition("/")[2]))

    (booked,) = site.mails(guest, 1)
    assert link in booked["text"]
    method, event = invitation(booked)
    assert method == "REQUEST"
    assert event["UID"] == f"{booking['id']}@127.0.0.1"
    assert event["DTSTART"].dt == datetime.fromisoformat("2027-02-09T09:30:00+00:00")
    with page.expect_download() as download:
        page.get_by_role("link", name=words.say("booking.ics")).click()
    own: Any = Calendar.from_ical(download.value.path().read_bytes())
    (kept,) = own.walk("VEVENT")
    assert (kept["UID"], kept["DTSTART"].dt, kept["SEQUENCE"]) == (event["UID"], event["DTSTART"].dt, 0)
    assert own["METHOD"] == "PUBLISH"

    page.goto(link)
    page.get_by_role("link", name=words.say("booking.move")).click()
    expect(page.locator(".now")).to_contain_text(words.say("picker.current"))
    choose(page, words, words.month(date(2027, 2, 1)), words.long_day(date(2027, 2, 10)), "14:00")
    expect(page.locator("main")).to_contain_text("14:00–14:30")
    press(page, words, "move.button")
    see(page, words.say("booking.title_moved"))
    expect(page.locator("main")).to_contain_text(words.long_day(date(2027, 2, 10)))
    method, event = invitation(site.mails(guest, 2)[1])
    assert (method, event["SEQUENCE"], event["UID"]) == ("REQUEST", 1, f"{booking['id']}@127.0.0.1")
    assert event["DTSTART"].dt == datetime.fromisoformat("2027-02-10T13:00:00+00:00")

    page.get_by_role("link", name=words.say("booking.cancel")).click()
    page.get_by_label(re.compile(f"^{words.say('cancel.reason')} ")).fill("Ich bin krank.\nEs tut mir leid.")
    press(page, words, "cancel.button")
    see(page, words.say("booking.title_cancelled"))
    expect(page.locator("main")).to_contain_text("Es tut mir leid.")
    method, event = invitation(site.mails(guest, 3)[2])
    assert (method, event["UID"]) == ("CANCEL", f"{booking['id']}@127.0.0.1")
    assert f"{page.url.partition('?')[0]}" == link


@pytest.mark.parametrize(("locale", "script"), WAYS)
def test_a_guest_who_loses_a_slot_takes_an_alternative_without_writing_anything_again(
    site: Site, opened: Opener, locale: str, script: bool
) -> None:
    words = words_of(locale)
    address = site.calendar([site.host("Ada Lindner")])
    page = opened(locale, script=script)
    page.goto(f"/{address}?day=2027-01-12")
    page.get_by_role("link", name="11:00", exact=True).click()
    fill(page, words, "Grace Hopper", "grace@example.org")
    site.book(address, "2027-01-12T11:00:00+01:00")
    press(page, words, "form.book")
    see(page, words.say("taken.title_slot_taken"))
    expect(page.locator("main")).to_contain_text("grace@example.org")
    name = words.say("taken.book", day=words.long_day(date(2027, 1, 12)), time="11:30")
    page.get_by_role("button", name=name).click()
    see(page, words.say("booking.title_confirmed"))
    expect(page.locator("main")).to_contain_text("11:30–12:00")
    expect(page.locator("main")).to_contain_text("Grace Hopper")


@pytest.mark.parametrize("script", [True, False])
def test_a_guest_who_loses_the_new_slot_of_a_move_keeps_the_old_one_and_takes_an_alternative(
    site: Site, opened: Opener, script: bool
) -> None:
    words = words_of("de")
    address = site.calendar([site.host("Ada Lindner")])
    token = site.book(address, "2027-01-12T11:00:00+01:00")["token"]
    page = opened(script=script)
    page.goto(f"/b/{token}/move?day=2027-01-13")
    page.get_by_role("link", name="15:00", exact=True).click()
    site.book(address, "2027-01-13T15:00:00+01:00")
    press(page, words, "move.button")
    expect(page.get_by_role("alert")).to_have_text(words.say("move.said_slot_taken"))
    expect(page.locator("main")).to_contain_text(words.long_day(date(2027, 1, 12)))
    name = words.say("move.to", day=words.long_day(date(2027, 1, 13)), time="14:30")
    page.get_by_role("button", name=name).click()
    see(page, words.say("booking.title_moved"))
    expect(page.locator("main")).to_contain_text("14:30–15:00")


def test_sending_the_form_twice_books_once(site: Site, opened: Opener) -> None:
    words = words_of("de")
    address = site.calendar([site.host("Ada Lindner")])
    page = opened()
    page.goto(f"/{address}/form?start=2027-01-12T10:00:00Z&tz=Europe/Berlin")
    fill(page, words, "Grace Hopper", "grace@example.org")
    press(page, words, "form.book")
    see(page, words.say("booking.title_confirmed"))
    first = page.url
    page.go_back()
    expect(page.get_by_label(words.say("form.name"), exact=True)).to_have_value("Grace Hopper")
    press(page, words, "form.book")
    see(page, words.say("booking.title_confirmed"))
    assert page.url == first


def test_errors_stand_beside_their_fields_and_what_was_written_stays(site: Site, opened: Opener) -> None:
    words = words_of("de")
    address = site.calendar([site.host("Ada Lindner")])
    page = opened(script=False)
    page.goto(f"/{address}/form?start=2027-01-12T10:00:00Z&tz=Europe/Berlin")
    fill(page, words, "  ", "grace@")
    page.get_by_text(words.say("form.companions"), exact=True).click()
    page.get_by_label(words.say("form.companion_name")).nth(1).fill("Charles Babbage")
    press(page, words, "form.book")
    summary = page.get_by_role("alert")
    expect(summary.get_by_role("link")).to_have_text(
        [words.say("form.name_missing"), words.say("form.email_wrong"), words.say("form.email_missing")]
    )
    email = page.get_by_label(words.say("form.email"), exact=True)
    expect(email).to_have_value("grace@")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description(re.compile(re.escape(words.say("form.email_wrong"))))
    expect(page.get_by_label(words.say("form.companion_name")).nth(1)).to_have_value("Charles Babbage")
    expect(page.locator("#guest_email_1")).to_have_attribute("aria-invalid", "true")
    summary.get_by_role("link").nth(1).click()
    expect(email).to_be_focused()
    fill(page, words, "Grace", "grace@example.org")
    page.locator("#guest_email_1").fill("charles@example.org")
    press(page, words, "form.book")
    see(page, words.say("booking.title_confirmed"))
    expect(page.locator("main")).to_contain_text("Charles Babbage")


def test_the_script_shows_times_in_the_guests_own_zone_and_the_selector_changes_it(site: Site, opened: Opener) -> None:
    address = site.calendar([site.host("Ada Lindner")])
    page = opened(zone="America/New_York")
    page.goto(f"/{address}?day=2027-01-12")
    page.wait_for_url(re.compile("tz=America%2FNew_York"))
    expect(page.locator(".times")).to_contain_text("New York (UTC−5)")
    expect(page.get_by_role("link", name="03:00", exact=True)).to_be_visible()
    page.locator("#tz").select_option("Asia/Kolkata")
    press(page, words_of("de"), "zone.change")
    expect(page.locator(".times")).to_contain_text("(UTC+5:30)")
    expect(page.get_by_role("link", name="13:30", exact=True)).to_be_visible()
    assert "day=2027-01-12" in page.url


def test_both_zones_are_named_where_they_differ(site: Site, opened: Opener) -> None:
    address = site.calendar([site.host("Ada Lindner")])
    token = site.book(address, "2027-01-12T11:00:00+01:00", tz="America/New_York")["token"]
    page = opened("en-GB")
    page.goto(f"/b/{token}")
    expect(page.locator("main")).to_contain_text("05:00–05:30 New York time (UTC−5)")
    expect(page.locator("main")).to_contain_text("11:00–11:30 in Berlin (UTC+1)")


def test_a_request_that_is_not_decided_waits_on_its_page_which_updates_itself(site: Site, opened: Opener) -> None:
    words = words_of("de")
    address = site.calendar([site.host("Ada Lindner")])
    page = opened(script=False)
    page.goto(f"/{address}/form?start=2027-01-12T10:00:00Z&tz=Europe/Berlin")
    fill(page, words, "Grace Hopper", "grace@example.org")
    with site.without("availability"):
        press(page, words, "form.book")
        see(page, words.say("booking.title_requested"))
    see(page, words.say("booking.title_confirmed"))


def test_a_move_that_is_not_decided_waits_on_the_page_of_the_booking(site: Site, opened: Opener) -> None:
    words = words_of("de")
    address = site.calendar([site.host("Ada Lindner")])
    token = site.book(address, "2027-01-12T11:00:00+01:00")["token"]
    page = opened(script=False)
    page.goto(f"/b/{token}/move?start=2027-01-13T14:00:00Z")
    with site.without("availability"):
        press(page, words, "move.button")
        see(page, words.say("booking.title_moving"))
        expect(page.locator("main")).to_contain_text(words.long_day(date(2027, 1, 12)))
        expect(page.locator("main")).to_contain_text("15:00–15:30")
    see(page, words.say("booking.title_moved"))


def test_a_calendar_that_changed_meanwhile_is_shown_anew_before_anything_is_booked(site: Site, opened: Opener) -> None:
    words = words_of("en")
    address = site.calendar([site.host("Ada Lindner")])
    page = opened("en-GB")
    page.goto(f"/{address}/form?start=2027-01-12T10:00:00Z&tz=Europe/Berlin")
    fill(page, words, "Grace Hopper", "grace@example.org")
    site.change(address, duration_minutes=45)
    press(page, words, "form.book")
    expect(page.get_by_role("alert")).to_contain_text("45 minutes")
    expect(page.get_by_label(words.say("form.name"), exact=True)).to_have_value("Grace Hopper")
    expect(page.locator("main")).to_contain_text("11:00–11:45")
    press(page, words, "form.book")
    see(page, words.say("booking.title_confirmed"))


def test_when_the_api_is_away_the_guest_sends_the_same_again_and_books_once(site: Site, opened: Opener) -> None:
    words = words_of("de")
    address = site.calendar([site.host("Ada Lindner")])
    page = opened(script=False)
    page.goto(f"/{address}/form?start=2027-01-12T10:00:00Z&tz=Europe/Berlin")
    fill(page, words, "Grace Hopper", "grace@example.org")
    with site.without_api():
        press(page, words, "form.book")
        see(page, words.say("again.title_away"))
        other = opened(script=False)
        answer = other.goto(f"/{address}")
        assert answer is not None
        assert answer.status == 503
        see(other, words.say("problem.title_away"))
    press(page, words, "again.button")
    see(page, words.say("booking.title_confirmed"))


def test_nothing_of_a_guest_stands_in_the_logs(site: Site, opened: Opener) -> None:
    words = words_of("de")
    address = site.calendar([site.host("Ada Lindner")])
    page = opened()
    page.goto(f"/{address}/form?start=2027-01-12T10:00:00Z&tz=Europe/Berlin")
    fill(page, words, "Grace Unmistakable", "grace.unmistakable@example.org")
    press(page, words, "form.book")
    see(page, words.say("booking.title_confirmed"))
    token = page.url.rpartition("/")[2]
    lines = site.log.getvalue()
    assert '"method": "POST"' in lines
    for secret in (token, "unmistakable", "Unmistakable"):
        assert secret not in lines
