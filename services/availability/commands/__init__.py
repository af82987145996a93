"""What availability adds to `turnus` (entry points `turnus.commands`); what runs a command is imported when it runs."""

import re
from argparse import ArgumentTypeError
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnus_runtime.cli.parser import Commands

UNANSWERED = 2
"""Exit code for what cannot be answered: wrong usage, a calendar that is not known, a store that does not answer."""
FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Of instants of the API."""
_START = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


def add_why(commands: "Commands") -> None:
    """`turnus why`."""
    why = commands.add_parser(
        "why",
        help="say why a calendar offers a start or not; 0 offered, 1 not, 2 no answer",
        description="Print every reason for which guests are not offered a start, member by member, and the nearest "
        "start that is offered. Decided as for GET /api/v1/slots/why, by what the store of availability holds.",
    )
    why.set_defaults(run="services.availability.commands.why:why", unanswered=UNANSWERED)
    why.add_argument("calendar", metavar="CALENDAR", help="its id (cal_…) or its address, workspace/calendar")
    why.add_argument(
        "start",
        metavar="START",
        type=asked_start,
        help="2026-11-24T10:00+01:00 or …Z; without an offset by the clocks of the calendar",
    )
    why.add_argument("--json", action="store_true", help="for programs: what GET /api/v1/slots/why answers")


def asked_start(text: str) -> datetime:
    """An instant (RFC 3339), or without an offset what clocks on a wall show; whole minutes only."""
    try:
        start = datetime.fromisoformat(text.upper()) if _START.fullmatch(text) else None
    except ValueError:
        start = None
    if start is None:
        raise ArgumentTypeError(f"{text!r} is no start: say 2026-11-24T10:00+01:00, or 2026-11-24T10:00")
    if start.second or start.microsecond:
        raise ArgumentTypeError(f"{text!r} is no start: appointments begin at whole minutes")
    if not FIRST_YEAR <= start.year < LAST_YEAR:
        raise ArgumentTypeError(f"{text!r} is no start: its year lies outside {FIRST_YEAR} to {LAST_YEAR - 1}")
    return start
