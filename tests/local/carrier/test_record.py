"""What happens in a call is kept in order and can be waited for."""

from __future__ import annotations

import asyncio

import pytest

from local.carrier.record import Happening, Record


def a_record() -> Record:
    return Record(lambda: 7)


async def test_followers_get_everything_once_and_in_order() -> None:
    """Those who come late get what they missed; the end ends them all."""
    record = a_record()
    record.add("one")
    early = asyncio.create_task(collect(record))
    await asyncio.sleep(0)
    record.add("two")
    late = asyncio.create_task(collect(record, 1))
    record.add("three")
    record.close()

    assert ["one", "two", "three"] == await early
    assert ["two", "three"] == await late


async def collect(record: Record, start: int = 0) -> list[str]:
    return [happening.kind async for happening in record.follow(start)]


async def test_waiting_looks_back_first() -> None:
    """What has happened already since the given place counts."""
    record = a_record()
    record.add("one", number=1)
    record.add("one", number=2)

    assert Happening(7, "one", {"number": 2}) == await record.wait_for(lambda each: each.kind == "one", start=1)


@pytest.mark.parametrize("over", [True, False])
async def test_waiting_in_vain_is_a_timeout(over: bool) -> None:
    """Whether the time is up or the call is over."""
    record = a_record()
    if over:
        record.close()

    with pytest.raises(TimeoutError):
        await record.wait_for(lambda _: True, within_s=0.01)


def test_a_listener_hears_at_once() -> None:
    """The listener is told while it happens."""
    heard: list[str] = []
    record = Record(lambda: 0, lambda happening: heard.append(happening.kind))

    record.add("one")

    assert ["one"] == heard
