"""Taking public holidays over as days off, on the page that does so."""

import re
from html import unescape
from typing import Any

import httpx

from tests.integration.web import test_console
from tests.integration.web.test_console import HOSTILE, Console

console = test_console.console
BAVARIA = {"country": "DE", "region": "DE-BY", "year": "2027"}
ASCENSION, CORPUS_CHRISTI = "2027-05-06", "2027-05-27"


def bearer(console: Console) -> dict[str, str]:
    return {"Authorization": f"Bearer {next(iter(console.client.cookies.values()))}"}


async def schedule(console: Console, member: str | None = None) -> dict[str, Any]:
    """The only schedule of a member, one's own by default."""
    session = await console.client.get("/api/v1/sessions/current", headers=bearer(console))
    whose = {"member_id": member or session.json()["member_id"]}
    (found,) = (await console.client.get("/api/v1/schedules", params=whose, headers=bearer(console))).json()["items"]
    return dict(found)


async def week(console: Console, member: str | None = None) -> None:
    """Nine to five from Monday to Friday."""
    hours = {f"hours_{day}_{end}": at for day in range(1, 6) for end, at in (("start", "09:00"), ("end", "17:00"))}
    suffix = f"?member={member}" if member else ""
    kept = await console.post(f"/availability{suffix}", tz="Europe/Berlin", **hours)
    assert kept.status_code == 303, kept.text


async def page(console: Console, **query: str) -> httpx.Response:
    return await console.client.get("/console/availability/holidays", params=query)


async def take(console: Console, *days: str, version: int = 1, **more: Any) -> httpx.Response:
    fields = {**BAVARIA, "version": str(version), "day": list(days), **more}
    return await console.client.post("/console/availability/holidays", data=fields)


def ticked(answer: httpx.Response, field: str = "day") -> list[str]:
    return re.findall(rf'name="{field}" value="([^"]+)" checked', answer.text)


def offered(answer: httpx.Response, field: str = "day") -> list[str]:
    return re.findall(rf'name="{field}" value="([^"]+)"', answer.text)


def told(answer: httpx.Response) -> str:
    """The text of the page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


async def test_the_country_of_the_zone_is_proposed_and_working_days_to_come_are_ticked(console: Console) -> None:
    before = await page(console)
    assert offered(before) == [], "without hours of the week there is nothing to choose"
    assert "Lege zuerst fest" in told(before)
    await week(console)
    first = await page(console)
    assert re.findall(r'<option value="(\w\w)" selected>([^<]+)<', first.text) == [("DE", "Deutschland")]
    assert re.findall(r'<option value="(20\d\d)"', first.text) == ["2027", "2028", "2029"]
    assert "2027-01-06" not in offered(first)
    bavaria = await page(console, **BAVARIA)
    assert 'value="DE-BY" selected>Bayern<' in bavaria.text
    days = ["2027-01-06", "2027-03-26", "2027-03-29", ASCENSION, "2027-05-17", CORPUS_CHRISTI, "2027-11-01"]
    assert ticked(bavaria) == days
    assert set(offered(bavaria)) - set(days) == {
        "2027-01-01", "2027-05-01", "2027-10-03", "2027-12-25", "2027-12-26",
    }  # fmt: skip
    assert "Fronleichnam Donnerstag, 27. Mai 2027" in told(bavaria)
    english = await page(console, **BAVARIA, lang="en")
    assert "Corpus Christi Thursday, 27 May 2027" in told(english)
    assert ">Germany<" in english.text
    french = await page(console, country="FR")
    assert '<strong lang="en-US">Armistice Day<' in french.text, "who reads German hears English names as English"
    nothing = await page(console, country="UA")
    assert "Ukraine: Für 2027 sind keine Feiertage bekannt." in told(nothing)
    for wrong in HOSTILE:
        answer = await page(console, **dict.fromkeys((*BAVARIA, "lang"), wrong[:500]))
        assert answer.status_code == 200
        assert 'value="DE" selected' in answer.text


async def test_ticked_holidays_become_days_off_in_one_change_and_the_month_shows_them(console: Console) -> None:
    await week(console)
    other = {"day": "2027-02-01", "kind": "hours", "hours_start": "10:00", "hours_end": "11:00", "label": "Inventur"}
    assert (await console.post("/availability/day", version="1", **other)).status_code == 303
    answer = await take(console, "2027-03-26", ASCENSION, version=2)
    assert answer.status_code == 303, answer.text
    assert "done=holidays_taken" in answer.headers["location"]
    assert "month=2027-03" in answer.headers["location"]
    known = await schedule(console)
    assert known["version"] == 3
    assert known["overrides"] == [
        {"date": "2027-02-01", "ranges": [{"start": "10:00", "end": "11:00"}], "label": "Inventur"},
        {"date": "2027-03-26", "ranges": [], "label": "Karfreitag"},
        {"date": ASCENSION, "ranges": [], "label": "Christi Himmelfahrt"},
    ]
    shown = await console.client.get(answer.headers["location"])
    assert "Die Feiertage sind jetzt freie Tage" in told(shown)
    assert 'aria-label="Freitag, 26. März 2027: Karfreitag – frei"' in shown.text
    assert "Fr., 26. März Karfreitag – frei" in told(shown)
    # Other changes leave the names alone.
    await console.post("/availability", tz="Europe/Berlin", version="3", hours_1_start="09:00", hours_1_end="12:00")
    assert (await schedule(console))["overrides"] == known["overrides"]
    again = await page(console, **BAVARIA)
    assert "Karfreitag Freitag, 26. März 2027 Übernommen" in told(again)
    assert not {"2027-03-26", ASCENSION} & {*offered(again), *offered(again, "instead")}


async def test_what_a_date_has_of_its_own_stays_unless_that_is_chosen(console: Console) -> None:
    await week(console)
    own = {"kind": "hours", "hours_start": "10:00", "hours_end": "11:00"}
    await console.post("/availability/day", version="1", day=CORPUS_CHRISTI, **own)
    shown = await page(console, **BAVARIA)
    assert "Fronleichnam Donnerstag, 27. Mai 2027 Eigene Zeiten: 10:00–11:00" in told(shown)
    assert (offered(shown, "instead"), ticked(shown, "instead")) == ([CORPUS_CHRISTI], [])
    # Who sends it as one that has nothing of its own did not see that it has: it stays.
    assert (await take(console, CORPUS_CHRISTI, ASCENSION, version=2)).status_code == 303
    kept = {one["date"]: one for one in (await schedule(console))["overrides"]}
    assert kept[CORPUS_CHRISTI]["ranges"] == [{"start": "10:00", "end": "11:00"}]
    assert (await take(console, version=3, instead=[CORPUS_CHRISTI])).status_code == 303
    kept = {one["date"]: one for one in (await schedule(console))["overrides"]}
    assert kept[CORPUS_CHRISTI] == {"date": CORPUS_CHRISTI, "ranges": [], "label": "Fronleichnam"}


async def test_whoever_was_slower_is_told_and_loses_no_tick(console: Console) -> None:
    await week(console)
    own = {"kind": "hours", "hours_start": "10:00", "hours_end": "11:00"}
    await console.post("/availability/day", version="1", day=CORPUS_CHRISTI, **own)
    late = await take(console, ASCENSION, CORPUS_CHRISTI, version=1)
    assert late.status_code == 412
    assert "Inzwischen hat jemand anderes gespeichert" in told(late)
    assert (ticked(late), ticked(late, "instead")) == ([ASCENSION], []), "its new hours are not overwritten unseen"
    assert 'name="version" value="2"' in late.text
    assert [one["date"] for one in (await schedule(console))["overrides"]] == [CORPUS_CHRISTI]
    alone = await take(console, CORPUS_CHRISTI, version=1)
    assert alone.status_code == 412
    unsaid = await take(console, ASCENSION, version=0)
    assert unsaid.status_code == 412
    assert (await take(console, ASCENSION, version=2)).status_code == 303


async def test_a_form_that_comes_twice_changes_once_and_an_empty_one_nothing(console: Console) -> None:
    await week(console)
    for _ in range(2):
        assert "done=holidays_taken" in (await take(console, ASCENSION)).headers["location"]
    assert (await schedule(console))["version"] == 2
    empty = await take(console, version=2)
    assert empty.status_code == 422
    assert "Hake mindestens einen Tag an." in told(empty)
    for wrong in HOSTILE:
        days = {"day": wrong[:500], "instead": wrong[:500], "version": wrong[:500]}
        for fields in ({**BAVARIA, **days}, dict.fromkeys((*BAVARIA, *days), wrong[:500])):
            answer = await console.client.post("/console/availability/holidays", data=fields)
            assert answer.status_code in (412, 422)
            assert wrong not in answer.text or "<" not in wrong
    no_holiday = await take(console, "2027-05-07", version=2)
    assert no_holiday.status_code == 412
    assert (await schedule(console))["version"] == 2


async def test_who_runs_the_team_takes_them_over_for_others_and_nobody_else_does(console: Console) -> None:
    person = {"name": "Ada", "email": "ada@example.org", "role": "member", "tz": "Europe/Vienna"}
    made = await console.client.post("/api/v1/members", json=person, headers=bearer(console))
    ada = str(made.json()["id"])
    await week(console, ada)
    await week(console)
    shown = await page(console, member=ada)
    assert "Feiertage für Ada übernehmen" in told(shown)
    path = f"/console/availability/holidays?member={ada}"
    assert f'action="{path}"' in shown.text
    answer = await console.client.post(path, data={**BAVARIA, "version": "1", "day": ASCENSION})
    assert f"member={ada}" in answer.headers["location"]
    assert [one["label"] for one in (await schedule(console, ada))["overrides"]] == ["Christi Himmelfahrt"]
    assert (await schedule(console))["overrides"] == []
    owner = (await schedule(console))["member_id"]
    await test_console._become(console, "member")
    for member, status in ((owner, 403), ("mem_nobody", 404)):
        assert (await page(console, member=member)).status_code == status
        refused = await console.client.post(f"/console/availability/holidays?member={member}", data=BAVARIA)
        assert refused.status_code == status
