"""Events of `assignment`: who was chosen."""

from turnus_contracts.base import Instant
from turnus_contracts.booking import OfBooking
from turnus_contracts.values import Candidate


class AssigneeChosen(OfBooking):
    """The rotation chose who shall serve this attempt, among the hosts that SlotReserved named, and why.

    The first choice of an attempt is final; it is said again for every duplicate of SlotReserved.
    """

    attempt: int
    start: Instant
    host_ids: tuple[str, ...]
    charged: bool
    """False when nobody of the calendar's rotation was left to charge"""
    rule: str
    """availability, equal, totals, fixed or kept"""
    candidates: tuple[Candidate, ...] = ()
