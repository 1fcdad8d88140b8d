"""Messages taken apart, and conversations of any kind answered."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.model.dialogue.conversation import read_conversation
from local.model.dialogue.engine import answer
from tests.local.model.builders import (
    AIRLINE_TOOLS,
    END_CALL,
    SMS,
    VOICE,
    a_request,
    assistant,
    tool_result,
    tool_use,
    user,
)


def test_an_exchange_holds_its_rounds() -> None:
    """Utterance, tool calls with their results, and the words of all rounds belong together."""
    called = tool_use("t1", confirmation_code="ABC123")
    called["content"].insert(0, {"text": "Let me look."})
    request = a_request(
        user("ABC123"), called, tool_result("t1", {"seat": "14A"}), assistant("You're in 14A."), user("thanks")
    )

    first, second = read_conversation(request).exchanges

    assert ("ABC123", "Let me look. You're in 14A.", {"seat": "14A"}) == (
        first.caller,
        first.agent,
        first.rounds[0].result,
    )
    assert "thanks" == second.caller


def test_words_behind_a_result_are_a_new_exchange() -> None:
    """A caller who spoke while a tool ran begins a new exchange; the result belongs to the old one."""
    merged = tool_result("t1", {"error": "outcome unknown"}, status="error")
    merged["content"].append({"text": "hello?"})

    first, second = read_conversation(a_request(user("ABC123"), tool_use("t1"), merged)).exchanges

    assert (True, "hello?", []) == (first.rounds[0].failed, second.caller, second.rounds)


def test_notes_and_keys_are_not_words() -> None:
    """What the system says in the caller's place is told apart from what the caller says."""
    (exchange,) = read_conversation(
        a_request(user("(The caller pressed these keys: 1 2 # )", "hello", "(The caller is on the line.)"))
    ).exchanges

    assert ("hello", "12#", "The caller is on the line.") == (exchange.caller, exchange.keys, exchange.note)


def test_the_channel_is_in_the_prompt() -> None:
    """A text thread is told from a call by the system prompt."""
    assert read_conversation(a_request(system=SMS)).is_sms
    assert not read_conversation(a_request(system=VOICE)).is_sms
    assert not read_conversation(a_request(system="Be nice.")).is_sms


WORDS = [
    *("yes", "no", "wait", "stop", "14F", "window", "aisle", "ABC123", "A", "B", "C", "1", "2", "3", "my", "flight"),
    *("seat", "change", "why", "when", "gate", "thanks", "bye", "hello", "refund", "the", "first", "one", "other", "4"),
    *(
        "please",
        "again",
        "what",
        "who",
        "human",
        "code is",
        "are",
        "delayed",
        "(keys)",
        "go on",
        "never mind",
        "owl 101",
    ),
]
UTTERANCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)
RESULTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["14A", "delayed", "OWL-101", "Jane Smith", "taken", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["seat", "status", "flight_number", "error", "found", "seats", "delay_minutes", "gate", "cabin"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
).map(lambda value: value if isinstance(value, dict) else {"value": value})
TURNS = st.lists(
    st.tuples(
        UTTERANCES,
        st.none()
        | st.sampled_from(["lookup_reservation", "lookup_available_seats", "change_seat", "end_call", "other"]),
        RESULTS,
        st.sampled_from(["success", "error"]),
        st.none() | st.integers(min_value=1, max_value=60),
    ),
    max_size=4,
)


@given(TURNS, UTTERANCES, st.sampled_from([AIRLINE_TOOLS, [END_CALL]]), st.booleans())
def test_any_conversation_is_answered(turns: list[Any], last: str, tools: list[Any], amid_tools: bool) -> None:
    """Whatever was said, called, returned and cut short: there is a reply, and its tools were offered."""
    messages: list[dict[str, Any]] = []
    for number, (utterance, tool, result, status, heard) in enumerate(turns):
        messages.append(user(utterance))
        if tool:
            messages += [tool_use(f"t{number}", tool, seat="14F", confirmation_code="ABC123")]
            messages += [tool_result(f"t{number}", result, status)]
        reply = answer(a_request(*messages, tools=tools)).text[:heard].strip() or "Hm."
        messages.append(assistant(reply))
    messages.append(user(last))
    if amid_tools:
        messages += [
            tool_use("last", "lookup_reservation", confirmation_code="ABC123"),
            tool_result("last", {"found": 1}),
        ]

    last_reply = answer(a_request(*messages, tools=tools))

    assert last_reply.text.strip() or last_reply.calls
    assert {call.name for call in last_reply.calls} <= {tool["toolSpec"]["name"] for tool in tools}
