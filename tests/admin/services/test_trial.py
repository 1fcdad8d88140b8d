"""One trial call: what is sent, what is understood of the answers, and that it always ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringfold.errors import DependencyError
from ringfold_admin.probe import Answer
from ringfold_admin.services.trial import FIRST_WORD_S, Broken, TrialCall
from ringfold_admin.stores.numbers import NumberRecord

RELAY_URL = "wss://relay.example.com/dev"
OPENING = f'<Response><Connect><ConversationRelay url="{RELAY_URL}?token=a.b&amp;c=d"/></Connect></Response>'
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">'
    '<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">'
    '<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;">]>'
    "<Response><Say>&h;</Say></Response>"
)


@dataclass
class Side:
    """Answers as it is told, and keeps what it was sent."""

    twiml: str = OPENING
    frames: list[dict[str, Any] | None] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    posted: list[Mapping[str, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    time: float = 0.0
    is_closed: bool = False

    def post(
        self, url: str, form: Mapping[str, str], auth_token: str, timeout_s: float, *, sign: bool = True
    ) -> Answer:
        self.posted.append({**form, "url": url})
        return Answer(200, self.twiml)

    @contextmanager
    def session(self, url: str, auth_token: str, timeout_s: float) -> Iterator[Side]:
        self.opened.append(url)
        yield self
        self.is_closed = True

    def send(self, frame: Mapping[str, Any]) -> None:
        if self.is_closed:
            raise DependencyError("relay", "the session was closed")
        self.sent.append(dict(frame))

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        self.time += 1.0
        return self.frames.pop(0) if self.frames else None

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds


class Forgotten:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    def forget(self, organization_id: str, account_sid: str, call_sid: str) -> None:
        self.calls.append((organization_id, account_sid, call_sid))


def trial_of(side: Side) -> TrialCall:
    item = {"phone_number": "+15125550100", "account_sid": "AC1", "organization_id": "org_1", "doc": "{}"}
    return TrialCall(
        side,
        NumberRecord(item, {}, {}),
        auth_token="t",
        base_url="https://b.example.com",
        relay_url=RELAY_URL,
        left=lambda most: most,
    )


def test_the_url_of_the_twiml_is_opened_as_it_stands() -> None:
    """With its query, unescaped once."""
    side = Side()
    trial = trial_of(side)

    trial.dial()
    with ExitStack() as call:
        trial.connect(call)

    assert [f"{RELAY_URL}?token=a.b&c=d"] == side.opened
    assert side.is_closed
    assert ("setup", trial.call_sid) == (side.sent[0]["type"], side.sent[0]["callSid"])


@pytest.mark.parametrize("twiml", [LAUGHS, "<Response", "", "<Response><Connect/></Response>"])
def test_twiml_that_opens_nothing_breaks_the_link(twiml: str) -> None:
    """Hostile or broken: it is told, and costs nothing."""
    with pytest.raises(Broken, match="opens no relay session"):
        trial_of(Side(twiml)).dial()


def test_an_answer_is_heard_to_its_end() -> None:
    """Other frames are passed over; blanks are no word."""
    text = {"type": "text", "last": False}
    side = Side(
        frames=[
            {"type": "info", "token": "no"},
            {**text, "token": " "},
            {**text, "token": "Hello"},
            {**text, "token": " there."},
            {**text, "token": "", "last": True},
            {**text, "token": "too much"},
        ]
    )
    trial = trial_of(side)
    trial.dial()

    with ExitStack() as call:
        trial.connect(call)
        answer = trial.ask()

    assert (" Hello there.", 3.0) == answer


def test_nobody_waits_for_ever() -> None:
    """Frames that never say a word end with the time there is."""
    side = Side(frames=[{"type": "info"}] * 100)
    trial = trial_of(side)
    trial.dial()

    with ExitStack() as call:
        trial.connect(call)
        answer = trial.ask()

    assert ("", None) == answer
    assert side.time <= FIRST_WORD_S + 1


def test_a_session_that_is_closed_breaks_the_link() -> None:
    """Whatever is being asked."""
    side = Side()
    trial = trial_of(side)
    trial.dial()
    with ExitStack() as call:
        trial.connect(call)

    with pytest.raises(Broken, match="broke off"):
        trial.ask()
    with pytest.raises(Broken, match="broke off"):
        trial.press_and_ask()


def test_without_a_session_nothing_is_asked() -> None:
    """It says where to look."""
    with pytest.raises(Broken, match="no relay session"):
        trial_of(Side()).ask()


def test_what_was_begun_is_ended_and_what_was_not_is_not() -> None:
    """A call that was answered is hung up and forgotten."""
    forgotten: Any = Forgotten()
    silent, side = Side(twiml=""), Side()
    unanswered, answered = trial_of(silent), trial_of(side)
    with pytest.raises(Broken):
        unanswered.dial()
    answered.dial()

    unanswered.hang_up(forgotten)
    answered.hang_up(forgotten)

    assert ["ringing"] == [form["CallStatus"] for form in silent.posted]
    assert ["ringing", "completed"] == [form["CallStatus"] for form in side.posted]
    assert [("org_1", "AC1", answered.call_sid)] == forgotten.calls
