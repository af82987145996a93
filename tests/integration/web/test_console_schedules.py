"""Several schedules of one member, and how many bookings they take at most, on the page of their availability."""

import re
from typing import Any

import httpx
import pytest

from tests.integration.web import test_console
from tests.integration.web.test_console import HOSTILE, Console
from tests.integration.web.test_console_holidays import bearer, told, week
from tests.integration.web.test_console_why import calendar, made

console = test_console.console
MONDAY = "2027-01-11"


async def asked(console: Console, path: str, **query: str) -> dict[str, Any]:
    answer = await console.client.get(f"/api/v1{path}", params=query, headers=bearer(console))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def owner_of(console: Console) -> str:
    return str((await asked(console, "/sessions/current"))["member_id"])


async def schedules(console: Console, member: str | None = None) -> dict[str, dict[str, Any]]:
    """By name."""
    found = (await asked(console, "/schedules", member_id=member or await owner_of(console)))["items"]
    return {one["name"]: one for one in found}


async def free(console: Console, calendar_id: str, day: str = MONDAY) -> list[str]:
    """The clock times that guests are offered on a day."""
    found = await asked(console, "/slots", calendar=calendar_id, start=day, end=day, tz="Europe/Berlin")
    return [at[11:16] for at in found["days"].get(day, [])]


async def second(console: Console, name: str = "Telefon", **fields: Any) -> str:
    """One more schedule, by its page; gives its id."""
    page = await console.client.post("/console/availability/schedules/new", data={"name": name, **fields})
    assert page.status_code == 303, page.text
    found = re.search(r"schedule=(sch_\w+)", page.headers["location"])
    assert found is not None
    return found[1]


def hidden_version(page: httpx.Response) -> str:
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found is not None
    return found[1]


async def test_who_has_one_schedule_sees_a_link_to_another_one_and_nothing_more(console: Console) -> None:
    empty = await console.client.get("/console/availability")
    assert "Weiterer Zeitplan" not in told(empty), "first of all the hours themselves"
    new = await console.client.get("/console/availability/schedules/new")
    assert (new.status_code, new.headers["location"]) == (303, "/console/availability")
    await week(console)
    page = told(await console.client.get("/console/availability"))
    assert "Weiterer Zeitplan" in page
    for word in ("Zeitpläne", "Standard"):
        assert word not in page


async def test_another_schedule_counts_in_its_calendars_and_its_hours_are_changed_where_all_are(
    console: Console,
) -> None:
    talk, _ = await calendar(console)
    phone, _ = await calendar(console, slug="telefon", name="Telefonsprechstunde")
    assert await free(console, phone) == await free(console, talk)
    day_off = {"day": "2027-01-12", "kind": "off", "version": "1"}
    assert (await console.post("/availability/day", **day_off)).status_code == 303
    schedule_id = await second(console, calendar_id=[phone])
    known = await schedules(console)
    assert known["Telefon"]["calendar_ids"] == [phone]
    assert known["Telefon"]["default"] is False
    for same in ("weekly", "overrides", "tz"):
        assert known["Telefon"][same] == known["Arbeitszeiten"][same], same
    page = await console.client.get(f"/console/availability?schedule={schedule_id}")
    text = told(page)
    assert "Woche: Telefon" in text
    assert "Gilt in: Telefonsprechstunde" in text
    assert f'action="/console/availability?schedule={schedule_id}"' in page.text
    hours = {"tz": "Europe/Berlin", "version": hidden_version(page), "hours_1_start": "13:00", "hours_1_end": "14:00"}
    kept = await console.client.post(f"/console/availability?schedule={schedule_id}", data=hours)
    assert kept.headers["location"] == f"/console/availability?done=hours_kept&schedule={schedule_id}"
    assert await free(console, phone) == ["13:00", "13:30"]
    assert (await free(console, talk))[0] == "09:00"
    # Dates and holidays go into the chosen one, too.
    path = f"/console/availability/day?schedule={schedule_id}"
    other = {"day": MONDAY, "kind": "hours", "hours_start": "08:00", "hours_end": "09:00", "version": "2"}
    assert (await console.client.post(path, data=other)).status_code == 303
    assert await free(console, phone) == ["08:00", "08:30"]
    holidays = {"country": "DE", "region": "DE-BY", "year": "2027", "day": "2027-05-06", "version": "3"}
    path = f"/console/availability/holidays?schedule={schedule_id}"
    assert "Für den Zeitplan: Telefon" in told(await console.client.get(path))
    assert (await console.client.post(path, data=holidays)).status_code == 303
    known = await schedules(console)
    assert sorted(one["date"] for one in known["Telefon"]["overrides"]) == [MONDAY, "2027-01-12", "2027-05-06"]
    assert [one["date"] for one in known["Arbeitszeiten"]["overrides"]] == ["2027-01-12"]
    assert known["Telefon"]["calendar_ids"] == [phone], "no change of hours forgets where they count"


async def test_one_becomes_the_standard_and_stays_it_whatever_is_changed_in_the_other(console: Console) -> None:
    talk, _ = await calendar(console)
    summer = await second(console, "Sommer")
    for_summer = {"tz": "Europe/Berlin", "version": "1", "hours_1_start": "07:00", "hours_1_end": "08:00"}
    await console.client.post(f"/console/availability?schedule={summer}", data=for_summer)
    assert (await free(console, talk))[0] == "09:00", "it counts nowhere yet"
    assert "Gilt zurzeit nirgends" in told(await console.client.get("/console/availability"))
    form = await console.client.get(f"/console/availability/schedules/{summer}")
    fields = {"name": "Sommerzeiten", "default": "on", "version": hidden_version(form)}
    kept = await console.post(f"/availability/schedules/{summer}", **fields)
    assert "done=schedule_kept" in kept.headers["location"], kept.text
    assert await free(console, talk) == ["07:00", "07:30"]
    old = (await schedules(console))["Arbeitszeiten"]
    hours = {"hours_1_start": "10:00", "hours_1_end": "11:00"}
    week_of_old = {"tz": "Europe/Berlin", "version": str(old["version"]), **hours}
    await console.client.post(f"/console/availability?schedule={old['id']}", data=week_of_old)
    assert await free(console, talk) == ["07:00", "07:30"], "the one that was the standard does not become it again"
    page = await console.client.get(f"/console/availability/schedules/{summer}")
    assert 'name="default"' not in page.text
    assert "Zeitplan entfernen" not in told(page)
    for fields in ({}, {"sure": "yes", "version": "3"}):
        refused = await console.post(f"/availability/schedules/{summer}/remove", **fields)
        assert "refused=schedule_standard" in refused.headers["location"]
    assert "Sommerzeiten" in await schedules(console)


async def test_a_calendar_that_another_schedule_takes_over_stays_with_that(console: Console) -> None:
    talk, _ = await calendar(console)
    first = await second(console, "Erster", calendar_id=[talk])
    form = await console.client.get("/console/availability/schedules/new")
    assert "Jetzt gilt dort: Erster" in told(form)
    await second(console, "Zweiter", calendar_id=[talk])
    hours = {"tz": "Europe/Berlin", "version": "1", "hours_1_start": "07:00", "hours_1_end": "08:00"}
    await console.client.post(f"/console/availability?schedule={first}", data=hours)
    known = await schedules(console)
    assert (known["Erster"]["calendar_ids"], known["Zweiter"]["calendar_ids"]) == ([], [talk])
    assert (await free(console, talk))[0] == "09:00"


async def test_a_schedule_is_removed_once_that_was_asked_and_whoever_was_slower_removes_nothing(
    console: Console,
) -> None:
    talk, _ = await calendar(console)
    schedule_id = await second(console, calendar_id=[talk])
    path = f"/availability/schedules/{schedule_id}"
    ask = await console.client.get(f"/console{path}/remove")
    assert "Telefon verschwindet mit allen Zeiten" in told(ask)
    await console.post(path, name="Anrufe", version="1", calendar_id=talk)
    late = await console.post(f"{path}/remove", sure="yes", version=hidden_version(ask))
    assert "refused=schedule_changed" in late.headers["location"]
    assert "Anrufe" in await schedules(console)
    gone = await console.post(f"{path}/remove", sure="yes", version="2")
    assert gone.headers["location"] == "/console/availability?done=schedule_removed"
    assert list(await schedules(console)) == ["Arbeitszeiten"]
    assert (await console.client.get(f"/console/availability?schedule={schedule_id}")).status_code == 404
    assert (await console.client.get(f"/console{path}")).status_code == 404


async def test_what_is_wrong_with_a_schedule_stands_at_its_field_and_all_input_stays(console: Console) -> None:
    talk, _ = await calendar(console)
    for name, wrong in (("", "Bitte ausfüllen"), ("ARBEITSZEITEN", "So heißt schon ein anderer Zeitplan")):
        page = await console.post("/availability/schedules/new", name=name, default="on", calendar_id=talk)
        assert page.status_code == 422
        assert wrong in told(page)
        assert f'value="{name}"' in page.text
        assert 'name="default" checked' in page.text
        assert f'value="{talk}" checked' in page.text
    schedule_id = await second(console)
    await console.post(f"/availability/schedules/{schedule_id}", name="Anrufe", version="1")
    late = await console.post(f"/availability/schedules/{schedule_id}", name="Spät", version="1", calendar_id=talk)
    assert late.status_code == 412
    assert "Inzwischen hat jemand anderes gespeichert" in told(late)
    assert 'value="Spät"' in late.text
    assert f'value="{talk}" checked' in late.text
    assert hidden_version(late) == "2"
    for wrong in HOSTILE:
        for path in ("new", schedule_id):
            answer = await console.post(
                f"/availability/schedules/{path}", **dict.fromkeys(("name", "default", "calendar_id", "version"), wrong)
            )
            assert answer.status_code in (303, 412, 422)
            assert wrong not in answer.text or "<" not in wrong
    key = {"key": "try_twice_the_same", "name": "Zweimal"}
    twice = [(await console.post("/availability/schedules/new", **key)).status_code for _ in range(2)]
    assert twice[0] == 303
    assert twice[1] in (303, 422)
    assert list(await schedules(console)).count("Zweimal") == 1


async def test_members_have_schedules_of_their_own_and_only_who_runs_the_team_touches_others(console: Console) -> None:
    await calendar(console)
    schedule_id = await second(console)
    owner = await owner_of(console)
    await test_console._become(console, "member")
    suffix = f"?member={owner}"
    for path in (f"new{suffix}", f"{schedule_id}{suffix}", f"{schedule_id}/remove{suffix}"):
        assert (await console.client.get(f"/console/availability/schedules/{path}")).status_code == 403, path
        assert (await console.post(f"/availability/schedules/{path}", name="X", sure="yes")).status_code == 403, path
    assert (await console.client.get(f"/console/availability/schedules/{schedule_id}")).status_code == 404
    looked = await console.client.get(f"/console/availability{suffix}")
    assert "Telefon" in told(looked)
    assert "/console/availability/schedules" not in looked.text
    await week(console)
    assert await second(console, "Eigener")


@pytest.mark.parametrize("role", ["member", "assigned"])
async def test_limits_are_ones_own_and_only_who_runs_the_team_sets_others(console: Console, role: str) -> None:
    owner = await owner_of(console)
    await test_console._become(console, role)
    status = 404 if role == "assigned" else 403
    path = f"/availability/limits?member={owner}"
    assert (await console.post(path, limit_day="3", version="0")).status_code == status
    behind = await console.client.put(f"/api/v1/limits/{owner}", json={"day": 3}, headers=bearer(console))
    assert behind.status_code == status
    own = await console.post("/availability/limits", limit_day="3", version="0")
    assert own.headers["location"] == "/console/availability?done=limits_kept"
    assert (await asked(console, f"/limits/{await owner_of(console)}"))["day"] == 3


async def test_limits_hold_across_all_calendars_and_whoever_was_slower_loses_nothing(console: Console) -> None:
    talk, _ = await calendar(console)
    other, _ = await calendar(console, slug="andere")
    page = await console.client.get("/console/availability")
    assert "über alle Kalender zusammen" in told(page)
    kept = await console.post("/availability/limits", limit_day="1", limit_week=" ", limit_month="20", version="0")
    assert "done=limits_kept" in kept.headers["location"]
    limits = await asked(console, f"/limits/{await owner_of(console)}")
    assert [limits[span] for span in ("day", "week", "month", "version")] == [1, None, 20, 1]
    shown = await console.client.get("/console/availability")
    assert re.search(r'id="limit_day"[^>]*value="1"', shown.text)
    assert re.search(r'id="limit_week"[^>]*value=""', shown.text)
    guest = {"name": "Grace", "email": "grace@example.org"}
    body = {"calendar": talk, "start": f"{MONDAY}T09:00:00+01:00", "tz": "UTC", "guest": guest}
    await made(console, "/bookings", body)
    assert await free(console, other) == []
    late = await console.post("/availability/limits", limit_day="7", version="0")
    assert late.status_code == 412
    assert "Inzwischen hat jemand anderes gespeichert" in told(late)
    assert re.search(r'id="limit_day"[^>]*value="7"', late.text)
    form = re.findall(r'action="/console/availability/limits".*?</form>', late.text, re.DOTALL)[0]
    assert 'name="version" value="1"' in form
    for text in ("0", "-1", "zwei", "10001", "1.5", *HOSTILE):
        wrong = await console.post("/availability/limits", limit_day=text, limit_week="5", version="1")
        assert wrong.status_code == 422, text
        assert "Eine ganze Zahl von 1 bis 10000" in told(wrong)
        assert re.search(r'id="limit_week"[^>]*value="5"', wrong.text)
        assert text not in wrong.text or "<" not in text
    assert (await console.post("/availability/limits", version="1")).status_code == 303
    assert len(await free(console, other)) > 1
