"""Credit in whole units, so that the credits of a rotation add up to exactly zero, always."""

from collections.abc import Sequence

UNIT = 144_403_552_893_600
"""One booking: the least common multiple of 1 … 36, so that every team whose weights add up to 36 or less shares a
booking without a remainder. Of larger teams some members get one unit (7e-15 of a booking) more than others."""


def shares(weights: Sequence[int]) -> list[int]:
    """One booking shared in proportion to the weights; what integers leave over goes to the first, a unit each."""
    total = sum(weights)
    parts = [UNIT * weight // total for weight in weights]
    return _with_rest(parts, UNIT - sum(parts))


def spread(amount: int, over: int) -> list[int]:
    """`amount` (negative too) in `over` equal parts; the first ones are a unit larger if it cannot be equal."""
    if over == 0:
        return []
    part, rest = divmod(amount, over)
    return _with_rest([part] * over, rest)


def bookings(units: int) -> float:
    """Units as bookings, rounded to nine digits, for people and events."""
    return round(units / UNIT, 9)


def _with_rest(parts: list[int], rest: int) -> list[int]:
    return [part + (1 if place < rest else 0) for place, part in enumerate(parts)]
