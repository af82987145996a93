"""What an address asks the list of bookings for, and that a booking remembers from where it was opened."""

from datetime import date
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.adapters.words import languages
from services.web.domain.booking_list import ORDERS, STATUSES, Narrowed, narrowed
from services.web.routes.console.desk import NAVIGATION
from services.web.routes.console.place import place_named, place_of

TODAY = date(2027, 1, 4)
DAYS = st.one_of(st.just(""), st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(date.isoformat))
ASKED = st.builds(
    Narrowed,
    calendar_id=st.sampled_from(["", "cal_1"]),
    host_id=st.sampled_from(["", "mem_1"]),
    status=st.sampled_from(["", *STATUSES]),
    day=DAYS,
    until=DAYS,
    q=st.text(max_size=30).map(lambda text: " ".join(text.split(" ")).strip()),
    sort=st.sampled_from([one for both in ORDERS.values() for one in both]),
)


def sent(pairs: dict[str, str | None]) -> dict[str, str]:
    """As a browser sends them."""
    told = {name: value for name, value in pairs.items() if value is not None}
    return dict(parse_qsl(urlencode(told), keep_blank_values=True))


@given(ASKED)
def test_what_an_address_says_is_what_it_is_read_as(asked: Narrowed) -> None:
    assert narrowed(sent(asked.pairs()), TODAY) == asked


@given(ASKED, st.one_of(st.none(), st.text(min_size=1, max_size=60)))
def test_from_a_booking_one_comes_back_to_the_same_place(asked: Narrowed, after: str | None) -> None:
    back = place_named(place_of(asked, after), TODAY)
    assert back == {**asked.pairs(), "after": after}


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=8), st.text(max_size=40)))
def test_a_place_that_nobody_wrote_leads_to_a_list_and_to_nothing_else(text: str, more: dict[str, str]) -> None:
    for place in (text, urlencode({**more, "path": "//evil.example", "done": "x", "lang": "x"}), "x" * 3000, None):
        assert set(place_named(place, TODAY)) <= {*Narrowed().pairs(), "after"}


def test_a_list_begins_today_and_a_search_anywhere() -> None:
    assert narrowed({}, TODAY).day == "2027-01-04"
    assert narrowed({"from": "nonsense"}, TODAY).day == "2027-01-04"
    assert narrowed({"from": ""}, TODAY).day == ""
    assert narrowed({"q": "grace"}, TODAY).day == ""
    assert narrowed({"q": " "}, TODAY).day == "2027-01-04"
    assert narrowed({"q": "grace", "from": "2027-02-01"}, TODAY).day == "2027-02-01"


@pytest.mark.parametrize(
    ("sort", "of", "next_sort"),
    [
        ("start", "start", "-start"), ("-start", "start", "start"), ("created_at", "start", "start"),
        ("start", "created_at", "-created_at"), ("-created_at", "created_at", "created_at"),
        ("created_at", "created_at", "-created_at"),
    ],
)  # fmt: skip
def test_a_head_turns_its_own_order_round_and_begins_with_what_is_asked_most(
    sort: str, of: str, next_sort: str
) -> None:
    asked = Narrowed(q="grace", status="confirmed", sort=sort)
    assert asked.in_order(of) == Narrowed(q="grace", status="confirmed", sort=next_sort)


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_page_of_the_menu_has_a_letter_of_its_own(language: str) -> None:
    words = languages()[language]
    letters = {name: words.say(f"go.{name}") for _, entries in NAVIGATION for name, *_ in entries}
    assert len(set(letters.values())) == len(letters), letters
    assert all(len(letter) == 1 and letter.isascii() and letter.islower() for letter in letters.values())
    assert words.say("go.first") == "g", "shortcuts.js waits for this one"
