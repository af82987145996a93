"""Everything by the keyboard alone, with and without scripts: the guest's whole way, and a calendar from nothing."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.guest import see, words_of
from tests.browser.keyboard import Keyboard
from tests.browser.site import OWNER_EMAIL, OWNER_PASSWORD, Site

BOTH = pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
DAY, OTHER_DAY = date(2027, 1, 12), date(2027, 1, 13)


@BOTH
def test_a_guest_books_moves_and_cancels_by_the_keyboard_alone(site: Site, opened: Opener, script: bool) -> None:
    words = words_of("de")
    say = words.say
    address = site.calendar([site.host("Ada Lindner")])
    page = opened(script=script)
    keys = Keyboard(page)
    page.goto(f"/{address}?lang=de")
    # The first stop leads past everything.
    assert keys.on()["name"] == say("skip")
    page.keyboard.press("Enter")
    assert keys.on()["part"] == "main"
    # A day; its times come next.
    keys.enter(f"{words.long_day(DAY)}, .*")
    see(page, "Beratung")
    assert keys.on()["within"] == "times"
    keys.enter("10:30")
    see(page, say("form.title"))
    keys.write(re.escape(say("form.name")), "Grace Hopper")
    keys.write(re.escape(say("form.email")), "grace@example.org")
    keys.enter(re.escape(say("form.book")))
    see(page, say("booking.title_confirmed"))
    expect(page.locator("main")).to_contain_text("10:30–11:00")
    keys.enter(re.escape(say("booking.move")))
    keys.enter(f"{words.long_day(OTHER_DAY)}, .*")
    keys.enter("14:00")
    keys.enter(re.escape(say("move.button")))
    see(page, say("booking.title_moved"))
    expect(page.locator("main")).to_contain_text(words.long_day(OTHER_DAY))
    keys.enter(re.escape(say("booking.cancel")))
    keys.write(f"{re.escape(say('cancel.reason'))}.*", "Ich bin krank.")
    keys.enter(re.escape(say("cancel.button")))
    see(page, say("booking.title_cancelled"))
    expect(page.locator("main")).to_contain_text("Ich bin krank.")


@BOTH
def test_a_calendar_is_made_and_published_by_the_keyboard_alone(site: Site, opened: Opener, script: bool) -> None:
    say = words_of("de").say
    name = f"Tastatur {int(script)}"
    page = opened(script=script)
    keys = Keyboard(page)
    page.goto("/console?lang=de")
    see(page, say("sign_in.title"))
    keys.write(re.escape(say("form.email")), OWNER_EMAIL)
    keys.write(re.escape(say("sign_in.password")), OWNER_PASSWORD)
    keys.enter(re.escape(say("sign_in.button")))
    see(page, say("overview.title", name="Olga Sommer"))
    keys.enter(re.escape(say("nav.calendars")))
    keys.enter(re.escape(say("calendars.new")))
    keys.enter(f"{re.escape(say('kind.personal'))}.*")
    keys.write(re.escape(say("draft.name")), name)
    keys.write(f"{re.escape(say('draft.description'))}.*", "Ohne Maus.")
    # Among the choices of a group by the arrows.
    keys.to(re.escape(say("draft.place_none")))
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    keys.write(f"{re.escape(say('draft.place_value'))}.*", "+49 30 1234567")
    keys.write(re.escape(say("draft.buffer_after")), "15")
    keys.enter(re.escape(say("draft.publish")))
    expect(page.get_by_role("status")).to_contain_text(say("done.calendar_published"))
    made = site.get("/calendars", address=f"sonnenhof/tastatur-{int(script)}")
    assert (made["name"], made["description"]) == (name, "Ohne Maus.")
    assert made["location"] == {"kind": "phone", "value": "+49 30 1234567"}


@pytest.mark.parametrize(("script", "width"), [(True, 1280), (False, 360)])
def test_the_focus_goes_once_around_every_page_and_can_be_seen_everywhere(
    site: Site, opened: Opener, script: bool, width: int
) -> None:
    say = words_of("de").say
    address = site.calendar([site.host("Ada Lindner")], location={"kind": "link", "value": "https://meet.example.org"})
    token = site.book(address, "2027-01-12T11:00:00+01:00")["token"]
    calendar_id = site.get("/calendars", address=address)["id"]
    page = opened(script=script, viewport={"width": width, "height": 700})
    keys = Keyboard(page)
    for path in (
        "/sonnenhof",
        f"/{address}?day={DAY}&tz=Europe/Berlin",
        f"/{address}/form?start=2027-01-12T12:00:00Z&tz=Europe/Berlin",
        f"/b/{token}",
        f"/b/{token}/move?day={DAY}",
        f"/b/{token}/move?start=2027-01-13T12:00:00Z&tz=Europe/Berlin",
        f"/b/{token}/cancel",
        "/console/sign-in",
        "/console/start",
    ):
        page.goto(path)
        keys.around()
    page.goto("/console?lang=de")
    keys.write(re.escape(say("form.email")), OWNER_EMAIL)
    keys.write(re.escape(say("sign_in.password")), OWNER_PASSWORD)
    keys.enter(re.escape(say("sign_in.button")))
    for path in (
        "",
        "/bookings",
        "/calendars",
        "/calendars/new",
        "/calendars/new/personal",
        f"/calendars/{calendar_id}",
        "/groups/new",
        "/availability",
        f"/calendars/{calendar_id}/why?date={DAY}&time=11:00",
    ):
        page.goto(f"/console{path}")
        keys.around()
