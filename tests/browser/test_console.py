"""Staff in the console, step by step as the guide says, in German and in English, with and without scripts."""

import re
import sys
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.guest import see, words_of
from tests.browser.site import OWNER_EMAIL, OWNER_PASSWORD, Site
from tests.browser.staff import Staff, link_in, signed_in

MONDAY = "2027-01-11"


@pytest.fixture(params=["de-DE", "en-GB"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("script", [True, False])
def test_a_personal_booking_calendar_is_made_as_the_guide_says(
    site: Site, opened: Opener, locale: str, script: bool
) -> None:
    staff = signed_in(opened, locale, script=script)
    page, say = staff.page, staff.words.say
    slug = f"erstgespraech-{locale[:2]}-{int(script)}"
    # Webtools > Kalender > Neuer Kalender
    staff.go("nav.webtools", "nav.calendars")
    staff.follow("calendars.new")
    # Wähle "Persönlicher Buchungskalender"
    page.get_by_role("link", name=say("kind.personal")).click()
    see(page, say("draft.new_personal"))
    # Gib einen Namen, eine Beschreibung und eine URL für den Kalender ein
    staff.fill("draft.name", "Erstgespräch")
    page.locator("#description").fill("Wir lernen uns kennen.")
    page.locator("#slug").fill(slug)
    # Videokonferenz-Optionen: Telefonanruf wählen
    page.get_by_label(say("draft.place_phone")).check()
    page.locator("#location_value").fill("+49 30 1234567")
    # Pufferzeiten, Frist (mind. 24h vorher), Enddatum (max. 60 Tage im Voraus)
    page.locator("#buffer_after_minutes").fill("15")
    page.locator("#notice_minutes").fill("24")
    page.locator("select[name=notice_minutes_unit]").select_option("hours")
    page.get_by_label(say("draft.window_rolling")).check()
    page.locator("#window_count").fill("60")
    # Speichern und fertig!
    staff.press("draft.publish")
    staff.told("done.calendar_published")
    public = site.get("/calendars", address=f"sonnenhof/{slug}")
    assert public["location"] == {"kind": "phone", "value": "+49 30 1234567"}
    assert public["description"] == "Wir lernen uns kennen."


def test_the_days_and_hours_that_are_set_are_those_that_guests_are_offered(
    site: Site, opened: Opener, locale: str
) -> None:
    staff = signed_in(opened, locale, script=False)
    page, say = staff.page, staff.words.say
    staff.go("nav.profile", "nav.availability")
    whose = site.owner_id()
    if locale == "en-GB":  # another's, as those may who run the team
        whose = site.host("Ida Noddack")
        page.reload()
        page.locator("#member").select_option(label="Ida Noddack")
        staff.press("bookings.show")
        see(page, say("hours.title_of", name="Ida Noddack"))
    # Tage und Uhrzeiten auswählen, an denen Termine gebucht werden können
    monday = page.locator("#hours-1")
    monday.locator("input").first.fill("10:00")
    monday.locator("input").nth(1).fill("11:00")
    monday.get_by_role("button", name=say("hours.more_on", day=staff.words.days_from_monday()[0][1])).click()
    expect(monday.locator("input")).to_have_count(4)
    monday.locator("input").nth(2).fill("14")
    staff.press("hours.keep")
    expect(page.locator("#hours-1")).to_contain_text(say("wrong.clock"))
    expect(monday.locator("input").first).to_have_value("10:00")
    monday.locator("input").nth(2).fill("14:00")
    monday.locator("input").nth(3).fill("15:00")
    staff.press("hours.keep")
    staff.told("done.hours_kept")
    if locale == "de-DE":  # one's own for the first time: what guests can book comes next
        see(page, say("nav.calendars"))
        staff.go("nav.profile", "nav.availability")
    address = site.calendar([whose], tz="Europe/Berlin")
    assert [at[11:16] for at in site.slots(address, MONDAY)] == ["10:00", "10:30", "14:00", "14:30"]
    # Ein freier Tag
    page.locator(".plans").get_by_role("link", name=staff.words.long_day(date.fromisoformat(MONDAY))).click()
    page.get_by_label(say("dates.kind_off"), exact=True).check()
    staff.press("dates.keep")
    staff.told("done.day_off")
    assert site.slots(address, MONDAY) == []
    page.get_by_label(say("dates.kind_usual"), exact=True).check()
    staff.press("dates.keep")
    staff.told("done.day_usual")
    assert len(site.slots(address, MONDAY)) == 4


def test_a_round_robin_calendar_is_made_as_the_guide_says(site: Site, opened: Opener, locale: str) -> None:
    names = [f"Ada {locale}", f"Bernd {locale}"]
    for name in names:
        site.host(name)
    staff = signed_in(opened, locale)
    page, say = staff.page, staff.words.say
    staff.go("nav.webtools", "nav.calendars")
    staff.follow("calendars.new")
    page.get_by_role("link", name=say("kind.round_robin")).click()
    # Teammitglieder hinzufügen
    for name in names:
        page.get_by_label(name, exact=True).check()
    # Verteilungsmethode wählen
    page.get_by_label(say("draft.optimize_equal")).check()
    # Prioritäten festlegen (2:1)
    page.get_by_label(say("draft.weight_of", name=names[0])).fill("2")
    # Neu geplante Termine erneut zuweisen
    page.get_by_label(say("draft.reschedule_again")).check()
    staff.fill("draft.name", "Support")
    slug = f"support-{locale[:2].lower()}"
    page.locator("#slug").fill(slug)
    staff.press("draft.publish")
    staff.told("done.calendar_published")
    public = site.get("/calendars", address=f"sonnenhof/{slug}")
    assert sorted(one["name"] for one in public["hosts"]) == sorted(names)
    expect(page.get_by_label(say("draft.weight_of", name=names[0]))).to_have_value("2")


@pytest.mark.parametrize("script", [True, False])
def test_calendars_are_grouped_as_the_guide_says(site: Site, opened: Opener, locale: str, script: bool) -> None:
    tag = f"{locale[:2]}{int(script)}"
    names = [f"{name} {tag}" for name in ("Beratung", "Coaching", "Support")]
    host = site.host("Emil Ek")
    addresses = [site.calendar([host], name=name) for name in names]
    staff = signed_in(opened, locale, script=script)
    page, say = staff.page, staff.words.say
    # Webtools > Kalendergruppen > Neue Gruppe
    staff.go("nav.webtools", "nav.groups")
    staff.follow("groups.new")
    # Vergib einen Namen (z. B. "Kundenbetreuung")
    staff.fill("start.name", f"Kundenbetreuung {tag}")
    # Füge Kalender hinzu
    for name in names:
        page.get_by_label(name, exact=True).check()
    # Reihenfolge anpassen: Support vor Coaching
    page.get_by_role("button", name=say("order.up_of", name=names[2])).click()
    expect(page.get_by_label(names[0], exact=True)).to_be_checked()
    if script:  # und Coaching an den Anfang, mit der Maus
        rows = page.locator(".order li")
        rows.filter(has_text=names[1]).drag_to(rows.filter(has_text=names[0]), target_position={"x": 5, "y": 2})
    # Speichern und fertig!
    staff.press("groups.keep")
    staff.told("done.group_made")
    order = [1, 0, 2] if script else [0, 2, 1]
    # Die Kalender erscheinen in der festgelegten Reihenfolge im Auswahlmenü
    page.goto(f"/sonnenhof?group=kundenbetreuung-{tag}&lang={locale[:2]}")
    see(page, f"Kundenbetreuung {tag}")
    assert page.locator(".offer > a").all_inner_texts() == [names[n] for n in order]
    page.get_by_role("link", name=names[0]).click()
    expect(page).to_have_url(re.compile(addresses[0]))


def test_a_booking_is_found_moved_and_cancelled(site: Site, opened: Opener, locale: str) -> None:
    host = site.host("Cleo Sanders")
    address = site.calendar([host], name=f"Beratung {locale}")
    booked = site.book(address, "2027-02-01T09:00:00+01:00", guest={"name": f"Grace {locale}", "email": "grace@x.org"})
    staff = signed_in(opened, locale, script=False, path="/console/bookings")
    page, words = staff.page, staff.words
    see(page, words.say("nav.bookings"))
    page.locator("#from").fill("2027-02-01")
    page.locator("#calendar").select_option(label=f"Beratung {locale}")
    staff.press("bookings.show")
    page.get_by_role("link", name=f"Grace {locale}").click()
    see(page, f"Grace {locale}")
    expect(page.locator(".history")).to_contain_text(words.say("history.confirmed"))
    staff.follow("booking.move")
    page.get_by_role("link", name=words.time(datetime(2027, 2, 1, 10, 30, tzinfo=UTC)), exact=True).click()
    staff.press("move.button")
    staff.told("done.booking_moved")
    while not site.slots(address, "2027-02-01")[0].startswith("2027-02-01T09:00"):  # given back a moment later
        page.wait_for_timeout(50)
    staff.follow("booking.cancel")
    page.locator("#reason").fill("Krank")
    page.locator("main").get_by_role("button", name=words.say("booking.cancel")).click()
    staff.told("done.booking_cancelled")
    assert any(mail for mail in site.mails("grace@x.org", 3))
    assert booked["id"] in page.url


def test_two_editors_of_one_calendar_lose_nothing(site: Site, opened: Opener) -> None:
    address = site.calendar([site.host("Dora Vu")], name="Sprechstunde")
    calendar_id = site.get("/calendars", address=address)["id"]
    first = signed_in(opened, "de-DE", path=f"/console/calendars/{calendar_id}")
    second = signed_in(opened, "de-DE", path=f"/console/calendars/{calendar_id}")
    first.fill("draft.name", "Sprechstunde A")
    second.fill("draft.name", "Sprechstunde B")
    second.page.locator("#description").fill("Von der zweiten.")
    first.press("draft.keep")
    first.told("done.calendar_kept")
    second.press("draft.keep")
    expect(second.page.get_by_role("alert")).to_contain_text(second.words.say("refused.version_stale"))
    expect(second.page.locator("#name")).to_have_value("Sprechstunde B")
    expect(second.page.locator("#description")).to_have_value("Von der zweiten.")
    second.press("draft.keep")
    second.told("done.calendar_kept")
    expect(second.page.locator("#name")).to_have_value("Sprechstunde B")


def test_a_session_that_ends_in_the_middle_of_a_form_costs_no_input(site: Site, opened: Opener) -> None:
    staff = signed_in(opened, "de-DE", script=False, path="/console/calendars/new/personal")
    page, say = staff.page, staff.words.say
    staff.fill("draft.name", "Vergissmeinnicht")
    page.locator("#slug").fill("vergissmeinnicht")
    page.context.clear_cookies()
    staff.press("draft.publish")
    see(page, say("sign_in.title"))
    staff.fill("form.email", OWNER_EMAIL)
    staff.fill("sign_in.password", OWNER_PASSWORD)
    staff.press("sign_in.button")
    see(page, say("resume.title"))
    staff.press("resume.button")
    staff.told("done.calendar_published")
    assert site.get("/calendars", address="sonnenhof/vergissmeinnicht")["name"] == "Vergissmeinnicht"


def test_whoever_signs_out_is_out(opened: Opener) -> None:
    staff = signed_in(opened, "de-DE")
    see(staff.page, staff.words.say("overview.title", name="Olga Sommer"))
    staff.press("nav.sign_out")
    staff.told("done.signed_out")
    staff.page.goto("/console/bookings")
    expect(staff.page).to_have_url(re.compile(r"/console/sign-in\?next=%2Fconsole%2Fbookings"))


def test_a_member_is_invited_signs_in_and_is_offered_what_their_role_may_do(
    site: Site, opened: Opener, locale: str
) -> None:
    email = f"fritz.{locale[:2]}@example.org"
    staff = signed_in(opened, locale, script=False)
    page, say = staff.page, staff.words.say
    # Einstellungen > Team
    staff.go("nav.settings", "nav.team")
    staff.follow("team.new")
    staff.fill("start.name", f"Fritz Haber {locale[:2]}")
    staff.fill("form.email", email)
    page.locator("#locale").select_option(locale[:2])
    staff.press("team.add")
    staff.told("done.member_invited")
    expect(page.get_by_role("listitem").filter(has_text=email)).to_contain_text(say("team.badge_invited"))
    (mail,) = site.mails(email, 1)
    path = link_in(mail, "welcome")
    other = opened(locale, script=False)
    other.goto(f"{path}?lang={locale[:2]}")
    see(other, say("welcome.title", name=f"Fritz Haber {locale[:2]}"))
    member = Staff(other, staff.words)
    member.fill("sign_in.password", "short")
    member.press("welcome.button")
    expect(other.get_by_role("alert")).to_contain_text(say("wrong.short", least=8))
    member.fill("sign_in.password", "a password of a member")
    member.press("welcome.button")
    member.told("done.welcome")
    # Was die Rolle nicht darf, wird nicht angeboten, und geht auch nicht über die Adresse
    expect(other.locator("nav.side").get_by_role("link", name=say("nav.audit_log"))).to_have_count(0)
    member.go("nav.webtools", "nav.calendars")
    expect(other.get_by_role("link", name=say("calendars.new"))).to_have_count(0)
    for closed in ("/console/calendars/new", "/console/team/new", "/console/audit-log", "/console/groups/new"):
        other.goto(f"{closed}?lang={locale[:2]}")
        see(other, say("problem.title_forbidden"))
    # Der Link ist verbraucht
    third = opened(locale, script=False)
    third.goto(f"{path}?lang={locale[:2]}")
    see(third, say("link.title_invitation_over"))


def test_a_forgotten_password_is_set_anew(site: Site, opened: Opener, locale: str) -> None:
    words = words_of(locale)
    email = f"paula.{locale[:2]}@example.org"
    made = site.post("/members", {"name": "Paula Ehrlich", "email": email, "locale": locale[:2]}, 201, staff=True)
    site.post("/invitations", {"member_id": made["id"]}, 201, staff=True)
    (mail,) = site.mails(email, 1)
    guest = Staff(opened(locale, script=False), words)
    guest.page.goto(f"{link_in(mail, 'welcome')}?lang={locale[:2]}")
    guest.fill("sign_in.password", "the first password")
    guest.press("welcome.button")
    guest.press("nav.sign_out")
    guest.page.get_by_role("link", name=words.say("forgot.link")).click()
    guest.fill("form.email", email)
    guest.press("forgot.button")
    guest.told("done.reset_sent")
    mail = site.mails(email, 2)[1]
    guest.page.goto(f"{link_in(mail, 'reset')}?lang={locale[:2]}")
    guest.fill("reset.password", "the second password")
    guest.press("reset.button")
    guest.told("done.password_set")
    guest.fill("form.email", email)
    guest.fill("sign_in.password", "the first password")
    guest.press("sign_in.button")
    expect(guest.page.get_by_role("alert")).to_contain_text(words.say("refused.sign_in_failed"))
    guest.fill("sign_in.password", "the second password")
    guest.press("sign_in.button")
    see(guest.page, words.say("overview.title", name="Paula Ehrlich"))


def test_the_words_of_a_mail_are_chosen_looked_at_tried_and_sent(site: Site, opened: Opener, locale: str) -> None:
    staff = signed_in(opened, locale, script=False)
    page, say = staff.page, staff.words.say
    # Einstellungen > Benachrichtigungen
    staff.go("nav.settings", "nav.notifications")
    page.get_by_role("link", name=say("messages.event_booked")).filter(has_text=say("messages.to_guest")).first.click()
    page.locator("#subject").fill("{{nobody}}")
    staff.press("templates.keep")
    expect(page.locator("#subject-error")).to_be_visible()
    page.locator("#subject").fill("Schön, dass du kommst: {{calendar_name}}")
    staff.press("templates.look")
    expect(page.get_by_role("region", name=say("templates.preview"))).to_contain_text("Schön, dass du kommst: ")
    staff.press("templates.try")
    expect(page.get_by_role("status")).to_contain_text(OWNER_EMAIL)
    staff.press("templates.keep")
    staff.told("done.template_kept")
    address = site.calendar([site.host("Gerd Binnig")], name=f"Mikroskopie {locale}")
    email = f"lise.{locale[:2]}@example.org"
    guest = {"name": "Lise", "email": email}
    site.book(address, "2027-01-20T10:00:00+01:00", guest=guest, locale=locale[:2])
    (mail,) = site.mails(email, 1)
    assert mail["subject"] == f"Schön, dass du kommst: Mikroskopie {locale}"
    staff.follow("reset_template.button")
    see(page, say("reset_template.title"))
    staff.press("reset_template.button")
    staff.told("done.template_reset")


def test_reminder_times_are_set_for_guests_and_team(site: Site, opened: Opener, locale: str) -> None:
    staff = signed_in(opened, locale, script=False, path="/console/notifications")
    page = staff.page
    page.locator("#guest_0").fill("2")
    page.locator("select[name=guest_0_unit]").select_option("hours")
    page.locator("#guest_1").fill("3")
    page.locator("select[name=guest_1_unit]").select_option("minutes")
    staff.press("reminders.keep")
    expect(page.locator("#guest_1-error")).to_contain_text(staff.words.say("wrong.reminder"))
    page.locator("#guest_1").fill("0")
    staff.press("reminders.keep")
    staff.told("done.reminders_kept")
    expect(page.locator("#guest_0")).to_have_value("2")


class Counted:
    """Clicks and keystroke groups (a field that is filled in is one) of somebody who sees these pages first."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steps = 0
        self._began = time.monotonic()

    def told(self, what: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Say how many steps it took, and how long the pages took for them."""
        seconds = time.monotonic() - self._began
        with capsys.disabled():
            sys.stdout.write(f"\n{what}: {self.steps} clicks and keystroke groups, {seconds:.1f} s\n")

    def click(self, role: Any, name: str) -> None:
        self.page.get_by_role(role, name=name, exact=True).first.click()
        self.steps += 1

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)
        self.steps += 1


def test_a_stranger_has_a_live_calendar_in_twelve_steps(
    site: Site, opened: Opener, locale: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page, words = opened(locale), words_of(locale)
    slug = f"neuland-{locale[:2]}"
    stranger = Counted(page)
    page.goto(f"/console/start?lang={locale[:2]}")
    stranger.fill(words.say("start.workspace"), "Neuland")
    stranger.fill(words.say("start.slug"), slug)
    stranger.fill(words.say("start.own_name"), "Nora Neu")
    stranger.fill(words.say("form.email"), f"nora.{locale[:2]}@example.org")
    stranger.fill(words.say("sign_in.password"), "correct horse battery")
    stranger.click("button", words.say("start.button"))
    stranger.click("button", words.say("hours.keep"))
    stranger.click("link", words.say("calendars.new"))
    stranger.click("link", words.say("kind.personal"))
    stranger.fill(words.say("draft.name"), "Erstgespräch")
    stranger.click("button", words.say("draft.publish"))
    expect(page.get_by_role("status")).to_contain_text(words.say("done.calendar_published"))
    stranger.told(f"from nothing to a live calendar ({locale})", capsys)
    assert stranger.steps <= 12
    assert site.slots(f"{slug}/erstgespraech", MONDAY)


def test_a_guest_books_in_six_steps(
    site: Site, opened: Opener, locale: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address = site.calendar([site.host("Otto Hahn")], name="Sprechstunde")
    page, words = opened(locale), words_of(locale)
    guest = Counted(page)
    page.goto(f"/{address}?lang={locale[:2]}")
    day = page.locator("table.days").get_by_role("link").nth(3)
    day.click()
    guest.steps += 1
    guest.click("link", words.time(datetime(2027, 1, 7, 10, 0, tzinfo=UTC)))
    guest.fill(words.say("form.name"), "Grace Hopper")
    guest.fill(words.say("form.email"), "grace@example.org")
    guest.click("button", words.say("form.book"))
    see(page, words.say("booking.title_confirmed"))
    guest.told(f"a guest's booking ({locale})", capsys)
    assert guest.steps <= 6
