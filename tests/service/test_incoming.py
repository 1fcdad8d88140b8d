"""Calls coming in, through the handler and real tables."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.incoming import app
from ringfold.adapters.directory import account_key, agent_key, contact_key, number_key
from ringfold.core import end_reasons
from ringfold.core.phone import mask
from tests.world import BASE, CALLER, NOW, RELAY, World, call_params, http_event, parse_twiml, relay_of, spoken

PATH = "/api/voice/incoming"
SERVICE = "+15125550100"
SKYOWL = "org_skyowl"
CALL = "CA" + "1" * 32


def ring(world: World, account: str = "acc_skyowl", *, token: str | None = None, **changes: str) -> dict[str, Any]:
    """A call comes in, signed by an account's token."""
    carrier = world.carriers[account]
    params = call_params(carrier, **changes)
    return app.handler(http_event(PATH, params, auth_token=carrier.auth_token if token is None else token), None)


def nothing_stored(world: World) -> bool:
    return not world.items("CALL#") and not [i for i in world.items("ORG#") if i["sk"].startswith("CONVERSATION#")]


def record_calls(client: Any, into: list[tuple[float, float]], *, pause_s: float = 0.0) -> None:
    """Note when each request of a client starts and ends; a pause makes sure that those side by side overlap."""
    original: Callable[..., Any] = client._make_api_call

    def timed(operation: str, arguments: dict[str, Any]) -> Any:
        began = time.perf_counter()
        try:
            time.sleep(pause_s)
            return original(operation, arguments)
        finally:
            into.append((began, time.perf_counter()))

    client._make_api_call = timed


def longest_chain(spans: list[tuple[float, float]]) -> int:
    """The most requests that ran strictly one after another."""
    chain, free_at = 0, 0.0
    for began, ended in sorted(spans, key=lambda span: span[1]):
        if began >= free_at:
            chain, free_at = chain + 1, ended
    return chain


@pytest.mark.accept("E1")
def test_the_twiml_opens_a_relay_session(world: World) -> None:
    """The answer names url, voice, language, greeting and action, and what makes barge-in work."""
    answer = ring(world)

    relay, connect = relay_of(answer), parse_twiml(answer).find("Connect")
    assert connect is not None
    conversation_id = world.items("CALL#")[0]["conversation_id"]
    assert 200 == answer["statusCode"]
    assert f"{BASE}/api/voice/action/{conversation_id}" == connect.get("action")
    assert (relay.get("url") or "").startswith(f"{RELAY}?token=")
    expected = {
        "ttsProvider": "Google",
        "voice": "en-US-Chirp3-HD-Aoede",
        "language": "en-US",
        "welcomeGreeting": "Hi, this is SkyOwl Airlines. How can I help you today?",
        "interruptible": "any",
        "reportInputDuringAgentSpeech": "any",
        "dtmfDetection": "true",
        "ignoreBackchannel": "true",
        "events": "tokens-played",
    }
    assert expected == {name: relay.get(name) for name in expected}


@pytest.mark.accept("D2", "D6")
def test_a_dynamic_numbers_pool_is_settled_with_the_call(world: World) -> None:
    """Its agents as they are, the default among them; one that has been removed is not chosen; a fixed one has none."""
    pool = ["agt_skyowl_billing", "agt_gone", "agt_skyowl_support", "agt_skyowl_billing"]
    world.change(number_key("+15125550110"), doc={"agents": pool})
    carrier = world.carriers["acc_platform"]
    app.handler(
        http_event("/api/voice/incoming", call_params(carrier, To="+15125550110"), auth_token=carrier.auth_token), None
    )

    (snapshot,) = [json.loads(item["doc"]) for item in world.items("CALL#") if item["sk"] == "SNAPSHOT"]

    assert ["agt_skyowl_billing", "agt_skyowl_support"] == [agent["agent_id"] for agent in snapshot["pool"]]
    assert ("agt_skyowl_support", "dynamic") == (snapshot["number"]["agent_id"], snapshot["number"]["routing_mode"])


@pytest.mark.accept("E2")
def test_the_call_is_stored_before_it_is_answered(world: World) -> None:
    """Session, snapshot, conversation and contact say who is on the line, for which organization."""
    ring(world)

    session, snapshot = sorted(world.items("CALL#"), key=lambda item: str(item["sk"]))
    (conversation,) = [i for i in world.items("ORG#") if i["sk"].startswith("CONVERSATION#")]
    doc = json.loads(snapshot["doc"])
    assert (CALL, SKYOWL, 0, {}) == (
        session["call_sid"],
        session["organization_id"],
        session["link_gen"],
        session["events"],
    )
    assert (CALLER, "agt_skyowl_airline", "SkyOwl Airlines") == (
        doc["caller_number"],
        doc["agent"]["agent_id"],
        doc["organization_name"],
    )
    assert ("voice", "active", CALL, CALLER, f"ORG#{SKYOWL}") == tuple(
        conversation[name] for name in ("channel", "state", "call_sid", "caller_number", "pk")
    )
    contact = world.item(contact_key(SKYOWL, CALLER))
    assert contact is not None
    assert CALL == contact["last_call_sid"]


@pytest.mark.parametrize(
    ("to", "account", "words"),
    [
        ("+15125550100", "acc_skyowl", "SkyOwl Airlines"),
        ("+15125550110", "acc_platform", "sales, support or billing"),
        ("+15125550120", "acc_harbor", "Harbor Dental"),
    ],
)
@pytest.mark.accept("C9")
def test_one_endpoint_serves_every_number(world: World, to: str, account: str, words: str) -> None:
    """Which number was dialled decides who answers, whoever's account it is in."""
    answer = ring(world, account, To=to)

    assert words in (relay_of(answer).get("welcomeGreeting") or "")


@pytest.mark.accept("D1")
def test_a_fixed_number_uses_its_default_agent(world: World) -> None:
    """Mode fixed always uses the default agent."""
    ring(world)

    (snapshot,) = [item for item in world.items("CALL#") if item["sk"] == "SNAPSHOT"]
    assert "agt_skyowl_airline" == json.loads(snapshot["doc"])["agent"]["agent_id"]


@pytest.mark.accept("C10")
@pytest.mark.parametrize("to", ["+15125559999", "sip:desk@example.com", ""])
def test_an_unknown_number_is_told_politely(world: World, to: str) -> None:
    """A number that is not ours, dialled at an account that is, gets a sentence and no error."""
    answer = ring(world, To=to)

    assert 200 == answer["statusCode"]
    assert "not in service" in spoken(answer)
    assert parse_twiml(answer).find("Hangup") is not None
    assert nothing_stored(world)


@pytest.mark.accept("C10")
@pytest.mark.parametrize("what", ["number", "account", "account as the number knows it"])
def test_an_inactive_number_is_told_politely(world: World, what: str) -> None:
    """An inactive number, or one of an inactive account, gets a sentence and no session."""
    if what == "number":
        world.change(number_key(SERVICE), is_active=False)
    elif what == "account":
        world.change(account_key("acc_skyowl"), is_active=False)
    else:
        world.change(number_key(SERVICE), account_active=False)

    answer = ring(world)

    assert 200 == answer["statusCode"]
    assert "not in service" in spoken(answer)
    assert nothing_stored(world)


def test_an_unknown_number_needs_a_signature_too(world: World) -> None:
    """Who is no account of ours does not even learn which numbers are."""
    stranger = call_params(world.carriers["acc_skyowl"], To="+15125559999", AccountSid="AC" + "9" * 32)

    answers = [
        ring(world, To="+15125559999", token="forged"),
        app.handler(http_event(PATH, stranger, auth_token="own token"), None),
    ]

    assert [403, 403] == [answer["statusCode"] for answer in answers]


@pytest.mark.accept("G6")
@pytest.mark.parametrize("token", ["", "wrong token", "of acc_harbor", "of acc_platform"])
def test_a_wrong_signature_is_refused(world: World, token: str) -> None:
    """No signature, a wrong one and another account's are refused without detail, and nothing is stored."""
    used = world.carriers[token.removeprefix("of ")].auth_token if token.startswith("of ") else token

    answer = ring(world, token=used)

    assert 403 == answer["statusCode"]
    assert "<Response />" in answer["body"]
    assert nothing_stored(world)


@pytest.mark.accept("G6", "G15")
def test_an_account_cannot_call_another_ones_number(world: World) -> None:
    """A right signature does not help where the number is another organization's."""
    harbor = world.carriers["acc_harbor"]

    answers = [
        ring(world, "acc_harbor", To=SERVICE),
        ring(world, "acc_harbor", To=SERVICE, AccountSid=world.carriers["acc_skyowl"].account_sid),
        ring(world, "acc_skyowl", AccountSid=harbor.account_sid),
    ]

    assert [403, 403, 403] == [answer["statusCode"] for answer in answers]
    assert nothing_stored(world)


@pytest.mark.accept("G15")
def test_a_call_sid_of_another_account_is_refused(world: World) -> None:
    """Another organization that names a running call gets neither its session nor its token."""
    ring(world)
    before = world.items("CALL#")

    answer = ring(world, "acc_harbor", To="+15125550120", CallSid=CALL)

    assert 403 == answer["statusCode"]
    assert before == world.items("CALL#")


@pytest.mark.accept("G6")
def test_a_webhook_may_be_a_get(world: World) -> None:
    """A GET carries its parameters in the signed URL."""
    carrier = world.carriers["acc_skyowl"]

    answer = app.handler(http_event(PATH, call_params(carrier), auth_token=carrier.auth_token, method="GET"), None)

    assert relay_of(answer).get("url")


@pytest.mark.accept("B6")
@pytest.mark.parametrize("whose", ["account", "number"])
def test_a_base_url_override_is_what_is_signed_and_called(world: World, whose: str) -> None:
    """The account's or number's own base URL replaces the system's in the signature and in the action URL."""
    base, carrier = "https://voice.skyowl.example", world.carriers["acc_skyowl"]
    key = account_key("acc_skyowl") if whose == "account" else number_key(SERVICE)
    world.change(key, doc={"base_url": f"{base}/"})

    answer = app.handler(http_event(PATH, call_params(carrier), auth_token=carrier.auth_token, base=base), None)
    by_system = ring(world, CallSid="CA" + "2" * 32)

    connect = parse_twiml(answer).find("Connect")
    assert connect is not None
    assert (connect.get("action") or "").startswith(f"{base}/api/voice/action/")
    assert 403 == by_system["statusCode"]


def test_a_webhook_delivered_twice_gets_the_same_twiml(world: World) -> None:
    """A repeat finds the stored call: same conversation, same token, later by the clock or not."""
    first = ring(world)
    world.now += 40

    second = ring(world)

    assert first["body"] == second["body"]
    assert 2 == len(world.items("CALL#"))


def test_a_repeat_does_not_see_what_was_configured_since(world: World) -> None:
    """A live call keeps its snapshot, and so does the answer to its repeated webhook."""
    first = ring(world)
    world.change(number_key(SERVICE), doc={"greeting": "Something else."})

    second = ring(world)

    assert first["body"] == second["body"]


def test_a_webhook_delivered_twice_at_once_gets_the_same_twiml(world: World) -> None:
    """Two deliveries in one moment settle on one call."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ring(world), range(4)))

    assert 1 == len({answer["body"] for answer in answers})
    assert 2 == len(world.items("CALL#"))


def test_a_webhook_replayed_after_the_call_opens_nothing(world: World) -> None:
    """When the session has expired, an old webhook gets a polite sentence: no second conversation, no token."""
    ring(world)
    for item in world.items("CALL#"):
        world.dynamodb.delete_item(TableName=world.aws.table, Key={n: {"S": item[n]} for n in ("pk", "sk")})

    answer = ring(world)

    assert 200 == answer["statusCode"]
    assert parse_twiml(answer).find("Connect") is None
    assert [] == world.items("CALL#")


def test_the_greeting_costs_at_most_three_requests_one_after_another(world: World) -> None:
    """With nothing cached: the number; tokens, key and persona side by side; the transaction."""
    spans: list[tuple[float, float]] = []
    record_calls(world.dynamodb, spans, pause_s=0.1)
    record_calls(world.secrets_client, spans, pause_s=0.1)

    ring(world)

    assert (5, True) == (len(spans), longest_chain(spans) <= 3)


def test_a_warm_greeting_costs_three_requests(world: World) -> None:
    """Once tokens and key are cached: two reads and one transaction."""
    ring(world)
    spans: list[tuple[float, float]] = []
    record_calls(world.dynamodb, spans)
    record_calls(world.secrets_client, spans)

    ring(world, CallSid="CA" + "2" * 32)

    assert 3 == len(spans)


@pytest.mark.parametrize(
    ("relay", "told"),
    [
        ({"interuptible": "any"}, "'interruptible'"),
        ({"dtmf_detection": "true"}, "'dtmfDetection'"),
        ({"speechTimeout": "50"}, "600 to 5000"),
        ({"interruptSensitivity": "hi"}, "low, medium, high"),
    ],
)
@pytest.mark.parametrize("whose", ["number", "agent"])
def test_a_misspelt_attribute_is_told_and_never_sent(
    world: World, relay: dict[str, str], told: str, whose: str
) -> None:
    """The caller hears a sentence and is connected with a person; the log names the attribute and the cure."""
    key = number_key(SERVICE) if whose == "number" else agent_key(SKYOWL, "agt_skyowl_airline")
    world.change(key, doc={"relay": {"ttsProvider": "Google", **relay}})

    answer = ring(world)

    (line,) = [line for line in world.lines if line["level"] == "ERROR"]
    assert 200 == answer["statusCode"]
    assert "connecting you" in spoken(answer)
    assert "+15125550190" == parse_twiml(answer).findtext("Dial")
    assert told in line["detail"]
    assert next(iter(relay)) in line["detail"]
    assert nothing_stored(world)


@pytest.mark.parametrize(
    "change",
    [
        {"doc": {"relay": "loud"}},
        {"doc": {"languages": ["en"]}},
        {"doc": {"greeting": 5}},
        {"routing_mode": "magic"},
        {"default_agent_id": "agt_gone"},
        {"default_agent_id": ""},
        {"default_agent_id": "agt_harbor_desk"},
    ],
    ids=str,
)
def test_a_misconfigured_number_is_told_politely(world: World, change: dict[str, Any]) -> None:
    """Settings nobody can use, or an agent that is not the organization's: a sentence, and a log line."""
    world.change(number_key(SERVICE), **change)

    answer = ring(world)

    assert 200 == answer["statusCode"]
    assert parse_twiml(answer).find("Connect") is None
    assert spoken(answer)
    assert ["ERROR"] == [line["level"] for line in world.lines]
    assert nothing_stored(world)


def test_a_number_that_cannot_be_verified_dials_nobody(world: World) -> None:
    """Without a secret there is no telling who asks: a sentence, but not the organization's transfer number."""
    world.secrets_client.delete_secret(
        SecretId=f"{world.prefix}accounts/acc_skyowl/twilio", ForceDeleteWithoutRecovery=True
    )

    answer = ring(world)

    assert 200 == answer["statusCode"]
    assert spoken(answer)
    assert parse_twiml(answer).find("Dial") is None
    assert nothing_stored(world)


@pytest.mark.parametrize(
    "caller",
    ["anonymous", "+266696687", "Restricted", "", "client:jane", "sip:anonymous@example.com", "sip:a@b.example"],
)
def test_callers_without_a_number_share_nothing(world: World, caller: str) -> None:
    """A withheld or foreign address gets an answer, and no contact that the next such caller would find."""
    answer = ring(world, From=caller)

    (snapshot,) = [item for item in world.items("CALL#") if item["sk"] == "SNAPSHOT"]
    assert relay_of(answer).get("url")
    assert [] == world.items("CONTACT#")
    assert "" == json.loads(snapshot["doc"])["caller_number"]


def drop_a_call(world: World, *, seconds_ago: float = 60, reason: str = end_reasons.CALLER_HUNG_UP) -> None:
    """A call of the demo's caller that ended in mid-conversation."""
    ring(world, CallSid="CA" + "0" * 32)
    tail = [{"role": "caller", "text": "I'd like an aisle seat"}, {"role": "agent", "text": "14C is free"}]
    contact = world.item(contact_key(SKYOWL, CALLER))
    assert contact is not None
    ended_ms = int((world.now - seconds_ago) * 1000)
    world.dynamodb.put_item(
        TableName=world.aws.table,
        Item={
            "pk": {"S": contact["pk"]},
            "sk": {"S": "VOICE"},
            "last_call_sid": {"S": contact["last_call_sid"]},
            "last_conversation_id": {"S": contact["last_conversation_id"]},
            "ended_ms": {"N": str(ended_ms)},
            "end_reason": {"S": reason},
            "doc": {"S": json.dumps({"tail": tail})},
        },
    )


def previous_of(world: World, call_sid: str = CALL) -> list[dict[str, str]]:
    item = world.item((f"CALL#{call_sid}", "SNAPSHOT"))
    assert item is not None
    previous: list[dict[str, str]] = json.loads(item["doc"])["previous"]
    return previous


@pytest.mark.accept("G8", "G16")
def test_a_call_back_goes_on_where_the_dropped_call_stopped(world: World) -> None:
    """The new call's snapshot holds the end of the last one, and its greeting says so."""
    drop_a_call(world)

    answer = ring(world)

    assert ["I'd like an aisle seat", "14C is free"] == [entry["text"] for entry in previous_of(world)]
    assert "cut off" in (relay_of(answer).get("welcomeGreeting") or "")


@pytest.mark.accept("G8", "G15")
@pytest.mark.parametrize(
    "case", ["too long ago", "said goodbye", "another organization", "another caller", "withheld", "not finalized"]
)
def test_a_call_back_starts_anew_otherwise(world: World, case: str) -> None:
    """Not after the window, a goodbye, for another organization or another caller, nor before the end is known."""
    drop_a_call(
        world,
        seconds_ago=901 if case == "too long ago" else 10,
        reason=end_reasons.AGENT_ENDED if case == "said goodbye" else end_reasons.CALLER_HUNG_UP,
    )
    if case == "not finalized":
        ring(world, CallSid="CA" + "3" * 32)
    changes = {"another organization": {"To": "+15125550120"}, "another caller": {"From": "+15125550148"}}
    caller = {"withheld": {"From": "anonymous"}}

    answer = ring(
        world,
        "acc_harbor" if case == "another organization" else "acc_skyowl",
        **changes.get(case, {}),
        **caller.get(case, {}),
    )

    assert relay_of(answer).get("url")
    assert [] == previous_of(world)


def test_a_repeated_webhook_leaves_the_contact_alone(world: World) -> None:
    """The pointer to the last call and its end survive a replay of an older call's webhook."""
    drop_a_call(world)
    before = world.item(contact_key(SKYOWL, CALLER))

    ring(world, CallSid="CA" + "0" * 32)

    assert before == world.item(contact_key(SKYOWL, CALLER))


@pytest.mark.accept("N2")
def test_the_session_lives_in_the_table(world: World) -> None:
    """All that a later invocation needs is stored, with a time to live; nothing is kept in the function."""
    ring(world)

    assert {NOW + 86400} == {item["expires_at"] for item in world.items("CALL#")}


def test_logs_hold_masked_numbers_and_no_secrets(world: World) -> None:
    """One line says what happened; no number, token or signature is in it."""
    ring(world)
    ring(world, token="wrong")

    text = json.dumps(world.lines)
    assert mask(CALLER) in text
    assert CALLER not in text
    for carrier in world.carriers.values():
        assert carrier.auth_token not in text
    assert "?token=" not in text
