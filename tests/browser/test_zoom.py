"""Every page enlarged to twice its size, by zooming and by the size of text alone: nothing is cut, nothing overlaps."""

from typing import Any

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Page

from tests.browser.conftest import Opener
from tests.browser.looking import misshapen
from tests.browser.shots import Shot, show

LARGE_TEXT = "() => { document.documentElement.style.fontSize = '200%' }"


@pytest.fixture(params=["zoom 1280", "text 1280", "text 360"])
def page(request: pytest.FixtureRequest, opened: Opener) -> Page:
    """1280 pixels at 200 % are 640 of CSS, each two wide; or the text alone is twice as large."""
    what, width = request.param.split()
    more: dict[str, Any] = {"viewport": {"width": int(width), "height": 900}}
    if what == "zoom":
        more = {"viewport": {"width": int(width) // 2, "height": 450}, "device_scale_factor": 2}
    page = opened("de-DE", reduced_motion="reduce", **more)
    if what == "text":
        page.add_init_script(f"addEventListener('DOMContentLoaded', {LARGE_TEXT})")
    return page


def test_every_page_can_be_enlarged_to_twice_its_size(page: Page, shots: list[Shot], session: SetCookieParam) -> None:
    wrong: dict[str, list[str]] = {}
    for shot in shots:
        show(page, shot, "de", session)
        if found := misshapen(page):
            wrong[shot.name] = found
    assert wrong == {}


def test_the_text_is_enlarged_indeed(page: Page) -> None:
    page.goto("/console/sign-in")
    size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize) * devicePixelRatio")
    assert size == 32
