"""libical as a judge of invitations (RFC 5545 and 5546), where it is installed; the icalendar parser everywhere."""

import ctypes
import ctypes.util
from functools import cache
from typing import Any

from icalendar import Calendar

REQUIRED = {
    "PUBLISH": {"DTSTAMP", "DTSTART", "ORGANIZER", "SUMMARY", "UID", "SEQUENCE"},
    "REQUEST": {"DTSTAMP", "DTSTART", "ORGANIZER", "ATTENDEE", "SUMMARY", "UID", "SEQUENCE"},
    "CANCEL": {"DTSTAMP", "ORGANIZER", "ATTENDEE", "UID", "SEQUENCE"},
}
"""RFC 5546, 3.2.1, 3.2.2 and 3.2.5."""


@cache
def _library() -> Any:
    name = ctypes.util.find_library("ical")
    if name is None:
        return None
    library: Any = ctypes.CDLL(name)
    library.icalparser_parse_string.restype = ctypes.c_void_p
    library.icalparser_parse_string.argtypes = [ctypes.c_char_p]
    library.icalrestriction_check.argtypes = [ctypes.c_void_p]
    library.icalcomponent_count_errors.argtypes = [ctypes.c_void_p]
    library.icalcomponent_as_ical_string.argtypes = [ctypes.c_void_p]
    library.icalcomponent_as_ical_string.restype = ctypes.c_char_p
    library.icalcomponent_free.argtypes = [ctypes.c_void_p]
    return library


def problems(text: str, *, to_anybody: bool = False) -> list[str]:
    """What is wrong with this iTIP message; empty if nothing is. `to_anybody`: a file, which need name no receiver."""
    found = [one for one in _by_parser(text) if not to_anybody or one != "ATTENDEE is missing"]
    library = _library()
    if library is not None:
        component = library.icalparser_parse_string(text.encode())
        # The check writes what it finds into the component, as X-LIC-ERROR.
        if not library.icalrestriction_check(component) or library.icalcomponent_count_errors(component):
            found.append(library.icalcomponent_as_ical_string(component).decode())
        library.icalcomponent_free(component)
    return found


def _by_parser(text: str) -> list[str]:
    calendar: Any = Calendar.from_ical(text)
    (entry,) = calendar.walk("VEVENT")
    missing = REQUIRED[calendar["METHOD"]] - set(entry)
    long = [line for line in text.encode().split(b"\r\n") if len(line) > 75]
    broken = [line for line in text.replace("\r\n", "").splitlines() if "\n" in line]
    return [*(f"{name} is missing" for name in sorted(missing)), *map(str, entry.errors), *map(str, [*long, *broken])]
