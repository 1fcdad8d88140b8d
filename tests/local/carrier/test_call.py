"""Whole calls against a small application, by the wall clock, twenty times as fast."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # Twilio ships no types

from local.carrier.call import CallEnd
from tests.local.carrier.fake_app import BASE_URL, BRISK, LINE, FakeApp, calling, dialling, say_nothing

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."


async def test_a_call_reads_as_a_transcript() -> None:
    """Greeting, question, answer, goodbye: the transcript holds what was said and heard."""
    async with calling(attributes='welcomeGreeting="Hello there." reportInputDuringAgentSpeech="any"') as (_, call):
        await call.say("Good morning")
        reply = await call.reply()
        await call.hang_up()
        end = await call.ended()

    assert "You said: Good morning." == reply.heard == reply.text
    assert [
        ("agent", "Hello there."),
        ("caller", "Good morning"),
        ("agent", "You said: Good morning."),
    ] == call.transcript
    assert CallEnd("hang-up", "completed") == end
    assert [] == call.violations


async def test_every_webhook_is_signed_as_twilio_signs() -> None:
    """Voice, action and status webhooks verify with Twilio's own validator."""
    async with calling() as (app, call):
        await call.hang_up()
        await call.ended()

    validator = RequestValidator(LINE.auth_token)
    assert ["/api/voice/incoming", "/action", "/api/voice/status"] == [path for path, _ in app.requests]
    assert all(
        validator.validate(BASE_URL + path, form, headers["x-twilio-signature"])
        for (path, form), headers in zip(app.requests, app.headers, strict=True)
    )


async def test_the_handshake_is_signed_over_the_url_as_written() -> None:
    """The WebSocket upgrade carries a signature over the TwiML's url, query included."""
    async with calling() as (app, _):
        pass

    signature = app.handshakes[0]["x-twilio-signature"]
    assert RequestValidator(LINE.auth_token).compute_signature(app.url, {}) == signature
    assert signature == app.handshakes[0]["x-amzn-bedrock-agentcore-runtime-custom-twilio-signature"]


async def test_setup_tells_who_calls() -> None:
    """The first frame of a session is setup, with the call's facts and the TwiML's parameters."""
    async with calling() as (app, call):
        setup = await app.wait_for("setup")

    assert [call.call_sid, LINE.account_sid, LINE.from_number, LINE.to_number, "RINGING", {}] == [
        setup[key] for key in ("callSid", "accountSid", "from", "to", "callStatus", "customParameters")
    ]


async def test_a_barge_in_reports_what_was_heard_and_then_the_words() -> None:
    """Interrupt first, with whole words the caller has heard; the prompt behind it; the queue is purged."""
    async with calling(say_nothing) as (app, call):
        await app.speak(LONG)
        await call.barge_in("Stop please", after_words=3)
        interrupt, prompt = await app.wait_for("interrupt"), await app.wait_for("prompt")

    heard = interrupt["utteranceUntilInterrupt"]
    assert LONG.startswith(heard)
    assert 3 <= len(heard.split()) < 16
    assert interrupt["durationUntilInterruptMs"] > 0
    assert "Stop please" == prompt["voicePrompt"]
    assert heard == call.heard
    assert [interrupt, prompt] == app.frames[1:]


async def test_an_uninterruptible_text_is_not_cut() -> None:
    """A frame with interruptible false is spoken out; the caller's words are reported all the same."""
    async with calling(say_nothing) as (app, call):
        await app.speak(LONG, interruptible=False)
        await call.words_heard(2)
        interrupted = await call.say("But", at_once=True)
        await app.wait_for("prompt")
        await call.agent_quiet()

    assert not interrupted
    assert LONG == call.heard
    assert [] == app.of("interrupt")


async def test_the_deaf_agent_is_pointed_out() -> None:
    """Without reportInputDuringAgentSpeech the words of a barge-in are lost, and the developer is told why."""
    async with calling(say_nothing, attributes='interruptible="any"') as (app, call):
        await app.speak(LONG)
        await call.barge_in("Can you hear me?", after_words=2)
        await app.wait_for("interrupt")

    assert [] == app.of("prompt")
    assert any("deaf agent" in violation for violation in call.violations)


async def test_keys_arrive_one_by_one_and_in_order() -> None:
    """Each key is a frame of its own."""
    async with calling() as (app, call):
        await call.press("12#")
        await app.wait_for("dtmf", 3)

    assert ["1", "2", "#"] == [frame["digit"] for frame in app.of("dtmf")]


async def test_a_key_over_the_agent_interrupts_it() -> None:
    """A key pressed while the agent speaks sends interrupt before dtmf."""
    async with calling(say_nothing) as (app, call):
        await app.speak(LONG)
        await call.words_heard(2)
        await call.press("5")
        await app.wait_for("dtmf")

    assert ["setup", "interrupt", "dtmf"] == [frame["type"] for frame in app.frames]


async def test_partials_grow_and_only_the_last_is_final() -> None:
    """With partialPrompts the utterance is told as it grows."""
    async with calling(attributes='partialPrompts="true"') as (app, call):
        await call.say("I want a seat by the window")
        await call.reply()

    prompts = app.of("prompt")
    assert [False] * (len(prompts) - 1) + [True] == [frame["last"] for frame in prompts]
    assert len(prompts) > 1
    assert all(prompts[-1]["voicePrompt"].startswith(frame["voicePrompt"]) for frame in prompts)


async def test_tokens_played_and_speaker_events_tell_what_sounded() -> None:
    """With the events attribute info frames say when the agent speaks and which chunks were played."""
    async with calling(attributes='events="tokens-played speaker-events"') as (app, call):
        await call.say("Hi")
        await call.reply()
        await app.wait_for("info", 5)

    told = [(frame["name"], frame["value"]) for frame in app.of("info")]
    assert ("tokensPlayed", "You said: Hi.") == next(each for each in told if each[0] == "tokensPlayed")
    assert ["on", "off"] == [value for name, value in told if name == "agentSpeaking"]


async def test_end_drains_the_voice_and_hands_over_the_data() -> None:
    """After end what is queued is spoken out, then the action callback carries HandoffData byte for byte."""
    handoff = '{"reason": "farewell", "ä": 1}'

    async def on_frame(app: FakeApp, frame: dict[str, Any]) -> None:
        if frame["type"] == "prompt":
            await app.speak("Good bye and thank you.")
            await app.send({"type": "end", "handoffData": handoff})

    async with calling(on_frame) as (app, call):
        await call.say("Bye")
        end = await call.ended()

    action = next(form for path, form in app.requests if path == "/action")
    assert "Good bye and thank you." == call.heard
    assert ("ended", "in-progress", handoff) == (action["SessionStatus"], action["CallStatus"], action["HandoffData"])
    assert CallEnd("application", "ended", handoff) == end


@pytest.mark.accept("E16")
async def test_a_dropped_link_is_recovered_through_the_action() -> None:
    """A broken link asks the action with failed/64105; the new session has the same call and another session id."""
    async with calling(answers={}) as (app, call):
        app.answers["/action"] = [app.twiml()]
        await call.drop_link()
        second = await app.wait_for("setup", 2)
        await call.say("Still there?")
        reply = await call.reply()

    first = app.of("setup")[0]
    action = next(form for path, form in app.requests if path == "/action")
    assert ("failed", "64105", "in-progress") == tuple(
        action[key] for key in ("SessionStatus", "ErrorCode", "CallStatus")
    )
    assert first["callSid"] == second["callSid"]
    assert first["sessionId"] != second["sessionId"]
    assert "IN_PROGRESS" == second["callStatus"]
    assert "You said: Still there?." == reply.heard


async def test_application_reconnect_replays_what_was_missed() -> None:
    """With applicationReconnect Twilio connects again itself and sends what it kept."""
    attributes = 'applicationReconnect="true" reportInputDuringAgentSpeech="any"'
    async with calling(manners=replace(BRISK, reconnect_delay_s=2.0), attributes=attributes) as (app, call):
        await call.drop_link()
        await call.record.wait_for(lambda each: each.fields.get("relay") == "down", within_s=5)
        await call.say("Hello again", at_once=True)
        prompt = await app.wait_for("prompt")

    assert "Hello again" == prompt["voicePrompt"]
    assert 2 == app.links
    assert app.of("setup")[0]["sessionId"] == app.of("setup")[1]["sessionId"]


async def test_malformed_frames_are_answered_and_ten_close_the_session() -> None:
    """Each bad frame gets an error frame; ten in a row close with 1007 and fail the session."""
    async with calling(say_nothing) as (app, call):
        for number in range(10):
            await app.send({"type": "text", "token": None, "last": number})
        with pytest.raises(TimeoutError):
            await call.record.wait_for(lambda _: False, within_s=5)
        end = await call.ended()

    assert 9 == len(app.of("error"))
    assert app.of("error")[0]["description"].startswith("Invalid message received, code: 64107, ")
    assert app.socket is not None
    assert 1007 == app.socket.close_code
    assert "failed" == end.session_status


async def test_a_gateway_error_body_is_a_malformed_frame() -> None:
    """What API Gateway writes when an integration fails is shown as the violation it is."""
    async with calling(say_nothing) as (app, call):
        await app.send(json.dumps({"message": "Internal server error", "connectionId": "x", "requestId": "y"}))
        await app.wait_for("error")

    assert any("64107" in violation for violation in call.violations)


async def test_words_after_end_are_a_violation_and_not_spoken() -> None:
    """Nothing may follow end."""
    async with calling(say_nothing) as (app, call):
        await app.speak("Bye.")
        await app.send({"type": "end"})
        await app.speak("One more thing.")
        await call.ended()

    assert "Bye." == call.heard
    assert ["text after end"] == call.violations


async def test_a_superseded_reply_that_goes_on_is_late() -> None:
    """Text that continues the open cycle more than 250 ms after the interrupt is reported."""
    async with calling(say_nothing) as (app, call):
        await app.speak("One two three four five six seven eight nine ten. ", last=False)
        await call.barge_in("Stop", after_words=2)
        await app.wait_for("prompt")
        await asyncio.sleep(0.3)
        await app.speak("still the old reply")
        await call.record.wait_for(lambda each: each.kind == "violation", within_s=2)

    assert call.violations[0].startswith("late: ")


async def test_a_reply_that_stops_in_time_is_not_late() -> None:
    """The frame under way at the interrupt, the closing frame and the new reply are all in order."""
    async with calling(say_nothing) as (app, call):
        await app.speak("One two three four five six seven eight nine ten. ", last=False)
        await call.barge_in("Stop", after_words=2)
        await app.speak("the one that was under way ", last=False)
        await app.speak("", last=True)
        await asyncio.sleep(0.3)
        await app.speak("The new reply.")
        await call.reply()

    assert [] == call.violations


async def test_two_replies_that_mix_are_seen_when_words_tell_them_apart() -> None:
    """With marked replies, one that speaks again after the next has begun is reported."""
    async with calling(say_nothing, reply_of=lambda token: token.strip()[:2]) as (app, call):
        await app.speak("R1 one. ", last=False)
        await app.speak("R2 two. ", last=False)
        await app.speak("R1 again.")
        await call.record.wait_for(lambda each: each.kind == "violation", within_s=2)

    assert ["interleaved: reply R1 speaks again after reply R2 began"] == call.violations


async def test_a_webhook_that_fails_ends_the_call_with_an_apology() -> None:
    """Without usable TwiML Twilio says it is sorry, and the status callback still comes."""
    async with dialling(answers={"/api/voice/incoming": ["500"]}) as (app, call):
        end = await call.ended()

    assert "failed" == end.reason
    assert call.heard.startswith("We are sorry.")
    assert ["/api/voice/incoming", "/api/voice/status"] == [path for path, _ in app.requests]


async def test_a_relay_that_refuses_the_handshake_fails_the_session() -> None:
    """A WebSocket that cannot be opened asks the action with failed and 64102."""
    twiml = '<Response><Connect action="/action"><ConversationRelay url="ws://127.0.0.1:9/"/></Connect></Response>'
    async with dialling(answers={"/api/voice/incoming": [twiml]}) as (app, call):
        await call.ended()

    action = next(form for path, form in app.requests if path == "/action")
    assert ("failed", "64102") == (action["SessionStatus"], action["ErrorCode"])


async def test_gather_collects_keys_and_dial_reports_its_outcome() -> None:
    """A menu: keys go to the Gather's action, whose Dial goes to its own."""
    gather = '<Response><Gather action="/menu" numDigits="1"><Say>Press one.</Say></Gather></Response>'
    dial = '<Response><Dial action="/dialled"><Number>+15125550123</Number></Dial></Response>'
    answers = {"/api/voice/incoming": [gather], "/menu": [dial]}
    async with dialling(manners=replace(BRISK, dial_outcome="busy"), answers=answers) as (app, call):
        await call.words_heard(2)
        await call.press("1")
        await call.ended()

    forms = dict(app.requests)
    assert "1" == forms["/menu"]["Digits"]
    assert "busy" == forms["/dialled"]["DialCallStatus"]


async def test_a_call_can_be_redirected_while_the_agent_speaks() -> None:
    """New TwiML over REST ends the relay session and runs."""
    async with calling(say_nothing) as (app, call):
        await app.speak(LONG)
        await call.words_heard(1)
        call.redirect(twiml=b"<Response><Say>Please hold.</Say></Response>")
        await call.ended()

    assert call.heard.endswith("Please hold.")
    assert "/action" not in dict(app.requests)
