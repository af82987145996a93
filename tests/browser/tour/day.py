"""The tour, third part: the team runs its day."""

from playwright.sync_api import expect

from tests.browser.tour.walk import Walk, step

CHAPTER = "day"
BOOKED = (
    ("Katherine Johnson", "team", "2027-01-04T13:00:00+01:00"),
    ("Margaret Hamilton", "team", "2027-01-04T13:00:00+01:00"),
    ("Dorothy Vaughan", "talk", "2027-01-04T15:00:00+01:00"),
    ("Annie Easley", "team", "2027-01-05T11:00:00+01:00"),
)
"""Other guests of these days: name, calendar, start."""


@step(
    CHAPTER,
    de="Die Übersicht zeigt, was heute ansteht, was folgt und was noch fehlt.",
    en="The overview shows what is on today, what comes next and what is still to do.",
    shown=True,
)
def overview(walk: Walk) -> None:
    for name, slug, start in BOOKED:
        guest = {"name": name, "email": f"{name.split()[0].lower()}@example.org"}
        booked = walk.site.book(f"{walk.kept['slug']}/{slug}", start, guest=guest, locale=walk.language)
        walk.kept[name] = booked["id"]
    walk.page = walk.desk
    walk.menu("nav.overview")
    walk.see("overview.title", name="Olga Sommer")


@step(
    CHAPTER,
    de="Alle Termine lassen sich nach Tag, Kalender, Person und Status eingrenzen oder als Tabelle mitnehmen.",
    en="All bookings can be narrowed by day, calendar, person and status, or taken along as a table.",
)
def bookings(walk: Walk) -> None:
    walk.menu("nav.bookings")
    walk.see("nav.bookings")


@step(
    CHAPTER,
    de="Bei jedem Termin steht, warum diese Person dran war, welche Mails gingen und was geschah.",
    en="Each booking says why this person's turn it was, which mails went out and what happened.",
    shown=True,
)
def reasons(walk: Walk) -> None:
    walk.page.get_by_role("link", name="Margaret Hamilton").first.click()
    expect(walk.page.get_by_role("heading", name=walk.words.say("choice.title"))).to_be_visible()


@step(
    CHAPTER,
    de="Ein Termin lässt sich übergeben, an jede andere Person des Kalenders, die dann Zeit hat.",
    en="A booking can be handed over, to anybody else of the calendar who is free then.",
)
def hand_over(walk: Walk) -> None:
    walk.open(f"/console/bookings/{walk.kept['Annie Easley']}/hand-over")
    walk.see("booking.hand_over")


@step(
    CHAPTER,
    de="Nach der Übergabe bekommen der Gast und beide Personen eine Mail.",
    en="After handing over, the guest and both people get a mail.",
)
def handed_over(walk: Walk) -> None:
    walk.press("booking.hand_over")
    walk.told("done.booking_handed_over")


@step(
    CHAPTER,
    de="Verschieben geht für das Team wie für den Gast.",
    en="The team moves a booking just as the guest does.",
)
def move_by_staff(walk: Walk) -> None:
    walk.open(f"/console/bookings/{walk.kept['Dorothy Vaughan']}/move")
    walk.see("move.title")


@step(
    CHAPTER,
    de="Sperrzeiten halten Stunden frei, in denen niemand buchen soll.",
    en="Blocks keep hours free in which nobody shall book.",
)
def block(walk: Walk) -> None:
    walk.menu("nav.availability")
    walk.page.locator("#blocks summary").click()
    for name, text in (("start_day", "2027-01-07"), ("end_day", "2027-01-07")):
        walk.page.locator(f"#{name}").fill(text)
    walk.page.locator("#start_time").fill("12:00")
    walk.page.locator("#end_time").fill("14:00")
    walk.page.locator("#blocks #reason").fill(walk.either("Werkstatt", "Garage"))
    walk.press("blocks.keep")
    walk.told("done.blocked")
    walk.page.locator("#blocks").scroll_into_view_if_needed()


@step(
    CHAPTER,
    de="Das Versandprotokoll kennt jede Mail: geplant, versendet oder nicht zugestellt.",
    en="The delivery log knows every mail: planned, sent or not delivered.",
)
def delivery_log(walk: Walk) -> None:
    walk.menu("nav.notifications")
    walk.follow("log.title")
    walk.see("log.title")


@step(
    CHAPTER,
    de="Das Protokoll sagt, wer wann welche Einstellung geändert hat.",
    en="The audit log says who changed which setting, and when.",
)
def audit_log(walk: Walk) -> None:
    walk.menu("nav.audit_log")
    walk.see("nav.audit_log")


@step(
    CHAPTER,
    de="Was sich nicht zurücknehmen lässt, fragt einmal nach und sagt, was geschieht.",
    en="What cannot be undone asks once, and says what will happen.",
)
def asked_once(walk: Walk) -> None:
    walk.menu("nav.calendars")
    walk.page.get_by_role("link", name=walk.either("Erstgespräch", "First talk"), exact=True).click()
    walk.follow("retire.button")
    walk.see("retire.title", name=walk.either("Erstgespräch", "First talk"))


@step(
    CHAPTER,
    de="Im Konto stehen alle Sitzungen; von hier meldet sie sich ab.",
    en="The account lists all sessions; from here she signs out.",
)
def account(walk: Walk) -> None:
    walk.menu("nav.account")
    expect(walk.page.get_by_role("heading", name=walk.words.say("profile.sessions"))).to_be_visible()
