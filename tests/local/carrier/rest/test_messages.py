"""Text messages over REST, as far as the carrier plays them."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.rest import Client

from tests.local.carrier.rest.conftest import OTHER_SID, OTHER_TOKEN, Carrier, refusal

MESSAGE = {"to": "+15125550111", "from_": "+15125550100", "body": "Hello"}


def test_a_message_is_stored_and_found_again(carrier: Carrier, sdk: Client) -> None:
    """Created, fetched, listed newest first, by its account only."""
    first = sdk.messages.create(**MESSAGE)
    second = sdk.messages.create(**{**MESSAGE, "body": "x" * 161})
    other = carrier.sdk(OTHER_SID, OTHER_TOKEN)

    assert ("Hello", "queued", "1") == (first.body, first.status, first.num_segments)
    assert "2" == sdk.messages(second.sid).fetch().num_segments
    assert [second.sid, first.sid] == [each.sid for each in sdk.messages.list(to=MESSAGE["to"], page_size=1)]
    assert [] == sdk.messages.list(from_="+15125550199")
    assert (404, 20404) == refusal(other.messages(first.sid).fetch)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": ""}, 21604),
        ({"from_": ""}, 21603),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"from_": "+15125550177"}, 21606),
        ({"from_": "+15125550120"}, 21606),
        ({"max_price": "1"}, 20001),
        ({"to": "12345"}, 21211),
    ],
)
def test_messages_that_cannot_be_sent(sdk: Client, change: dict[str, Any], code: int) -> None:
    """What is missing, too long, or not from a number of this account; and what is not played yet."""
    assert (400, code) == refusal(lambda: sdk.messages.create(**{**MESSAGE, **change}))
