"""A POST that comes again."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from ringfold_admin.idempotency import Answer, Idempotency, fingerprint
from ringfold_admin.problems import Problem
from tests.aws import Aws

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 10_000)


@pytest.fixture
def idempotency(aws: Aws) -> Idempotency:
    return Idempotency(aws.client("dynamodb"), aws.table)


class Counted:
    """Serves, and counts how often."""

    def __init__(self, status: int = 201) -> None:
        self.status, self.times = status, 0

    def __call__(self) -> Answer:
        self.times += 1
        return {"status": self.status, "body": f'{{"n":{self.times}}}', "headers": {"ETag": '"1"'}}


def run(idempotency: Idempotency, serve: Any, key: str = "k", subject: str = "u", request: str = "r") -> Answer:
    return idempotency.run(key, subject, request, CONTEXT, serve)


def test_the_second_time_gives_the_first_answer(idempotency: Idempotency) -> None:
    """Status, body and headers; nothing is done again."""
    serve = Counted()

    first, second = run(idempotency, serve), run(idempotency, serve)

    assert (first, 1) == (second, serve.times)
    assert {"status": 201, "body": '{"n":1}', "headers": {"ETag": '"1"'}} == first


def test_a_key_belongs_to_who_sent_it(idempotency: Idempotency) -> None:
    """Somebody else's same key is another key."""
    serve = Counted()

    run(idempotency, serve, subject="ann")
    run(idempotency, serve, subject="ben")

    assert 2 == serve.times


def test_another_request_with_the_key_is_refused(idempotency: Idempotency) -> None:
    """It would get an answer to a question it did not ask."""
    serve = Counted()
    run(idempotency, serve)

    with pytest.raises(Problem) as refused:
        run(idempotency, serve, request="another")

    assert (422, "idempotency_key_reused", 1) == (refused.value.status, refused.value.code, serve.times)


def test_what_failed_may_be_tried_again(idempotency: Idempotency) -> None:
    """A refusal is given back and not kept."""
    serve = Counted(409)

    first = run(idempotency, serve)
    serve.status = 201
    second = run(idempotency, serve)

    assert (409, 201, 2) == (first["status"], second["status"], serve.times)


def test_two_at_once_are_one(idempotency: Idempotency) -> None:
    """The second is told that the first is under way."""
    begun, go_on, serve = threading.Event(), threading.Event(), Counted()

    def slow() -> Answer:
        begun.set()
        go_on.wait(10)
        return serve()

    thread = threading.Thread(target=lambda: run(idempotency, slow))
    thread.start()
    begun.wait(10)
    with pytest.raises(Problem) as refused:
        run(idempotency, serve)
    go_on.set()
    thread.join()

    assert (409, "request_in_progress", "5") == (
        refused.value.status,
        refused.value.code,
        refused.value.headers["Retry-After"],
    )
    assert 1 == serve.times


def test_the_same_json_is_the_same_request() -> None:
    """Spaces and the order of names say nothing; another value does."""
    one, same, other = '{"a": 1, "b": 2}', '{"b":2,"a":1}', '{"a": 1, "b": 3}'

    prints = [fingerprint("POST", "/api/x", "", body) for body in (one, same, other, "no json")]

    assert prints[0] == prints[1]
    assert 3 == len(set(prints))
