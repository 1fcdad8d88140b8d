"""What a call could fail by is refused when it is set, and the field is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfold.core import relay_settings
from ringfold.core.agent import Agent
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.errors import ConfigError
from ringfold_admin.principal import Principal, Role
from ringfold_admin.problems import Problem
from ringfold_admin.services.number_settings import NumberSettings, Settled, new_settings, speech_of
from ringfold_admin.stores.table import Item
from tests.admin.numbers_desk import NUMBERS, Office

PHONE = "+15125550100"
ADMIN = Principal("user-1", Role.ORGANIZATION_ADMIN, "org_1")
ACCOUNT = {"organization_id": "org_1"}


class Agents:
    """Two agents; one of them speaks French."""

    def __init__(self) -> None:
        self.relay = {"agt_one": {}, "agt_french": {"language": "fr-FR", "ttsProvider": "Google"}}

    def get(self, organization_id: str, agent_id: str, version: int | None = None) -> Item | None:
        if organization_id != "org_1" or agent_id not in self.relay or (version or 1) > 1:
            return None
        agent = Agent(AgentId(agent_id), OrganizationId("org_1"), "A", "B", relay=self.relay[agent_id])
        return {"pk": "p", "sk": "s", "doc": agent.to_doc()}

    def missing(self, organization_id: str, agent_ids: Any) -> list[str]:
        return [each for each in agent_ids if self.get(organization_id, each) is None]


CHECKER = NumberSettings(Agents())


def settle(given: dict[str, Any], before: Settled | None = None, organization_id: str | None = "org_1") -> Settled:
    return CHECKER.settle(ADMIN, ACCOUNT, organization_id, PHONE, before or new_settings(), given)


def faults_of(given: dict[str, Any], before: Settled | None = None, **more: Any) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        settle(given, before, **more)
    assert 400 == caught.value.status
    return {each["field"]: each["message"] for each in caught.value.details}


@pytest.mark.accept("E9")
@pytest.mark.parametrize(
    ("given", "field", "told"),
    [
        ({"relay": {"speach_timeout": 900}}, "relay.speach_timeout", "did you mean 'speechTimeout'"),
        ({"relay": {"interruptable": True}}, "relay.interruptable", "did you mean 'interruptible'"),
        ({"relay": {"ttsProvider": "Elevenlabs"}}, "relay.ttsProvider", "did you mean 'ElevenLabs'"),
        ({"relay": {"speechTimeout": 100}}, "relay.speechTimeout", "600 to 5000"),
        ({"relay": {"conversationConfigurationId": "x"}}, "relay.conversationConfigurationId", "did you mean"),
        ({"relay": {"url": "wss://x.example.com"}}, "relay.url", "RELAY_URL"),
        ({"relay": {"welcomeGreeting": "Hi"}}, "relay.welcomeGreeting", "greeting"),
        ({"tts_voice_id": "Google.en-US-Chirp3-HD-Aoede"}, "tts_voice_id", "<Say>"),
        ({"tts_provider": "Amazon", "tts_voice_id": "en-US-Chirp3-HD-Aoede"}, "tts_voice_id", "a voice of Google"),
        ({"tts_voice_id": "two words"}, "tts_voice_id", "without spaces"),
        ({"language": "English"}, "language", "language tag"),
        ({"language": "en-US", "relay": {"language": "de-DE"}}, "language", "sent twice"),
        ({"relay": {"speechModel": "telephony"}}, "relay.speechModel", "a model of Google"),
        ({"relay": {"eotThreshold": 0.7}}, "relay.eotThreshold", "flux"),
        ({"languages": [{"voice": "x"}]}, "languages", "code is missing"),
        ({"languages": [{"code": "de-DE", "colour": "red"}]}, "languages", "colour"),
        ({"languages": [{"code": "de-DE"}, {"code": "de-DE"}]}, "languages", "twice"),
        ({"default_agent_id": "agt_none"}, "default_agent_id", "no agent agt_none"),
        ({"default_agent_id": "agt_one", "default_agent_version": 7}, "default_agent_version", "no version 7"),
        ({"default_agent_version": 1}, "default_agent_version", "default_agent_id"),
        ({"agents": ["agt_one", "agt_none"]}, "agents", "agt_none"),
        ({"agents": ["agt_one", "agt_one"]}, "agents", "more than once"),
        ({"routing_mode": "dynamic"}, "agents", "name at least one"),
        ({"transfer_number": PHONE}, "transfer_number", "circle"),
        ({"transfer_number": "+19005551234"}, "transfer_number", "premium"),
        ({"transfer_number": "+881612345678"}, "transfer_number", "satellite"),
        ({"transfer_number": "+442071838750"}, "transfer_number", "add GB to transfer_countries"),
    ],
    ids=str,
)
def test_a_fault_names_its_field_and_its_cure(given: dict[str, Any], field: str, told: str) -> None:
    """A misspelt attribute would be ignored by Twilio without a word; here it is refused with the right spelling."""
    faults = faults_of(given)

    assert told in faults[field]


@pytest.mark.accept("E9")
def test_all_faults_are_told_at_once() -> None:
    """Nobody has to find them one by one."""
    faults = faults_of({"agents": ["agt_none"], "transfer_number": "+1900", "relay": {"hint": "x"}})

    assert {"agents", "transfer_number", "relay.hint"} == set(faults)


@pytest.mark.accept("E12")
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"language": "sw-KE"}, "language"),
        ({"relay": {"ttsLanguage": "eu-ES"}}, "language"),
        ({"tts_provider": "Amazon", "language": "bg-BG"}, "language"),
        ({"languages": [{"code": "eu-ES"}]}, "languages"),
    ],
    ids=str,
)
def test_a_language_that_the_providers_do_not_share_is_refused(given: dict[str, Any], field: str) -> None:
    """Twilio would disconnect the caller (64101)."""
    assert "is not known to support" in faults_of(given)[field]


@pytest.mark.accept("E12")
def test_a_language_that_is_doubtful_is_warned_of() -> None:
    """The list may be incomplete: it is kept, and said."""
    settled = settle({"default_agent_id": "agt_one", "tts_provider": "Google", "language": "sw-KE"})

    assert ["language: Deepgram is not known to support sw-KE"] == [each[:48] for each in settled.warnings]


def test_the_agents_own_settings_are_checked_with_the_numbers() -> None:
    """A number's voice that does not fit the agent's provider is found before a caller finds it."""
    fits = settle({"default_agent_id": "agt_french", "tts_voice_id": "fr-FR-Chirp3-HD-Aoede"})
    faults = faults_of({"default_agent_id": "agt_french", "tts_voice_id": "Joanna-Neural"})

    assert {"voice": "fr-FR-Chirp3-HD-Aoede"} == fits.doc["relay"]
    assert "the agent's own settings count too" in faults["tts_voice_id"]


def test_null_takes_a_setting_away_and_silence_leaves_it() -> None:
    """Views and attributes alike."""
    first = settle(
        {
            "default_agent_id": "agt_one",
            "default_agent_version": 1,
            "greeting": "Hello.",
            "tts_provider": "Google",
            "tts_voice_id": "en-US-Chirp3-HD-Aoede",
            "language": "en-US",
            "relay": {"hints": "a", "ignoreBackchannel": False},
        }
    )

    second = settle({"greeting": None, "language": None, "relay": {"hints": None}}, first)
    third = settle({"relay": None, "default_agent_id": None}, second)

    kept = {"ttsProvider": "Google", "voice": "en-US-Chirp3-HD-Aoede"}
    assert {**kept, "ignoreBackchannel": False} == second.doc["relay"]
    assert (None, "agt_one", 1) == (
        second.doc["greeting"],
        second.attributes["default_agent_id"],
        second.attributes["default_agent_version"],
    )
    assert (kept, None, None) == (
        third.doc["relay"],
        third.attributes["default_agent_id"],
        third.attributes["default_agent_version"],
    )


def test_another_provider_takes_the_voice_of_the_old_one_with_it() -> None:
    """Else it would have to be taken away by hand before anything could be changed."""
    first = settle({"tts_provider": "Google", "tts_voice_id": "en-US-Chirp3-HD-Aoede"})

    assert {"ttsProvider": "Amazon"} == settle({"tts_provider": "Amazon"}, first).doc["relay"]


def test_another_agent_is_not_pinned_to_the_old_ones_version() -> None:
    """A version belongs to an agent."""
    first = settle({"default_agent_id": "agt_one", "default_agent_version": 1})

    assert settle({"default_agent_id": "agt_french"}, first).attributes["default_agent_version"] is None
    assert 1 == settle({"default_agent_id": "agt_one"}, first).attributes["default_agent_version"]


def test_a_number_of_nobody_has_no_agents() -> None:
    """Agents belong to an organization."""
    assert "default_agent_id" in faults_of({"default_agent_id": "agt_one"}, organization_id=None)
    assert "serves nobody" in settle({}, organization_id=None).warnings[0]


def test_a_number_without_an_agent_is_warned_of() -> None:
    """It is allowed: it may be set up step by step."""
    assert "No agent answers" in settle({}).warnings[0]


def test_transfers_go_where_they_are_allowed() -> None:
    """The country is named on the number."""
    settled = settle({"transfer_number": "+442071838750", "transfer_countries": ["US", "GB"]})

    assert "+442071838750" == settled.doc["transfer_number"]
    assert "transfer_number" in faults_of({"transfer_countries": ["US"]}, settled)


def test_too_much_for_one_twiml_is_refused() -> None:
    """Twilio takes 64 kB."""
    hints = ",".join(f"phrase number {i}" for i in range(200))[:4000]
    tags = [f"{code}-{region}" for code in ("en", "es", "de", "fr", "pt") for region in ("US", "GB", "MX", "CA", "BR")]

    faults = faults_of({"languages": [{"code": code, "hints": hints} for code in tags]})

    assert "64" in faults["relay"] or "bytes" in faults["relay"]


def tried(given: dict[str, Any]) -> tuple[Settled | None, Problem | None]:
    try:
        return settle(given), None
    except Problem as problem:
        return None, problem


RELAY_NAMES = st.sampled_from(["ttsProvider", "voice", "language", "hints", "interruptible", "speechModel", "bogus"])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(
        ["Google", "Amazon", "en-US", "de-DE", "Joanna-Neural", "nova-3-general", "any", "en-US-Chirp3-HD-Aoede"]
    )
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "relay": st.none() | st.dictionaries(RELAY_NAMES, VALUES, max_size=4),
            "tts_provider": st.sampled_from([None, "Google", "Amazon", "ElevenLabs"]),
            "tts_voice_id": st.none() | st.text(max_size=8) | st.sampled_from(["Joanna-Neural", "en-US-Journey-O"]),
            "language": st.none() | st.text(max_size=5) | st.sampled_from(["en-US", "de-DE"]),
            "languages": st.lists(st.dictionaries(st.sampled_from(["code", "voice"]), VALUES, max_size=2), max_size=2),
            "default_agent_id": st.sampled_from([None, "agt_one", "agt_french", "agt_none"]),
        },
    )
)
def test_whatever_is_kept_makes_a_legal_call(given: dict[str, Any]) -> None:
    """Either it is refused, or every call gets ConversationRelay attributes that Twilio documents."""
    settled, problem = tried(given)
    if settled is None:
        assert problem
        assert 400 == problem.status
        assert all(each["field"] and each["message"] for each in problem.details)
        return

    found = Agents().get("org_1", str(settled.attributes["default_agent_id"]))
    agent = Agent(**found["doc"]) if found else None
    attributes = speech_of(settled.doc, agent)
    relay_settings.validate_languages(settled.doc["languages"], attributes)


def test_warnings_of_what_is_stored_are_shown(office: Office) -> None:
    """An agent that was changed or removed behind the number's back is told when the number is read."""
    office.agent("agt_two", relay={"ttsProvider": "Google"})
    number = office.bought(default_agent_id="agt_two", tts_voice_id="en-US-Chirp3-HD-Aoede")
    path = f"{NUMBERS}/{number['id']}"
    before = office.admin.get(path).json["warnings"]

    office.agent("agt_two", relay={"ttsProvider": "Amazon"})
    changed = office.admin.get(path).json["warnings"]
    key = {"pk": {"S": f"ORG#{office.org}"}, "sk": {"S": "AGENT#agt_two"}}
    office.desk.aws.client("dynamodb").delete_item(TableName=office.desk.aws.table, Key=key)
    removed = office.admin.get(path).json["warnings"]

    assert [] == before
    assert "a voice of Google" in changed[0]
    assert "not there" in removed[0]


def test_speech_that_makes_no_legal_attributes_is_an_error() -> None:
    """Whoever stored it otherwise is told."""
    with pytest.raises(ConfigError):
        speech_of({"relay": {"bogus": 1}}, None)
