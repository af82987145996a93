"""The operators' page has every kind of violation, in the words of the code."""

from oversight.invariants.findings import KINDS
from tests.contracts.examples import ROOT


def test_the_page_explains_every_kind_of_violation() -> None:
    lines = (ROOT / "docs/operations.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("| `") and "turnus" not in line] == [
        f"| `{kind}` | {meaning} |" for kind, meaning in KINDS.items()
    ]
