"""Which measurement of the store's clock is believed."""

from turnus_runtime.clock import DRIFT, Measurement, believed


def test_the_first_measurement_is_believed() -> None:
    sample = Measurement(offset=100.0, doubt=9.0, taken=0.0)
    assert believed(None, sample) is sample


def test_an_older_measurement_stays_while_the_newer_one_took_a_longer_way() -> None:
    known = Measurement(offset=100.0, doubt=0.002, taken=0.0)
    slow = Measurement(offset=100.04, doubt=0.050, taken=10.0)
    assert believed(known, slow) is known


def test_an_older_measurement_loses_trust_as_time_passes() -> None:
    known = Measurement(offset=100.0, doubt=0.002, taken=0.0)
    later = 0.050 / DRIFT
    slow = Measurement(offset=100.04, doubt=0.050, taken=later)
    assert known.doubt_at(later) > 0.050
    assert believed(known, slow) is slow


def test_a_clock_that_was_set_is_believed_at_once_even_if_the_way_was_longer() -> None:
    known = Measurement(offset=100.0, doubt=0.002, taken=0.0)
    after = Measurement(offset=160.0, doubt=0.050, taken=10.0)
    assert known.contradicts(after)
    assert believed(known, after) is after
