"""Section 1: one's own role."""

from playwright.sync_api import expect

from tests.browser.guest import see
from tests.browser.guide.walk import Section, Walk

TEAM = Section(1)


@TEAM.step(
    "Bevor du einen Kalender erstellst, stelle sicher, dass du als Benutzer in All One korrekt eingerichtet bist:"
)
def whom_the_console_knows(walk: Walk) -> None:
    see(walk.page, walk.words.say("overview.title", name="Olga Sommer"))


@TEAM.step("Navigiere zu Einstellungen > Team.")
def to_the_team(walk: Walk) -> None:
    walk.kept["colleague"] = walk.site.host(f"Marie {walk.tag}")
    walk.navigate("Einstellungen", "Team")


@TEAM.step("Suche deinen Namen und bearbeite die Rollen & Berechtigungen.")
def roles(walk: Walk) -> None:
    page, say, roles = walk.page, walk.words.say, walk.word("Rollen & Berechtigungen")
    own = page.get_by_role("listitem").filter(has_text="Olga Sommer").filter(has_text=say("team.you"))
    own.get_by_role("link").click()
    see(page, "Olga Sommer")
    expect(page.get_by_role("region", name=roles).get_by_label(say("role.owner"))).to_be_checked()
    walk.staff.press("team.keep")
    walk.staff.told("done.member_changed")
    # And that of a colleague, who has only served so far.
    walk.staff.go("nav.team")
    page.get_by_role("link").filter(has_text=f"Marie {walk.tag}").click()
    choice = page.get_by_role("region", name=roles)
    expect(choice.get_by_label(say("role.member"))).to_be_checked()
    choice.get_by_label(say("role.admin")).check()
    walk.staff.press("team.keep")
    walk.staff.told("done.member_changed")


@TEAM.step("Stelle sicher, dass dein Konto mit der gewünschten Kalenderfunktion verbunden ist.")
def what_the_role_may(walk: Walk) -> None:
    colleague = walk.joined(walk.kept["colleague"])
    for one in (walk.staff, colleague):
        one.go("nav.calendars")
        expect(one.page.get_by_role("link", name=one.words.say("calendars.new")).first).to_be_visible()


TEAM.waits(
    "Falls du externe Kalender (Google, Microsoft, iCloud) synchronisieren möchtest, stelle sicher, dass du als "
    "Benutzer angemeldet bist.",
    "There is no service `sync` yet: calendars of Google, Microsoft and iCloud cannot be linked.",
)
