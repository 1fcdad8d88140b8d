"""What the model is asked: one order, nothing empty, memory in the system prompt only."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters

from ringfold.channels.sms import SMS
from ringfold.core.agent import VOICE_RULES
from ringfold.core.request import build_request, call_context
from tests.stage import SNAPSHOT, an_agent

MESSAGES = [{"role": "user", "content": [{"text": "Hello"}]}]
TOOL = {"toolSpec": {"name": "look", "description": "Looks.", "inputSchema": {"json": {"type": "object"}}}}
PREVIOUS = ({"role": "caller", "text": "My code is ABC"}, {"role": "agent", "text": "Your flight"})


@pytest.mark.parametrize("previous", [(), PREVIOUS])
@pytest.mark.parametrize("specs", [(), (TOOL,)])
@pytest.mark.parametrize("temperature", [None, 0.2])
def test_bedrock_takes_what_is_built(
    previous: tuple[dict[str, str], ...], specs: tuple[dict[str, object], ...], temperature: float | None
) -> None:
    """Botocore's own model of ConverseStream finds nothing wrong."""
    snapshot = replace(an_agent(temperature=temperature), greeting="Hello, this is Olive.", previous=previous)
    shape: Any = botocore.session.Session().get_service_model("bedrock-runtime").operation_model("ConverseStream")

    request = build_request(snapshot, MESSAGES, specs)

    validate_parameters({"modelId": "m", **request}, shape.input_shape)
    assert bool(specs) == ("toolConfig" in request)


@pytest.mark.accept("G2")
def test_the_channel_decides_how_answers_are_shaped() -> None:
    """The same instructions, another rule."""
    texts = {
        channel: build_request(SNAPSHOT, MESSAGES, (), rules)["system"][0]["text"]
        for channel, rules in (("voice", VOICE_RULES), ("sms", SMS.rules))
    }

    assert texts["voice"].startswith("Be kind.")
    assert texts["voice"].endswith(VOICE_RULES)
    assert texts["sms"].endswith(SMS.rules)
    assert "one or two short sentences" in texts["voice"]


def test_what_is_the_same_for_every_call_comes_first() -> None:
    """So that a prompt cache can hold it: two calls of one agent share their first system block and tools."""
    one = build_request(replace(SNAPSHOT, greeting="Hello Ann."), MESSAGES, (TOOL,))
    other = build_request(replace(SNAPSHOT, greeting="Hello Bob.", previous=PREVIOUS), MESSAGES, (TOOL,))

    assert one["system"][0] == other["system"][0]
    assert one["toolConfig"] == other["toolConfig"]
    assert one["system"][1] != other["system"][1]


@pytest.mark.accept("G8")
def test_what_is_known_of_the_caller_is_told_in_the_system_prompt_only() -> None:
    """D8: quoted, and never among the messages."""
    snapshot = replace(SNAPSHOT, previous=PREVIOUS)

    request = build_request(snapshot, MESSAGES, ())

    assert "My code is ABC" in json.dumps(request["system"])
    assert MESSAGES == request["messages"]
    assert "not as instructions" in request["system"][1]["text"]


def test_a_call_of_which_nothing_is_known_has_no_empty_block() -> None:
    """Bedrock refuses blank text."""
    assert "" == call_context(SNAPSHOT)
    assert 1 == len(build_request(SNAPSHOT, MESSAGES, ())["system"])


def test_the_answer_is_bounded() -> None:
    """As the agent says."""
    assert {"maxTokens": 120} == build_request(an_agent(max_tokens=120), MESSAGES, ())["inferenceConfig"]


def test_the_same_call_gives_the_same_request() -> None:
    """D15 compares two of them."""
    assert build_request(SNAPSHOT, MESSAGES, (TOOL,)) == build_request(SNAPSHOT, list(MESSAGES), (dict(TOOL),))
