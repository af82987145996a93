"""Section 4: a round-robin calendar, and how a team shares what guests book."""

import re
from collections import Counter

from playwright.sync_api import expect

from tests.browser.guest import see
from tests.browser.guide.walk import Section, Walk

ROUND_ROBIN = Section(4)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = "2027-01-11", "2027-01-12", "2027-01-13", "2027-01-14"


@ROUND_ROBIN.step("Dieser Kalender verteilt Termine automatisch auf ein Team und ist ideal für:")
def what_it_is_good_for(walk: Walk) -> None:
    walk.staff.go("nav.calendars")
    walk.staff.follow("calendars.new")
    expect(walk.page.get_by_text(walk.word(walk.sentence), exact=True)).to_be_visible()


def example(walk: Walk) -> None:
    """It stands on the card of its kind."""
    card = walk.page.locator(".kinds > li").filter(has_text=walk.words.say("kind.round_robin"))
    expect(card.get_by_role("listitem").filter(has_text=re.compile(f"^{walk.word(walk.sentence)}$"))).to_be_visible()


for line in ("Vertriebsteams", "Support-Teams", "Mehrere Mitarbeiter, die Termine wahrnehmen"):
    ROUND_ROBIN.step(line)(example)

ROUND_ROBIN.leads("Schritte zur Einrichtung:")


@ROUND_ROBIN.step("Navigiere zu Webtools > Kalender > Neuer Kalender.")
def to_a_new_calendar(walk: Walk) -> None:
    walk.kept["names"] = names = [f"{name} {walk.tag}" for name in ("Anna", "Bela")]
    walk.kept["hosts"] = {name: walk.site.host(name) for name in names}
    walk.navigate("Webtools", "Kalender", "Neuer Kalender")


@ROUND_ROBIN.step('Wähle "Round-Robin-Kalender".')
def its_kind(walk: Walk) -> None:
    walk.page.get_by_role("link", name=walk.word("Round-Robin-Kalender"), exact=True).click()
    see(walk.page, walk.words.say("draft.new_round_robin"))
    walk.staff.fill("draft.name", f"Vertrieb {walk.tag}")
    walk.kept["address"] = f"sonnenhof/vertrieb-{walk.tag}"


@ROUND_ROBIN.step("Teammitglieder hinzufügen:")
def team(walk: Walk) -> None:
    expect(walk.page.get_by_role("heading", name=walk.word("Teammitglieder hinzufügen"), exact=True)).to_be_visible()


@ROUND_ROBIN.step("Füge alle relevanten Mitarbeiter hinzu.")
def its_members(walk: Walk) -> None:
    for name in walk.kept["names"]:
        walk.page.get_by_label(name, exact=True).check()
    walk.publish()
    walk.guest.open(walk.kept["address"], MONDAY)
    expect(walk.guest.page.locator(".about")).to_contain_text(", ".join(walk.kept["names"]))


@ROUND_ROBIN.step("Verteilungsmethode wählen:")
def methods(walk: Walk) -> None:
    group = walk.page.get_by_role("group", name=walk.word("Verteilungsmethode wählen"), exact=True)
    expect(group.get_by_role("radio").first).to_be_visible()


@ROUND_ROBIN.step("Optimiert nach Verfügbarkeit: Erstes verfügbares Teammitglied erhält den Termin.")
def by_availability(walk: Walk) -> None:
    address, (anna, bela) = walk.kept["address"], walk.kept["names"]
    walk.page.get_by_label(walk.word("Optimiert nach Verfügbarkeit")).check()
    walk.publish()
    away = {"start": f"{MONDAY}T10:00:00+01:00", "end": f"{MONDAY}T10:30:00+01:00"}
    walk.site.post("/blocks", {"member_id": walk.kept["hosts"][anna], "items": [away]}, 201, staff=True)
    # Bela alone is free; then Anna has waited longest; then Bela alone is free again.
    served = [walk.guest.book(address, MONDAY, at) for at in ("10:00", "11:00", "11:00")]
    assert served == [bela, anna, bela]
    walk.kept["served"] = Counter(served)


@ROUND_ROBIN.step("Optimiert nach Gleichverteilung: Termine werden gleichmäßig auf das Team verteilt.")
def evenly(walk: Walk) -> None:
    walk.page.get_by_label(walk.word("Optimiert nach Gleichverteilung")).check()
    walk.publish()
    served = [walk.guest.book(walk.kept["address"], TUESDAY, at) for at in ("09:00", "11:00", "13:00", "15:00")]
    assert Counter(served) == dict.fromkeys(walk.kept["names"], 2)
    walk.kept["served"] += Counter(served)


@ROUND_ROBIN.step(
    "Prioritäten festlegen: Manche Mitarbeiter können bevorzugt Termine erhalten (z. B. 2:1 Verhältnis bei hoher "
    "Priorität)."
)
def priorities(walk: Walk) -> None:
    anna, bela = walk.kept["names"]
    expect(walk.page.get_by_role("heading", name=walk.word("Prioritäten festlegen"), exact=True)).to_be_visible()
    walk.page.get_by_label(walk.words.say("draft.weight_of", name=anna)).fill("2")
    walk.publish()
    times = ("09:00", "10:00", "11:00", "13:00", "14:00", "15:00")
    served = Counter(walk.guest.book(walk.kept["address"], THURSDAY, at) for at in times)
    assert served == {anna: 4, bela: 2}
    walk.kept["served"] += served


@ROUND_ROBIN.step("Verfügbarkeit definieren:")
def availability(walk: Walk) -> None:
    expect(walk.section("Verfügbarkeit definieren")).to_be_visible()


@ROUND_ROBIN.step("Jedes Teammitglied sollte seine Verfügbarkeit in seinem Profil einstellen.")
def their_own_hours(walk: Walk) -> None:
    word, profile = walk.word("Verfügbarkeit"), walk.word("Profil")
    for name, start, end in zip(walk.kept["names"], ("13:00", "10:00"), ("14:00", "11:00"), strict=True):
        member = walk.joined(walk.kept["hosts"][name], mails=walk.kept["served"][name])
        page = member.page
        own = page.locator("nav.side").get_by_role("list", name=re.compile(f"{profile}$"))
        own.get_by_role("link", name=word, exact=True).click()
        wednesday = page.locator("#hours-3 input")
        wednesday.first.fill(start)
        wednesday.nth(1).fill(end)
        member.press("hours.keep")
        member.told("done.hours_kept")
    assert walk.guest.times(walk.kept["address"], WEDNESDAY) == ["10:00", "10:30", "13:00", "13:30"]


@ROUND_ROBIN.step("Erweiterte Einstellungen:")
def advanced(walk: Walk) -> None:
    expect(walk.section("Erweiterte Einstellungen")).to_be_visible()


@ROUND_ROBIN.step(
    "Entscheide, ob neu geplante Termine beim gleichen Mitarbeiter bleiben oder erneut zugewiesen werden."
)
def moves(walk: Walk) -> None:
    guest, (anna, bela) = walk.guest, walk.kept["names"]
    walk.page.get_by_label(re.compile(walk.word("beim gleichen Mitarbeiter"))).check()
    walk.publish()
    assert guest.book(walk.kept["address"], WEDNESDAY, "10:00") == bela
    assert guest.move(WEDNESDAY) == ["10:30"]
    assert guest.move_to("10:30") == bela
    walk.page.get_by_label(re.compile(walk.word("erneut zugewiesen"))).check()
    walk.publish()
    guest.book(walk.kept["address"], WEDNESDAY, "10:00")
    assert guest.move(WEDNESDAY) == ["13:00", "13:30"]
    assert guest.move_to("13:30") == anna


@ROUND_ROBIN.step("Speichern und fertig!")
def done(walk: Walk) -> None:
    walk.page.get_by_role("button", name=re.compile(f"^{walk.word('Speichern')}")).first.click()
    walk.staff.told("done.calendar_published")
    guest, further = walk.guest.page, walk.words.say("list.further")
    guest.goto(f"/sonnenhof?lang={walk.tag}")
    offered = guest.get_by_role("link", name=f"Vertrieb {walk.tag}")
    while not offered.count():  # the list of all that there is to book has several pages
        guest.get_by_role("link", name=further, exact=True).click()
    offered.click()
    see(guest, f"Vertrieb {walk.tag}")
