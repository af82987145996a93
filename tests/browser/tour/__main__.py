"""`make demo-tour`: walk through the product in both languages, with a picture of each step, and write `docs/tour/`.

    python -m tests.browser.tour [--locales de en] [--keep]

The pictures: `build/tour/<language>/<number>-<step>.png`, and `build/tour/<language>.html` shows them with their
sentences. With `--keep`, the small pictures of `docs/tour/readme` are made again too.
"""

import argparse
import base64
import sys
import tempfile
import traceback
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from services.web.adapters.words import languages
from tests.browser.conftest import CHROMIUM, QUIET
from tests.browser.site import Site
from tests.browser.tour.told import ALL, DOCS, LANGUAGES, PICTURES, album, page, picture_of
from tests.browser.tour.walk import Walk
from tests.support.stack import StackThread

SMALL_WIDTH, SMALL_BYTES = 720, 40_000
TO_WEBP = """async ([address, most, quality]) => {
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  const scale = Math.min(1, most / picture.width);
  const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  const drawn = canvas.getContext('2d');
  drawn.imageSmoothingQuality = 'high';
  drawn.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({type: 'image/webp', quality})).arrayBuffer());
  return btoa(Array.from(bytes, one => String.fromCharCode(one)).join(''));
}"""


def main() -> None:
    """Walk, take the pictures, write the pages."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        servers = StackThread(Path(folder) / "data")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            site = Site(servers.endpoints)
            try:
                for language in asked.locales:
                    _walk(site, browser, language, keep=asked.keep)
            finally:
                site.stop()
        finally:
            browser.close()
            servers.stop()
    DOCS.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        (DOCS / f"{language}.md").write_text(page(language))
    sys.stdout.write(f"{len(ALL)} steps; look at {PICTURES}/{asked.locales[0]}.html\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locales", nargs="+", choices=list(LANGUAGES), default=list(LANGUAGES))
    parser.add_argument("--keep", action="store_true", help="make the small pictures of docs/tour/readme again")
    return parser.parse_args()


def _walk(site: Site, browser: Browser, language: str, *, keep: bool) -> None:
    folder = PICTURES / language
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    walk = Walk(site, browser, languages()[language], LANGUAGES[language])
    try:
        for number, step in enumerate(ALL, 1):
            try:
                step.do(walk)
            except Exception:
                walk.page.screenshot(path=folder / "failed.png")
                raise
            path = folder / f"{picture_of(number, step)}.png"
            walk.page.screenshot(path=path)
            if keep and step.shown:
                small = _small(browser, path.read_bytes())
                (DOCS / "readme").mkdir(parents=True, exist_ok=True)
                (DOCS / "readme" / f"{step.name}-{language}.webp").write_bytes(small)
    finally:
        walk.close()
    (PICTURES / f"{language}.html").write_text(album(language))


def _small(browser: Browser, picture: bytes) -> bytes:
    """The picture as WebP, at most so wide and so heavy."""
    page = browser.new_page()
    try:
        address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        for quality in (0.85, 0.75, 0.6, 0.45):
            made = base64.b64decode(page.evaluate(TO_WEBP, [address, SMALL_WIDTH, quality]))
            if len(made) <= SMALL_BYTES:
                return made
        raise ValueError(f"a picture does not fit into {SMALL_BYTES} bytes")
    finally:
        page.close()


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001 - the services' log has taken over what is told of an error that nobody catches
        traceback.print_exc()
        raise SystemExit(1) from None
