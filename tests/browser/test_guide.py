"""The German guide, sentence by sentence: what it says is clicked, and a guest sees what comes of it; then in English.

A sentence that cannot be followed yet waits, with the reason, in the module of its section (`tests/browser/guide`).
"""

import sys

import pytest

from tests.browser.conftest import Opener
from tests.browser.guest import words_of
from tests.browser.guide.groups import GROUPS
from tests.browser.guide.personal import PERSONAL
from tests.browser.guide.round_robin import ROUND_ROBIN
from tests.browser.guide.team import TEAM
from tests.browser.guide.walk import Guest, Section, Walk, sentences, texts
from tests.browser.site import Site
from tests.browser.staff import Staff, signed_in

SECTIONS = (TEAM, PERSONAL, ROUND_ROBIN, GROUPS)


@pytest.fixture(params=["de-DE", "en-GB"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def walk_of(site: Site, opened: Opener, staff: Staff, locale: str) -> Walk:
    return Walk(site, opened, staff, Guest(opened(locale), staff.words))


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: f"section-{one.number}")
def test_every_sentence_is_followed_in_order_or_waits_for_a_reason(section: Section) -> None:
    for text in texts():
        found = sentences(text, section.number)
        followed = [sentence for sentence, _ in section.steps]
        assert [one for one in found if one not in section.waiting or one in followed] == followed
        assert set(section.waiting) <= set(found)
    assert all(section.waiting.values())


@pytest.mark.parametrize("section", [TEAM, ROUND_ROBIN, GROUPS], ids=lambda one: f"section-{one.number}")
def test_the_guide_is_followed(site: Site, opened: Opener, locale: str, section: Section) -> None:
    section.walk(walk_of(site, opened, signed_in(opened, locale), locale))


def test_a_personal_calendar_of_a_new_workspace_is_made_as_the_guide_says(
    site: Site, opened: Opener, locale: str
) -> None:
    staff = Staff(opened(locale), words_of(locale))
    tag, owner = staff.words.language, "Petra Sohn"
    staff.page.goto(f"/console/start?lang={tag}")
    staff.fill("start.workspace", "Praxis")
    staff.fill("start.slug", f"praxis-{tag}")
    staff.fill("start.own_name", owner)
    staff.fill("form.email", f"petra.{tag}@example.org")
    staff.fill("sign_in.password", "correct horse battery")
    staff.press("start.button")
    staff.told("done.started")
    walk = walk_of(site, opened, staff, locale)
    walk.kept |= {"owner": owner, "address": f"praxis-{tag}/kennenlernen"}
    PERSONAL.walk(walk)


def test_what_waits_is_told() -> None:
    waiting = [f"{one.number}. {sentence} – {why}" for one in SECTIONS for sentence, why in one.waiting.items()]
    sys.stdout.write("\n".join(waiting))
    assert waiting
