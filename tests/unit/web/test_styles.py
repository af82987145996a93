"""The style sheets hold together: what a lost brace swallows, a browser drops without a word."""

import re
from pathlib import Path

import pytest

import services.web

SHEETS = sorted((Path(services.web.__file__).parent / "static").glob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_rules_stand_alone_or_in_one_condition_and_all_are_closed(sheet: Path) -> None:
    depth, deepest = 0, 0
    for found in re.finditer(r"/\*.*?\*/|\"[^\"]*\"|[{}]", sheet.read_text(), re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        deepest = max(deepest, depth)
        assert depth >= 0, f"closed twice at {found.start()}"
    assert depth == 0, "never closed"
    assert deepest <= 2, "a condition within another, or a rule within a rule"
