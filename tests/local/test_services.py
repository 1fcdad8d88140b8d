"""MiniStack and what is made in it; the SQS event source over it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from local.processes import Process, StartError, free_port
from local.queues import QueuePoller, failed_messages
from local.services import (
    Endpoints,
    make_resources,
    make_secret,
    random_password,
    start_ministack,
    wait_until_reachable,
)
from local.settings import LocalSettings, load_settings
from local.template import FunctionRef, QueueSource, read_template
from local.workers import Outcome
from tests.local.conftest import STACK, Stack, listening_addresses, until

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".local" / "tools"
needs_ministack = pytest.mark.skipif(
    not (TOOLS / "ministack").exists(), reason="MiniStack is not installed; `make test` installs it"
)


@dataclass
class Aws:
    process: Process
    endpoints: Endpoints
    settings: LocalSettings


def prepare(home: Path) -> None:
    home.mkdir(exist_ok=True)
    if not (home / "tools").exists():
        (home / "tools").symlink_to(TOOLS)


async def launch(home: Path) -> Aws:
    prepare(home)
    settings = load_settings({"RINGFOLD_HOME": str(home)})
    process, port = start_ministack(settings)
    await process.wait_for_port(port)
    return Aws(process, Endpoints("us-east-1", f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}"), settings)


@pytest_asyncio.fixture
async def aws(tmp_path: Path) -> AsyncIterator[Aws]:
    started = await launch(tmp_path / "home")
    yield started
    await started.process.stop()


@needs_ministack
async def test_resources_are_made_once_and_survive_a_restart(tmp_path: Path) -> None:
    """Tables, queues and secrets are made as the template says; again is harmless; a restart keeps them all."""
    template = read_template(STACK)
    aws = await launch(tmp_path / "home")
    first = await asyncio.to_thread(make_resources, template, aws.endpoints)
    again = await asyncio.to_thread(make_resources, template, aws.endpoints)
    table = template.tables[0].name
    dynamodb = aws.endpoints.client("dynamodb")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "kept"}})
    described = dynamodb.describe_table(TableName=table)["Table"]
    expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    redrive = aws.endpoints.client("sqs").get_queue_attributes(
        QueueUrl=first["Work", "Ref"], AttributeNames=["RedrivePolicy"]
    )["Attributes"]["RedrivePolicy"]
    await aws.process.stop()

    aws = await launch(tmp_path / "home")
    restarted = await asyncio.to_thread(make_resources, template, aws.endpoints)
    item = aws.endpoints.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": "kept"}})["Item"]
    secret = aws.endpoints.client("secretsmanager").get_secret_value(SecretId=first["Key", "Ref"])["SecretString"]
    await aws.process.stop()

    kept = {key: value for key, value in first.items() if key[1] not in {"Ref", "QueueUrl"} or key[0] == "Key"}
    assert first == again
    assert kept.items() <= restarted.items()
    assert {"pk": {"S": "kept"}} == item
    assert 40 == len(json.loads(secret)["key"])
    assert ("expires_at", "NEW_IMAGE") == (
        expiry["AttributeName"], described["StreamSpecification"]["StreamViewType"],
    )  # fmt: skip
    assert first["DeadLetters", "Arn"] == json.loads(redrive)["deadLetterTargetArn"]


@needs_ministack
async def test_ministack_listens_on_loopback_only(aws: Aws) -> None:
    """Nobody outside this machine reaches the services."""
    assert {"127.0.0.1"} == listening_addresses(int(aws.endpoints.aws.rpartition(":")[2]))


async def test_missing_ministack_is_explained(tmp_path: Path) -> None:
    """Without MiniStack the message says what installs it."""
    with pytest.raises(StartError, match="make run"):
        start_ministack(load_settings({"RINGFOLD_HOME": str(tmp_path)}))


def test_unreachable_engine_is_explained() -> None:
    """An engine that does not answer is named."""

    def nobody() -> None:
        raise_connection_error()

    with pytest.raises(StartError, match=r"nothing answers at http://x; is AWS_ENDPOINT_URL_DYNAMODB right\?"):
        wait_until_reachable(nobody, "http://x", timeout_s=0.15)


def raise_connection_error() -> None:
    endpoints = Endpoints("us-east-1", "http://127.0.0.1:9", "http://127.0.0.1:9")
    endpoints.client("dynamodb").list_tables()


@needs_ministack
async def test_another_table_engine_is_waited_for(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are made in another engine when one is named, even if it comes up later; no profile matters."""
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this-profile")
    port = free_port()
    endpoints = Endpoints("us-east-1", aws.endpoints.aws, f"http://127.0.0.1:{port}")
    monkeypatch.setattr("local.services.free_port", lambda: port)
    making = asyncio.create_task(asyncio.to_thread(make_resources, read_template(STACK), endpoints))
    await asyncio.sleep(0.3)
    other = await launch(tmp_path / "other")
    await making
    tables = [each.client("dynamodb").list_tables()["TableNames"] for each in (endpoints, aws.endpoints)]
    await other.process.stop()

    assert [["ringfold-local-Table"], []] == tables


@needs_ministack
async def test_secret_is_made_once(aws: Aws) -> None:
    """A secret's value is asked for only when it does not exist."""
    manager = aws.endpoints.client("secretsmanager")
    values: Iterator[str] = iter(["first"])

    arns = {make_secret(manager, "/a/b", lambda: next(values)) for _ in range(2)}

    assert 1 == len(arns)


def test_made_up_secrets() -> None:
    """A generated value has the length and the letters asked for."""
    password = random_password({"PasswordLength": 500, "ExcludePunctuation": True, "ExcludeCharacters": "aB1"})

    assert 500 == len(password)
    assert password.isalnum()
    assert set("aB1").isdisjoint(password)


# --- the event source --------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def queue(aws: Aws, stack: Stack) -> AsyncIterator[tuple[Any, str, str]]:
    """A polled queue: its client, its URL and its dead letters' URL."""
    made = await asyncio.to_thread(make_resources, stack.template, aws.endpoints)
    (source,) = stack.template.queue_sources
    url, arn = made["Work", "Ref"], made["Work", "Arn"]
    poller = QueuePoller(source, url, arn, lambda: aws.endpoints.client("sqs"), stack.workers, stack.traffic)
    poller.start()
    yield aws.endpoints.client("sqs"), url, made["DeadLetters", "Ref"]
    await poller.stop()


def events(stack: Stack) -> list[Any]:
    lines = [record["line"] for record in stack.traffic.records(kind="log") if record["function"] == "queue"]
    return [json.loads(line)["queue"] for line in lines if line.startswith('{"queue"')]


@needs_ministack
async def test_messages_become_events_and_are_deleted(stack: Stack, queue: tuple[Any, str, str]) -> None:
    """A message arrives as SQS's event, after its delay, and is deleted when it was handled."""
    sqs, url, _ = queue
    started = time.monotonic()
    attributes = {"kind": {"DataType": "String", "StringValue": "look"}}
    sqs.send_message(QueueUrl=url, MessageBody='{"n": 1}', DelaySeconds=1, MessageAttributes=attributes)

    event = await stack.printed("queue", "queue")
    waited_s = time.monotonic() - started
    await asyncio.sleep(1.3)

    (record,) = event["Records"]
    assert '{"n": 1}' == record["body"]
    assert "look" == record["messageAttributes"]["kind"]["stringValue"]
    assert ("aws:sqs", "1") == (record["eventSource"], record["attributes"]["ApproximateReceiveCount"])
    assert 0.9 < waited_s < 3
    assert 1 == len(events(stack))


@needs_ministack
async def test_only_failed_messages_come_back_then_go_to_the_dead_letters(
    stack: Stack, queue: tuple[Any, str, str]
) -> None:
    """Of a batch only what was reported failed comes back, as often as allowed, and ends with the dead letters."""
    sqs, url, dead_url = queue
    entries = [{"Id": str(n), "MessageBody": json.dumps({"n": n, "fail": n == 2})} for n in range(3)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def dead() -> list[Any]:
        found: list[Any] = sqs.receive_message(QueueUrl=dead_url, VisibilityTimeout=0).get("Messages", [])
        return found

    await until(lambda: len(dead()) == 1)

    bodies = [json.loads(record["body"])["n"] for event in events(stack) for record in event["Records"]]
    assert [0, 1, 2, 2] == sorted(bodies)


def outcome(answer: Any, *, failed: bool = False) -> Outcome:
    return Outcome("r", json.dumps(answer).encode(), failed, 1.0)


@pytest.mark.parametrize(
    ("answer", "failed", "partial", "expected"),
    [
        (None, False, True, set()),
        ({"batchItemFailures": []}, False, True, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, False, True, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, False, False, set()),
        ({"batchItemFailures": [{"itemIdentifier": "other"}]}, False, True, {"a", "b"}),
        ({"batchItemFailures": [{"wrong": "b"}]}, False, True, {"a", "b"}),
        ({"errorType": "x"}, True, True, {"a", "b"}),
    ],
)
def test_which_messages_failed(answer: Any, failed: bool, partial: bool, expected: set[str]) -> None:
    """Lambda's rules: all or nothing without partial failures; nonsense means all of them."""
    source = QueueSource("Q", FunctionRef("f"), 10, 0, partial, 10)

    assert expected == failed_messages(outcome(answer, failed=failed), ["a", "b"], source)
