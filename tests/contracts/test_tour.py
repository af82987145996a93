"""The pages of the tour are what its steps say; no browser is needed to know it."""

import pytest

from tests.browser.tour.told import ALL, DOCS, LANGUAGES, album, page, picture_of

SMALL_BYTES, MOST_PICTURES = 40_000, 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_tour_is_current(language: str) -> None:
    assert (DOCS / f"{language}.md").read_text() == page(language), "run `make demo-tour`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_has_one_sentence_and_a_picture_of_its_own(language: str) -> None:
    said = [step.says[language] for step in ALL]
    assert [text for text in said if not text.endswith(".") or ". " in text] == []
    assert len(set(said)) == len(said)
    assert len({step.name for step in ALL}) == len(ALL)
    for number, step in enumerate(ALL, 1):
        assert f"{number}. {step.says[language]} `{picture_of(number, step)}.png`" in page(language)
        assert f'src="{language}/{picture_of(number, step)}.png"' in album(language)


def test_few_small_pictures_are_kept_and_every_one_is_shown() -> None:
    kept = sorted(path.name for path in (DOCS / "readme").iterdir())
    assert kept == sorted(f"{step.name}-{language}.webp" for step in ALL if step.shown for language in LANGUAGES)
    assert len(kept) <= MOST_PICTURES
    for name in kept:
        assert (DOCS / "readme" / name).stat().st_size <= SMALL_BYTES, name
