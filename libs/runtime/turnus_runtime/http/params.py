"""What routes ask for by annotation: bodies, conditions, patience, paging, the turn."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, Protocol, TypeVar, cast

from fastapi import Depends, Header, Query
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request as HttpRequest

from turnus_runtime.http.exchange import exchange
from turnus_runtime.http.limits import throttle_address
from turnus_runtime.http.messages import validation_problem
from turnus_runtime.http.problems import IDEMPOTENCY_KEY_REUSED, MALFORMED_JSON, STALE_VERSION, invalid
from turnus_runtime.records import Record
from turnus_runtime.turn import Turn

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
R = TypeVar("R", bound=Record)

LONGEST_WAIT = 30


# --- the turn -------------------------------------------------------------------------------------------------------


async def _turn(request: HttpRequest) -> Turn:
    return exchange(request).turn


On = Annotated[Turn, Depends(_turn)]
"""The turn of this request: `on.now`, `on.records(Kind)`."""


# --- bodies ---------------------------------------------------------------------------------------------------------


class BodyReader(Generic[M]):
    """Reads one body strictly into `model`. A body of which nothing is required may be left out."""

    def __init__(self, model: type[M]) -> None:
        self.model = model
        self.optional = not any(info.is_required() for info in model.model_fields.values())

    async def __call__(self, request: HttpRequest) -> M:
        at = exchange(request)
        tree = await at.tree(request)
        raw = await at.raw(request)
        if not raw and not self.optional:
            raise MALFORMED_JSON("Send a body.")
        try:
            return self.model.model_validate_json(raw or b"{}", strict=True)
        except ValidationError as error:
            raise validation_problem(error.errors(include_url=False, include_input=False), tree) from None


if TYPE_CHECKING:
    Body = Annotated[M, "read strictly"]
else:

    class Body:
        """`body: Body[NewNote]`: the JSON body, read strictly. Raises 400, 413, 415, 422."""

        def __class_getitem__(cls, model: type[BaseModel]) -> object:
            return Annotated[model, Depends(BodyReader(model))]


# --- who may come without credentials -------------------------------------------------------------------------------


class GuestGate:
    """Marks a route as open to guests: CORS, and limited by the client's address in `group`."""

    def __init__(self, group: str | None) -> None:
        self.group = group

    async def __call__(self, request: HttpRequest) -> None:
        reading = request.method in {"GET", "HEAD"}
        await throttle_address(request, self.group or ("guest_reads" if reading else "guest_writes"))


def guest(group: str | None = None) -> Any:
    """`dependencies=[guest()]`: a route for guests, from any web page. `group`: a rate limit of its own."""
    return Depends(GuestGate(group))


# --- idempotency ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The `Idempotency-Key` of a request (None without) and the digest of what it asks for."""

    key: str | None
    digest: str

    def check(self, digest: str | None) -> None:
        """Compare with the digest kept from the first request under this key. Raises 422 `idempotency_key_reused`."""
        if digest is not None and digest != self.digest:
            raise IDEMPOTENCY_KEY_REUSED.at("Idempotency-Key", "belongs to another request")


async def _idempotency(
    request: HttpRequest,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1 to 255 printable characters; the same key and body give the same thing for at least 24 h",
            json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        ),
    ] = None,
) -> Idempotency:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise invalid("Idempotency-Key", "is given twice")
    if idempotency_key is not None and not re.fullmatch(r"[ -~]{1,255}", idempotency_key):
        raise invalid("Idempotency-Key", "must have 1 to 255 printable ASCII characters")
    return Idempotency(idempotency_key, await exchange(request).digest(request))


Key = Annotated[Idempotency, Depends(_idempotency)]
"""`key: Key`: the idempotency key and digest of a write."""


# --- conditions -----------------------------------------------------------------------------------------------------


async def if_match(
    request: HttpRequest,
    told: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The ETag the change is based on; a stale one is 412",
            json_schema_extra={"examples": ['"7"']},
        ),
    ] = None,
) -> int | None:
    """The version in `If-Match`; -1 for an ETag that is none of ours. Raises 422 if it is no ETag."""
    if told is None or told.strip() == "*":
        return None
    found = re.fullmatch(r'\s*(W/)?"([\x21\x23-\x7e]*)"\s*', told)
    if found is None or len(request.headers.getlist("if-match")) > 1:
        raise invalid("If-Match", 'must be one ETag in quotes, as it was answered: "7"')
    # A weak or foreign tag is well-formed and matches nothing (RFC 9110, 13.1.1).
    return int(found[2]) if not found[1] and re.fullmatch(r"[0-9]{1,15}", found[2]) else -1


IfMatch = Annotated[int | None, Depends(if_match)]
"""`expected: IfMatch`: the version this write is based on, or None. Compare with `unless_stale`."""


def unless_stale(expected: int | None, version: int) -> None:
    """Raise 412 `version_stale` if the request is based on another version. Call it inside the decision."""
    if expected is not None and expected != version:
        raise STALE_VERSION(headers={"ETag": f'"{version}"'})


# --- patience -------------------------------------------------------------------------------------------------------


class Waits:
    """Reads `Prefer: wait=N`: how long the client waits for a final answer; at most 30 s, else `default`."""

    def __init__(self, default: int) -> None:
        self.default = default

    async def __call__(
        self,
        request: HttpRequest,
        prefer: Annotated[
            str | None,
            Header(
                alias="Prefer",
                description="`wait=N`: seconds to wait for the final answer, at most 30",
                json_schema_extra={"examples": ["wait=5"]},
            ),
        ] = None,
    ) -> float:
        # Preferences that are not understood are ignored, not refused (RFC 7240, 2).
        found = re.search(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])', prefer or "", re.IGNORECASE | re.ASCII)
        if found is None:
            return float(self.default)
        seconds = min(int(found[1]), LONGEST_WAIT)
        exchange(request).headers["Preference-Applied"] = f"wait={seconds}"
        return float(seconds)


def waits(default: int = 5) -> Any:
    """Seconds to wait for the final answer, `default` unless the client prefers otherwise.

    `wait: Annotated[float, waits(5)]`.
    """
    return Depends(Waits(default))


Wait = Annotated[float, waits(5)]
"""`wait: Wait`: seconds to wait before 202, 5 unless the client prefers otherwise."""


# --- lists ----------------------------------------------------------------------------------------------------------


class Page(BaseModel, Generic[T]):
    """A list: `next` is the `after` of the page that follows, or null."""

    model_config = ConfigDict(frozen=True)

    items: Sequence[T]
    next: str | None = None


class Listed(Protocol[R]):
    """What `on.records(Kind)` offers for lists."""

    async def with_prefix(
        self, index: str, prefix: str, *, limit: int, after: str | None, reverse: bool
    ) -> list[R]: ...


@dataclass(frozen=True, slots=True)
class Paging:
    """`?limit=&after=`. `after` is what `cursor` made, opaque to clients."""

    limit: int
    after: str | None

    async def page(
        self,
        records: Listed[R],
        index: str,
        prefix: str,
        view: Callable[[R], T],
        *,
        keep: Callable[[R], bool] | None = None,
        reverse: bool = False,
    ) -> Page[T]:
        """One page of the records whose key `index` begins with `prefix` (made by `records.key`), as `view` shows them.

        `keep` filters; so that a rare match cannot cost a whole collection, a page looks at 1,000 records at most and
        may then hold fewer than `limit` and still have a `next`.
        A cursor holds what follows the prefix only: whatever is sent as `after`, no other prefix is ever read.
        """
        found: list[R] = []
        after = None if self.after is None else f"{prefix}|{self.after}"
        for _ in range(5):
            most = 200 if keep else self.limit + 1
            batch = await records.with_prefix(index, prefix, limit=most, after=after, reverse=reverse)
            found += [record for record in batch if keep is None or keep(record)]
            if len(found) > self.limit:
                last = str(found[self.limit - 1].keys()[index])
                return Page(items=[view(record) for record in found[: self.limit]], next=_rest(last, prefix))
            if keep is None or len(batch) < 200:
                return Page(items=[view(record) for record in found])
            after = str(batch[-1].keys()[index])
        return Page(items=[view(record) for record in found], next=_rest(cast("str", after), prefix))


def _rest(key: str, prefix: str) -> str:
    return cursor(key[len(prefix) + 1 :])


def cursor(position: str) -> str:
    """`position` as an opaque `next`, for lists that are not records of one index; `Paging.after` gives it back."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


async def _paging(
    limit: Annotated[int, Query(ge=1, le=200, description="Entries on a page")] = 50,
    after: Annotated[
        str | None,
        Query(
            min_length=1, max_length=1024, description="`next` of the page before", json_schema_extra={"examples": []}
        ),
    ] = None,
) -> Paging:
    if after is None:
        return Paging(limit, None)
    try:
        position = base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("after", "must be the next of the page before") from None
    if "\0" in position:
        raise invalid("after", "must be the next of the page before")
    return Paging(limit, position)


Paged = Annotated[Paging, Depends(_paging)]
"""`paging: Paged`: `limit` (50, at most 200) and `after` of a list."""
