"""Words of a workspace's own: how they are kept, and that no words take away what every mail holds."""

import re
from datetime import timedelta
from typing import Any

import pytest

from services.notify.adapters import examples, wordings
from services.notify.adapters.catalogue import Catalogue, catalogues
from services.notify.adapters.letters import Known, mail, template_of
from services.notify.domain import templates, trials
from services.notify.domain.projections import Member
from services.notify.domain.sending import Outcome
from services.notify.domain.templates import Template, template_name
from services.notify.domain.trials import SEND_TRIAL, Trial
from services.notify.domain.wording import Wording
from tests.unit.notify.given import NOW, Kept, cancelled, confirmed, details, moved, reminding
from tests.unit.notify.test_letters import CALENDAR, HOSTS, OTHERS, SENDER, WORKSPACE
from turnus_contracts import Guest
from turnus_runtime.ports import Mail
from turnus_runtime.smtp import composed

NAMES = [template_name(*one) for one in wordings.names()]
OWN = Wording(
    subject="Own: {{calendar_name}}", body="Dear {{receiver_name}}\n\n{{appointment}}\n\nYours, {{host_name}}"
)


def known(*events: Any, key: str, wording: Wording | None = OWN) -> Known:
    kept = Kept(reminding(60))
    kept.hear(*events)
    assert kept.notice is not None
    assert kept.notice.told is not None
    return Known(kept.notice, kept.notice.told, kept.message(key), CALENDAR, HOSTS, WORKSPACE, SENDER, wording)


# --- mails ---------------------------------------------------------------------------------------------------------


def test_own_words_replace_subject_and_text_and_nothing_else() -> None:
    events = (details(additional_guests=OTHERS), confirmed())
    own, built_in = (mail(known(*events, key="0.booked.guest", wording=one)) for one in (OWN, None))
    assert own.subject == "Own: Beratung"
    assert own.text.startswith("Dear Ada\n\nTermin: ")
    assert own.text.index("https://turnus.example/b/bkt_token") < own.text.index("Yours, Grace") < own.text.index("-- ")
    assert "Hallo" not in own.text + own.html
    assert "<p dir=" in own.html
    assert (own.calendar, own.headers, own.message_id) == (built_in.calendar, built_in.headers, built_in.message_id)
    for fact in re.findall(r"<td.*?</td>|<a href.*?</a>", built_in.html, re.DOTALL):
        assert fact in own.html


@pytest.mark.parametrize(
    "body", ["x", "{{reason}}", "# {{reason}}", "-- \n", "<!--", "</body></html>", "\n" * 50 + "x"]
)
@pytest.mark.parametrize("key", ["0.booked.guest", "0.booked.host", "0.booked.additional_guest"])
def test_no_words_take_away_when_where_with_whom_and_the_link(body: str, key: str) -> None:
    made = mail(known(details(additional_guests=OTHERS), confirmed(), key=key, wording=Wording(subject="x", body=body)))
    plain = mail(known(details(additional_guests=OTHERS), confirmed(), key=key, wording=None))
    facts = [line for line in plain.text.splitlines()[4:] if re.match(r"\w[\w ]*: |https://", line)]
    assert len(facts) >= 3
    for fact in facts:
        assert fact in made.text
    assert plain.html.count("<tr>") == made.html.count("<tr>") > 2
    assert made.calendar == plain.calendar
    assert body == "x" or "<!--" not in made.html


def test_a_subject_that_is_empty_without_its_value_is_the_built_in_one() -> None:
    words = Wording(subject="{{reason}}", body="x")
    assert mail(known(details(), confirmed(), cancelled(3), key="0.cancelled.guest", wording=words)).subject.startswith(
        "Abgesagt"
    )


def test_a_guest_called_like_a_header_adds_none() -> None:
    guest = Guest(name="Ada\r\nBcc: x@example.org\r\n\r\nBody", email="ada@example.org")
    words = Wording(subject="{{guest_name}}", body="{{guest_name}} <b>{{guest_name}}</b>")
    made = mail(known(details(guest=guest), confirmed(), key="0.booked.host", wording=words))
    message = composed(made)
    assert message["Bcc"] is None
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html", "text/calendar"]
    assert "&lt;b&gt;Ada" in made.html
    assert len(made.subject.splitlines()) == 1


def test_each_mail_finds_its_template() -> None:
    events = (details(locale="en_GB", additional_guests=OTHERS), confirmed())
    later = (*events, moved(4, 1, host_ids=("mem_b",)))
    found = [
        template_of(known(*events, key="0.booked.guest")),
        template_of(known(*events, key="0.reminder-60.additional_guest")),
        template_of(known(*later, key="1.moved.guest")),
        template_of(known(*later, key="1.booked.host")),
        template_of(known(*later, key="1.withdrawn.host")),
    ]
    assert found == [
        "booked.guest.en",
        "reminder.additional_guest.en",
        "changed.guest.en",
        "booked.host.de",
        "withdrawn.host.en",
    ]
    assert set(found) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_template_can_be_shown_with_every_variable_that_it_knows(name: str) -> None:
    event, _, language = name.split(".")
    body = "\n\n".join(f"{one}={{{{{one}}}}}." for one in templates.variables(event))
    shown = examples.shown(name, Wording(subject="s", body=body), None, SENDER, NOW)
    assert "{{" not in shown.text + shown.html
    empty = re.findall(r"^(\w+)=\.$", shown.text, re.MULTILINE)
    assert empty == [], "an example that shows nothing"
    plain = examples.shown(name, None, WORKSPACE, SENDER, NOW)
    assert f'lang="{language}"' in plain.html
    assert plain.sender_name == "Praxis Müller"
    assert "<h1" in plain.html
    kind = name.rpartition(".")[0]
    assert plain.subject[:4] == catalogues()[language].text(f"{kind}.subject")[:4]


def test_built_in_words_that_name_what_their_mail_does_not_know_stop_the_process() -> None:
    texts = catalogues()["en"].texts
    wordings.check(Catalogue("en", texts))
    with pytest.raises(ValueError, match=r"booked.guest: the subject has unknown variables: reason"):
        wordings.check(Catalogue("en", {**texts, "booked.guest.subject": "{{reason}}"}))


def test_a_trial_goes_to_the_member_and_leaves_their_calendar_alone() -> None:
    member = Member(
        id="mem_a",
        workspace_id="ws_1",
        version=1,
        status="active",
        name="G",
        email="g@example.com",
        tz="UTC",
        locale="de",
    )
    shown = examples.shown("booked.host.de", None, WORKSPACE, SENDER, NOW, trial=True)
    sent: Mail = examples.sent_to(member, "ntf_1", shown, SENDER)
    assert (sent.to, sent.subject, sent.html) == ("g@example.com", shown.subject, shown.html)
    assert sent.calendar is None
    assert "Reply-To" not in sent.headers
    assert sent.message_id == "ntf_1@turnus.example"


@pytest.mark.parametrize("name", NAMES)
def test_only_a_mail_with_a_calendar_entry_says_that_it_has_one(name: str) -> None:
    said = {"de": "Kalendereintrag findest du im Anhang", "en": "The calendar entry is attached"}[
        name.rpartition(".")[2]
    ]
    for trial in (False, True):
        made = examples.shown(name, None, WORKSPACE, SENDER, NOW, trial=trial)
        assert ((said in made.text), (said in made.html)) == (not trial, not trial)
        assert ((made.calendar is None), (made.calendar_method is None)) == (trial, trial)


# --- decisions -----------------------------------------------------------------------------------------------------


def written(current: Template | None, wording: Wording | None) -> tuple[Template | None, list[dict[str, object]]]:
    decided = templates.write(current, "ws_1", "booked.guest.de", wording, "mem_a", NOW)
    return decided.answer, [dict(one.data or {}) for one in decided.owes]


def test_every_change_has_a_version_and_is_told_to_the_audit_log() -> None:
    first, said = written(None, OWN)
    assert first is not None
    assert (first.version, said[0]["action"], said[0]["fields"]) == (1, "changed", ["subject", "body"])
    assert (said[0]["actor_id"], said[0]["thing"], said[0]["thing_id"]) == ("mem_a", "template", "booked.guest.de")
    second, said = written(first, OWN.model_copy(update={"subject": "Other"}))
    assert second is not None
    assert (second.version, said[0]["fields"]) == (2, ["subject"])
    third, said = written(second, None)
    assert third is not None
    assert (third.version, third.wording, said[0]["action"]) == (3, None, "reset")
    assert third.keys()["by_workspace"] is None


def test_the_same_words_again_change_nothing() -> None:
    first, _ = written(None, OWN)
    assert written(first, OWN) == (first, [])
    assert written(None, None) == (None, [])


def trial() -> Trial:
    return Trial(
        id="ntf_1", workspace_id="ws_1", member_id="mem_a", template="booked.guest.de", wording=OWN, planned_at=NOW
    )


def test_a_trial_is_sent_once_and_says_what_became_of_it() -> None:
    new = trial()
    started = trials.start(None, new)
    assert started.record is not None
    assert [entry.id for entry in started.owes] == [SEND_TRIAL]
    assert trials.start(new, new).record is None
    sent = trials.report(new, Outcome("sent", code=250, reply="ok"), NOW)
    assert sent.record is not None
    assert (sent.record.status, sent.drops) == ("sent", (SEND_TRIAL,))
    assert trials.report(sent.record, Outcome("refused", code=550), NOW).record is None


@pytest.mark.parametrize("kind", ["waiting", "delayed"])
def test_a_trial_is_tried_again_for_ten_minutes_and_then_given_up(kind: str) -> None:
    current, now, tries = trial(), NOW, 0
    current = current.change(owed=tuple(trials.start(None, current).owes))
    while current.status == "queued":
        decided = trials.report(current, Outcome("waiting" if kind == "waiting" else "delayed", code=451), now)
        assert decided.record is not None
        owes = tuple(one.__class__(**{**one.stored(), "tries": one.tries + 1}) for one in decided.owes)
        current = decided.record.change(owed=owes)
        now, tries = now + timedelta(seconds=1), tries + 1
        if owes:
            now = max(now, NOW + timedelta(milliseconds=owes[0].due - NOW.timestamp() * 1000))
    assert (current.status, current.reason) == ("failed", "gave_up")
    assert 5 < tries < 20
    assert now < NOW + trials.GIVEN_UP_AFTER
