"""The public API, as the pages ask it on behalf of their reader."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar

import httpx

from services.web.domain.seen import Seen, SeenBooking, SeenCalendar, SeenOffers, SeenProblem, SeenSlots
from turnus_runtime import telemetry
from turnus_runtime.http import NOT_FOUND, UNAVAILABLE, Problem
from turnus_runtime.http.problems import RATE_LIMITED

S = TypeVar("S", bound=Seen)

READ_SECONDS = 10.0
WATCH_SECONDS = 20
"""How long a list of free times is watched at once."""
MOST_WATCHING = 500
"""How many lists one process watches at once: each keeps a connection to the API. Further ones are asked to wait."""
DECIDE_SECONDS = 8
"""How long a guest waits for the final answer before the page that waits is shown."""


class ApiRefused(Exception):
    """The API said no: `code` is stable, `fields` are the refused ones, `alternatives` free times near the wanted.

    `version` is the one that the thing has now, where a stale one was named (412).
    """

    def __init__(self, status: int, problem: SeenProblem, version: int | None = None) -> None:
        self.status = status
        self.code = problem.code
        self.fields = [error.field for error in problem.errors or ()]
        self.alternatives = problem.alternatives
        self.version = version
        super().__init__(f"{status} {self.code}")


class ApiAway(Exception):
    """The API did not answer, or answered that it cannot at the moment. Whether it did anything is not known."""


class Api:
    """The one client of a process. `aclose` ends its connections."""

    def __init__(self, api_url: str) -> None:
        self._client = _client(api_url, 200)
        # Whoever waits for minutes must not take the connections of those who want an answer.
        self._watching = _client(api_url, MOST_WATCHING)

    def on_behalf_of(self, address: str, request_id: str) -> "Asking":
        """Requests for the reader at this address, under the id of the reader's own request."""
        return Asking(self._client, self._watching, {"X-Forwarded-For": address, "X-Request-Id": request_id})

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        await self._watching.aclose()


def _client(api_url: str, most: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{api_url}/api/v1",
        limits=httpx.Limits(max_connections=most, max_keepalive_connections=50),
        headers={"Accept": "application/json, application/problem+json", "User-Agent": "turnus-web"},
        follow_redirects=False,
        trust_env=False,
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """One reader's requests. Each raises `ApiRefused`, `ApiAway`, and the problems `not_found` and `rate_limited`.

    The named ones are those of guests; the console asks by path (`read`, `send`), with its session as `bearer`.
    """

    client: httpx.AsyncClient
    watching: httpx.AsyncClient
    headers: Mapping[str, str]

    def bearing(self, token: str) -> "Asking":
        """The same reader with a token: of a session, an invitation, a password reset."""
        return replace(self, headers={**self.headers, **_bearer(token)})

    async def read(self, kind: type[S], path: str, **params: str | int | None) -> S:
        """What is there; parameters that are None are left out."""
        given = {name: str(value) for name, value in params.items() if value is not None}
        return read_as(kind, await self._ask("GET", path, params=given))

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        version: int | None = None,
    ) -> httpx.Response:
        """Ask for a change: `key` makes a repetition the same request, `version` is the one that was looked at.

        The answer may be that it is not decided yet (202). Too many requests are a refusal, `rate_limited`.
        """
        headers = _patient(key) if key is not None else {"Prefer": f"wait={DECIDE_SECONDS}"}
        headers |= {"If-Match": f'"{version}"'} if version is not None else {}
        try:
            return await self._ask(method, path, body={} if body is None else body, headers=headers)
        except Problem as problem:
            if problem.status != 429:
                raise
            # A form that is refused for this must be shown again, with all that was typed.
            raise ApiRefused(429, SeenProblem(code="rate_limited")) from None

    async def calendar(self, address: str) -> SeenCalendar:
        """The public part of the calendar at `workspace/slug`."""
        return read_as(SeenCalendar, await self._ask("GET", "/calendars", params={"address": address}))

    async def offers(self, workspace: str, after: str | None) -> SeenOffers:
        """What can be booked in a workspace."""
        return await self.read(SeenOffers, "/groups", workspace=workspace, after=after)

    async def slots(
        self,
        calendar: str,
        start: date,
        end: date,
        tz: str | None,
        host_id: str | None = None,
        booking_id: str | None = None,
    ) -> SeenSlots:
        """Free starts from one day to another, both included, at most 92 days; with a booking, those to move it to."""
        params = {"calendar": calendar, "start": start.isoformat(), "end": end.isoformat()}
        params |= {
            name: value for name, value in (("tz", tz), ("host_id", host_id), ("booking_id", booking_id)) if value
        }
        answer = await self._ask("GET", "/slots", params=params)
        return read_as(SeenSlots, answer).model_copy(update={"tag": answer.headers.get("ETag", "").strip('"')})

    async def other_slots(self, calendar: str, start: date, end: date, tz: str, tag: str) -> bool:
        """Whether other starts are free than those that `tag` names; waits for it, `WATCH_SECONDS` at most."""
        params = {"calendar": calendar, "start": start.isoformat(), "end": end.isoformat(), "tz": tz}
        headers = {"If-None-Match": f'"{tag}"', "Prefer": f"wait={WATCH_SECONDS}"}
        answer = await self._ask("GET", "/slots", params=params, headers=headers, waits=WATCH_SECONDS)
        return answer.status_code != 304

    async def book(self, body: Mapping[str, Any], key: str) -> SeenBooking:
        """Book; the same key and body give the same booking. It may be undecided yet."""
        answer = await self._ask("POST", "/bookings", body=body, headers=_patient(key))
        return read_as(SeenBooking, answer)

    async def booking(self, token: str) -> SeenBooking:
        """The booking that a guest's token names."""
        return read_as(SeenBooking, await self._ask("GET", "/bookings/current", headers=_bearer(token)))

    async def calendar_file(self, token: str) -> tuple[bytes, str]:
        """That booking as a calendar file, and its media type. 409 while it is undecided."""
        answer = await self._ask("GET", "/bookings/current/ics", headers={**_bearer(token), "Accept": "text/calendar"})
        return answer.content, answer.headers["Content-Type"]

    async def cancel(self, token: str, reason: str) -> SeenBooking:
        """Cancel it."""
        body = {"reason": reason} if reason else {}
        return read_as(
            SeenBooking, await self._ask("POST", "/bookings/current/cancel", body=body, headers=_bearer(token))
        )

    async def move(self, token: str, start: datetime, tz: str, version: int, key: str) -> SeenBooking:
        """Move the booking, if it still has that version. It may be undecided yet (`move`)."""
        headers = {**_bearer(token), **_patient(key), "If-Match": f'"{version}"'}
        body = {"start": start.isoformat(), "tz": tz}
        answer = await self._ask("POST", "/bookings/current/reschedule", body=body, headers=headers)
        return read_as(SeenBooking, answer)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        waits: int = 0,
    ) -> httpx.Response:
        told = {**self.headers, **(headers or {}), "traceparent": telemetry.current_traceparent()}
        patience = READ_SECONDS + waits if body is None else READ_SECONDS + DECIDE_SECONDS
        try:
            answer = await (self.watching if waits else self.client).request(
                method,
                path,
                params=params,
                json=body,
                headers={name: value for name, value in told.items() if value},
                timeout=httpx.Timeout(patience, connect=2.0, pool=2.0),
            )
        except httpx.HTTPError as error:
            # Its message names the address that was asked.
            raise ApiAway(type(error).__name__) from None
        if answer.status_code >= 400:
            raise _refusal(answer)
        return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _patient(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key, "Prefer": f"wait={DECIDE_SECONDS}"}


def read_as(kind: type[S], answer: httpx.Response) -> S:
    """What an answer holds. Raises `ApiAway` if it is none of that kind."""
    try:
        return kind.model_validate_json(answer.content)
    except ValueError:
        raise ApiAway("unreadable answer") from None


def _refusal(answer: httpx.Response) -> Exception:
    if answer.status_code == 404:
        return NOT_FOUND()
    if answer.status_code == 429:
        return RATE_LIMITED(headers={"Retry-After": answer.headers.get("Retry-After", "60")})
    if answer.status_code >= 500:
        return ApiAway(str(answer.status_code))
    try:
        problem = SeenProblem.model_validate_json(answer.content)
        return ApiRefused(answer.status_code, problem, _version(answer))
    except ValueError:
        return ApiAway("unreadable problem")


def _version(answer: httpx.Response) -> int | None:
    found = re.fullmatch(r'"(\d{1,9})"', answer.headers.get("ETag", ""), re.ASCII)
    return int(found[1]) if found else None


def away() -> Exception:
    """The problem that a page shows when the API is away and nothing better can be said."""
    return UNAVAILABLE(headers={"Retry-After": "5"})
