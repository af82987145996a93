"""What the API says of itself: its operations, and valid requests made from their schemas."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from turnus_runtime.http import union_openapi
from turnus_runtime.process import installed

PREFIX = "/api/v1"
Json = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Operation:
    """One operation of the union."""

    method: str
    path: str
    """below `/api/v1`, with its parameters in braces"""
    told: Json
    union: Json

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def staff(self) -> bool:
        """Whether it takes a bearer token."""
        return any("bearer" in one for one in self.told.get("security", []))

    def parameters(self, place: str) -> dict[str, Json]:
        """Its parameters in `path`, `query` or `header` by name."""
        return {one["name"]: one for one in self.told.get("parameters", []) if one["in"] == place}

    @property
    def body(self) -> Json | None:
        """The schema of its body."""
        content = self.told.get("requestBody", {}).get("content", {})
        return content["application/json"]["schema"] if content else None

    def resolved(self, schema: Json) -> Json:
        """The schema behind a reference, and the one branch of a choice that is not null."""
        if "$ref" in schema:
            return self.resolved(self.union["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self.resolved(next(one for one in schema[choice] if one.get("type") != "null"))
        return schema

    def example(self, given: Mapping[str, Any]) -> Any:
        """A valid body with every field; `given` has values by the names of fields."""
        return None if self.body is None else self._example(self.body, given)

    def _example(self, schema: Json, given: Mapping[str, Any]) -> Any:
        schema = self.resolved(schema)
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        if schema.get("type") == "object":
            fields: Json = schema.get("properties", {})
            return {name: given[name] if name in given else self._example(one, given) for name, one in fields.items()}
        if schema.get("type") == "array":
            return [self._example(schema["items"], given)]
        if schema.get("examples"):
            return schema["examples"][0]
        kind = schema.get("type")
        if kind == "string":
            return "x" * max(1, schema.get("minLength", 1))
        return {"boolean": True, "null": None}.get(kind, schema.get("minimum", 1) if kind != "boolean" else True)

    def fields(self, schema: Json | None = None, at: Path = ()) -> Iterator[tuple[Path, Json, bool]]:
        """Every field of the body: its path, its schema, and whether it must be given."""
        schema = self.resolved(schema or self.body or {})
        if schema.get("type") == "array":
            yield from self.fields(schema["items"], (*at, 0))
        for name, one in schema.get("properties", {}).items():
            yield (*at, name), one, name in schema.get("required", [])
            if self.resolved(one).get("type") in ("object", "array"):
                yield from self.fields(one, (*at, name))


def operations(names: tuple[str, ...]) -> list[Operation]:
    """Every operation of these services."""
    union = union_openapi(installed(names))
    return [
        Operation(method.upper(), path.removeprefix(PREFIX), told, union)
        for path, item in union["paths"].items()
        for method, told in item.items()
    ]


def put(tree: Any, at: Path, value: Any) -> Any:
    """A copy of `tree` with the value at this path; `...` takes it away."""
    if not at:
        return value
    first, *rest = at
    if isinstance(tree, list):
        return [put(one, tuple(rest), value) if i == first else one for i, one in enumerate(tree)]
    if not rest and value is ...:
        return {name: one for name, one in tree.items() if name != first}
    return {**tree, first: put(tree.get(first), tuple(rest), value)}
