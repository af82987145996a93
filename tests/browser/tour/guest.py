"""The tour, second part: a guest books with a phone, gets the mail, moves and cancels."""

from datetime import date

from tests.browser.guest import choose, fill
from tests.browser.tour.walk import DESK, PHONE, Walk, step

CHAPTER = "guest"
FIRST, SECOND = date(2027, 1, 12), date(2027, 1, 13)
GRACE = "Grace Hopper"


@step(
    CHAPTER,
    de="Grace öffnet die Seite des Arbeitsbereichs und sieht, was sie buchen kann.",
    en="Grace opens the page of the workspace and sees what she can book.",
)
def overview_of_guests(walk: Walk) -> None:
    walk.page = walk.another(PHONE)
    walk.open(f"/{walk.kept['slug']}")


@step(
    CHAPTER,
    de="Sie wählt einen Tag mit freien Zeiten; ihre Zeitzone ist schon die richtige.",
    en="She picks a day with free times; her time zone is the right one already.",
    shown=True,
)
def free_times(walk: Walk) -> None:
    walk.page.get_by_role("link", name=walk.either("Beratung", "Consultation")).click()
    walk.page.locator("table").get_by_role("link", name=walk.words.long_day(FIRST)).click()
    walk.page.locator("#times").scroll_into_view_if_needed()


@step(
    CHAPTER,
    de="Sie sagt, wer kommt.",
    en="She says who is coming.",
)
def details(walk: Walk) -> None:
    choose(walk.page, walk.words, walk.words.month(FIRST), walk.words.long_day(FIRST), "10:30")
    walk.kept["guest"] = f"grace.{walk.language}@example.org"
    fill(walk.page, walk.words, GRACE, walk.kept["guest"])


@step(
    CHAPTER,
    de="Ein Klick, und der Termin ist ihrer; niemand sonst bekommt diese Zeit.",
    en="One click, and the appointment is hers; nobody else gets this time.",
)
def booked(walk: Walk) -> None:
    walk.press("form.book")
    walk.see("booking.title_confirmed")
    walk.kept["link"] = walk.page.url.partition("?")[0].removeprefix(walk.site.url)


@step(
    CHAPTER,
    de="Die Bestätigung kommt mit Kalenderdatei, in den Worten des Arbeitsbereichs.",
    en="The confirmation comes with a calendar file, in the words of the workspace.",
)
def mail(walk: Walk) -> None:
    found = walk.mail(walk.kept["guest"], 1)
    assert walk.kept["link"] in found["text"]
    walk.page = walk.another(DESK)
    walk.page.goto(f"/mailbox/{found['id']}")


@step(
    CHAPTER,
    de="Der Link in der Mail führt zum Termin; zum Verschieben stehen dort die freien Zeiten neben ihrer jetzigen.",
    en="The link in the mail leads to the appointment; to move it, the free times stand beside the present one.",
)
def move(walk: Walk) -> None:
    walk.page = walk.another(PHONE)
    walk.open(walk.kept["link"])
    walk.follow("booking.move")
    walk.page.locator("#times").scroll_into_view_if_needed()


@step(
    CHAPTER,
    de="Die alte Zeit wird erst frei, wenn die neue ihre ist.",
    en="The old time is given back only when the new one is hers.",
)
def moved(walk: Walk) -> None:
    choose(walk.page, walk.words, walk.words.month(SECOND), walk.words.long_day(SECOND), "14:00")
    walk.press("move.button")
    walk.see("booking.title_moved")


@step(
    CHAPTER,
    de="Beim Absagen steht vorher da, was geschieht; eine Begründung ist freiwillig.",
    en="Before cancelling it says what will happen; a reason is optional.",
)
def cancel(walk: Walk) -> None:
    walk.follow("booking.cancel")
    walk.see("cancel.title")
    walk.page.locator("#reason").fill(walk.either("Ich bin krank.", "I am ill."))


@step(
    CHAPTER,
    de="Abgesagt: Die Zeit ist wieder frei, und alle Beteiligten bekommen eine Mail.",
    en="Cancelled: the time is free again, and everybody concerned gets a mail.",
)
def cancelled(walk: Walk) -> None:
    walk.press("cancel.button")
    walk.see("booking.title_cancelled")
    walk.mail(walk.kept["guest"], 3)
