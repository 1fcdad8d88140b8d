"""DynamoDB requests and how their errors are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ringfold.adapters.items import doc_of, failed_item, get_many, request
from ringfold.errors import ConfigError, DependencyError
from tests.aws import Aws


def failing(code: str) -> Any:
    error: Any = {"Error": {"Code": code, "Message": "m"}, "Item": {"pk": {"S": "a"}}}

    def operation(**_: Any) -> Any:
        raise ClientError(error, "UpdateItem")

    return operation


@pytest.mark.parametrize(
    ("code", "retryable"),
    [("ThrottlingException", True), ("InternalServerError", True), ("AccessDeniedException", False)],
)
def test_a_failure_becomes_a_dependency_error(code: str, retryable: bool) -> None:
    """It names the operation and DynamoDB's own code."""
    with pytest.raises(DependencyError, match="dynamodb: read: ") as caught:
        request(failing(code), "read")

    assert (code, retryable) == (caught.value.code, caught.value.retryable)


def test_a_timeout_may_have_taken_effect() -> None:
    """Nobody knows whether the write was made."""

    def operation(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="x")

    with pytest.raises(DependencyError) as caught:
        request(operation, "write")

    assert caught.value.processed is None


@pytest.mark.parametrize("code", ["ConditionalCheckFailedException", "TransactionCanceledException"])
def test_a_failed_condition_comes_out_as_it_is(code: str) -> None:
    """Whoever set the condition reads what it met."""
    with pytest.raises(ClientError) as caught:
        request(failing(code), "write")

    assert {"pk": "a"} == failed_item(caught.value)


def test_many_items_are_one_request(aws: Aws) -> None:
    """Those that are there come back by key; a key named twice is asked for once."""
    client = aws.client("dynamodb")
    client.put_item(TableName=aws.table, Item={"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "1"}})

    found = get_many(client, aws.table, [("a", "b"), ("a", "c"), ("a", "b")], "read")

    assert {("a", "b"): {"pk": "a", "sk": "b", "n": 1}} == found


@pytest.mark.parametrize("left", [1, 2])
def test_unprocessed_keys_are_asked_for_once_more(left: int) -> None:
    """A throttled batch is completed, or it fails; it never passes for a smaller one."""
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    requests: list[Any] = []

    class Client:
        def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - botocore's name
            requests.append(RequestItems)
            if len(requests) <= left:
                return {"Responses": {}, "UnprocessedKeys": RequestItems}
            return {"Responses": {"t": [item]}}

    if left == 1:
        assert [("a", "b")] == list(get_many(Client(), "t", [("a", "b")], "read"))
    else:
        with pytest.raises(DependencyError, match="unprocessed"):
            get_many(Client(), "t", [("a", "b")], "read")


@pytest.mark.parametrize("doc", [None, "", "no JSON", json.dumps([1]), 5])
def test_a_broken_doc_is_a_config_error(doc: Any) -> None:
    """An item somebody wrote by hand is told by its key."""
    with pytest.raises(ConfigError, match="NUMBER"):
        doc_of({"pk": "NUMBER#1", "sk": "META", "doc": doc})
