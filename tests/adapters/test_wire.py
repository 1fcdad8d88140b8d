"""DynamoDB and SQS over signed JSON, against the real engine and against a server that misbehaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from ringfold.adapters.wire import DynamoDb, JsonService, Sqs
from tests.aws import REGION, Aws

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def service(endpoint: str, name: str = "dynamodb", target: str = "DynamoDB_20120810") -> JsonService:
    """A service with keys that open nothing."""
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE", "secret")
    return JsonService(session, name, REGION, endpoint, target, read_timeout_s=1.0)


@contextmanager
def answering(*answers: tuple[int, bytes]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that gives these answers in turn, and what it was asked."""
    asked: list[dict[str, Any]] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append({"headers": dict(self.headers), "body": json.loads(body)})
            status, answer = left.pop(0)
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_the_engine_understands_it(aws: Aws) -> None:
    """What is written is read, and a condition that fails is botocore's own exception with the item."""
    table = DynamoDb(service(aws.endpoint))
    table.update_item(
        TableName=aws.table, Key=KEY, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "1"}}
    )

    found = table.get_item(TableName=aws.table, Key=KEY, ConsistentRead=True)
    with pytest.raises(ClientError) as caught:
        table.update_item(
            TableName=aws.table,
            Key=KEY,
            UpdateExpression="SET n = :n",
            ConditionExpression="n = :n",
            ExpressionAttributeValues={":n": {"N": "2"}},
        )

    assert {"N": "1"} == found["Item"]["n"]
    assert "ConditionalCheckFailedException" == caught.value.response["Error"]["Code"]


def test_a_message_is_queued(aws: Aws) -> None:
    """SQS speaks the same protocol."""
    url = aws.client("sqs").create_queue(QueueName=f"wire-{aws.table}")["QueueUrl"]

    Sqs(service(aws.endpoint, "sqs", "AmazonSQS")).send_message(QueueUrl=url, MessageBody="look", DelaySeconds=0)

    received = aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=2)
    assert ["look"] == [m["Body"] for m in received["Messages"]]


@pytest.mark.parametrize(
    "first",
    [
        (500, b'{"__type":"com.amazonaws#InternalServerError"}'),
        (400, b'{"__type":"com.amazonaws#ProvisionedThroughputExceededException"}'),
    ],
)
def test_a_failure_of_the_service_is_tried_once_more(first: tuple[int, bytes]) -> None:
    """A throttle or a 5xx may pass; the request is one that may be repeated."""
    with answering(first, (200, b'{"Item":{}}')) as (endpoint, asked):
        found = DynamoDb(service(endpoint)).get_item(TableName="t", Key=KEY)

    assert {"Item": {}} == found
    assert 2 == len(asked)
    assert "DynamoDB_20120810.GetItem" == asked[0]["headers"]["X-Amz-Target"]
    assert asked[0]["headers"]["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


def test_a_refusal_is_not_tried_again() -> None:
    """What is wrong stays wrong."""
    refusal = (400, b'{"__type":"x#ValidationException","message":"no path"}')
    with answering(refusal) as (endpoint, asked), pytest.raises(ClientError) as caught:
        DynamoDb(service(endpoint)).get_item(TableName="t", Key=KEY)

    assert {"Code": "ValidationException", "Message": "no path"} == caught.value.response["Error"]
    assert 1 == len(asked)


def test_an_answer_that_is_not_json_is_a_refusal() -> None:
    """A load balancer's page is no item."""
    with answering((502, b"<html>"), (502, b"<html>")) as (endpoint, _), pytest.raises(ClientError):
        DynamoDb(service(endpoint)).get_item(TableName="t", Key=KEY)


def test_a_service_out_of_reach_is_botocores_own_exception() -> None:
    """The adapters above translate it like any other."""
    with pytest.raises(HTTPClientError):
        DynamoDb(service("http://127.0.0.1:9")).get_item(TableName="t", Key=KEY)
