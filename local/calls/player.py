"""Plays a scripted call against the running system."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx

from local.calls import script as steps
from local.carrier import CarrierCall
from local.carrier.manners import DialOutcome


class ExpectationError(Exception):
    """Something the script expects did not come."""


@dataclass(frozen=True, slots=True)
class Control:
    """Switches of the local system: how the model and the gateway behave."""

    client: httpx.AsyncClient
    base_url: str

    async def put(self, path: str, document: Any) -> None:
        """Set a behaviour.

        Raises:
            ExpectationError: If the system does not take it.
        """
        answer = await self.client.put(f"{self.base_url}{path}", json=document, timeout=10)
        if answer.status_code >= 400:
            raise ExpectationError(f"{path} refused {document}: {answer.text[:300]}")

    async def restore(self) -> None:
        """Back to good behaviour, whatever was set."""
        await self.client.put(f"{self.base_url}/local/model/behaviour", json={}, timeout=10)
        await self.client.delete(f"{self.base_url}/local/gateway/faults", timeout=10)


class Player:
    """Goes through a script step by step.

    Args:
        call: Placed already.
        control: Of the system that is called.
        show: Told what is being done, for the person watching.
    """

    def __init__(self, call: CarrierCall, control: Control, show: Callable[[str], None]) -> None:
        self._call = call
        self._control = control
        self._show = show

    async def play(self, script: steps.Script) -> str | None:
        """Returns what failed, with file and line, or ``None`` when everything came as expected."""
        changed = any(isinstance(step.action, steps.SetModel | steps.SetGateway) for step in script.steps)
        try:
            for step in script.steps:
                try:
                    await self._do(step.action)
                except (ExpectationError, RuntimeError, TimeoutError) as exc:
                    return f"{script.path}:{step.line}: {step.name}: {str(exc) or 'nothing came in time'}"
        finally:
            if changed:
                await self._control.restore()
        return None

    async def _do(self, action: steps.Action) -> None:
        call = self._call
        match action:
            case steps.Say(text=text):
                await call.say(text)
            case steps.BargeIn(text=text, after_words=count):
                await self._barge_in(text, count)
            case steps.Press(digits=digits):
                self._show(f"presses {' '.join(digits)}")
                await call.press(digits)
            case steps.Drop():
                self._show("drops the connection")
                await call.drop_link()
            case steps.Silence(seconds=seconds):
                await call.silence(seconds)
            case steps.Listen(words=words):
                await self._listen(words)
            case steps.HangUp():
                await call.agent_quiet()
                await call.hang_up()
            case steps.SetModel(behaviour=behaviour):
                self._show(f"the model: {behaviour}")
                await self._control.put("/local/model/behaviour", behaviour)
            case steps.SetGateway(faults=faults):
                self._show(f"the gateway: {faults}")
                await self._control.put("/local/gateway/faults", faults)
            case steps.SetDial(outcome=outcome):
                call.manners = replace(call.manners, dial_outcome=cast(DialOutcome, outcome))
            case steps.Expect() | steps.ExpectEnd() | steps.ExpectNoViolations():
                await self._expect(action)

    async def _listen(self, words: int) -> None:
        try:
            await self._call.words_heard(words)
        except TimeoutError as exc:
            raise ExpectationError(f"the agent did not say {words} words") from exc

    async def _barge_in(self, text: str, count: int) -> None:
        try:
            await self._call.barge_in(text, after_words=count)
        except TimeoutError as exc:
            raise ExpectationError(f"the agent did not say {count} words to interrupt") from exc

    async def _expect(self, action: steps.Expect | steps.ExpectEnd | steps.ExpectNoViolations) -> None:
        match action:
            case steps.Expect():
                await self._expect_words(action)
            case steps.ExpectEnd():
                await self._expect_end(action)
            case steps.ExpectNoViolations():
                if self._call.violations:
                    raise ExpectationError("; ".join(self._call.violations))

    async def _expect_words(self, wanted: steps.Expect) -> None:
        call = self._call
        try:
            await call.record.wait_for(
                lambda _: said_as_wanted(call.said_lately, wanted), within_s=wanted.within_s, start=call.mark
            )
        except TimeoutError as exc:
            said = call.said_lately.strip()
            heard = f"the agent said {said!r}" if said else "the agent said nothing"
            raise ExpectationError(f"expected {describe(wanted)} within {wanted.within_s:g} s; {heard}") from exc
        if wanted.lacks and wanted.lacks.lower() in plain(call.said_lately):
            raise ExpectationError(f"did not expect {wanted.lacks!r}; the agent said {call.said_lately.strip()!r}")
        if wanted.within_ms is not None:
            await self._expect_soon(wanted.within_ms)

    async def _expect_soon(self, within_ms: int) -> None:
        call = self._call
        word = await call.words_heard(1)
        since_ms = call.record.all[call.mark].at_ms if call.mark else 0
        if word.at_ms - since_ms > within_ms:
            raise ExpectationError(f"expected the first word within {within_ms} ms; it took {word.at_ms - since_ms}")

    async def _expect_end(self, wanted: steps.ExpectEnd) -> None:
        try:
            end = await self._call.ended(within_s=wanted.within_s)
        except TimeoutError as exc:
            raise ExpectationError(f"expected the call to end within {wanted.within_s:g} s") from exc
        if wanted.reason not in ("", end.reason):
            raise ExpectationError(f"expected the call to end by {wanted.reason}, it ended by {end.reason}")
        if wanted.status not in ("", end.session_status):
            raise ExpectationError(f"expected the session to be {wanted.status}, it was {end.session_status or 'none'}")


def plain(text: str) -> str:
    return " ".join(text.split()).lower()


def said_as_wanted(said: str, wanted: steps.Expect) -> bool:
    """Whether what was said so far fulfils the expectation."""
    text = plain(said)
    return (
        bool(text)
        and plain(wanted.contains) in text
        and (not wanted.any_of or any(plain(option) in text for option in wanted.any_of))
        and (not wanted.matches or re.search(wanted.matches, " ".join(said.split()), re.IGNORECASE) is not None)
    )


def describe(wanted: steps.Expect) -> str:
    parts = [
        repr(wanted.contains) if wanted.contains else "",
        "one of " + ", ".join(map(repr, wanted.any_of)) if wanted.any_of else "",
        f"something like /{wanted.matches}/" if wanted.matches else "",
    ]
    return " and ".join(part for part in parts if part) or "words"
