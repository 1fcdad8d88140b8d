"""Tools over HTTP: what is sent, how it is signed, when it is sent again, and what the model is told."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.adapters.outbound import Answer
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.errors import ConfigError, DependencyError, WireError
from ringfold.tools.http import NOTICE, HttpTools, read_definition
from ringfold.tools.registry import MAX_RESULT_BYTES, ToolContext

CONTEXT = ToolContext(OrganizationId("org_1"), ConversationId("conv_1"), "+15125550147", "key-1")
ORDER: dict[str, Any] = {
    "name": "order_status",
    "description": "The status of an order.",
    "input_schema": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
    "url": "https://crm.example.com/orders?v=2",
    "headers": {"Authorization": "Bearer {{secret:crm}}"},
    "signing_secret": "sign",
    "side_effect": False,
}
SECRETS = {("org_1", "crm"): "sesame", ("org_1", "sign"): "key"}
OK = Answer(200, "application/json", b'{"status": "shipped"}')


@dataclass
class Sender:
    """Answers in turn; the last one again."""

    answers: list[Answer | Exception]
    sent: list[tuple[str, str, Mapping[str, str], bytes | None, float]] = field(default_factory=list)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float) -> Answer:
        self.sent.append((method, url, headers, body, timeout_s))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def tools(*answers: Answer | Exception) -> tuple[HttpTools, Sender]:
    sender = Sender(list(answers or [OK]))

    def read(organization_id: str, name: str) -> str:
        if (organization_id, name) not in SECRETS:
            raise ConfigError("no such secret /ringfold/prod/tools/…")
        return SECRETS[organization_id, name]

    return HttpTools(sender, read, lambda: 1_800_000_000.0), sender


@pytest.mark.accept("F10")
def test_a_call_is_signed_and_can_be_told_from_its_repeat() -> None:
    """Whoever is called can check it with the shared secret, and knows a repeat by its key."""
    http, sender = tools()

    outcome = http.call(ORDER, {"order": "A1"}, CONTEXT)

    ((method, url, headers, body, timeout_s),) = sender.sent
    assert ("POST", ORDER["url"], 5.0) == (method, url, timeout_s)
    assert ("Bearer sesame", "key-1") == (headers["Authorization"], headers["Idempotency-Key"])
    signed = b"1800000000.POST./orders?v=2." + (body or b"")
    expected = hmac.new(b"key", signed, hashlib.sha256).hexdigest()
    assert f"t=1800000000,v1={expected}" == headers["X-Ringfold-Signature"]
    assert {
        "arguments": {"order": "A1"},
        "conversation_id": "conv_1",
        "organization_id": "org_1",
        "caller_number": "+15125550147",
    } == json.loads(body or b"")
    assert outcome.ok
    assert {"notice": NOTICE, "status": 200, "data": {"status": "shipped"}} == json.loads(outcome.result)


@pytest.mark.accept("F10")
def test_a_get_has_its_arguments_in_the_query() -> None:
    """Behind what is there, encoded; no body."""
    http, sender = tools()

    http.call({**ORDER, "method": "GET"}, {"order": "A&1 ü", "more": [1]}, CONTEXT)

    ((method, url, headers, body, _),) = sender.sent
    assert ("GET", "https://crm.example.com/orders?v=2&more=%5B1%5D&order=A%261+%C3%BC", None) == (method, url, body)
    assert "Content-Type" not in headers


REFUSED = DependencyError("http tool", "cannot connect", processed=False)
UNKNOWN = DependencyError("http tool", "no answer", processed=None)
BUSY = Answer(503, "text/plain", b"busy")


@pytest.mark.accept("F10")
@pytest.mark.parametrize(
    ("first", "effect", "times"),
    [
        (REFUSED, True, 2),
        (REFUSED, False, 2),
        (UNKNOWN, False, 2),
        (UNKNOWN, True, 1),
        (BUSY, False, 2),
        (BUSY, True, 1),
        (Answer(404, "", b""), False, 1),
        (OK, True, 1),
    ],
)
def test_only_what_is_safe_is_sent_again(first: Answer | Exception, effect: bool, times: int) -> None:
    """What may have had its effect is not repeated; nothing is sent more than twice."""
    http, sender = tools(first, OK)

    http.call({**ORDER, "side_effect": effect}, {"order": "A1"}, CONTEXT)

    assert times == len(sender.sent)


@pytest.mark.accept("F10")
def test_an_unknown_outcome_is_told_as_one() -> None:
    """The model must not say that it failed, nor that it worked."""
    http, _ = tools(UNKNOWN)

    outcome = http.call({**ORDER, "side_effect": True}, {"order": "A1"}, CONTEXT)

    assert not outcome.ok
    assert "unknown" in outcome.result


@pytest.mark.parametrize("fault", [WireError("url: 10.0.0.1"), ConfigError("secret x"), ValueError("sesame"), REFUSED])
def test_what_goes_wrong_is_told_without_addresses_or_secrets(fault: Exception) -> None:
    """The model reads it, and may read it out."""
    http, _ = tools(fault)

    outcome = http.call(ORDER, {"order": "A1"}, CONTEXT)

    assert not outcome.ok
    assert not any(word in outcome.result for word in ("10.0.0.1", "sesame", "secret", "crm.example.com"))


def test_a_secret_of_another_organization_is_nobodys() -> None:
    """Nothing is sent."""
    http, sender = tools()

    outcome = http.call(ORDER, {"order": "A1"}, ToolContext(OrganizationId("org_2"), ConversationId("c")))

    assert (False, []) == (outcome.ok, sender.sent)


@pytest.mark.accept("F10")
def test_arguments_are_checked_before_anything_is_sent() -> None:
    """By the schema of the definition."""
    http, sender = tools()

    outcome = http.call(ORDER, {}, CONTEXT)

    assert "order: is required" in outcome.result
    assert [] == sender.sent


@pytest.mark.accept("F10")
@pytest.mark.parametrize(
    "body",
    [b"", b"plain", b"\xff\xfe", b'{"a":' * 3000, b"[" * 100_000, b'"' + b"x" * 60_000 + b'"', b"NaN"],
    ids=["empty", "text", "binary", "broken", "deep", "long", "nan"],
)
def test_whatever_comes_back_is_bounded_and_marked(body: bytes) -> None:
    """An object for the model, never longer than it may be."""
    http, _ = tools(Answer(200, "text/plain", body))

    outcome = http.call(ORDER, {"order": "A1"}, CONTEXT)

    assert isinstance(json.loads(outcome.result), dict)
    assert len(outcome.result.encode()) <= MAX_RESULT_BYTES


def test_an_error_status_is_told_with_what_came() -> None:
    """The model can say what the other side said."""
    http, _ = tools(Answer(409, "application/json", b'{"message": "sold out"}'))

    outcome = http.call(ORDER, {"order": "A1"}, CONTEXT)

    assert (False, "status 409") == (outcome.ok, outcome.error)
    assert "sold out" in outcome.result


@pytest.mark.parametrize(
    ("field_", "value"),
    [
        ("name", "a b"), ("name", ""), ("description", " "), ("input_schema", {"type": "string"}), ("input_schema", []),
        ("url", "ftp://x/"), ("url", "https://u:p@x/"), ("url", 3), ("method", "TRACE"), ("timeout_ms", 1),
        ("timeout_ms", True), ("timeout_ms", 10**6), ("headers", {"Host": "x"}), ("headers", {"X-A": "a\r\nB: c"}),
        ("headers", {"a b": "c"}), ("headers", {"X-Ringfold-Signature": "t"}), ("headers", []),
        ("signing_secret", "a/b"), ("side_effect", "no"), ("url", None), ("url", "http://crm.example.com/"),
    ],
)  # fmt: skip
def test_a_definition_that_cannot_be_used_is_refused(field_: str, value: object) -> None:
    """When it is configured; and should it be stored all the same, nothing is sent."""
    wrong = {**ORDER, field_: value}
    http, sender = tools()

    with pytest.raises(ConfigError):
        read_definition(wrong)
    assert not http.call(wrong, {"order": "A1"}, CONTEXT).ok
    assert [] == sender.sent


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.sampled_from(sorted(ORDER)), JSON))
def test_whatever_is_stored_is_a_definition_or_refused(doc: dict[str, Any]) -> None:
    """Nothing else is raised."""
    try:
        read_definition({**ORDER, **doc})
    except ConfigError:
        return
