"""What holds for every contract, whoever says it."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import turnus_contracts
from tests.contracts.examples import LATER, OLD, all_examples, examples
from turnus_contracts import EVENTS, Event, GuestDetailsGiven
from turnus_contracts.base import Value
from turnus_runtime.http.equipment import equipped
from turnus_runtime.process import installed
from turnus_runtime.schemas.contracts import schema_of

TABLES = [equipped(service) for service in installed([])]
PEOPLE = {"name", "email", "phone", "guest", "additional_guests", "answers", "token", "first_name", "last_name"}
OF_PEOPLE = {"MemberChanged", "WorkspaceChanged", "CalendarPublished", "GroupChanged"}
"""Full states of the team's own names: a member's name and address, the name of a workspace, a calendar, a group."""

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.topic())


def every_part(schema: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside a schema."""
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from every_part(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from every_part(part)


def test_every_contract_is_among_the_events_once() -> None:
    declared = {
        thing
        for thing in vars(turnus_contracts).values()
        if inspect.isclass(thing) and issubclass(thing, Event) and "keyed_by" in dir(thing)
    }
    assert len(EVENTS) == len(set(EVENTS))
    assert declared - set(EVENTS) <= {turnus_contracts.Settled}


@each_event
def test_every_event_says_of_itself_what_it_promises(event: type[Event]) -> None:
    """One sentence at least, that is the event's own and no base class's."""
    told = inspect.cleandoc(event.__dict__.get("__doc__") or "")
    assert re.search(r"\w{2,}.*\.$", told, re.DOTALL), f"{event.topic()} has no docstring"


@each_event
def test_every_event_is_keyed_and_identified_by_fields_that_are_always_there(event: type[Event]) -> None:
    assert event.identity
    for name in (event.keyed_by, *event.identity):
        assert event.model_fields[name].is_required(), f"{event.topic()}.{name}"


@each_event
def test_a_full_state_is_keyed_by_its_own_id_and_has_version_and_status(event: type[Event]) -> None:
    if event.kind == "state":
        assert event.identity == (event.keyed_by, "version")
        assert {"version", "status"} <= event.model_fields.keys()
    elif "booking_id" in event.model_fields:
        assert event.keyed_by == "calendar_id", "the facts of one calendar are kept in order"


@each_event
def test_an_event_can_not_be_changed_and_ignores_what_it_does_not_know(event: type[Event]) -> None:
    payload = next(iter(examples(event).values()))
    said = event.model_validate({**payload, "of_a_later_version": {"deep": [1]}})
    assert "of_a_later_version" not in said.model_dump()
    with pytest.raises(ValueError, match="frozen"):
        said.workspace_id = "ws_other"  # type: ignore[attr-defined]
    for part in event.__mro__:
        if issubclass(part, Value):
            assert part.model_config.get("extra") == "ignore"


@each_event
def test_no_contract_closes_an_enumeration(event: type[Event]) -> None:
    """A new kind of calendar must not need a new topic: values are text, and the known ones are listed in words."""
    closed = [part for part in every_part(schema_of(event)) if "enum" in part or "const" in part]
    assert closed == []


@each_event
def test_invented_values_of_enumerations_can_be_read_by_every_consumer(event: type[Event]) -> None:
    payload = next(iter(examples(event).values()))
    texts = {name for name, value in payload.items() if isinstance(value, str)}
    instants = {name for name, part in schema_of(event)["properties"].items() if "date-time" in str(part)}
    for name in texts - instants:
        said = event.model_validate({**payload, name: "invented"})
        assert said.model_dump(mode="json")[name] == "invented"


@each_event
def test_only_guest_details_hold_what_guests_said_of_themselves(event: type[Event]) -> None:
    names = {name for part in every_part(schema_of(event)) for name in part.get("properties", {})}
    if event is GuestDetailsGiven:
        assert event.personal
    elif event.topic() not in OF_PEOPLE:
        assert names & PEOPLE == set()
        assert not event.personal


def test_an_instant_is_utc_to_the_millisecond_and_never_without_a_zone() -> None:
    event, payload = turnus_contracts.SlotRefused, examples(turnus_contracts.SlotRefused)["somebody else has it"]
    said = event.model_validate({**payload, "start": "2027-01-04T09:00:00.123456+01:00"})
    assert said.model_dump(mode="json")["start"] == "2027-01-04T08:00:00.123Z"
    with pytest.raises(ValueError, match="timezone"):
        event.model_validate({**payload, "start": "2027-01-04T09:00:00"})


def test_every_event_that_somebody_hears_has_exactly_one_publisher_unless_it_is_shared() -> None:
    for event in {event for table in TABLES for event in table.consumes}:
        said_by = [table.name for table in TABLES if event in table.publishes]
        assert said_by, f"nobody says {event.topic()}"
        assert event.shared or len(said_by) == 1, f"{event.topic()} is said by {said_by}"


def test_every_contract_has_a_publisher_and_a_shared_one_has_several() -> None:
    for event in EVENTS:
        said_by = [table.name for table in TABLES if event in table.publishes]
        assert said_by, f"nobody says {event.topic()}"
        assert event.shared == (len(said_by) > 1)


def test_a_service_that_says_full_states_can_say_them_again() -> None:
    for table in TABLES:
        states = [event for event in table.publishes if event.kind == "state"]
        assert bool(states) <= bool(table.says), f"{table.name} cannot say {states} again"


def test_the_names_of_examples_tell_old_and_later_shapes_apart() -> None:
    for event, name, payload in all_examples():
        required = {field for field, info in event.model_fields.items() if info.is_required()}
        assert required <= payload.keys(), f"{event.topic()}: {name}"
        if not name.startswith((OLD, LATER)):
            assert payload.keys() == event.model_fields.keys(), f"{event.topic()}: {name}"
