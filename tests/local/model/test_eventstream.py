"""The frame, against botocore's own parser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from local.model.eventstream import MAX_HEADER_VALUE_BYTES, encode_event, encode_exception, encode_message

CLEAN = st.text(max_size=200)  # hypothesis leaves surrogates out: they cannot be encoded
CLEAN_NAMES = st.text(min_size=1, max_size=60)


def messages_of(raw: bytes, buffer: EventStreamBuffer | None = None) -> list[Any]:
    """What botocore's parser finds in some bytes."""
    parser = buffer or EventStreamBuffer()
    parser.add_data(raw)
    return list(parser)


@given(st.dictionaries(CLEAN_NAMES, CLEAN, max_size=6), st.binary(max_size=2000))
def test_botocore_reads_what_was_framed(headers: dict[str, str], payload: bytes) -> None:
    """Whatever headers and payload, botocore's parser gives them back, its checksums satisfied."""
    (message,) = messages_of(encode_message(headers, payload))

    assert headers == message.headers
    assert payload == message.payload


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=8), st.integers(min_value=1, max_value=40))
def test_messages_are_found_in_any_chunks(payloads: list[bytes], size: int) -> None:
    """However the bytes are cut, the same messages come out in order."""
    raw = b"".join(encode_message({":event-type": "x"}, payload) for payload in payloads)
    buffer = EventStreamBuffer()
    found: list[bytes] = []

    for start in range(0, len(raw), size):
        found += [message.payload for message in messages_of(raw[start : start + size], buffer)]

    assert payloads == found


@given(st.recursive(st.none() | st.booleans() | st.integers() | CLEAN, lambda inner: st.lists(inner, max_size=3)))
def test_events_carry_json(value: Any) -> None:
    """An event's payload is the JSON of its fields."""
    (message,) = messages_of(encode_event("contentBlockDelta", {"value": value}))

    assert {":event-type": "contentBlockDelta", ":content-type": "application/json", ":message-type": "event"} == (
        message.headers
    )
    assert {"value": value} == json.loads(message.payload)


def test_an_exception_has_its_own_message_type() -> None:
    """An exception inside a stream is marked as one."""
    (message,) = messages_of(encode_exception("throttlingException", {"message": "slow down"}))

    assert "exception" == message.headers[":message-type"]
    assert "throttlingException" == message.headers[":exception-type"]
    assert b'{"message":"slow down"}' == message.payload


@pytest.mark.parametrize("headers", [{"n" * 256: ""}, {"": "x"}, {"n": "v" * (MAX_HEADER_VALUE_BYTES + 1)}])
def test_headers_that_do_not_fit_are_refused(headers: dict[str, str]) -> None:
    """A header the format has no room for is our bug, and said so."""
    with pytest.raises(ValueError, match="names take"):
        encode_message(headers, b"")
