"""What is written on the pages can be read: computed from the values that they have."""

import re
from pathlib import Path

import pytest

from services.web.domain.colours import EDGES_ON, WRITTEN_ON, Pair, contrast, lengths, pairs, schemes

STATIC = Path("services/web/static")
CSS = (STATIC / "tokens.css").read_text()


def test_black_on_white_has_the_largest_contrast_and_a_colour_on_itself_none() -> None:
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#3646c4", "#3646c4") == pytest.approx(1)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)  # the example that just fails in WCAG


@pytest.mark.parametrize("pair", pairs(CSS), ids=lambda pair: f"{pair.front} on {pair.back}")
def test_every_pair_of_colours_can_be_read_in_the_light_and_in_the_dark(pair: Pair) -> None:
    assert pair.is_readable, pair.ratios


def test_a_colour_that_is_too_pale_is_found_in_either_scheme() -> None:
    for known in ("--muted: #565d70", "--muted: #a6adc0"):
        spoilt = CSS.replace(known, "--muted: #8a8f9c")
        assert "muted" in {pair.front for pair in pairs(spoilt) if not pair.is_readable}


def test_the_dark_has_the_colours_of_the_light_and_every_one_of_them_is_used() -> None:
    light, dark = schemes(CSS).values()
    assert light.keys() == dark.keys()
    used = {*WRITTEN_ON, *EDGES_ON, *(back for backs in WRITTEN_ON.values() for back in backs), "line"}
    assert used == light.keys()


def test_what_a_rule_writes_on_its_own_background_is_among_the_pairs() -> None:
    for sheet in ("pages.css", "console.css"):
        for rule in re.findall(r"\{([^{}]*)\}", (STATIC / sheet).read_text()):
            front = re.search(r"(?<![a-z-])color: var\(--([a-z-]+)\)", rule)
            back = re.search(r"(?<![a-z-])background: var\(--([a-z-]+)\)", rule)
            if front and back:
                assert back[1] in WRITTEN_ON[front[1]], (sheet, rule)


def test_tokens_of_a_family_are_listed_with_their_values() -> None:
    assert lengths(CSS, "space")[0] == ("space-1", "0.25rem")
    assert [name for name, _ in lengths(CSS, "type")] == ["type-small", "type-body", "type-lead", "type-title"]
