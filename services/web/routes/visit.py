"""One request for a page: its reader's language, the API on the reader's behalf, and how it is answered.

No page of a guest sets or reads a cookie, and no form of theirs carries authority that a browser would add by itself:
what may be done follows from the token in the address, or is open to anybody. So another site that makes a browser send
one of these forms gains nothing over sending it itself, and the forms need no token against that. (The console has a
cookie: see `console/desk.py`.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.web.adapters.api import Api, Asking
from services.web.adapters.packing import LEAST_BYTES, PACKED, packed, takes_packed
from services.web.adapters.words import Words, languages
from services.web.adapters.writing import written
from services.web.domain.languages import language_for
from turnus_runtime.http import On, client_address
from turnus_runtime.http.exchange import exchange

SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Accept-Language, Accept-Encoding",
}


MOST_FIELDS = 100


class Html(HTMLResponse):
    """A page."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose page it is: the words, and what links carry on: the language that the address asks for, and whether the
    page stands in a frame of another site (`?embed=1`; never one of the console).
    """

    request: Request
    words: Words
    asked: str | None
    embedded: bool

    def url(self, path: str, /, **params: str | None) -> str:
        """An address of this site with these parameters; those that are None are left out."""
        told = {name: value for name, value in params.items() if value is not None}
        told |= dict(self.carried())
        return f"{path}?{urlencode(told)}" if told else path

    def carried(self) -> list[tuple[str, str]]:
        """The parameters that every address of this reader has."""
        return ([("lang", self.asked)] if self.asked is not None else []) + ([("embed", "1")] if self.embedded else [])

    def page(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        """The page made from a template."""
        text = written(
            template,
            t=self.words.say,
            words=self.words,
            url=self.url,
            languages=self._others(),
            embedded=self.embedded,
            **values,
        )
        told = {**SECURITY, "Content-Language": self.words.language, **(headers or {})}
        if self.embedded:
            told["Content-Security-Policy"] = told["Content-Security-Policy"].replace(
                "frame-ancestors 'none'", "frame-ancestors *"
            )
        body = text.encode()
        if self._may_be_packed() and len(body) >= LEAST_BYTES:
            return Html(packed(body), status_code=status, headers={**told, **PACKED})
        return Html(body, status_code=status, headers=told)

    def redirect(self, path: str, /, **params: str | None) -> Response:
        """After a form was sent: go and look (303)."""
        return RedirectResponse(self.url(path, **params), 303)

    def _may_be_packed(self) -> bool:
        # Never a page of staff: what a browser asks for with their rights would tell by its size, to somebody who makes
        # it ask for words of their own, which of those stand on the page. (A guest's page is asked for without rights.)
        headers, path = self.request.headers, self.request.url.path
        return takes_packed(headers.get("accept-encoding", "")) and not path.startswith("/console")

    def _others(self) -> list[tuple[str, str, str]]:
        """This page in the other languages: code, own name, address."""
        kept = [pair for pair in self.request.query_params.multi_items() if pair[0] != "lang"]
        path = self.request.url.path
        return [
            (language, words.own_name(), f"{path}?{urlencode([*kept, ('lang', language)])}")
            for language, words in languages().items()
            if language != self.words.language
        ]


@dataclass(frozen=True, slots=True)
class Visit(Reader):
    """A reader whose request reached a page that asks the API."""

    asking: Asking
    now: datetime
    public_url: str
    new_key: str


def reader_of(request: Request) -> Reader:
    """The reader of this request: `?lang=`, else Accept-Language."""
    known = languages()
    given = request.query_params.get("lang")
    language = language_for(given, request.headers.get("accept-language", ""), tuple(known))
    # What staff do carries their rights: no page of theirs may stand in a frame.
    embedded = request.query_params.get("embed") == "1" and not request.url.path.startswith("/console")
    return Reader(request, known[language], language if given == language else None, embedded)


def asking_of(request: Request, on: On) -> Asking:
    """The API on behalf of whoever sent this request."""
    api: Api = on.effects
    address = client_address(request.scope, on.settings.trusted_proxies)
    return api.on_behalf_of(address, exchange(request).request_id)


def visit_of(request: Request, on: On) -> Visit:
    """The visit of this request."""
    reader = reader_of(request)
    return Visit(
        request,
        reader.words,
        reader.asked,
        reader.embedded,
        asking=asking_of(request, on),
        now=on.now,
        public_url=on.settings.public_url,
        new_key=on.ids.fresh("try"),
    )


Here = Annotated[Visit, Depends(visit_of)]
"""`visit: Here`."""


async def sent_pairs(request: Request, most: int) -> list[tuple[str, str]]:
    """The fields of a form that was sent, as they came; none if there are more than `most`. Raises 413."""
    raw = await exchange(request).raw(request)
    try:
        return parse_qsl(raw.decode(errors="replace"), keep_blank_values=True, max_num_fields=most, errors="replace")
    except ValueError:
        return []


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent; the last of those that are given twice. Raises 413."""
    return dict(await sent_pairs(request, MOST_FIELDS))


Form = Annotated[dict[str, str], Depends(form_of)]
"""`form: Form`."""
