"""Workspaces and members: what takes more than one record.

Everything that takes several writes is owed by the first of them, so it is finished whatever becomes of the process.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, cast

from services.accounts.domain import members, pausing, workspaces
from services.accounts.domain.auditing import Actor
from services.accounts.domain.identities import normal
from services.accounts.domain.members import AddressClaim, Changed, Member
from services.accounts.domain.roles import Role
from services.accounts.domain.workspaces import SlugClaim, Workspace
from services.accounts.handlers.credentials import void_older
from services.accounts.store import address_id
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn

FINISH_AFTER = timedelta(seconds=3)
"""When the sweeper finishes what the process of the request did not."""


class LastOwner(Exception):
    """Nobody else would own the workspace."""


async def found_workspace(new: Workspace, owner: Member, on: Turn) -> Workspace | None:
    """Make a workspace with its owner; None if its address is taken."""
    claim = SlugClaim(id=new.slug, workspace_id=new.id)
    plan = {"workspace": _json(new), "owner": _json(owner)}
    claimed = partial(
        workspaces.claim_slug,
        new=claim,
        vacated=await _misled_workspace(new.slug, on),
        errand=workspaces.founding(plan, on.now + FINISH_AFTER),
    )
    if await on.records(SlugClaim).decide(claim.id, claimed) != new.id:
        return None
    return await _found(new, owner, on)


async def finish_founding(slug: str, owed: Owed, on: Turn) -> None:
    """Do what a process that died left of founding a workspace (timer)."""
    plan = owed.data or {}
    workspace = Workspace.model_validate(plan["workspace"])
    await _found(workspace, Member.model_validate(plan["owner"]), on)
    await on.records(SlugClaim).decide(slug, workspaces.founded)


async def _found(new: Workspace, owner: Member, on: Turn) -> Workspace:
    made = await on.records(Workspace).decide(new.id, partial(workspaces.found, new=new, actor=_founder(owner, new)))
    if made.slug == new.slug:
        await join(owner, _founder(owner, new), on)
    await on.records(SlugClaim).decide(new.slug, workspaces.founded)
    return made


def _founder(owner: Member, new: Workspace) -> Actor:
    return Actor(owner.id, new.created_at)


async def join(new: Member, actor: Actor, on: Turn) -> tuple[Member, bool] | None:
    """Make a member; the answer says whether they were there already. None if somebody else has the address."""
    claim = AddressClaim(id=address_id(new.workspace_id, new.email), workspace_id=new.workspace_id, member_id=new.id)
    errand = members.joining({"member": _json(new), "actor_id": actor.id}, on.now + FINISH_AFTER)
    vacated = await _vacated(claim.id, new.email, on)
    claimed = partial(members.claim_address, new=claim, vacated=vacated, errand=errand)
    if await on.records(AddressClaim).decide(claim.id, claimed) != new.id:
        return None
    return await _join(claim.id, new, actor, on)


async def finish_joining(claim_id: str, owed: Owed, on: Turn) -> None:
    """Make the member whom a process that died did not (timer)."""
    plan = owed.data or {}
    await _join(claim_id, Member.model_validate(plan["member"]), Actor(str(plan["actor_id"]), on.now), on)


async def _join(claim_id: str, new: Member, actor: Actor, on: Turn) -> tuple[Member, bool]:
    made, replayed = await on.records(Member).decide(new.id, partial(members.join, new=new, actor=actor))
    await _settle(made, on)
    await on.records(AddressClaim).decide(claim_id, members.joined)
    return made, replayed


async def change_member(
    known: Member,
    values: Mapping[str, Any],
    role: Role | None,
    permissions: Mapping[str, Any],
    expected: int | None,
    by: Role,
    actor: Actor,
    on: Turn,
) -> Changed:
    """Change a member's values, role and permissions. Raises `LastOwner`."""

    def decide(current: Member | None) -> Any:
        return members.change(current or known, values, role, expected, by, actor, permissions)

    changed: Changed = await on.records(Member).decide(known.id, decide)
    if changed.refusal is None and changed.leaves_office:
        return await _leave(changed.member, role, actor, on)
    if changed.refusal is None:
        await _settle(changed.member, on)
        await void_older(changed.member.id, actor, on)
    return changed


async def remove_member(known: Member, expected: int | None, by: Role, actor: Actor, on: Turn) -> Changed:
    """Remove a member and end their sessions and keys. Raises `LastOwner`."""

    def decide(current: Member | None) -> Any:
        return members.remove(current or known, expected, by, actor)

    removed: Changed = await on.records(Member).decide(known.id, decide)
    if removed.refusal is None and removed.leaves_office:
        return await _leave(removed.member, None, actor, on)
    if removed.refusal is None:
        await void_older(known.id, actor, on)
    return removed


async def pause_member(known: Member, until: date | None, expected: int | None, actor: Actor, on: Turn) -> Changed:
    """Let a member pause, until a day or until they resume."""
    return await on.records(Member).decide(
        known.id, lambda current: pausing.pause(current or known, until, expected, actor)
    )


async def resume_member(known: Member, expected: int | None, actor: Actor, on: Turn) -> Changed:
    """End a member's pause."""
    return await on.records(Member).decide(known.id, lambda current: pausing.resume(current or known, expected, actor))


async def leave_office(workspace_id: str, owed: Owed, on: Turn) -> None:
    """Let somebody whose seat is free stop being an owner (timer)."""
    told = owed.data or {}
    to = cast("Role | None", told["to"])
    since, actor = int(told["since"]), Actor(str(told["actor_id"]), on.now)
    await _stop_owning(workspace_id, str(told["member_id"]), since, to, actor, on)


async def take_seat(member_id: str, owed: Owed, on: Turn) -> None:
    """Count a new owner as one (timer)."""
    member = await on.records(Member).get(member_id)
    if member is not None:
        await _seat(member, int((owed.data or {})["since"]), on)


async def _leave(member: Member, to: Role | None, actor: Actor, on: Turn) -> Changed:
    left = partial(workspaces.leave_seat, member_id=member.id, since=member.owner_since, to=to, actor=actor)
    if not await on.records(Workspace).decide(member.workspace_id, left):
        raise LastOwner
    return await _stop_owning(member.workspace_id, member.id, member.owner_since, to, actor, on)


async def _stop_owning(
    workspace_id: str, member_id: str, since: int, to: Role | None, actor: Actor, on: Turn
) -> Changed:
    stopped = partial(members.leave_office, since=since, to=to, actor=actor)
    changed = await on.records(Member).decide(member_id, stopped)
    await void_older(member_id, actor, on)
    done = partial(workspaces.left_office, errand_id=f"{workspaces.LEAVE_OFFICE}:{member_id}", since=since)
    await on.records(Workspace).decide(workspace_id, done)
    if changed is None:
        raise LookupError(f"{member_id} has a seat in {workspace_id} and is nobody")
    return changed


async def _settle(member: Member, on: Turn) -> None:
    if member.owner_since and member.owner_since == member.version:
        await _seat(member, member.owner_since, on)


async def _seat(member: Member, since: int, on: Turn) -> None:
    seat = partial(workspaces.take_seat, member_id=member.id, since=since, now=on.now)
    await on.records(Workspace).decide(member.workspace_id, seat)
    await on.records(Member).decide(member.id, partial(members.seated, since=since))


async def _vacated(claim_id: str, email: str, on: Turn) -> str | None:
    claim = await on.records(AddressClaim).get(claim_id)
    holder = await on.records(Member).get(claim.member_id) if claim is not None else None
    if holder is not None and (holder.status == "removed" or normal(holder.email) != normal(email)):
        return holder.id
    return None


async def _misled_workspace(slug: str, on: Turn) -> str | None:
    claim = await on.records(SlugClaim).get(slug)
    holder = await on.records(Workspace).get(claim.workspace_id) if claim is not None else None
    return holder.id if holder is not None and holder.slug != slug else None


def _json(record: Workspace | Member) -> dict[str, Any]:
    return record.model_dump(mode="json")
