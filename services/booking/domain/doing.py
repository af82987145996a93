"""Who changes what: whoever acts, and the trace that it leaves in a calendar."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Actor(BaseModel):
    """Who changes something, and when; `key_id` is the API key with which they do it."""

    model_config = ConfigDict(frozen=True)
    id: str
    now: datetime
    key_id: str | None = None


class Touch(BaseModel):
    """Who changed a setting last, and when: None for what was changed before this was noted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    at: datetime | None = None
    actor_id: str | None = None
    key_id: str | None = None
    """the API key, if it was done with one"""


class Publishing(BaseModel):
    """How a version came about: by whom, after which one, and what is different from that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    actor_id: str
    key_id: str | None = None
    previous: int | None = None
    changes: tuple[Touch, ...] = ()


def touched(field: str, actor: Actor) -> Touch:
    """That `actor` has changed this setting."""
    return Touch(field=field, at=actor.now, actor_id=actor.id, key_id=actor.key_id)
