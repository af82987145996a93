"""Somebody at the console, in either language."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from services.web.adapters.words import Words
from tests.browser.conftest import Opener
from tests.browser.guest import see, words_of
from tests.browser.site import OWNER_EMAIL, OWNER_PASSWORD


@dataclass
class Staff:
    """Somebody at the console: what they read and press, in their language."""

    page: Page
    words: Words

    def press(self, key: str) -> None:
        self.page.get_by_role("button", name=self.words.say(key), exact=True).click()

    def follow(self, key: str) -> None:
        self.page.locator("main").get_by_role("link", name=self.words.say(key), exact=True).first.click()

    def go(self, *keys: str) -> None:
        """By the menu."""
        self.page.locator("nav.side").get_by_role("link", name=self.words.say(keys[-1]), exact=True).click()

    def fill(self, key: str, text: str) -> None:
        self.page.get_by_label(self.words.say(key), exact=True).fill(text)

    def told(self, key: str) -> None:
        expect(self.page.get_by_role("status").filter(has_text=self.words.say(key))).to_be_visible()


def signed_in(opened: Opener, locale: str, *, script: bool = True, path: str = "/console") -> Staff:
    """The owner of the workspace, on a page of the console."""
    page = opened(locale, script=script)
    words = words_of(locale)
    staff = Staff(page, words)
    page.goto(f"{path}?lang={locale[:2]}")
    see(page, words.say("sign_in.title"))
    staff.fill("form.email", OWNER_EMAIL)
    staff.fill("sign_in.password", OWNER_PASSWORD)
    staff.press("sign_in.button")
    return staff


def link_in(mail: dict[str, Any], what: str) -> str:
    """The path of the page that a mail leads to."""
    found = re.search(rf"/console/{what}/[A-Za-z0-9_-]+", mail["text"])
    assert found is not None, mail["text"]
    return found[0]
