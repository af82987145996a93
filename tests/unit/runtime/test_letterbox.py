"""Dead letters as a store knows them: whatever lies in the topic, told without what the messages said."""

from datetime import UTC, datetime

import pytest

from turnus_runtime.consume import workspace_of
from turnus_runtime.letterbox import DONE, SHOWN, WAITING, filed_letter, letter_id, replayed
from turnus_runtime.ports import Message

TOPIC = "11111111-2222"
BURIED = datetime(2027, 1, 4, 9, tzinfo=UTC)


def message(value: bytes = b'{"workspace_id": "ws_1", "name": "Ada"}', key: str = "cal_1", **headers: str) -> Message:
    told = {"origin_topic": "SlotReserved", "error": "KeyError", "buried_at": BURIED.isoformat(), **headers}
    return Message("booking.dlq", key, value, told, partition=0, offset=17, timestamp=1_800_000_000_000)


def test_a_letter_says_what_went_wrong_and_nothing_of_what_the_message_said() -> None:
    letter = filed_letter("booking", TOPIC, message(ce_subject="bk_1", error_detail="Ada is not here"))
    assert (letter.workspace_id, letter.topic, letter.subject, letter.key) == ("ws_1", "SlotReserved", "bk_1", "cal_1")
    assert (letter.error, letter.unreadable, letter.buried_at, letter.empty) == ("KeyError", (), BURIED, False)
    assert "Ada" not in letter.model_dump_json()


def test_of_what_could_not_be_read_the_fields_are_named() -> None:
    letter = filed_letter("booking", TOPIC, message(error_detail="unreadable: start, hosts.0.id"))
    assert letter.unreadable == ("start", "hosts.0.id")


def test_a_letter_about_a_person_has_the_workspace_of_its_header() -> None:
    letter = filed_letter("notify", TOPIC, message(b"", workspace_id="ws_2"))
    assert (letter.workspace_id, letter.empty) == ("ws_2", True)


def test_whatever_else_lies_in_the_topic_is_a_letter_too() -> None:
    strange = Message("booking.dlq", "k" * 5_000, b"\xff", {"error_detail": "x" * 5_000, "buried_at": "2027-01-04"})
    letter = filed_letter("booking", TOPIC, strange)
    assert (letter.workspace_id, letter.topic, len(letter.key)) == ("", "", SHOWN)
    assert "by_workspace" not in {name for name, value in letter.keys().items() if value is not None}


@pytest.mark.parametrize(
    "value",
    [
        *(None, b"", b"{", b"null", b"7", b'"ws_1"', b'["workspace_id"]', b"[" * 100_000, b"\xff\xfe\x00"),
        *(b'{"workspace_id": 7}', b'{"workspace_id": "a|b"}', b'{"workspace_id": ""}', b'{"workspace_id": "WS_1"}'),
        b'{"workspace_id": "' + b"x" * 65 + b'"}',
        b'{"a": {"workspace_id": "ws_1"}}',
    ],
)
def test_a_message_that_names_no_workspace_belongs_to_none(value: bytes | None) -> None:
    assert workspace_of(value) == ""


def test_a_message_that_is_wrong_otherwise_still_names_its_workspace() -> None:
    assert workspace_of(b'{"workspace_id": "ws_1", "start": "yesterday"}') == "ws_1"


def test_a_letter_that_was_replayed_is_in_no_list_and_stays_replayed() -> None:
    letter = filed_letter("booking", TOPIC, message())
    assert letter.version == WAITING
    assert set(letter.keys()) == {"by_workspace", "waiting"}
    done = replayed(letter).record
    assert done is not None
    assert (done.version, dict(done.keys())) == (DONE, {})
    assert replayed(done).record is None
    assert replayed(None).record is None


def test_a_topic_that_was_made_again_has_letters_of_its_own() -> None:
    names = {letter_id("booking", TOPIC, 17), letter_id("booking", "other", 17), letter_id("notify", TOPIC, 17)}
    assert len(names) == 3
