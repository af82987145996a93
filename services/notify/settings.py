"""Settings of `notify`."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from turnus_runtime.settings import Settings as RuntimeSettings

Offset = Annotated[int, Field(ge=1, le=527_040)]
"""Whole minutes before the start, at most a year."""


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(RuntimeSettings):
    """What a process of `notify` is told."""

    notify_reminder_minutes: Annotated[tuple[Offset, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(1440, 60), max_length=10, description="Reminders: minutes before the start, by comma"
    )
    notify_too_old_minutes: Annotated[int, Field(ge=1)] = Field(
        default=1440,
        description="News of a booking that is older than this when first heard of (an emptied store) is not mailed",
    )
