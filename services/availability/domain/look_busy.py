"""Look Busy: some of a day's starts are not shown to guests, always the same ones.

The starts of a day come from schedules alone: neither what is booked nor what time it is changes them. They are ranked
by a hash of (calendar, date, start), and the first `percent` of them, rounded to whole starts (a half upwards), are
hidden. So reading again, a booking and another process show the same.
"""

import hashlib
from collections.abc import Sequence


def hidden_starts(calendar_id: str, percent: int, day: int, starts: Sequence[int]) -> list[int]:
    """Those of the starts (epoch minutes) of the day (ordinal of the date in the calendar's zone) that are hidden."""
    if not percent or not starts:
        return []
    seed = hashlib.blake2b(f"{calendar_id}|{day}".encode(), digest_size=16)

    def rank(start: int) -> bytes:
        own = seed.copy()
        own.update(start.to_bytes(8, "big"))
        return own.digest()

    return sorted(starts, key=rank)[: (len(starts) * percent + 50) // 100]
