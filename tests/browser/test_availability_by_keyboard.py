"""A member who is away, takes only so many bookings and looks busy, and an admin who is asked why: by the keyboard."""

import re
from datetime import date
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from services.web.adapters.words import Words
from tests.browser.conftest import Opener
from tests.browser.guest import see, words_of
from tests.browser.keyboard import Keyboard
from tests.browser.site import OWNER_EMAIL, OWNER_PASSWORD, Site
from tests.browser.staff import link_in

TUESDAY, THURSDAY, NEXT_TUESDAY = date(2027, 1, 12), date(2027, 1, 14), date(2027, 1, 19)
GOOD_FRIDAY = date(2027, 3, 26)
FAR: dict[str, Any] = {"window": {"kind": "rolling", "count": 200, "unit": "days", "counting": "calendar"}}


def accessible(page: Page) -> None:
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


def told(page: Page, text: str) -> None:
    """What was done is said, and what it led to is accessible."""
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()
    accessible(page)


def welcomed(site: Site, opened: Opener, words: Words, member_id: str, email: str) -> Keyboard:
    """The member at the console, by the link of their invitation."""
    site.post("/invitations", {"member_id": member_id}, 201, staff=True)
    (mail,) = site.mails(email, 1)
    page = opened("de-DE", reduced_motion="reduce")
    keys = Keyboard(page)
    page.goto(f"{link_in(mail, 'welcome')}?lang=de")
    keys.write(re.escape(words.say("sign_in.password")), "correct horse battery staple")
    keys.enter(re.escape(words.say("welcome.button")))
    return keys


def test_a_member_is_away_limits_bookings_and_looks_busy_and_an_admin_finds_out_why(site: Site, opened: Opener) -> None:
    words = words_of("de")
    say = words.say
    ada = site.host("Ada Urlaub")
    email = next(one["email"] for one in site.listed("/members") if one["id"] == ada)
    site.permit(ada, {"calendars": "manage", "bookings": "manage", "groups": "none", "assigned_only": True})
    address, other = (
        site.calendar([ada], name="Urlaubsgespräch", **FAR),
        site.calendar([ada], name="Nachgespräch", **FAR),
    )
    every = site.slots(address, NEXT_TUESDAY.isoformat())
    keys = welcomed(site, opened, words, ada, email)
    page = keys.page
    # Away from Tuesday to Thursday.
    keys.enter(re.escape(say("nav.availability")))
    keys.to(re.escape(say("blocks.new")))
    page.keyboard.press("Enter")
    keys.write_day(f"{re.escape(say('blocks.start'))}.*", TUESDAY)
    keys.write(re.escape(say("blocks.start_time")), "00:00")
    keys.write_day(f"{re.escape(say('blocks.end'))}.*", THURSDAY)
    keys.write(re.escape(say("blocks.end_time")), "24:00")
    keys.write(f"{re.escape(say('blocks.reason'))}.*", "Urlaub")
    keys.enter(re.escape(say("blocks.keep")))
    told(page, say("done.blocked"))
    for day in ("2027-01-12", "2027-01-13", "2027-01-14"):
        assert site.slots(address, day) == site.slots(other, day) == []
    assert site.slots(address, "2027-01-15")
    # Off on public holidays.
    assert site.slots(address, GOOD_FRIDAY.isoformat())
    keys.enter(re.escape(say("holidays.open")))
    accessible(page)
    keys.enter(re.escape(say("holidays.take")))
    told(page, say("done.holidays_taken"))
    assert site.slots(address, GOOD_FRIDAY.isoformat()) == []
    # Two bookings a day, in whatever calendar.
    keys.write(f"{re.escape(say('draft.limit_day'))}.*", "2")
    keys.enter(re.escape(say("limits.keep")))
    told(page, say("done.limits_kept"))
    for at, where in (("10:00", address), ("11:00", other)):
        site.book(where, f"2027-01-15T{at}:00+01:00")
    assert site.slots(address, "2027-01-15") == site.slots(other, "2027-01-15") == []
    # Half of all times hidden.
    keys.enter(re.escape(say("nav.calendars")))
    keys.enter("Urlaubsgespräch.*")
    keys.write(f"{re.escape(say('draft.look_busy'))}.*", "50")
    keys.enter(re.escape(say("draft.publish")))
    told(page, say("done.calendar_published"))
    shown = site.slots(address, NEXT_TUESDAY.isoformat())
    assert (len(every), len(shown)) == (16, 8)
    assert site.slots(other, NEXT_TUESDAY.isoformat()) == every
    # The admin.
    keys = Keyboard(opened("de-DE", reduced_motion="reduce"))
    page = keys.page
    page.goto("/console?lang=de")
    keys.write(re.escape(say("form.email")), OWNER_EMAIL)
    keys.write(re.escape(say("sign_in.password")), OWNER_PASSWORD)
    keys.enter(re.escape(say("sign_in.button")))
    keys.enter(re.escape(say("nav.calendars")))
    keys.enter("Urlaubsgespräch.*")
    keys.enter(re.escape(say("why.link")))
    see(page, say("why.title"))
    member = page.get_by_role("region", name="Ada Urlaub", exact=True)
    hidden = next(start for start in every if start not in shown)[11:16]
    for day, at, because in (
        (TUESDAY, "10:00", "Gesperrt"),
        (date(2027, 1, 15), "12:00", "Grenze"),
        (GOOD_FRIDAY, "10:00", say("against.member_off")),
        (NEXT_TUESDAY, hidden, "Look Busy"),
    ):
        keys.write_day(f"{re.escape(say('why.day'))}.*", day)
        keys.write(f"{re.escape(say('why.time'))}.*", at)
        keys.enter(re.escape(say("bookings.show")))
        expected = say("why.not_offered", day=words.short_day(day), time=at)
        expect(page.locator("#time-asked")).to_contain_text(expected)
        expect(member.locator(".tasks")).to_contain_text(re.compile(re.escape(because), re.IGNORECASE))
        accessible(page)
