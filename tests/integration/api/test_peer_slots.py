"""`GET /slots` answers what Cal.com's own code answers for the same rules, loaded through the public API."""

from datetime import UTC, datetime

import pytest

from tests.integration.api.conftest import Api, slug
from tests.support.workload import Case, load

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUT_OFF = "2027-04-29T21:45:00Z"
"""23:45 in Berlin, until 00:15: the peer cuts it off at the window's end; here it belongs to the day it starts on."""


@pytest.mark.parametrize(("name", "count", "more"), [("single", 1027, []), ("rr10", 3760, [CUT_OFF])])
async def test_each_start_of_a_peers_workload_is_answered_and_no_other(
    api: Api, name: str, count: int, more: list[str]
) -> None:
    case = Case.of(name)
    assert len(case.slots) == count
    loaded = await load(api, case, slug(name))
    found = await api.slots(loaded.address, "2027-03-01", "2027-04-29", tz="Europe/Berlin")
    starts = [datetime.fromisoformat(start).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for start in found]
    assert starts == [*case.slots, *more]
