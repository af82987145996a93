"""`/operations/<service>`: how a service is and what it gave up, told by every service that has resources, of itself.

What is owed and how far a service lags are figures of the whole installation. A dead letter belongs to the workspace
that its message names, and nobody else is shown it; what the message says is shown to nobody (`turnus dead-letters
show` does that, for whoever runs the installation).
"""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from turnus_runtime.credentials import Principal
from turnus_runtime.http.answers import answer
from turnus_runtime.http.exchange import exchange
from turnus_runtime.http.gates import found, staff
from turnus_runtime.http.params import On, Page, Paged
from turnus_runtime.http.problems import UNAVAILABLE, declare, documented
from turnus_runtime.http.values import Answer, Instant
from turnus_runtime.http.version import version_here
from turnus_runtime.letterbox import DONE, FiledLetter
from turnus_runtime.records import key
from turnus_runtime.watch import Figures, Watch

Viewer = Annotated[Principal, staff("operations:view")]
Manager = Annotated[Principal, staff("operations:manage")]
LetterId = Annotated[str, Path(json_schema_extra={"examples": ["dlt_01jh2r6b5v8w9x0y1z2a3b4c5d"]})]

DEAD_LETTER_EMPTY = declare(
    "dead_letter_empty",
    409,
    "This message was kept without its content",
    en="It held personal data, of which a dead letter keeps nothing. Whoever runs the installation lets its owner say "
    "it again with `turnus republish`.",
    de="Sie enthielt personenbezogene Daten, von denen nichts aufbewahrt wird. Wer die Installation betreibt, lässt "
    "sie mit `turnus republish` noch einmal sagen.",
)


class RetriedJobs(Answer):
    """Jobs of one name that did not succeed at once and are tried again; `tries` is the most of one of them."""

    job: str
    count: int
    tries: int


class OwedView(Answer):
    """What the service still has to do and could do now, counted up to 1,000 of each kind of record."""

    count: int
    oldest_seconds: float = Field(description="How long the oldest has been due")
    under_way: int = Field(description="Jobs that were taken and are not finished")
    retried: list[RetriedJobs]


class TopicLag(Answer):
    """Messages of a topic that the service has not handled."""

    topic: str
    messages: int


class LagView(Answer):
    """What the service has not heard yet; `topics` with nothing waiting are left out."""

    messages: int
    topics: list[TopicLag]


class OperationsView(Answer):
    """How a service is: figures of the whole installation, taken at one moment.

    `lag` and `dead_letters` are null while the broker does not answer. `dead_letters` are those of all workspaces that
    wait, up to 1,000.
    """

    service: str
    version: str
    ready: bool = Field(description="The process that answers can work")
    taken_at: Instant
    owed: OwedView
    lag: LagView | None
    dead_letters: int | None


class DeadLetterView(Answer):
    """A message that the service gave up: which event, about what, and what went wrong; not what it said.

    `error` is the kind of the error, `unreadable` the fields in which the message could not be read. One that is
    `empty` was personal data and cannot be replayed.
    """

    id: str
    topic: str
    subject: str | None
    key: str
    error: str
    unreadable: list[str]
    buried_at: Instant
    empty: bool
    replayed: bool


def operations_routes(name: str) -> APIRouter:
    """The routes of the service `name`."""
    resource = f"operations/{name}"
    router = APIRouter(prefix=f"/{resource}", tags=[resource])

    @router.get("")
    async def get_operations(who: Viewer, request: Request) -> OperationsView:
        """How this service is: what it owes, how far it lags, and how many messages it gave up."""
        return _view(name, await _watch(request).figures())

    @router.get("/dead-letters")
    async def list_dead_letters(who: Viewer, paging: Paged, request: Request, on: On) -> Page[DeadLetterView]:
        """Messages about your workspace that this service gave up and nobody replayed, the newest first."""
        made = await _watch(request).made()
        letters = on.records(FiledLetter)
        if not made:
            return Page(items=[])
        return await paging.page(letters, "by_workspace", key(made, who.workspace_id), _letter, reverse=True)

    @router.post(
        "/dead-letters/{letter_id}/replay",
        response_model=DeadLetterView,
        responses=documented(DEAD_LETTER_EMPTY),
    )
    async def replay_dead_letter(letter_id: LetterId, who: Manager, request: Request) -> Response:
        """Have a message handled again. One that was replayed stays as it is; if it fails again it is a new letter."""
        watch = _watch(request)
        letter = found(await watch.letter(letter_id), who)
        if letter.empty:
            raise DEAD_LETTER_EMPTY
        return answer(_letter(found(await watch.replay(letter, who.member_id), who)))

    return router


def _watch(request: Request) -> Watch:
    watch = exchange(request).here.watch
    if watch is None:
        raise UNAVAILABLE(headers={"Retry-After": "1"})
    return watch


def _view(name: str, figures: Figures) -> OperationsView:
    owed, lags = figures.owed, figures.lags
    behind = None
    if lags is not None:
        topics = [TopicLag(topic=topic, messages=count) for topic, count in sorted(lags.items()) if count]
        behind = LagView(messages=sum(lags.values()), topics=topics)
    return OperationsView(
        service=name,
        version=version_here(),
        ready=figures.ready,
        taken_at=figures.taken_at,
        owed=OwedView(
            count=owed.records,
            oldest_seconds=owed.oldest_seconds,
            under_way=owed.under_way,
            retried=[RetriedJobs(job=one.job, count=one.count, tries=one.tries) for one in owed.retried],
        ),
        lag=behind,
        dead_letters=figures.dead_letters,
    )


def _letter(letter: FiledLetter) -> DeadLetterView:
    return DeadLetterView(
        id=letter.id,
        topic=letter.topic,
        subject=letter.subject or None,
        key=letter.key,
        error=letter.error,
        unreadable=list(letter.unreadable),
        buried_at=letter.buried_at,
        empty=letter.empty,
        replayed=letter.version == DONE,
    )
