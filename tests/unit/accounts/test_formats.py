"""What an older process wrote is read, and what a newer one writes is not read by an older one."""

from typing import Any

import pytest

from tests.unit.accounts.team import member
from tests.unit.accounts.test_credentials import api_key, identity, session
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.ports import Stored
from turnus_runtime.records import Record

SINCE: dict[str, dict[int, set[str]]] = {
    "members": {2: {"invitation"}, 3: {"pause"}, 4: {"own_permissions"}},
    "identities": {2: {"epoch", "entered", "reset"}},
    "sessions": {2: {"identity_epoch"}, 3: {"assigned_only"}},
    "api_keys": {2: {"assigned_only"}},
}
"""What each format brought."""
RECORDS: dict[str, Record] = {record.collection: record for record in (member(), identity(), session(), api_key())}
OLDER = [(name, written) for name, formats in SINCE.items() for written in range(1, max(formats))]


@pytest.mark.parametrize(("collection", "written"), OLDER)
def test_a_document_of_an_older_format_is_read_as_before_anybody_had_what_came_later(
    collection: str, written: int
) -> None:
    record = RECORDS[collection]
    later = {name for number, names in SINCE[collection].items() if number > written for name in names}
    state: dict[str, Any] = stored_form(record, 1).state
    assert later <= state.keys()
    state = {name: one for name, one in state.items() if name not in later}
    assert loaded(type(record), Stored(id=record.id, version=1, format=written, state=state)) == record


@pytest.mark.parametrize("collection", SINCE)
def test_an_older_process_waits_when_it_meets_what_a_newer_one_wrote(collection: str) -> None:
    assert stored_form(RECORDS[collection], 1).format == max(SINCE[collection])
