"""Strict JSON. What FastAPI reads by itself is too kind: `"1"` as a number, `0` as an instant, duplicate keys.

Not JSON at all (syntax, UTF-8, NaN) is 400 `malformed_json`; JSON that two readers could understand differently
(RFC 7493: duplicate names, numbers out of range, lone surrogates), NUL and needless depth are 422 with the field named.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn, cast

from turnus_runtime.http.messages import path_of
from turnus_runtime.http.problems import MALFORMED_JSON, Problem, invalid

DEEPEST = 20
LARGEST_INT = 2**53 - 1
"""Beyond it, JSON numbers lose digits in other readers (RFC 7493)."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class _Twice(dict[str, Any]):
    """An object in which `name` stood more than once."""

    name: str = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    twice = _Twice(found)
    twice.name = next(name for name in found if names.count(name) > 1)
    return twice


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= 17 else math.inf


def parse(raw: bytes) -> Any:
    """The JSON value in `raw`. Raises the `Problem` that says what is wrong with it."""
    try:
        tree = json.loads(raw.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_no_constant, parse_int=_whole)
    except RecursionError:
        raise _too_deep(()) from None
    except UnicodeDecodeError:
        raise MALFORMED_JSON("The body is not UTF-8.") from None
    except ValueError:
        raise MALFORMED_JSON from None
    _check(tree)
    return tree


def _check(tree: Any) -> None:
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            _check_text(path, value)
        elif isinstance(value, int | float):
            if abs(value) > LARGEST_INT and (isinstance(value, int) or math.isinf(value)):
                raise invalid(path_of(path), "is too large a number")
        elif isinstance(value, dict | list):
            if len(path) >= DEEPEST:
                raise _too_deep(path)
            stack.extend(_children(path, cast("dict[str, Any] | list[Any]", value)))


def _children(
    path: tuple[str | int, ...], value: dict[str, Any] | list[Any]
) -> Sequence[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, list):
        return [((*path, index), item) for index, item in enumerate(value)]
    if isinstance(value, _Twice):
        raise invalid(path_of((*path, value.name)), "is given twice")
    for name in value:
        _check_text((*path, "…"), name)
    return [((*path, name), item) for name, item in value.items()]


def _check_text(path: tuple[str | int, ...], text: str) -> None:
    if _UNSTORABLE.search(text):
        raise invalid(path_of(path), "holds a character that is no text (NUL or half a surrogate pair)")


def _too_deep(path: tuple[str | int, ...]) -> Problem:
    return invalid(path_of(path[:3]), f"is nested more than {DEEPEST} levels deep")
