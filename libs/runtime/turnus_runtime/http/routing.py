"""What the conventions must know of each route before it runs: found once, when the app is made."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, cast, get_args, get_origin

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel
from starlette.datastructures import QueryParams

from turnus_runtime.http.again import Again
from turnus_runtime.http.gates import StaffGate
from turnus_runtime.http.messages import path_of
from turnus_runtime.http.params import BodyReader, GuestGate
from turnus_runtime.http.problems import VALIDATION_FAILED, FieldError

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route: its template, what it reads and what it produces."""

    template: str
    pattern: re.Pattern[str]
    methods: frozenset[str]
    media_type: str
    body: BodyReader[Any] | None
    guest: bool
    staff: StaffGate | None
    gate: GuestGate | None = None
    again: Again[Any] | None = None
    query: dict[str, "Parameter"] = field(default_factory=dict[str, "Parameter"])
    calls: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter: may it stand more than once, and must it be a whole number or a truth value."""

    many: bool
    whole: bool
    truth: bool


def endpoints(app: FastAPI) -> Sequence[Endpoint]:
    """Every route of `app`."""
    return [_endpoint(context) for context in iter_route_contexts(app.routes) if _is_api(context)]


def _is_api(context: RouteContext) -> bool:
    return isinstance(context.original_route, APIRoute)


def _endpoint(context: RouteContext) -> Endpoint:
    dependant = cast("Dependant", context.dependant)
    flat = list(_flat(dependant))
    calls = tuple(part.call for part in flat if part.call is not None)
    gate: StaffGate | None = _first(calls, StaffGate)
    return Endpoint(
        template=str(context.path_format),
        pattern=cast("re.Pattern[str]", context.path_regex),
        methods=frozenset(context.methods or ()),
        media_type=_media_type(context),
        body=_first(calls, BodyReader),
        guest=_first(calls, GuestGate) is not None or (gate is not None and gate.optional),
        staff=gate,
        gate=_first(calls, GuestGate),
        again=_first(calls, Again),
        query={
            name: parameter
            for part in flat
            for param in part.query_params
            for name, parameter in _parameters(param.alias, param.field_info.annotation)
        },
        calls=calls,
    )


def _flat(dependant: "Dependant") -> "Iterator[Dependant]":
    yield dependant
    for part in dependant.dependencies:
        yield from _flat(part)


def _first(calls: Iterable[Any], kind: type[Any]) -> Any:
    return next((call for call in calls if isinstance(call, kind)), None)


def _media_type(context: RouteContext) -> str:
    chosen = getattr(context.response_class, "value", context.response_class)
    return str(getattr(chosen, "media_type", None) or JSONResponse.media_type)


def _parameters(alias: str, annotation: Any) -> Iterator[tuple[str, Parameter]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            yield from _parameters(info.alias or name, info.annotation)
        return
    kinds = _kinds(annotation)
    yield alias, Parameter(many=bool(kinds & {list, tuple, set, frozenset}), whole=int in kinds, truth=bool in kinds)


def _kinds(annotation: Any) -> set[Any]:
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return {kind for part in get_args(annotation) for kind in _kinds(part)}
    if origin is not None and hasattr(annotation, "__metadata__"):
        return _kinds(get_args(annotation)[0])
    return {origin or annotation}


def check_query(raw: bytes, known: dict[str, Parameter]) -> None:
    """Refuse what FastAPI would overlook: unknown and repeated parameters, broken UTF-8, NUL, ` 1_0` as a number."""
    if not raw:
        return
    errors: dict[str, str] = {}
    query = QueryParams(raw.decode("latin-1"))
    seen: set[str] = set()
    for name, value in query.multi_items():
        parameter = known.get(name)
        if message := _wrong(parameter, value, again=name in seen):
            errors.setdefault(path_of([name]), message)
        seen.add(name)
    if errors:
        raise VALIDATION_FAILED(errors=[FieldError(field=name, message=message) for name, message in errors.items()])


def _wrong(parameter: Parameter | None, value: str, *, again: bool) -> str | None:
    if parameter is None:
        return "is not a parameter of this request"
    if again and not parameter.many:
        return "is given twice"
    if "\0" in value or "�" in value:
        return "holds a character that is no text"
    if parameter.whole and not _WHOLE.fullmatch(value):
        return "must be a whole number"
    if parameter.truth and value not in {"true", "false"}:
        return "must be true or false"
    return None


def acceptable(accept: str, media_type: str) -> bool:
    """Whether an Accept header (RFC 9110, 12.5.1) admits `media_type`; the most specific range decides."""
    best: tuple[int, float] | None = None
    family = media_type.partition("/")[0] + "/*"
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        rank = {media_type: 2, family: 1, "*/*": 0}.get(name)
        if rank is not None and (best is None or rank > best[0]):
            best = rank, _quality(parameters)
    return best is not None and best[1] > 0


def _quality(parameters: Iterable[str]) -> float:
    told = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return float(told)
    except ValueError:
        return 0.0
