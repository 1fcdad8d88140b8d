"""Faults on Twilio's side, injected by the carrier into the whole running system (faults.md, rows marked C)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, get_args
from xml.etree import ElementTree as ET

import httpx
import pytest

from local.carrier import CarrierCall, Happening, Line, Manners
from local.carrier.exchange import directory_of
from local.carrier.link import HandshakeError, Link
from local.carrier.manners import HandshakeForm
from local.carrier.signing import sign, with_body_hash
from local.carrier.webhooks import Answer, Webhooks, voice_params
from tests.e2e.system import System

pytestmark = pytest.mark.slow

AIRLINE, OFFICE, HARBOR = "+15125550100", "+15125550110", "+15125550120"
QUICK = Manners(agent_chars_per_s=90, onset_s=0.05, action_delay_s=0.1, failed_action_delay_s=0.1, status_delay_s=0.1)
CODE = "My confirmation code is ABC123."
FORMS = [form for form in get_args(HandshakeForm) if form != "wrong"]

callers = iter(range(2_000_000, 9_999_999))


def line_to(system: System, number: str = AIRLINE, caller: str | None = None) -> Line:
    return directory_of(system.run).line(number, caller or f"+1555{next(callers)}")


@asynccontextmanager
async def calling(
    system: System, manners: Manners = QUICK, caller: str | None = None, number: str = AIRLINE
) -> AsyncIterator[CarrierCall]:
    """A call that is up and has been greeted."""
    async with CarrierCall(line_to(system, number, caller), manners) as call:
        await call.answered()
        await call.words_heard(1)
        yield call


async def answer_with(call: CarrierCall, *words: str, within_s: float = 12) -> str:
    """Wait until the agent has said one of these since the caller's last doing."""
    try:
        await call.record.wait_for(
            lambda _: any(word in call.said_lately.lower() for word in words), within_s=within_s, start=call.mark
        )
    except TimeoutError:
        pytest.fail(f"expected one of {words}; the agent said {call.said_lately!r}; problems: {call.violations}")
    return call.said_lately


class Twilio:
    """Webhooks of one made-up call, to be sent right or wrong."""

    def __init__(self, line: Line, http: httpx.AsyncClient, call_sid: str) -> None:
        self.line, self.call_sid, self.http = line, call_sid, http
        self.hooks = Webhooks(http, line.auth_token)

    def params(self, **changed: str) -> dict[str, str]:
        line = self.line
        return voice_params(
            call_sid=self.call_sid,
            account_sid=line.account_sid,
            from_number=line.from_number,
            to_number=line.to_number,
            status="ringing",
        ) | {name: value for name, value in changed.items() if value}

    async def incoming(self, signature: str | None = None, **changed: str) -> Answer:
        url = self.line.public_base_url + self.line.voice_path
        return await self.hooks.send(url, self.params(**changed), signature=signature)

    async def relay_url(self) -> str:
        relay = ET.fromstring((await self.incoming()).body).find("Connect/ConversationRelay")  # noqa: S314  # our own
        assert relay is not None
        return relay.attrib["url"]


@asynccontextmanager
async def twilio(system: System, number: str = AIRLINE) -> AsyncIterator[Twilio]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Twilio(line_to(system, number), http, f"CA{next(callers):032x}")


# -- webhooks ------------------------------------------------------------------------------------------------------


@pytest.mark.accept("G6")
@pytest.mark.parametrize("signature", ["", "bm90IGEgc2lnbmF0dXJl", "%F0"])
async def test_a_webhook_with_a_bad_signature_is_refused(system: System, signature: str) -> None:
    """Row 1: missing or wrong, 403 without detail."""
    async with twilio(system) as sender:
        answer = await sender.incoming(signature=signature)

    assert 403 == answer.status
    assert len(answer.body) < 100


@pytest.mark.accept("G15")
async def test_another_accounts_token_opens_nothing(system: System) -> None:
    """Rows 1 and 2: rightly signed by one account, for a number of another."""
    async with twilio(system, HARBOR) as sender:
        answer = await sender.incoming(To=AIRLINE, Called=AIRLINE)

    assert 403 == answer.status


async def test_a_webhook_delivered_twice_gets_one_answer(system: System) -> None:
    """Rows 3 and 4: twice at once and once more later, the TwiML is the same to the byte."""
    async with twilio(system) as sender:
        first, second = await asyncio.gather(sender.incoming(), sender.incoming())
        third = await sender.incoming()

    assert 200 == first.status
    assert first.body == second.body == third.body


async def test_a_json_body_with_a_wrong_hash_is_refused(system: System) -> None:
    """Row 6: bodySHA256 must be of the body that came."""
    async with twilio(system) as sender:
        url = with_body_hash(sender.line.public_base_url + sender.line.voice_path, b"{}")
        headers = {"X-Twilio-Signature": sign(sender.line.auth_token, url), "Content-Type": "application/json"}
        answer = await sender.http.post(url, content=json.dumps(sender.params()).encode(), headers=headers)

    assert 403 == answer.status_code


@pytest.mark.parametrize("caller", ["anonymous", "+266696687", "client:jane", "sip:jane@example.com"])
async def test_a_caller_without_a_number_is_served(system: System, caller: str) -> None:
    """Row 7: withheld numbers and clients are greeted and answered like anybody."""
    async with calling(system, caller=caller) as call:
        await call.say(f"{CODE} Is my flight on time?")
        await answer_with(call, "delay", "late")

    assert [] == call.violations


@pytest.mark.accept("C10")
async def test_an_unknown_number_is_answered_politely(system: System) -> None:
    """Row 8: spoken words and the end of the call, not an error."""
    async with twilio(system) as sender:
        answer = await sender.incoming(To="+15125550777", Called="+15125550777")

    assert 200 == answer.status
    assert b"<Say" in answer.body
    assert b"ConversationRelay" not in answer.body


@pytest.mark.accept("E18")
async def test_status_callbacks_in_any_order_are_taken(system: System) -> None:
    """Row 10: out of order and repeated, each is answered 2xx."""
    async with twilio(system) as sender:
        await sender.incoming()
        url = sender.line.public_base_url + sender.line.status_path
        states = ["completed", "ringing", "in-progress", "completed"]
        answers = [await sender.hooks.send(url, sender.params(CallStatus=state)) for state in states]

    assert all(200 <= answer.status < 300 for answer in answers)


async def test_forged_handoff_data_dials_nobody(system: System) -> None:
    """Row 11: the action callback, repeated and with somebody else's words in it, never names whom to dial."""
    async with CarrierCall(line_to(system), QUICK) as call:
        await call.answered()
        hooks = Webhooks(httpx.AsyncClient(trust_env=False), call.line.auth_token)
        twiml = call.record.of("twiml")[0].fields["xml"]
        connect = ET.fromstring(twiml).find("Connect")  # noqa: S314  # our own answer
        assert connect is not None
        base = call.line.public_base_url
        params = voice_params(
            call_sid=call.call_sid,
            account_sid=call.line.account_sid,
            from_number=call.line.from_number,
            to_number=call.line.to_number,
            status="in-progress",
        ) | {
            "SessionId": "VX" + "1" * 32,
            "SessionStatus": "ended",
            "SessionDuration": "1",
            "HandoffData": json.dumps({"reason": "transfer", "transfer_number": "+18825550100", "to": "+18825550100"}),
        }
        url = str(httpx.URL(base).join(connect.attrib["action"]))
        answers = [await hooks.send(url, params) for _ in range(2)]
        await hooks._client.aclose()

    assert answers[0].body == answers[1].body
    assert all(answer.status == 200 and b"+1882" not in answer.body for answer in answers)


# -- the handshake -------------------------------------------------------------------------------------------------


def flip(url: str) -> str:
    middle = url.index("token=") + 30
    return url[:middle] + ("A" if url[middle] != "A" else "B") + url[middle + 1 :]


@pytest.mark.parametrize(
    "spoil", [lambda url: url.partition("?")[0], lambda url: url + "x", flip, lambda url: url.replace("token", "t")]
)
async def test_a_handshake_without_its_token_is_refused(system: System, spoil: Any) -> None:
    """Row 14: missing, changed, misnamed."""
    async with twilio(system) as sender:
        url = spoil(await sender.relay_url())
        with pytest.raises(HandshakeError):
            await Link.open(url, sender.line.auth_token)


async def test_a_token_opens_one_link(system: System) -> None:
    """Row 14: used twice, the second handshake is refused; at once, exactly one of two comes through."""
    async with twilio(system) as sender:
        url = await sender.relay_url()
        opened = await asyncio.gather(
            *(Link.open(url, sender.line.auth_token) for _ in range(2)), return_exceptions=True
        )
        with pytest.raises(HandshakeError):
            await Link.open(url, sender.line.auth_token)

    links = [each for each in opened if isinstance(each, Link)]
    assert 1 == len(links)
    await links[0].close()


@pytest.mark.parametrize("form", FORMS)
async def test_the_handshake_signature_is_accepted_in_every_reading(system: System, form: HandshakeForm) -> None:
    """Row 15: nobody knows how Twilio signs a query; each of the eight readings opens the link."""
    async with twilio(system) as sender:
        link = await Link.open(await sender.relay_url(), sender.line.auth_token, form=form)
        await link.close()


async def test_a_forged_handshake_signature_is_refused(system: System) -> None:
    """Row 15: locally the signature is enforced."""
    async with twilio(system) as sender:
        url = await sender.relay_url()
        with pytest.raises(HandshakeError):
            await Link.open(url, sender.line.auth_token, form="wrong")


@pytest.mark.parametrize("field", ["callSid", "accountSid"])
async def test_a_setup_of_another_call_hears_nothing(system: System, field: str) -> None:
    """Row 16: nothing is said to a link whose setup is not of the call its token is for."""
    async with twilio(system) as sender:
        link = await Link.open(await sender.relay_url(), sender.line.auth_token)
        setup: dict[str, Any] = {
            "type": "setup",
            "sessionId": "VX" + "2" * 32,
            "callSid": sender.call_sid,
            "accountSid": sender.line.account_sid,
            "from": sender.line.from_number,
            "to": sender.line.to_number,
            "direction": "inbound",
            "callStatus": "RINGING",
            "customParameters": {},
        }
        await link.send({**setup, field: setup[field][:2] + "f" * 32})
        await link.send({"type": "prompt", "voicePrompt": "Hello?", "lang": "en-US", "last": True})
        said = await frames_of(link, 3)
        await link.close()

    assert [] == [frame for frame in said if frame["type"] == "text" and frame["token"]]


async def frames_of(link: Link, within_s: float) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(within_s):
            async for raw in link.frames():
                said.append(json.loads(raw))  # noqa: PERF401  # what came before the timeout counts
    except TimeoutError:
        pass
    return said


# -- frames --------------------------------------------------------------------------------------------------------


@pytest.mark.accept("E19")
@pytest.mark.parametrize("prompt_first", [False, True])
async def test_interrupt_and_prompt_in_one_millisecond_are_answered(system: System, prompt_first: bool) -> None:
    """Row 18: in either order the words are answered."""
    async with calling(system, replace(QUICK, agent_chars_per_s=15)) as call:
        await call.barge_in(f"{CODE} Is my flight on time?", gap_s=0, prompt_first=prompt_first)
        await answer_with(call, "delay", "late")

    assert [] == call.violations


async def test_a_cough_is_followed_by_a_word(system: System) -> None:
    """Row 19: an interrupt nothing follows does not leave the line dead."""
    async with calling(system, replace(QUICK, agent_chars_per_s=15)) as call:
        await call.barge_in("", after_words=3)
        await call.words_heard(1, within_s=12)

    assert [] == call.violations


@pytest.mark.accept("E19")
async def test_an_interrupt_before_the_first_token_kills_no_reply(system: System) -> None:
    """Row 20: empty heard text, duration as a string, long before anything was said: the question is answered."""
    async with calling(system) as call:
        await call.agent_quiet()
        asked = asyncio.create_task(call.say(f"{CODE} Is my flight on time?", at_once=True))
        await asked
        await call.send_raw({"type": "interrupt", "utteranceUntilInterrupt": "", "durationUntilInterruptMs": "0"})
        await answer_with(call, "delay", "late")


async def test_heard_text_as_a_voice_reads_it_cuts_the_history(system: System) -> None:
    """Row 21: numbers come back as words; the call goes on as if nothing were."""
    manners = replace(QUICK, agent_chars_per_s=25, numbers_read_out=True, duration_as_string=True)
    async with calling(system, manners) as call:
        await call.say(f"{CODE} Is my flight on time?")
        await call.barge_in("Which seat do I have?", after_words=12)
        await answer_with(call, "seat")

    assert [] == call.violations


@pytest.mark.accept("E21")
async def test_partial_prompts_start_no_turn(system: System) -> None:
    """Row 22: words that never become final are not answered."""
    async with calling(system) as call:
        await call.agent_quiet()
        call.listen_from_here()
        for text in ("I would", "I would like to", "I would like to change"):
            await call.partial(text)
        await asyncio.sleep(2)
        said = call.said_lately

    assert "" == said


ODD_FRAMES: list[Any] = [
    {"type": "marmalade"},
    {"type": None},
    {"type": "prompt"},
    {"type": "prompt", "voicePrompt": None, "lang": 5, "last": "yes"},
    {"type": "prompt", "voicePrompt": "\x00\ud800", "lang": "en-US", "last": False},
    {"type": "interrupt", "durationUntilInterruptMs": {}},
    {"type": "dtmf", "digit": "☎"},
    {"type": "info", "name": ["tokensPlayed"], "value": {}},
    "not json",
    "[]",
    "",
    "[" * 1000,
    '{"type": "prompt", "voicePrompt": "' + "a" * 30_000 + '", "lang": "en-US", "last": false}',
    '{"type": "prompt", "voicePrompt": "\\ud800 lone", "lang": "en-US", "last": false}',
    {"type": "error", "description": "Invalid message received, code: 64107, {}"},
]


async def test_odd_frames_are_borne(system: System) -> None:
    """Rows 24 and 29: whatever comes, nothing foreign goes back, and the next question is answered."""
    async with calling(system) as call:
        await call.agent_quiet()
        for frame in ODD_FRAMES:
            raw = json.dumps(frame) if isinstance(frame, dict) else frame
            await call.send_raw(raw)
        await call.say(f"{CODE} Is my flight on time?")
        await answer_with(call, "delay", "late")

    assert [] == call.violations


async def test_a_binary_frame_costs_the_link_not_the_call(system: System) -> None:
    """Row 24: API Gateway closes the link over a binary frame; the action brings the caller back."""
    async with calling(system) as call:
        await call.agent_quiet()
        await call.send_raw(b"\x00\x01\x02")
        await call.record.wait_for(lambda each: each.kind == "disconnect", within_s=5)
        await answer_with(call, "back")
        await call.say(f"{CODE} Is my flight on time?")
        await answer_with(call, "delay", "late")


@pytest.mark.accept("E5")
async def test_keys_in_a_burst_arrive_in_order_and_once(system: System) -> None:
    """Row 25: sixteen keys in a fifth of a second, over the greeting, as one number."""
    async with calling(system, replace(QUICK, agent_chars_per_s=15)) as call:
        await call.press("123456789012345#", interval_s=0.0125)
        said = await answer_with(call, "keypad", within_s=10)

    assert "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5" in said


@pytest.mark.accept("E16")
async def test_recoveries_are_capped(system: System) -> None:
    """Row 26: a line that drops again and again ends with an apology, not in a loop."""
    async with CarrierCall(line_to(system), QUICK) as call:
        for drops in range(6):
            ended = asyncio.create_task(call.record.wait_for(lambda each: each.kind == "ended"))
            up = asyncio.create_task(ups(call, drops + 1))
            await asyncio.wait({ended, up}, return_when=asyncio.FIRST_COMPLETED, timeout=15)
            for task in (ended, up):
                task.cancel()
            if call.session is None:
                break
            await call.drop_link()
            await asyncio.sleep(0.05)
        await call.ended(20)

    assert 4 == len(call.record.of("connect"))
    assert "sorry" in call.heard.lower()


async def ups(call: CarrierCall, count: int) -> None:
    """Until the relay has been up so many times."""
    seen = 0

    def enough(happening: Happening) -> bool:
        nonlocal seen
        seen += int(happening.fields.get("relay") == "up")
        return seen >= count

    await call.record.wait_for(enough)


async def test_nothing_is_said_after_the_end(system: System) -> None:
    """Row 27: the caller speaks over the farewell; the agent stays silent and the call ends."""
    async with calling(system, replace(QUICK, agent_chars_per_s=15)) as call:
        await call.say("Thank you, goodbye!")
        await call.record.wait_for(lambda each: each.fields.get("relay") == "ending", within_s=10, start=call.mark)
        await call.say("Wait, one more thing!", at_once=True)
        end = await call.ended()

    assert "ended" == end.session_status
    assert [] == call.violations


@pytest.mark.accept("E20")
@pytest.mark.parametrize("frames", [{"mode": "shuffle", "seed": 7}, {"mode": "parallel", "duplicate": 1.0}])
async def test_shuffled_and_doubled_frames_make_one_conversation(system: System, frames: dict[str, Any]) -> None:
    """Rows 17 and 31: with frames overtaking each other or coming twice, each question is answered, one voice."""
    system.put("/local/gateway/faults", {"frames": frames})
    try:
        async with calling(system, replace(QUICK, agent_chars_per_s=30)) as call:
            await call.say(f"{CODE} Is my flight on time?")
            await call.barge_in("Which seat do I have?", after_words=10)
            await answer_with(call, "seat")
            await call.reply()
    finally:
        system.settle()

    assert [] == call.violations
