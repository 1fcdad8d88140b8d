"""Nearness of short texts: the same is the same, topics are told apart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.semantic import DIMENSIONS, embed, similarity

TOPICS = {
    "seat": ["Prefers aisle seats.", "Would rather sit at the window", "Which row am I in?"],
    "bags": ["My suitcase never arrived", "How much luggage may I take", "Two bags were lost"],
    "money": ["I was charged twice", "Please send me the invoice", "When do I get my refund?"],
    "food": ["Is vegetarian", "Allergic to nuts, no peanut meals", "Do you serve vegan food?"],
}


@given(st.text(max_size=80))
def test_a_text_is_like_itself(text: str) -> None:
    """Or like nothing, when it has no words; a vector is of length one or zero."""
    assert similarity(text, text) == pytest.approx(1.0) or similarity(text, text) == 0.0
    vector = embed(text)
    assert DIMENSIONS == len(vector)
    assert math.sqrt(sum(each * each for each in vector)) == pytest.approx(round(math.hypot(*vector)))


@given(st.text(max_size=60), st.text(max_size=60))
def test_it_is_the_same_both_ways(one: str, other: str) -> None:
    """And between nothing and the same; it is what the vectors' product says."""
    found = similarity(one, other)

    assert found == pytest.approx(similarity(other, one))
    assert 0.0 <= found <= 1.0
    assert found == pytest.approx(min(1.0, sum(a * b for a, b in zip(embed(one), embed(other), strict=True))))


@pytest.mark.accept("H8")
@pytest.mark.parametrize("topic", TOPICS)
def test_topics_are_told_apart(topic: str) -> None:
    """A text is nearer to one of its own topic than to any of another."""
    for text in TOPICS[topic]:
        own = max(similarity(text, other) for other in TOPICS[topic] if other != text)
        foreign = max(similarity(text, other) for name in TOPICS if name != topic for other in TOPICS[name])
        assert own > foreign, text
