"""What is the same for everybody: the front page, static files, and the page that shows a problem."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.web.adapters.packing import PACKED, takes_packed
from services.web.adapters.writing import Asset, assets, plain_name
from services.web.routes.console.entrance import refused_session
from services.web.routes.visit import Html, reader_of
from turnus_runtime.http import NOT_FOUND, Problem

__all__ = ["Html", "refusal", "router"]

router = APIRouter(default_response_class=Html)

TOLD = {403: "forbidden", 404: "not_found", 405: "not_found", 429: "rate_limited", 413: "too_large", 503: "away"}
"""What a page says about a status; anything else went wrong here."""


@router.get("/")
async def front(request: Request) -> Response:
    """The front page: what this is."""
    return reader_of(request).page("front.html")


@router.get("/robots.txt")
async def robots() -> Response:
    """Search engines may look, but not at anybody's booking: those pages say so themselves."""
    return Response("User-agent: *\nDisallow: /api/\n", media_type="text/plain")


@router.get("/static/{name}")
async def static(name: str, request: Request) -> Response:
    """A static file. Its name changes with its content, so it may be kept for ever; under an older name, not."""
    asset = assets().get(plain_name(name))
    if asset is None:
        raise NOT_FOUND
    kept = "public, max-age=31536000, immutable" if asset.name == name else "public, max-age=60"
    return _file(asset, request, {"Cache-Control": kept})


@router.get("/embed.js")
async def embed(request: Request) -> Response:
    """The script that shows a calendar in other sites' pages. Its address never changes, so it is kept for an hour."""
    headers = {"Cache-Control": "public, max-age=3600", "Cross-Origin-Resource-Policy": "cross-origin"}
    return _file(assets()["embed.js"], request, headers)


def _file(asset: Asset, request: Request, headers: dict[str, str]) -> Response:
    told = {**headers, "Vary": "Accept-Encoding"}
    if asset.packed is not None and takes_packed(request.headers.get("accept-encoding", "")):
        return Response(asset.packed, media_type=asset.media_type, headers={**told, **PACKED})
    return Response(asset.body, media_type=asset.media_type, headers=told)


def refusal(request: Request, problem: Problem) -> Response:
    """A problem as a page: what happened, and what happens next."""
    if problem.status == 401:
        return refused_session(request)
    told = TOLD.get(problem.status, "broken")
    headers = {name: value for name, value in problem.headers.items() if name in {"Retry-After", "Allow"}}
    staff = request.url.path.startswith("/console")
    return reader_of(request).page("problem.html", problem.status, headers, told=told, staff=staff)
