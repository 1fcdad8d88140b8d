"""The control beside the model."""

from __future__ import annotations

import pytest

from local.model import faults
from tests.local.model.builders import MODEL, user
from tests.local.model.conftest import Model


def test_health(model: Model) -> None:
    """The supervisor can ask whether the server is there."""
    assert {"ok": True} == model.control.get("/healthz").json()


def test_behaviour_can_be_put_and_read(model: Model) -> None:
    """What was put is what is read, with defaults for the rest."""
    model.behave(fault="slow", first_token_ms=1500, times=2, models=["us.anthropic."])

    told = model.control.get("/_control/behaviour").json()

    assert ("slow", 2, ["us.anthropic."], []) == tuple(told[key] for key in ("fault", "times", "models", "rules"))


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"fault": "gremlins"}'])
def test_a_senseless_behaviour_is_refused(model: Model, body: bytes) -> None:
    """The answer says what was expected."""
    answer = model.control.put("/_control/behaviour", content=body)

    assert 400 == answer.status_code
    assert answer.json()["error"]


def test_the_log_tells_what_was_asked(model: Model) -> None:
    """Each request has an id under which its whole body can be read."""
    list(model.ask(messages=[user("Hello there")]))

    record = model.requests()[-1]

    assert ("Hello there", MODEL, "converse-stream") == (record["utterance"], record["model_id"], record["operation"])
    asked = model.control.get(f"/_control/requests/{record['request_id']}").json()
    assert [user("Hello there")] == asked["messages"]


def test_an_unknown_request_is_not_found(model: Model) -> None:
    """A body that is no longer kept is a 404."""
    assert 404 == model.control.get("/_control/requests/none").status_code


def test_the_log_can_be_cleared(model: Model) -> None:
    """A test begins with an empty log."""
    list(model.ask(messages=[user("Hello")]))

    assert {"requests": [], "counts": {}} == model.control.delete("/_control/requests").json()


def test_the_catalogue_is_told(model: Model) -> None:
    """The console can list the faults and what they do."""
    assert faults.ALL == model.control.get("/_control/faults").json()
