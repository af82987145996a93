"""Value types of requests and answers, each with a sentence for the person who got it wrong.

Use them in models (`extra="forbid"`, see `Request`) and in query parameters alike.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from turnus_runtime.ids import ALPHABET, LENGTH

FIRST_YEAR, LAST_YEAR = 2000, 2100

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LOCAL = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}(?<!\.)", re.ASCII)
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9-]{2,63}(?<!-)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Request(BaseModel):
    """Base of request bodies: immutable, unknown fields refused. Validate them only through `Body[Model]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    """Base of what the API answers: immutable."""

    model_config = ConfigDict(frozen=True)


def _instant(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value  # an answer being built: it keeps the zone it is to be shown in
    if not isinstance(value, str):
        raise PydanticCustomError("turnus_instant", "must be an instant as text: 2027-01-04T09:00:00+01:00")
    if not _INSTANT.fullmatch(value):
        if " " in value and _INSTANT.fullmatch(value.replace(" ", "+")):
            raise PydanticCustomError("turnus_instant", "has a space for its +: write %2B in an address")
        raise PydanticCustomError("turnus_instant", "must be an instant with offset: 2027-01-04T09:00:00+01:00")
    if not FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
        raise PydanticCustomError("turnus_instant", "must lie between the years 2000 and 2100")
    try:
        # Python reads six digits at most; what is beyond a millisecond is cut off anyway.
        read = datetime.fromisoformat(re.sub(r"(\.\d{3})\d+", r"\1", value.upper()))
        return read.astimezone(UTC).replace(microsecond=read.microsecond // 1000 * 1000)
    except (ValueError, OverflowError):
        raise PydanticCustomError("turnus_instant", "is no date and time that exists") from None


def _rfc3339(value: datetime) -> str:
    text = value.isoformat(timespec="milliseconds" if value.microsecond >= 1000 else "seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("turnus_day", "must be a day as YYYY-MM-DD")
    if not FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
        raise PydanticCustomError("turnus_day", "must lie between the years 2000 and 2100")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("turnus_day", "is no day that exists") from None


@cache
def _zones() -> dict[str, str]:
    """Every zone of the tzdata package by its lower-case name; the operating system's own list may be another one."""
    names = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return {name.lower(): name for name in names if name != "Factory"}


def _zone(value: object) -> str:
    found = _zones().get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("turnus_zone", "must be a time zone of the IANA list, such as Europe/Berlin")
    return found


def _email(value: object) -> str:
    wrong = PydanticCustomError("turnus_email", "must be an e-mail address, such as ada@example.org")
    if not isinstance(value, str) or len(value) > 254:
        raise wrong
    local, _, domain = value.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise wrong from None
    address = f"{local}@{domain}"
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain) or len(address) > 254:
        raise wrong
    return address


Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-01-04T09:00:00+01:00"]}),
]
"""RFC 3339 with offset, text only, years 2000 to 2100. Read: aware UTC, whole milliseconds. Answered: as zoned."""

Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2027-01-04"]}),
]
"""A calendar day, `YYYY-MM-DD`, years 2000 to 2100."""

ZoneName = Annotated[
    str, PlainValidator(_zone), WithJsonSchema({"type": "string", "maxLength": 64, "examples": ["Europe/Berlin"]})
]
"""An IANA time zone that tzdata has, in its canonical spelling."""

EmailAddress = Annotated[
    str,
    PlainValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254, "examples": ["ada@example.org"]}),
]
"""A mail address (RFC 5321 without quoting), at most 254 characters; the domain lower-case, IDNA as ASCII."""

Locale = Literal["de", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """Bounded text, stripped, without control characters: `Annotated[str, Text(500, lines=True)]`."""

    most: int
    least: int = 1
    lines: bool = False

    def __get_pydantic_core_schema__(
        self,
        source: Any,
        handler: GetCoreSchemaHandler,
    ) -> core_schema.CoreSchema:
        text = core_schema.str_schema(min_length=self.least, max_length=self.most, strip_whitespace=True)
        return core_schema.no_info_after_validator_function(self._check, text)

    def _check(self, value: str) -> str:
        if (_CONTROL_BUT_LINES if self.lines else _CONTROL).search(value):
            raise PydanticCustomError("turnus_text", "must not hold control characters")
        return unicodedata.normalize("NFC", value)


Name = Annotated[str, Text(200)]
"""The name of a person or thing: 1 to 200 characters, one line."""

Note = Annotated[str, Text(2000, least=0, lines=True)]
"""What a person wrote: up to 2,000 characters, several lines."""


@dataclass(frozen=True, slots=True)
class Id:
    """An id of one kind, in bodies and queries: `Annotated[str, Id("mem")]` takes `mem_…` only."""

    kind: str

    def __get_pydantic_core_schema__(
        self,
        source: Any,
        handler: GetCoreSchemaHandler,
    ) -> core_schema.CoreSchema:
        return core_schema.str_schema(pattern=f"^{self.kind}_[{ALPHABET}]{{{LENGTH}}}$")
