"""What an older process wrote is read, and what a newer one writes is not read by an older one."""

from typing import Any

import pytest

from tests.unit.accounts.team import member
from tests.unit.accounts.test_credentials import identity, session
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.ports import Stored
from turnus_runtime.records import Record

NEW: dict[str, set[str]] = {
    "members": {"invitation", "pause"},
    "identities": {"epoch", "entered", "reset"},
    "sessions": {"identity_epoch"},
}
FORMATS = {"members": 3, "identities": 2, "sessions": 2}


@pytest.mark.parametrize("record", [member(), identity(), session()], ids=lambda record: record.collection)
def test_a_document_of_the_first_format_is_read_as_before_anybody_was_invited(record: Record) -> None:
    document = stored_form(record, 1)
    assert document.format == FORMATS[record.collection], "an older process waits when it meets this one"
    state: dict[str, Any] = {name: one for name, one in document.state.items() if name not in NEW[record.collection]}
    assert loaded(type(record), Stored(id=record.id, version=1, format=1, state=state)) == record
