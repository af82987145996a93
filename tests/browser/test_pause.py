"""A member pauses and resumes, step by step, in German and in English, without scripts."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.guest import see
from tests.browser.site import Site
from tests.browser.test_console import signed_in

DAY = "2027-01-12"


@pytest.fixture(params=["de-DE", "en-GB"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_somebody_else_is_paused_until_a_day_and_resumes(site: Site, opened: Opener, locale: str) -> None:
    name = f"Hanna Reitz {locale[:2]}"
    address = site.calendar([site.host(name)])
    assert site.slots(address, DAY)
    staff = signed_in(opened, locale, script=False)
    page, say = staff.page, staff.words.say
    # Einstellungen > Team > Hanna > Pausieren
    staff.go("nav.settings", "nav.team")
    page.get_by_role("link", name=name).click()
    staff.follow("pause.ask")
    see(page, say("pause.title_of", name=name))
    expect(page.locator("main")).to_contain_text(say("pause.happens"))
    page.locator("#until").fill("2027-01-04")
    staff.press("pause.button")
    expect(page.locator("#until-error")).to_contain_text(say("wrong.pause_day"))
    page.locator("#until").fill("2027-01-13")
    staff.press("pause.button")
    staff.told("done.member_paused")
    while site.slots(address, DAY):  # availability hears of it a moment later
        page.wait_for_timeout(50)
    assert site.slots(address, "2027-01-13")
    staff.go("nav.settings", "nav.team")
    line = page.get_by_role("listitem").filter(has_text=name)
    expect(line).to_contain_text(say("team.badge_paused"))
    line.get_by_role("link").click()
    staff.press("pause.resume")
    staff.told("done.member_resumed")
    while not site.slots(address, DAY):
        page.wait_for_timeout(50)


def test_one_pauses_in_ones_own_profile_and_is_reminded_of_it(opened: Opener, locale: str) -> None:
    staff = signed_in(opened, locale, script=False)
    page, say = staff.page, staff.words.say
    # Mein Profil
    staff.go("nav.profile", "nav.account")
    staff.follow("pause.ask")
    see(page, say("pause.title"))
    staff.press("pause.button")
    staff.told("done.member_paused")
    staff.go("", "nav.overview")
    expect(page.get_by_role("region", name=say("overview.attention"))).to_contain_text(say("overview.paused"))
    staff.go("nav.profile", "nav.account")
    staff.press("pause.resume")
    staff.told("done.member_resumed")
    staff.go("", "nav.overview")
    expect(page.get_by_text(say("overview.paused"), exact=True)).to_have_count(0)
