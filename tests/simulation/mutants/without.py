"""Sentences of the rules that have no mutant, by the reason; and which sentences have neither."""

import re
from collections.abc import Mapping, Sequence

from tests.simulation.mutants.registry import MUTANTS, RULES

WITHOUT: Mapping[str, Sequence[str]] = {
    "They say what something is or why; what they order is said by their neighbours.": (
        "Every ask for a time, the first request and each move, refused ones too, is an **attempt**",
        "Hosts are lists in every contract from the start",
        "**Four facts say what a booking is**",
        "Each holds the whole settled state (attempt, revision, start, end, hosts, price) and the record's `version`.",
        "Nothing is given away early and nothing has two arbiters.",
        "BookingRequested carries start, duration, buffers and the calendar's version.",
        "So nothing is forgotten early and no guard reads a clock.",
        "It decides nothing: whoever books is answered by the host record.",
        "(Reserve p50 grew 1.2 → 3.8 → 17 ms from 50 to 500 to 2,000 live intervals",
        "Its record holds members, credits, counts and last service; every *choice*",
        "A choice has two halves, charge and release, in either order.",
        'No write means no conflict, and a stale "nothing to do" would hang for ever.',
        "Removal is a `status` in the one full state.",
    ),
    "Payments are not built yet.": (
        "PAY_PENDING: the payment window.",
        "The cancelling write decides what is kept of a payment",
        "A declined card is not PaymentFailed; that is final.",
        "A capture refused for good leaves the booking standing, marked unpaid.",
        "What providers forget (Stripe's keys after 24 h) is looked up there before a retry.",
    ),
    "Collective calendars are not built yet: an attempt holds one time.": (
        "Several hosts for one attempt are asked in id order.",
        "The claim write that owes SlotRefused also owes giving back what the attempt holds elsewhere.",
    ),
    "Shown on real processes, where there is an embedded supervisor (`tests/integration/chaos`).": (
        "The embedded supervisor runs it whenever its broker came up empty",
    ),
    "Not built yet.": (
        "a service that finds its topics' ids changed since it last saw them (kept in its store) raises an alert",
    ),
}


def sentences(page: str) -> list[str]:
    """The sentences of the rules: everything between "Attempts" and "Promises" but the arrows."""
    text = page[page.index("## Attempts") : page.index("## Promises")]
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            found += re.split(r"(?<=\.)(?:\*\*)?\s+(?=[A-Z(`*])", line.strip().removeprefix("- "))
    return [one for one in found if one.strip()]


def unguarded(page: str) -> list[str]:
    """Sentences that neither a mutant nor a reason speaks of."""
    spoken = [_plain(one.protects) for one in MUTANTS if one.page == RULES]
    spoken += [_plain(each) for ones in WITHOUT.values() for each in ones]
    return [one for one in sentences(page) if not any(said in _plain(one) or _plain(one) in said for said in spoken)]


def unfounded(pages: Mapping[str, str]) -> list[str]:
    """What mutants and reasons quote and no page says (any more)."""
    wanted = [(one.page, one.protects) for one in MUTANTS]
    wanted += [(RULES, each) for ones in WITHOUT.values() for each in ones]
    return [said for page, said in wanted if _plain(said) not in _plain(pages[page])]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*`]|\s# ", " ", text).split())
