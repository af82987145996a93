"""What stands in double braces, what does not, and that no value is more than a piece of one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.wording import MOST_VARIABLES, Paragraph, Wording, filled, flaws

VALUES = {"guest_name": "Ada", "when": "Monday", "reason": ""}


def wording(body: str = "Hello", subject: str = "Subject") -> Wording:
    return Wording(subject=subject, body=body)


def wrong(body: str = "Hello", subject: str = "Subject") -> dict[str, str]:
    return {flaw.field: flaw.message for flaw in flaws(wording(body, subject), VALUES)}


def test_variables_get_their_values_with_or_without_spaces() -> None:
    made = filled(wording("{{guest_name}}, {{ when }}, {{\tguest_name }}", "For {{guest_name}}"), VALUES)
    assert made.subject == "For Ada"
    assert made.above == (Paragraph("Ada, Monday, Ada"),)


def test_what_stands_around_the_appointment_is_told_apart() -> None:
    made = filled(wording("Hello,\nyou\n\n# Booked\nfor {{when}}\n\n\n {{ appointment }} \n\nBye"), VALUES)
    assert made.above == (Paragraph("Hello,\nyou"), Paragraph("Booked", heading=True), Paragraph("for Monday"))
    assert made.below == (Paragraph("Bye"),)


def test_without_its_place_the_appointment_comes_last() -> None:
    assert filled(wording("One\n\nTwo"), VALUES).below == ()
    assert filled(wording("{{appointment}}"), VALUES).above == ()


def test_a_paragraph_that_is_empty_without_its_value_is_left_out() -> None:
    assert filled(wording("One\n\n{{reason}}\n\n# {{reason}}\n\nTwo"), VALUES).above == (
        Paragraph("One"),
        Paragraph("Two"),
    )


HOSTILE = [
    "a\r\nBcc: x@example.org",
    "a\nb",
    "a\r\n\r\n# big",
    "{{when}}",
    "{{appointment}}",
    "a\0b",
    "a\u2028b\u2029c\x85d\x0bd",
    "\u202egnp.exe",
    "{% raw %}{{ 7 * 7 }}",
    "%(when)s {when} ${when} \\1 \\g<0>",
    "x" * 100_000,
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_value_adds_no_line_no_heading_and_no_variable(value: str) -> None:
    made = filled(wording("Hello {{guest_name}}!\n\n{{appointment}}", "{{guest_name}}?"), {"guest_name": value})
    assert len(made.above) == 1
    assert not made.above[0].heading
    assert made.below == ()
    for text in (made.subject, made.above[0].text):
        assert len(text.splitlines()) == 1
        assert not set(text) & set("\0\r\n\u202e\u2028")
    if "{" in value:
        assert value.replace("\0", " ") in made.subject


def test_text_from_right_to_left_stays_as_it_is() -> None:
    made = filled(wording("שלום {{guest_name}}\n\nمرحبا", "موعد {{guest_name}}"), {"guest_name": "דוד"})
    assert made.subject == "موعد דוד"
    assert [one.text for one in made.above] == ["שלום דוד", "مرحبا"]


def test_no_line_is_the_mark_of_a_signature() -> None:
    made = filled(wording("-- \nHello\n--{{reason}} \n\nx"), VALUES)
    assert "-- " not in [line for one in made.above for line in one.text.split("\n")]


def test_an_unknown_variable_is_named_and_the_known_ones_are_listed() -> None:
    said = wrong("{{guest_nam}} {{zip}} {{when}}", "{{appointment}}")
    assert "guest_nam, zip" in said["body"]
    assert "appointment, guest_name, reason, when" in said["body"]
    assert "appointment" in said["subject"], "only a body has a place for it"


@pytest.mark.parametrize(
    "text",
    [
        "{{guest.name}}",
        "{{guest_name|upper}}",
        "{{}}",
        "{{ }}",
        "{{guest_name",
        "guest_name}}",
        "{{guest\nname}}",
        "{{7*7}}",
        "{{{{when}}}}",
        "{{__class__}}",
        "{{" + "x" * 41 + "}}",
        "{{när}}",
    ],
)
def test_double_braces_hold_variables_and_nothing_else(text: str) -> None:
    assert "body" in wrong(f"Hello {text}")
    assert "subject" in wrong(subject=f"Hello {text}")


@pytest.mark.parametrize("text", ["{guest_name}", "{ }", "}{", "100 %", "%(when)s", "$when", "<b>{</b>"])
def test_everything_else_is_text(text: str) -> None:
    assert wrong(text, text) == {}
    assert filled(wording(text, text), {}).above == (Paragraph(text),)


@pytest.mark.parametrize(
    "body", ["{{appointment}}\n\n{{appointment}}", "Here: {{appointment}}", "# {{appointment}}", "{{appointment}}."]
)
def test_the_appointment_stands_once_and_alone_on_a_line(body: str) -> None:
    assert "once at most" in wrong(body)["body"]


def test_a_text_has_so_many_variables_and_no_more() -> None:
    assert wrong("{{when}}" * MOST_VARIABLES) == {}
    assert "more than" in wrong("{{when}}" * (MOST_VARIABLES + 1))["body"]


def test_ten_thousand_characters_are_filled_in_whole() -> None:
    text = ("wörter " * 1428)[:9_996]
    assert filled(wording(text), {}).above == (Paragraph(text.strip()),)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=50))
def test_whatever_has_no_flaw_can_be_filled_and_has_one_subject_line(subject: str, body: str, value: str) -> None:
    text = wording(body, subject)
    if not list(flaws(text, VALUES)):
        made = filled(text, dict.fromkeys(VALUES, value))
        assert len(made.subject.splitlines()) <= 1
