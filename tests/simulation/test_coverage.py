"""What was not reached is said, and why; what should have been reached fails the run."""

from collections import Counter

from oversight.invariants.sagas import ARROWS
from tests.simulation.coverage import WONDER, Coverage, Place
from tests.simulation.history import run

ALL = {f"booking {source} --what--> {target}": 1 for source, target in ARROWS}
STEP = "availability BookingRequested: before insert claims"


def seen(*, expected: float, struck: int) -> Coverage:
    coverage = Coverage()
    place = Place(STEP, met=1000, expected={"crash": expected}, struck=Counter({"crash": struck} if struck else {}))
    coverage.add(ALL, [place], [])
    return coverage


def test_a_fault_that_was_to_be_expected_and_never_struck_is_an_unexplained_hole() -> None:
    (hole,) = seen(expected=WONDER, struck=0).holes()
    assert (hole.what, hole.reason) == (f"crash at {STEP}", None)


def test_a_fault_that_was_hardly_to_be_expected_is_explained_in_the_report() -> None:
    coverage = seen(expected=0.5, struck=0)
    assert [hole.reason is not None for hole in coverage.holes()] == [True]
    assert f"NOT REACHED: crash at {STEP} (0.5 were to be expected in 1000 times)" in coverage.report()


def test_a_fault_that_struck_once_is_no_hole() -> None:
    assert seen(expected=WONDER, struck=1).holes() == []


def test_histories_add_up() -> None:
    coverage = seen(expected=WONDER / 2, struck=0)
    coverage.add({}, [Place(STEP, met=1, expected={"crash": WONDER / 2})], [])
    assert [hole.reason for hole in coverage.holes()] == [None]


def test_an_arrow_of_the_saga_that_nobody_drew_is_an_unexplained_hole() -> None:
    coverage = Coverage()
    coverage.add({name: 1 for name in ALL if not name.endswith("--> no_show")}, [], [])
    assert {hole.what for hole in coverage.holes()} == {
        f"{source} → {target}" for source, target in ARROWS if target == "no_show"
    }
    assert all(hole.reason is None for hole in coverage.holes())


def test_a_history_tells_the_steps_of_its_handlers_and_what_struck_them() -> None:
    coverage, handlers, seeds = Coverage(), set[str](), iter(range(200))
    wanted = {"availability BookingRequested", "booking AssigneeSettled", "booking route create_booking"}
    while not wanted <= handlers or not any(handler.startswith("booking timer ") for handler in handlers):
        history = run(next(seeds))
        coverage.add(history.coverage, history.places, history.drawn)
        handlers = {place.handler for place in coverage.places.values()}
    assert coverage.counts["drawn crash"] == sum(place.struck["crash"] for place in coverage.places.values()) > 0
