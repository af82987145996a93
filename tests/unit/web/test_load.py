"""Load and fairness of a team calendar."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.web.domain.load import MOST_SHOWN, coming_by_host, team_load, undelivered
from services.web.domain.staff import SeenEntry, SeenRotation
from tests.unit.web.test_calendar_form import draft

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)


def rotation(optimize: str = "equal", **members: tuple[int, int]) -> SeenRotation:
    """Members with (weight, served in January)."""
    found = [
        {"member_id": f"mem_{name}", "weight": weight, "served": {"2027-01": served, "2026-12": 50}}
        for name, (weight, served) in members.items()
    ]
    return SeenRotation.model_validate({"calendar_id": "cal_1", "optimize": optimize, "members": found})


def entry(host: str | None, hours: float, **more: Any) -> SeenEntry:
    values: dict[str, Any] = {
        "id": "bk_1", "status": "confirmed", "code": None, "revision": 0, "version": 1, "calendar_id": "cal_1",
        "calendar_address": None, "calendar_name": None, "start": NOW + timedelta(hours=hours),
        "end": NOW + timedelta(hours=hours + 1), "tz": "UTC", "location": None, "additional_guests": [],
        "host": {"id": host, "name": "x"} if host else None, "guest": {"name": "G", "email": "g@example.org"},
        "reason": None, "move": None, "alternatives": [], "token": "bkt_1", "manage_url": "", "changed_at": NOW,
        "created_at": NOW,
    }  # fmt: skip
    return SeenEntry.model_validate(values | more)


def test_only_confirmed_bookings_that_begin_within_the_days_are_load() -> None:
    entries = [
        entry("mem_ada", 0),
        entry("mem_ada", 23.9),
        entry("mem_ada", 24),
        entry("mem_ada", -1),
        entry("mem_bob", 1, status="requested"),
        entry("mem_bob", 1, status="cancelled"),
        entry(None, 1),
        entry("mem_ada", 1, calendar_id="cal_2"),
    ]
    found = coming_by_host(entries, NOW, NOW + timedelta(days=1))
    assert found == {("cal_1", "mem_ada"): 2, ("cal_2", "mem_ada"): 1}


def test_the_share_of_the_month_stands_against_what_the_weight_says() -> None:
    load = team_load(draft(), rotation(ada=(2, 3), bob=(1, 1)), {("cal_1", "mem_bob"): 4}, "2027-01")
    bob, ada = load.members
    assert (bob.member_id, bob.coming, bob.served, bob.share, bob.target) == ("mem_bob", 4, 1, 0.25, 1 / 3)
    assert (ada.member_id, ada.coming, ada.served, ada.share, ada.target) == ("mem_ada", 0, 3, 0.75, 2 / 3)
    assert (load.coming, load.served, load.more, load.busiest) == (4, 4, 0, 4)
    assert load.by_weight


def test_where_weights_do_not_count_there_is_nothing_to_aim_at() -> None:
    load = team_load(draft(), rotation("availability", ada=(2, 3), bob=(1, 1)), {}, "2027-01")
    assert [one.target for one in load.members] == [None, None]
    assert not load.by_weight
    assert load.busiest == 1


def test_a_month_without_turns_has_no_shares() -> None:
    load = team_load(draft(), rotation(ada=(1, 3), bob=(1, 1)), {}, "2027-02")
    assert [one.share for one in load.members] == [None, None]
    assert load.served == 0
    assert team_load(draft(), rotation(), {}, "2027-01").members == ()


def test_of_a_large_team_the_busiest_are_shown_and_all_are_summed() -> None:
    names = {f"m{n}": (1, 1) for n in range(20)}
    coming = {("cal_1", f"mem_m{n}"): n for n in range(20)}
    load = team_load(draft(), rotation(**names), coming, "2027-01")
    assert [one.coming for one in load.members] == list(range(19, 19 - MOST_SHOWN, -1))
    assert (load.more, load.coming, load.served) == (20 - MOST_SHOWN, 190, 20)
    assert load.members[0].target == 1 / 20


def test_only_mails_that_were_given_up_lately_are_counted() -> None:
    assert undelivered([NOW, NOW - timedelta(days=8), None], NOW - timedelta(days=7)) == 1
