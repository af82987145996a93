"""`/templates`: the words of mails, by what a mail tells, to whom, in which language."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field
from starlette.requests import Request as HttpRequest

from services.notify.adapters import examples, wordings
from services.notify.domain import templates, trials
from services.notify.domain.projections import Member, Workspace
from services.notify.domain.templates import Template, template_id, template_name
from services.notify.domain.trials import Trial
from services.notify.domain.wording import APPOINTMENT, Wording, flaws
from services.notify.handlers import sender
from services.notify.routes.notifications import NotificationView, of_trial
from turnus_runtime.http import (
    IDEMPOTENCY_KEY_REUSED,
    STALE_VERSION,
    UNAVAILABLE,
    VALIDATION_FAILED,
    Answer,
    Body,
    FieldError,
    IfMatch,
    Instant,
    Key,
    Locale,
    On,
    Page,
    Paged,
    Principal,
    Request,
    Text,
    Wait,
    answer,
    cursor,
    documented,
    found,
    invalid,
    staff,
    throttle,
    unless_stale,
)
from turnus_runtime.ids import derived
from turnus_runtime.records import Decision
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/templates", tags=["templates"])

Viewer = Annotated[Principal, staff("calendars:view")]
Manager = Annotated[Principal, staff("calendars:manage", of_all=True)]
Subject = Annotated[str, Text(200), Field(examples=["Booked: {{calendar_name}}, {{when}}"])]
BodyText = Annotated[
    str, Text(10_000, lines=True), Field(examples=["Hello {{receiver_name}},\n\n# See you soon.\n\n{{appointment}}"])
]


class WordingIn(Request):
    """The words of a mail. `{{name}}` stands for a variable of the template; nothing else is evaluated.

    The body is text: paragraphs between empty lines, a line that begins with `# ` is a heading. `{{appointment}}`,
    alone on a line, is where time, place, people and the link stand; without it they follow the text. They are always
    there.
    """

    subject: Subject
    body: BodyText


class MaybeWording(Request):
    """Words that are not saved yet; what is left out is as it is saved."""

    subject: Subject | None = None
    body: BodyText | None = None


class VariableView(Answer):
    """What may stand in double braces, and what it stands for, by language. `appointment` is of bodies only."""

    name: str
    explanation: dict[str, str]


class TemplateView(Answer):
    """The words of one kind of mail in one language, as they are now; `customised` false: the built-in ones."""

    key: str
    event: str
    """booked, moved, changed (moved in other ways than in time), cancelled, reminder or withdrawn"""
    audience: str
    """guest, additional_guest or host"""
    channel: Literal["email"]
    language: str
    subject: str
    body: str
    customised: bool
    version: int
    """0 before the first change"""
    changed_at: Instant | None
    variables: list[VariableView]


class PreviewView(Answer):
    """A mail with example values. `html` is a whole page, styled in itself, without scripts and pictures."""

    subject: str
    text: str
    html: str


@router.get("")
async def list_templates(
    who: Viewer,
    paging: Paged,
    on: On,
    language: Annotated[Locale | None, Query(description="Only those in this language")] = None,
) -> Page[TemplateView]:
    """Every template there is, customised or not, always in the same order."""
    names = [template_name(*one) for one in wordings.names() if language in (None, one[2])]
    begin = 0
    if paging.after is not None:
        if paging.after not in names:
            raise invalid("after", "must be the next of the page before")
        begin = names.index(paging.after) + 1
    own = await on.records(Template).with_prefix("by_workspace", who.workspace_id)
    known = {template.name: template for template in own}
    shown = names[begin : begin + paging.limit]
    more = begin + paging.limit < len(names)
    return Page(items=[_view(name, known.get(name)) for name in shown], next=cursor(shown[-1]) if more else None)


@router.get("/{template_key}", response_model=TemplateView)
async def get_template(template_key: str, who: Viewer, on: On) -> Response:
    """One template."""
    return _answer(template_key, await _known(template_key, who, on))


@router.put("/{template_key}", response_model=TemplateView, responses=documented(STALE_VERSION))
async def replace_template(
    template_key: str, who: Manager, body: Body[WordingIn], expected: IfMatch, on: On
) -> Response:
    """Choose the words of a mail. They count for every mail that is sent from now on."""
    found(wordings.parts(template_key))
    wording = Wording(subject=body.subject, body=_lines(body.body))
    _check(template_key, wording)
    return _answer(template_key, await _write(template_key, who, wording, expected, on))


@router.delete("/{template_key}", response_model=TemplateView, responses=documented(STALE_VERSION))
async def reset_template(template_key: str, who: Manager, expected: IfMatch, on: On) -> Response:
    """Go back to the built-in words; the answer shows them."""
    found(wordings.parts(template_key))
    return _answer(template_key, await _write(template_key, who, None, expected, on))


@router.post("/{template_key}/preview", response_model=PreviewView)
async def preview_template(template_key: str, who: Manager, body: Body[MaybeWording], on: On) -> Response:
    """The mail with example values: as it is saved, or with a subject or body that is not."""
    wording = _tried(template_key, await _known(template_key, who, on), body)
    workspace = await on.records(Workspace).get(who.workspace_id)
    mail = examples.shown(template_key, wording, workspace, sender(on), on.now)
    return answer(PreviewView(subject=mail.subject, text=mail.text, html=mail.html))


@router.post(
    "/{template_key}/test",
    status_code=202,
    response_model=NotificationView,
    responses=documented(IDEMPOTENCY_KEY_REUSED),
)
async def try_template(
    template_key: str, who: Manager, body: Body[MaybeWording], key: Key, wait: Wait, on: On, request: HttpRequest
) -> Response:
    """Send the mail of the preview to yourself, without a calendar entry, which would show what never will be. Whether
    it went is at `Location`; it is tried for ten minutes.
    """
    wording = _tried(template_key, await _known(template_key, who, on), body)
    await throttle(request, "test_mails", who.member_id)
    if await on.records(Member).wait(who.member_id, lambda m: m is not None, wait) is None:
        raise UNAVAILABLE(headers={"Retry-After": "1"})
    trial = Trial(
        id=derived("ntf", who.workspace_id, "template_test", key.key) if key.key else on.ids.fresh("ntf"),
        workspace_id=who.workspace_id,
        member_id=who.member_id,
        template=template_key,
        wording=wording,
        planned_at=on.now,
        request_digest=key.digest if key.key else None,
    )
    made, replayed = await on.records(Trial).decide(trial.id, lambda current: trials.start(current, trial))
    key.check(made.request_digest)
    return answer(of_trial(made), 202, location=f"/notifications/{made.id}", replayed=replayed)


async def _known(name: str, who: Principal, on: Turn) -> Template | None:
    found(wordings.parts(name))
    return await on.records(Template).get(template_id(who.workspace_id, name))


async def _write(name: str, who: Principal, wording: Wording | None, expected: int | None, on: Turn) -> Template | None:
    def write(current: Template | None) -> Decision[Template, Template | None]:
        unless_stale(expected, templates.version_of(current))
        return templates.write(current, who.workspace_id, name, wording, who.member_id, on.now)

    return await on.records(Template).decide(template_id(who.workspace_id, name), write)


def _tried(name: str, template: Template | None, body: MaybeWording) -> Wording:
    """The words that are shown: those given, else those saved."""
    saved = _wording(name, template)
    wording = Wording(subject=body.subject or saved.subject, body=_lines(body.body or saved.body))
    _check(name, wording)
    return wording


def _check(name: str, wording: Wording) -> None:
    event, _, _ = name.split(".")
    errors = [FieldError(field=one.field, message=one.message) for one in flaws(wording, templates.variables(event))]
    if errors:
        raise VALIDATION_FAILED(f"{errors[0].field} {errors[0].message}.", errors=errors)


def _lines(text: str) -> str:
    """The text with its lines ended as they are kept."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _wording(name: str, template: Template | None) -> Wording:
    own = template.wording if template is not None else None
    return own or wordings.built_in_of(name)


def _answer(name: str, template: Template | None) -> Response:
    return answer(_view(name, template), version=templates.version_of(template))


def _view(name: str, template: Template | None) -> TemplateView:
    event, audience, language = name.split(".")
    wording = _wording(name, template)
    return TemplateView(
        key=name,
        event=event,
        audience=audience,
        channel="email",
        language=language,
        subject=wording.subject,
        body=wording.body,
        customised=template is not None and template.wording is not None,
        version=templates.version_of(template),
        changed_at=template.changed_at if template is not None else None,
        variables=[
            VariableView(name=one, explanation=wordings.explanation(one))
            for one in (*templates.variables(event), APPOINTMENT)
        ],
    )
