"""What pydantic found wrong, in words for the person who sent it. Input is never repeated."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from turnus_runtime.http.problems import VALIDATION_FAILED, FieldError, Problem

MOST = 50
"""So many errors are listed at most; a thousand wrong items need no thousand sentences."""

_FIELD = re.compile(r"[A-Za-z0-9_-]{1,64}")

_SENTENCES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "none_required": "must be null",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "does not have the right form",
    "string_unicode": "must be valid Unicode",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dataclass_type": "must be an object",
    "union_tag_not_found": "must say its {discriminator}",
    "union_tag_invalid": "must have as {discriminator} one of {expected_tags}",
    "date_type": "must be a day as YYYY-MM-DD",
    "date_parsing": "must be a day as YYYY-MM-DD",
    "date_from_datetime_parsing": "must be a day as YYYY-MM-DD",
    "time_type": "must be a time of day as HH:MM",
    "time_parsing": "must be a time of day as HH:MM",
    "url_type": "must be a web address",
    "url_parsing": "must be a web address",
    "url_scheme": "must begin with {expected_schemes}",
    "url_too_long": "must have at most {max_length} characters",
}


def validation_problem(errors: Iterable[Mapping[str, Any]], tree: Any = None) -> Problem:
    """The 422 for pydantic's `errors` about the parsed JSON `tree`, one sentence a field."""
    found: dict[str, str] = {}
    for error in errors:
        found.setdefault(_path(error["loc"], str(error["type"]), tree), _sentence(error))
    listed = [FieldError(field=path, message=message) for path, message in found.items()]
    return VALIDATION_FAILED(errors=listed[:MOST])


def path_of(parts: Sequence[str | int]) -> str:
    """`("items", 0, "start")` as `items.0.start`; a name that is no plain field name as `…`; the whole as `body`."""
    return ".".join(_shown(part) for part in parts) or "body"


def _shown(part: str | int) -> str:
    return part if isinstance(part, str) and _FIELD.fullmatch(part) else str(part) if isinstance(part, int) else "…"


def _path(loc: Sequence[str | int], type_: str, tree: Any) -> str:
    """The way to the field without the names of union branches, which pydantic puts in between."""
    if tree is None:
        return path_of(loc)
    parts: list[str | int] = []
    at: Any = tree
    for index, part in enumerate(loc):
        if isinstance(at, dict) and part in at:
            at = cast("dict[str, Any]", at)[cast("str", part)]
            parts.append(part)
        elif isinstance(at, list) and isinstance(part, int) and part < len(cast("list[Any]", at)):
            at = cast("list[Any]", at)[part]
            parts.append(part)
        elif type_ == "missing" and index == len(loc) - 1:
            parts.append(part)
    return path_of(parts)


def _sentence(error: Mapping[str, Any]) -> str:
    type_ = str(error["type"])
    context: Mapping[str, Any] = error.get("ctx") or {}
    if type_ in {"value_error", "assertion_error"}:
        return str(context.get("error") or "is not valid")
    sentence = _SENTENCES.get(type_)
    if sentence is None:
        # Our own value types bring their sentence along; pydantic's other types have none for people.
        return str(error["msg"]) if type_.startswith("turnus_") else "is not valid"
    return sentence.format_map({name: _plain(value) for name, value in context.items()})


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
