"""Public holidays are taken over as days off, and guests are offered no time on them."""

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.guest import see, words_of
from tests.browser.site import Site
from tests.browser.test_console import signed_in

CORPUS_CHRISTI, DAY_AFTER = date(2028, 6, 15), date(2028, 6, 16)
FAR: dict[str, Any] = {"window": {"kind": "rolling", "count": 700, "unit": "days", "counting": "calendar"}}


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_the_holidays_of_bavaria_next_year_are_taken_over(site: Site, opened: Opener, locale: str) -> None:
    name = f"Emmy Noether {locale[:2]}"
    address = site.calendar([site.host(name)], **FAR)
    assert site.slots(address, CORPUS_CHRISTI.isoformat())
    staff = signed_in(opened, locale, script=False, path="/console/availability")
    page, words = staff.page, staff.words
    page.locator("#member").select_option(label=name)
    staff.press("bookings.show")
    staff.follow("holidays.open")
    see(page, words.say("holidays.title_of", name=name))
    # The country of their zone is proposed
    expect(page.locator("#country")).to_have_value("DE")
    page.locator("#region").select_option(label="Bayern")
    page.locator("#year").select_option("2028")
    staff.press("bookings.show")
    feast = {"de-DE": "Fronleichnam", "en-GB": "Corpus Christi"}[locale]
    expect(page.get_by_label(feast)).to_be_checked()
    expect(page.locator(".holidays li")).to_have_count(12)
    page.get_by_label({"de-DE": "Karfreitag", "en-GB": "Good Friday"}[locale]).uncheck()
    staff.press("holidays.take")
    staff.told("done.holidays_taken")
    see(page, words.say("hours.title_of", name=name))
    expect(page.locator(".lines").filter(has_text=feast).first).to_be_visible()
    page.goto(f"{page.url}&month=2028-06".replace("month=2028-01&", ""))
    expect(page.locator(".named-days")).to_contain_text(f"{feast} – {words.say('dates.off')}")
    day = page.locator(".plans").get_by_role("link", name=f"{words.long_day(CORPUS_CHRISTI)}: {feast}")
    expect(day).to_be_visible()
    assert site.slots(address, CORPUS_CHRISTI.isoformat()) == []
    assert site.slots(address, "2028-04-14"), "Good Friday was left out"
    # A guest
    guest = opened(locale, script=False)
    guest.goto(f"/{address}?month=2028-06&tz=Europe/Berlin&lang={locale[:2]}")
    told = words_of(locale).long_day
    expect(guest.get_by_role("link", name=told(DAY_AFTER))).to_be_visible()
    expect(guest.get_by_role("link", name=told(CORPUS_CHRISTI))).to_have_count(0)
