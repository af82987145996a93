"""The few pages of the API itself: what a problem code means, and the viewer of the API's description."""

import html
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from starlette.responses import Response

from turnus_runtime.http.problems import Kind

PAGE_SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
_TYPES = {"css": "text/css", "js": "text/javascript", "txt": "text/plain"}
_WORDS = {
    "en": {"problem": "Problem", "status": "HTTP status", "code": "Code", "api": "The API"},
    "de": {"problem": "Problem", "status": "HTTP-Status", "code": "Code", "api": "Die API"},
}
_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;"
    "margin:3rem auto;padding:0 1rem}"
    "code{font-size:1.05em}dt{font-weight:600}dd{margin:0 0 .75rem}"
)


def explanation(kind: Kind, accept_language: str) -> str:
    """The page of one problem code in German or English, as the reader prefers."""
    language = "de" if prefers_german(accept_language) else "en"
    words = _WORDS[language]
    text = html.escape(kind.de if language == "de" else kind.en)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(kind.code)}: Turnus</title>"
        f"<style>{_STYLE}</style></head><body><main><p>{words['problem']}</p>"
        f'<h1 lang="en">{html.escape(kind.title)}</h1><p>{text}</p>'
        f"<dl><dt>{words['code']}</dt><dd><code>{html.escape(kind.code)}</code></dd>"
        f"<dt>{words['status']}</dt><dd>{kind.status}</dd></dl>"
        f'<p><a href="/api/docs">{words["api"]}</a></p></main></body></html>'
    )


def prefers_german(accept_language: str) -> bool:
    """Whether `de` comes before `en` in an Accept-Language header (RFC 9110, 12.5.4); English when it says nothing."""
    best = {"de": 0.0, "en": 0.001}
    for item in accept_language.lower().split(","):
        found = re.fullmatch(r"\s*(de|en)(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", item)
        if found is not None:
            best[found[1]] = max(best[found[1]], float(found[2] or "1") - 0.0001 * (found[1] == "en"))
    return best["de"] > best["en"]


@cache
def documentation() -> str:
    """The page that shows `openapi.json`; everything it needs comes from this host."""
    return _read("index.html").decode()


def asset(name: str) -> Response | None:
    """A file of the viewer, or None."""
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or not re.fullmatch(r"[a-z.-]{1,40}", name):
        return None
    try:
        return Response(_read(name), media_type=kind, headers={"Cache-Control": "public, max-age=3600"})
    except FileNotFoundError:
        return None


@cache
def _read(name: str) -> bytes:
    return resources.files("turnus_runtime.http").joinpath("docs", name).read_bytes()
