"""Words by which a booking is found, and that whatever is found lies where a search looks."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.booking.domain.finding import LETTERS, MORE, PLACES, Sought, beginnings, folded, id_of, words_of

LETTER = st.characters(categories=("L",), max_codepoint=0x17F)
NAMES = st.text(LETTER | st.sampled_from(" -'.äöüßÄÖÜéèñøłæ"), max_size=40)
ADDRESSES = st.from_regex(r"[a-z0-9._+-]{1,20}@([a-z0-9]{1,8}[.-]){0,3}[a-z]{2,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "MUELLER"), ("Müller", "muller"), ("Strauß", "STRAUSS"), ("Jörg", "Joerg"), ("Ägidius", "aegidius"),
        ("Zoë", "zoe"), ("Renée", "renee"), ("Søren", "Sören"), ("Łukasz", "lukasz"), ("Ærø", "aero"), ("İnci", "inci"),
        ("Mu\u0308ller", "Müller"), ("ﬁnn", "finn"),
    ],
)  # fmt: skip
def test_what_differs_by_case_accents_or_umlauts_is_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("Bauer", "Baur"), ("Quelle", "Qulle"), ("Neuer", "Neur"), ("Ada", "Ida")])
def test_what_is_another_name_stays_another_one(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@given(NAMES, st.integers(0, 40))
@example("Mueller", 2)
@example("Raeuber", 3)
def test_what_a_text_begins_with_is_what_the_folded_text_begins_with(text: str, cut: int) -> None:
    assert folded(text).startswith(folded(text[:cut]))


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=100))
def test_whatever_is_typed_is_words_and_nothing_breaks(text: str, name: str, email: str) -> None:
    assert all(word.isalnum() for word in words_of(text))
    sought = Sought.of(text)
    assert sought.nothing == (not words_of(text))
    assert len(beginnings(name, email)) <= PLACES
    assert not sought.nothing or not sought.finds(name, email)


@given(NAMES, ADDRESSES, st.data())
def test_whatever_is_found_lies_where_a_search_for_it_looks(name: str, email: str, data: st.DataObject) -> None:
    """Of the words and the ends of an address, as they are or cut off, one or several."""
    own = [*name.split(), email, *email.split("@"), *words_of(name), *words_of(email)]
    chosen = data.draw(st.lists(st.sampled_from(own), min_size=1, max_size=3))
    text = " ".join(one[: data.draw(st.integers(1, max(len(one), 1)))] for one in chosen)
    sought = Sought.of(text)
    if sought.finds(name, email) and sought.beginning is not None:
        assert {sought.beginning, MORE} & set(beginnings(name, email))


@given(NAMES, ADDRESSES, st.data())
def test_each_word_of_a_guest_finds_them_however_far_it_is_typed(name: str, email: str, data: st.DataObject) -> None:
    words = [*words_of(name), *words_of(email.rpartition(".")[0] or email)]
    if words:
        word = data.draw(st.sampled_from(words))
        assert Sought.of(word[: data.draw(st.integers(1, len(word)))]).finds(name, email)
    assert Sought.of(email).finds(name, email)


@pytest.mark.parametrize(
    "text",
    ["grace", "HOPPER", "hop gra", "grace.hopper@navy.example.mil", "navy", "Grâce", "hopper@navy.ex", "example.mil"],
)
def test_a_guest_is_found_by_words_in_any_order(text: str) -> None:
    assert Sought.of(text).finds("Grace Hopper", "grace.hopper@navy.example.mil")


@pytest.mark.parametrize("text", ["race", "grace x", "mil", "opper", "", "  ", "!", "grace@army", "*", "bk_"])
def test_a_guest_is_not_found_by_anything_else(text: str) -> None:
    assert not Sought.of(text).finds("Grace Hopper", "grace.hopper@navy.example.mil")


def test_the_longest_word_says_where_to_look_and_the_end_of_an_address_never_does() -> None:
    assert Sought.of("bo tabletop").beginning == "ta"
    assert Sought.of("ada@x.international").beginning == "ad"
    assert Sought.of("ö").beginning is None
    assert Sought.of(".international").beginning is None


def test_a_key_holds_two_letters_and_a_guest_with_many_words_lies_where_every_search_looks() -> None:
    few = beginnings("Grace Brewster Hopper", "grace@navy.example.mil")
    assert few == ("gr", "br", "ho", "na", "ex")
    many = beginnings("Pablo Diego José Francisco de Paula Juan Nepomuceno", "p@example.org")
    assert many == ("pa", "di", "jo", "fr", "de", MORE)
    assert {len(one) for one in (*few, *many[:-1])} == {LETTERS}
    assert beginnings("", "") == ()


def test_an_id_is_known_by_ten_characters_after_its_kind() -> None:
    assert id_of(" BK_01KXY2Z3A4 ") == "bk_01kxy2z3a4"
    for text in ("bk_01kxy2z3a", "01kxy2z3a4", "bk_01kxy2z3a4 x", "bk_" + "0" * 27, "mem_01kxy2z3a4", "bk_01kxy2z3ä4"):
        assert id_of(text) is None
