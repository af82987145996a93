"""Problem documents (RFC 9457): every refusal of the API, declared once with what a person should know about it.

A code is declared where it is raised: `SLOT_TAKEN = declare("slot_taken", 409, "…", en="…", de="…")`, then
`raise SLOT_TAKEN("Choose another time.", alternatives=[…])`. Every declared code has a page, `/problems/<code>`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """What is wrong with one field. `field` is its path (`guest.email`, `items.0.start`), or the name of a header."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str


class ProblemDocument(BaseModel):
    """A refusal as `application/problem+json`. Some codes add members of their own (`alternatives`)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/validation_failed"], description="The page that explains this code")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What to do about it")
    code: str = Field(description="Stable name of the reason")
    request_id: str = Field(description="Also in `X-Request-Id` and in the log lines of this request")
    errors: list[FieldError] | None = Field(default=None, description="With status 422: what is wrong where")


@dataclass(frozen=True, slots=True)
class Kind:
    """One declared code: its HTTP status, its title, and its explanation in English and German."""

    code: str
    status: int
    title: str
    en: str
    de: str


class Problem(Exception):
    """A refusal. Raised anywhere below a route; `code` must be declared (a `LookupError` says so at once)."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str | None = None,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extras: Any,
    ) -> None:
        declared = KINDS.get(code)
        if declared is None:
            raise LookupError(f"the problem code {code!r} is not declared: use turnus_runtime.http.declare")
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.title = title or declared.kind.title
        self.detail = detail or declared.kind.en
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extras = extras

    def document(self, request_id: str) -> dict[str, Any]:
        """The members of the problem document."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.status == 422:
            body["errors"] = [error.model_dump() for error in self.errors]
        return body | self.extras


class Declared(Problem):
    """A problem of a declared kind: `raise SLOT_TAKEN`, `raise SLOT_TAKEN("Choose another.", alternatives=[…])`."""

    kind: ClassVar[Kind]

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extras: Any,
    ) -> None:
        kind = self.kind
        super().__init__(kind.status, kind.code, kind.title, detail, errors=errors, headers=headers, **extras)

    @classmethod
    def at(cls, path: str, message: str) -> Self:
        """With one field named: `raise MEMBER_UNKNOWN.at("members.0.member_id", "is not known here")`."""
        return cls(f"{path} {message}.", errors=[FieldError(field=path, message=message)])


KINDS: dict[str, type[Declared]] = {}
"""Every code this process knows. Filled when modules are imported."""


def declare(code: str, status: int, title: str, *, en: str, de: str) -> type[Declared]:
    """Register a code and make its exception. Again with the same words: the same one; with others a `ValueError`."""
    kind = Kind(code, status, title, en, de)
    known = KINDS.get(code)
    if known is None:
        known = KINDS[code] = type(code, (Declared,), {"kind": kind})
    if known.kind != kind:
        raise ValueError(f"the problem code {code!r} is declared twice with different words")
    return known


@dataclass(slots=True)
class ProblemResponse:
    """A problem as an ASGI response."""

    problem: Problem
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def build(self) -> JSONResponse:
        """The response; extra members must be JSON values already."""
        return JSONResponse(
            self.problem.document(self.request_id),
            status_code=self.problem.status,
            headers={**self.problem.headers, **self.headers},
            media_type=MEDIA_TYPE,
        )


def documented(*declared: type[Declared]) -> dict[int | str, dict[str, Any]]:
    """`responses=documented(SLOT_TAKEN, CUTOFF_PASSED)` of a route: which refusals of its own it may give."""
    kinds = [one.kind for one in declared]
    by_status: dict[int | str, dict[str, Any]] = {}
    for status in sorted({kind.status for kind in kinds}):
        those = [kind for kind in kinds if kind.status == status]
        text = "; ".join(f"`{kind.code}`: {kind.title}" for kind in those)
        by_status[status] = {"description": text, "x-problem-codes": [kind.code for kind in those]}
    return by_status


MALFORMED_JSON = declare(
    "malformed_json",
    400,
    "The body is not JSON",
    en="Send one JSON value in UTF-8 (RFC 8259). NaN and Infinity are not JSON.",
    de="Senden Sie genau einen JSON-Wert in UTF-8 (RFC 8259). NaN und Infinity sind kein JSON.",
)
NOT_FOUND = declare(
    "not_found",
    404,
    "There is nothing here",
    en="Check the address. What belongs to another workspace is answered as if it did not exist.",
    de="Prüfen Sie die Adresse. Was einem anderen Arbeitsbereich gehört, wird beantwortet, als gäbe es das nicht.",
)
METHOD_NOT_ALLOWED = declare(
    "method_not_allowed",
    405,
    "This address does not take that method",
    en="The Allow header lists the methods that this address takes.",
    de="Der Header Allow nennt die Methoden, die diese Adresse annimmt.",
)
NOT_ACCEPTABLE = declare(
    "not_acceptable",
    406,
    "The answer exists in another media type only",
    en="Send an Accept header that admits application/json, or none.",
    de="Senden Sie einen Accept-Header, der application/json zulässt, oder keinen.",
)
STALE_VERSION = declare(
    "version_stale",
    412,
    "It was changed in the meantime",
    en="Nothing was written. Read it again, apply your change to the new version and send If-Match with its ETag.",
    de="Es wurde nichts geschrieben. Lesen Sie den neuen Stand, ändern Sie diesen und senden Sie If-Match mit "
    "dessen ETag.",
)
TOO_LARGE = declare(
    "body_too_large",
    413,
    "The body is too large",
    en="A body may have 262,144 bytes (256 KiB). Send less at once.",
    de="Ein Rumpf darf 262 144 Bytes (256 KiB) haben. Senden Sie weniger auf einmal.",
)
UNSUPPORTED_MEDIA_TYPE = declare(
    "unsupported_media_type",
    415,
    "The body has a media type that is not understood",
    en="Send Content-Type: application/json, in UTF-8 and without Content-Encoding.",
    de="Senden Sie Content-Type: application/json, in UTF-8 und ohne Content-Encoding.",
)
VALIDATION_FAILED = declare(
    "validation_failed",
    422,
    "The request does not have the right form",
    en="Correct the fields listed under errors and send the request again. Nothing was stored.",
    de="Berichtigen Sie die unter errors genannten Felder und senden Sie die Anfrage erneut. Es wurde nichts "
    "gespeichert.",
)
IDEMPOTENCY_KEY_REUSED = declare(
    "idempotency_key_reused",
    422,
    "This Idempotency-Key belongs to another request",
    en="A key stands for one request with one body. Send a new key with a new request.",
    de="Ein Schlüssel steht für eine Anfrage mit einem Rumpf. Senden Sie zu einer neuen Anfrage einen neuen Schlüssel.",
)
RATE_LIMITED = declare(
    "rate_limited",
    429,
    "Too many requests",
    en="Wait as many seconds as Retry-After says, then go on more slowly.",
    de="Warten Sie so viele Sekunden, wie Retry-After sagt, und fahren Sie langsamer fort.",
)
INTERNAL_ERROR = declare(
    "internal_error",
    500,
    "Something went wrong here",
    en="It is our fault and was logged. Repeat the request with the same Idempotency-Key, or tell us the request id.",
    de="Der Fehler liegt bei uns und wurde vermerkt. Wiederholen Sie die Anfrage mit demselben Idempotency-Key, oder "
    "nennen Sie uns die request_id.",
)
CLOSED = declare(
    "closed",
    503,
    "This part of the service is closed for repair",
    en="Its data was set back after a disaster and is being compared with the rest. Nothing was taken on. Repeat the "
    "request later with the same Idempotency-Key.",
    de="Ihre Daten wurden nach einer Störung zurückgesetzt und werden mit den übrigen verglichen. Nichts wurde "
    "angenommen. Wiederholen Sie die Anfrage später mit demselben Idempotency-Key.",
)
UNAVAILABLE = declare(
    "unavailable",
    503,
    "The service cannot answer at the moment",
    en="Repeat the request with the same Idempotency-Key after as many seconds as Retry-After says.",
    de="Wiederholen Sie die Anfrage mit demselben Idempotency-Key nach so vielen Sekunden, wie Retry-After sagt.",
)


def invalid(path: str, message: str) -> Problem:
    """The 422 for one field, for rules that a model cannot know."""
    return VALIDATION_FAILED(errors=[FieldError(field=path, message=message)])
