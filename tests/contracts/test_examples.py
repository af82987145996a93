"""What was said once can be read for ever."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.contracts.examples import EXAMPLES, LATER, OLD, all_examples, examples
from turnus_contracts import EVENTS, Event
from turnus_runtime.schemas.contracts import schema_of

CASES = [pytest.param(*case, id=f"{case[0].topic()}: {case[1]}") for case in all_examples()]


def test_every_event_has_examples_and_no_example_is_of_an_event_that_is_gone() -> None:
    assert {path.stem for path in EXAMPLES.iterdir()} == {event.topic() for event in EVENTS}
    for event in EVENTS:
        assert len(examples(event)) >= 2, f"{event.topic()} has too few examples"


@pytest.mark.parametrize(("event", "name", "payload"), CASES)
def test_every_example_parses_and_comes_back_as_it_was(event: type[Event], name: str, payload: dict[str, Any]) -> None:
    read = event.model_validate(payload)
    written = read.model_dump(mode="json")
    assert event.model_validate(written) == read
    assert event.model_validate_json(read.model_dump_json()) == read
    if not name.startswith((OLD, LATER)):
        assert written == payload


@pytest.mark.parametrize(("event", "name", "payload"), CASES)
def test_every_example_is_what_the_golden_schema_promises(
    event: type[Event], name: str, payload: dict[str, Any]
) -> None:
    Draft202012Validator(schema_of(event), format_checker=Draft202012Validator.FORMAT_CHECKER).validate(payload)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.topic())
def test_an_event_with_optional_fields_has_an_example_from_before_they_came(event: type[Event]) -> None:
    optional = {name for name, field in event.model_fields.items() if not field.is_required()}
    lacking = [optional - payload.keys() for name, payload in examples(event).items() if name.startswith(OLD)]
    assert bool(optional) == bool(lacking)
    assert all(lacking), "an old shape lacks a field that has a default today"


def test_the_key_and_the_id_of_an_example_are_read_from_its_fields() -> None:
    for event, _, payload in all_examples():
        said = event.model_validate(payload)
        assert said.key == str(payload[event.keyed_by])
        assert said.ce_id == ":".join((event.topic(), *(str(payload[name]) for name in event.identity)))


def test_no_two_examples_of_different_things_have_one_id() -> None:
    for event in EVENTS:
        current = [p for name, p in examples(event).items() if not name.startswith((OLD, LATER))]
        by_id = {event.model_validate(payload).ce_id for payload in current}
        things = {tuple(str(payload[name]) for name in event.identity) for payload in current}
        assert len(by_id) == len(things)
