"""A small application for the carrier to call: webhooks from a table, a relay from a function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
from websockets.asyncio.server import Server, ServerConnection, serve

from local.carrier import CarrierCall, Line, Manners

BASE_URL = "http://app.example"
LINE = Line(BASE_URL, "AC" + "a" * 32, "token-of-the-account", "+15125550100", "+15125550199")
BRISK = Manners(speed=20.0)
"""Delays a twentieth, and fifteen characters a second become three hundred."""

OnFrame = Callable[["FakeApp", dict[str, Any]], Awaitable[None]]
RELAY = '<ConversationRelay url="{url}" {attributes}/>'


@dataclass
class FakeApp:
    """What the application was sent, and the means to answer."""

    on_frame: OnFrame
    attributes: str = 'interruptible="any" reportInputDuringAgentSpeech="any" dtmfDetection="true"'
    frames: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    handshakes: list[dict[str, str]] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    url: str = ""
    links: int = 0
    socket: ServerConnection | None = None
    _grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def send(self, frame: dict[str, Any] | str | bytes) -> None:
        assert self.socket is not None
        await self.socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def speak(self, *tokens: str, last: bool = True, **more: Any) -> None:
        """Send tokens as text frames, the last of them closing the talk cycle."""
        for number, token in enumerate(tokens, 1):
            await self.send({"type": "text", "token": token, "last": last and number == len(tokens), **more})

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    async def wait_for(self, kind: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(5), self._grown:
            await self._grown.wait_for(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def twiml(self) -> str:
        relay = RELAY.format(url=self.url, attributes=self.attributes)
        return f'<Response><Connect action="/action">{relay}</Connect></Response>'

    async def _serve(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.links += 1
        assert socket.request is not None
        self.handshakes.append({name.lower(): value for name, value in socket.request.headers.raw_items()})
        async for raw in socket:
            frame = json.loads(raw)
            async with self._grown:
                self.frames.append(frame)
                self._grown.notify_all()
            await self.on_frame(self, frame)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        self.requests.append((request.url.path, form))
        self.headers.append(dict(request.headers))
        waiting = self.answers.get(request.url.path)
        if waiting:
            body = waiting.pop(0)
        else:
            body = self.twiml() if request.url.path == "/api/voice/incoming" else "<Response/>"
        if body.isdigit():
            return httpx.Response(int(body))
        return httpx.Response(200, content=body, headers={"Content-Type": "text/xml"})


@asynccontextmanager
async def calling(
    on_frame: OnFrame | None = None, manners: Manners = BRISK, **settings: Any
) -> AsyncIterator[tuple[FakeApp, CarrierCall]]:
    """An application and a call to it, placed and up."""
    async with dialling(on_frame, manners, **settings) as (app, call):
        await call.answered()
        yield app, call


@asynccontextmanager
async def dialling(
    on_frame: OnFrame | None = None,
    manners: Manners = BRISK,
    reply_of: Callable[[str], str | None] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[FakeApp, CarrierCall]]:
    """An application and a call to it that has just been placed."""
    app = FakeApp(on_frame or answer_politely, **settings)
    server: Server = await serve(app._serve, "127.0.0.1", 0)
    port = next(iter(server.sockets)).getsockname()[1]
    app.url = f"ws://127.0.0.1:{port}/relay?token=once"
    async with httpx.AsyncClient(transport=httpx.MockTransport(app._answer)) as http:
        try:
            async with CarrierCall(LINE, manners, http=http, reply_of=reply_of) as call:
                yield app, call
        finally:
            server.close()
            await server.wait_closed()


async def answer_politely(app: FakeApp, frame: dict[str, Any]) -> None:
    """Repeat what the caller said."""
    if frame["type"] == "prompt" and frame["last"]:
        await app.speak("You said: ", frame["voicePrompt"], ".")


async def say_nothing(app: FakeApp, frame: dict[str, Any]) -> None:
    """Leave the talking to the test."""
