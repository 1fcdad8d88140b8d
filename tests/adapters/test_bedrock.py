"""Bedrock on the wire: botocore's real client against the scripted model, over real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool

from local.model.app import build_app
from local.model.pacing import Pace
from ringfold.adapters import bedrock
from ringfold.adapters.bedrock import Bedrock, Stream, read_events
from ringfold.core.commands import ModelCalled, ModelFailed, ModelSaid, ModelStopped
from tests.local.model.builders import AIRLINE_TOOLS, MODEL, a_client, user
from tests.local.model.conftest import Model, ServerThread

ASK = {
    "messages": [user("Is my flight delayed?")],
    "inferenceConfig": {"maxTokens": 300},
    "toolConfig": {"tools": AIRLINE_TOOLS},
}
GONE_MS = 300
"""A closed stream has let go of its thread by then."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ServerThread(build_app(pace=Pace(0, 0))) as url:
        yield url


@pytest.fixture(scope="module")
def port(server: str) -> Iterator[Bedrock]:
    client = a_client(server, read_timeout=5)
    yield Bedrock(client)
    client.close()


@pytest.fixture
def model(server: str) -> Iterator[Model]:
    with httpx.Client(base_url=server) as control:
        control.put("/_control/behaviour", json={})
        control.delete("/_control/requests")
        yield Model(server, control, None)


class Asked:
    """A request under way in a thread of its own."""

    def __init__(self, port: Bedrock, number: int = 1, **fields: Any) -> None:
        self.events: list[Any] = []
        self.stream: Stream = port.stream(number)
        self.any = threading.Event()
        request = {**ASK, **fields}
        self.thread = threading.Thread(target=lambda: port.run(self.stream, MODEL, request, self._take), daemon=True)
        self.thread.start()

    def _take(self, event: Any) -> None:
        self.events.append(event)
        self.any.set()

    def close(self) -> float:
        """Close it; milliseconds until its thread has come back."""
        since = time.monotonic()
        self.stream.close()
        self.thread.join(5)
        assert not self.thread.is_alive()
        return (time.monotonic() - since) * 1000

    def finish(self) -> list[Any]:
        """All its events."""
        self.thread.join(8)
        assert not self.thread.is_alive()
        return self.events


def settle(model: Model, state: str, count: int = 1) -> None:
    """Wait until the server has seen so many requests come to this end."""
    for _ in range(100):
        if model.counts().get(state, 0) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(model.counts())


# --- answers ----------------------------------------------------------------------------------------------------------
def test_an_answer_comes_in_pieces_and_ends_with_its_usage(model: Model, port: Bedrock) -> None:
    """Text as it streams, then the reason and the counts."""
    *said, stopped = Asked(port, 7).finish()

    assert all(isinstance(event, ModelSaid) and event.stream == 7 for event in said)
    assert len(said) > 3
    assert "confirmation code" in "".join(event.text for event in said)
    assert isinstance(stopped, ModelStopped)
    assert ("end_turn", {"inputTokens", "outputTokens"}) == (stopped.reason, set(stopped.usage))


def test_a_tool_call_comes_whole(model: Model, port: Bedrock) -> None:
    """Its fragments joined, after the words before it."""
    events = Asked(port, messages=[user("My code is A B C one two three")]).finish()

    (call,) = [event for event in events if isinstance(event, ModelCalled)]
    assert ("lookup_reservation", {"confirmation_code": "ABC123"}) == (call.name, json.loads(call.arguments))
    assert call.tool_use_id
    assert "tool_use" == events[-1].reason


def test_one_connection_carries_one_answer_after_another(model: Model) -> None:
    """Nobody on the line waits for a handshake: an answer read to its end leaves its connection to the next."""
    client = a_client(model.url)
    made = []
    port = Bedrock(client)
    connect = bedrock._Plain.connect

    def counted(connection: Any) -> None:
        made.append(connection)
        connect(connection)

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bedrock._Plain, "connect", counted)
            port.warm()
            for number in range(4):
                assert isinstance(Asked(port, number).finish()[-1], ModelStopped)
    finally:
        client.close()

    assert 1 == len(made)


def test_a_late_close_does_not_cut_the_next_answer(model: Model, port: Bedrock) -> None:
    """A finished stream has let go of its connection, whoever uses it now."""
    first = Asked(port)
    first.finish()
    model.behave(first_token_ms=100)
    second = Asked(port)
    second.stream.sent.wait(2)

    first.stream.close()

    assert isinstance(second.finish()[-1], ModelStopped)


# --- closing ----------------------------------------------------------------------------------------------------------
@pytest.mark.accept("E4")
@pytest.mark.parametrize(
    ("behaviour", "first"),
    [
        ({"fault": "hang"}, False),
        ({"fault": "stall"}, False),
        ({"fault": "stall_after", "after_tokens": 2}, True),
        ({"token_ms": 200}, True),
    ],
    ids=["before the headers", "before the first token", "in a stall", "mid-stream"],
)
def test_a_closed_stream_comes_back_at_once_and_the_model_sees_it(
    model: Model, port: Bedrock, behaviour: dict[str, Any], first: bool
) -> None:
    """Wherever it is blocked; nothing is emitted afterwards."""
    model.behave(**behaviour)
    asked = Asked(port)
    asked.stream.sent.wait(2)
    if first:
        assert asked.any.wait(2)
    else:
        time.sleep(0.05)  # until the server has it
    before = len(asked.events)

    took = asked.close()

    assert took < GONE_MS
    assert before == len(asked.events)
    assert not any(isinstance(event, ModelFailed) for event in asked.events)
    settle(model, "cancelled")


def test_a_stream_closed_before_it_is_sent_says_nothing(model: Model, port: Bedrock) -> None:
    """The floor may be lost before the request has left."""
    stream = port.stream(1)
    events: list[Any] = []
    model.behave(fault="hang")
    stream.close()
    since = time.monotonic()

    port.run(stream, MODEL, ASK, events.append)

    assert [] == events
    assert (time.monotonic() - since) * 1000 < GONE_MS


def test_a_stream_closed_while_it_connects_is_stopped_all_the_same(
    model: Model, port: Bedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There was no socket to shut yet."""
    model.behave(fault="hang")
    client = a_client(model.url)
    slow = Bedrock(client)
    connecting, go_on = threading.Event(), threading.Event()
    connect = bedrock._Plain.connect

    def delayed(connection: Any) -> None:
        connecting.set()
        go_on.wait(5)
        connect(connection)

    monkeypatch.setattr(bedrock._Plain, "connect", delayed)
    asked = Asked(slow)
    assert connecting.wait(2)
    asked.stream.close()
    go_on.set()
    since = time.monotonic()

    asked.finish()

    assert (time.monotonic() - since) * 1000 < GONE_MS
    assert [] == asked.events
    client.close()


def test_closing_twice_and_after_the_end_is_harmless(model: Model, port: Bedrock) -> None:
    """The driver closes whatever it has opened."""
    asked = Asked(port)
    asked.finish()

    asked.stream.close()
    asked.stream.close()


# --- faults -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"fault": "throttle"}, "ThrottlingException"),
        ({"fault": "error"}, "InternalServerException"),
        ({"fault": "error", "exception": "ServiceUnavailableException"}, "ServiceUnavailableException"),
        ({"fault": "error", "exception": "ModelErrorException"}, "ModelErrorException"),
        ({"fault": "error", "exception": "AccessDeniedException"}, "AccessDeniedException"),
        ({"fault": "error", "exception": "ResourceNotFoundException"}, "ResourceNotFoundException"),
        ({"fault": "exception_after", "exception": "ThrottlingException"}, "throttlingException"),
        ({"fault": "exception_after"}, "modelStreamErrorException"),
        ({"fault": "die_after"}, ""),
        ({"fault": "die_after", "after_tokens": 0}, ""),
        ({"fault": "bad_crc"}, "ChecksumMismatch"),
        ({"fault": "bad_crc", "after_tokens": 0}, "ChecksumMismatch"),
        ({"fault": "oversized"}, "ChecksumMismatch"),
        ({"fault": "truncated"}, "StreamEnded"),
        ({"fault": "truncated", "after_tokens": 0}, "StreamEnded"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_every_broken_answer_ends_in_one_failure(
    model: Model, port: Bedrock, behaviour: dict[str, Any], code: str
) -> None:
    """Rows 73, 75, 79: the turn hears of it, once, as the last thing, and with the service's own code."""
    model.behave(**behaviour)

    *said, last = Asked(port).finish()

    assert isinstance(last, ModelFailed)
    assert code in last.code
    assert last.code
    assert all(isinstance(event, ModelSaid) for event in said)


def test_a_model_that_stalls_for_ever_fails_by_its_timeout(model: Model) -> None:
    """Row 81: the bound of last resort, also for a socket that could not be shut."""
    client = a_client(model.url, read_timeout=0.2)
    model.behave(fault="stall_after", after_tokens=1)
    try:
        events = Asked(Bedrock(client)).finish()
    finally:
        client.close()

    assert isinstance(events[-1], ModelFailed)


@pytest.mark.parametrize("fault", ["unknown_event", "out_of_order"])
def test_noise_in_the_stream_is_no_failure(model: Model, port: Bedrock, fault: str) -> None:
    """Row 75: an event of a new type, blocks where they make no sense: the answer goes on."""
    model.behave(fault=fault)

    *_, last = Asked(port).finish()

    assert isinstance(last, ModelStopped | ModelFailed)


@pytest.mark.parametrize(("fault", "reason"), [("empty", "end_turn"), ("blank", "end_turn")])
def test_an_answer_without_words_is_an_ordinary_end(model: Model, port: Bedrock, fault: str, reason: str) -> None:
    """Row 74: whether that is enough is for the turn to say."""
    model.behave(fault=fault)

    events = Asked(port).finish()

    assert reason == events[-1].reason
    assert "" == "".join(event.text for event in events[:-1]).strip()


@pytest.mark.parametrize("reason", ["max_tokens", "guardrail_intervened", "content_filtered", "never_heard_of"])
def test_any_stop_reason_is_passed_on(model: Model, port: Bedrock, reason: str) -> None:
    """Row 76: known or not."""
    model.behave(fault="stop_reason", stop_reason=reason)

    assert reason == Asked(port).finish()[-1].reason


def test_broken_tool_arguments_are_passed_on_as_text(model: Model, port: Bedrock) -> None:
    """Row 77: the turn judges them."""
    model.behave(fault="bad_tool_json")

    (call,) = [event for event in Asked(port).finish() if isinstance(event, ModelCalled)]
    with pytest.raises(json.JSONDecodeError):
        json.loads(call.arguments)


def test_nobody_there_is_a_failure(port: Bedrock) -> None:
    """A closed port, told like any other."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    client = a_client(url)
    try:
        (event,) = Asked(Bedrock(client)).finish()
        Bedrock(client).warm()
    finally:
        client.close()

    assert isinstance(event, ModelFailed)


@pytest.mark.parametrize(
    "events",
    [
        [{"contentBlockDelta": {}}],
        [{"contentBlockDelta": {"delta": {"toolUse": {"input": "{"}}, "contentBlockIndex": 5}}],
        [{"contentBlockStop": {"contentBlockIndex": 3}}, {"messageStop": {}}],
        [{"contentBlockStart": {"start": {}}}],
        [{"messageStop": {"stopReason": "end_turn"}}],
        [{}],
    ],
)
def test_odd_events_are_no_exception(events: list[dict[str, Any]]) -> None:
    """Missing fields are read as absent; there is one end."""
    ends = [event for event in read_events(1, events) if isinstance(event, ModelStopped | ModelFailed)]

    assert 1 == len(ends)


# --- what the cancellation leans on -----------------------------------------------------------------------------------
def test_the_insides_of_botocore_that_closing_leans_on_are_there(port: Bedrock) -> None:
    """Row 81: should an upgrade move them, this fails, and not a caller's barge-in."""
    manager = port._client._endpoint.http_session._manager

    assert {"http": bedrock._PlainPool, "https": bedrock._SecurePool} == manager.pool_classes_by_scheme
    assert issubclass(bedrock._Plain, AWSHTTPConnection)
    assert issubclass(bedrock._PlainPool, AWSHTTPConnectionPool)
    assert bedrock._Plain is bedrock._PlainPool.ConnectionCls


def test_the_socket_of_a_running_request_is_known(model: Model, port: Bedrock) -> None:
    """The connection noted is the one the bytes go over."""
    model.behave(fault="stall")
    asked = Asked(port)
    asked.stream.sent.wait(2)

    assert isinstance(asked.stream.connection.sock, socket.socket)
    asked.close()
