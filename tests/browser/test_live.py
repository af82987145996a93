"""Pages that stay true by themselves: a guest's list of free times, the overview, an open booking."""

import re
import sys
from datetime import date
from statistics import median
from time import monotonic

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opener
from tests.browser.guest import fill, press, see, words_of
from tests.browser.site import Site
from tests.browser.test_console import signed_in

DAY = "2027-01-12"
GONE = "time => ![...document.querySelectorAll('.times a')].some(one => one.innerText.trim() === time)"


def time_of(page: Page, label: str) -> None:
    expect(page.locator(".times").get_by_role("link", name=label, exact=True)).to_be_visible()


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_a_time_that_somebody_books_leaves_the_other_browsers_list(site: Site, opened: Opener, locale: str) -> None:
    words = words_of(locale)
    address = site.calendar([site.host("Ada Lindner")])
    one, other = opened(locale), opened(locale)
    for page in (one, other):
        page.goto(f"/{address}?day={DAY}")
        time_of(page, "10:00")
    other.locator(".times").get_by_role("link", name="10:30", exact=True).focus()
    one.get_by_role("link", name="10:00", exact=True).click()
    fill(one, words, "Grace Hopper", "grace@example.org")
    press(one, words, "form.book")
    see(one, words.say("booking.title_confirmed"))
    expect(other.locator(".times").get_by_role("link", name="10:00", exact=True)).to_have_count(0)
    expect(other.get_by_role("status")).to_have_text(words.say("picker.changed"))
    # Whoever is about to press a key is where they were.
    expect(other.locator(".times").get_by_role("link", name="10:30", exact=True)).to_be_focused()
    # It goes on: later changes are seen as well.
    took: list[float] = []
    for time in ("15:00", "11:30", "13:00", "16:00", "12:00"):
        site.book(address, f"{DAY}T{time}:00+01:00")
        booked = monotonic()
        other.wait_for_function(GONE, arg=time)
        took.append(monotonic() - booked)
    told = f"{median(took) * 1000:.0f} ms, {max(took) * 1000:.0f} at most"
    sys.stdout.write(f"\na booked time leaves the list of another browser ({locale}) after {told} (of {len(took)})\n")


def test_a_click_on_a_time_that_is_gone_offers_others_and_keeps_the_input(site: Site, opened: Opener) -> None:
    words = words_of("de")
    address = site.calendar([site.host("Ada Lindner")])
    page = opened()
    page.route("**/watch?*", lambda route: route.abort())  # the news does not reach this browser
    page.goto(f"/{address}?day={DAY}")
    time_of(page, "10:00")
    site.book(address, f"{DAY}T10:00:00+01:00")
    page.get_by_role("link", name="10:00", exact=True).click()
    fill(page, words, "Grace Hopper", "grace@example.org")
    press(page, words, "form.book")
    see(page, words.say("taken.title_slot_taken"))
    name = words.say("taken.book", day=words.long_day(date(2027, 1, 12)), time="10:30")
    page.get_by_role("button", name=name).click()
    see(page, words.say("booking.title_confirmed"))
    expect(page.locator("main")).to_contain_text("Grace Hopper")


def test_a_list_that_cannot_be_watched_for_a_while_is_watched_again(site: Site, opened: Opener) -> None:
    address = site.calendar([site.host("Ada Lindner")])
    page = opened()
    refused: list[str] = []

    def refuse_twice(route: Route) -> None:
        refused.append(route.request.url)
        if len(refused) > 2:
            route.fallback()
        else:
            route.fulfill(status=503, body="")

    page.route("**/watch?*", refuse_twice)
    page.goto(f"/{address}?day={DAY}")
    time_of(page, "10:00")
    site.book(address, f"{DAY}T10:00:00+01:00")
    expect(page.locator(".times").get_by_role("link", name="10:00", exact=True)).to_have_count(0)
    assert len(refused) > 2


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_the_overview_and_an_open_booking_follow_what_happens(site: Site, opened: Opener, locale: str) -> None:
    name, words = f"Live {locale}", words_of(locale)
    address = site.calendar([site.host("Ada Lindner")])
    staff = signed_in(opened, locale)
    page = staff.page
    expect(page.get_by_text(words.say("live.by_itself"))).to_be_visible()
    expect(page.get_by_role("link", name=words.say("live.reload"))).to_be_hidden()
    guest = {"name": name, "email": "live@example.org"}
    booked = site.book(address, "2027-01-04T09:00:00+01:00", guest=guest)
    line = page.get_by_role("link", name=re.compile(name))
    expect(line).to_be_visible()
    line.click()
    see(page, name)
    expect(page.get_by_text(words.say("live.by_itself"))).to_be_visible()
    site.call(site._send("POST", "/bookings/current/cancel", {}, 200, token=booked["token"]))
    expect(page.locator(".history")).to_contain_text(words.say("history.cancelled"))
    expect(page.get_by_role("link", name=words.say("booking.move"))).to_have_count(0)


def test_without_scripts_a_link_reads_the_page_again(site: Site, opened: Opener) -> None:
    address = site.calendar([site.host("Ada Lindner")])
    staff = signed_in(opened, "de-DE", script=False)
    page, words = staff.page, staff.words
    expect(page.get_by_text(words.say("live.by_itself"))).to_be_hidden()
    site.book(address, "2027-01-04T11:00:00+01:00", guest={"name": "Ohne Skript", "email": "x@example.org"})
    expect(page.get_by_role("link", name=re.compile("Ohne Skript"))).to_have_count(0)
    page.get_by_role("link", name=words.say("live.reload")).click()
    expect(page.get_by_role("link", name=re.compile("Ohne Skript"))).to_be_visible()
