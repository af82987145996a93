"""`/console/calendars/{…}/versions`: what was published when and by whom, and an old version as a draft again."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.adapters.setting_words import label_of, shown, step_in
from services.web.adapters.zones import city_of
from services.web.domain.staff import Listed, SeenDraft, SeenMember, SeenVersion
from services.web.domain.versions import Change, compared, people_in, restorable
from services.web.routes.console.calendars import names_of
from services.web.routes.console.desk import Desk, Here, SentForm, as_pages, ask_once, is_sure, refused_page, version_of
from services.web.routes.console.drafts import draft_of
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND, Problem

router = APIRouter(prefix="/calendars/{calendar_id}/versions", default_response_class=Html)

AT_ONCE = 20
MOST_STRANGERS = 20
"""People who are not in the team any more and whose names are looked up for one page."""
TURNUS = "turnus"


@dataclass(frozen=True, slots=True)
class Line:
    """A setting that was changed: what it is called, what it was and is, or in `told` what happened; and who did it."""

    label: str
    before: str
    after: str
    told: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A version, or the draft (then without `version`). `lost`: what was before it is not known any more."""

    version: SeenVersion | None
    by: str
    lines: tuple[Line, ...]
    lost: bool


@router.get("")
async def list_versions(calendar_id: str, desk: Here) -> Response:
    """The versions of a calendar, the newest first, before them what is not published yet."""
    desk.need("calendars:view")
    after = desk.request.query_params.get("after")
    draft = await draft_of(desk, calendar_id)
    try:
        path = f"/calendars/{draft.id}/versions"
        found = await desk.asking.read(Listed[SeenVersion], path, limit=AT_ONCE, after=after)
        before = await _before(desk, draft.id, found.items)
        compared_to = [*found.items[1:], before][: len(found.items)]
        changes = [
            compared(other.settings if other is not None else None, one.settings, one.changes)
            for one, other in zip(found.items, compared_to, strict=True)
        ]
        drafted = _drafted(draft, found.items) if after is None else []
        names = await _names(desk, found.items, [*drafted, *(one for each in changes for one in each)])
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        if refused.status == 422:
            return desk.redirect(f"/console/calendars/{draft.id}/versions")
        raise refused_page(refused) from None
    known = [
        Entry(
            one,
            _by(desk, names, one.actor_id, one.key_id),
            _lines(desk, names, those),
            lost=one.at is None or (one.previous_version is not None and other is None),
        )
        for one, other, those in zip(found.items, compared_to, changes, strict=True)
    ]
    return desk.page(
        "versions.html",
        here="calendars",
        draft=draft,
        drafted=_lines(desk, names, drafted),
        known=known,
        first=desk.url(f"/console/calendars/{draft.id}/versions") if after else None,
        further=desk.url(f"/console/calendars/{draft.id}/versions", after=found.next) if found.next else None,
        editable=desk.may("calendars:manage") and draft.status != "retired",
        city=city_of(desk.who.member.tz, str(desk.words.locale)),
    )


@router.get("/{version}/take")
async def ask_take(calendar_id: str, version: str, desk: Here) -> Response:
    """Ask once, and name what will happen to the draft."""
    desk.need("calendars:manage")
    draft, old = await asyncio.gather(draft_of(desk, calendar_id), _version(desk, calendar_id, version))
    at = desk.words.moment(old.at, desk.who.member.tz) if old.at is not None else f"{old.version}"
    path = f"/console/calendars/{draft.id}/versions"
    where = f"{path}/{old.version}/take"
    if draft.unpublished_changes:
        return ask_once(desk, "calendars", "take_lost", where, path, version=draft.version, name=draft.name, at=at)
    return ask_once(desk, "calendars", "take", where, path, version=draft.version, name=draft.name, at=at)


@router.post("/{version}/take")
async def take(calendar_id: str, version: str, desk: Here, sent: SentForm) -> Response:
    """Make the settings of an old version the draft; guests see them when it is published."""
    if not is_sure(sent):
        return await ask_take(calendar_id, version, desk)
    desk.need("calendars:manage")
    draft, old = await asyncio.gather(draft_of(desk, calendar_id), _version(desk, calendar_id, version))
    try:
        there = await names_of(desk)
        body = restorable(old.settings, there)
        await desk.asking.send("PATCH", f"/calendars/{draft.id}", body, version=version_of(sent))
    except ApiRefused as refused:
        if refused.status in (401, 403):
            raise refused_page(refused) from None
        return desk.redirect(f"/console/calendars/{draft.id}/versions", refused=f"take_{refused.code}")
    except ApiAway:
        raise away() from None
    left_out = len(body["members"]) < len(old.settings.get("members", ()))
    return desk.done(f"/console/calendars/{draft.id}", "version_taken_without" if left_out else "version_taken")


async def _version(desk: Desk, calendar_id: str, version: str) -> SeenVersion:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", version, re.ASCII) or not re.fullmatch(r"cal_[0-9a-z]{1,40}", calendar_id):
        raise NOT_FOUND
    with as_pages():
        return await desk.asking.read(SeenVersion, f"/calendars/{calendar_id}/versions/{version}")


async def _before(desk: Desk, calendar_id: str, those: tuple[SeenVersion, ...]) -> SeenVersion | None:
    """The version before the last one of the page; None if there is none, or it was not kept."""
    if not those or those[-1].previous_version is None:
        return None
    try:
        return await desk.asking.read(SeenVersion, f"/calendars/{calendar_id}/versions/{those[-1].previous_version}")
    except Problem as problem:
        if problem.status != 404:
            raise
        return None


def _drafted(draft: SeenDraft, those: tuple[SeenVersion, ...]) -> list[Change]:
    published = those[0].settings if those else None
    return compared(published, draft.model_dump(mode="json"), draft.unpublished_changes)


async def _names(desk: Desk, those: Iterable[SeenVersion], changes: list[Change]) -> Mapping[str, str]:
    """The names of everybody who is named, of those too who are gone."""
    names = await names_of(desk)
    wanted = people_in(changes) | {one.actor_id for one in those if one.actor_id}
    gone = sorted(one for one in wanted - names.keys() if one.startswith("mem_"))[:MOST_STRANGERS]
    if gone and desk.may("team:view"):
        found = await asyncio.gather(*(_stranger(desk, one) for one in gone))
        names |= {one.id: one.name for one in found if one is not None}
    return names


async def _stranger(desk: Desk, member_id: str) -> SeenMember | None:
    try:
        return await desk.asking.read(SeenMember, f"/members/{member_id}")
    except Problem as problem:
        if problem.status != 404:
            raise
        return None


def _lines(desk: Desk, names: Mapping[str, str], changes: Iterable[Change]) -> tuple[Line, ...]:
    return tuple(_line(desk, names, one) for one in changes)


def _line(desk: Desk, names: Mapping[str, str], change: Change) -> Line:
    before, after = shown(desk.words, change)
    gone = desk.words.say("choice.somebody")
    told = tuple(step_in(desk.words, one, names.get(one.member_id, gone)) for one in change.steps)
    by = _by(desk, names, change.touch.actor_id, change.touch.key_id)
    if by and change.touch.at is not None:
        by = f"{by}, {desk.words.moment(change.touch.at, desk.who.member.tz)}"
    return Line(label_of(desk.words, change.field), before, after, told, by)


def _by(desk: Desk, names: Mapping[str, str], actor_id: str | None, key_id: str | None) -> str:
    """Who did something; empty if nobody knows."""
    if actor_id is None:
        return ""
    if actor_id == TURNUS:
        return desk.words.say("audit.system")
    name = names.get(actor_id, desk.words.say("choice.somebody"))
    return desk.words.say("versions.with_key", name=name) if key_id else name
