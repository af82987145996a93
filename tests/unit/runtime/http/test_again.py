"""A question that was asked before is answered as it was the first time, by what holds now, and is not read again."""

from datetime import timedelta

import pytest

from turnus_runtime.http import again

from .conftest import World
from .notes import BROKEN_SINCE, HOLES, READ

HOLE = "/api/v1/board/holes"


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    READ.clear()
    HOLES._asked.clear()


async def test_the_second_time_the_query_is_not_read_and_the_answer_has_the_same_headers(world: World) -> None:
    headers = {"Origin": "https://example.org", "X-Request-Id": "request-1"}
    first, second = [await world.http.get(HOLE, params={"depth": 3}, headers=headers) for _ in range(2)]
    assert READ == ["3 "]
    assert (first.status_code, first.text) == (second.status_code, second.text)
    differ = {"traceparent"}
    assert {k: v for k, v in first.headers.items() if k not in differ} == {
        k: v for k, v in second.headers.items() if k not in differ
    }
    assert second.headers["access-control-allow-origin"] == "*"


async def test_it_is_answered_by_what_holds_now(world: World) -> None:
    first = await world.http.get(HOLE, params={"depth": 3})
    world.clock[0] += timedelta(hours=1)
    assert (await world.http.get(HOLE, params={"depth": 3})).json()["start"] != first.json()["start"]


async def test_another_query_string_is_another_question(world: World) -> None:
    for params in ({"depth": 3}, {"depth": 4}, {"depth": 3, "name": "x"}, {"depth": 3}):
        assert (await world.http.get(HOLE, params=params)).json()["waited"] == params["depth"]
    assert READ == ["3 ", "4 ", "3 x"]


async def test_each_is_counted_and_refused_alike(world: World) -> None:
    await world.http.get(HOLE, params={"depth": 3})
    world.limits.allowed = False
    answer = await world.http.get(HOLE, params={"depth": 3})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert [group for group, *_ in world.limits.hits] == ["guest_reads", "guest_reads"]


async def test_not_modified_head_and_accept_are_as_everywhere(world: World) -> None:
    tag = (await world.http.get(HOLE, params={"depth": 3})).headers["etag"]
    assert (await world.http.get(HOLE, params={"depth": 3}, headers={"If-None-Match": tag})).status_code == 304
    head = await world.http.head(HOLE, params={"depth": 3})
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    assert (await world.http.get(HOLE, params={"depth": 3}, headers={"Accept": "text/html"})).status_code == 406
    assert (await world.http.post(HOLE, params={"depth": 3})).status_code == 405
    assert READ == ["3 "]


async def test_who_prefers_something_takes_the_long_way(world: World) -> None:
    await world.http.get(HOLE, params={"depth": 3})
    answer = await world.http.get(HOLE, params={"depth": 3}, headers={"Prefer": "wait=2"})
    assert answer.headers["preference-applied"] == "wait=2"
    assert READ == ["3 ", "3 "]


async def test_what_was_not_understood_or_refused_is_not_remembered(world: World) -> None:
    for params in ({"depth": "x"}, {"depth": 3, "colour": "red"}, {"depth": 13}):
        codes = [(await world.http.get(HOLE, params=params)).status_code for _ in range(2)]
        assert codes[0] == codes[1] >= 400
    assert HOLES._asked == {}


async def test_a_problem_of_a_known_question_is_a_problem_and_an_absent_store_503(world: World) -> None:
    await world.http.get(HOLE, params={"depth": 3})
    world.clock[0] = BROKEN_SINCE + timedelta(days=1)
    answer = await world.http.get(HOLE, params={"depth": 3})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_the_least_asked_are_forgotten_and_long_ones_never_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "REMEMBERED", 2)
    for depth in (1, 2, 1, 3):
        await world.http.get(HOLE, params={"depth": depth})
    assert list(HOLES._asked) == [b"depth=1", b"depth=3"]
    await world.http.get(HOLE, params={"depth": 5, "name": "x" * again.LONGEST})
    assert list(HOLES._asked) == [b"depth=1", b"depth=3"]
