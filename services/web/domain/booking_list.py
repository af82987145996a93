"""The list of bookings: what it can be narrowed to, and its lines as a table."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the list is narrowed to; empty: not at all. `day` is the first one shown."""

    calendar_id: str = ""
    host_id: str = ""
    status: str = ""
    day: str = ""

    def pairs(self) -> dict[str, str | None]:
        """As parameters of an address."""
        return {
            "calendar": self.calendar_id or None,
            "host": self.host_id or None,
            "status": self.status or None,
            "from": self.day or None,
        }


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
