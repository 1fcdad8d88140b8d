from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from ringfold_cli.client import Changed, Client, Reply, curl
from ringfold_cli.faults import NotAllowed, Refused, Unreachable
from ringfold_cli.target import Target

URL = "https://api.example.com"
Answers = Sequence[httpx.Response | Exception]


@dataclass
class Line:
    """A client and what passes over its line."""

    asked: list[httpx.Request] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def client(self, *answers: httpx.Response | Exception, show: Callable[[str], None] | None = None) -> Client:
        """A client that is answered so, in this order; the last answer stays."""
        left = list(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            said = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(said, Exception):
                raise said
            return said

        http = httpx.Client(transport=httpx.MockTransport(answer))
        return Client(Target(URL, "test", lambda: "token"), http, self.waits.append, self.notices.append, show)


def busy(status: int = 503, retry_after: str = "") -> httpx.Response:
    return httpx.Response(status, json={"message": "Busy"}, headers={"retry-after": retry_after} if retry_after else {})


def done(**document: Any) -> httpx.Response:
    return httpx.Response(201, json=document, headers={"etag": '"1"'})


def test_an_answer_is_a_document_with_its_etag() -> None:
    """And the request carried the token."""
    line = Line()

    reply = line.client(done(id="org_1")).get("/api/organizations/org_1", {"a": None, "b": True, "c": ["x", "y"]})

    assert Reply(201, {"id": "org_1"}, '"1"') == reply
    assert "Bearer token" == line.asked[0].headers["authorization"]
    assert f"{URL}/api/organizations/org_1?b=true&c=x&c=y" == str(line.asked[0].url)


def test_a_post_is_repeated_under_one_key() -> None:
    """As often as it takes, waiting as long as was asked for; whoever watches is told."""
    line = Line()

    line.client(busy(503, "7"), busy(429), httpx.ReadTimeout("slow"), done()).post("/api/agents", {})

    assert 1 == len({request.headers["idempotency-key"] for request in line.asked})
    assert [7, 2, 4] == line.waits
    assert "The API answered 503. Again in 7 s (2 of 5)." == line.notices[0]


def test_two_posts_of_a_command_have_two_keys() -> None:
    """Both made from the command's own, so that repeating it repeats both."""
    line = Line()
    client = line.client(done())
    client.key = "k"

    client.post("/api/voice/accounts", {})
    client.post("/api/voice/accounts/acc_1/test", {})

    assert ["k", "k.2"] == [request.headers["idempotency-key"] for request in line.asked]


def test_patience_ends() -> None:
    """After five attempts, or as soon as the waits would be too long; the fault says how to repeat it safely."""
    line, slow = Line(), Line()

    with pytest.raises(Unreachable) as gave_up:
        line.client(busy()).post("/api/voice/numbers", {})
    with pytest.raises(Unreachable):
        slow.client(busy(503, "300")).get("/api/agents")

    assert (5, [1, 2, 4, 8]) == (len(line.asked), line.waits)
    assert f"--idempotency-key {line.asked[0].headers['idempotency-key']}" in gave_up.value.hint
    assert [30, 30, 30] == slow.waits


def test_where_nobody_listens_nothing_is_repeated() -> None:
    """The fault comes at once, and names the place."""
    line = Line()

    with pytest.raises(Unreachable, match=r"Nobody answers at https://api\.example\.com"):
        line.client(httpx.ConnectError("refused")).get("/api/agents")

    assert ([], 1) == (line.waits, len(line.asked))


def test_a_request_under_way_is_waited_for() -> None:
    """A 409 that names a time is one; any other is a refusal."""
    line, refused = Line(), Line()
    error = {"error": {"code": "request_in_progress", "message": "Still under way.", "details": []}}

    line.client(httpx.Response(409, json=error, headers={"retry-after": "5"}), done()).post("/api/agents", {})
    with pytest.raises(Refused):
        refused.client(httpx.Response(409, json=error)).post("/api/agents", {})

    assert ([5], []) == (line.waits, refused.waits)


def test_what_an_earlier_copy_removed_is_removed() -> None:
    """A removal whose answer was lost finds nothing the second time: that is what was wanted."""
    gone = httpx.Response(404, json={"error": {"code": "not_found", "message": "No such agent."}})
    line, never = Line(), Line()

    reply = line.client(httpx.ReadError("lost"), gone).delete("/api/agents/agt_1")
    with pytest.raises(Refused):
        never.client(gone).delete("/api/agents/agt_1")

    assert reply.unsure


def test_a_change_that_met_a_change_says_whether_it_may_be_its_own() -> None:
    """Only if an earlier copy may have arrived."""
    changed = httpx.Response(412, json={"error": {"code": "precondition_failed", "message": "Changed."}})
    found = []

    for answers in ([changed], [busy(504), changed], [busy(503), changed]):
        with pytest.raises(Changed) as fault:
            Line().client(*answers).patch("/api/agents/agt_1", {}, if_match='"1"')
        found.append(fault.value.unsure)

    assert [False, True, False] == found


def test_a_list_is_read_to_its_end_or_to_its_limit() -> None:
    """Page by page; the cursor that is left is where the rest begins."""

    def page(first: int, last: int, cursor: str | None) -> httpx.Response:
        return httpx.Response(200, json={"agents": [{"id": n} for n in range(first, last)], "next_cursor": cursor})

    line, cut = Line(), Line()

    whole = line.client(page(0, 200, "c1"), page(200, 250, None)).listing("/api/agents", "agents", limit=None)
    some = cut.client(page(0, 200, "c1"), page(200, 210, "c2")).listing("/api/agents", "agents", limit=210)

    assert (250, None) == (len(whole.items), whole.next_cursor)
    assert (210, "c2") == (len(some.items), some.document["next_cursor"])
    assert ["limit=200", "limit=10&cursor=c1"] == [request.url.query.decode() for request in cut.asked]


def test_answers_that_are_no_json_are_faults_too() -> None:
    """A proxy's page, or API Gateway's own words."""
    with pytest.raises(Refused, match="not one of Ringfold's API"):
        Line().client(httpx.Response(418, text="<html>")).get("/x")
    with pytest.raises(NotAllowed, match="token is missing"):
        Line().client(httpx.Response(401, json={"message": "Unauthorized"})).get("/x")


def test_a_request_is_shown_as_curl_without_secrets() -> None:
    """The token stays a variable; fields that hold secrets hold their names."""
    body = {"name": "It's", "auth_token": "secret", "secondary_token": None}

    shown = curl("POST", f"{URL}/api/voice/accounts", {"idempotency-key": "k"}, body)

    assert (
        f"curl -X POST {URL}/api/voice/accounts -H \"Authorization: Bearer $RINGFOLD_TOKEN\" -H 'idempotency-key: k' "
        """-d '{"name": "It'"'"'s", "auth_token": "<auth_token>", "secondary_token": null}'"""
    ) == shown
