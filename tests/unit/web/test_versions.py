"""What changed between two versions of a calendar, in the words of its form."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.web.adapters.setting_words import LABELS, SAID, label_of, shown, step_in, summary
from services.web.adapters.words import languages
from services.web.domain.staff import SeenTouch
from services.web.domain.versions import Change, MemberStep, compared, people_in, restorable

GERMAN, ENGLISH = languages()["de"], languages()["en"]
SETTINGS: dict[str, Any] = {
    "kind": "round_robin",
    "name": "Talk",
    "duration_minutes": 30,
    "members": [{"member_id": "mem_ada", "weight": 1, "tier": 1}, {"member_id": "mem_bob", "weight": 1, "tier": 1}],
    "location": None,
    "window": None,
}


def touch(field: str, actor_id: str | None = "mem_olga") -> SeenTouch:
    return SeenTouch(field=field, at=None, actor_id=actor_id, key_id=None)


def changed(field: str, value: Any) -> Change:
    (found,) = compared(SETTINGS, SETTINGS | {field: value}, [touch(field)])
    return found


def told(field: str, before: Any, after: Any) -> tuple[str, str]:
    return shown(GERMAN, Change(touch(field), True, before, after))


def test_each_setting_of_the_api_has_a_name_and_words_on_the_page() -> None:
    """Who adds a setting is told here that the page of versions must be able to say it."""
    api = json.loads(Path("docs/openapi.json").read_text())
    settings = set(api["components"]["schemas"]["booking_SettingsView"]["properties"]) - {"kind"}
    assert set(LABELS) == settings
    assert set(SAID) == settings - {"members"}
    for words in (GERMAN, ENGLISH):
        assert all(label_of(words, field) for field in settings)


@pytest.mark.parametrize(
    ("field", "before", "after", "words"),
    [
        ("duration_minutes", 30, 45, ("30 Minuten", "45 Minuten")),
        ("description", "", "Neu", ("leer", "Neu")),
        ("tz", "Europe/Vienna", "UTC", ("Wien", "UTC")),
        ("anchor", "opening", "clock", ("Ab Arbeitsbeginn", "Zur runden Uhrzeit")),
        ("anchor", "clock", "gapless", ("Zur runden Uhrzeit", "Lückenlos")),
        ("look_busy_percent", 0, 30, ("0\xa0%", "30\xa0%")),
        ("limits", None, {"day": 8, "week": None, "month": 1000}, ("unbegrenzt", "8 pro Tag, 1.000 pro Monat")),
        ("optimize", "equal", "totals", ("Optimiert nach Gleichverteilung", "Optimiert nach Monatssumme")),
        ("reschedule_policy", "reassign", "reassign", ("Werden erneut zugewiesen", "Werden erneut zugewiesen")),
        ("guest_chooses_host", False, True, ("nein", "ja")),
        ("cancel_cutoff_minutes", 0, 1440, ("bis zum Beginn", "1 Tag vor Beginn")),
        ("location", None, {"kind": "phone", "value": "+49"}, ("Wird später vereinbart", "Telefonanruf: +49")),
        (
            "window",
            {"kind": "rolling", "count": 1, "unit": "months", "counting": "available"},
            {"kind": "until", "date": "2027-06-01"},
            ("1 Monat (Tage mit freien Zeiten)", "bis 01.06.2027"),
        ),
        ("window", None, {"kind": "range", "start": "2027-02-01", "end": "2027-02-28"},
         ("Ohne Grenze", "01.02.2027 – 28.02.2027")),
        ("optimize", "equal", "by_moon", ("Optimiert nach Gleichverteilung", "by_moon")),
    ],
)  # fmt: skip
def test_a_change_is_told_in_the_words_of_the_form(field: str, before: Any, after: Any, words: tuple[str, str]) -> None:
    assert told(field, before, after) == words


def test_a_long_text_is_cut() -> None:
    assert len(told("description", "", "x" * 2000)[1]) == 160


def test_a_setting_that_no_page_knows_is_named_and_not_said() -> None:
    assert label_of(GERMAN, "price_cents") == "price_cents"
    assert told("price_cents", 1, 2) == ("", "")


def test_without_the_version_before_only_what_is_now_is_told() -> None:
    (change,) = compared(None, SETTINGS, [touch("duration_minutes")])
    assert shown(GERMAN, change) == ("", "30 Minuten")
    (members,) = compared(None, SETTINGS, [touch("members")])
    assert members.steps == ()


def test_members_come_leave_and_get_other_shares() -> None:
    members = [
        {"member_id": "mem_cleo", "weight": 1, "tier": 1},
        {"member_id": "mem_ada", "weight": 3, "tier": 2},
    ]
    change = changed("members", members)
    assert change.steps == (
        MemberStep("came", "mem_cleo"),
        MemberStep("left", "mem_bob"),
        MemberStep("weight", "mem_ada", 1, 3),
        MemberStep("tier", "mem_ada", 1, 2),
    )
    assert [step_in(GERMAN, one, "Ada") for one in change.steps] == [
        "Ada kommt dazu",
        "Ada ist nicht mehr dabei",
        "Ada: Gewicht 1 → 3",
        "Ada: Stufe 1 → 2",
    ]
    assert people_in([change]) == {"mem_ada", "mem_bob", "mem_cleo", "mem_olga"}


def test_another_order_is_said_once_and_only_of_those_who_stay() -> None:
    assert changed("members", SETTINGS["members"][::-1]).steps == (MemberStep("order"),)
    assert changed("members", SETTINGS["members"][1:]).steps == (MemberStep("left", "mem_ada"),)
    assert step_in(GERMAN, MemberStep("order"), "") == "Andere Reihenfolge"


def test_a_name_in_braces_is_only_a_name() -> None:
    assert step_in(GERMAN, MemberStep("came", "mem_x"), "{before}") == "{before} kommt dazu"


def test_an_old_version_comes_back_without_those_who_are_gone() -> None:
    back = restorable(SETTINGS, ["mem_bob"])
    assert "kind" not in back
    assert back["members"] == [{"member_id": "mem_bob", "weight": 1, "tier": 1}]
    assert back["duration_minutes"] == 30


def test_a_calendar_in_a_few_words() -> None:
    settings = SETTINGS | {"location": {"kind": "link", "value": "https://x"}}
    assert summary(GERMAN, settings, ["Ada", "Bob", "Cleo", "Dora"]) == [
        "30 Minuten",
        "Ada, Bob und 2 weitere",
        "Videokonferenz über einen Link",
        "Buchungszeitraum: Ohne Grenze",
    ]
    assert summary(GERMAN, settings, [])[1] == "noch niemand"
    less = {"limits": {"day": 8, "week": 30, "month": None}, "look_busy_percent": 30}
    assert summary(GERMAN, settings | less, [])[4:] == [
        "Höchstzahl an Terminen: 8 pro Tag, 30 pro Woche",
        "Ausgelastet wirken (Look Busy): 30\xa0%",
    ]
    assert len(summary(GERMAN, settings | {"limits": None, "look_busy_percent": 0}, [])) == 4
