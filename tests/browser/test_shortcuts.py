"""The console by keys: searching, going, and being left in peace."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.site import Site
from tests.browser.test_console import Staff, signed_in


@pytest.fixture(params=["de-DE", "en-GB"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def at(page: Page, path: str) -> None:
    expect(page).to_have_url(re.compile(rf"{path}(\?[^#]*)?(#.*)?$"))


def entered(opened: Opener, locale: str, *, script: bool = True) -> Staff:
    staff = signed_in(opened, locale, script=script)
    expect(staff.page.locator("nav.side [aria-current]")).to_have_count(1)
    return staff


def test_a_guest_is_searched_for_by_keys_alone(site: Site, opened: Opener, locale: str) -> None:
    address = site.calendar([site.host("Cleo Sanders")])
    name = f"Jürgen Müller-{locale[:2]}"
    site.book(address, "2027-02-01T09:00:00+01:00", guest={"name": name, "email": "jm@example.org"})
    site.book(address, "2027-02-01T10:00:00+01:00", guest={"name": "Grace Hopper", "email": "grace@example.org"})
    staff = entered(opened, locale)
    page, say = staff.page, staff.words.say
    page.keyboard.press("/")
    at(page, "/console/bookings")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type(f"MUELLER {locale[:2]}")
    page.locator("#from").fill("")
    page.keyboard.press("Enter")
    expect(page.locator(".entries .who")).to_have_text([name])
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.get_by_role("columnheader", name=say("search.created")).get_by_role("link").click()
    expect(page.get_by_role("columnheader", name=say("search.created"))).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".entries .who")).to_have_text([name])
    page.get_by_role("link", name=name).click()
    staff.follow("booking.back")
    expect(page.locator("#q")).to_have_value(f"MUELLER {locale[:2]}")
    expect(page.locator(".entry:target")).to_contain_text(name)


def test_g_and_a_letter_go_somewhere_and_a_question_mark_shows_the_letters(opened: Opener, locale: str) -> None:
    staff = entered(opened, locale)
    page, say = staff.page, staff.words.say
    for name, path in (("calendars", "/console/calendars"), ("team", "/console/team"), ("groups", "/console/groups")):
        page.keyboard.press("g")
        page.keyboard.press(say(f"go.{name}"))
        at(page, path)
    page.keyboard.press("?")
    at(page, "/console/shortcuts")
    expect(page.locator("h1")).to_have_text(say("shortcuts.title"))
    page.keyboard.press("g")
    page.keyboard.press("x")  # nothing: and the next letter is none any more
    page.keyboard.press(say("go.team"))
    page.keyboard.press("g")
    page.keyboard.press(say("go.bookings"))
    at(page, "/console/bookings")


def test_keys_are_left_alone_in_fields_and_with_control(opened: Opener) -> None:
    page = entered(opened, "en-GB").page
    page.goto("/console/bookings?lang=en")
    page.locator("#q").focus()
    page.keyboard.type("g/?t")
    expect(page.locator("#q")).to_have_value("g/?t")
    page.locator("#calendar").focus()
    page.keyboard.type("gt")
    page.locator("h1").click()
    for key in ("Control+/", "Alt+g", "Meta+g"):
        page.keyboard.press(key)
        page.keyboard.press("t")
    expect(page.locator("#q")).not_to_be_focused()
    at(page, "/console/bookings")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()


def test_the_keys_can_be_switched_off_and_stay_off(opened: Opener, locale: str) -> None:
    staff = entered(opened, locale)
    page, say = staff.page, staff.words.say
    page.get_by_role("contentinfo").get_by_role("link", name=say("shortcuts.title")).click()
    at(page, "/console/shortcuts")
    box = page.get_by_role("checkbox", name=say("keys.use"))
    expect(box).to_be_checked()
    box.uncheck()
    page.goto(f"/console/bookings?lang={locale[:2]}")
    page.keyboard.press("/")
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press(say("go.team"))
    expect(page.locator("#q")).not_to_be_focused()
    at(page, "/console/bookings")
    page.goto(f"/console/shortcuts?lang={locale[:2]}")
    expect(box).not_to_be_checked()
    box.check()
    page.keyboard.press("g")
    page.keyboard.press(say("go.team"))
    at(page, "/console/team")


def test_without_a_script_the_page_says_so_and_its_links_lead_there(opened: Opener, locale: str) -> None:
    staff = entered(opened, locale, script=False)
    page, say = staff.page, staff.words.say
    page.get_by_role("contentinfo").get_by_role("link", name=say("shortcuts.title")).click()
    expect(page.get_by_text(say("keys.without"))).to_be_visible()
    expect(page.locator("#shortcuts-used")).to_be_hidden()
    staff.follow("nav.team")
    at(page, "/console/team")
