"""The list of bookings: what it can be narrowed to, its order, its place in an address, and its lines as a table."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.web.domain.days import day_named

STATUSES = ("requested", "confirmed", "attended", "no_show", "cancelled", "rejected", "expired")
CSV_COLUMNS = (
    "id",
    "status",
    "start",
    "end",
    "calendar",
    "host",
    "guest_name",
    "guest_email",
    "guest_phone",
    "created_at",
)


ORDERS: Mapping[str, tuple[str, str]] = {"start": ("start", "-start"), "created_at": ("-created_at", "created_at")}
"""What a list can be in the order of: the order that its head offers first, and the other one. Of what was booked, the
newest first."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the list is narrowed to (empty: not at all), and its order. `day` is the first one, `until` the last one."""

    calendar_id: str = ""
    host_id: str = ""
    status: str = ""
    day: str = ""
    until: str = ""
    q: str = ""
    sort: str = "start"

    def pairs(self) -> dict[str, str | None]:
        """As parameters of an address."""
        return {
            "q": self.q or None,
            "calendar": self.calendar_id or None,
            "host": self.host_id or None,
            "status": self.status or None,
            "from": self.day,
            "to": self.until or None,
            "sort": self.sort if self.sort != "start" else None,
        }

    def in_order(self, of: str) -> "Narrowed":
        """The same in the order that the head of a column leads to: the other way round if it is in this order."""
        first, other = ORDERS[of]
        return replace(self, sort=other if self.sort == first else first)

    @property
    def shown_by(self) -> str:
        """`start` or `created_at`."""
        return self.sort.removeprefix("-")

    @property
    def is_wide(self) -> bool:
        """Whether nothing is left out but days."""
        return not (self.q or self.calendar_id or self.host_id or self.status or self.until)


def narrowed(asked: Mapping[str, str], today: date) -> Narrowed:
    """What an address asks for; what cannot be is not asked. Without a day the list begins today, a search anywhere."""
    calendar, host, status, sort = (asked.get(name, "") for name in ("calendar", "host", "status", "sort"))
    q = " ".join(asked.get("q", "").split(" ")).strip()
    day, until = day_named(asked.get("from")), day_named(asked.get("to"))
    anywhere = asked.get("from") == "" or ("from" not in asked and q)
    return Narrowed(
        calendar if re.fullmatch(r"cal_[0-9a-z]{1,40}", calendar) else "",
        host if re.fullmatch(r"mem_[0-9a-z]{1,40}", host) else "",
        status if status in STATUSES else "",
        "" if anywhere else (day or today).isoformat(),
        until.isoformat() if until else "",
        q,
        sort if any(sort in both for both in ORDERS.values()) else "start",
    )


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table for spreadsheets (RFC 4180), with a byte order mark, by which they know that it is UTF-8.

    A value that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"'{one}" if one[:1] in ("=", "+", "-", "@", "\t", "\r") else one for one in row])
    return "\ufeff" + out.getvalue()
