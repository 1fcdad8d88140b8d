"""Agents as they are stored and read."""

from __future__ import annotations

import pytest

from ringfold.core.agent import VOICE_RULES, Agent, agent_from_doc
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.errors import ConfigError

AGENT = Agent(AgentId("agt_1"), OrganizationId("org_1"), "Owl", "You are Owl.", tools=("end_call", "look"))


def test_an_agent_is_read_as_it_was_stored() -> None:
    """Stored and read again it is the same."""
    assert AGENT == agent_from_doc(AGENT.to_doc() | {"tools": list(AGENT.tools)})


def test_a_field_of_a_newer_version_is_left_out() -> None:
    """Two versions of the code may serve one call."""
    assert AGENT == agent_from_doc({**AGENT.to_doc(), "mood": "sunny"})


def test_an_incomplete_agent_is_a_configuration_error() -> None:
    """It names the agent and what is missing."""
    with pytest.raises(ConfigError, match=r"agt_1.*instructions"):
        agent_from_doc({"agent_id": "agt_1", "organization_id": "org_1", "name": "Owl"})


@pytest.mark.accept("G2")
def test_a_voice_answer_is_to_be_one_or_two_short_sentences() -> None:
    """The rules of the voice channel say so, and forbid lists."""
    assert "one or two short sentences" in VOICE_RULES
    assert "no lists" in VOICE_RULES
