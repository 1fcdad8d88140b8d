"""One frame after another through the real service, over ports in memory."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from ringfold.core import end_reasons
from ringfold.core import events as ev
from ringfold.core.agent import Agent
from ringfold.core.commands import Append, ModelCalled
from ringfold.core.frame_tools import DIGITS_MS
from ringfold.core.handoff import note_of
from ringfold.errors import DependencyError
from ringfold.service.relay import FRAMES_BURST, WARM_CALLS, WARM_MS
from tests.ports import ACCOUNT, CALL, Rig, snapshot

END = ModelCalled(0, "u1", "end_call", '{"farewell": "Goodbye."}')


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits; how long they would have."""
    pauses: list[float] = []
    monkeypatch.setattr("ringfold.service.driver.time.sleep", pauses.append)
    return pauses


def events(rig: Rig, kind: str) -> list[dict[str, Any]]:
    """The stored events of a type, in order."""
    return [event for _, event in sorted(rig.item()["events"].items()) if event["type"] == kind]


# --- frames -----------------------------------------------------------------------------------------------------------
@pytest.mark.accept("E3", "G4")
def test_words_of_the_caller_are_answered() -> None:
    """Stored, thought about, said, written down."""
    rig = Rig()

    rig.says("Hello")

    assert "Hello there. How can I help?" == rig.links.heard()
    assert ["Hello"] == [event["text"] for event in events(rig, ev.PROMPT)]
    assert ["done"] == [reply["st"] for reply in rig.item()["replies"].values()]


@pytest.mark.accept("E21")
@pytest.mark.parametrize("fields", [{"last": False}, {"voicePrompt": ""}, {"voicePrompt": "  "}])
def test_partial_and_blank_words_start_no_turn(fields: dict[str, Any]) -> None:
    """Row 22: nothing is stored and nobody is asked."""
    rig = Rig()

    rig.service.frame(rig.frame("prompt", **{"voicePrompt": "Hel", "lang": "en-US", "last": True, **fields}))

    assert ([], [], {}) == (rig.links.posts, rig.model.requests, rig.item()["events"])


@pytest.mark.accept("E2")
def test_setup_is_stored_and_the_connections_are_warmed() -> None:
    """While the greeting plays; nothing is said."""
    rig = Rig()

    rig.sets_up()

    assert ["VX1"] == [event["session_id"] for event in events(rig, ev.SETUP)]
    assert [] == rig.links.posts
    assert CALL in rig.relay.warm


@pytest.mark.accept("E2")
@pytest.mark.parametrize("fields", [{"callSid": "CA2"}, {"accountSid": "AC2"}])
def test_a_setup_of_another_call_ends_this_one(fields: dict[str, str]) -> None:
    """Row 16: nothing is said, the call is ended, and somebody is told."""
    rig = Rig()

    rig.sets_up(**fields)

    assert [("c1=", {"type": "end"})] == rig.links.posts
    assert end_reasons.REFUSED == rig.item()["ended"]
    (line,) = [line for line in rig.lines if line["level"] == "ERROR"]
    assert 1 == line["ForeignSetups"]
    rig.says("Hello")
    assert 1 == len(rig.links.posts)


@pytest.mark.parametrize("order", list(itertools.permutations(["setup", "prompt", "setup again"])))
def test_setup_may_come_at_any_time_and_twice(order: tuple[str, ...]) -> None:
    """Row 17: the answer and the history are the same."""
    rig = Rig()

    for what in order:
        if what == "prompt":
            rig.says("Hello")
        else:
            rig.sets_up()

    assert "Hello there. How can I help?" == rig.links.heard()
    assert 1 == len(rig.item()["replies"])


@pytest.mark.accept("E4")
def test_an_interrupt_is_recorded() -> None:
    """With what was heard; the watchdog looks whether words follow (row 19)."""
    rig = Rig()

    rig.service.frame(rig.frame("interrupt", utteranceUntilInterrupt="Hello th", durationUntilInterruptMs="640"))

    (event,) = events(rig, ev.INTERRUPT)
    assert ("Hello th", 640) == (event["heard"], event["played_ms"])
    assert [event] == [armed[3] for armed in rig.watchdog.armed]
    assert [640] == [line["played_ms"] for line in rig.told("caller barged in")]


def test_what_was_played_is_recorded() -> None:
    """A9: it decides what was heard."""
    rig = Rig()

    rig.service.frame(rig.frame("info", name="tokensPlayed", value="Hello there. "))
    rig.service.frame(rig.frame("info", name="roundTripDelayMs", value="120"))

    assert ["Hello there. "] == [event["text"] for event in events(rig, ev.PLAYED)]
    assert 1 == len(rig.item()["events"])


def test_an_error_of_twilio_is_recorded_and_told() -> None:
    """Row 29: the call goes on."""
    rig = Rig()

    rig.service.frame(rig.frame("error", description="Invalid message received: {}"))
    rig.says("Hello")

    assert 1 == len(events(rig, ev.ERROR))
    assert 1 == rig.told("twilio reported an error")[0]["RelayErrors"]
    assert rig.links.heard()


@pytest.mark.parametrize(
    ("body", "metric"),
    [
        ("{", "FramesRefused"),
        ("[]", "FramesRefused"),
        ('{"type": 7}', "FramesRefused"),
        ('{"type": "prompt"}', "FramesRefused"),
        ('{"type": "somethingNew", "a": 1}', "UnknownFrames"),
        ("[" * 5000, "FramesRefused"),
        ('{"type": "prompt", "voicePrompt": "' + "x" * 140_000 + '"}', "FramesRefused"),
    ],
    ids=["broken", "a list", "no type", "no words", "unknown", "nested", "too long"],
)
def test_frames_that_make_no_sense_are_counted_and_dropped(body: str, metric: str) -> None:
    """Row 24: nothing is stored, nothing goes back."""
    rig = Rig()

    rig.service.frame(replace(rig.frame("prompt"), body=body))

    assert ([], {}) == (rig.links.posts, rig.item()["events"])
    (line,) = rig.lines
    assert ("WARNING", 1) == (line["level"], line[metric])
    assert metric == line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"]


def test_a_flood_of_frames_stops_before_the_table() -> None:
    """Row 57: one call's flood does not reach it, and another call is served."""
    rig = Rig()
    rig.sessions.open_call("CA2", snapshot())
    at_ms = rig.clock()
    rig.relay.clock = lambda: at_ms

    for _ in range(FRAMES_BURST + 50):
        rig.service.frame(rig.frame("info", name="tokensPlayed", value="x"))
    rig.service.frame(rig.frame("info", call_sid="CA2", name="tokensPlayed", value="x"))

    assert FRAMES_BURST + 1 == rig.sessions.requests.count("append")
    assert 50 == len(rig.told("too many frames on one call; frame dropped"))


# --- keys -------------------------------------------------------------------------------------------------------------
@pytest.mark.accept("E5")
def test_keys_are_collected_and_answered_once(slept: list[float]) -> None:
    """Row 25: in order, by the invocation of the last one."""
    rig = Rig()
    keys = [rig.frame("dtmf", digit=digit, at_ms=rig.clock() + number) for number, digit in enumerate("4711#")]
    for frame in keys[:-1]:  # each earlier one finds, after its pause, that more were pressed
        rig.sessions.append(CALL, _stored(frame))

    rig.service.frame(keys[-1])

    assert 1 == len(rig.model.requests)
    asked = json.dumps(rig.model.requests[0][1]["messages"])
    assert "4 7 1 1 #" in asked or "4 7 1 1" in asked
    assert slept[0] < DIGITS_MS / 1000
    assert rig.links.heard()


def _stored(frame: Any) -> Append:
    fields = json.loads(frame.body)
    key = ev.frame_key(1, frame.at_ms, ev.DIGIT, frame.message_id)
    return Append(key, {"type": ev.DIGIT, "rid": frame.rid, "digit": fields["digit"]})


@pytest.mark.accept("E5")
def test_a_key_that_is_not_the_last_answers_nothing() -> None:
    """Its invocation has seen, after the pause, that more were pressed."""
    rig = Rig()
    first = rig.frame("dtmf", digit="4")
    rig.sessions.append(CALL, _stored(rig.frame("dtmf", digit="7", at_ms=first.at_ms + 300)))

    rig.service.frame(first)

    assert ([], []) == (rig.model.requests, rig.links.posts)


# --- a worker and its calls -------------------------------------------------------------------------------------------
@pytest.mark.accept("E11")
def test_a_turn_leaves_one_line_that_tells_it_whole() -> None:
    """The canonical line: who, which turn, how it ended, what it cost; no word of what was said."""
    rig = Rig(organization_id="org_1")

    frame = rig.says("Hello, my secret word is canary")

    (line,) = rig.told("turn finished")
    assert (CALL, "org_1", "conv_1", frame.rid) == tuple(
        line[name] for name in ("call_sid", "organization_id", "conversation_id", "request_id")
    )
    assert ("completed", 1, "voice", "first") == tuple(line[n] for n in ("ended_by", "turn", "Channel", "model_id"))
    counts = {"writes", "polls", "tool_calls", "input_tokens", "output_tokens", "Posts", "ModelsAsked", "duration_ms"}
    assert all(isinstance(line[name], int) for name in counts)
    assert line["FirstTokenMs"] <= line["FirstPostMs"]
    assert "canary" not in json.dumps(rig.lines)


@pytest.mark.accept("E11")
def test_the_line_of_a_turn_is_metrics_as_cloudwatch_reads_them() -> None:
    """Embedded Metric Format: declared names are there as numbers, dimensions as text, the time in milliseconds."""
    rig = Rig()
    rig.says("Hello")

    (line,) = rig.told("turn finished")

    emf = line["_aws"]
    (directive,) = emf["CloudWatchMetrics"]
    assert abs(emf["Timestamp"] - rig.clock()) < 10_000
    assert ("Ringfold", [["Channel"]]) == (directive["Namespace"], directive["Dimensions"])
    names = {metric["Name"] for metric in directive["Metrics"]}
    assert {"FirstTokenMs", "FirstPostMs", "Posts", "ModelsAsked"} <= names
    assert all(isinstance(line[name], int | float) and not isinstance(line[name], bool) for name in names)
    assert {"Milliseconds", "Count"} == {metric["Unit"] for metric in directive["Metrics"]}


def test_a_turn_that_is_not_ours_leaves_no_metrics() -> None:
    """A duplicate is no turn."""
    rig = Rig()
    frame = rig.says("Hello")
    rig.service.frame(replace(frame, rid="again"))

    assert 1 == len(rig.told("turn finished"))
    assert ["duplicate"] == [line["ended_by"] for line in rig.told("turn not ours")]
    assert "Hello there. How can I help?" == rig.links.heard()


def test_a_warm_worker_asks_from_its_copy() -> None:
    """D15: the second turn reads nothing and is confirmed."""
    rig = Rig()
    rig.says("Hello")
    rig.sessions.requests.clear()

    rig.says("And again")

    assert ["", "confirmed"] == [line["optimistic"] for line in rig.told("turn finished")]
    assert "load_fixed" not in rig.sessions.requests
    assert 2 == len(rig.model.requests)


def test_an_old_copy_is_not_asked_from() -> None:
    """After half a minute somebody else may have served the call."""
    rig = Rig()
    rig.says("Hello")
    rig.ahead_ms = WARM_MS + 1000

    rig.says("And again")

    assert ["", ""] == [line["optimistic"] for line in rig.told("turn finished")]


def test_a_worker_holds_no_more_calls_than_it_may() -> None:
    """Memory stays flat."""
    rig = Rig()
    for number in range(WARM_CALLS + 10):
        rig.sessions.open_call(f"CA{number}x", snapshot())
        rig.service.frame(
            rig.frame("setup", call_sid=f"CA{number}x", sessionId="VX", callSid=f"CA{number}x", accountSid=ACCOUNT)
        )

    assert WARM_CALLS == len(rig.relay.warm)
    assert f"CA{WARM_CALLS + 9}x" in rig.relay.warm


@pytest.mark.accept("G15")
def test_two_organizations_in_one_worker_never_meet() -> None:
    """Row 47: prompts, tools, words, links and log lines of each stay its own."""
    look = ModelCalled(0, "u1", "look", "{}")
    rig = Rig([look], ["One."], [look], ["Two."], ["One again."], ["Two again."])
    rig.sessions.open_call("CA2", snapshot("org_2"), organization_id="org_2", conversation_id="conv_2")
    other = {"call_sid": "CA2", "organization_id": "org_2", "conversation_id": "conv_2", "connection_id": "c2="}

    rig.says("My word is alpha")
    rig.says("My word is beta", **other)
    rig.says("What was my word?")
    rig.says("What was my word?", **other)

    for (_, request), mine, theirs in zip(rig.model.requests, [1, 1, 2, 2, 1, 2], [2, 2, 1, 1, 2, 1], strict=True):
        text = json.dumps(request)
        assert f"agent of org_{mine}" in text
        assert f"agent of org_{theirs}" not in text
        assert ("alpha" in text, "beta" in text) == (mine == 1, mine == 2)
    assert ["org_1", "org_2"] == [context.organization_id for _, _, context in rig.seen]
    assert ["conv_1", "conv_2"] == [context.conversation_id for _, _, context in rig.seen]
    assert "One.One again." == rig.links.heard("c1=").replace(". ", ".")
    assert "Two.Two again." == rig.links.heard("c2=").replace(". ", ".")
    assert {("CA1", "org_1"), ("CA2", "org_2")} == {
        (line["call_sid"], line["organization_id"]) for line in rig.told("turn finished")
    }


# --- the end ----------------------------------------------------------------------------------------------------------
@pytest.mark.accept("F5", "E25")
def test_after_the_end_nothing_is_spoken() -> None:
    """Row 27: the words are stored, nobody is asked."""
    rig = Rig([END])
    rig.says("Bye")
    asked = len(rig.model.requests)

    rig.says("Hello? Hello?")

    assert [("Goodbye.", "text"), ("", "end")] == [
        (frame.get("token", ""), frame["type"])
        for _, frame in rig.links.posts
        if frame.get("token") or frame["type"] == "end"
    ]
    assert asked == len(rig.model.requests)
    assert "agent_ended" == rig.item()["ended"]
    assert 2 == len(events(rig, ev.PROMPT))


# --- links ------------------------------------------------------------------------------------------------------------
@pytest.mark.accept("N2", "E16")
def test_a_new_link_says_that_it_is_back() -> None:
    """A8: nothing was pending."""
    rig = Rig()
    rig.sets_up()
    rig.says("Hello")

    rig.sets_up(generation=2, connection_id="c2=", sessionId="VX2")

    assert Agent.back == rig.links.heard("c2=")
    assert 1 == len(rig.model.requests)


@pytest.mark.accept("N2", "E16")
def test_a_new_link_resumes_an_answer_that_died_with_the_old() -> None:
    """Row 26: with the history, and without asking the caller to repeat."""
    rig = Rig(["Your flight leaves at ten."])
    rig.sets_up()
    rig.links.gone.add("c1=")
    rig.says("When does my flight leave?")

    rig.sets_up(generation=2, connection_id="c2=", sessionId="VX2")

    assert "Your flight leaves at ten." == rig.links.heard("c2=")
    assert "When does my flight leave?" in json.dumps(rig.model.requests[-1][1]["messages"])


@pytest.mark.accept("F8")
def test_a_caller_who_comes_back_from_a_handoff_is_spoken_to() -> None:
    """Row: nobody took the call. The agent knows why, and speaks first; the greeting is not said again."""
    rig = Rig(["Hello there."], ["I'm sorry, nobody answered. How else can I help?"])
    rig.sets_up()
    rig.says("A person, please")
    key = str(ev.frame_key(1, rig.clock() + 1, ev.RETURNED, "back1"))
    rig.item()["events"][key] = {"type": ev.RETURNED, "rid": "return1", "text": note_of("no-answer")}

    rig.sets_up(generation=2, connection_id="c2=", sessionId="VX2")

    assert "I'm sorry, nobody answered. How else can I help?" == rig.links.heard("c2=")
    told = rig.model.requests[-1][1]["messages"]
    assert "nobody answered there" in json.dumps(told[-1])
    assert "A person, please" in json.dumps(told)


@pytest.mark.accept("F8")
def test_who_asks_again_after_a_handoff_is_answered_again() -> None:
    """The same words on the next link are no replay of a lost one: nothing was lost."""
    rig = Rig(["Hello there."], ["The line was busy."], ["I'll try again."])
    rig.sets_up()
    rig.says("A person, please")
    key = str(ev.frame_key(1, rig.clock() + 1, ev.RETURNED, "back1"))
    rig.item()["events"][key] = {"type": ev.RETURNED, "rid": "return1", "text": note_of("busy")}
    rig.sets_up(generation=2, connection_id="c2=", sessionId="VX2")

    rig.says("A person, please", generation=2, connection_id="c2=")

    assert "The line was busy.I'll try again." == rig.links.heard("c2=")


@pytest.mark.accept("E7", "F11", "N2")
def test_a_handoff_whose_speaker_died_is_sent_all_the_same() -> None:
    """The watchdog sends ``end``, with the data as text."""
    rig = Rig()
    rig.sets_up()
    rig.item()["links"]["g1"] = "c1="
    rig.item()["handoff"] = {"n": 1, "code": "explicit_request", "reason": "Wants a person", "summary": "Refund."}

    rig.service.look(CALL, "g0001.x", None, None, "r9")

    ((connection, frame),) = rig.links.posts
    assert ("c1=", "end", "Refund.") == (connection, frame["type"], json.loads(frame["handoffData"])["summary"])


# --- async dispatch and hand-over -------------------------------------------------------------------------------------
def test_asynchronously_a_turn_is_stored_and_handed_on() -> None:
    """``TurnDispatch=async``: this invocation says nothing; the one it starts does, once."""
    rig = Rig(turn_dispatch="async")
    rig.says("Hello")
    ((call_sid, key, part),) = rig.dispatch.jobs
    said_before = list(rig.links.posts)

    rig.service.handed_over(call_sid, key, part, "r100")
    rig.service.handed_over(call_sid, key, part, "r101")

    assert [] == said_before
    assert "Hello there. How can I help?" == rig.links.heard()
    assert 1 == len(rig.model.requests)
    assert 1 == len(rig.told("turn not claimed"))
    assert 1 == len(rig.watchdog.armed)


def test_asynchronously_a_frame_delivered_twice_is_handed_on_once() -> None:
    """Row 42: by whoever stored it."""
    rig = Rig(turn_dispatch="async")
    frame = rig.says("Hello")

    rig.service.frame(replace(frame, rid="again"))

    assert 1 == len(rig.dispatch.jobs)


# --- the watchdog -----------------------------------------------------------------------------------------------------
def test_words_nobody_stored_are_restored_and_answered() -> None:
    """A2: their invocation died before its first write; the message carries them."""
    rig = Rig()
    frame = rig.frame("prompt")
    key = ev.frame_key(1, frame.at_ms, ev.PROMPT, "m1")

    for rid in ("w1", "w2"):
        rig.service.look(CALL, key, {"type": ev.PROMPT, "rid": "dead", "text": "Hello"}, [1, "c1="], rid)

    assert "Hello there. How can I help?" == rig.links.heard()
    assert 1 == len(rig.told("watchdog restores a lost frame"))


def test_a_speaker_that_died_is_replaced() -> None:
    """Row 40: it opened its reply and was not seen again."""
    rig = Rig()
    frame = rig.frame("prompt")
    key = ev.frame_key(1, frame.at_ms, ev.PROMPT, "m1")
    event = {"type": ev.PROMPT, "rid": "dead", "text": "Hello"}
    item = rig.item()
    item["events"][key], item["floor_keys"], item["links"] = event, {key}, {"g1": "c1="}
    item["replies"][key] = {"rid": "dead", "at": frame.at_ms, "p": {}, "tools": {}}

    rig.service.look(CALL, key, event, [1, "c1="], "w1")
    early = rig.links.heard()
    rig.ahead_ms = 4000
    rig.service.look(CALL, key, event, [1, "c1="], "w2")

    assert ("", "Hello there. How can I help?") == (early, rig.links.heard())
    assert 1 == len(rig.told("watchdog speaks"))


def test_a_barge_in_with_nothing_behind_it_is_asked_about() -> None:
    """Row 19, X6: within the limit, in the agent's own words."""
    rig = Rig()
    rig.says("Hello")
    frame = rig.frame("interrupt", utteranceUntilInterrupt="Hello", durationUntilInterruptMs=100)
    rig.service.frame(frame)
    key = ev.frame_key(1, frame.at_ms, ev.INTERRUPT, frame.message_id)
    rig.ahead_ms = 4100

    rig.service.look(CALL, key, None, None, "w1")

    assert rig.links.heard().endswith(Agent.reprompt)


@pytest.mark.parametrize("missing", ["call", "event"])
def test_a_look_at_nothing_is_harmless(missing: str) -> None:
    """Row 67: late, early, twice, of a call that is gone."""
    rig = Rig()
    rig.says("Hello")
    said = rig.links.heard()

    rig.service.look("CA9" if missing == "call" else CALL, "g0001.0000000000001.3.x", None, None, "w1")

    assert said == rig.links.heard()


def test_a_look_that_cannot_read_is_tried_again() -> None:
    """The queue delivers it once more."""
    rig = Rig()
    rig.sessions.reads_down = True

    with pytest.raises(DependencyError):
        rig.service.look(CALL, "key", None, None, "w1")


def test_a_frame_that_cannot_be_stored_is_tried_for_a_while(slept: list[float]) -> None:
    """Row 50: then it is told as lost; its watchdog message is out."""
    rig = Rig()
    rig.sessions.down = True

    rig.service.frame(rig.frame("interrupt", utteranceUntilInterrupt="", durationUntilInterruptMs=1))

    assert 1 == rig.told("frame could not be stored")[0]["FramesLost"]
    assert 2 <= sum(slept) <= 5
    assert 1 == len(rig.watchdog.armed)
