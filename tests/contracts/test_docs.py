"""What the docs point at is there."""

import re
from pathlib import Path

import pytest

from tests.contracts.examples import ROOT
from turnus_runtime.process import installed

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *ROOT.glob("examples/*/*.md"),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_every_file_that_the_map_names_is_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    for service, paths in re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", text, re.MULTILINE):
        for path in re.findall(r"`(domain/[^`]+)`", paths):
            for name in re.sub(r".*\{(.*)\}.*", r"\1", path).split(",") if "{" in path else [path]:
                place = re.sub(r"\{.*\}", name, path) if "{" in path else path
                assert (ROOT / "services" / service / place).exists(), (service, place)


def test_the_map_names_every_service() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    for service in installed([]):
        assert f"| `{service.name}` |" in text


def test_decisions_are_numbered_without_gaps_and_say_what_they_cost() -> None:
    decisions = sorted((ROOT / "docs/adr").iterdir())
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        assert "costs" in path.read_text().lower(), path.name
