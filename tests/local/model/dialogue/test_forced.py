"""Requests that insist on a tool call."""

from __future__ import annotations

from typing import Any

import pytest

from local.model.dialogue.engine import answer
from tests.local.model.builders import AIRLINE_TOOLS, a_request, user

ROUTE: dict[str, Any] = {
    "toolSpec": {
        "name": "route",
        "description": "Choose the agent.\nsales_agent: prices, offers and new trips\n"
        "support_agent: reservations, seats and delays\nbilling_agent: invoices, charges and refunds",
        "inputSchema": {
            "json": {
                "type": "object",
                "properties": {
                    "agent": {"type": "string", "enum": ["sales_agent", "support_agent", "billing_agent"]},
                    "sure": {"type": "boolean"},
                    "score": {"type": "integer"},
                },
                "required": ["agent", "sure", "score"],
            }
        },
    }
}


@pytest.mark.parametrize(
    ("utterance", "agent"),
    [
        ("I need to update my payment method", "billing_agent"),
        ("there is a wrong charge on my invoice", "billing_agent"),
        ("how much is a trip to Boston, I'd like an offer", "sales_agent"),
        ("my seat reservation is gone", "support_agent"),
    ],
)
def test_a_router_finds_the_agent(utterance: str, agent: str) -> None:
    """Of the options of a schema the one whose description fits the utterance is taken."""
    config = {"tools": [ROUTE], "toolChoice": {"tool": {"name": "route"}}}

    (call,) = answer(a_request(user(utterance), toolConfig=config)).calls

    assert {"agent": agent, "sure": True, "score": 1} == dict(call.input)


def test_any_takes_the_first_tool() -> None:
    """With ``any`` there is a call, its required fields filled."""
    config = {"tools": AIRLINE_TOOLS, "toolChoice": {"any": {}}}

    (call,) = answer(a_request(user("my code is ABC123"), toolConfig=config)).calls

    assert ("lookup_reservation", {"confirmation_code": "ABC123"}) == (call.name, dict(call.input))
