"""Section 3: a personal booking calendar, made by somebody whose workspace is new, and seen by a guest."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.browser.guest import see
from tests.browser.guide.walk import NOW, Section, Walk

PERSONAL = Section(3)
BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY, SATURDAY = "2027-01-05", "2027-01-09"
MORNING = [f"{hour:02}:{minute:02}" for hour in range(6, 12) for minute in (0, 30)]
LAST_DAY = "2027-03-05"
"""Sixty days after the day on which the site begins, a Friday."""


@PERSONAL.step("Dieser Kalender eignet sich für:")
def what_it_is_good_for(walk: Walk) -> None:
    walk.staff.go("nav.calendars")
    walk.staff.follow("calendars.new")
    expect(walk.page.get_by_role("listitem").filter(has_text=walk.word(walk.sentence)).first).to_be_visible()


def example(walk: Walk) -> None:
    """It stands on the card of its kind."""
    card = walk.page.locator(".kinds > li").filter(has_text=walk.words.say("kind.personal"))
    expect(card.get_by_role("listitem").filter(has_text=re.compile(f"^{walk.word(walk.sentence)}$"))).to_be_visible()


for line in ("Einzelgespräche mit Kunden", "Private Beratungen", "1:1 Meetings"):
    PERSONAL.step(line)(example)

PERSONAL.leads("Schritte zur Einrichtung:")


@PERSONAL.step("Navigiere zu Webtools > Kalender > Neuer Kalender.")
def to_a_new_calendar(walk: Walk) -> None:
    walk.navigate("Webtools", "Kalender", "Neuer Kalender")


@PERSONAL.step('Wähle "Persönlicher Buchungskalender".')
def its_kind(walk: Walk) -> None:
    walk.page.get_by_role("link", name=walk.word("Persönlicher Buchungskalender"), exact=True).click()
    see(walk.page, walk.words.say("draft.new_personal"))


@PERSONAL.step("Gib einen Namen, eine Beschreibung und eine URL für den Kalender ein.")
def its_name(walk: Walk) -> None:
    for label, text in (
        ("Name", "Erstgespräch"),
        ("Beschreibung", "Wir lernen uns kennen."),
        ("URL", "kennenlernen"),
    ):
        walk.page.get_by_label(re.compile(f"^{walk.word(label)}")).first.fill(text)


@PERSONAL.step("Verfügbarkeit festlegen:")
def its_availability(walk: Walk) -> None:
    expect(walk.section("Verfügbarkeit festlegen")).to_be_visible()


@PERSONAL.step("Wähle die Tage und Uhrzeiten aus, an denen Termine gebucht werden können.")
def days_and_hours(walk: Walk) -> None:
    page, address = walk.page, walk.kept["address"]
    page.get_by_role("button", name=re.compile(walk.word("Tage und Uhrzeiten"))).click()
    see(page, walk.words.say("hours.title"))
    for day in range(1, 8):
        start, end = page.locator(f"#hours-{day} input").all()[:2]
        start.fill("06:00" if day < 6 else "")
        end.fill("12:00" if day < 6 else "")
    walk.staff.press("hours.keep")
    # Back in the calendar, where everything still is.
    walk.staff.told("done.hours_kept")
    expect(page.locator("#name")).to_have_value("Erstgespräch")
    expect(page.locator("#description")).to_have_value("Wir lernen uns kennen.")
    walk.publish()
    assert walk.guest.times(address, TUESDAY) == MORNING
    days = walk.guest.days(address, "2027-01")
    assert TUESDAY in days
    assert SATURDAY not in days
    expect(walk.guest.page.get_by_text("Wir lernen uns kennen.")).to_be_visible()


PERSONAL.waits(
    'Aktiviere "Look Busy" (optional), um weniger verfügbare Slots anzuzeigen.',
    "Calendars have no Look Busy yet: nothing of what is free is hidden.",
)


@PERSONAL.step("Videokonferenz-Optionen:")
def how_it_takes_place(walk: Walk) -> None:
    expect(walk.section("Videokonferenz-Optionen")).to_be_visible()


@PERSONAL.step("Zoom/Google Meet/Telefonanruf wählen")
def by_phone(walk: Walk) -> None:
    walk.page.get_by_label(walk.word("Telefonanruf"), exact=True).check()
    walk.page.locator("#location_value").fill("+49 30 1234567")
    walk.publish()
    walk.guest.open(walk.kept["address"], TUESDAY)
    expect(walk.guest.page.locator(".about")).to_contain_text("+49 30 1234567")


PERSONAL.waits(
    "Zoom/Google Meet/Telefonanruf wählen",
    "Meetings of Zoom and Google Meet are not made yet; a phone call is, and a link of one's own.",
)
PERSONAL.waits("Zahlungen aktivieren (optional):", "There is no service `payments` yet: bookings have no price.")
PERSONAL.waits("Falls du für Termine eine Gebühr erhebst, aktiviere Zahlungen.", "The same.")


@PERSONAL.step("Erweiterte Einstellungen:")
def advanced(walk: Walk) -> None:
    expect(walk.section("Erweiterte Einstellungen")).to_be_visible()


@PERSONAL.step("Bestimme Pufferzeiten zwischen Terminen.")
def buffers(walk: Walk) -> None:
    address = walk.kept["address"]
    fields = walk.section_of_settings().get_by_label(re.compile(f"^{walk.word('Pufferzeit')}"))
    expect(fields).to_have_count(2)
    for field in fields.all():
        field.fill("15")
    walk.publish()
    walk.guest.book(address, TUESDAY, "09:00")
    # 08:30 would end when the appointment begins, 09:30 begin when it ends: both need half an hour between.
    assert walk.guest.times(address, TUESDAY) == [one for one in MORNING if one not in ("08:30", "09:00", "09:30")]


@PERSONAL.step("Setze eine Frist für Terminbuchungen (z. B. mind. 24h vorher).")
def notice(walk: Walk) -> None:
    page, address = walk.page, walk.kept["address"]
    assert NOW in walk.guest.days(address, "2027-01")
    page.get_by_label(walk.word("Frist für Terminbuchungen"), exact=True).fill("24")
    page.locator("select[name=notice_minutes_unit]").select_option("hours")
    before = walk.site.process.clock.now() + timedelta(hours=24)
    walk.publish()
    days = walk.guest.days(address, "2027-01")
    assert (NOW in days, days[0]) == (False, TUESDAY)
    first = datetime.fromisoformat(f"{TUESDAY}T{walk.guest.times(address, TUESDAY)[0]}").replace(tzinfo=BERLIN)
    after = walk.site.process.clock.now() + timedelta(hours=24)
    assert before <= first <= after + timedelta(minutes=30)


@PERSONAL.step("Lege ein Enddatum für Buchungen fest (z. B. max. 60 Tage im Voraus).")
def window(walk: Walk) -> None:
    page, address = walk.page, walk.kept["address"]
    page.get_by_label(re.compile(f"{walk.word('Enddatum')}$")).first.check()
    page.locator("#window_date").fill("2027-02-10")
    walk.publish()
    assert max(walk.guest.days(address, "2027-02")) == "2027-02-10"
    assert walk.guest.days(address, "2027-03") == []
    page.get_by_label(re.compile(f"{walk.word('im Voraus')}$")).check()
    page.locator("#window_count").fill("60")
    page.locator("select[name=window_unit]").select_option("days")
    walk.publish()
    assert max(walk.guest.days(address, "2027-03")) == LAST_DAY
    assert walk.guest.days(address, "2027-04") == []


@PERSONAL.step("Speichern und fertig!")
def done(walk: Walk) -> None:
    walk.page.get_by_role("button", name=re.compile(f"^{walk.word('Speichern')}")).first.click()
    walk.staff.told("done.calendar_published")
    (own,) = (one for one in walk.page.get_by_role("link").all() if one.inner_text().endswith(walk.kept["address"]))
    walk.guest.page.goto(f"{own.get_attribute('href')}?lang={walk.tag}")
    see(walk.guest.page, "Erstgespräch")
    assert walk.guest.book(walk.kept["address"], "2027-01-06", "10:00") == walk.kept["owner"]
