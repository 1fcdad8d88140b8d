"""What is taken from a conversation, kept and told: the caller's own words only, once, newest first, in a budget."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core import memory
from ringfold.core.memory import Extraction, Found, Memory, Observation, Summary

NOW = 1_800_000_000_000
DAY = memory.DAY_MS
SAID = [
    {"role": "agent", "text": "Hi, this is SkyOwl. Do you still prefer aisle seats?"},
    {"role": "caller", "text": "Hi, my name is Jane Smith. I'd rather sit at\nthe window now."},
    {"role": "event", "text": "interrupted"},
    {"role": "caller", "text": "4111", "typed": True},
]
WINDOW = {
    "text": "Prefers window seats.",
    "kind": "preference",
    "subject": "Seat",
    "confidence": 0.9,
    "quote": "rather sit at the window",
}


def read(*observations: Any, **more: Any) -> Extraction:
    return memory.read_extraction({"observations": list(observations), **more}, SAID)


def fact(text: str = "Prefers window seats.", kind: str = "preference", subject: str = "seat") -> Found:
    return Found(text, kind, subject, 0.9, "quote")


def absorbed(*conversations: tuple[str, int, list[Found]]) -> list[Observation]:
    kept: list[Observation] = []
    for conversation_id, at_ms, found in conversations:
        ids = [f"obs_{conversation_id}_{i}" for i in range(len(found))]
        kept = memory.absorb(kept, found, conversation_id, at_ms, ids)
    return kept


def holding(kept: list[Observation]) -> list[str]:
    return [each.text for each in kept if not each.superseded_by]


# -- taking it -------------------------------------------------------------------------------------------------------


def test_the_model_is_given_the_transcript_and_nothing_else() -> None:
    """As a quotation, made to answer by the tool; keypad and events are left out."""
    request = memory.extraction_request(SAID)

    (block,) = request["messages"][0]["content"]
    assert "caller: Hi, my name is Jane Smith. I'd rather sit at the window now.\n" in block["text"]
    assert "4111" not in block["text"]
    assert "interrupted" not in block["text"]
    assert {"tool": {"name": memory.RECORD}} == request["toolConfig"]["toolChoice"]


@pytest.mark.accept("H2")
def test_a_fact_comes_with_the_callers_words() -> None:
    """And with the name they gave."""
    found = read(WINDOW, name="Jane Smith", summary="She wants a window seat.", unfinished="")

    assert (("Prefers window seats.", "seat"),) == tuple((each.text, each.subject) for each in found.found)
    assert ("Jane Smith", "She wants a window seat.", 0) == (found.name, found.summary, found.dropped)


@pytest.mark.accept("H6")
@pytest.mark.parametrize(
    "change",
    [
        {"quote": "still prefer aisle seats"},  # the agent's words, and so whatever memory told the agent
        {"quote": "ather sit at the windo"},
        {"quote": ""},
        {"quote": "4111"},
        {"kind": "secret"},
        {"subject": ""},
        {"text": 7},
        {"confidence": True},
        {"confidence": 0.2},
        {"confidence": "high"},
        {"text": "Card number 4111 1111 1111 1111"},
        {"text": "The password is owl"},
    ],
    ids=str,
)
def test_a_fact_that_does_not_hold_is_left_out(change: dict[str, Any]) -> None:
    """Whatever the model says of it."""
    found = read({**WINDOW, **change})

    assert ((), 1) == (found.found, found.dropped)


@pytest.mark.parametrize("arguments", [{}, {"observations": None}, {"observations": [1, None, []], "name": 5}])
def test_rubbish_gives_nothing(arguments: dict[str, Any]) -> None:
    """A model may answer anything."""
    found = memory.read_extraction(arguments, SAID)

    assert ((), "", "") == (found.found, found.name, found.summary)


def test_a_name_nobody_said_is_nobodys() -> None:
    """Nor is a number one."""
    assert ["", "", "Jane"] == [read(name=name).name for name in ("Robert", "4711", "Jane")]


WORDS = ["i", "prefer", "aisle", "window", "seats", "am", "vegetarian", "jane", "no", "yes", "call", "me"]
words = st.lists(st.sampled_from(WORDS), min_size=1)
lines = st.lists(st.tuples(st.sampled_from(["caller", "agent"]), words.map(" ".join)), max_size=8)
claims = st.builds(lambda quote: {**WINDOW, "text": quote, "quote": quote}, words.map(" ".join))


@pytest.mark.accept("H6")
@given(lines, st.lists(claims, max_size=6), words.map(" ".join))
def test_what_the_agent_said_is_never_taken(
    said: list[tuple[str, str]], claimed: list[dict[str, Any]], remembered: str
) -> None:
    """However the transcript looks, also when the agent repeats what it remembers and the model records it again."""
    transcript = [{"role": "agent", "text": f"I remember: {remembered}"}]
    transcript += [{"role": role, "text": text} for role, text in said]
    injected = {**WINDOW, "text": remembered, "quote": remembered}

    found = memory.read_extraction({"observations": [injected, *claimed]}, transcript)

    spoken = [f" {text} " for role, text in said if role == "caller"]
    assert all(any(f" {each.quote} " in line for line in spoken) for each in found.found)


# -- keeping it ------------------------------------------------------------------------------------------------------


@pytest.mark.accept("H14")
def test_a_fact_said_again_is_one_fact() -> None:
    """It names every conversation it came from."""
    (kept,) = absorbed(("c1", NOW, [fact()]), ("c2", NOW + DAY, [fact("Prefers a window seat")]))

    assert (("c1", "c2"), NOW, NOW + DAY) == (kept.conversations, kept.first_ms, kept.last_ms)


@pytest.mark.accept("H14")
def test_a_contradiction_supersedes() -> None:
    """The newer conversation wins, whichever is taken in first; other subjects stay."""
    early = ("c1", NOW, [fact("Prefers aisle seats."), fact("Is vegetarian.", "fact", "diet")])
    late = ("c2", NOW + DAY, [fact()])

    for order in ([early, late], [late, early]):
        assert {"Prefers window seats.", "Is vegetarian."} == set(holding(absorbed(*order)))


facts = st.lists(
    st.builds(fact, st.sampled_from(["Likes A.", "Likes B.", "Does not like A."]), subject=st.sampled_from("xy")),
    max_size=3,
)


@pytest.mark.accept("H14")
@given(st.lists(facts, max_size=5), st.data())
def test_taking_in_again_changes_nothing(conversations: list[list[Found]], data: st.DataObject) -> None:
    """A queue may deliver as often as it likes; of one subject, what holds was said together once."""
    told = [(f"c{i}", NOW + i * DAY, found) for i, found in enumerate(conversations)]
    once = absorbed(*told)
    again = [data.draw(st.sampled_from(told))] if told else []
    kept = once
    for conversation_id, at_ms, found in again:
        kept = memory.absorb(kept, found, conversation_id, at_ms, [f"new_{i}" for i in range(len(found))])

    assert holding(once) == holding(kept)
    said_in: dict[tuple[str, str], set[str]] = {}
    for each in (one for one in kept if not one.superseded_by):
        known = said_in.setdefault((each.kind, each.subject), set(each.conversations))
        known &= set(each.conversations)
    assert all(said_in.values())


@pytest.mark.accept("H10")
def test_each_kind_is_kept_for_its_time() -> None:
    """Or for as long as the organization keeps anything."""
    plan, taste = absorbed(("c1", NOW, [fact("Flies to Boston.", "plan", "trip"), fact()]))
    known = Memory(observations=(plan, taste), summaries=(Summary("c1", "voice", "She called.", NOW),))

    def after(days: int, most: int = 0) -> tuple[int, int]:
        now = memory.current(replace(known, most_days=most), NOW + days * DAY)
        return len(now.observations), len(now.summaries)

    assert [(2, 1), (1, 1), (0, 0)] == [after(89), after(90), after(730)]
    assert (0, 0) == after(30, 30)


# -- telling it ------------------------------------------------------------------------------------------------------


def known(count: int = 3) -> Memory:
    kept = absorbed(*((f"c{i}", NOW - i * DAY, [fact(f"Fact {i}.", "fact", f"subject {i}")]) for i in range(count)))
    ended = tuple(
        Summary(f"c{i}", "voice", f"Call {i}.", NOW - i * DAY, "a refund" if i == 0 else "") for i in range(5)
    )
    return Memory("prf_1", "Jane", tuple(kept), ended)


@pytest.mark.accept("H7")
@pytest.mark.parametrize(("days", "told"), [(0, "today"), (1, "yesterday"), (5, "5 days ago")])
def test_it_is_told_now_and_days_later(days: int, told: str) -> None:
    """Name, what is unfinished, facts, how the last conversations went."""
    lines = memory.recall(known(), NOW + days * DAY)

    assert ["Name: Jane", "Unfinished: a refund", "Fact: Fact 0."] == lines[:3]
    assert f"Earlier ({told}, voice): Call 0." in lines


@pytest.mark.accept("H8")
def test_what_is_nearest_comes_first() -> None:
    """Where it is known what this is about."""
    kept = absorbed(
        ("c1", NOW, [fact(), fact("Is vegetarian.", "fact", "diet"), fact("Lost a suitcase.", "issue", "luggage")])
    )
    everything = Memory(observations=tuple(kept))

    def first(about: str) -> str:
        return memory.recall(everything, NOW, about=about)[0]

    assert "Issue: Lost a suitcase." == first("Is there any news about my bag?")
    assert "Fact: Is vegetarian." == first("Which meals do you serve?")
    assert "Preference: Prefers window seats." == first("Which row am I in?")


@given(st.integers(0, 120), st.integers(0, 300))
def test_the_budget_holds(count: int, budget: int) -> None:
    """However much there is."""
    lines = memory.recall(known(count), NOW, budget_tokens=budget)

    assert sum(len(line) + 1 for line in lines) <= budget * memory.CHARS_A_TOKEN


def test_it_is_stored_and_read_as_it_is() -> None:
    """A field of a newer version does no harm."""
    doc = known().to_doc()
    doc["observations"][0]["colour"] = "red"

    assert known() == memory.memory_from_doc(doc)
    assert Memory() == memory.memory_from_doc({})
    assert replace(known(), observations=()) == memory.memory_from_doc({**doc, "observations": []})
