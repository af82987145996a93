"""What `turnus why` takes for a start."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.availability.commands import asked_start
from services.availability.domain.zones import epoch_minute, local_minute


def test_an_instant_has_an_offset_and_what_has_none_is_what_clocks_on_a_wall_show() -> None:
    ten = datetime(2026, 11, 24, 10)  # noqa: DTZ001 (a reading of a wall clock)
    assert asked_start("2026-11-24T10:00") == asked_start("2026-11-24t10:00:00.000") == ten
    assert asked_start("2026-11-24T10:00Z") == asked_start("2026-11-24T10:00:00z") == ten.replace(tzinfo=UTC)
    assert asked_start("2026-11-24T10:00+01:00") == ten.replace(tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "2026-11-24", "10:00", "20261124T1000", "2026-W48-2T10:00", "2026-11-24 10:00"),
        *("2026-11-31T10:00", "2026-11-24T25:00", "2026-11-24T10:00+25:00", "٢٠٢٦-11-24T10:00", "2026-11-24T10:00 "),
        *("2026-11-24T10:00:30", "2026-11-24T10:00:00.5", "1999-12-31T10:00", "2100-01-01T10:00"),
    ],
)
def test_what_is_no_start_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=" is no start: "):
        asked_start(text)


def test_a_time_on_the_wall_that_clocks_skip_is_the_next_one_and_of_two_it_is_the_first() -> None:
    def found(wall: str) -> int:
        return local_minute("Europe/Berlin", asked_start(wall))

    assert found("2027-01-12T10:00") == epoch_minute(datetime(2027, 1, 12, 9, tzinfo=UTC))
    assert found("2027-03-28T02:30") == epoch_minute(datetime(2027, 3, 28, 1, tzinfo=UTC))
    assert found("2027-10-31T02:30") == epoch_minute(datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
