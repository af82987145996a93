"""The catalogues are complete, every text is used, and no text stands anywhere else."""

import re
import string
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel import Locale

from services.web.adapters.words import languages
from services.web.adapters.zones import city_of, offset_of, regions, zone_named
from services.web.domain.days import Month
from services.web.domain.languages import language_for

WEB = Path("services/web")
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SOURCES = [*TEMPLATES, *sorted(WEB.rglob("*.py"))]


def texts(language: str) -> dict[str, str]:
    return dict(languages()[language].catalogue)


def test_both_languages_have_the_same_texts_and_none_is_empty() -> None:
    assert set(languages()) == {"de", "en"}
    assert texts("de").keys() == texts("en").keys()
    assert [key for language in ("de", "en") for key, text in texts(language).items() if not text.strip()] == []


def test_both_languages_fill_the_same_values_into_a_text() -> None:
    def names(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    english = texts("en")
    for key, text in texts("de").items():
        assert names(text) <= names(english[key]) | {"city", "email"}, key
        assert names(english[key]) == names(text), key


def used() -> tuple[set[str], set[str]]:
    """Keys that are named whole, and beginnings of keys that are put together."""
    whole: set[str] = set()
    begun: set[str] = set()
    for path in SOURCES:
        text = path.read_text()
        whole |= set(re.findall(r"""["']([a-z]+(?:[._:][a-z_0-9]+)*)["']""", text))
        begun |= set(re.findall(r'"([a-z]+[._](?:[a-z]+_)*)" ~', text))
        begun |= set(re.findall(r'f"([a-z]+\.)\{', text))
        begun |= {f"{what}." for what in re.findall(r'ask_once\(\s*desk, "\w+", "(\w+)"', text)}
    return whole, begun


def test_no_text_of_a_catalogue_is_unused() -> None:
    whole, begun = used()
    unused = [key for key in texts("de") if key not in whole and not key.startswith(tuple(begun))]
    assert unused == []


def test_every_text_that_a_template_names_is_there() -> None:
    for path in TEMPLATES:
        named = re.findall(r'(?<![a-z])t\("([a-z_.0-9]+)"(?!\s*~)', path.read_text())
        assert [key for key in named if key not in texts("de")] == [], path.name


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_words_stand_in_a_template(path: Path) -> None:
    # What these two blocks hold stands inside a tag of the base.
    text = re.sub(r"\{% block (shape|root) %\}.*?\{% endblock %\}", " ", path.read_text())
    text = re.sub(r"\{[{%#].*?[}%#]\}", " ", text, flags=re.DOTALL)
    for attribute in ("aria-label", "title", "placeholder", "alt", "abbr"):
        assert not re.search(rf'\s{attribute}="[^"]*[A-Za-z][^"]*"', text), attribute
    # A macro that writes the attributes of a tag has them outside of one.
    text = re.sub(r'\s[a-z-]+="[^"]*"', " ", re.sub(r"<[^>]*>", " ", text))
    assert re.findall(r"[A-Za-zÄÖÜäöüß]+", text) == []


def test_dates_and_times_are_written_as_readers_expect() -> None:
    german, english = languages()["de"], languages()["en"]
    day = date(2027, 1, 4)
    assert (german.long_day(day), english.long_day(day)) == ("Montag, 4. Januar 2027", "Monday, 4 January 2027")
    assert (german.month(day), english.month(day)) == ("Januar 2027", "January 2027")
    late = datetime(2027, 1, 4, 23, 30, tzinfo=UTC)
    assert german.span(late, late.replace(hour=23, minute=45)) == "23:30–23:45"
    assert german.span(late, datetime(2027, 1, 5, 0, 15, tzinfo=UTC)) == "23:30–Di., 5. Jan., 00:15"


@pytest.mark.parametrize(
    ("minutes", "german", "english"),
    [
        (5, "5 Minuten", "5 minutes"),
        (60, "1 Stunde", "1 hour"),
        (90, "1 Stunde 30 Minuten", "1 hour 30 minutes"),
        (1440, "1 Tag", "1 day"),
    ],
)
def test_durations_are_written_in_words(minutes: int, german: str, english: str) -> None:
    assert (languages()["de"].minutes(minutes), languages()["en"].minutes(minutes)) == (german, english)


@pytest.mark.parametrize(
    ("asked", "header", "language"),
    [
        (None, "", "en"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "fr,en;q=0.5,de;q=0.9", "de"),
        (None, "fr", "en"),
        (None, "de;q=0", "en"),
        ("de", "en", "de"),
        ("fr", "de", "de"),
        (None, ";;;q=nonsense,*", "en"),
    ],
)
def test_the_language_is_the_asked_one_or_what_the_browser_prefers(
    asked: str | None, header: str, language: str
) -> None:
    assert language_for(asked, header, ("de", "en")) == language


@pytest.mark.parametrize(
    ("locale", "first", "number"),
    [("de", "Montag", 1), ("de_AT", "Montag", 1), ("en_GB", "Monday", 1), ("en_US", "Sunday", 7), ("fa_IR", "شنبه", 6)],
)
def test_a_week_begins_on_the_day_that_its_readers_expect(locale: str, first: str, number: int) -> None:
    words = replace(languages()["en"], locale=Locale.parse(locale))
    assert words.days_from_monday()[0] == (number, first)
    assert [name for _, name in words.weekdays()] == [name for _, name in words.days_from_monday()]
    for month in (Month(2027, one) for one in range(1, 13)):
        for week in month.weeks(words.locale.first_week_day):
            for (day_number, _), day in zip(words.days_from_monday(), week, strict=True):
                assert day is None or day.isoweekday() == day_number, "each day stands below its own name"


def test_the_weeks_of_both_catalogues_begin_on_monday() -> None:
    assert {one: languages()[one].weekdays()[0][1] for one in ("de", "en")} == {"de": "Montag", "en": "Monday"}


def test_every_zone_that_can_be_chosen_is_one_that_the_api_takes() -> None:
    listed = [name for region in regions("de") for name, _ in region.zones]
    assert len(listed) > 400
    assert len(listed) == len(set(listed))
    assert [name for name in listed if zone_named(name) != name] == []
    keys = {f"region.{region.key}" for region in regions("de")}
    assert keys == {key for key in texts("de") if key.startswith("region.")}


def test_cities_are_named_in_the_readers_language_and_offsets_as_they_are_then() -> None:
    assert (city_of("Europe/Vienna", "de"), city_of("Europe/Vienna", "en_GB")) == ("Wien", "Vienna")
    assert city_of("America/Argentina/Buenos_Aires", "de") == "Buenos Aires"
    assert city_of("Etc/UTC", "de") == "UTC"
    assert offset_of(datetime.fromisoformat("2027-01-04T09:00:00+05:30")) == "UTC+5:30"
    assert offset_of(datetime.fromisoformat("2027-01-04T09:00:00-03:00")) == "UTC−3"
    assert offset_of(datetime(2027, 1, 4, tzinfo=UTC)) == "UTC"
    assert zone_named("Mars/Olympus") is None
    assert zone_named("europe/berlin") == "Europe/Berlin"
