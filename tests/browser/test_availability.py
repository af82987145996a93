"""Somebody's own availability and why a time is not offered, by the keyboard alone, in both languages."""

import re
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from services.web.adapters.words import Words
from tests.browser.conftest import Opener
from tests.browser.guest import see, words_of
from tests.browser.keyboard import Keyboard
from tests.browser.site import OWNER_EMAIL, OWNER_PASSWORD, Site

TUESDAY = date(2027, 1, 12)


def entered(page: Page, words: Words, path: str) -> Keyboard:
    """The owner at this page, signed in by the keyboard."""
    keys = Keyboard(page)
    page.goto(f"/console?lang={words.language}")
    keys.write(re.escape(words.say("form.email")), OWNER_EMAIL)
    keys.write(re.escape(words.say("sign_in.password")), OWNER_PASSWORD)
    keys.enter(re.escape(words.say("sign_in.button")))
    see(page, words.say("overview.title", name="Olga Sommer"))
    page.goto(f"{path}{'&' if '?' in path else '?'}lang={words.language}")
    return keys


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_somebody_blocks_a_day_and_sets_limits_and_guests_are_offered_less(
    site: Site, opened: Opener, locale: str
) -> None:
    words = words_of(locale)
    say = words.say
    ada = site.host(f"Ava {locale}")
    address, other = site.calendar([ada]), site.calendar([ada])
    assert site.slots(address, TUESDAY.isoformat())
    page = opened(locale, script=False)
    keys = entered(page, words, f"/console/availability?member={ada}")
    keys.to(re.escape(say("blocks.new")))
    page.keyboard.press("Enter")
    keys.write_day(re.escape(say("blocks.start")), TUESDAY)
    keys.write(re.escape(say("blocks.start_time")), "00:00")
    keys.write_day(re.escape(say("blocks.end")), TUESDAY)
    keys.write(re.escape(say("blocks.end_time")), "24:00")
    keys.enter(re.escape(say("blocks.keep")))
    expect(page.get_by_role("status").filter(has_text=say("done.blocked"))).to_be_visible()
    assert site.slots(address, TUESDAY.isoformat()) == site.slots(other, TUESDAY.isoformat()) == []
    keys.write(f"{re.escape(say('draft.limit_day'))}.*", "1")
    keys.enter(re.escape(say("limits.keep")))
    expect(page.get_by_role("status").filter(has_text=say("done.limits_kept"))).to_be_visible()
    expect(page.locator("#limit_day")).to_have_value("1")
    site.book(address, "2027-01-13T10:00:00+01:00")
    assert site.slots(other, "2027-01-13") == []
    assert site.slots(other, "2027-01-14")


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_an_admin_finds_out_why_tuesday_at_ten_is_not_offered(site: Site, opened: Opener, locale: str) -> None:
    words = words_of(locale)
    say = words.say
    ada, bernd = (site.host(f"{name} {locale}") for name in ("Ava", "Ben"))
    address = site.calendar([ada, bernd], name=f"Why {locale}")
    calendar_id = site.get("/calendars", address=address)["id"]
    for _ in range(2):
        site.book(address, f"{TUESDAY}T10:00:00+01:00")
    page = opened(locale, script=False)
    keys = entered(page, words, f"/console/calendars/{calendar_id}")
    keys.enter(re.escape(say("why.link")))
    see(page, say("why.title"))
    keys.write_day(re.escape(say("why.day")), TUESDAY)
    keys.write(f"{re.escape(say('why.time'))}.*", "10:00")
    keys.enter(re.escape(say("bookings.show")))
    answer = page.locator("#time-asked")
    told = {"day": words.short_day(TUESDAY), "time": "10:00"}
    expect(answer).to_contain_text(say("why.not_offered", **told))
    for name in (f"Ava {locale}", f"Ben {locale}"):
        member = page.get_by_role("region", name=name, exact=True)
        expect(member).to_contain_text(say("because.booked", span="10:00–10:30"))
        expect(member.get_by_role("list", name=say("why.lines", name=name))).to_contain_text("10:00–10:30")
        expect(member.locator("svg.strip rect.is-busy")).to_have_count(1)
    # The nearest time is a link away, and is offered.
    following = [re.escape(say("why.next", day=words.short_day(TUESDAY), time=at)) for at in ("09:30", "10:30")]
    keys.enter("|".join(following))
    at = page.locator("#time").input_value()
    expect(answer).to_contain_text(say("why.offered", day=words.short_day(TUESDAY), time=at))
    expect(page.get_by_text(say("why.yes"), exact=True).first).to_be_visible()
    keys.enter(re.escape(say("why.later")))
    expect(page.get_by_role("heading", name=words.long_day(date(2027, 1, 13)))).to_be_visible()
