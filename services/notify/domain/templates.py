"""Templates: the words that a workspace has chosen for its mails, by what a mail tells, to whom, in which language.

What is not customised has the words of the catalogue. Both are wordings, filled in the same way.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from services.notify.domain.notices import (
    ADDITIONAL_GUEST,
    BOOKED,
    CANCELLED,
    CHANGED,
    GUEST,
    HOST,
    MOVED,
    REMINDER,
    WITHDRAWN,
)
from services.notify.domain.wording import Wording
from turnus_contracts import ChangeRecorded, Instant
from turnus_runtime.records import Decision, Owed, Record, event, key

AUDIENCES = (GUEST, ADDITIONAL_GUEST, HOST)
MAILS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((BOOKED, MOVED, CHANGED, CANCELLED, REMINDER), AUDIENCES),
    WITHDRAWN: (HOST,),
}
"""Every kind of mail, and who gets it."""
VARIABLES = (
    *("receiver_name", "guest_name", "host_name", "calendar_name", "workspace_name"),
    *("when", "duration_minutes", "place"),
)
"""What every mail knows."""
ONLY_OF: Mapping[str, tuple[str, ...]] = {MOVED: ("former_when",), CANCELLED: ("reason",)}
"""What mails of one kind know besides."""


class Template(Record):
    """The words that a workspace has chosen for one kind of mail; without a wording it is the built-in one again."""

    collection: ClassVar[str] = "templates"
    indexes: ClassVar[tuple[str, ...]] = ("by_workspace",)

    workspace_id: str
    name: str
    """`booked.guest.de`: what, to whom, in which language"""
    version: int
    wording: Wording | None = None
    changed_at: Instant

    def keys(self) -> dict[str, str | int | None]:
        """By workspace, those that are customised."""
        return {"by_workspace": key(self.workspace_id, self.name) if self.wording is not None else None}


def template_name(event: str, audience: str, language: str) -> str:
    """How the API calls the template, alike in every workspace."""
    return f"{event}.{audience}.{language}"


def template_id(workspace_id: str, name: str) -> str:
    """The id of the workspace's own words for that template."""
    return key(workspace_id, name)


def variables(event: str) -> tuple[str, ...]:
    """The names that a mail of this kind knows."""
    return (*VARIABLES, *ONLY_OF.get(event, ()))


def version_of(template: Template | None) -> int:
    """0: it was never customised."""
    return template.version if template is not None else 0


def write(
    current: Template | None, workspace_id: str, name: str, wording: Wording | None, actor_id: str, now: datetime
) -> Decision[Template, Template | None]:
    """These words from now on; None: the built-in ones again. The answer is the template as it is now."""
    before = current.wording if current is not None else None
    if before == wording:
        return Decision(current)
    changed = Template(
        id=template_id(workspace_id, name),
        workspace_id=workspace_id,
        name=name,
        version=version_of(current) + 1,
        wording=wording,
        changed_at=now,
    )
    return Decision(changed, changed, owes=[_recorded(changed, before, actor_id, now)])


def _recorded(template: Template, before: Wording | None, actor_id: str, now: datetime) -> Owed:
    after = template.wording
    fields = [
        name
        for name in Wording.model_fields
        if after is not None and (before is None or getattr(before, name) != getattr(after, name))
    ]
    return event(
        ChangeRecorded(
            workspace_id=template.workspace_id,
            change_id=f"{template.id}.{template.version}",
            service="notify",
            at=now,
            actor_id=actor_id,
            action="changed" if after is not None else "reset",
            thing="template",
            thing_id=template.name,
            fields=tuple(fields),
        )
    )
