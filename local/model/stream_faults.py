"""Faults of how it is said: streams that stop, break or lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from local.model.behaviour import Plan
from local.model.converse import EventWriter
from local.model.errors import BedrockError
from local.model.eventstream import encode_event
from local.model.pieces import Piece

_BREAKS: Final = frozenset({"stall_after", "die_after", "exception_after", "bad_crc", "truncated", "oversized"})


class ConnectionCut(Exception):
    """The connection is to be closed here, in the middle of the answer."""


def refusal(plan: Plan) -> BedrockError | None:
    """The error a plan gives instead of a stream, if it does."""
    if plan.fault == "throttle":
        return BedrockError("ThrottlingException")
    if plan.fault == "error":
        return BedrockError(plan.exception or "InternalServerException")
    return None


async def framed(pieces: AsyncGenerator[Piece], plan: Plan, writer: EventWriter) -> AsyncGenerator[bytes]:
    """The answer as bytes, with what the plan does to the stream.

    Raises:
        ConnectionCut: Where the connection is to be cut.
        BedrockError: Where an exception is to end the stream.
    """
    if plan.fault == "stall":
        await forever()
    if plan.fault in _BREAKS and plan.after_tokens == 0:
        yield encode_event("messageStart", {"role": "assistant"})
        async for chunk in _break(plan):
            yield chunk
        return
    async for piece in pieces:
        yield b"".join(encode_event(name, fields) for name, fields in writer.write(piece))
        if plan.fault in _BREAKS and writer.tokens >= plan.after_tokens:
            async for chunk in _break(plan):
                yield chunk
            return
        if plan.fault in _NOISE and writer.tokens == 1:
            yield _NOISE[plan.fault]


async def forever() -> None:
    """Wait until cancelled."""
    await asyncio.Event().wait()


async def _break(plan: Plan) -> AsyncGenerator[bytes]:
    if plan.fault == "stall_after":
        await forever()
    if plan.fault == "die_after":
        raise ConnectionCut
    if plan.fault == "exception_after":
        name = plan.exception or "ModelStreamErrorException"
        extra = {"originalStatusCode": 500} if name == "ModelStreamErrorException" else {}
        raise BedrockError(name, extra=extra)
    sound = encode_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " broken"}})
    if plan.fault == "bad_crc":
        yield sound[:-1] + bytes([sound[-1] ^ 0xFF])
    elif plan.fault == "truncated":
        yield sound[: len(sound) // 2]
    else:
        yield (32 * 1024 * 1024).to_bytes(4, "big") + sound[4:]


_NOISE: Final[dict[str, bytes]] = {
    "unknown_event": encode_event("contentBlockThought", {"contentBlockIndex": 0, "mood": "curious"}),
    "out_of_order": encode_event("contentBlockStop", {"contentBlockIndex": 7})
    + encode_event("messageStart", {"role": "assistant"}),
}
