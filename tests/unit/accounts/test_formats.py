"""What an older process wrote is read, and what a newer one writes is not read by an older one."""

from typing import Any

import pytest

from tests.unit.accounts.team import member
from tests.unit.accounts.test_credentials import api_key, identity, session
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.ports import Stored
from turnus_runtime.records import Record

NEW: dict[str, tuple[int, set[str]]] = {
    "members": (3, {"invitation", "own_permissions"}),
    "identities": (2, {"epoch", "entered", "reset"}),
    "sessions": (3, {"identity_epoch", "assigned_only"}),
    "api_keys": (2, {"assigned_only"}),
}


@pytest.mark.parametrize("record", [member(), identity(), session(), api_key()], ids=lambda record: record.collection)
def test_a_document_of_the_first_format_is_read_as_before_anybody_was_invited_or_restricted(record: Record) -> None:
    document = stored_form(record, 1)
    written, new = NEW[record.collection]
    assert document.format == written, "an older process waits when it meets this one"
    state: dict[str, Any] = {name: one for name, one in document.state.items() if name not in new}
    assert loaded(type(record), Stored(id=record.id, version=1, format=1, state=state)) == record
