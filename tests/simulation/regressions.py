"""Every bug that was found by simulation, model or chaos, with the history that shows it.

A seed alone would soon show nothing: whatever is added to the simulation makes other histories of all seeds. So each
bug can be put back, by a patch as it was, and its seed is the first that shows it then. `python -m
tests.simulation.regressions` looks for new seeds.
"""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from services.availability.handlers import reserving
from tests.simulation.history import run

SEARCHED = 3000


@dataclass(frozen=True)
class Bug:
    """`was`: one line on what it was; `found`: by what, and where it was mended; `back` puts it back."""

    name: str
    was: str
    found: str
    back: Callable[[], AbstractContextManager[None]]
    seed: int


BUGS: list[Bug] = []
MODEL = "tests/model/test_model.py::"
PROMISES = f"{MODEL}test_every_promise_holds_in_every_state_and_rest_is_in_reach_of_all"
COUNTING = "tests/simulation/test_counting_what_is_booked.py::"
ELSEWHERE: dict[str, str] = {
    "a request refused days late, because its time was closed by then, kept its charge for ever (model)": (
        f"{MODEL}test_a_request_that_is_undecided_for_days_leaves_nothing_behind"
    ),
    "a late yes to a move that had been refused was not given back (reread of reliability.md, c104e6d)": (
        "tests/simulation/test_protections.py::test_a_yes_to_a_move_that_was_refused_is_answered_by_its_release"
    ),
    "a repeated request said of a settled choice that it was not charged (simulation, c1a6ec4)": PROMISES,
    "a pinned host who had left the calendar was looked at again for ever (simulation, 605a225)": (
        "tests/unit/availability/test_hosts.py"
        "::test_who_has_left_the_calendar_says_no_for_good_instead_of_asking_for_another_look_for_ever"
    ),
    "whoever left a calendar and joined it again was reserved in spite of its blocks (simulation, ebd1c65)": (
        "tests/simulation/test_reserving.py::test_who_joins_a_calendar_again_knows_of_the_blocks_it_got_meanwhile"
    ),
    "a job whose claim had ended while it waited for its turn was run by two processes (review)": (
        "tests/simulation/test_claimed_jobs.py"
        "::test_a_claim_that_ended_while_it_waited_is_made_anew_or_is_somebody_elses"
    ),
    "a booking whose move was given up while limits began did not count (reread of limits)": (
        f"{COUNTING}test_whose_move_is_over_while_bookings_are_counted_page_by_page_counts"
    ),
    "what a host had archived when limits began did not count (reread of limits)": (
        f"{COUNTING}test_what_a_host_has_archived_counts_in_a_month_that_is_still_open"
    ),
    "a late duplicate of a request counted what a move had left before limits began (simulation)": (
        f"{COUNTING}test_what_a_move_had_left_is_not_counted_by_a_late_duplicate"
    ),
}
"""Bugs that are not in one of the first few hundred histories, and the test that has them; by what they were found."""


def bug(was: str, found: str, seed: int) -> Callable[[Callable[[], Generator[None]]], Any]:
    """Register a bug by the patch that puts it back."""

    def register(back: Callable[[], Generator[None]]) -> Callable[[], AbstractContextManager[None]]:
        again = contextmanager(back)
        BUGS.append(Bug(back.__name__, was, found, again, seed))
        return again

    return register


@bug("a look older than a calendar's blocks passed for one that heeded them", "simulation, f8357c4", 1358)
def the_version_of_blocks_does_not_travel_with_the_look() -> Generator[None]:
    ask_host = reserving._ask_host

    async def blind(request: Any, calendar: Any, members: Any, *more: Any, **named: Any) -> Any:
        return await ask_host(
            request, calendar, replace(members, blocks_version=calendar.blocks_version), *more, **named
        )

    with patch.object(reserving, "_ask_host", blind):
        yield


def first_seed(of: Bug, most: int = SEARCHED) -> tuple[int, str] | None:
    """The first seed whose history shows the bug when it is back, and how; None if none does."""
    for seed in range(most):
        violation = run(seed, of.back).violation
        if violation is not None:
            return seed, violation
    return None


if __name__ == "__main__":
    for one in BUGS:
        if not sys.argv[1:] or one.name in sys.argv[1:]:
            shown = first_seed(one)
            sys.stdout.write(f"{one.name}: {shown[0] if shown else 'not seen'}  {shown[1][:100] if shown else ''}\n")
