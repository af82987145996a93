"""A calendar in the page of another site."""

import re

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import Opener
from tests.browser.guest import words_of
from tests.browser.site import Site

DAY = "2027-01-12"


def hosted(site: Site, page: Page, html: str) -> None:
    """The page of a site with another origin, which holds this."""
    page.route(
        f"http://localhost:{site.port}/host",
        lambda route: route.fulfill(body=f"<!doctype html><title>Host</title><body>{html}", content_type="text/html"),
    )
    page.goto(f"http://localhost:{site.port}/host")


def book_in(frame: FrameLocator, name: str) -> None:
    words = words_of("de")
    frame.get_by_role("link", name="Dienstag, 12. Januar 2027").click()
    frame.get_by_role("link", name="10:00", exact=True).click()
    frame.get_by_label(words.say("form.name"), exact=True).fill(name)
    frame.get_by_label(words.say("form.email"), exact=True).fill("grace@example.org")
    frame.get_by_role("button", name=words.say("form.book")).click()
    expect(frame.get_by_role("heading", level=1)).to_have_text(words.say("booking.title_confirmed"))


@pytest.mark.parametrize("way", ["inline", "popup", "iframe"])
def test_guests_book_in_the_page_of_another_site(site: Site, opened: Opener, way: str) -> None:
    address = site.calendar([site.host("Ada Lindner")])
    page = opened()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    script = f'<script src="{site.url}/embed.js" data-calendar="{address}" data-lang="de"'
    html = {
        "inline": f"{script}></script>",
        "popup": f'{script} data-mode="popup" data-label="Termin buchen"></script>',
        "iframe": f'<iframe src="{site.url}/{address}?embed=1&lang=de" width="100%" height="740"></iframe>',
    }[way]
    hosted(site, page, html)
    if way == "popup":
        page.get_by_role("button", name="Termin buchen").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    book_in(page.frame_locator("iframe"), "Grace Hopper")
    assert not site.slots(address, DAY)[0].startswith(f"{DAY}T10:00")
    assert f"{DAY}T10:00:00+01:00" not in site.slots(address, DAY)
    if way == "inline":
        page.wait_for_function("parseInt(document.querySelector('iframe').style.height) !== 46 * 16")
    assert not [text for text in complaints if "frame-ancestors" in text]


def test_nothing_else_stands_in_a_frame(site: Site, opened: Opener) -> None:
    address = site.calendar([site.host("Bernd Okafor")])
    token = site.book(address, f"{DAY}T10:00:00+01:00")["token"]
    page = opened()
    for path in (f"/{address}", f"/b/{token}", "/console", "/console/sign-in", "/console/sign-in?embed=1"):
        answer = page.request.get(f"{site.url}{path}")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path


def test_a_link_preview_and_search_engines_learn_what_a_page_is_about(site: Site, opened: Opener) -> None:
    address = site.calendar([site.host("Cleo Sanders")], name="Beratung", description="Eine Stunde für dich.")
    page = opened()
    page.goto(f"/{address}?lang=de")
    content = page.locator("meta[property='og:title']").get_attribute("content")
    assert content == "Beratung – Sonnenhof"
    assert page.locator("meta[property='og:description']").get_attribute("content") == "Eine Stunde für dich."
    assert page.locator("link[rel=canonical]").get_attribute("href") == f"{site.url}/{address}"
    assert re.search("noindex", page.request.get(f"{site.url}/{address}?embed=1").text())
