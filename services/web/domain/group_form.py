"""The form of a calendar group: its fields, and which calendars it shows in which order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.web.domain.forms import Field, Flag, Form, Sent, Text, read, shown, slug_of
from services.web.domain.staff import SeenDraft, SeenGroup

FIELDS: tuple[Field, ...] = (
    Text("name"),
    Text("description", most=2000, needed=False, lines=True),
    Text("slug", most=63, needed=False),
    Flag("active"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A calendar in the form: whether the group shows it. One that is not there for its reader has no name."""

    calendar_id: str
    name: str
    shown: bool

    @property
    def stays(self) -> bool:
        """It is somebody else's: its reader may sort it, and not take it out."""
        return not self.name


@dataclass(frozen=True, slots=True)
class GroupForm:
    """The form, and all calendars that could be in the group, in their order."""

    form: Form
    rows: tuple[Row, ...]

    def body(self) -> dict[str, Any]:
        """What the API takes; only of a form without errors. An empty address is made from the name."""
        values = self.form.values
        return {
            "name": values["name"],
            "description": values["description"],
            "slug": values["slug"] or slug_of(values["name"], "gruppe"),
            "status": "active" if values["active"] else "inactive",
            "calendar_ids": [row.calendar_id for row in self.rows if row.shown],
        }

    def moved(self, calendar_id: str, by: int) -> "GroupForm":
        """One calendar further up (-1) or down (1); nothing else changes."""
        rows = list(self.rows)
        at = next((n for n, row in enumerate(rows) if row.calendar_id == calendar_id), None)
        if at is None or not 0 <= at + by < len(rows):
            return self
        rows[at], rows[at + by] = rows[at + by], rows[at]
        return replace(self, rows=tuple(rows))


def of_group(group: SeenGroup | None, calendars: Sequence[SeenDraft]) -> GroupForm:
    """The form of a group as it is, or of a new one. Those that it shows come first, then the others by name."""
    if group is None:
        return GroupForm(shown(FIELDS, {"active": True}), _rows((), (), calendars))
    values = group.model_dump() | {"active": group.status == "active"}
    return GroupForm(shown(FIELDS, values), _rows(group.calendar_ids, group.calendar_ids, calendars))


def sent_group(sent: Sent, calendars: Sequence[SeenDraft], group: SeenGroup | None = None) -> GroupForm:
    """The form as it was sent: `order` are all its calendars in order, `calendar` those that it shows.

    What is in the `group` already and not among these calendars is not for this reader to take out.
    """
    known = {one.id for one in calendars}
    kept = [one for one in (group.calendar_ids if group is not None else ()) if one not in known]
    order, chosen = list(sent.get("order", ())), [one for one in sent.get("calendar", ()) if one in known]
    return GroupForm(read(FIELDS, sent), _rows([*order, *kept], [*chosen, *kept], calendars))


def _rows(order: Sequence[str], chosen: Sequence[str], calendars: Sequence[SeenDraft]) -> tuple[Row, ...]:
    """Those that are shown in this order, so that they can be sorted among themselves; then the others by name."""
    names = {one.id: one.name for one in calendars}
    known = {one.id: one.name for one in calendars if one.status != "retired" or one.id in chosen}
    known |= {one: "" for one in chosen if one not in names}
    first = [one for one in dict.fromkeys(order) if one in known and one in chosen]
    rest = sorted((name, one) for one, name in known.items() if one not in first)
    return tuple(Row(one, known[one], one in chosen) for one in [*first, *(one for _, one in rest)])
