"""The audit log listens to every service."""

from functools import partial

from services.accounts.domain.auditing import AuditEntry, file
from turnus_contracts import ChangeRecorded
from turnus_runtime.ids import derived
from turnus_runtime.turn import Turn


async def file_change(event: ChangeRecorded, on: Turn) -> None:
    """Keep who changed what; a duplicate is the same entry."""
    entry_id = derived("aud", event.ce_id)
    await on.records(AuditEntry).decide(entry_id, partial(file, entry_id=entry_id, told=event))
