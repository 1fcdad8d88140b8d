"""Who gets into a relay session, through the handler and real tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.incoming import app as incoming
from functions.relay_connect import app
from ringfold import bootstrap
from ringfold.adapters.directory import agent_key
from ringfold.core import relay_token
from ringfold.core.ids import AccountId, AccountSid, CallSid, ConversationId, OrganizationId
from ringfold.core.relay_token import Claims
from ringfold.core.signature import webhook_signature
from ringfold.errors import DependencyError
from ringfold.log import Log
from ringfold.service.handshake import Handshake, HandshakeRequest
from tests.world import NOW, RELAY, RELAY_KEY, World, authorizer_event, call_params, http_event, relay_of

CALL: Final = "CA" + "1" * 32


def answered(world: World, call_sid: str = CALL) -> str:
    """A call is answered; returns the relay URL of its TwiML."""
    carrier = world.carriers["acc_skyowl"]
    event = http_event("/api/voice/incoming", call_params(carrier, call_sid), auth_token=carrier.auth_token)
    return relay_of(incoming.handler(event, None)).get("url") or ""


def shake(world: World, url: str, *, account: str = "acc_skyowl", **options: Any) -> dict[str, Any]:
    """Twilio opens the WebSocket."""
    return app.handler(authorizer_event(url, world.carriers[account].auth_token, **options), None)


def allowed(answer: dict[str, Any]) -> bool:
    (statement,) = answer["policyDocument"]["Statement"]
    return bool(statement["Effect"] == "Allow")


def session(world: World) -> dict[str, Any]:
    found = world.item((f"CALL#{CALL}", "SESSION"))
    assert found is not None
    return found


def claims(world: World, **changes: Any) -> Claims:
    said: dict[str, Any] = {
        "call_sid": CallSid(CALL),
        "account_id": AccountId("acc_skyowl"),
        "account_sid": AccountSid(world.carriers["acc_skyowl"].account_sid),
        "organization_id": OrganizationId("org_skyowl"),
        "conversation_id": ConversationId(session(world)["conversation_id"]),
        "attempt": 0,
        "expires_at": int(NOW) + 120,
    }
    return Claims(**{**said, **changes})


def policy(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    service = world.handshake(policy=name)
    monkeypatch.setattr(bootstrap, "handshake_service", lambda: service)


@pytest.mark.accept("E2")
def test_a_handshake_settles_who_is_on_the_line(world: World) -> None:
    """The context that reaches every frame says which call of which organization, and which link."""
    url = answered(world)

    answer = shake(world, url)

    assert allowed(answer)
    assert {
        "call_sid": CALL,
        "account_sid": world.carriers["acc_skyowl"].account_sid,
        "organization_id": "org_skyowl",
        "conversation_id": session(world)["conversation_id"],
        "link_gen": "1",
    } == answer["context"]
    assert (1, {0}) == (session(world)["link_gen"], session(world)["burned"])


def test_a_token_opens_one_session(world: World) -> None:
    """A second handshake with the same token is refused."""
    url = answered(world)

    answers = [shake(world, url, connection_id=f"c{i}=") for i in range(3)]

    assert [True, False, False] == [allowed(answer) for answer in answers]
    assert 1 == session(world)["link_gen"]


def test_a_token_raced_for_opens_one_session(world: World) -> None:
    """Of several handshakes at once one gets in."""
    url = answered(world)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda i: shake(world, url, connection_id=f"c{i}="), range(6)))

    assert 1 == sum(map(allowed, answers))


def test_a_request_sent_twice_is_one_handshake(world: World) -> None:
    """When our own request's answer was lost and it is sent again, the connection is not locked out."""
    url = answered(world)

    answers = [shake(world, url) for _ in range(2)]

    assert ["1", "1"] == [answer["context"]["link_gen"] for answer in answers]


def test_a_reusable_token_opens_a_link_each_time(world: World) -> None:
    """With applicationReconnect Twilio comes again with the same URL, an hour later too."""
    world.change(agent_key("org_skyowl", "agt_skyowl_airline"), doc={"relay": {"applicationReconnect": "true"}})
    url = answered(world)

    answers = [shake(world, url)]
    world.now += 3600
    answers.append(shake(world, url, connection_id="c2="))

    assert ["1", "2"] == [answer["context"]["link_gen"] for answer in answers]


def forge(world: World, url: str, case: str) -> str:
    token = url.partition("token=")[2]
    minted: dict[str, Callable[[], str]] = {
        "other key": lambda: relay_token.mint(claims(world), "another key"),
        "other call": lambda: relay_token.mint(claims(world, call_sid=CallSid("CA" + "9" * 32)), RELAY_KEY),
        "other account": lambda: relay_token.mint(claims(world, account_sid=AccountSid("AC" + "9" * 32)), RELAY_KEY),
        "other conversation": lambda: relay_token.mint(claims(world, conversation_id=ConversationId("c")), RELAY_KEY),
        "expired": lambda: relay_token.mint(claims(world, expires_at=int(NOW)), RELAY_KEY),
        "flipped": lambda: token[:-1] + ("A" if token[-1] != "A" else "B"),
        "cut": lambda: token[:-3],
        "empty": lambda: "",
        "huge": lambda: "x" * 100_000,
    }
    return f"{RELAY}?token={minted[case]()}"


@pytest.mark.accept("G15")
@pytest.mark.parametrize(
    "case",
    [
        "other key", "other call", "other account", "other conversation", "expired", "flipped", "cut", "empty", "huge",
    ],
)  # fmt: skip
def test_a_bad_token_is_refused(world: World, case: str) -> None:
    """Forged, expired, and of another call: refused, and the call's own token still works."""
    url = answered(world)

    answer = shake(world, forge(world, url, case), connection_id="evil=")

    assert not allowed(answer)
    assert {} == answer["context"]
    assert allowed(shake(world, url))


def test_a_handshake_without_a_token_touches_no_table() -> None:
    """A flood of handshakes without a valid token ends before any request to the table."""

    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    class KeyOnly(Untouchable):
        def relay_key(self) -> str:
            return RELAY_KEY

    service = Handshake(
        links=Untouchable(), secrets=KeyOnly(), relay_url=RELAY, policy="enforce", log=Log(), clock=lambda: NOW
    )
    tokens: list[tuple[tuple[str, str], ...]] = [(), (("token", ""),), (("token", "a.b"),), (("t", "x"),)]
    tokens.append((("token", "a.b"), ("token", "a.b")))

    assert {None} == {service.authorize(HandshakeRequest("c=", {}, query)) for query in tokens}


@pytest.mark.parametrize("state", ["ended", "expired", "gone"])
def test_a_call_that_is_over_takes_no_link(world: World, state: str) -> None:
    """A token of a call that has ended, expired or vanished opens nothing."""
    url = answered(world)
    if state == "ended":
        world.change((f"CALL#{CALL}", "SESSION"), ended="agent_ended")
    elif state == "expired":
        world.change((f"CALL#{CALL}", "SESSION"), expires_at=int(NOW))
    else:
        key = {"pk": {"S": f"CALL#{CALL}"}, "sk": {"S": "SESSION"}}
        world.dynamodb.delete_item(TableName=world.aws.table, Key=key)

    assert not allowed(shake(world, url))


FORMS: Final[list[Callable[[str], tuple[str, list[tuple[str, str]]]]]] = [
    lambda url: (url, []),
    lambda url: (url.replace("wss:", "https:"), []),
    lambda url: (url.replace("?", "/?"), []),
    lambda url: (url.replace("wss:", "https:").replace("?", "/?"), []),
    lambda url: (RELAY, [("token", url.partition("token=")[2])]),
    lambda url: (RELAY + "/", [("token", url.partition("token=")[2])]),
    lambda url: (RELAY.replace("wss:", "https:"), [("token", url.partition("token=")[2])]),
    lambda url: (RELAY.replace("wss:", "https:") + "/", [("token", url.partition("token=")[2])]),
]


@pytest.mark.accept("G6")
@pytest.mark.parametrize("form", range(len(FORMS)))
@pytest.mark.parametrize("header", ["X-Twilio-Signature", "x-twilio-signature"])
def test_every_form_of_the_signature_is_accepted(world: World, form: int, header: str) -> None:
    """However Twilio signs a URL with a query, and whatever the header's case, it gets in."""
    url = answered(world)
    signed, params = FORMS[form](url)
    event = authorizer_event(url)
    event["headers"][header] = webhook_signature(signed, params, world.carriers["acc_skyowl"].auth_token)

    assert allowed(app.handler(event, None))


@pytest.mark.accept("G6")
@pytest.mark.parametrize("how", ["missing", "wrong", "of another account", "shared key"])
@pytest.mark.parametrize("name", ["enforce", "observe"])
def test_a_signature_mismatch_is_treated_as_configured(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str, name: str
) -> None:
    """`enforce` refuses, `observe` lets in; both count it."""
    policy(world, monkeypatch, name)
    url = answered(world)
    account = {"of another account": "acc_harbor", "shared key": "acc_skyowl"}.get(how, "")
    event = authorizer_event(url, world.carriers[account].auth_token if account else "")
    if how == "wrong":
        event["headers"]["X-Twilio-Signature"] = "bm90IGEgc2lnbmF0dXJl"
    if how == "shared key":
        event["headers"]["X-Twilio-Webhooks-Signature-Settings"] = "key=KS1,algorithm=HMAC_SHA256"

    answer = app.handler(event, None)

    counted = [line for line in world.lines if line.get("HandshakeSignatureMismatch")]
    assert (name == "observe") == allowed(answer)
    assert 1 == len(counted)
    assert "_aws" in counted[0]


def test_a_rotated_token_is_read_again(world: World) -> None:
    """A handshake signed with the token of a moment ago's rotation gets in."""
    url = answered(world)
    carrier = world.carriers["acc_skyowl"]
    handshake_warm_up = shake(world, answered(world, "CA" + "2" * 32))
    assert allowed(handshake_warm_up)
    world.secrets_client.put_secret_value(
        SecretId=f"{world.prefix}accounts/acc_skyowl/twilio",
        SecretString=json.dumps({"account_sid": carrier.account_sid, "auth_token": "rotated"}),
    )
    world.now += 5

    assert allowed(app.handler(authorizer_event(url, "rotated"), None))


@pytest.mark.parametrize(("name", "expected"), [("enforce", False), ("observe", True)])
def test_without_secrets_only_observe_lets_in(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, expected: bool
) -> None:
    """A signature that cannot be checked is no signature where it is enforced."""
    url = answered(world)

    class NoTokens:
        def account(self, account_id: str, secret_id: str = "") -> Any:
            raise DependencyError("secretsmanager", "AccessDenied")

        def account_again(self, account_id: str, secret_id: str = "") -> Any:
            raise AssertionError

        def relay_key(self) -> str:
            return RELAY_KEY

    service = world.handshake(policy=name, secrets=NoTokens())
    monkeypatch.setattr(bootstrap, "handshake_service", lambda: service)

    assert expected == allowed(shake(world, url))


def test_a_table_that_is_down_refuses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be claimed is refused, not an error: the action callback recovers the caller."""
    url = answered(world)

    class Down:
        def claim_link(self, claims: Claims, connection_id: str, now_s: float) -> int:
            raise DependencyError("dynamodb", "down")

    service = world.handshake(links=Down())
    monkeypatch.setattr(bootstrap, "handshake_service", lambda: service)

    assert not allowed(shake(world, url))


def test_a_closed_link_is_noted_and_the_call_goes_on(world: World) -> None:
    """`$disconnect` of one link ends nothing, however late or often it comes."""
    shake(world, answered(world))
    before = session(world)
    event = {
        "requestContext": {
            "eventType": "DISCONNECT",
            "connectionId": "c1=",
            "authorizer": {"call_sid": CALL, "link_gen": "1"},
        }
    }

    answers = [app.handler(event, None)]
    world.now += 9
    answers.append(app.handler(event, None))

    after = session(world)
    assert [{"statusCode": 200}] * 2 == answers
    assert {"g1_closed": int(NOW * 1000)} == after["links"]
    assert before == {**after, "links": before["links"]}


def test_a_disconnect_of_an_unknown_call_makes_no_item(world: World) -> None:
    """No session appears because a link of one was closed."""
    event = {"requestContext": {"eventType": "DISCONNECT", "authorizer": {"call_sid": "CA9", "link_gen": "1"}}}

    assert {"statusCode": 200} == app.handler(event, None)
    assert [] == world.items("CALL#")


@given(token=st.text(max_size=300), name=st.sampled_from(["token", "Token", "x"]))
def test_any_query_is_refused_without_an_error(token: str, name: str) -> None:
    """However odd the query, nothing but a refusal comes out."""

    class Keys:
        def relay_key(self) -> str:
            return RELAY_KEY

    lines: list[str] = []
    service = Handshake(
        links=object(),  # type: ignore[arg-type]  # never reached
        secrets=Keys(),  # type: ignore[arg-type]  # only the key is asked for
        relay_url=RELAY,
        policy="enforce",
        log=Log("DEBUG", lines.append),
        clock=lambda: NOW,
    )

    assert service.authorize(HandshakeRequest("c=", {}, ((name, token),))) is None
    assert ["WARNING"] == [json.loads(line)["level"] for line in lines]


def test_no_token_is_logged(world: World) -> None:
    """Neither the relay token nor an auth token is in any log line."""
    url = answered(world)
    shake(world, url)
    shake(world, url, connection_id="c2=")

    text = json.dumps(world.lines)
    assert url.partition("token=")[2] not in text
    assert world.carriers["acc_skyowl"].auth_token not in text
