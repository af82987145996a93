"""Settings of `accounts`."""

from typing import Annotated

from pydantic import Field

from turnus_runtime.settings import Settings as RuntimeSettings


class Settings(RuntimeSettings):
    """What a process of `accounts` is told. The cost of a password is OWASP's minimum for argon2id; raising it
    applies to everybody at their next sign-in.
    """

    accounts_session_hours: Annotated[int, Field(ge=1, le=720)] = Field(
        default=168, description="How long a session lasts after signing in"
    )
    accounts_invitation_days: Annotated[int, Field(ge=1, le=90)] = Field(
        default=7, description="How long the link in an invitation is valid"
    )
    accounts_reset_minutes: Annotated[int, Field(ge=5, le=1440)] = Field(
        default=60, description="How long the link that sets a new password is valid"
    )
    accounts_signing_key_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=90, description="How long a key signs tokens before a new one takes over"
    )
    accounts_password_memory_kib: Annotated[int, Field(ge=8, le=4_194_304)] = Field(
        default=19_456, description="Memory of one password hash (argon2id m)"
    )
    accounts_password_passes: Annotated[int, Field(ge=1, le=100)] = Field(
        default=2, description="Passes over that memory (argon2id t)"
    )
    accounts_passwords_at_once: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2, description="Password hashes computed at the same time in one process; more wait"
    )
    accounts_passwords_waiting: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=64, description="Password hashes that may wait; beyond that the answer is 503"
    )
