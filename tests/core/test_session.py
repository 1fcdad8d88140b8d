"""The shape of a call's items."""

from __future__ import annotations

import json

from ringfold.core.session import SESSION_TTL_S, Snapshot, call_pk, new_item, snapshot_from_doc
from tests.core.test_agent import AGENT


def test_a_new_session_has_the_maps_a_frame_is_appended_to() -> None:
    """Without them DynamoDB refuses the first frame's path."""
    item = new_item(call_sid="CA1", account_sid="AC1", organization_id="o", conversation_id="v", created_ms=5_000)

    assert ({}, {}, {}) == (item["events"], item["replies"], item["links"])
    assert (call_pk("CA1"), "SESSION", 0, "") == (item["pk"], item["sk"], item["link_gen"], item["mark"])
    assert 5 + SESSION_TTL_S == item["expires_at"]


def test_a_snapshot_survives_its_json() -> None:
    """What the webhook writes is what the relay reads."""
    snapshot = Snapshot(
        AGENT, "+15550100", "+15550101", "Hello.", "SkyOwl", ({"role": "caller", "text": "hi"},), {"name": "line"}
    )

    assert snapshot == snapshot_from_doc(json.loads(json.dumps(snapshot.to_doc())))
