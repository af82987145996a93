"""Compact memories of (booking, attempt) by day: what was refused, released or answered and must stay so.

A mark is 8 bytes of the key's hash, 16 hex characters; the marks of a day (epoch day of the padded start) are joined. A
false match refuses an ask, which is harmless.
"""

import hashlib

from services.availability.domain.zones import DAY

Marks = dict[str, str]
CHARACTERS = 16
Past = dict[str, str]
"""Bookings that are over, for limits: by day of the start the mark of each and its minute of that day, 4 hex digits."""


def mark_of(*key: str | int) -> str:
    """The mark of a key."""
    return hashlib.sha256(":".join(map(str, key)).encode()).hexdigest()[:CHARACTERS]


def day_of(start: int) -> str:
    """The day under which what starts at this epoch minute is kept."""
    return str(start // DAY)


def is_marked(marks: Marks, day: str, mark: str) -> bool:
    """Whether the day has this mark."""
    text = marks.get(day, "")
    return any(text.startswith(mark, i) for i in range(0, len(text), CHARACTERS))


def marked(marks: Marks, day: str, mark: str) -> Marks:
    """With this mark."""
    return marks if is_marked(marks, day, mark) else {**marks, day: marks.get(day, "") + mark}


def since(marks: Marks, closed: int) -> Marks:
    """Without the days before the epoch minute `closed`."""
    return {day: text for day, text in marks.items() if int(day) >= closed // DAY}


def of_past(past: Past) -> list[tuple[str, int]]:
    """Mark and start (epoch minute) of each."""
    each = CHARACTERS + 4
    return [
        (text[i : i + CHARACTERS], int(day) * DAY + int(text[i + CHARACTERS : i + each], 16))
        for day, text in past.items()
        for i in range(0, len(text), each)
    ]


def is_past(past: Past, mark: str, start: int) -> bool:
    """Whether this booking, with this start (epoch minute), is among them."""
    text, each = past.get(day_of(start), ""), CHARACTERS + 4
    return any(text.startswith(_entry(mark, start), i) for i in range(0, len(text), each))


def with_past(past: Past, more: list[tuple[str, int]], oldest: int) -> Past:
    """With these marks and starts, and without the days before the epoch minute `oldest`."""
    kept = since(past, oldest)
    for mark, start in more:
        if start >= oldest:
            kept[day_of(start)] = kept.get(day_of(start), "") + _entry(mark, start)
    return kept


def _entry(mark: str, start: int) -> str:
    return f"{mark}{start % DAY:04x}"
