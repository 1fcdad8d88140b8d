"""Scripted calls are played against an application, and what does not come is told with its line."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from local.calls.player import Control, Player
from local.calls.script import parse_script
from tests.local.carrier.fake_app import FakeApp, calling

GREETING = 'welcomeGreeting="Hello, this is SkyOwl." reportInputDuringAgentSpeech="any" dtmfDetection="true"'


async def repeat_and_part(app: FakeApp, frame: dict[str, Any]) -> None:
    """Repeat the caller's words; at "bye" end the session."""
    if frame["type"] != "prompt":
        return
    await app.speak("You said ", frame["voicePrompt"], " and I heard every single word of what you said.")
    if "bye" in frame["voicePrompt"]:
        await app.send({"type": "end"})


async def play(text: str, requests: list[httpx.Request] | None = None) -> str | None:
    """Play steps, with the system's switches answering 200, and return what failed."""
    seen = requests if requests is not None else []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200 if b"impossible" not in request.content else 400, text="no such fault")

    async with calling(repeat_and_part, attributes=GREETING) as (_, call):
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport) as client:
            player = Player(call, Control(client, "http://system"), lambda _: None)
            return await player.play(parse_script("steps:\n" + text, "s"))


async def test_a_call_that_goes_as_expected_has_no_failure() -> None:
    """Greeting, question, barge-in, goodbye."""
    failure = await play(
        """
  - expect: SkyOwl
  - say: hello
  - expect: {contains: you said hello, within_ms: 2000}
  - barge_in: {after_words: 2, text: stop}
  - expect: {any_of: [nothing, said stop], lacks: hello}
  - say: bye
  - expect: {matches: "said .*bye"}
  - expect_end: {reason: application, status: ended}
  - expect_no_violations:
"""
    )

    assert failure is None


@pytest.mark.parametrize(
    ("steps", "failure"),
    [
        (
            "  - say: hi\n  - expect: {contains: tomatoes, within_s: 0.5}",
            "s:3: expect: expected 'tomatoes' within 0.5 s; the agent said 'You said hi",
        ),
        ("  - say: hi\n  - expect: {contains: hi, lacks: word}", "s:3: expect: did not expect 'word'"),
        ("  - say: hi\n  - expect_end: {within_s: 0.2}", "s:3: expect_end: expected the call to end within 0.2 s"),
        ("  - hang_up\n  - expect_end: {reason: application}", "s:3: expect_end: expected the call to end by app"),
        ("  - hang_up\n  - say: hello", "s:3: say: there is no call"),
        ("  - say: hi\n  - expect: {within_ms: 0}", "s:3: expect: expected the first word within 0 ms; it took"),
        ("  - model: {fault: impossible}", "s:2: model: /local/model/behaviour refused"),
    ],
)
async def test_a_failure_names_its_line_and_what_came_instead(steps: str, failure: str) -> None:
    """The first thing that is not as expected ends the script."""
    assert (await play(steps) or "").startswith(failure)


async def test_behaviours_are_set_and_put_back() -> None:
    """Model and gateway are as they were when the script is over."""
    requests: list[httpx.Request] = []

    await play("  - model: {fault: stall}\n  - gateway: {frames: {mode: shuffle}}", requests)

    assert [
        ("PUT", "/local/model/behaviour", b'{"fault":"stall"}'),
        ("PUT", "/local/gateway/faults", b'{"frames":{"mode":"shuffle"}}'),
        ("PUT", "/local/model/behaviour", b"{}"),
        ("DELETE", "/local/gateway/faults", b""),
    ] == [(each.method, each.url.path, each.content) for each in requests]
