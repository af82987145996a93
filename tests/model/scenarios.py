"""The worlds that are explored: small ones with every change, larger ones by `make model`."""

from dataclasses import replace

from tests.model.protocol import ADA, FAR, OTHER, OVERLAPPING, Asks, Scenario

FIRST, SECOND = Asks(), Asks(OVERLAPPING)
MOVES, CANCELS = Asks(moves_to=OTHER), Asks(cancels=True)
RESTLESS = Asks(moves_to=OTHER, cancels=True)
ONE = {"hosts": (ADA,), "personal": True}
ROTATION, SLOTS = frozenset({"assignment"}), frozenset({"availability"})
BOTH = ROTATION | SLOTS

RACE = Scenario(
    "race",
    "two guests want overlapping times of one host; the first may move and cancel",
    (RESTLESS, SECOND),
    hosts=(ADA,),
    personal=True,
    at_once=1,
)
CONTESTED = replace(
    RACE,
    name="contested",
    says="one host; the first guest moves to a time that the second one asks for, and may cancel",
    guests=(RESTLESS, Asks(OTHER)),
)
ZOMBIES = Scenario(
    "zombies",
    "two guests want overlapping times of one host; two handlers are between their steps at the same time",
    (FIRST, SECOND),
    hosts=(ADA,),
    personal=True,
)
DELIVERIES = Scenario(
    "deliveries",
    "the same, one at a time, with every delivery on record: handled once after it was said, or died over",
    (FIRST, SECOND),
    hosts=(ADA,),
    personal=True,
    at_once=1,
    tracked="*",
)
COPIES = Scenario(
    "copies",
    "one host, one guest, a move; deciding and writing are two steps, decided is on a copy that may be stale",
    (MOVES,),
    hosts=(ADA,),
    personal=True,
    copies=True,
)
CHOOSING = Scenario(
    "choosing",
    "two hosts, one guest who moves and cancels; every step of availability",
    (RESTLESS,),
    whole=ROTATION,
    at_once=1,
)
SWAPPING = Scenario(
    "swapping",
    "as `team`, and the second host is due: whoever asks is moved there, unless it is taken meanwhile",
    (FIRST, SECOND),
    weights=(1, 2),
    whole=BOTH,
    at_once=1,
)
PATIENT = replace(
    SWAPPING,
    name="patient",
    says="the same, and nothing expires: every request gets its answer all the same",
    expires=False,
)
CHARGING = Scenario(
    "charging", "two hosts, one guest who moves; every step of assignment", (MOVES,), whole=SLOTS, at_once=1
)
RETURNING = Scenario(
    "returning", "two hosts, one guest who cancels; every step of assignment", (CANCELS,), whole=SLOTS, at_once=1
)
TEAM = Scenario(
    "team", "two hosts, two guests, overlapping times; every order of handlers", (FIRST, SECOND), whole=BOTH, at_once=1
)
FORGETFUL = Scenario(
    "forgetful",
    "one host; the first guest cancels, the second comes weeks later, when hosts have archived the first one's time",
    (CANCELS, Asks(FAR)),
    hosts=(ADA,),
    personal=True,
    at_once=1,
    forgets="decided",
)
OUTRUN = Scenario(
    "outrun",
    "one host of a team, one guest who cancels; a release is handled once, while an ask may still be under way",
    (CANCELS,),
    hosts=(ADA,),
    whole=ROTATION,
    tracked="availability hears BookingReleased",
)
OUTLIVED = replace(
    OUTRUN,
    name="outlived",
    says="the same, for so long that the host has forgotten the time asked for",
    forgets="decided",
)
UNDECIDED_FOR_DAYS = replace(
    OUTLIVED, name="undecided for days", says="the same, and booking fires no deadline for ten days", forgets="ever"
)
"""What the model found once, see `docs/model.md`."""
TWO_CHOOSE = Scenario(
    "two choose",
    "two hosts, one guest; every step of assignment, two handlers at the same time",
    (FIRST,),
    whole=SLOTS,
)
LOSS = Scenario(
    "loss",
    "two hosts, one guest who moves and cancels; the broker loses everything once, then all is said again",
    (RESTLESS,),
    whole=BOTH,
    at_once=1,
    loses=True,
)
UNHEARD = Scenario(
    "unheard",
    "requests may be acknowledged by a service that does not know the calendar yet; nothing expires",
    (FIRST,),
    whole=BOTH,
    at_once=1,
    tracked="*",
    unheard=True,
    expires=False,
)
ONCE = Scenario(
    "once",
    "two hosts, one guest who moves and cancels; one kind of delivery comes only until it is handled",
    (RESTLESS,),
    whole=BOTH,
    at_once=1,
)
CONSUMED = (
    "booking hears SlotRefused",
    "booking hears AssigneeSettled",
    "availability hears BookingRequested",
    "availability hears AssigneeChosen",
    "availability hears AttemptReleased",
    "availability hears BookingMoved",
    "availability hears BookingReleased",
    "assignment hears SlotReserved",
    "assignment hears AssigneeSettled",
    "assignment hears AttemptReleased",
    "assignment hears BookingConfirmed",
    "assignment hears BookingMoved",
    "assignment hears BookingReleased",
)
"""Every delivery between the three services that the model has."""

EACH_ONCE = tuple(
    replace(ONCE, name=f"once: {what}", says=f"as `once`; {what} only until it has", tracked=what) for what in CONSUMED
)
BOUNDED = (
    RACE,
    CONTESTED,
    ZOMBIES,
    DELIVERIES,
    COPIES,
    CHOOSING,
    CHARGING,
    RETURNING,
    TEAM,
    SWAPPING,
    PATIENT,
    OUTRUN,
    OUTLIVED,
    FORGETFUL,
    LOSS,
    UNHEARD,
    *EACH_ONCE,
)
"""Explored with every change."""

LARGE = (
    *BOUNDED,
    TWO_CHOOSE,
    replace(TEAM, name="whole", says="two hosts, two guests, one moves and cancels", guests=(RESTLESS, SECOND)),
    replace(TEAM, name="team, step by step", says="as `team`; every step of availability", whole=ROTATION),
    replace(RETURNING, name="charging and returning", says="as `charging`; the guest cancels too", guests=(RESTLESS,)),
    replace(
        ZOMBIES, name="restless zombies", says="as `zombies`; the first may move and cancel", guests=(RESTLESS, SECOND)
    ),
    replace(
        COPIES, name="copies of two", says="as `copies`; two guests want overlapping times", guests=(FIRST, SECOND)
    ),
    replace(CHOOSING, name="choosing, two at once", says="as `choosing`; two handlers at the same time", at_once=2),
    replace(RETURNING, name="returning, two at once", says="as `returning`; two handlers at the same time", at_once=2),
    replace(RACE, name="race and loss", says="as `race`; the broker loses everything once", loses=True),
    replace(DELIVERIES, name="late deliveries", says="as `deliveries`; one comes again, at any time", again=1),
)
"""Explored by `make model`."""
