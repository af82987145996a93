"""Settings of a process: `TURNUS_*` in the environment, typed, frozen, with defaults for one machine.

A service with settings of its own subclasses `Settings` in `services/<name>/settings.py`, as a class named `Settings`.
"""

import difflib
import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "TURNUS_"
TEST_PREFIX = "TURNUS_TEST_"
"""Names with this prefix steer the test suite and are nobody's settings."""
SERVICES_GROUP = "turnus.services"


class SettingsError(Exception):
    """The environment cannot be used; each line of the message names one variable and says what to do."""


def masked_url(url: str) -> str:
    """The URL with its password as `***`."""
    return re.sub(r"(?<=://)([^:/@\s]*):[^\s/?#]*@", r"\1:***@", url)


def is_loopback(url: str) -> bool:
    """Whether the host of this URL is this machine only: `localhost`, `*.localhost` or a loopback address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_scheme(*schemes: str) -> AfterValidator:
    def check(url: str) -> str:
        if not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return url.rstrip("/") if schemes[0] == "http" else url

    return AfterValidator(check)


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _instant(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(microsecond=value.microsecond // 1000 * 1000)


Instant = Annotated[AwareDatetime, AfterValidator(_instant)]
WebUrl = Annotated[str, _with_scheme("http", "https")]
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_split)]
"""Fields of this and other tuple types come from the environment split at commas, if they are annotated like this."""
PerMinute = Annotated[int, Field(ge=1, le=10_000_000)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class Settings(BaseSettings):
    """What every process of an installation is told. Passwords inside URLs never show in `repr`, logs or errors."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    environment: str = Field(
        default="local", pattern=r"^[a-z0-9-]{1,40}$", description="Name of this installation in logs and traces"
    )

    mongo_url: Annotated[str, _with_scheme("mongodb", "mongodb+srv")] = Field(
        default="mongodb://127.0.0.1:27017/?retryWrites=false", description="The store"
    )
    database_prefix: str = Field(
        default="turnus", pattern=r"^[a-z][a-z0-9_-]{0,30}$", description="Databases are named <prefix>_<service>"
    )

    kafka_url: str = Field(
        default="127.0.0.1:9092",
        pattern=r"^[^,\s/]+:\d+(,[^,\s/]+:\d+)*$",
        description="Brokers, by comma",
    )
    kafka_idempotent: bool = Field(default=True, description="Idempotent producer; off for brokers without it")
    kafka_fetch_max_wait_ms: int = Field(
        default=500, ge=1, le=10_000, description="Length of a long poll; 10 to 50 for a broker that does not wake them"
    )
    kafka_session_timeout_ms: int = Field(
        default=6000, ge=1000, le=300_000, description="When a consumer that went silent is given up by its group"
    )
    topic_partitions: int = Field(default=6, ge=1, le=1000, description="Partitions of a topic that is made")
    topic_replication: int = Field(default=1, ge=1, le=9, description="Replicas of a topic that is made")

    redis_url: Annotated[str, _with_scheme("redis", "rediss", "unix")] = Field(
        default="redis://127.0.0.1:6379/0", description="Wake-ups and rate limits; may be away without harm"
    )

    smtp_url: Annotated[str, _with_scheme("smtp", "smtps")] = Field(
        default="smtp://127.0.0.1:2525",
        description="smtp://user:password@host:port, or smtps:// for TLS at once",
    )
    mail_from: str = Field(default="turnus@localhost", pattern=r"^[^\s@]+@[^\s@]+$", description="Sender of all mails")
    mail_from_name: str = Field(default="Turnus", max_length=100, description="Name of that sender")

    public_url: WebUrl = Field(default="http://127.0.0.1:8080", description="The address that people see")
    api_url: WebUrl = Field(default="http://127.0.0.1:8080", description="Where processes reach the public API")
    http_host: str = Field(default="127.0.0.1", description="Address to listen on")
    http_port: Port = Field(default=8080, description="Port to listen on; 0 takes a free one")
    admin_host: str = Field(default="127.0.0.1", description="Address of /healthz, /readyz and /metrics")
    admin_port: Port = Field(default=8081, description="Port of /healthz, /readyz and /metrics; 0 takes a free one")
    trusted_proxies: Networks = Field(
        default=(), description="Networks (CIDR, by comma) whose X-Forwarded-For is believed"
    )

    otlp_endpoint: WebUrl | None = Field(default=None, description="OTLP/HTTP receiver of traces and metrics")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severe log line")

    data_dir: Path = Field(default=Path("data"), description="What the embedded servers keep")
    clock_start: Instant | None = Field(
        default=None, description="The time at which this installation began to run, for tests and demos (RFC 3339)"
    )
    demo: bool = Field(
        default=False,
        description="This installation shows the product, with pages for those who build it",
    )

    rate_limits_guest_reads_per_minute: PerMinute = Field(default=600, description="Per address: slots, pages")
    rate_limits_guest_writes_per_minute: PerMinute = Field(default=60, description="Per address: book, move, cancel")
    rate_limits_staff_per_minute: PerMinute = Field(default=1200, description="Per credential")
    rate_limits_sign_ins_per_minute: PerMinute = Field(
        default=10, description="Per address and per account: signing in, links that let in, mails with such links"
    )
    rate_limits_workspaces_per_minute: PerMinute = Field(default=10, description="New workspaces per address")
    rate_limits_test_mails_per_minute: PerMinute = Field(default=5, description="Per member: mails that try a template")

    @model_validator(mode="after")
    def _clock_moves_only_here(self) -> "Settings":
        if self.clock_start is not None and not is_loopback(self.public_url):
            raise ValueError(
                "TURNUS_CLOCK_START moves time and is for tests and demos: "
                "unset it, or let TURNUS_PUBLIC_URL name a loopback address"
            )
        return self

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, masked_url(value) if isinstance(value, str) else value


S = TypeVar("S", bound=Settings)


def load(kind: type[S], **given: Any) -> S:
    """The settings of one kind from the environment; `given` win over it.

    Raises `SettingsError` for a name nobody knows (suggesting the closest right one) and for values that do not fit.
    """
    refuse_unknown(os.environ)
    try:
        return kind(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentences(error))) from None


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Raise `SettingsError` if a `TURNUS_*` name is no setting of any installed service."""
    known = known_names()
    unknown = [
        name
        for name in sorted(environ)
        if (upper := name.upper()).startswith(PREFIX) and not upper.startswith(TEST_PREFIX) and upper not in known
    ]
    if unknown:
        raise SettingsError("\n".join(_suggestion(name, known) for name in unknown))


def known_names() -> frozenset[str]:
    """The environment names of all settings of all installed services."""
    return frozenset(env_name(field) for kind in kinds().values() for field in kind.model_fields)


def kinds() -> dict[str, type[Settings]]:
    """Settings class of each installed service that has one of its own, and the common one under "".

    Only the `settings` modules are imported: they need nothing of what a service's other modules may import.
    """
    found: dict[str, type[Settings]] = {"": Settings}
    for entry in sorted(entry_points(group=SERVICES_GROUP), key=lambda entry: entry.name):
        module = f"{entry.module.rpartition('.')[0]}.settings"
        if _exists(module):
            found[entry.name] = import_module(module).Settings
    return found


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def env_name(field: str) -> str:
    """`http_port` -> `TURNUS_HTTP_PORT`."""
    return f"{PREFIX}{field}".upper()


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as `turnus config` shows it. `source` is `environment` or `default`."""

    name: str
    value: str
    source: str
    service: str
    description: str


def shown() -> list[Shown]:
    """All settings of all installed services in their present value, secrets masked, and where each came from."""
    here = {name.upper() for name, value in os.environ.items() if value}
    rows: dict[str, Shown] = {}
    for service, kind in kinds().items():
        values = load(kind)
        for field, info in kind.model_fields.items():
            name = env_name(field)
            source = "environment" if name in here else "default"
            text = _masked(getattr(values, field))
            rows.setdefault(name, Shown(name, text, source, service, info.description or ""))
    return list(rows.values())


def _masked(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "***" if value.get_secret_value() else ""
    if isinstance(value, tuple | list):
        return ",".join(_masked(part) for part in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return masked_url(str(value))


def _suggestion(name: str, known: frozenset[str]) -> str:
    close = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.75)
    hint = f"did you mean {close[0]}?" if close else "`turnus config` lists all settings."
    return f"{name} is not a setting: {hint}"


def _sentences(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        where = env_name(str(problem["loc"][0])) if problem["loc"] else ""
        message = problem["msg"].removeprefix("Value error, ")
        yield f"{where}: {message}" if where else message
