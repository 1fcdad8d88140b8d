"""Status and action callbacks, through the handler and real tables."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from functions.incoming import app
from functions.relay_connect import app as relay_connect
from ringfold.adapters.directory import number_key
from ringfold.core import end_reasons
from ringfold.core.session import MAX_RECOVERIES
from ringfold.errors import DependencyError
from tests.world import BASE, World, authorizer_event, call_params, http_event, parse_twiml, relay_of, spoken

CALL = "CA" + "1" * 32
SERVICE = "+15125550100"


def start_call(world: World, *, connected: bool = True) -> str:
    """A call that has been answered, and whose relay session is open; returns its conversation id."""
    carrier = world.carriers["acc_skyowl"]
    answer = app.handler(http_event("/api/voice/incoming", call_params(carrier), auth_token=carrier.auth_token), None)
    if connected:
        url = relay_of(answer).get("url") or ""
        relay_connect.handler(authorizer_event(url, carrier.auth_token), None)
    (session,) = [item for item in world.items("CALL#") if item["sk"] == "SESSION"]
    conversation_id: str = session["conversation_id"]
    return conversation_id


def callback(
    world: World, path: str, *, account: str = "acc_skyowl", token: str | None = None, query: str = "", **params: str
) -> dict[str, Any]:
    carrier = world.carriers[account]
    sent = call_params(carrier, **params)
    signed_by = carrier.auth_token if token is None else token
    return app.handler(http_event(path, sent, auth_token=signed_by, query=query), None)


def status(world: World, call_status: str, **params: str) -> dict[str, Any]:
    return callback(world, "/api/voice/status", CallStatus=call_status, **params)


def action(world: World, conversation_id: str, outcome: str, session_id: str = "VX1", **params: str) -> dict[str, Any]:
    """The relay session is over; the caller is still there unless it completed."""
    sent = {"CallStatus": "completed" if outcome == "completed" else "in-progress", **params}
    path = f"/api/voice/action/{conversation_id}"
    return callback(world, path, SessionStatus=outcome, SessionId=session_id, SessionDuration="9", **sent)


def conversation(world: World) -> dict[str, Any]:
    (found,) = [i for i in world.items("ORG#") if i["sk"].startswith("CONVERSATION#")]
    return found


def end_session(world: World, reason: str) -> None:
    """What the turn stores before it sends ``end``."""
    world.change((f"CALL#{CALL}", "SESSION"), ended=reason)


@pytest.mark.accept("E18")
def test_a_status_is_stored(world: World) -> None:
    """What the carrier reports stands on the conversation."""
    start_call(world)

    answer = status(world, "in-progress")

    assert (200, "in-progress", []) == (answer["statusCode"], conversation(world)["call_status"], world.finished)


@pytest.mark.accept("E18")
@pytest.mark.parametrize("order", list(itertools.permutations(["ringing", "in-progress", "completed"])), ids=str)
def test_statuses_in_any_order_never_go_back(world: World, order: tuple[str, ...]) -> None:
    """However they come, and each of them twice, the last status of the call stays."""
    start_call(world)

    answers = [status(world, each) for each in order for _ in range(2)]

    assert {200} == {answer["statusCode"] for answer in answers}
    assert "completed" == conversation(world)["call_status"]
    assert {(CALL, end_reasons.CALLER_HUNG_UP)} == set(world.finished)


@pytest.mark.accept("E18")
def test_the_first_final_status_stays(world: World) -> None:
    """Once a call is over, no other way of being over replaces it."""
    start_call(world)

    status(world, "failed")
    status(world, "completed")

    assert "failed" == conversation(world)["call_status"]


@pytest.mark.accept("E25")
@pytest.mark.parametrize(
    ("call_status", "connected", "ended", "reason"),
    [
        ("completed", True, "", end_reasons.CALLER_HUNG_UP),
        ("completed", False, "", end_reasons.NEVER_CONNECTED),
        ("completed", True, end_reasons.AGENT_ENDED, end_reasons.AGENT_ENDED),
        ("completed", True, end_reasons.HANDOFF, end_reasons.HANDOFF),
        ("completed", True, end_reasons.MODEL_FAILURE, end_reasons.MODEL_FAILURE),
        ("busy", False, "", end_reasons.BUSY),
        ("no-answer", False, "", end_reasons.NO_ANSWER),
        ("canceled", False, "", end_reasons.CANCELED),
        ("failed", False, "", end_reasons.FAILED),
    ],
)
def test_a_final_status_ends_the_call_for_one_reason(
    world: World, call_status: str, connected: bool, ended: str, reason: str
) -> None:
    """What we decided ourselves wins; else the carrier's status says why."""
    start_call(world, connected=connected)
    if ended:
        end_session(world, ended)

    status(world, call_status)

    assert [(CALL, reason)] == world.finished


@pytest.mark.accept("E25")
def test_an_unfinished_call_is_closed_all_the_same(world: World) -> None:
    """When the transcript cannot be kept now, the conversation is closed with its reason."""
    start_call(world)

    def broken(call_sid: str, reason: str, *, now_ms: int) -> None:
        raise DependencyError("dynamodb", "down")

    voice = world.voice(finish=broken)
    event = http_event(
        "/api/voice/status",
        call_params(world.carriers["acc_skyowl"], CallStatus="completed"),
        auth_token=world.carriers["acc_skyowl"].auth_token,
    )
    reply = voice.status(app.parse_request(event))

    found = conversation(world)
    assert (200, "closed", end_reasons.CALLER_HUNG_UP) == (reply.status, found["state"], found["end_reason"])


def test_a_status_after_the_session_has_expired_closes_the_conversation(world: World) -> None:
    """The conversation is found by the call's SIDs alone."""
    start_call(world)
    world.now += 3 * 86400

    status(world, "completed")

    assert ("closed", "completed") == (conversation(world)["state"], conversation(world)["call_status"])


def test_a_status_of_an_unknown_call_changes_nothing(world: World) -> None:
    """A call that was never answered here is none of ours, and no error."""
    answer = status(world, "completed")

    assert 200 == answer["statusCode"]
    assert [] == [i for i in world.items("ORG#") if i["sk"].startswith("CONVERSATION#")]


def test_an_unknown_status_changes_nothing(world: World) -> None:
    """A status Twilio may invent is noted and left alone."""
    start_call(world)

    answer = status(world, "levitating")

    assert (200, "ringing") == (answer["statusCode"], conversation(world)["call_status"])


@pytest.mark.accept("G6")
@pytest.mark.parametrize("path", ["/api/voice/status", "/api/voice/action/{}"])
@pytest.mark.parametrize("how", ["unsigned", "wrong", "foreign"])
def test_callbacks_are_verified(world: World, path: str, how: str) -> None:
    """A callback without the account's signature is refused, and changes nothing."""
    conversation_id = start_call(world)
    before = world.items()
    tokens = {"unsigned": "", "wrong": "wrong", "foreign": world.carriers["acc_harbor"].auth_token}

    answer = callback(
        world,
        path.format(conversation_id),
        token=tokens[how],
        CallStatus="completed",
        SessionStatus="completed",
        SessionId="VX1",
    )

    assert (403, before, []) == (answer["statusCode"], world.items(), world.finished)


@pytest.mark.accept("G6", "G15")
@pytest.mark.parametrize("path", ["/api/voice/status", "/api/voice/action/{}"])
def test_another_account_cannot_speak_for_a_call(world: World, path: str) -> None:
    """Another organization's own signature does not end or recover somebody else's call."""
    conversation_id = start_call(world)
    before = world.items()

    answers = [
        callback(
            world,
            path.format(conversation_id),
            account="acc_harbor",
            CallStatus="completed",
            SessionStatus="failed",
            SessionId="VX1",
            **changes,
        )
        for changes in ({}, {"To": "+15125550120"})
    ]

    assert [403, 403] == [answer["statusCode"] for answer in answers]
    assert (before, []) == (world.items(), world.finished)


@pytest.mark.accept("G15")
def test_an_action_of_another_conversation_is_refused(world: World) -> None:
    """The path and the call must agree."""
    start_call(world)

    answer = action(world, "conv_" + "0" * 26, "failed")

    assert 403 == answer["statusCode"]


def test_a_hang_up_ends_the_call(world: World) -> None:
    """`completed`: the caller has gone; the answer is not looked at."""
    conversation_id = start_call(world)

    answer = action(world, conversation_id, "completed")

    assert [] == list(parse_twiml(answer))
    assert [(CALL, end_reasons.CALLER_HUNG_UP)] == world.finished
    assert "completed" == conversation(world)["call_status"]


def test_our_own_end_hangs_up(world: World) -> None:
    """`ended` after a farewell: nothing more is said."""
    conversation_id = start_call(world)
    end_session(world, end_reasons.AGENT_ENDED)

    answers = [action(world, conversation_id, "ended") for _ in range(2)]

    assert ["Hangup"] == [verb.tag for verb in parse_twiml(answers[0])]
    assert answers[0] == answers[1]
    assert {(CALL, end_reasons.AGENT_ENDED)} == set(world.finished)


def test_a_handoff_goes_to_the_number_of_our_own_item(world: World) -> None:
    """Whatever HandoffData says, the target is the one settled when the call came in."""
    conversation_id = start_call(world)
    end_session(world, end_reasons.HANDOFF)
    world.change(number_key(SERVICE), doc={"transfer_number": "+15125559999"})

    forged = json.dumps({"transfer_number": "+8821234567", "reason": "handoff"})
    answer = action(world, conversation_id, "ended", HandoffData=forged)

    assert "+15125550190" == parse_twiml(answer).findtext("Dial")
    assert "connecting you" in spoken(answer)


def hand_over(world: World, number: int = 1, **changes: Any) -> None:
    """What the turn stores before it sends ``end``."""
    told = {"n": number, "code": "explicit_request", "reason": "Wants a person", "summary": "About a refund."}
    world.change((f"CALL#{CALL}", "SESSION"), handoff={**told, **changes})


def dialled(world: World, conversation_id: str, outcome: str, number: int = 1, **params: str) -> dict[str, Any]:
    """The dialled leg is over, the caller still there."""
    path = f"/api/voice/action/{conversation_id}"
    sent = {"CallStatus": "in-progress", "DialCallStatus": outcome, "DialCallDuration": "0", **params}
    return callback(world, path, query=f"handoff={number}", **sent)


@pytest.mark.accept("F1", "F2", "F3")
@pytest.mark.parametrize("outcome", ["ended", "failed"])
def test_a_call_handed_over_is_dialled(world: World, outcome: str) -> None:
    """A line is said, the number's own target is dialled, whatever the data says, and the call goes on."""
    conversation_id = start_call(world)
    hand_over(world)
    world.change(number_key(SERVICE), doc={"transfer_number": "+15125559999"})

    answers = [action(world, conversation_id, outcome, HandoffData='{"transfer_number": "+8821"}') for _ in range(2)]

    assert answers[0] == answers[1]
    assert "connecting you" in spoken(answers[0])
    (dial,) = parse_twiml(answers[0]).findall("Dial")
    (target,) = list(dial)
    assert ("Number", "+15125550190") == (target.tag, target.text)
    assert f"{BASE}/api/voice/action/{conversation_id}?handoff=1" == dial.get("action")
    assert (target.get("url") or "").startswith(f"{BASE}/api/voice/whisper/{conversation_id}?")
    assert [] == world.finished


@pytest.mark.accept("F8")
@pytest.mark.parametrize(
    ("outcome", "more", "told"),
    [
        ("busy", {}, "busy"),
        ("no-answer", {}, "nobody answered"),
        ("failed", {}, "put through"),
        ("canceled", {}, "broken off"),
        ("levitating", {}, "put through"),
        ("completed", {"DialBridged": "false"}, "handed the call back"),
    ],
)
def test_nobody_took_the_call(world: World, outcome: str, more: dict[str, str], told: str) -> None:
    """The caller comes back on a new link, without a second greeting; the agent can know why. Told twice, once."""
    conversation_id = start_call(world)
    hand_over(world)

    answers = [dialled(world, conversation_id, outcome, **more) for _ in range(2)]

    assert answers[0] == answers[1]
    relay = relay_of(answers[0])
    assert relay.get("welcomeGreeting") is None
    session = world.item((f"CALL#{CALL}", "SESSION")) or {}
    (event,) = [event for event in session["events"].values() if event["type"] == "returned"]
    assert told in event["text"]
    assert "handoff" not in session
    carrier = world.carriers["acc_skyowl"]
    url = relay.get("url") or ""
    context = relay_connect.handler(authorizer_event(url, carrier.auth_token, connection_id="c2="), None)["context"]
    assert (CALL, "2") == (context["call_sid"], context["link_gen"])
    assert [] == world.finished


@pytest.mark.accept("F8")
def test_a_session_ended_long_ago_ends_nothing_now(world: World) -> None:
    """The first callback comes again after the caller is back: the call goes on."""
    conversation_id = start_call(world)
    hand_over(world)
    dialled(world, conversation_id, "busy")

    action(world, conversation_id, "ended")

    assert [] == world.finished


@pytest.mark.accept("E25")
def test_a_call_somebody_took_ends_as_handed_over(world: World) -> None:
    """The person hung up first, or the caller did."""
    conversation_id = start_call(world)
    hand_over(world)

    answer = dialled(world, conversation_id, "completed", DialBridged="true")
    gone = dialled(world, conversation_id, "completed", CallStatus="completed")
    status(world, "completed")

    assert ["Hangup"] == [verb.tag for verb in parse_twiml(answer)]
    assert [] == list(parse_twiml(gone))
    assert {(CALL, end_reasons.HANDOFF)} == set(world.finished)


@pytest.mark.parametrize("number", [0, 2, 99999])
def test_the_end_of_a_handoff_that_never_was(world: World, number: int) -> None:
    """An outcome of another handoff brings nobody back."""
    conversation_id = start_call(world)
    hand_over(world)

    answer = dialled(world, conversation_id, "busy", number)

    assert parse_twiml(answer).find("Connect") is None


@pytest.mark.accept("K4")
def test_the_person_hears_what_it_is_about(world: World) -> None:
    """Before the two are joined; the request is the dialled leg's own."""
    conversation_id = start_call(world)
    hand_over(world)
    path = f"/api/voice/whisper/{conversation_id}"
    leg = {"CallSid": "CA" + "9" * 32, "To": "+15125550190", "From": "+15125550147", "CallStatus": "in-progress"}

    answer = callback(world, path, query=f"call={CALL}", **leg)

    assert "A call for SkyOwl Airlines. Wants a person. About a refund." == spoken(answer)
    assert ["Say"] == [verb.tag for verb in parse_twiml(answer)]


@pytest.mark.parametrize("change", ["unsigned", "another account", "another call"])
def test_a_whisper_is_for_twilio_only(world: World, change: str) -> None:
    """Nobody else hears what a caller wants."""
    conversation_id = start_call(world)
    hand_over(world)
    path = f"/api/voice/whisper/{conversation_id}"
    call = "CA" + "7" * 32 if change == "another call" else CALL
    account = "acc_harbor" if change == "another account" else "acc_skyowl"

    token = "wrong" if change == "unsigned" else None
    answer = callback(world, path, account=account, token=token, query=f"call={call}")

    assert (403, []) == (answer["statusCode"], list(parse_twiml(answer)))


@pytest.mark.accept("F11")
def test_no_new_link_over_a_handoff(world: World) -> None:
    """The carrier that reconnects while the farewell sounds is refused, and its action dials."""
    conversation_id = start_call(world)
    url = relay_of(action(world, conversation_id, "failed")).get("url") or ""
    hand_over(world)

    carrier = world.carriers["acc_skyowl"]
    answer = relay_connect.handler(authorizer_event(url, carrier.auth_token, connection_id="c2="), None)

    assert "context" not in answer or not answer["context"].get("link_gen")


def test_handoff_data_alone_hands_nothing_off(world: World) -> None:
    """A model that writes a handoff into its text does not dial anybody."""
    conversation_id = start_call(world)

    answer = action(world, conversation_id, "ended", HandoffData='{"reason":"handoff"}')

    assert ["Hangup"] == [verb.tag for verb in parse_twiml(answer)]


@pytest.mark.accept("E16")
def test_a_lost_session_is_recovered_without_a_second_greeting(world: World) -> None:
    """`failed` with the caller on the line: a new session with a new token, the same conversation, no greeting."""
    conversation_id = start_call(world)
    first = world.items("CALL#")

    answer = action(world, conversation_id, "failed", ErrorCode="64105")

    relay, connect = relay_of(answer), parse_twiml(answer).find("Connect")
    assert connect is not None
    assert relay.get("welcomeGreeting") is None
    assert (connect.get("action") or "").endswith(conversation_id)
    assert "Google" == relay.get("ttsProvider")
    assert len(first) == len(world.items("CALL#"))
    carrier = world.carriers["acc_skyowl"]
    url = relay.get("url") or ""
    context = relay_connect.handler(authorizer_event(url, carrier.auth_token, connection_id="c2="), None)["context"]
    assert (CALL, "2") == (context["call_sid"], context["link_gen"])


MENU = "We keep losing the line. To go on, press 1."


def lose_everything(world: World) -> tuple[str, dict[str, Any]]:
    """A call with a menu that has lost a session too many; its conversation, and what the last loss was answered."""
    agent = ("ORG#org_skyowl", "AGENT#agt_skyowl_airline")
    world.change(agent, doc={"recovery_menu": MENU})
    conversation_id = start_call(world)
    answers = [action(world, conversation_id, "failed", f"VX{i}") for i in range(MAX_RECOVERIES + 1)]
    return conversation_id, answers[-1]


def presses(world: World, conversation_id: str, digits: str) -> dict[str, Any]:
    path = f"/api/voice/action/{conversation_id}"
    return callback(world, path, query="menu=1", CallStatus="in-progress", Digits=digits)


@pytest.mark.accept("E17")
def test_a_caller_whose_sessions_are_lost_may_choose_by_key(world: World) -> None:
    """One key, asked for in the agent's words; the call is not given up yet."""
    conversation_id, answer = lose_everything(world)

    (gather,) = parse_twiml(answer)
    assert ("Gather", "1", MENU) == (gather.tag, gather.get("numDigits"), gather.findtext("Say"))
    assert f"{BASE}/api/voice/action/{conversation_id}?menu=1" == gather.get("action")
    assert [] == world.finished


@pytest.mark.accept("E17")
def test_one_more_session_by_key_and_no_more(world: World) -> None:
    """Told twice it is the same one; when that is lost too, the call is given up."""
    conversation_id, _ = lose_everything(world)

    answers = [presses(world, conversation_id, "1") for _ in range(2)]
    last = action(world, conversation_id, "failed", "VX9")

    assert answers[0] == answers[1]
    assert relay_of(answers[0]).get("welcomeGreeting") is None
    assert "+15125550190" == parse_twiml(last).findtext("Dial")
    assert {(CALL, end_reasons.LINK_FAILED)} == set(world.finished)


@pytest.mark.accept("E17")
@pytest.mark.parametrize("digits", ["2", "", "#", "11"])
def test_any_other_key_or_none_ends_as_without_a_menu(world: World, digits: str) -> None:
    """Connected with somebody, since there is a number for that."""
    conversation_id, _ = lose_everything(world)

    answer = presses(world, conversation_id, digits)

    assert "+15125550190" == parse_twiml(answer).findtext("Dial")
    assert [(CALL, end_reasons.LINK_FAILED)] == world.finished


@pytest.mark.accept("E16")
def test_recoveries_are_capped(world: World) -> None:
    """After three, the caller hears an apology and is connected with a person; the call is over for the agent."""
    conversation_id = start_call(world)

    answers = [action(world, conversation_id, "failed", f"VX{i}") for i in range(MAX_RECOVERIES + 2)]

    recovered = [parse_twiml(answer).find("Connect") is not None for answer in answers]
    assert [True] * MAX_RECOVERIES + [False, False] == recovered
    assert "losing the line" in spoken(answers[-1])
    assert "+15125550190" == parse_twiml(answers[-1]).findtext("Dial")
    assert {(CALL, end_reasons.LINK_FAILED)} == set(world.finished)


@pytest.mark.accept("E16")
def test_a_repeated_action_gets_the_same_answer(world: World) -> None:
    """One lost session is recovered once, however often it is told, even after later ones."""
    conversation_id = start_call(world)

    first = action(world, conversation_id, "failed", "VX1")
    world.now += 7
    second = action(world, conversation_id, "failed", "VX2")
    again = [action(world, conversation_id, "failed", session) for session in ("VX1", "VX2", "VX1")]

    assert [first["body"], second["body"], first["body"]] == [answer["body"] for answer in again]
    assert first["body"] != second["body"]


def test_without_a_transfer_number_the_lost_caller_is_told_goodbye(world: World) -> None:
    """An apology and the end, where nobody else can take the call."""
    world.change(number_key(SERVICE), doc={"transfer_number": ""})
    conversation_id = start_call(world)

    answers = [action(world, conversation_id, "failed", f"VX{i}") for i in range(MAX_RECOVERIES + 1)]

    assert ["Say", "Hangup"] == [verb.tag for verb in parse_twiml(answers[-1])]


def test_a_session_that_failed_because_the_caller_left_is_not_recovered(world: World) -> None:
    """With a final call status there is nobody to recover."""
    conversation_id = start_call(world)

    answer = action(world, conversation_id, "failed", CallStatus="completed")

    assert [] == list(parse_twiml(answer))
    assert [(CALL, end_reasons.LINK_FAILED)] == world.finished


def test_a_session_that_failed_after_our_end_is_not_recovered(world: World) -> None:
    """The goodbye was said: no new session, whatever became of the socket."""
    conversation_id = start_call(world)
    end_session(world, end_reasons.AGENT_ENDED)

    answer = action(world, conversation_id, "failed")

    assert ["Hangup"] == [verb.tag for verb in parse_twiml(answer)]


@pytest.mark.parametrize("outcome", ["", "exploded", "x" * 5000])
def test_an_unknown_outcome_keeps_the_caller(world: World, outcome: str) -> None:
    """An outcome Twilio may invent is treated as a lost session: the call goes on."""
    conversation_id = start_call(world)

    answer = action(world, conversation_id, outcome)

    assert relay_of(answer).get("url")


@pytest.mark.parametrize("session_id", ["", "VX 1", "x" * 5000, "ß"])
def test_an_odd_session_id_is_still_recovered_and_capped(world: World, session_id: str) -> None:
    """A session without a proper name is one session: recovered once, with the same answer after."""
    conversation_id = start_call(world)

    answers = [action(world, conversation_id, "failed", session_id) for _ in range(5)]

    assert 1 == len({answer["body"] for answer in answers})
    assert relay_of(answers[0]).get("url")


def test_an_action_for_a_call_that_is_not_stored_is_polite(world: World) -> None:
    """The session has expired: a sentence, and the transfer number."""
    answer = action(world, "conv_" + "0" * 26, "failed")

    assert 200 == answer["statusCode"]
    assert spoken(answer)
    assert "+15125550190" == parse_twiml(answer).findtext("Dial")


def test_an_item_of_an_unknown_schema_is_refused_politely(world: World) -> None:
    """An item of a newer version is not guessed at."""
    conversation_id = start_call(world)
    world.change((f"CALL#{CALL}", "SESSION"), schema=99)

    answer = action(world, conversation_id, "failed")

    assert 200 == answer["statusCode"]
    assert spoken(answer)
    assert any("schema 99" in line.get("detail", "") for line in world.lines)


def test_callbacks_are_served_when_the_number_is_gone(world: World) -> None:
    """A number deleted during a call does not strand its caller."""
    conversation_id = start_call(world)
    pk, sk = number_key(SERVICE)
    world.dynamodb.delete_item(TableName=world.aws.table, Key={"pk": {"S": pk}, "sk": {"S": sk}})

    answers = [action(world, conversation_id, "failed"), status(world, "completed")]

    assert relay_of(answers[0]).get("url")
    assert [(CALL, end_reasons.CALLER_HUNG_UP)] == world.finished


def test_no_speech_or_number_is_logged(world: World) -> None:
    """HandoffData may hold anything the model wrote: it is in no log line."""
    conversation_id = start_call(world)

    action(world, conversation_id, "ended", HandoffData="my card number is 4111")

    text = json.dumps(world.lines)
    assert "4111" not in text
    assert "+15125550147" not in text
