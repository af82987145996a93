"""What the API says to staff, as far as the console reads it. More fields may come: they are ignored."""

from datetime import date, datetime
from typing import Any, Generic, TypeVar

from services.web.domain.seen import Place, Seen, SeenBooking, SeenPlace

S = TypeVar("S", bound=Seen)


class Listed(Seen, Generic[S]):
    """One page of a list; `next` leads to the one after it."""

    items: tuple[S, ...]
    next: str | None = None


class SeenPause(Seen):
    """A pause that goes on; `until`: the first day on which they can be booked again."""

    since: datetime
    until: date | None = None


class SeenPermissions(Seen):
    """What somebody may do with each thing: none, view or manage; `assigned_only`: with what is assigned to them."""

    calendars: str = "view"
    bookings: str = "view"
    groups: str = "view"
    assigned_only: bool = False


class SeenMember(Seen):
    """Somebody of the workspace."""

    id: str
    version: int
    status: str
    name: str
    email: str
    tz: str
    locale: str
    role: str
    permissions: SeenPermissions = SeenPermissions()
    can_sign_in: bool
    invited_at: datetime | None = None
    paused: SeenPause | None = None


class SeenPlaceOfWork(Seen):
    """A workspace that somebody may enter; `current`: they are in it."""

    slug: str
    name: str
    current: bool


class SeenInvited(Seen):
    """An invitation, as the invited see it. `has_account`: their existing password is asked for."""

    workspace: SeenPlace
    name: str
    email: str
    locale: str
    has_account: bool


class SeenReset(Seen):
    """Whose password is to be set."""

    email: str


class SeenSession(Seen):
    """Who is signed in, and what they may do."""

    id: str
    workspace_id: str
    member_id: str
    role: str
    scopes: tuple[str, ...]
    assigned_only: bool = False
    expires_at: datetime | None
    member: SeenMember
    workspace: SeenPlace


class NewSession(SeenSession):
    """A session that was just begun."""

    token: str | None


class SeenWorkspace(Seen):
    """One's own workspace."""

    id: str
    version: int
    slug: str
    name: str
    tz: str
    locale: str


class Serving(Seen):
    """A member of a calendar, with their share."""

    member_id: str
    weight: int = 1
    tier: int = 1


class SeenTouch(Seen):
    """A setting that was changed, by whom (a member, `turnus`, or nobody knows) and with which API key."""

    field: str
    at: datetime | None
    actor_id: str | None
    key_id: str | None


class SeenVersion(Seen):
    """A published version of a calendar; `settings` as the API says them, those too that the pages do not know."""

    version: int
    previous_version: int | None
    status: str
    at: datetime | None
    actor_id: str | None
    key_id: str | None
    changes: tuple[SeenTouch, ...]
    settings: dict[str, Any]


class SeenDraft(Seen):
    """A calendar as staff edit it."""

    id: str
    version: int
    status: str
    address: str
    published_version: int | None
    has_unpublished_changes: bool
    unpublished_changes: tuple[SeenTouch, ...] = ()
    kind: str
    slug: str
    name: str
    description: str
    tz: str
    duration_minutes: int
    interval_minutes: int
    anchor: str
    buffer_before_minutes: int
    buffer_after_minutes: int
    notice_minutes: int
    window: dict[str, Any] | None
    location: Place | None
    optimize: str
    reschedule_policy: str
    guest_chooses_host: bool
    members: tuple[Serving, ...]
    limits: dict[str, int | None] | None = None
    look_busy_percent: int = 0
    cancel_cutoff_minutes: int
    reschedule_cutoff_minutes: int
    created_at: datetime
    changed_at: datetime


class SeenEntry(SeenBooking):
    """A booking as staff see it."""

    created_at: datetime


class SeenMoment(Seen):
    """One line of a booking's history."""

    at: datetime
    what: str
    attempt: int
    by: str
    detail: str


class SeenHistory(Seen):
    """What happened to a booking, in order."""

    items: tuple[SeenMoment, ...]


class SeenTurns(Seen):
    """A member of a rotation: their weight, and how many appointments of each month they got."""

    member_id: str
    weight: int
    served: dict[str, int]


class SeenRotation(Seen):
    """Whose turn it is in a team calendar."""

    calendar_id: str
    optimize: str
    members: tuple[SeenTurns, ...]


class SeenCandidate(Seen):
    """A member who was free when the rotation chose: credit before, and what they gained, in bookings."""

    member_id: str
    credit: float
    gained: float


class SeenChoice(Seen):
    """A choice of the rotation and its reason."""

    booking_id: str
    attempt: int
    rule: str
    host_id: str
    returned: bool
    candidates: tuple[SeenCandidate, ...]


class Hours(Seen):
    """From one wall-clock time to another, `HH:MM`."""

    start: str
    end: str


class WeeklyHours(Hours):
    """Hours on these weekdays, 1 is Monday."""

    days: tuple[int, ...]


class SeenOverride(Seen):
    """The hours of one date; none: a day off. `label`: what it is."""

    date: str
    ranges: tuple[Hours, ...]
    label: str | None = None


class SeenSchedule(Seen):
    """When somebody works."""

    id: str
    member_id: str
    version: int
    name: str
    tz: str
    default: bool
    calendar_ids: tuple[str, ...] = ()
    weekly: tuple[WeeklyHours, ...]
    overrides: tuple[SeenOverride, ...]
    changed_at: datetime


class SeenLimits(Seen):
    """As many bookings somebody takes at most, across all calendars; `version` 0: nobody has said."""

    version: int = 0
    day: int | None = None
    week: int | None = None
    month: int | None = None


class SeenBlock(Seen):
    """A stretch in which somebody cannot be booked."""

    id: str
    start: datetime
    end: datetime
    reason: str | None


class SeenKey(Seen):
    """An API key; `key` itself stands only in the answer that made it."""

    id: str
    name: str
    member_id: str
    scopes: tuple[str, ...]
    created_at: datetime
    key: str | None = None


class SeenChange(Seen):
    """A line of the audit log: who changed which thing, and the names of the changed fields."""

    id: str
    at: datetime
    actor_id: str
    action: str
    thing: str
    thing_id: str
    fields: tuple[str, ...]


class SeenGroup(Seen):
    """Calendars that guests find together, in their order."""

    id: str
    version: int
    status: str
    slug: str
    name: str
    description: str
    calendar_ids: tuple[str, ...]
    position: int


class SeenSignedIn(Seen):
    """One of somebody's own sessions."""

    id: str
    created_at: datetime
    current: bool
