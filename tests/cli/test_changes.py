from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ringfold_cli.changes import change
from ringfold_cli.client import Client
from ringfold_cli.faults import Refused, UsageFault
from ringfold_cli.target import Target

PATH = "/api/agents/agt_1"


class Resource:
    """One resource behind ETags.

    Attributes:
        meanwhile: Done once, when a change comes in.
        lost: Whether the answer to a change is lost.
    """

    def __init__(self, meanwhile: Callable[[dict[str, Any]], None] | None = None, *, lost: bool = False) -> None:
        self.document: dict[str, Any] = {"name": "Eve", "greeting": "Hi."}
        self.revision, self.meanwhile, self.lost = 1, meanwhile, lost

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            if self.meanwhile:
                self.meanwhile(self.document)
                self.meanwhile, self.revision = None, self.revision + 1
            if request.headers["if-match"] != str(self.revision):
                error = {"error": {"code": "precondition_failed", "message": "Changed."}}
                return httpx.Response(412, json=error)
            self.document |= json.loads(request.content)
            self.revision += 1
            if self.lost:
                self.lost = False
                raise httpx.ReadError("lost")
        return httpx.Response(200, json=self.document, headers={"etag": str(self.revision)})

    def client(self) -> Client:
        http = httpx.Client(transport=httpx.MockTransport(self.answer))
        return Client(Target("https://x.example", "test", lambda: "t"), http, lambda _: None, lambda _: None)


def test_a_change_carries_the_version_that_was_read() -> None:
    """And gives the resource as it is then."""
    resource = Resource()

    changed = change(resource.client(), PATH, {"name": "Eva"})

    assert ({"name": "Eva", "greeting": "Hi."}, "2") == (changed.document, changed.etag)


def test_somebody_elses_change_is_shown_and_not_overwritten() -> None:
    """What it was, what it is now, and what was wanted, for whatever differs."""
    resource = Resource(lambda document: document.update(name="Ada", greeting="Hello."))

    with pytest.raises(Refused) as refused:
        change(resource.client(), PATH, {"name": "Eva"})

    assert [
        {"field": "greeting", "message": "was Hi., is now Hello."},
        {"field": "name", "message": "was Eve, is now Ada; you want Eva"},
    ] == list(refused.value.details)
    assert "Ada" == resource.document["name"]


def test_a_change_whose_answer_was_lost_is_done() -> None:
    """It is repeated, meets itself, and sees that everything is as wanted."""
    resource = Resource(lost=True)

    changed = change(resource.client(), PATH, {"name": "Eva", "note": "why"})

    assert ("Eva", 2) == (changed.document["name"], resource.revision)


def test_a_secret_that_may_have_been_written_is_not_called_done() -> None:
    """What the resource does not show cannot be compared."""
    resource = Resource(lost=True)
    client = resource.client()

    def shown(request: httpx.Request) -> httpx.Response:
        answer = resource.answer(request)
        visible = {name: value for name, value in resource.document.items() if name != "auth_token"}
        return httpx.Response(answer.status_code, json=visible, headers=answer.headers)

    client.http = httpx.Client(transport=httpx.MockTransport(shown))

    with pytest.raises(Refused):
        change(client, PATH, {"auth_token": "secret"})


@pytest.mark.parametrize("wanted", [{}, {"note": "only why"}])
def test_nothing_to_change_asks_nothing(wanted: dict[str, str]) -> None:
    """A reason alone is no change."""
    with pytest.raises(UsageFault):
        change(Resource().client(), PATH, wanted)
