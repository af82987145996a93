"""What is generated from the Service tables is current, complete, and valid by the publishers' own schemas."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from tests.contracts import specs
from tests.contracts.examples import ROOT, examples
from turnus_contracts import EVENTS
from turnus_runtime.http.equipment import equipped
from turnus_runtime.process import installed
from turnus_runtime.schemas import generated, run

SERVICES = installed([])
ASYNCAPI = json.loads((ROOT / "docs/asyncapi/turnus.json").read_text())
OPENAPI = json.loads((ROOT / "docs/openapi.json").read_text())


def references(part: Any) -> Iterator[str]:
    """Every `$ref` of a document, but those inside a schema that stands for itself."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for name, value in part.items():
            if name != "schema" or "$defs" not in str(value):
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def found(document: Any, reference: str) -> Any:
    """What a `$ref` of this document names. Raises `KeyError` where it names nothing."""
    place = document
    for step in reference.removeprefix("#/").split("/"):
        place = place[step.replace("~1", "/").replace("~0", "~")]
    return place


def test_everything_that_is_generated_is_current() -> None:
    assert run(SERVICES, check=True, root=ROOT) == 0


def test_the_check_sees_a_generated_file_that_somebody_edited(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(SERVICES, check=False, root=tmp_path) == 0
    assert run(SERVICES, check=True, root=tmp_path) == 0
    page = tmp_path / "docs/saga.md"
    page.write_text(page.read_text().replace("confirmed", "approved", 1))
    (tmp_path / "docs/event-matrix.md").unlink()
    capsys.readouterr()
    assert run(SERVICES, check=True, root=tmp_path) == 1
    told = capsys.readouterr().err
    assert "docs/saga.md is not current" in told
    assert "docs/event-matrix.md is not current" in told


def test_nothing_lies_beside_the_generated_files_that_nothing_generates() -> None:
    folders = ("libs/contracts/schemas", "docs/asyncapi")
    assert {str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).iterdir()} == {
        path for path in generated(SERVICES) if path.startswith(folders)
    }


def test_the_asyncapi_document_is_valid_by_the_schema_of_asyncapi() -> None:
    errors = list(Draft7Validator(specs.published(specs.ASYNCAPI)).iter_errors(ASYNCAPI))
    assert errors == []


def test_the_schema_of_asyncapi_refuses_a_document_that_is_wrong() -> None:
    wrong = {**ASYNCAPI, "operations": {"broken": {"action": "shout", "channel": {"$ref": "#/channels/SlotRefused"}}}}
    assert list(Draft7Validator(specs.published(specs.ASYNCAPI)).iter_errors(wrong))


def test_the_asyncapi_document_has_a_channel_for_each_event_and_an_operation_for_each_who_says_or_hears_it() -> None:
    assert list(ASYNCAPI["channels"]) == [event.topic() for event in EVENTS]
    said = {
        f"{service.name}.{verb}.{event.topic()}"
        for service in map(equipped, SERVICES)
        for verb, events in (("says", service.publishes), ("hears", service.consumes))
        for event in events
    }
    assert ASYNCAPI["operations"].keys() == said


def test_the_messages_of_the_asyncapi_document_describe_the_examples() -> None:
    for event in EVENTS:
        message = ASYNCAPI["components"]["messages"][event.topic()]
        for payload in examples(event).values():
            Draft202012Validator(message["payload"]["schema"]).validate(payload)


@pytest.mark.parametrize("document", [ASYNCAPI, OPENAPI], ids=["AsyncAPI", "OpenAPI"])
def test_every_reference_of_a_document_names_something_in_it(document: Any) -> None:
    named = set(references(document))
    assert named
    for reference in named:
        found(document, reference)


def test_the_openapi_document_is_valid_by_the_schema_of_openapi() -> None:
    errors = list(Draft202012Validator(specs.published(specs.OPENAPI)).iter_errors(OPENAPI))
    assert errors == []


def test_every_schema_of_the_openapi_document_is_a_schema() -> None:
    for schema in OPENAPI["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_the_event_matrix_has_a_row_for_each_event_and_marks_who_says_it() -> None:
    page = (ROOT / "docs/event-matrix.md").read_text()
    header = next(line for line in page.splitlines() if line.startswith("| event "))
    names = [cell.strip() for cell in header.strip("|").split("|")]
    rows = {
        cells[0].strip(" `"): dict(zip(names, (cell.strip() for cell in cells), strict=True))
        for line in page.splitlines()
        if line.startswith("| `")
        for cells in [line.strip("|").split("|")]
    }
    assert rows.keys() == {event.topic() for event in EVENTS}
    for service in map(equipped, SERVICES):
        for event in EVENTS:
            mark = rows[event.topic()].get(service.name, "")
            assert ("S" in mark) == (event in service.publishes), (service.name, event.topic())
            assert ("h" in mark) == (event in service.consumes), (service.name, event.topic())
