"""Every line is JSON, and none names a person or a secret, whoever wrote it."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel

from turnus_runtime import logs, telemetry
from turnus_runtime.logs import masked
from turnus_runtime.settings import Settings

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Lines:
    """What was logged, parsed."""
    out = io.StringIO()
    logs.configure(Settings(log_level="info"), out)
    return lambda: [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_has_time_level_service_trace_and_what_is_bound(lines: Lines) -> None:
    token = telemetry.serving.set("shop")
    with logs.bound(booking_id="bk_1", role="http"), telemetry.span("request"):
        structlog.get_logger().info("sold", pieces=3)
        trace = telemetry.current_trace()
    telemetry.serving.reset(token)
    (line,) = lines()
    assert (line["event"], line["level"], line["service"], line["role"]) == ("sold", "info", "shop", "http")
    assert (line["booking_id"], line["pieces"]) == ("bk_1", 3)
    assert (line["trace_id"], line["span_id"]) == trace
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_have_the_same_form(lines: Lines) -> None:
    with logs.bound(request_id="r1"):
        logging.getLogger("somelib.part").warning("gave up on %s after %d", "ada@example.org", 3)
    (line,) = lines()
    assert line["event"] == "gave up on ***@*** after 3"
    assert (line["level"], line["logger"], line["request_id"]) == ("warning", "somelib.part", "r1")


def test_chatty_libraries_are_heard_from_warning_upwards_and_access_logs_never(lines: Lines) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET http://h/?q=1")
    logging.getLogger("aiokafka.consumer").info("joined")
    logging.getLogger("uvicorn.access").error("GET /?token=1")
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("httpx").warning("left")
    assert [line["event"] for line in lines()] == ["Started", "left"]


def test_warnings_of_python_are_lines_too(lines: Lines) -> None:
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    (line,) = lines()
    assert "old" in line["event"]


def test_debug_is_left_out_unless_asked_for(lines: Lines) -> None:
    structlog.get_logger().debug("detail")
    assert lines() == []


class Guest(BaseModel):
    name: int


def test_an_exception_says_type_and_place_and_never_what_people_typed(lines: Lines) -> None:
    log = structlog.get_logger()
    try:
        Guest.model_validate({"name": "Ada Lovelace"})
    except ValueError:
        log.exception("failed")
    try:
        {}["Ada Lovelace"]
    except KeyError as cause:
        try:
            raise ConnectionRefusedError("nobody at mongodb://app:hunter2@db:1/") from cause
        except OSError:
            logging.getLogger("lib").exception("failed too")
    first, second = lines()
    assert "Ada" not in json.dumps([first, second])
    assert first["exception"][0]["type"].endswith("ValidationError")
    assert "test_logs.py" in first["exception"][0]["at"][0]
    outer, inner = second["exception"]
    assert (outer["type"], outer["message"]) == ("ConnectionRefusedError", "nobody at mongodb://app:***@db:1/")
    assert inner["type"] == "KeyError"
    assert "message" not in inner


def test_errors_of_a_group_are_told_one_by_one(lines: Lines) -> None:
    try:
        raise ExceptionGroup("several", [ValueError("Ada"), OSError("no route")])  # noqa: TRY301
    except ExceptionGroup:
        structlog.get_logger().exception("failed")
    (line,) = lines()
    kinds = [part[0]["type"] for part in line["exception"][0]["errors"]]
    assert kinds == ["ValueError", "OSError"]
    assert "Ada" not in json.dumps(line)


def test_what_ends_the_process_is_a_line_too() -> None:
    code = (
        "from turnus_runtime import logs; from turnus_runtime.settings import Settings\n"
        "logs.configure(Settings()); raise ValueError('ada@example.org')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["event"] == "process_failed"
    assert "ada@" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail to ada@example.org failed", "mail to ***@*** failed"),
        ("<Ada.Lovelace+x@sub.example.co.uk>", "<***@***>"),
        ("zoë@bücher.example", "***@***"),
        ("to=ada%40example.org", "***@***"),
        ("owner@localhost", "***@***"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJtZW0ifQ.c2ln", "bearer ***"),
        ("key eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJtZW0ifQ.c2ln-_", "key ***"),
        ("/bookings/bk_1 with bkt_0a1B-_.c2ln", "/bookings/bk_1 with bkt_***"),
        ("/console/welcome/ivt_0a1B-_c2ln", "/console/welcome/ivt_***"),
        ("/console/reset/prt_0a1B-_c2ln", "/console/reset/prt_***"),
        ("mongodb://app:hunter2@db:27017/", "mongodb://app:***@db:27017/"),
        ("for url 'http://h/x?token=1&email=2'", "for url 'http://h/x?***'"),
        ('"GET /manage/bk_1?t=bkt HTTP/1.1" 200', '"GET /manage/bk_1?*** HTTP/1.1" 200'),
        ("{'password': 'hunter2', 'n': 1}", "{'password': '***', 'n': 1}"),
        ("session_token=abcdef", "session_token=***"),
        ("BookingConfirmed:bk_1:2@17", "BookingConfirmed:bk_1:2@17"),
        ("GET /api/v1/bookings/{booking_id}", "GET /api/v1/bookings/{booking_id}"),
        ("really?", "really?"),
    ],
)
def test_secrets_and_addresses_are_masked_and_the_rest_stays(text: str, expected: str) -> None:
    assert masked(text) == expected
    assert masked({"a": [text, {"b": text}]}) == {"a": [expected, {"b": expected}]}


def test_keys_that_name_secrets_hide_whatever_they_hold() -> None:
    assert masked({"password": "x", "Authorization": "y", "email": "z", "guest": {"name": "Ada"}, "token": None}) == {
        "password": "***",
        "Authorization": "***",
        "email": "***",
        "guest": "***",
        "token": None,
    }


def test_objects_are_masked_as_the_text_they_would_be_written_as(lines: Lines) -> None:
    class Box:
        def __str__(self) -> str:
            return "Box(ada@example.org)"

    structlog.get_logger().info("seen", box=Box(), many=(Box(),), **{"ada@example.org": 1})
    assert "ada@" not in json.dumps(lines())


@given(
    some.emails(),
    some.text(max_size=20),
    some.sampled_from([" ", "", "<", '"', ":", "=", "/", ",", "mailto:", "'"]),
)
def test_no_address_gets_through_wherever_it_stands(address: str, before: str, border: str) -> None:
    assert address not in masked(f"{before}{border}{address} and more")
