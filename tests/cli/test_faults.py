from __future__ import annotations

import pytest

from ringfold_cli.faults import Fault, NotAllowed, Refused, Unreachable, UsageFault, fault_of


@pytest.mark.parametrize(
    ("status", "family", "exit_code"),
    [
        (400, Refused, 1),
        (401, NotAllowed, 4),
        (403, NotAllowed, 4),
        (404, Refused, 1),
        (409, Refused, 1),
        (412, Refused, 1),
        (422, Refused, 1),
        (429, Refused, 1),
        (500, Refused, 1),
        (502, Refused, 1),
        (503, Unreachable, 3),
        (504, Unreachable, 3),
    ],
)
def test_the_status_decides_who_has_to_act(status: int, family: type[Fault], exit_code: int) -> None:
    """The API's error is kept whole; its status decides the exit code."""
    detail = {"field": "name", "message": "expected a name"}
    fault = fault_of(status, {"error": {"code": "c", "message": "m", "details": [detail]}})

    assert (family, exit_code) == (type(fault), fault.exit_code)
    assert {"error": {"code": "c", "message": "m", "details": [detail]}} == fault.document


@pytest.mark.parametrize(
    "document", [None, [], "x", {"message": "Forbidden"}, {"error": "x"}, {"error": {"code": "c"}}]
)
def test_whatever_comes_is_a_fault_in_the_apis_shape(document: object) -> None:
    """API Gateway's own answers, and those of strangers."""
    error = fault_of(403, document).document["error"]

    assert {"code", "message", "details"} == set(error)
    assert error["code"]


def test_a_command_that_cannot_be_meant_is_exit_code_two() -> None:
    """As with the library's own."""
    assert 2 == UsageFault("no").exit_code
