"""Copies after a disaster: what others say of calendars, members, workspaces and keys, learned as it always is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from services.accounts.domain import members, signing, workspaces
from services.accounts.domain.members import Member
from services.accounts.domain.signing import SigningPair
from services.accounts.domain.workspaces import Workspace
from services.assignment.domain import rotation
from services.availability.domain import hosts, rules, serving
from services.booking.domain import calendars, directory
from services.booking.domain.calendars import Calendar
from services.notify.domain import projections
from turnus_contracts import CalendarPublished, MemberChanged, SigningKeyChanged, WorkspaceChanged
from turnus_runtime.credentials import SigningKey, newer_signing_key
from turnus_runtime.records import Decision, Record

WITH_KEYS = ("accounts", "booking", "availability", "assignment", "notify")


@dataclass(frozen=True, slots=True)
class Learning:
    """That a service learns one thing: the record it keeps of it, and the decision on that."""

    service: str
    kind: type[Any]
    id: str
    decision: Callable[[Any], Decision[Any, Any]]


def learnings(source: Record, now: datetime) -> Iterator[Learning]:
    """What every service keeps of this record of another one (a calendar, member, workspace or signing key)."""
    match source:
        case Calendar():
            for told in calendars.states_now(source, now):
                yield from _of_calendar(told)
        case Member():
            for member in members.described(source, now):
                yield from _of_member(member)
        case Workspace():
            for workspace in workspaces.described(source, now):
                yield from _of_workspace(workspace)
        case SigningPair():
            for key in signing.described(source, now):
                yield from _of_key(key)
        case _:
            return


def _of_calendar(told: CalendarPublished) -> Iterator[Learning]:
    at = told.calendar_id
    yield Learning("availability", serving.ServedCalendar, at, lambda known: serving.serve_calendar(known, told))
    yield Learning("assignment", rotation.Rotation, at, partial(rotation.apply_calendar, told))
    yield Learning("notify", projections.Calendar, at, lambda known: projections.learn_calendar(known, told))


def _of_member(told: MemberChanged) -> Iterator[Learning]:
    at = told.member_id
    yield Learning("booking", directory.Member, at, lambda known: directory.learn_member(known, told))
    yield Learning("availability", rules.Member, at, lambda known: rules.learn_member(known, told))
    yield Learning("availability", hosts.Host, at, lambda known: hosts.learn_pause(known, told))
    yield Learning("notify", projections.Member, at, lambda known: projections.learn_member(known, told))


def _of_workspace(told: WorkspaceChanged) -> Iterator[Learning]:
    at = told.workspace_id
    address = partial(directory.learn_workspace_address, told=told)
    yield Learning("booking", directory.WorkspaceAddress, told.slug, address)
    yield Learning("booking", directory.Workspace, at, lambda known: directory.learn_workspace(known, told))
    yield Learning("notify", projections.Workspace, at, lambda known: projections.learn_workspace(known, told))


def _of_key(told: SigningKeyChanged) -> Iterator[Learning]:
    for service in WITH_KEYS:
        yield Learning(service, SigningKey, told.key_id, lambda known: newer_signing_key(known, told))
