"""Keywords, states, loops, and what a thread tells the model."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core import texts
from ringfold.core.texts import Address, Text, Thread

THREAD = Thread("org_1", "+15125550100", "sms", "+15125551234")
NOW = 1_800_000_000_000


def text(body: str = "Hello", direction: Any = "in", at: int = 0, **more: Any) -> Text:
    return Text(f"msg_{at}", THREAD, direction, body, NOW + at, "acc_1", **more)


@pytest.mark.accept("A18")
@pytest.mark.parametrize(
    ("body", "told", "keyword"),
    [
        *(
            (word, "", "stop")
            for word in ("STOP", "stop", " Stop. ", "STOPALL", "Unsubscribe", "cancel", "END", "quit")
        ),
        *((word, "", "start") for word in ("START", "yes", "UNSTOP")),
        *((word, "", "help") for word in ("HELP", "info", "Help!")),
        ("Please stop calling", "", None),
        ("stop it", "", None),
        ("", "", None),
        ("Arrêtez", "STOP", "stop"),
        ("whatever", "HELP", "help"),
    ],
)
def test_keywords_are_whole_texts(body: str, told: str, keyword: str | None) -> None:
    """In any case and with any punctuation; Twilio's OptOutType says so in any language."""
    assert keyword == texts.keyword_of(body, told)


@pytest.mark.accept("A20")
def test_a_person_is_the_same_on_whatsapp() -> None:
    """The address has the channel, the contact is the number."""
    assert Address("whatsapp", "+15125551234") == texts.parse_address("whatsapp:+15125551234")
    assert Address("sms", "+15125551234") == texts.parse_address("+15125551234")
    assert "whatsapp:+15125551234" == str(Address("whatsapp", "+15125551234"))
    assert None is texts.parse_address("22395")
    assert None is texts.parse_address("whatsapp:22395")


STATES = ["sending", "accepted", "queued", "sent", "undelivered", "delivered", "failed", "read", "nonsense"]


@pytest.mark.accept("A11")
@given(st.lists(st.sampled_from(STATES), max_size=12))
def test_reports_in_any_order_end_at_the_furthest(reports: list[str]) -> None:
    """Late, twice, or unknown: a text never goes back."""
    state = "sending"
    for report in reports:
        if texts.is_further(state, report):
            state = report

    expected = max((texts._RANKS[each] for each in reports if each in texts._RANKS), default=0)
    assert expected == texts._RANKS[state]


def test_two_machines_are_noticed() -> None:
    """The same words five times within minutes; people repeat themselves less, or slower."""
    same = [text("Thank you!", at=1000 * i) for i in range(5)]

    assert "loop" == texts.trouble_with(same, NOW + 5000)
    assert "" == texts.trouble_with(same[:4], NOW + 5000)
    assert "" == texts.trouble_with(same, NOW + 10 * 60_000)
    assert "" == texts.trouble_with([text(f"Number {i}", at=i) for i in range(12)], NOW + 5000)
    answered = [text(f"n {i}", "out" if i % 2 else "in", at=i) for i in range(40)]
    assert "flood" == texts.trouble_with(answered, NOW + 5000)


def test_a_thread_is_told_as_a_conversation() -> None:
    """Roles in turn, quick texts merged, pictures described, what was never read or is no talk left out."""
    told = texts.history(
        [
            text("Hi", at=1),
            text("Where is my flight?", at=2, media=({"url": "https://x", "content_type": "image/jpeg"},)),
            text("Which one?", "out", at=3, state="delivered"),
            text("It is late.", "out", at=4, state="failed"),
            text("STOP", at=5, state=texts.IGNORED),
            text("ABC123", at=6),
        ]
    )

    assert ["user", "assistant", "user"] == [each["role"] for each in told]
    assert ["Hi", "Where is my flight?\n[The texter sent a picture (image/jpeg).]"] == [
        block["text"] for block in told[0]["content"]
    ]
    assert [["Which one?"], ["ABC123"]] == [[block["text"] for block in each["content"]] for each in told[1:]]


@given(
    st.lists(
        st.builds(
            text,
            body=st.text(max_size=30),
            direction=st.sampled_from(["in", "out"]),
            at=st.integers(0, 99),
            state=st.sampled_from(["received", "answered", "ignored", "delivered", "failed"]),
        ),
        max_size=12,
    )
)
def test_any_thread_is_legal_for_converse(thread: list[Text]) -> None:
    """It begins with the user, roles alternate, and it ends with something to be answered."""
    roles = [each["role"] for each in texts.history(thread)]

    assert roles[0] == roles[-1] == "user"
    assert all(one != other for one, other in pairwise(roles))


def test_a_text_comes_back_from_its_stored_form() -> None:
    """Nothing is lost, and a field of a newer version does no harm."""
    original = text(media=({"url": "u", "content_type": "c"},), sid="SM1")

    assert original == texts.text_from_doc({**original.to_doc(), "newer": 1})


def test_threads_of_two_organizations_or_channels_never_meet() -> None:
    """Their keys and conversations differ."""
    others = [
        Thread("org_2", "+15125550100", "sms", "+15125551234"),
        Thread("org_1", "+15125550101", "sms", "+15125551234"),
        Thread("org_1", "+15125550100", "whatsapp", "+15125551234"),
    ]

    assert 4 == len({each.conversation_id for each in (THREAD, *others)})
