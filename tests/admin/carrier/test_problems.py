"""Twilio's errors in our words."""

from __future__ import annotations

import pytest

from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.carrier.problems import problem_of


def error(status: int, code: int | None, text: str = "Twilio's words") -> CarrierError:
    return CarrierError("buy number", status, code, text, processed=False)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, 20003, (422, "twilio_credentials_refused")),
        (401, None, (422, "twilio_credentials_refused")),
        (400, 21422, (409, "number_unavailable")),
        (400, 21452, (404, "number_unavailable")),
        (400, 21631, (422, "address_required")),
        (400, 21649, (422, "bundle_required")),
        (400, 21404, (422, "twilio_trial_account")),
        (403, 20005, (422, "twilio_account_inactive")),
        (404, 20404, (404, "twilio_not_found")),
        (429, 20429, (429, "twilio_rate_limited")),
        (429, None, (429, "twilio_rate_limited")),
        (402, None, (402, "insufficient_funds")),
        (400, 99999, (422, "twilio_error")),
        (500, 20500, (502, "twilio_failed")),
        (503, None, (502, "twilio_failed")),
        (0, None, (504, "twilio_unreachable")),
    ],
)
def test_an_error_gets_our_code_and_keeps_twilios(status: int, code: int | None, expected: tuple[int, str]) -> None:
    """Each with something to do about it."""
    problem = problem_of(error(status, code))

    assert expected == (problem.status, problem.code)
    assert problem.message
    assert [code] == [each["twilio_code"] for each in problem.details] or code is None


def test_an_unknown_error_is_told_in_twilios_words() -> None:
    """Better than none of ours."""
    assert "Twilio's words" in problem_of(error(400, 99999)).message


def test_an_empty_purse_is_recognized_by_its_words() -> None:
    """Twilio's codes for it differ by product."""
    assert (402, "insufficient_funds") == (
        problem_of(error(400, 99998, "Insufficient funds")).status,
        problem_of(error(400, 99998, "Insufficient funds")).code,
    )
