"""What a guest wrote into the form, and what is wrong with it in their own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_COMPANIONS = 3
"""Rows for further guests; the API takes more."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A further guest; an empty row is none."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """The fields of the form as they were sent. `key` makes sending it twice the same as once."""

    key: str
    name: str = ""
    email: str = ""
    phone: str = ""
    companions: tuple[Companion, ...] = (Companion(),) * MOST_COMPANIONS

    def guest(self) -> dict[str, Any]:
        """The guest as the API takes them."""
        return {"name": self.name, "email": self.email, "phone": self.phone or None}

    def rows(self) -> list[int]:
        """The rows of further guests that hold something."""
        return [row for row, one in enumerate(self.companions) if one.name or one.email]

    def additional_guests(self) -> list[dict[str, str]]:
        """The further guests as the API takes them."""
        return [{"name": self.companions[row].name, "email": self.companions[row].email} for row in self.rows()]

    def hidden(self) -> list[tuple[str, str]]:
        """All fields by name, for a form that sends them again."""
        pairs = [("name", self.name), ("email", self.email), ("phone", self.phone)]
        for row, one in enumerate(self.companions):
            pairs += [(f"guest_name_{row}", one.name), (f"guest_email_{row}", one.email)]
        return [(name, value) for name, value in pairs if value]


def entered(form: Mapping[str, str], new_key: str) -> Entered:
    """Read the form; `new_key` is for one that was sent without."""
    companions = tuple(
        Companion(form.get(f"guest_name_{row}", "").strip(), form.get(f"guest_email_{row}", "").strip())
        for row in range(MOST_COMPANIONS)
    )
    sent = form.get("key", "")
    key = sent if 1 <= len(sent) <= 100 and sent.isascii() and sent.isprintable() else new_key
    name, email, phone = (form.get(field, "").strip() for field in ("name", "email", "phone"))
    return Entered(key, name, email, phone, companions)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one field: its id on the page, and the message to show."""

    field: str
    message: str


def mistakes(given: Entered, refused: Sequence[str]) -> list[Mistake]:
    """The fields that the API refused (`guest.email`, `additional_guests.0.name`), in the order of the page.

    A refused field that is not on the page gives no mistake: nobody could correct it there.
    """
    rows = given.rows()
    fields: dict[str, str] = {}
    for path in refused:
        match path.split("."):
            case ["guest", ("name" | "email" | "phone") as field]:
                fields[field] = field
            case ["additional_guests", index, ("name" | "email") as field] if index.isdigit() and int(index) < len(
                rows
            ):
                fields[f"guest_{field}_{rows[int(index)]}"] = field
            case _:
                pass
    values = dict(given.hidden())
    order = ["name", "email", "phone"]
    order += [f"guest_{field}_{row}" for row in range(MOST_COMPANIONS) for field in ("name", "email")]
    return [
        Mistake(name, f"form.{fields[name]}_{'wrong' if values.get(name) else 'missing'}")
        for name in order
        if name in fields
    ]
