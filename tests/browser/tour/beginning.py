"""The tour, first part: somebody makes a workspace and sets it up."""

import re

from playwright.sync_api import expect

from tests.browser.tour.walk import DESK, PASSWORD, Walk, step

CHAPTER = "beginning"


@step(
    CHAPTER,
    de="Olga legt einen Arbeitsbereich an: Name, Adresse, Zeitzone und ihr Konto stehen auf einer Seite.",
    en="Olga creates a workspace: name, address, time zone and her account stand on one page.",
)
def start(walk: Walk) -> None:
    walk.open("/console/start")
    walk.kept["slug"] = walk.either("praxis-linde", "linden-practice")
    walk.fill("start.workspace", walk.either("Praxis Linde", "Linden Practice"))
    walk.page.locator("#slug").fill(walk.kept["slug"])
    walk.page.locator("#tz").select_option("Europe/Berlin")
    walk.fill("start.own_name", "Olga Sommer")
    walk.kept["owner"] = f"olga@{walk.kept['slug']}.example.org"
    walk.fill("form.email", walk.kept["owner"])
    walk.fill("sign_in.password", PASSWORD)


@step(
    CHAPTER,
    de="Als Erstes sagt sie, wann sie arbeitet; eine übliche Woche ist schon eingetragen.",
    en="First she says when she works; a usual week is already filled in.",
)
def hours(walk: Walk) -> None:
    walk.press("start.button")
    walk.told("done.started")
    walk.page.locator("#hours-5 input").nth(1).fill("13:00")


@step(
    CHAPTER,
    de="Dann wählt sie, welche Art von Kalender sie braucht.",
    en="Then she chooses which kind of calendar she needs.",
)
def kinds(walk: Walk) -> None:
    walk.press("hours.keep")
    walk.told("done.hours_kept")
    walk.follow("calendars.new")
    walk.see("calendars.new")


@step(
    CHAPTER,
    de="Ein persönlicher Buchungskalender braucht nur einen Namen; alles andere hat einen brauchbaren Anfangswert.",
    en="A personal booking calendar needs only a name; everything else begins with a sensible value.",
)
def personal_calendar(walk: Walk) -> None:
    walk.page.get_by_role("link", name=walk.words.say("kind.personal")).click()
    walk.fill("draft.name", walk.either("Erstgespräch", "First talk"))
    walk.page.locator("#description").fill(
        walk.either(
            "Wir lernen uns kennen und klären, was du brauchst.", "We get to know each other and what you need."
        )
    )
    walk.page.locator("#slug").fill("talk")
    walk.page.get_by_label(walk.words.say("draft.place_phone")).check()
    walk.page.locator("#location_value").fill("+49 30 1234567")
    walk.press("draft.publish")
    walk.told("done.calendar_published")


@step(
    CHAPTER,
    de="Unter dem Kalender steht, wie sie ihn in die eigene Website einbettet.",
    en="The calendar says how to embed it in one's own website.",
)
def embed(walk: Walk) -> None:
    walk.page.get_by_text(walk.words.say("embed.title"), exact=True).click()
    expect(walk.page.locator("pre").first).to_be_visible()


@step(
    CHAPTER,
    de="Sie fügt ein Teammitglied hinzu und lädt es per E-Mail ein.",
    en="She adds a team member and invites them by e-mail.",
)
def team(walk: Walk) -> None:
    walk.menu("nav.team")
    walk.follow("team.new")
    walk.kept["member"] = f"bernd@{walk.kept['slug']}.example.org"
    walk.fill("start.name", "Bernd Okafor")
    walk.fill("form.email", walk.kept["member"])
    walk.page.locator("#locale").select_option(walk.language)
    walk.press("team.add")
    walk.told("done.member_invited")


@step(
    CHAPTER,
    de="Bernd folgt dem Link in der Einladung und setzt sein Passwort.",
    en="Bernd follows the link in the invitation and sets his password.",
)
def invitation(walk: Walk) -> None:
    walk.page = walk.another(DESK)
    found = re.search(r"/console/welcome/[A-Za-z0-9_-]+", walk.mail(walk.kept["member"], 1)["text"])
    assert found is not None
    walk.open(found[0])
    walk.see("welcome.title", name="Bernd Okafor")
    walk.fill("sign_in.password", PASSWORD)


@step(
    CHAPTER,
    de="Er trägt seine Arbeitszeiten ein und nimmt sich einen Tag frei.",
    en="He enters his working hours and takes a day off.",
)
def day_off(walk: Walk) -> None:
    walk.press("welcome.button")
    walk.told("done.welcome")
    walk.follow("overview.set_hours")
    walk.press("hours.keep")
    walk.told("done.hours_kept")
    walk.menu("nav.availability")
    walk.page.locator(".plans tbody a").nth(14).click()
    walk.page.get_by_label(walk.words.say("dates.kind_off"), exact=True).check()
    walk.press("dates.keep")
    walk.told("done.day_off")
    walk.page.locator("#dates").scroll_into_view_if_needed()


@step(
    CHAPTER,
    de="Einen Round-Robin-Kalender bedienen mehrere Personen: Gewichte bestimmen, wer wie viele Termine bekommt.",
    en="Several people serve a round-robin calendar: weights decide who gets how many appointments.",
    shown=True,
)
def team_calendar(walk: Walk) -> None:
    walk.page = walk.desk
    walk.menu("nav.calendars")
    walk.follow("calendars.new")
    walk.page.get_by_role("link", name=walk.words.say("kind.round_robin")).click()
    walk.fill("draft.name", walk.either("Beratung", "Consultation"))
    walk.page.locator("#slug").fill("team")
    for name in ("Olga Sommer", "Bernd Okafor"):
        walk.page.get_by_label(name, exact=True).check()
    walk.page.get_by_label(walk.words.say("draft.optimize_equal")).check()
    walk.page.get_by_label(walk.words.say("draft.weight_of", name="Bernd Okafor")).fill("2")
    walk.press("draft.publish")
    walk.told("done.calendar_published")
    walk.page.locator("#members").scroll_into_view_if_needed()


@step(
    CHAPTER,
    de="Eine Kalendergruppe zeigt Gästen beide Kalender in ihrer Reihenfolge.",
    en="A calendar group shows guests both calendars in their order.",
)
def group(walk: Walk) -> None:
    walk.menu("nav.groups")
    walk.follow("groups.new")
    walk.fill("start.name", walk.either("Kundenbetreuung", "Customer care"))
    for name in (walk.either("Erstgespräch", "First talk"), walk.either("Beratung", "Consultation")):
        walk.page.get_by_label(name, exact=True).check()
    walk.press("groups.keep")
    walk.told("done.group_made")


@step(
    CHAPTER,
    de="Sie stellt ein, wann Gäste und Team erinnert werden.",
    en="She sets when guests and the team are reminded.",
)
def reminders(walk: Walk) -> None:
    walk.menu("nav.notifications")
    walk.page.locator("#guest_0").fill("2")
    walk.page.locator("select[name=guest_0_unit]").select_option("days")
    walk.press("reminders.keep")
    walk.told("done.reminders_kept")


@step(
    CHAPTER,
    de="Die Bestätigung bekommt eigene Worte, mit einer Vorschau vor dem Speichern.",
    en="The confirmation gets words of her own, with a preview before saving.",
)
def template(walk: Walk) -> None:
    walk.open(f"/console/notifications/booked.guest.{walk.language}")
    text = walk.page.locator("#body")
    text.fill(walk.either("Schön, dass du kommst!\n\n", "Good to have you!\n\n") + text.input_value())
    walk.press("templates.look")
    expect(walk.page.locator("#preview")).to_be_visible()


@step(
    CHAPTER,
    de="Ein API-Schlüssel für ihre Website darf nur, was sie ankreuzt.",
    en="An API key for her website may do only what she ticks.",
)
def api_key(walk: Walk) -> None:
    walk.press("templates.keep")
    walk.told("done.template_kept")
    walk.menu("nav.api_keys")
    walk.fill("start.name", "Website")
    walk.page.locator("input[name=scope][value='bookings:view']").check()
    walk.press("keys.make")
    walk.told("keys.made", name="Website")
