"""A state in one word for what a service says of itself."""

from datetime import UTC, datetime

import pytest

from services.web.domain.operations import STATES, SeenLetter, SeenOperations, Told, overall

NOW = datetime(2027, 1, 4, tzinfo=UTC)
LETTER = SeenLetter(
    id="dlt_1",
    topic="SlotReserved",
    subject=None,
    key="cal_1",
    error="KeyError",
    unreadable=(),
    buried_at=NOW,
    empty=False,
    replayed=False,
)


def figures(**changed: object) -> SeenOperations:
    owed = {"count": 0, "oldest_seconds": 0.0, "under_way": 0, "retried": []}
    told = {
        "service": "booking",
        "version": "1",
        "ready": True,
        "taken_at": NOW,
        "owed": {**owed, **{name: value for name, value in changed.items() if name in owed}},
        "lag": {"messages": 0, "topics": []},
        "dead_letters": 0,
        **{name: value for name, value in changed.items() if name not in owed},
    }
    return SeenOperations.model_validate(told)


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "done"),
        ({"dead_letters": 7}, "done"),
        ({"count": 3, "oldest_seconds": 59.9}, "busy"),
        ({"under_way": 1}, "busy"),
        ({"lag": {"messages": 1, "topics": []}}, "busy"),
        ({"count": 3, "oldest_seconds": 60.0}, "late"),
        ({"retried": [{"job": "send_mail", "count": 1, "tries": 2}]}, "late"),
        ({"lag": None}, "unsure"),
        ({"dead_letters": None}, "unsure"),
        ({"ready": False, "lag": None}, "unwell"),
    ],
)
def test_a_service_is_as_bad_as_the_worst_that_it_says(changed: dict[str, object], state: str) -> None:
    assert Told("booking", figures(**changed)).state == state


def test_letters_of_the_workspace_count_more_than_work_that_waits() -> None:
    assert Told("booking", figures(count=1, oldest_seconds=600.0, lag=None), (LETTER,)).state == "letters"
    assert Told("booking", figures(ready=False), (LETTER,)).state == "unwell"


def test_all_are_as_bad_as_the_worst_of_them() -> None:
    fine, away = Told("booking", figures()), Told("notify", None)
    assert overall([fine, fine]) == "done"
    assert overall([fine, away]) == away.state == STATES[0]
    assert overall([Told("booking", figures(under_way=1)), fine]) == "busy"


def test_a_message_is_about_its_subject_or_what_its_key_names() -> None:
    assert LETTER.about == "cal_1"
    assert LETTER.model_copy(update={"subject": "bk_1"}).about == "bk_1"
