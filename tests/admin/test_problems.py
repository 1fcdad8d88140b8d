"""The one shape of an error."""

from __future__ import annotations

from ringfold_admin import problems


def test_an_error_names_field_and_cure() -> None:
    """Code for programs, message for people, details by field."""
    problem = problems.invalid("limit", "expected 1 to 200", most=200)

    details = [{"field": "limit", "message": "expected 1 to 200", "most": 200}]
    told = {"code": "invalid_request", "message": "limit: expected 1 to 200", "details": details}
    assert (400, {"error": told}) == (problem.status, problem.body())


def test_absent_and_foreign_look_the_same() -> None:
    """Nothing in a 404 depends on what was asked for."""
    assert problems.not_found("account").body() == problems.not_found("account").body()
    assert 404 == problems.not_found("account").status


def test_several_fields_are_told_at_once() -> None:
    """Each field once in the message, every finding in the details."""
    found = [{"field": "a", "message": "x"}, {"field": "b", "message": "y"}, {"field": "a", "message": "z"}]

    problem = problems.invalid_fields(found)

    assert "a, b" in problem.message
    assert found == problem.body()["error"]["details"]


def test_what_may_be_tried_again_says_when() -> None:
    """With the headers that programs look at."""
    assert {"Retry-After": "7"} == problems.unavailable("x", retry_after_s=7).headers
    assert {"ETag": '"3"'} == problems.changed_meanwhile('"3"').headers
    assert {"WWW-Authenticate": "Bearer"} == problems.unauthenticated().headers
