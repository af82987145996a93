"""A breaking change of a contract is refused, every other one is let through."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

import turnus_runtime.schemas
from tests.contracts.examples import ROOT, Fields, contract, fields_of
from turnus_contracts import EVENTS, BookingRequested, CalendarPublished, Event, Instant, SlotRefused, Value
from turnus_runtime.schemas import run
from turnus_runtime.schemas.compatibility import breaking_changes
from turnus_runtime.schemas.contracts import schema_of

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.topic())


class Place(Value):
    """A value type of the contract that these tests change."""

    kind: str
    value: str
    floor: int = 0


class PlaceWithoutValue(Value):
    kind: str
    floor: int = 0


class PlaceWithRoom(Value):
    kind: str
    value: str
    floor: int = 0
    room: str | None = None


class Sampled(Event):
    """Something happened."""

    keyed_by = "id"
    identity = ("id",)

    id: str
    start: Instant
    minutes: Annotated[int, Field(ge=0, le=1440)]
    colour: Literal["red", "green"]
    place: Place
    names: tuple[str, ...] = ()
    weights: dict[str, int] = {}
    note: str | None = None
    fixed: bool = False


def refused(**changes: Any) -> list[str]:
    """What the check says of `Sampled` with these fields; None takes a field away."""
    fields = fields_of(Sampled)
    for name, field in changes.items():
        if field is None:
            del fields[name]
        else:
            fields[name] = field
    return breaking_changes(schema_of(Sampled), schema_of(contract(Sampled, fields)))


def changed_envelope(**envelope: Any) -> list[str]:
    return breaking_changes(schema_of(Sampled), schema_of(contract(Sampled, fields_of(Sampled), **envelope)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"start": None}, "start was removed", id="remove"),
        pytest.param({"note": None}, "note was removed", id="remove an optional field"),
        pytest.param({"start": None, "begin": (Instant, ...)}, "start was removed", id="rename"),
        pytest.param({"minutes": (str, ...)}, "minutes changed its type", id="retype"),
        pytest.param({"start": (str, ...)}, "start changed what it may be (format)", id="retype an instant"),
        pytest.param({"start": (int, ...)}, "start changed its type", id="an instant as a number"),
        pytest.param({"names": (tuple[int, ...], ())}, "names[] changed its type", id="retype items"),
        pytest.param({"weights": (dict[str, str], {})}, "weights[] changed its type", id="retype values"),
        pytest.param({"names": (str, "")}, "names changed its type", id="one instead of many"),
        pytest.param({"names": (frozenset[str], ())}, "names changed what it may be (uniqueItems)", id="a set"),
        pytest.param({"minutes": (float, ...)}, "minutes changed its type", id="fractions"),
        pytest.param(
            {"minutes": (Annotated[int, Field(ge=5, le=1440)], ...)},
            "minutes changed what it may be (minimum)",
            id="narrow from below",
        ),
        pytest.param(
            {"minutes": (Annotated[int, Field(ge=0, le=720)], ...)},
            "minutes changed what it may be (maximum)",
            id="narrow from above",
        ),
        pytest.param({"minutes": (Annotated[int, Field(ge=0)], ...)}, "(maximum)", id="widen: old readers refuse it"),
        pytest.param({"id": (Annotated[str, Field(pattern="^x")], ...)}, "(pattern)", id="a pattern"),
        pytest.param({"id": (Annotated[str, Field(max_length=9)], ...)}, "(maxLength)", id="a length"),
        pytest.param({"colour": (Literal["red", "green", "blue"], ...)}, "(enum)", id="a new enum member"),
        pytest.param({"colour": (Literal["red", "yellow"], ...)}, "(enum)", id="another enum member"),
        pytest.param({"colour": (Literal["red"], ...)}, "colour changed what it may be", id="fewer enum members"),
        pytest.param({"id": (Literal["a", "b"], ...)}, "(enum)", id="text closed to an enum"),
        pytest.param({"seats": (int, ...)}, "seats is new and has no default", id="required without default"),
        pytest.param({"fixed": (bool, ...)}, "fixed became required", id="an optional field made required"),
        pytest.param({"minutes": (Annotated[int, Field(ge=0, le=1440)], 30)}, "no longer always there", id="optional"),
        pytest.param({"fixed": (bool, True)}, "fixed changed its default", id="another default"),
        pytest.param({"minutes": (int | None, ...)}, "minutes changed its type", id="a value that may be missing"),
        pytest.param({"note": (str, "")}, "note changed", id="a value that is always there"),
        pytest.param({"note": (int | None, None)}, "note changed its type", id="retype an optional value"),
        pytest.param({"place": (PlaceWithoutValue, ...)}, "place.value was removed", id="remove inside a value type"),
        pytest.param({"place": (Place | None, ...)}, "place changed its type", id="a value type that may be missing"),
        pytest.param({"place": (str, ...)}, "place changed its type", id="text instead of a value type"),
        pytest.param({"place": (Any, ...)}, "place changed its type", id="anything"),
        pytest.param({"names": (tuple[Any, ...], ())}, "names[] changed", id="a list of anything"),
    ],
)
def test_a_breaking_change_is_refused_and_named(changes: dict[str, Any], says: str) -> None:
    found = refused(**changes)
    assert any(says in sentence for sentence in found), found


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"seats": (int, 1)}, id="a new field with a default"),
        pytest.param({"price": (Place | None, None)}, id="a new value type that may be missing"),
        pytest.param({"more": (tuple[Place, ...], ())}, id="a new list"),
        pytest.param({"more": (dict[str, str], {})}, id="a new map"),
        pytest.param(
            {"place": (PlaceWithRoom, ...)}, id="a new optional field inside a value type, under another name"
        ),
        pytest.param({"note": (Annotated[str | None, Field(description="free")], None)}, id="other words"),
    ],
)
def test_an_allowed_change_is_let_through(changes: dict[str, Any]) -> None:
    assert refused(**changes) == []


@pytest.mark.parametrize(
    ("envelope", "says"),
    [
        ({"kind": "state"}, "its kind changed"),
        ({"keyed_by": "colour"}, "its key changed"),
        ({"identity": ("id", "start")}, "its identity changed"),
    ],
    ids=str,
)
def test_another_kind_key_or_identity_is_refused(envelope: dict[str, Any], says: str) -> None:
    assert changed_envelope(**envelope) == [says]


@each_event
def test_a_contract_is_compatible_with_itself(event: type[Event]) -> None:
    assert breaking_changes(schema_of(event), schema_of(contract(event, fields_of(event)))) == []


@each_event
def test_taking_any_field_of_any_event_away_or_renaming_it_is_refused(event: type[Event]) -> None:
    for name in event.model_fields:
        fields = fields_of(event)
        kept = fields.pop(name)
        for left in (fields, {**fields, f"{name}_": kept}):
            assert f"{name} was removed" in breaking_changes(schema_of(event), schema_of(contract(event, left)))


@each_event
def test_retyping_any_field_of_any_event_is_refused(event: type[Event]) -> None:
    for name, (_, default) in fields_of(event).items():
        said = schema_of(contract(event, {**fields_of(event), name: (tuple[tuple[bool, ...], ...], default)}))
        assert any(name in sentence for sentence in breaking_changes(schema_of(event), said)), name


@each_event
def test_a_new_optional_field_of_any_event_is_let_through(event: type[Event]) -> None:
    fields: Fields = {**fields_of(event), "region": (str | None, None), "seats": (int, 1)}
    assert breaking_changes(schema_of(event), schema_of(contract(event, fields))) == []


# An oracle that knows nothing of schemas: readers of both versions read what writers of both versions wrote.

TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "text": (str, st.text(max_size=3)),
    "short": (Annotated[str, Field(max_length=2)], st.text(max_size=2)),
    "number": (int, st.integers(-9, 9)),
    "positive": (Annotated[int, Field(ge=0)], st.integers(0, 9)),
    "few": (Annotated[int, Field(ge=0, le=3)], st.integers(0, 3)),
    "maybe": (int | None, st.none() | st.integers(-9, 9)),
    "closed": (Literal["a", "b"], st.sampled_from("ab")),
    "wider": (Literal["a", "b", "c"], st.sampled_from("abc")),
    "many": (tuple[str, ...], st.tuples(st.text(max_size=2))),
    "numbers": (tuple[int, ...], st.tuples(st.integers(-9, 9))),
    "floor": (Place, st.builds(Place, kind=st.text(max_size=2), value=st.text(max_size=2))),
    "room": (PlaceWithRoom, st.builds(PlaceWithRoom, kind=st.just("k"), value=st.just("v"))),
}
Shape = dict[str, tuple[str, bool]]
"""Field -> (type, whether it has a default)."""

shapes = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.sampled_from(sorted(TYPES)), st.booleans()), min_size=1)


@st.composite
def two_versions(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """A shape and the same with up to two changes."""
    old = draw(shapes)
    new = dict(old)
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from("abcde"))
        if name in new and draw(st.booleans()):
            del new[name]
        else:
            new[name] = (draw(st.sampled_from(sorted(TYPES))), draw(st.booleans()))
    return old, new


def model_of(shape: Shape) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name, (kind, optional) in shape.items():
        fields[name] = (TYPES[kind][0], _DEFAULTS[kind] if optional else ...)
    return create_model("Said", __base__=Value, **fields)


_DEFAULTS: dict[str, Any] = {
    "text": "",
    "short": "",
    "number": 0,
    "positive": 0,
    "few": 0,
    "maybe": None,
    "closed": "a",
    "wider": "a",
    "many": (),
    "numbers": (),
    "floor": Place(kind="k", value="v"),
    "room": PlaceWithRoom(kind="k", value="v"),
}


@given(two_versions(), st.data())
def test_what_the_check_lets_through_can_be_read_by_old_and_new_readers(
    versions: tuple[Shape, Shape], data: st.DataObject
) -> None:
    old, new = versions
    before, after = model_of(old), model_of(new)
    if breaking_changes(before.model_json_schema(mode="serialization"), after.model_json_schema(mode="serialization")):
        return
    for shape, writes, reads in ((old, before, after), (new, after, before)):
        values = {name: data.draw(TYPES[kind][1]) for name, (kind, _) in shape.items()}
        payload = json.loads(writes(**values).model_dump_json())
        read = json.loads(reads.model_validate(payload, strict=False).model_dump_json())
        for name in old.keys() & new.keys():
            assert read[name] == payload[name] or isinstance(read[name], dict), "only value types may gain a field"


# The whole command, on a copy of the tree.


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The golden schemas as they are committed, in a place of the test's own."""
    shutil.copytree(ROOT / "libs/contracts/schemas", tmp_path / "libs/contracts/schemas")
    return tmp_path


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Event], type[Event] | None], None]:
    """Put a changed contract in the place of another one; None: nobody says it any more."""

    def put(event: type[Event], changed: type[Event] | None) -> None:
        events = [changed if one is event else one for one in EVENTS]
        monkeypatch.setattr(turnus_runtime.schemas, "EVENTS", tuple(one for one in events if one is not None))

    return put


def test_a_breaking_change_stops_the_writing_of_schemas_and_leaves_the_golden_one(
    checkout: Path, declare: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = fields_of(SlotRefused)
    del fields["alternatives"]
    declare(SlotRefused, contract(SlotRefused, fields))
    golden = checkout / "libs/contracts/schemas/SlotRefused.json"
    before = golden.read_text()
    assert run([], check=False, root=checkout) == 1
    assert run([], check=True, root=checkout) == 1
    assert golden.read_text() == before
    said = capsys.readouterr().err
    assert "SlotRefused: alternatives was removed: publish it as a new class and topic" in said


def test_an_allowed_change_is_written_and_then_it_is_promised_too(checkout: Path, declare: Any) -> None:
    wider = contract(BookingRequested, {**fields_of(BookingRequested), "seats": (int, 1)})
    declare(BookingRequested, wider)
    assert run([], check=True, root=checkout) == 1, "the golden schema is not current"
    assert run([], check=False, root=checkout) == 0
    assert run([], check=True, root=checkout) == 0
    declare(wider, None)
    declare(BookingRequested, BookingRequested)
    assert run([], check=True, root=checkout) == 1, "taking the new field away again is a breaking change"


def test_an_event_that_is_gone_is_refused(checkout: Path, declare: Any, capsys: pytest.CaptureFixture[str]) -> None:
    declare(CalendarPublished, None)
    assert run([], check=False, root=checkout) == 1
    assert "CalendarPublished: it is no longer said" in capsys.readouterr().err


def test_who_edits_a_contract_in_a_checkout_is_stopped_by_the_command(tmp_path: Path) -> None:
    """The real command over the real source, in which somebody retyped a field."""
    for folder in ("libs/contracts", "libs/runtime/turnus_runtime", "services"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "libs/contracts/turnus_contracts/availability.py"
    source = module.read_text()
    assert "    fixed: bool = False" in source
    module.write_text(source.replace("    fixed: bool = False", '    fixed: str = ""'))
    paths = [tmp_path / "libs/contracts", tmp_path / "libs/runtime", tmp_path]
    command = [sys.executable, "-m", "turnus_runtime.cli", "schemas", "--check"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert "SlotReserved: fixed changed its default: publish it as a new class and topic" in done.stderr
