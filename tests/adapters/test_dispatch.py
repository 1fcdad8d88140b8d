"""Handing a turn to another invocation of the same function."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.stub import Stubber

from ringfold.adapters.dispatch import LambdaDispatch
from ringfold.errors import DependencyError


def a_client() -> Any:
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    return session.create_client("lambda", region_name="us-east-1")


def test_a_turn_is_handed_over_as_an_event() -> None:
    """Asynchronously, to the function named, with what names the part; botocore finds the parameters in order."""
    client = a_client()
    payload = json.dumps({"ringfold_turn": {"call_sid": "CA1", "key": "key", "part": 2}}).encode()
    expected = {"FunctionName": "relay:live", "InvocationType": "Event", "Payload": payload}
    with Stubber(client) as stubber:
        stubber.add_response("invoke", {"StatusCode": 202}, expected)

        LambdaDispatch(lambda: client, "relay:live").turn("CA1", "key", 2)

        stubber.assert_no_pending_responses()


def test_no_client_is_built_before_it_is_needed() -> None:
    """A turn is seldom handed over, and a client costs time at a cold start."""
    built: list[int] = []

    LambdaDispatch(lambda: built.append(1), "relay")

    assert [] == built


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"),
        ConnectTimeoutError(endpoint_url="https://lambda"),
    ],
    ids=["no concurrency left", "unreachable"],
)
def test_a_refused_hand_over_is_told(error: Exception) -> None:
    """Row 44: the watchdog takes the turn then."""

    class Refusing:
        def invoke(self, **_: Any) -> None:
            raise error

    with pytest.raises(DependencyError) as caught:
        LambdaDispatch(Refusing, "relay").turn("CA1", "key", 1)

    assert "lambda" == caught.value.service
