"""Somebody who has a keyboard and nothing else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from playwright.sync_api import Page

MOST_STOPS = 600
STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return null;
  const styles = [getComputedStyle(one), getComputedStyle(one, '::after')];
  const box = one.getClientRects()[0] || one.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const at = document.elementFromPoint(x, y);
  const labels = [...(one.labels || [])].map(label => label.innerText).join(' ');
  window.turnusStops = window.turnusStops || new Map();
  if (!window.turnusStops.has(one)) window.turnusStops.set(one, window.turnusStops.size);
  return {
    id: window.turnusStops.get(one),
    name: (one.getAttribute('aria-label') || labels || one.innerText || one.value || '').trim(),
    html: one.outerHTML.slice(0, 120),
    part: one.closest('.skip, header, nav.side, main, footer')?.tagName.toLowerCase() || '',
    within: one.closest('section')?.className || '',
    outlined: styles.some(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2),
    seen: at !== null && (at === one || one.contains(at) || at.contains(one) && !at.closest('.sticky')),
  };
}"""
TABBABLE = """() => {
  const fields = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  const found = [...document.querySelectorAll(fields)].filter(
    one => one.tabIndex >= 0 && !one.matches(':disabled') && one.checkVisibility());
  const groups = new Set(found.filter(one => one.type === 'radio').map(one => one.name));
  return [found.filter(one => one.type !== 'radio').length + groups.size,
          [...document.querySelectorAll('[tabindex]')].filter(one => one.tabIndex > 0).length];
}"""
ORDER = ("a", "header", "nav", "main", "footer")
"""The parts of a page in which the focus goes on, the link past everything first."""


@dataclass
class Keyboard:
    """Tab, Enter, Space, letters: nothing is clicked, nothing is filled in but by typing.

    At every stop the focus can be seen: it has an outline, and nothing lies on it.
    """

    page: Page

    def stop(self) -> dict[str, Any] | None:
        """Where the focus is; None: nowhere in the page."""
        found: dict[str, Any] | None = self.page.evaluate(STOP)
        if found is not None:
            assert found["outlined"], f"the focus cannot be seen: {found['html']}"
            assert found["seen"], f"something lies on the focus: {found['html']}"
        return found

    def on(self) -> dict[str, Any]:
        """One Tab further."""
        self.page.keyboard.press("Tab")
        found = self.stop()
        assert found is not None, "the focus has left the page"
        return found

    def to(self, name: str) -> None:
        """Tab until what is called so has the focus."""
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            found = self.stop()
            if found is not None and re.fullmatch(name, found["name"], re.DOTALL):
                return
        raise AssertionError(f"{name} is not reached on {self.page.url}")

    def enter(self, name: str) -> None:
        """Go there, and follow the link or press the button."""
        self.to(name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def write(self, name: str, text: str) -> None:
        """Go to that field, and type."""
        self.to(name)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def write_day(self, name: str, day: date) -> None:
        """Go to that field of a date, and type its parts in the order in which this browser shows them."""
        self.to(name)
        for order in ("%d%m%Y", "%m%d%Y", "%Y%m%d"):
            self.page.keyboard.type(day.strftime(order))
            if self.page.evaluate("document.activeElement.value") == day.isoformat():
                return
            for _ in range(2):
                self.page.keyboard.press("ArrowLeft")
        raise AssertionError(f"{name} does not take {day}")

    def tick(self, name: str) -> None:
        """Go to that box, and tick it."""
        self.to(name)
        self.page.keyboard.press("Space")

    def around(self) -> list[dict[str, Any]]:
        """Once through the whole page from its beginning: all its stops, each once and in a sensible order."""
        self.page.evaluate("() => { window.turnusStops = undefined; }")
        stops = list(self._stops())
        count, forced = self.page.evaluate(TABBABLE)
        assert forced == 0, "an order of its own"
        assert len(stops) == count, f"{len(stops)} of {count} are reached on {self.page.url}"
        parts = [ORDER.index(one["part"]) for one in stops]
        assert parts == sorted(parts), [one["html"] for one in stops]
        assert stops[0]["part"] == "a", "the first stop leads past everything"
        return stops

    def _stops(self) -> Iterator[dict[str, Any]]:
        known: set[int] = set()
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            found = self.stop()
            if found is not None and found["id"] == max(known, default=None):
                continue  # a date has a stop for each of its parts
            if found is None or found["id"] in known:
                return
            known.add(found["id"])
            yield found
        raise AssertionError(f"no end of stops on {self.page.url}")
