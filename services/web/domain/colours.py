"""The colours of the pages: which is written on which, and how well that can be read (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TEXT_LEAST, EDGE_LEAST = 4.5, 3.0
"""The least contrast of text, and of what one must see to find a control."""
WRITTEN_ON: Mapping[str, Sequence[str]] = {
    "text": ("canvas", "surface", "sunken", "accent-soft", "good-soft", "bad-soft", "wait-soft"),
    "muted": ("canvas", "surface", "sunken", "accent-soft", "good-soft", "bad-soft"),
    "accent": ("canvas", "surface", "sunken"),
    "accent-strong": ("canvas", "surface", "sunken", "accent-soft"),
    "on-accent": ("accent", "accent-strong", "bad"),
    "good": ("surface", "good-soft"),
    "bad": ("canvas", "surface", "sunken", "bad-soft"),
    "wait": ("surface", "wait-soft"),
}
"""Which colour is used for text on which others, by the names of their tokens."""
EDGES_ON: Mapping[str, Sequence[str]] = {"edge": ("canvas", "surface"), "accent": ("canvas", "surface", "accent-soft")}
"""Which colour draws the edge of a control, or of what has the focus, on which others."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A colour on another one: the names of their tokens, their values and contrast in each scheme, what is needed."""

    front: str
    back: str
    values: Mapping[str, tuple[str, str]]
    ratios: Mapping[str, float]
    least: float

    @property
    def is_readable(self) -> bool:
        """Whether the contrast is enough in every scheme."""
        return all(ratio >= self.least for ratio in self.ratios.values())


def schemes(css: str) -> dict[str, dict[str, str]]:
    """The colours `#rrggbb` of `tokens.css` by token, for `light` and `dark`. What the dark does not name stays."""
    bright, _, dim = css.partition("@media (prefers-color-scheme: dark)")
    light = dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6});", bright))
    return {"light": light, "dark": {**light, **dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6});", dim))}}


def pairs(css: str) -> list[Pair]:
    """Every pair that the pages use, text first."""
    known = schemes(css)
    return [
        Pair(
            front,
            back,
            {name: (colours[front], colours[back]) for name, colours in known.items()},
            {name: contrast(colours[front], colours[back]) for name, colours in known.items()},
            least,
        )
        for used, least in ((WRITTEN_ON, TEXT_LEAST), (EDGES_ON, EDGE_LEAST))
        for front, backs in used.items()
        for back in backs
    ]


def lengths(css: str, family: str) -> list[tuple[str, str]]:
    """The tokens of one family with their values: `lengths(css, "space")` -> `[("space-1", "0.25rem"), …]`."""
    return re.findall(rf"--({family}-[a-z0-9]+):\s*([^;]+);", css)


def contrast(one: str, other: str) -> float:
    """From 1 to 21: how far the luminance of two colours `#rrggbb` lies apart."""
    lower, higher = sorted((_luminance(one), _luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
