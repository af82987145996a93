"""The sentences of the guide, and somebody who follows them one after the other."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from services.web.adapters.words import Words
from tests.browser.conftest import Opener
from tests.browser.guest import fill, press, see
from tests.browser.guide.english import ENGLISH
from tests.browser.site import Site
from tests.browser.staff import Staff, link_in

GUIDE = Path(__file__).parent / "guide.txt"
SHARED = Path(__file__).parents[4] / "shared" / "guide"
"""Where the guide lies beside the checkout, for those who write it on."""
NOW = "2027-01-04"
"""The Monday that the site begins on."""


def sentences(text: str, section: int) -> list[str]:
    """The lines of a section (`1.` … `6.`), without its title."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    titles = [n for n, line in enumerate(lines) if re.match(r"\d\. ", line) or line == "Fazit"]
    begin = next(n for n in titles if lines[n].startswith(f"{section}. "))
    return lines[begin + 1 : next(n for n in titles if n > begin)]


def texts() -> list[str]:
    """The guide, and where it lies beside the checkout too, that one."""
    return [path.read_text() for path in (GUIDE, *sorted(SHARED.glob("*.txt")))]


Step = Callable[["Walk"], None]


@dataclass
class Section:
    """A section of the guide: what is done for each sentence, and why others wait.

    A sentence may wait in part: then it has a step, and a reason besides.
    """

    number: int
    steps: list[tuple[str, Step]] = field(default_factory=list[tuple[str, Step]])
    waiting: dict[str, str] = field(default_factory=dict[str, str])

    def step(self, sentence: str) -> Callable[[Step], Step]:
        """`@SECTION.step("Wähle …")`: what is done and seen for this sentence."""

        def keep(does: Step) -> Step:
            self.steps.append((sentence, does))
            return does

        return keep

    def leads(self, sentence: str) -> None:
        """This one only says that steps follow."""
        self.steps.append((sentence, lambda walk: None))

    def waits(self, sentence: str, why: str) -> None:
        """Nothing is done for this sentence yet."""
        self.waiting[sentence] = why

    def walk(self, walk: "Walk") -> None:
        """Follow all sentences; one that cannot be followed is named."""
        for sentence, does in self.steps:
            walk.sentence = sentence
            try:
                does(walk)
            except BaseException as error:
                error.add_note(f"section {self.number} of the guide, in {walk.words.language}: {sentence}")
                raise


@dataclass
class Walk:
    """Somebody who follows the guide at the console, and a guest who sees what comes of it.

    `tag` tells this walk's things from those of others; `kept` is what one step leaves for the next.
    """

    site: Site
    opened: Opener
    staff: Staff
    guest: "Guest"
    sentence: str = ""
    kept: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def page(self) -> Page:
        return self.staff.page

    @property
    def words(self) -> Words:
        return self.staff.words

    @property
    def tag(self) -> str:
        return self.words.language

    def word(self, german: str) -> str:
        """A word that the present sentence names, as this walk's language has it. It is no word of the catalogue: the
        page must say what the guide says.
        """
        assert german in self.sentence, f"“{german}” does not stand in “{self.sentence}”"
        return german if self.tag == "de" else ENGLISH[german]

    def navigate(self, *path: str) -> None:
        """Webtools > Kalender > Neuer Kalender: an entry under that heading of the menu, then a link of its page."""
        group, entry, *rest = (self.word(one) for one in path)
        menu = self.page.locator("nav.side")
        menu.get_by_role("list", name=group, exact=True).get_by_role("link", name=entry, exact=True).click()
        see(self.page, entry)
        for name in rest:
            self.page.locator("main").get_by_role("link", name=name, exact=True).first.click()
            see(self.page, name)

    def section(self, german: str) -> Locator:
        """The part of a form under the heading that the present sentence names."""
        return self.page.locator("section.sheet").filter(
            has=self.page.get_by_role("heading", name=re.compile(f"^{re.escape(self.word(german))}"))
        )

    def section_of_settings(self) -> Locator:
        """The part of the form with what the guide calls advanced settings."""
        return self.page.locator("section.sheet").filter(
            has=self.page.get_by_role("heading", name=self.words.say("draft.advanced"), exact=True)
        )

    def publish(self) -> None:
        """Speichern und veröffentlichen."""
        self.staff.press("draft.publish")
        self.staff.told("done.calendar_published")

    def joined(self, member_id: str, mails: int = 0) -> Staff:
        """That member, invited and signed in for the first time, in a browser of their own. So far they got `mails`."""
        site, locale = self.site, "de-DE" if self.tag == "de" else "en-GB"
        email = site.call(site._send("GET", f"/members/{member_id}", None, 200, staff=True))["email"]
        site.post("/invitations", {"member_id": member_id}, 201, staff=True)
        (mail,) = (one for one in site.mails(email, mails + 1) if "/console/welcome/" in one["text"])
        member = Staff(self.opened(locale), self.words)
        member.page.goto(f"{link_in(mail, 'welcome')}?lang={self.tag}")
        member.fill("sign_in.password", "a password of a member")
        member.press("welcome.button")
        member.told("done.welcome")
        return member


@dataclass
class Guest:
    """A guest in a browser of their own."""

    page: Page
    words: Words

    def open(self, address: str, day: str) -> None:
        self.page.goto(f"/{address}?day={day}&tz=Europe/Berlin&lang={self.words.language}")

    def times(self, address: str, day: str) -> list[str]:
        """What is offered on a day: 09:00, 09:30 …"""
        self.open(address, day)
        return self.offered()

    def offered(self) -> list[str]:
        """The same of the page as it is."""
        return self.page.locator(".times a time").all_inner_texts()

    def days(self, address: str, month: str) -> list[str]:
        """Days of a month on which something is offered: 2027-01-05 …"""
        self.page.goto(f"/{address}?month={month}&tz=Europe/Berlin&lang={self.words.language}")
        found = [one.get_attribute("href") or "" for one in self.page.locator("table.days a").all()]
        return [re.findall(r"day=(\d{4}-\d\d-\d\d)", one)[0] for one in found]

    def book(self, address: str, day: str, time: str) -> str:
        """Book by clicking; gives who serves."""
        self.open(address, day)
        self.page.get_by_role("link", name=time, exact=True).click()
        fill(self.page, self.words, "Grace Hopper", "grace@example.org")
        press(self.page, self.words, "form.book")
        see(self.page, self.words.say("booking.title_confirmed"))
        return self.host()

    def host(self) -> str:
        """Who serves the booking that is shown."""
        term = self.page.locator("dt").filter(has_text=re.compile(f"^{self.words.say('fact.with')}$"))
        return term.locator("xpath=following-sibling::dd[1]").inner_text().strip()

    def move(self, day: str) -> list[str]:
        """Ask for another time of the booking that is shown; what is offered on that day."""
        self.page.get_by_role("link", name=self.words.say("booking.move")).click()
        self.page.goto(f"{self.page.url.partition('?')[0]}?day={day}&tz=Europe/Berlin&lang={self.words.language}")
        return self.offered()

    def move_to(self, time: str) -> str:
        """Take one of them; gives who serves then."""
        self.page.get_by_role("link", name=time, exact=True).click()
        press(self.page, self.words, "move.button")
        see(self.page, self.words.say("booking.title_moved"))
        return self.host()
