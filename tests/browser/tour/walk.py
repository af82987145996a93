"""What the steps of the tour share: who walks, with which words, and how a step is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from services.web.adapters.words import Words
from tests.browser.site import Site

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PASSWORD = "a whole sentence is easy to remember"


@dataclass
class Walk:
    """One walk in one language. `page` is whose turn it is: the owner at a desk, or a guest with a phone."""

    site: Site
    browser: Browser
    words: Words
    locale: str
    kept: dict[str, str] = field(default_factory=dict[str, str])
    contexts: list[BrowserContext] = field(default_factory=list[BrowserContext])
    page: Page = field(init=False)
    desk: Page = field(init=False)

    def __post_init__(self) -> None:
        self.desk = self.page = self.another(DESK)

    @property
    def language(self) -> str:
        """`de` or `en`."""
        return self.words.language

    def either(self, german: str, english: str) -> str:
        """What somebody writes, in the language of this walk."""
        return german if self.language == "de" else english

    def another(self, size: Mapping[str, int]) -> Page:
        """The page of somebody else, who has a browser of their own."""
        context = self.browser.new_context(
            base_url=self.site.url,
            locale=self.locale,
            timezone_id="Europe/Berlin",
            viewport=dict(size),  # pyright: ignore[reportArgumentType]
            reduced_motion="reduce",
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    def close(self) -> None:
        """Everybody leaves."""
        for context in self.contexts:
            context.close()

    def open(self, path: str) -> None:
        """Go to an address of the site."""
        self.page.goto(f"{path}{'&' if '?' in path else '?'}lang={self.language}")

    def menu(self, key: str) -> None:
        """Choose a page by the menu of the console."""
        self.page.locator("nav.side").get_by_role("link", name=self.words.say(key), exact=True).click()

    def press(self, key: str, **values: object) -> None:
        """Press the button with these words."""
        self.page.locator("main").get_by_role("button", name=self.words.say(key, **values), exact=True).first.click()

    def follow(self, key: str, **values: object) -> None:
        """Follow the link with these words."""
        self.page.locator("main").get_by_role("link", name=self.words.say(key, **values), exact=True).first.click()

    def fill(self, key: str, text: str) -> None:
        """Fill in the field with this label."""
        self.page.get_by_label(self.words.say(key), exact=True).fill(text)

    def see(self, key: str, **values: object) -> None:
        """The heading says this."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.words.say(key, **values))

    def told(self, key: str, **values: object) -> None:
        """The page says that this was done."""
        expect(self.page.get_by_role("status").filter(has_text=self.words.say(key, **values))).to_be_visible()

    def mail(self, to: str, count: int) -> dict[str, Any]:
        """The latest of so many mails to somebody."""
        return self.site.mails(to, count)[count - 1]


@dataclass(frozen=True)
class Step:
    """One step: `says` by language is its sentence; `shown`: its picture is small and lies beside the pages."""

    chapter: str
    name: str
    says: Mapping[str, str]
    do: Callable[[Walk], None]
    shown: bool


STEPS: dict[str, list[Step]] = {}
"""The steps of each chapter in their order."""


def step(chapter: str, *, de: str, en: str, shown: bool = False) -> Callable[[Callable[[Walk], None]], None]:
    """The next step of the tour. What it leaves on the page is its picture."""

    def told(do: Callable[[Walk], None]) -> None:
        one = Step(chapter, do.__name__.replace("_", "-"), {"de": de, "en": en}, do, shown)
        STEPS.setdefault(chapter, []).append(one)

    return told
