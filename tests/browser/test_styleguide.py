"""The styleguide: it shows what the pages use, and everything in it can be read."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from services.web.domain.colours import WRITTEN_ON, schemes
from tests.browser.conftest import Opener
from tests.browser.site import Site
from tests.browser.test_accessible import Watched

WEB = Path("services/web")
WRITTEN = """() => {
  const solid = one => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return colour;
    }
  };
  const found = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && one.checkVisibility())
      found.add(JSON.stringify([getComputedStyle(one).color, solid(one)]));
  }
  return [...found].map(JSON.parse);
}"""
"""The colours of every text that is seen, and what they are written on."""


def tokens(scheme: str) -> dict[str, set[str]]:
    """Names of the tokens by their colour as browsers tell it."""
    found: dict[str, set[str]] = {}
    for name, colour in schemes((WEB / "static/tokens.css").read_text())[scheme].items():
        told = f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"
        found.setdefault(told, set()).add(name)
    return found


@pytest.fixture
def guide(opened: Opener) -> Page:
    page = opened(reduced_motion="reduce")
    page.goto("/styleguide")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_colours_whose_contrast_is_computed(guide: Page, scheme: str) -> None:
    guide.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
    names = tokens(scheme)
    written = [tuple(pair) for pair in guide.evaluate(WRITTEN)]
    assert len(written) > 10
    for front, back in written:
        assert any(one in WRITTEN_ON.get(name, ()) for name in names[front] for one in names[back]), (front, back)


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_it_is_as_accessible_as_the_pages(opened: Opener, locale: str) -> None:
    page = opened(locale, reduced_motion="reduce")
    page.goto("/styleguide")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    Watched(page).check("styleguide")


def test_it_shows_every_icon_every_token_and_every_state(guide: Page) -> None:
    source = (WEB / "templates/parts.html").read_text()
    shown = guide.locator("#icons code").all_inner_texts()
    assert shown == re.findall(r'name == "(\w+)"', source)
    sheet = (WEB / "static/tokens.css").read_text()
    for family in ("spaces", "type"):
        listed = guide.locator(f"#{family} code:not(.hint)").all_inner_texts()
        assert listed == re.findall(rf"--({family.removesuffix('s')}-\w+):", sheet)
    assert guide.locator("#states .badge").count() >= len(re.findall(r"^msgid \"state\.", words_file(), re.MULTILINE))


def test_it_is_drawn_by_the_macros_of_the_pages() -> None:
    """Whoever adds a macro shows it here: the ones that are left are parts of the others."""
    guide = (WEB / "templates/styleguide.html").read_text()
    parts_of_others = {"place", "hidden", "frame", "_described", "zones", "zone", "at"}
    for file in ("parts.html", "picker.html", "console/parts.html"):
        macros = set(re.findall(r"\{% macro (\w+)\(", (WEB / "templates" / file).read_text())) - parts_of_others
        imported = re.search(rf'\{{% from "{file}" import (.*?) %\}}', guide)
        assert imported is not None
        assert {one.split(" as ")[0].strip() for one in imported[1].split(",")} == macros, file


def test_search_engines_are_kept_out(site: Site) -> None:
    answer = httpx.get(f"{site.url}/styleguide")
    assert answer.status_code == 200
    assert "noindex" in answer.headers["x-robots-tag"]
    assert '<meta name="robots" content="noindex">' in answer.text


def words_file() -> str:
    return (WEB / "locale/en.po").read_text()
