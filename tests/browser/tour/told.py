"""The pages of the tour, `docs/tour/de.md` and `en.md`, from its steps. No browser is needed for them."""

from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from pathlib import Path

from tests.browser.tour import beginning, day, guest
from tests.browser.tour.walk import STEPS, Step

ROOT = Path(__file__).parents[3]
DOCS, PICTURES = ROOT / "docs" / "tour", ROOT / "build" / "tour"
LANGUAGES = {"de": "de-DE", "en": "en-GB"}
TITLES: Mapping[str, Mapping[str, str]] = {
    "tour": {"de": "Ein Gang durch Turnus", "en": "A walk through Turnus"},
    beginning.CHAPTER: {"de": "Ein Arbeitsbereich entsteht", "en": "A workspace begins"},
    guest.CHAPTER: {"de": "Ein Gast bucht", "en": "A guest books"},
    day.CHAPTER: {"de": "Der Tag des Teams", "en": "The day of the team"},
}
ALL: list[Step] = [one for chapter in (beginning, guest, day) for one in STEPS[chapter.CHAPTER]]
"""All steps in their order."""
LEADS: Mapping[str, str] = {
    "de": "`make demo-tour` geht diese Schritte in einem Browser und legt von jedem ein Bild nach `build/tour/de/`.\n"
    "Diese Seite entsteht dabei aus den Schritten in `tests/browser/tour/`. [English](en.md)",
    "en": "`make demo-tour` takes these steps in a browser and puts a picture of each into `build/tour/en/`.\n"
    "It writes this page from the steps in `tests/browser/tour/`. [Deutsch](de.md)",
}


def picture_of(number: int, step: Step) -> str:
    """`03-kinds`."""
    return f"{number:02}-{step.name}"


def chapters() -> Iterator[tuple[str, list[tuple[int, Step]]]]:
    """Chapters with their steps, which are numbered from 1."""
    for chapter, those in groupby(enumerate(ALL, 1), lambda one: one[1].chapter):
        yield chapter, list(those)


def page(language: str) -> str:
    """The page of the tour in this language: one sentence a step, and the pictures that are kept."""
    lines = [f"# {TITLES['tour'][language]}", LEADS[language]]
    for chapter, steps in chapters():
        lines += ["", f"## {TITLES[chapter][language]}"]
        for number, step in steps:
            lines.append(f"{number}. {step.says[language]} `{picture_of(number, step)}.png`")
            if step.shown:
                lines += ["", f"   ![{step.says[language]}](readme/{step.name}-{language}.webp)"]
    return "\n".join(lines) + "\n"


def album(language: str) -> str:
    """The same with all pictures, to look at: `build/tour/<language>.html`."""
    body = "".join(
        f"<h2>{escape(TITLES[chapter][language])}</h2>"
        + "".join(
            f"<figure><figcaption>{number}. {escape(step.says[language])}</figcaption>"
            f'<img src="{language}/{picture_of(number, step)}.png" alt="" loading="lazy"></figure>'
            for number, step in steps
        )
        for chapter, steps in chapters()
    )
    title = escape(TITLES["tour"][language])
    style = "body{font:1rem/1.5 system-ui;max-width:60rem;margin:2rem auto}img{max-width:100%;border:1px solid #ccc}"
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title><style>{style}</style>'
        f"<h1>{title}</h1>{body}</html>\n"
    )
