"""The language of the tests is what they take it for: complete, longer, marked, and known to nobody else."""

import string

from services.web.adapters.words import languages
from tests.browser.pseudo import CLOSE, OPEN, PSEUDO, pseudo_catalogue, pseudo_language, stretched


def test_every_text_is_marked_and_keeps_its_placeholders() -> None:
    english = languages()["en"].catalogue
    made = pseudo_catalogue(english)
    assert made.keys() == english.keys()
    for key, text in made.items():
        assert (text[0], text[-1]) == (OPEN, CLOSE)
        assert list(names(text)) == list(names(english[key])), key


def test_texts_are_about_forty_percent_longer() -> None:
    english = languages()["en"].catalogue
    before = sum(len(text) for text in english.values())
    after = sum(len(text) for text in pseudo_catalogue(english).values())
    assert 1.3 <= after / before <= 1.5


def test_a_text_looks_like_this() -> None:
    assert stretched("Save {name} now") == "⟦Šààṽèè {name} ńòòŵ⟧"


def test_only_a_test_knows_it() -> None:
    assert PSEUDO not in languages()
    with pseudo_language():
        words = languages()[PSEUDO]
        assert words.say("form.companion", number=2) == "⟦Ṕèèŕšòòń 2⟧"
        assert words.minutes(90) == "⟦1 hour 30 minutes⟧"
    assert PSEUDO not in languages()


def names(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
