"""Every page in a language with longer words in brackets: nothing is cut, and no text stands outside the catalogues."""

import re
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Page

from tests.browser.conftest import Opener
from tests.browser.looking import misshapen
from tests.browser.pseudo import CLOSE, OPEN, pseudo_language
from tests.browser.shots import Shot, show
from tests.browser.site import Site
from turnus_contracts import EVENTS

TEXTS = """() => {
  const found = [['title', document.title]];
  const not = 'script, style, pre, code, textarea, body [lang], select#tz option, select#locale option';
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && !one.closest(not)) found.push([one.tagName, texts.currentNode.data.trim()]);
  }
  for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'abbr', 'label'])
    for (const one of document.querySelectorAll(`[${name}]`)) found.push([name, one.getAttribute(name)]);
  return found;
}"""
"""Whatever is read out or seen, but for what staff or guests wrote themselves."""
DATA = (
    *("Somebody", "Strategiegespräch", "Sonnenhof", "Turnus", "Hours", "Sommer"),
    *("Berlin", "New York", "meet.example.org", "ada"),
    "Kommt von weit her und kann nur an diesem Tag.",
)
"""What no list of the workspace tells: an earlier name of a calendar, why somebody was overbooked, and names that are
the same in every language."""


@pytest.fixture(scope="module")
def written(site: Site, shots: list[Shot]) -> frozenset[str]:
    """What guests and the workspace have written themselves, for this test or another one."""
    things = [one for path in ("/members", "/calendars", "/groups") for one in site.listed(path)]
    things += [one["guest"] for one in site.listed("/bookings")]
    texts = {str(one.get(name)) for one in things for name in ("name", "description") if one.get(name)}
    return frozenset(
        texts | {line for text in texts for line in text.splitlines()} | {*DATA, *(one.topic() for one in EVENTS)}
    )


def unmarked(text: str, written: Collection[str] = DATA) -> str:
    """What is left of a text without what stands in brackets, data, addresses and numbers; empty if it is all right."""
    while (shorter := re.sub(rf"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", " ", text)) != text:
        text = shorter
    text = re.sub(r"\b[a-z]{2,4}_[0-9a-z]{26}\b", " ", text)
    for known in sorted(written, key=len, reverse=True):
        text = text.replace(known, " ")
    text = re.sub(r"https?://\S+|\S+@\S+|/[\w./?=…-]*|UTC[+−\d:]*", " ", text)
    return " ".join(re.findall(r"[^\W\d_]+", text))


@pytest.fixture(scope="module", autouse=True)
def language() -> Iterator[str]:
    with pseudo_language() as known:
        yield known


@pytest.fixture(params=[320, 1280])
def page(request: pytest.FixtureRequest, opened: Opener) -> Page:
    return opened("en-GB", viewport={"width": request.param, "height": 900}, reduced_motion="reduce")


def test_no_text_is_left_out_of_the_catalogues_and_longer_words_fit(
    page: Page, shots: list[Shot], language: str, session: SetCookieParam, written: frozenset[str]
) -> None:
    wrong: dict[str, Any] = {}
    for shot in shots:
        show(page, shot, language, session)
        foreign = [(where, text) for where, text in page.evaluate(TEXTS) if unmarked(text, written)]
        if found := [*misshapen(page), *foreign]:
            wrong[shot.name] = found
    assert wrong == {}


def test_a_text_that_stands_in_no_catalogue_is_seen(page: Page, language: str) -> None:
    page.goto(f"/console/sign-in?lang={language}")
    page.evaluate("document.querySelector('button').append(' now')")
    assert [text for _, text in page.evaluate(TEXTS) if unmarked(text)] == ["now"]


@pytest.mark.parametrize(
    ("style", "told"),
    [
        ("main { min-width: 3000px }", "too wide"),
        ("h1 { width: 2rem; overflow: hidden; white-space: nowrap }", "is cut"),
        ("h1 { width: 2rem; white-space: nowrap }", "sticks out"),
        ("button.main { margin-top: -6rem }", "overlap"),
    ],
)
def test_a_page_that_is_out_of_shape_is_seen(page: Page, style: str, told: str) -> None:
    page.goto("/console/sign-in")
    assert misshapen(page) == []
    page.evaluate(
        """style => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(style);
          document.adoptedStyleSheets = [sheet];
        }""",
        style,
    )
    assert any(told in one for one in misshapen(page))
