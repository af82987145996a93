"""What a guest does on the pages, in either language."""

from playwright.sync_api import Page, expect

from services.web.adapters.words import Words, languages


def words_of(locale: str) -> Words:
    return languages()[locale[:2]]


def see(page: Page, text: str) -> None:
    """The heading of the page says this."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def choose(page: Page, words: Words, month: str, day: str, time: str) -> None:
    """Click a day, named as its link is (`Montag, 11. Januar 2027`), in its month, and then a time."""
    while page.locator(".leaf .name").inner_text() != month:
        page.get_by_role("link", name=words.say("picker.later")).click()
    page.locator("table").get_by_role("link", name=day).click()
    expect(page.get_by_role("heading", level=2, name=day)).to_be_visible()
    page.get_by_role("link", name=time, exact=True).click()


def fill(page: Page, words: Words, name: str, email: str) -> None:
    page.get_by_label(words.say("form.name"), exact=True).fill(name)
    page.get_by_label(words.say("form.email"), exact=True).fill(email)


def press(page: Page, words: Words, key: str) -> None:
    page.get_by_role("button", name=words.say(key)).click()
