"""The traffic feed: ring, replay, fan-out, masking."""

import asyncio
from typing import Any

from local.traffic import Traffic, as_sse


def test_records_are_found_by_call_and_kind() -> None:
    """Records are numbered, dated and found by call, kind and the last one seen."""
    traffic = Traffic()
    first = traffic.record("frame_in", call_sid="CA1", body="{}")
    traffic.record("log", line="x")
    third = traffic.record("frame_out", call_sid="CA1")

    assert [first, third] == traffic.records(call_sid="CA1")
    assert [third] == traffic.records(after=first["id"], kind="frame_out")
    assert first["at_ms"] <= third["at_ms"]


def test_ring_forgets_the_oldest() -> None:
    """Only so many records are kept."""
    traffic = Traffic(capacity=3)
    for n in range(5):
        traffic.record("log", n=n)

    assert [2, 3, 4] == [record["n"] for record in traffic.records()]


def test_long_texts_are_shortened_and_the_ring_is_bounded_by_size() -> None:
    """A flood of long frames cannot fill the memory."""
    traffic = Traffic(max_total=50_000)
    for _ in range(10):
        traffic.record("frame_in", body="x" * 100_000)

    kept = traffic.records()
    assert 3 == len(kept)
    assert kept[0]["body"].endswith("x … and 83616 more")


def test_secrets_are_masked() -> None:
    """Known secrets, relay tokens in URLs and signatures are not shown, however deep they lie."""
    traffic = Traffic()
    traffic.mask("0123456789abcdef", "")

    record = traffic.record(
        "webhook",
        headers={"X-Twilio-Signature": "abc=", "other": ["has 0123456789abcdef inside"]},
        body='<ConversationRelay url="ws://x/relay?token=e30.abc-_" />',
        number=7,
    )

    assert {"X-Twilio-Signature": "***", "other": ["has *** inside"]} == record["headers"]
    assert '<ConversationRelay url="ws://x/relay?token=***" />' == record["body"]
    assert 7 == record["number"]


def test_bearer_tokens_are_masked_wherever_they_stand() -> None:
    """A signed token is known by its form, in a header, a log line or a query."""
    traffic = Traffic()
    header, payload = "eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJ1In0"
    bearer = f"{header}.{payload}.c2lnbmF0dXJl"

    record = traffic.record("log", line=f"Bearer {bearer}, and ey", query="access_token=opaque&a=b")

    assert ("Bearer ***, and ey", "access_token=***&a=b") == (record["line"], record["query"])


def test_secrets_of_a_document_are_learned() -> None:
    """What stands in a field whose name says that it is secret is not shown from then on, anywhere."""
    traffic = Traffic()

    traffic.mask_fields({"accounts": [{"auth_token": "0123456789", "name": "Main"}], "api_key_secret": "abcdefghij"})
    record = traffic.record("log", line="0123456789 of Main, abcdefghij")

    assert "*** of Main, ***" == record["line"]


def test_a_deep_document_is_shown_to_a_depth() -> None:
    """Whatever somebody sends, recording it does not fail, and nothing below the depth is shown unmasked."""
    document: Any = {"auth_token": "0123456789"}
    for _ in range(5000):
        document = [document]
    traffic = Traffic()

    traffic.mask_fields(document)
    record = traffic.record("api", body=document)

    assert "0123456789" not in str(record)


async def test_watchers_get_the_past_and_the_present() -> None:
    """A watcher gets what it missed, then what comes, in order and once."""
    traffic = Traffic()
    seen = traffic.record("log", n=0)
    traffic.record("log", n=1)
    watcher = traffic.watch(after=seen["id"])

    first = await anext(watcher)
    traffic.record("log", n=2)
    second = await asyncio.wait_for(anext(watcher), 1)

    assert [1, 2] == [first["n"], second["n"]]


async def test_a_watcher_who_does_not_read_is_let_go() -> None:
    """The feed does not grow for a watcher that stopped reading."""
    traffic = Traffic()
    watcher = traffic.watch()
    traffic.record("log")
    await anext(watcher)
    for _ in range(6000):
        traffic.record("log")

    rest: list[dict[str, Any]] = [record async for record in watcher]

    assert 5000 == len(rest)


async def test_close_ends_watchers() -> None:
    """When the run ends, so do the streams."""
    traffic = Traffic()
    reading = asyncio.ensure_future(anext(traffic.watch(), None))
    await asyncio.sleep(0)

    traffic.close()

    assert await asyncio.wait_for(reading, 1) is None


def test_server_sent_event() -> None:
    """A record is one event with its id."""
    assert 'id: 7\ndata: {"id":7,"a":"b"}\n\n' == as_sse({"id": 7, "a": "b"})
