"""One site and one Chromium for all browser tests of a session."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.shots import Shot, session_of, shots_of
from tests.browser.site import Site
from turnus_runtime.embedded import Endpoints

CHROMIUM = os.environ.get("TURNUS_TEST_CHROMIUM", "/usr/bin/chromium")
PATIENCE_MS = 60_000
"""How long a page is given for what it will show: far more than it takes, also on a machine that does other things."""
expect.set_options(timeout=PATIENCE_MS)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that a test makes up has no address of this machine, and would not be let into one.
    "--disable-features=LocalNetworkAccessChecks",
]


@pytest.fixture(scope="session")
def site(embedded_servers: Endpoints) -> Iterator[Site]:
    running = Site(embedded_servers)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def shots(site: Site) -> list[Shot]:
    return list(shots_of(site))


@pytest.fixture(scope="session")
def session(site: Site) -> SetCookieParam:
    """The session of the workspace's owner."""
    return session_of(site)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Opener]:
    """`opened(locale="de-DE", script=False)`: a page of a browser of its own."""
    contexts: list[BrowserContext] = []

    def open_page(locale: str = "de-DE", *, script: bool = True, zone: str = "Europe/Berlin", **more: Any) -> Page:
        context = browser.new_context(
            base_url=site.url, locale=locale, java_script_enabled=script, timezone_id=zone, **more
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield open_page
    for context in contexts:
        context.close()
