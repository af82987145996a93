"""Questions that are asked again and again: what a query string means is read once, then it is only answered.

Reading parameters costs more than many an answer does. What they mean follows from the query string alone, so a route
may say so by a dependency, and remember it:

    AGAIN = Again(_answer)  # async def _answer(asked: Asked, request: Request, on: Turn) -> Response

    @router.get("", dependencies=[guest(), Depends(AGAIN)])
    async def list_slots(request: Request, on: On, calendar: …, start: …) -> Response:
        return await AGAIN.first(Asked(calendar, start), request, on)

The second request with the same query string goes to `_answer` at once: limited and logged like all others, with its
own headers, but FastAPI does not see it. Whoever sends `Prefer` takes the long way.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from turnus_runtime.turn import Turn

Q = TypeVar("Q")

REMEMBERED = 4_096
"""Query strings of one route; those that were not asked for the longest are forgotten."""
LONGEST = 1_024
"""Bytes of a query string that is remembered."""


class Again(Generic[Q]):
    """The questions of one route. As a dependency it does nothing but mark the route."""

    def __init__(self, answer: Callable[[Q, Request, Turn], Awaitable[Response]]) -> None:
        self._answer = answer
        self._asked: OrderedDict[bytes, Q] = OrderedDict()

    async def __call__(self) -> None:
        """Nothing: only the route's description is looked at."""

    async def first(self, asked: Q, request: Request, on: Turn) -> Response:
        """Answer, and remember what this query string means once that went well."""
        answered = await self._answer(asked, request, on)
        query: bytes = request.scope["query_string"]
        if len(query) <= LONGEST:
            self._asked[query] = asked
            if len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
        return answered

    def known(self, scope: Any) -> bool:
        """Whether this request asks what was asked before, and wants nothing else."""
        return scope["query_string"] in self._asked and all(name != b"prefer" for name, _ in scope["headers"])

    async def answer(self, request: Request, on: Turn) -> Response:
        """Answer a known one."""
        query: bytes = request.scope["query_string"]
        self._asked.move_to_end(query)
        return await self._answer(self._asked[query], request, on)
