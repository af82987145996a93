"""The mailbox's pages under ``/mailbox``: read-only, no scripts, everything from a mail escaped or sandboxed."""

import re
from collections.abc import Callable
from dataclasses import asdict
from html import escape
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse

from turnus_runtime.embedded.mailbox import Mail, MailboxStore, OpenedMail

PREFIX = "/mailbox"

_T = TypeVar("_T")

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# A mail's own HTML: its inline styles and embedded images, nothing from the network, no scripts, no forms, and
# an origin of its own. Links open in a new, normal tab: following them is what the mails are for.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_COMMON = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_PAGE_SIZE = 100
_LINK = re.compile(r"https?://[^\s<>\"']+")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)

_STYLE = """\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: start; padding: .4rem .6rem; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem; }
iframe { width: 100%; height: 40rem; border: 1px solid #8886; background: #fff; }
input { font: inherit; padding: .3rem; } button { font: inherit; padding: .3rem .8rem; }
"""


def mailbox_router(store: MailboxStore) -> APIRouter:
    """Routes of the mailbox, kept out of the API's schema.

    For tests and scripts: ``/mailbox/messages.json?to=&before=&limit=`` is a list, newest first, of objects with
    id, received_at, sender, to (list), subject, date, message_id and size; ``/mailbox/{id}.json`` adds text, html
    and attachments (name, content_type, href); ``/mailbox/{id}.eml`` is the mail itself.
    """
    router = APIRouter(prefix=PREFIX, include_in_schema=False)

    _add_lists(router, store)
    _add_mail(router, store)
    return router


# Routes are plain functions: the store blocks on the disk, so they run in the thread pool.


def _add_lists(router: APIRouter, store: MailboxStore) -> None:
    @router.get("")
    def list_page(to: str | None = None, before: str | None = None) -> Response:
        return _page("Mailbox", _list(store.list(to=to or None, before=before, limit=_PAGE_SIZE), to or ""))

    @router.get("/messages.json")
    def messages(
        to: str | None = None, before: str | None = None, limit: Annotated[int, Query(ge=1, le=2_000)] = 500
    ) -> Response:
        return _json([_summary(mail) for mail in store.list(to=to, before=before, limit=limit)])

    @router.get("/style.css")
    def style() -> Response:
        return Response(_STYLE, media_type="text/css", headers=_COMMON)


def _add_mail(router: APIRouter, store: MailboxStore) -> None:
    @router.get("/{mail_id}.json")
    def message(mail_id: str) -> Response:
        return _json(_parts(_found(store.open, mail_id)))

    @router.get("/{mail_id}.eml")
    def source(mail_id: str) -> Response:
        return _download(_found(store.raw, mail_id), "message/rfc822", f"{mail_id}.eml")

    @router.get("/{mail_id}/html")
    def mail_html(mail_id: str) -> Response:
        html = _found(store.open, mail_id).html
        if html is None:
            raise HTTPException(404, "this mail has no HTML part")
        return HTMLResponse(_with_links_outside(html), headers={**_COMMON, "Content-Security-Policy": _MAIL_POLICY})

    @router.get("/{mail_id}/attachments/{number}")
    def attachment(mail_id: str, number: int) -> Response:
        attachments = _found(store.open, mail_id).attachments
        if not 1 <= number <= len(attachments):
            raise HTTPException(404, "this mail has no such attachment")
        chosen = attachments[number - 1]
        content_type = chosen.content_type if _MEDIA_TYPE.fullmatch(chosen.content_type) else "application/octet-stream"
        return _download(chosen.content, content_type, chosen.name)

    @router.get("/{mail_id}")
    def mail_page(mail_id: str) -> Response:
        opened = _found(store.open, mail_id)
        return _page(opened.mail.subject or "(no subject)", _mail(opened))


def _found(look_up: Callable[[str], _T | None], mail_id: str) -> _T:
    found = look_up(mail_id)
    if found is None:
        raise HTTPException(404, "there is no such mail (the oldest are deleted when the mailbox is full)")
    return found


def _page(title: str, body: str) -> Response:
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{PREFIX}/style.css"></head>'
        f"<body><main>{body}</main></body></html>"
    )
    return HTMLResponse(page, headers={**_COMMON, "Content-Security-Policy": _PAGE_POLICY})


def _json(content: object) -> Response:
    return JSONResponse(content, headers=_COMMON)


def _download(content: bytes, content_type: str, name: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    headers = {**_COMMON, "Content-Disposition": disposition, "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(content, media_type=content_type, headers=headers)


def _list(mails: list[Mail], to: str) -> str:
    rows = "".join(
        f"<tr><td>{_time(mail)}</td><td>{escape(', '.join(mail.to))}</td>"
        f'<td><a href="{PREFIX}/{mail.id}">{escape(mail.subject) or "(no subject)"}</a></td></tr>'
        for mail in mails
    )
    table = f"<table><thead><tr><th>Received</th><th>To</th><th>Subject</th></tr></thead><tbody>{rows}</tbody></table>"
    older = ""
    if len(mails) == _PAGE_SIZE:
        older = f'<p><a href="{PREFIX}?to={quote(to, safe="")}&amp;before={mails[-1].id}">Older mails</a></p>'
    search = (
        f'<form action="{PREFIX}"><label>To <input type="email" name="to" value="{escape(to)}"></label> '
        "<button>Show</button></form>"
    )
    return f"<h1>Mailbox</h1>{search}{table if mails else '<p>No mails.</p>'}{older}"


def _mail(opened: OpenedMail) -> str:
    mail = opened.mail
    fields = {"From": mail.sender, "To": ", ".join(mail.to), "Date": mail.date, "Message-ID": mail.message_id}
    head = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in fields.items())
    links = "".join(
        f'<li><a href="{_attachment_href(mail, number)}">{escape(part.name)}</a> '
        f"({escape(part.content_type)}, {len(part.content)} bytes)</li>"
        for number, part in enumerate(opened.attachments, 1)
    )
    html = ""
    if opened.html is not None:
        frame = f'<iframe src="{PREFIX}/{mail.id}/html" title="The mail as HTML" sandbox="{_SANDBOX}"></iframe>'
        html = f"<h2>HTML</h2>{frame}"
    text = "" if opened.text is None else f"<h2>Text</h2><pre>{_with_links(opened.text)}</pre>"
    return (
        f'<p><a href="{PREFIX}">Mailbox</a></p><h1>{escape(mail.subject) or "(no subject)"}</h1><dl>{head}</dl>'
        f'{text}{html}<h2>Attachments</h2><ul>{links}<li><a href="{PREFIX}/{mail.id}.eml">The mail itself</a></li></ul>'
    )


_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


def _time(mail: Mail) -> str:
    return f'<time datetime="{mail.received_at.isoformat()}">{mail.received_at:%Y-%m-%d %H:%M:%S} UTC</time>'


def _attachment_href(mail: Mail, number: int) -> str:
    return f"{PREFIX}/{mail.id}/attachments/{number}"


def _with_links(text: str) -> str:
    """`text` escaped, with its web addresses made links."""
    pieces: list[str] = []
    end = 0
    for match in _LINK.finditer(text):
        address = match[0].rstrip(".,;:!?)")
        pieces.append(escape(text[end : match.start()]))
        pieces.append(f'<a href="{escape(address)}" rel="noopener noreferrer">{escape(address)}</a>')
        end = match.start() + len(address)
    return "".join([*pieces, escape(text[end:])])


def _with_links_outside(html: str) -> str:
    """`html` with links that leave the sandboxed frame, in which they would not work."""
    base = '<base target="_blank">'
    changed, found = _HEAD.subn(lambda match: match[0] + base, html, count=1)
    return changed if found else base + html


def _summary(mail: Mail) -> dict[str, Any]:
    return {**asdict(mail), "to": list(mail.to), "received_at": mail.received_at.isoformat()}


def _parts(opened: OpenedMail) -> dict[str, Any]:
    attachments = [
        {"name": part.name, "content_type": part.content_type, "href": _attachment_href(opened.mail, number)}
        for number, part in enumerate(opened.attachments, 1)
    ]
    return {**_summary(opened.mail), "text": opened.text, "html": opened.html, "attachments": attachments}
