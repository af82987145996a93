"""What every problem document must be."""

from typing import Any

import httpx


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The document, once it is seen to be a whole one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["code"] == code
    assert found["type"] == f"/problems/{code}"
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    assert found["request_id"] == answer.headers["x-request-id"]
    assert ("errors" in found) == (status == 422)
    return found


def fields(answer: httpx.Response) -> dict[str, str]:
    """Field -> message of a 422 `validation_failed`."""
    return {error["field"]: error["message"] for error in problem(answer, 422, "validation_failed")["errors"]}
