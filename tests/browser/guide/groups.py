"""Section 5: calendar groups."""

import re

from playwright.sync_api import expect

from tests.browser.guest import see
from tests.browser.guide.walk import Section, Walk

GROUPS = Section(5)


@GROUPS.step(
    "Falls du mehrere Kalender hast (z. B. für Beratung, Coaching und Support), kannst du Kalendergruppen erstellen:"
)
def several_calendars(walk: Walk) -> None:
    host = walk.site.host("Frida Kern")
    walk.kept["names"] = names = [f"{name} {walk.tag}" for name in ("Beratung", "Coaching", "Support")]
    walk.kept["addresses"] = {name: walk.site.calendar([host], name=name) for name in names}


@GROUPS.step("Navigiere zu Webtools > Kalendergruppen > Neue Gruppe.")
def to_a_new_group(walk: Walk) -> None:
    walk.navigate("Webtools", "Kalendergruppen", "Neue Gruppe")


@GROUPS.step('Vergib einen Namen (z. B. "Kundenbetreuung").')
def a_name(walk: Walk) -> None:
    walk.page.get_by_label(walk.word("Name"), exact=True).fill(f"Kundenbetreuung {walk.tag}")


@GROUPS.step("Füge Kalender hinzu, die in dieser Gruppe zusammen angezeigt werden sollen.")
def its_calendars(walk: Walk) -> None:
    for name in walk.kept["names"]:
        walk.page.get_by_label(name, exact=True).check()


@GROUPS.step("Reihenfolge anpassen: Die Kalender erscheinen in der festgelegten Reihenfolge im Auswahlmenü.")
def their_order(walk: Walk) -> None:
    beratung, coaching, support = walk.kept["names"]
    expect(walk.page.locator("main").get_by_text(walk.word("Auswahlmenü"))).to_be_visible()
    for _ in range(2):
        walk.page.get_by_role("button", name=walk.words.say("order.up_of", name=support)).click()
    for name in (beratung, coaching, support):
        expect(walk.page.get_by_label(name, exact=True)).to_be_checked()
    walk.kept["order"] = [support, beratung, coaching]


@GROUPS.step("Speichern und fertig!")
def done(walk: Walk) -> None:
    walk.page.get_by_role("button", name=walk.word("Speichern"), exact=True).click()
    walk.staff.told("done.group_made")
    guest, order = walk.guest.page, walk.kept["order"]
    # By themselves, and in their place among all that there is to book.
    guest.goto(f"/sonnenhof?group=kundenbetreuung-{walk.tag}&lang={walk.tag}")
    see(guest, f"Kundenbetreuung {walk.tag}")
    assert guest.locator(".offer > a").all_inner_texts() == order
    guest.goto(f"/sonnenhof?lang={walk.tag}")
    shelf = guest.get_by_role("region", name=f"Kundenbetreuung {walk.tag}", exact=True)
    assert shelf.locator(".offer > a").all_inner_texts() == order
    shelf.get_by_role("link", name=order[0]).click()
    expect(guest).to_have_url(re.compile(walk.kept["addresses"][order[0]]))
