"""Settings of `assignment`."""

from typing import Annotated

from pydantic import Field

from turnus_runtime.settings import Settings as RuntimeSettings


class Settings(RuntimeSettings):
    """What a process of `assignment` is told."""

    assignment_calendar_wait_seconds: Annotated[float, Field(ge=0, le=10)] = Field(
        default=2.0,
        description="How long a choice waits for a calendar that was not heard of yet; then it is asked again",
    )
