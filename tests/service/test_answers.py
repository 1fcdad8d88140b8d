"""TwiML answers, built from a stored call alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from ringfold.core import relay_token
from ringfold.core.agent import Agent
from ringfold.core.calls import TOKEN_TTL_S, CallRecord, Persona
from ringfold.core.ids import (
    AccountId,
    AccountSid,
    AgentId,
    CallSid,
    ConversationId,
    NumberId,
    OrganizationId,
    PhoneNumber,
)
from ringfold.core.lines import Account, LastCall, LastTexts, Number
from ringfold.core.memory import Memory
from ringfold.errors import ConfigError
from ringfold.service import answers

NOW_MS = 1_800_000_000_000
ORGANIZATION = OrganizationId("org_1")
AGENT = Agent(AgentId("agt_1"), ORGANIZATION, "Olive", "Be kind.", relay={"language": "de-DE"})
NUMBER = Number(
    NumberId("num_1"),
    PhoneNumber("+15125550100"),
    ORGANIZATION,
    Account(AccountId("acc_1"), AccountSid("AC1")),
    AGENT.agent_id,
    greeting="Hello.",
    transfer_number="+15125550190",
    languages=({"code": "es-US", "ttsProvider": "Google"},),
)


def call(
    number: Number = NUMBER, last_call: LastCall | None = None, last_texts: LastTexts | None = None, **changes: Any
) -> CallRecord:
    persona = Persona(None, AGENT, "Org", last_call, last_texts=last_texts)
    snapshot = answers.build_snapshot(number, AGENT, persona, "+15125550147", "https://api", NOW_MS)
    record = CallRecord(
        CallSid("CA1"), AccountSid("AC1"), ORGANIZATION, ConversationId("conv_1"), NOW_MS, snapshot=snapshot
    )
    return replace(record, **changes)


def relay(twiml: str) -> ET.Element:
    found = ET.fromstring(twiml).find("Connect/ConversationRelay")  # noqa: S314 - our own
    assert found is not None
    return found


def claims(twiml: str) -> relay_token.Claims:
    return relay_token.read((relay(twiml).get("url") or "").partition("token=")[2], "key", NOW_MS / 1000)


@pytest.mark.accept("E1")
def test_the_number_wins_over_the_agent() -> None:
    """Attributes come from our defaults, the agent, the number, in that order; languages from the number."""
    twiml = answers.connect(call(replace(NUMBER, relay={"language": "fr-FR"})), "wss://relay", "key")

    (language,) = relay(twiml)
    assert ("fr-FR", "any", "es-US") == (
        relay(twiml).get("language"),
        relay(twiml).get("interruptible"),
        language.get("code"),
    )
    assert "de-DE" == relay(answers.connect(call(), "wss://relay", "key")).get("language")


@pytest.mark.accept("E16")
def test_only_the_first_session_greets() -> None:
    """A recovery goes on without a greeting, with a token of its own."""
    first = answers.connect(call(), "wss://relay", "key")
    second = answers.connect(call(), "wss://relay", "key", attempt=2, at_ms=NOW_MS + 9000)

    assert ("Hello.", None) == (relay(first).get("welcomeGreeting"), relay(second).get("welcomeGreeting"))
    assert (0, 2) == (claims(first).attempt, claims(second).attempt)
    assert (TOKEN_TTL_S, TOKEN_TTL_S + 9) == tuple(
        claims(twiml).expires_at - NOW_MS // 1000 for twiml in (first, second)
    )


def test_a_greeting_may_be_an_attribute() -> None:
    """`welcomeGreeting` among the attributes serves when the number has no greeting."""
    with_attribute = replace(NUMBER, greeting="", relay={"welcomeGreeting": "Hey."})

    texts = [
        relay(answers.connect(call(number), "wss://relay", "key")).get("welcomeGreeting")
        for number in (with_attribute, replace(with_attribute, greeting="Hello."), replace(NUMBER, greeting=""))
    ]

    assert ["Hey.", "Hello.", None] == texts


def test_a_reusable_token_holds_as_long_as_a_call() -> None:
    """Twilio comes back with the same URL when it reconnects by itself."""
    twiml = answers.connect(call(replace(NUMBER, relay={"applicationReconnect": "true"})), "wss://relay", "key")

    assert (True, answers.LONGEST_CALL_S) == (claims(twiml).reusable, claims(twiml).expires_at - NOW_MS // 1000)


def test_a_url_among_the_attributes_is_never_sent() -> None:
    """Where the relay is, nobody configures per number."""
    twiml = answers.connect(call(replace(NUMBER, relay={"url": "wss://evil.example/"})), "wss://relay", "key")

    assert (relay(twiml).get("url") or "").startswith("wss://relay?token=")


def test_a_call_without_its_snapshot_cannot_be_connected() -> None:
    """The caller is told instead."""
    with pytest.raises(ConfigError):
        answers.connect(call(snapshot=None), "wss://relay", "key")


@pytest.mark.parametrize(
    ("transfer", "language", "verbs"),
    [
        ("+15125550190", "de-DE", ["Say", "Dial"]),
        ("", "de-DE", ["Say", "Hangup"]),
        ("not a number", "not a language", ["Say", "Hangup"]),
        ("anonymous", None, ["Say", "Hangup"]),
        ("+266696687", "", ["Say", "Hangup"]),
    ],
)
def test_sorry_never_fails(transfer: str, language: str | None, verbs: list[str]) -> None:
    """Whatever is configured, a sentence comes out, and a number is dialled only if it is one."""
    root = ET.fromstring(answers.sorry(transfer, language))  # noqa: S314 - our own

    assert verbs == [verb.tag for verb in root]
    assert ("de-DE" if language == "de-DE" else None) == root[0].get("language")


def test_a_handoff_without_a_target_hangs_up() -> None:
    """There is nobody to connect the caller with."""
    twiml = answers.ended(call(replace(NUMBER, transfer_number=""), ended="handoff"))

    assert ["Hangup"] == [verb.tag for verb in ET.fromstring(twiml)]  # noqa: S314 - our own


@pytest.mark.accept("G8")
@pytest.mark.parametrize(("seconds", "resumed"), [(0, True), (900, True), (901, False)])
def test_the_window_is_the_agents(seconds: int, resumed: bool) -> None:
    """Up to and including its last second."""
    last = LastCall(CallSid("CA0"), NOW_MS - seconds * 1000, "caller_hung_up", ({"role": "caller", "text": "Hi"},))

    snapshot = call(replace(NUMBER, resume_greeting="Welcome back."), last).snapshot

    assert snapshot is not None
    assert (resumed, "Welcome back." if resumed else "Hello.") == (bool(snapshot.previous), snapshot.greeting)


@pytest.mark.accept("H11")
@pytest.mark.parametrize(
    ("name", "remembers", "greeting"),
    [
        ("Jane Smith", True, "Hi Jane, hello again."),
        ("Jean-Luc", True, "Hi Jean-Luc, hello again."),
        ("", True, "Hello."),
        ("<break/>", True, "Hello."),
        ("Jane", False, "Hello."),
    ],
)
def test_a_caller_whose_name_is_known_is_greeted_by_it(name: str, remembers: bool, greeting: str) -> None:
    """By the first name, where the number has such a greeting and the agent's memory is on."""
    number = replace(NUMBER, named_greeting="Hi {name}, hello again.")
    persona = Persona(None, AGENT, "Org", memory=Memory("prf_1", name))

    snapshot = answers.build_snapshot(
        number, replace(AGENT, memory=remembers), persona, "+15125550147", "https://api", NOW_MS
    )

    assert greeting == snapshot.greeting
    assert "Hello." == answers.build_snapshot(NUMBER, AGENT, persona, "+1", "https://api", NOW_MS).greeting


@pytest.mark.accept("G9")
@pytest.mark.parametrize(("seconds", "told"), [(0, True), (86_399, True), (86_400, False)])
def test_texts_are_told_within_the_agents_window(seconds: int, told: bool) -> None:
    """They change nothing of the greeting."""
    last = LastTexts(NOW_MS - seconds * 1000, ({"role": "caller", "text": "Hi"},))

    snapshot = call(last_texts=last).snapshot

    assert snapshot is not None
    assert (told, (), "Hello.") == (bool(snapshot.elsewhere), snapshot.previous, snapshot.greeting)
