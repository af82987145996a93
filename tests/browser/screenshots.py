"""`make screenshots`: every page of guests and of the console, in both languages, three widths, light and dark.

    python -m tests.browser.screenshots [--only WORD …] [--widths 360 …] [--schemes light dark] [--locales de en]

Real data of a small team, made by the API. The pictures: `build/screenshots/<page>-<locale>-<width>-<scheme>.png`.
"""

import argparse
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, QUIET
from tests.browser.shots import Shot, session_of, shots_of, show
from tests.browser.site import Site
from tests.support.stack import StackThread

OUT = Path(__file__).parents[2] / "build" / "screenshots"


def main() -> None:
    """Make the pictures."""
    asked = _arguments()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        servers = StackThread(Path(folder) / "data")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            site = Site(servers.endpoints)
            try:
                shots = [
                    one for one in shots_of(site) if not asked.only or any(word in one.name for word in asked.only)
                ]
                session = session_of(site)
                for locale in asked.locales:
                    for width in asked.widths:
                        context = browser.new_context(
                            base_url=site.url,
                            locale=f"{locale}-{'DE' if locale == 'de' else 'GB'}",
                            timezone_id="Europe/Berlin",
                            viewport={"width": width, "height": 900},
                            reduced_motion="reduce",
                        )
                        page = context.new_page()
                        for one in shots:
                            _take(page, one, locale, session, width, asked.schemes)
                        context.close()
            finally:
                site.stop()
        finally:
            browser.close()
            servers.stop()
    sys.stdout.write(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--widths", nargs="+", type=int, default=[360, 768, 1280])
    parser.add_argument("--schemes", nargs="+", default=["light", "dark"])
    parser.add_argument("--locales", nargs="+", default=["de", "en"])
    return parser.parse_args()


def _take(page: Page, one: Shot, locale: str, session: SetCookieParam, width: int, schemes: Sequence[Any]) -> None:
    show(page, one, locale, session)
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=OUT / f"{one.name}-{locale}-{width}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001 - the services' log has taken over what is told of an error that nobody catches
        traceback.print_exc()
        raise SystemExit(1) from None
