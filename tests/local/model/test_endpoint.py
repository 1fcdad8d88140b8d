"""Whole exchanges with a real botocore client over a real socket: the answer, and every fault of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.eventstream import ChecksumMismatch, InvalidPayloadLength
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import ReadTimeoutError as Urllib3ReadTimeoutError

from local.model import faults
from tests.local.model.builders import AIRLINE_TOOLS, FALLBACK, MODEL, a_body, a_client, read_stream, user
from tests.local.model.conftest import Model

FIELDS = {"messages": [user("Is my flight delayed?")], "inferenceConfig": {"maxTokens": 300}}
WITH_TOOLS = {**FIELDS, "toolConfig": {"tools": AIRLINE_TOOLS}}


def ask(model: Model, model_id: str = MODEL, client: Any = None, **fields: Any) -> Any:
    """Ask with tools offered; gives the stream."""
    return model.ask(model_id, client, **{**WITH_TOOLS, **fields})


@pytest.fixture(scope="module")
def hasty(model_url: str) -> Iterator[Any]:
    """A client that hardly waits for the next byte."""
    client = a_client(model_url, read_timeout=0.4)
    yield client
    client.close()


def note_events(stream: Any, seen: list[str]) -> None:
    """Note the names of a stream's events, also when it breaks."""
    for event in stream:
        seen.append(next(iter(event)))  # noqa: PERF401 - a comprehension would lose what came before the break


def test_an_answer_streams_to_a_real_client(model: Model) -> None:
    """Botocore reads text, stop reason and metadata of a streamed answer."""
    events = list(ask(model))

    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert "confirmation code" in text
    assert {"messageStart": {"role": "assistant"}} == {"messageStart": {"role": events[0]["messageStart"]["role"]}}
    assert "end_turn" == events[-2]["messageStop"]["stopReason"]
    usage = events[-1]["metadata"]["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert usage["inputTokens"] > 300
    assert 5 < usage["outputTokens"] < 40


def test_a_tool_call_streams_to_a_real_client(model: Model) -> None:
    """Words first, then the tool call, its input in fragments that make JSON."""
    text, calls, stop_reason = read_stream(ask(model, messages=[user("My code is A B C one two three")]))

    assert text
    assert ["lookup_reservation"] == [call["name"] for call in calls]
    assert {"confirmation_code": "ABC123"} == json.loads(calls[0]["input"])
    assert "tool_use" == stop_reason


def test_the_same_request_gets_the_same_answer(model: Model) -> None:
    """Wording depends on the conversation and on nothing else."""
    assert read_stream(ask(model))[0] == read_stream(ask(model, FALLBACK))[0]


def test_converse_gives_the_same_in_one_piece(model: Model) -> None:
    """The operation without streaming answers with the streamed text."""
    answer = model.client.converse(modelId=MODEL, **WITH_TOOLS)

    assert read_stream(ask(model))[0] == answer["output"]["message"]["content"][0]["text"]
    assert "end_turn" == answer["stopReason"]


def test_max_tokens_cuts_the_answer(model: Model) -> None:
    """An answer ends at ``maxTokens`` and says so."""
    text, _, stop_reason = read_stream(ask(model, inferenceConfig={"maxTokens": 3}))

    assert "max_tokens" == stop_reason
    assert 3 == model.requests()[-1]["tokens"]
    assert text


def test_a_stop_sequence_ends_the_answer(model: Model) -> None:
    """An answer ends before a stop sequence."""
    fields = {"maxTokens": 300, "stopSequences": ["confirmation"]}

    text, _, stop_reason = read_stream(ask(model, inferenceConfig=fields))

    assert ("stop_sequence", False) == (stop_reason, "confirmation" in text)


def test_an_illegal_request_is_refused(model: Model) -> None:
    """The judge's verdict reaches the client as a ValidationException and the log as refused."""
    with pytest.raises(ClientError, match="must start with a user message") as refused:
        ask(model, messages=[{"role": "assistant", "content": [{"text": "Hello."}]}])

    assert "ValidationException" == refused.value.response["Error"]["Code"]
    assert 400 == refused.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert "refused" == model.requests()[-1]["state"]


def test_unsigned_requests_are_refused(model: Model) -> None:
    """Whoever forgets to sign learns it here and not in production."""
    answer = httpx.post(f"{model.url}/model/{MODEL}/converse-stream", json=a_body(), trust_env=False)

    assert 403 == answer.status_code
    assert "MissingAuthenticationTokenException" == answer.headers["x-amzn-errortype"]


@pytest.mark.parametrize(
    ("behaviour", "code", "status"),
    [
        ({"fault": "throttle"}, "ThrottlingException", 429),
        ({"fault": "error"}, "InternalServerException", 500),
        ({"fault": "error", "exception": "ServiceUnavailableException"}, "ServiceUnavailableException", 503),
        ({"fault": "error", "exception": "ModelErrorException"}, "ModelErrorException", 424),
        ({"fault": "error", "exception": "ModelNotReadyException"}, "ModelNotReadyException", 429),
        ({"fault": "error", "exception": "AccessDeniedException"}, "AccessDeniedException", 403),
        ({"fault": "error", "exception": "ResourceNotFoundException"}, "ResourceNotFoundException", 404),
    ],
)
def test_errors_come_instead_of_a_stream(model: Model, behaviour: dict[str, Any], code: str, status: int) -> None:
    """Errors at open carry the service's name and status, once, then the model answers again."""
    model.behave(**behaviour, times=1)

    with pytest.raises(ClientError) as failed:
        ask(model)

    assert code == failed.value.response["Error"]["Code"]
    assert status == failed.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert "failed" == model.requests()[-1]["state"]
    assert read_stream(ask(model))[0]


def test_a_fault_may_be_meant_for_one_model(model: Model) -> None:
    """The first model throttles, the second answers."""
    model.behave(fault="throttle", models=["us.anthropic."])

    with pytest.raises(ClientError, match="ThrottlingException"):
        ask(model, MODEL)

    assert read_stream(ask(model, FALLBACK))[0]


def test_hang_sends_nothing(model: Model, hasty: Any) -> None:
    """A request that is never answered ends at the client's read timeout, and counts as cancelled."""
    model.behave(fault="hang")

    with pytest.raises(ReadTimeoutError):
        ask(model, client=hasty)


def test_stall_opens_and_says_nothing(model: Model, hasty: Any) -> None:
    """The stream opens at once, then nothing comes."""
    model.behave(fault="stall")

    stream = ask(model, client=hasty)

    with pytest.raises((ReadTimeoutError, Urllib3ReadTimeoutError)):
        next(iter(stream))


@pytest.mark.parametrize(
    ("after_tokens", "names"), [(0, ["messageStart"]), (2, ["messageStart", *["contentBlockDelta"] * 2])]
)
def test_stall_after_stops_amid_the_answer(model: Model, hasty: Any, after_tokens: int, names: list[str]) -> None:
    """So many tokens come, then nothing."""
    model.behave(fault="stall_after", after_tokens=after_tokens)
    seen: list[str] = []

    with pytest.raises((ReadTimeoutError, Urllib3ReadTimeoutError)):
        note_events(ask(model, client=hasty), seen)

    assert names == seen


def test_die_after_cuts_the_connection(model: Model) -> None:
    """The connection ends amid the answer, as urllib3 reports it, not botocore."""
    model.behave(fault="die_after", after_tokens=3)
    seen: list[str] = []

    with pytest.raises(ProtocolError):
        note_events(ask(model), seen)

    assert 3 == seen.count("contentBlockDelta")
    assert ("failed", "connection cut", 3) == tuple(model.requests()[-1][key] for key in ("state", "error", "tokens"))


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        (None, "modelStreamErrorException"),
        ("ThrottlingException", "throttlingException"),
        ("ServiceUnavailableException", "serviceUnavailableException"),
    ],
)
def test_exceptions_come_amid_a_stream(model: Model, exception: str | None, code: str) -> None:
    """An exception inside the stream surfaces from iteration under its lower-camel name."""
    model.behave(fault="exception_after", after_tokens=2, exception=exception)
    seen: list[str] = []

    with pytest.raises(EventStreamError) as failed:
        note_events(ask(model), seen)

    assert code == failed.value.response["Error"]["Code"]
    assert 2 == seen.count("contentBlockDelta")


@pytest.mark.parametrize(("fault", "text"), [("empty", ""), ("blank", " \n  \t")])
def test_answers_without_words(model: Model, fault: str, text: str) -> None:
    """An answer may end without a block, or hold nothing but white space."""
    model.behave(fault=fault)

    assert (text, [], "end_turn") == read_stream(ask(model))


def test_tool_only_says_no_word(model: Model) -> None:
    """The dialogue's tool call comes without its preamble."""
    model.behave(fault="tool_only")

    text, calls, stop_reason = read_stream(ask(model, messages=[user("ABC123")]))

    assert ("", ["lookup_reservation"], "tool_use") == (text, [call["name"] for call in calls], stop_reason)


@pytest.mark.parametrize("fault", ["tool_only", "tool_loop", "bad_tool_types", "bad_tool_json"])
def test_faulty_tool_calls_name_an_offered_tool(model: Model, fault: str) -> None:
    """A tool call that has no reason still names a tool that was offered, a harmless one."""
    model.behave(fault=fault)

    _, calls, stop_reason = read_stream(ask(model, messages=[user("Hello")]))

    assert (["lookup_reservation"], "tool_use") == ([call["name"] for call in calls], stop_reason)


def test_bad_tool_json_does_not_parse(model: Model) -> None:
    """The input of the call ends in the middle."""
    model.behave(fault="bad_tool_json")

    (call,) = read_stream(ask(model))[1]

    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(call["input"])


def test_bad_tool_types_are_json_of_the_wrong_kind(model: Model) -> None:
    """Where the schema wants a string there is a list."""
    model.behave(fault="bad_tool_types")

    (call,) = read_stream(ask(model))[1]

    assert isinstance(json.loads(call["input"])["confirmation_code"], list)


def test_unknown_tool_was_not_offered(model: Model) -> None:
    """The model may ask for a tool nobody has."""
    model.behave(fault="unknown_tool")

    (call,) = read_stream(ask(model))[1]

    assert call["name"] not in {tool["toolSpec"]["name"] for tool in AIRLINE_TOOLS}


def test_markdown_holds_what_must_not_be_spoken(model: Model) -> None:
    """Markdown, links, SSML and control characters come through unchanged."""
    model.behave(fault="markdown")

    text, _, _ = read_stream(ask(model))

    assert all(part in text for part in ("**OWL-101**", "https://", "<speak>", "\a", "😀", "| flight |"))


def test_long_is_ten_thousand_words(model: Model) -> None:
    """A runaway answer, where ``maxTokens`` allows it."""
    model.behave(fault="long")

    text, _, _ = read_stream(ask(model, inferenceConfig={"maxTokens": 50_000}))

    assert 10_000 <= len(text.split())


@pytest.mark.parametrize("stop_reason", ["guardrail_intervened", "content_filtered", "a_new_reason"])
def test_any_stop_reason_can_be_had(model: Model, stop_reason: str) -> None:
    """Refusals and reasons nobody has heard of."""
    model.behave(fault="stop_reason", stop_reason=stop_reason)

    assert stop_reason == read_stream(ask(model))[2]


@pytest.mark.parametrize(("fault", "error"), [("bad_crc", ChecksumMismatch), ("oversized", InvalidPayloadLength)])
def test_broken_frames(model: Model, fault: str, error: type[Exception]) -> None:
    """A wrong checksum and a length beyond all bounds are found by botocore's parser."""
    model.behave(fault=fault, after_tokens=1)

    with pytest.raises((error, ChecksumMismatch)):
        list(ask(model))


def test_a_truncated_message_ends_the_stream_early(model: Model) -> None:
    """Half a message and a clean end: the client sees a stream without messageStop."""
    model.behave(fault="truncated", after_tokens=2)

    seen: list[str] = []

    note_events(ask(model), seen)

    assert ["messageStart", *["contentBlockDelta"] * 2] == seen


@pytest.mark.parametrize("fault", ["unknown_event", "out_of_order"])
def test_noise_amid_the_answer(model: Model, fault: str) -> None:
    """Events that make no sense come between, and the answer goes on."""
    plain = read_stream(ask(model))[0]
    model.behave(fault=fault)

    events = [event for event in ask(model) if event]

    text = "".join(event.get("contentBlockDelta", {}).get("delta", {}).get("text", "") for event in events)
    assert plain == text


def test_scripted_replies(model: Model) -> None:
    """A script gives the next replies, then the dialogue is back."""
    model.behave(script=[{"text": "One."}, {"text": "Two.", "tool": "change_seat", "input": {"seat": "14F"}}])

    first, second, third = (read_stream(ask(model)) for _ in range(3))

    assert ("One.", [], "end_turn") == first
    assert ("Two.", "change_seat", '{"seat": "14F"}') == (second[0], second[1][0]["name"], second[1][0]["input"])
    assert "confirmation code" in third[0]


def test_late_headers_wait_for_the_first_token(model: Model, hasty: Any) -> None:
    """The stream may open only when the first token is there: then the call itself is what waits."""
    model.behave(first_token_ms=5000, late_headers=True)

    with pytest.raises(ReadTimeoutError):
        ask(model, client=hasty)


def test_every_fault_of_the_catalogue_is_tested_here() -> None:
    """A new fault brings its test."""
    with open(__file__, encoding="utf-8") as source:  # noqa: PTH123 - reading this very file
        text = source.read()

    assert [] == [name for name in faults.ALL if f'"{name}"' not in text and name not in {"none", "slow"}]
