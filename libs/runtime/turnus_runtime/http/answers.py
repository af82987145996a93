"""Answers: one representation per thing, the same from POST, GET, lists and actions."""

import re
from collections.abc import Mapping

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response


def answer(
    thing: BaseModel,
    status: int = 200,
    *,
    version: int | None = None,
    etag: str | None = None,
    location: str | None = None,
    replayed: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The JSON answer showing `thing`.

    `version` becomes `ETag: "7"` (`etag`: a tag that is no version); a GET whose If-None-Match names it turns into 304
    by itself. `location`: the path of what was made, `/bookings/bk_…`. `replayed`: an idempotency key said it again.
    """
    told = dict(headers or {})
    tag = etag if version is None else str(version)
    if tag is not None:
        told["ETag"] = f'"{tag}"'
    if location is not None:
        told["Location"] = location if location.startswith("/api/") else f"/api/v1{location}"
    if replayed:
        told["Idempotency-Replayed"] = "true"
    return Response(thing.model_dump_json(), status_code=status, headers=told, media_type="application/json")


def matches_none(request: Request, tag: str) -> bool:
    """Whether If-None-Match names `tag` already: then a costly answer need not be made (`return not_modified(tag)`)."""
    return etag_named(request.headers.get("if-none-match", ""), f'"{tag}"')


def not_modified(tag: str) -> Response:
    """304 for a GET whose client has the newest representation."""
    return Response(status_code=304, headers={"ETag": f'"{tag}"'})


def etag_named(if_none_match: str, etag: str) -> bool:
    """Weak comparison (RFC 9110, 8.8.3.2): whether the header lists this quoted ETag, or `*`."""
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/") in re.findall(r'"[^"]*"', if_none_match)
