"""The chain, link by link: whichever is broken is named, with its cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringfold.core.session import call_pk
from ringfold.errors import DependencyError
from ringfold_admin.probe import Answer
from tests.admin.line import PhoneLine
from tests.admin.numbers_desk import NUMBERS, RELAY_URL, TOKEN, Office, open_office
from tests.admin.twilio_numbers import TwilioNumbers, running
from tests.aws import Aws

CHAIN = [
    "number",
    "account",
    "webhook",
    "endpoint",
    "signature",
    "session",
    "websocket",
    "model",
    "parallel_frames",
    "tools",
    "transfer",
    "messages",
]
APOLOGY = "I'm sorry, I'm having trouble answering right now. Could you say that again?"


@dataclass
class Ticks:
    """Seconds that pass when somebody waits."""

    now: float = 100.0


@dataclass
class Agent:
    """Answers prompts after a while; frames one after another if the gateway is such a one.

    Attributes:
        words: What it says; nothing when empty.
        takes_s: To its first word.
        parallel: Whether a key press holds up what comes behind it.
    """

    clock: Ticks
    words: str = "Hello, yes, I can hear you."
    takes_s: float = 0.5
    parallel: bool = True
    breaks: bool = False
    frames: list[dict[str, Any]] = field(default_factory=list)
    due: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    held_until: float = 0.0

    def send(self, frame: Mapping[str, Any]) -> None:
        self.frames.append(dict(frame))
        if frame["type"] == "dtmf" and not self.parallel:
            self.held_until = self.clock.now + 1.5
        if frame["type"] == "prompt" and self.words:
            at = max(self.clock.now, self.held_until) + self.takes_s
            self.due.append((at, {"type": "text", "token": self.words, "last": False}))
            self.due.append((at + 0.01, {"type": "text", "token": "", "last": True}))

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        if self.breaks:
            raise DependencyError("relay", "the session was closed")
        if not self.due or self.due[0][0] > self.clock.now + timeout_s:
            self.clock.now += timeout_s
            return None
        at, frame = self.due.pop(0)
        self.clock.now = max(self.clock.now, at)
        return frame


@dataclass
class Wire:
    """Plays Twilio against the real voice webhooks of this test, and hands out an agent's session."""

    agent: Agent
    line: PhoneLine | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    refuses: str = ""
    posted: list[tuple[str, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def post(
        self, url: str, form: Mapping[str, str], auth_token: str, timeout_s: float, *, sign: bool = True
    ) -> Answer:
        assert timeout_s > 0
        assert TOKEN == auth_token
        parts = urlsplit(url)
        self.posted.append((parts.path, form["CallStatus"]))
        if self.refuses == "endpoint":
            raise DependencyError("endpoint", "ConnectionError")
        key = parts.path.rpartition("/")[2] + ("" if sign else " unsigned")
        if key in self.answers:
            return self.answers[key]
        assert self.line
        base = f"{parts.scheme}://{parts.netloc}"
        heard = self.line._send(parts.path, base if sign else "https://unsigned.example.com", form)
        return Answer(heard.status, heard.body)

    def now(self) -> float:
        return self.agent.clock.now

    def pause(self, seconds: float) -> None:
        self.agent.clock.now += seconds

    @contextmanager
    def session(self, url: str, auth_token: str, timeout_s: float) -> Iterator[Agent]:
        assert timeout_s > 0
        assert TOKEN == auth_token
        self.opened.append(url)
        if self.refuses == "websocket":
            raise DependencyError("relay", "HTTP 403")
        yield self.agent


@dataclass
class Chain:
    """A number and its verification."""

    office: Office
    number: dict[str, Any]
    wire: Wire
    clock: Ticks

    def walk(self) -> dict[str, Any]:
        answer = self.office.admin.get(f"{NUMBERS}/{self.number['id']}/verify")
        assert 200 == answer.status, answer.text
        found: dict[str, Any] = answer.json
        return found

    def links(self) -> dict[str, dict[str, Any]]:
        return {each["link"]: each for each in self.walk()["links"]}


@pytest.fixture
def chain(aws: Aws, request: pytest.FixtureRequest) -> Iterator[Chain]:
    """A number whose every link holds; the parameter is TurnDispatch."""
    clock = Ticks()
    wire = Wire(Agent(clock))
    with running(TwilioNumbers()) as twilio:
        office = open_office(aws, twilio, probe=wire, turn_dispatch=getattr(request, "param", "inline"))
        wire.line = PhoneLine(office)
        yield sound_chain(office, wire, clock)


def sound_chain(office: Office, wire: Wire, clock: Ticks) -> Chain:
    number = office.bought(default_agent_id="agt_one", transfer_number="+15125550190", greeting="Hello.")
    office.twilio.services["MG1"] = {
        "sid": "MG1",
        "senders": [number["phone_sid"]],
        "campaign": "VERIFIED",
        "use_inbound_webhook_on_number": True,
        "inbound_request_url": None,
    }
    return Chain(office, number, wire, clock)


@pytest.mark.accept("I5")
def test_a_sound_chain_is_walked_to_its_end(chain: Chain) -> None:
    """Every link is looked at, in the order a call takes, and says what it found."""
    found = chain.walk()

    assert CHAIN == [each["link"] for each in found["links"]]
    assert ["ok"] * len(CHAIN) == [each["status"] for each in found["links"]], found
    assert (True, None) == (found["ok"], found["first_broken"])


def test_the_trial_is_a_call_as_twilio_makes_it_and_leaves_no_trace(chain: Chain) -> None:
    """Answered, opened, asked, hung up; no conversation is left, and nobody was remembered."""
    chain.walk()

    paths = [f"{path.rpartition('/')[2]} {status}" for path, status in chain.wire.posted]
    assert ["incoming ringing", "status in-progress", "status in-progress", "status completed"] == paths
    kinds = [frame["type"] for frame in chain.wire.agent.frames]
    assert ["setup", "prompt", "prompt", "dtmf", "prompt"] == kinds
    setup = chain.wire.agent.frames[0]
    assert setup["callSid"].startswith("CAverify")
    assert chain.wire.opened[0].startswith(f"{RELAY_URL}?token=")
    items = chain.office.everything()
    assert [] == [item for item in items if item["sk"].startswith("CONVERSATION#")]
    assert [] == [item for item in items if item["pk"].startswith("CONTACT#")]
    session = chain.office.item(call_pk(setup["callSid"]), "SESSION")
    assert session
    assert session["ended"]


def break_account(chain: Chain) -> None:
    chain.office.admin.patch(f"/api/voice/accounts/{chain.office.account}", {"is_active": False})


def break_token(chain: Chain) -> None:
    chain.office.twilio.accounts[chain.office.account_sid] = "another"


def break_agent(chain: Chain) -> None:
    key = {"pk": {"S": f"ORG#{chain.office.org}"}, "sk": {"S": "AGENT#agt_one"}}
    chain.office.desk.aws.client("dynamodb").delete_item(TableName=chain.office.desk.aws.table, Key=key)


def break_number(chain: Chain) -> None:
    chain.office.admin.patch(f"{NUMBERS}/{chain.number['id']}", {"is_active": False})


def drift(chain: Chain) -> None:
    chain.office.twilio.owned[chain.number["phone_sid"]]["voice_url"] = "https://demo.twilio.com/"


def drift_fallback(chain: Chain) -> None:
    chain.office.twilio.owned[chain.number["phone_sid"]]["voice_fallback_url"] = ""


def move_away(chain: Chain) -> None:
    chain.office.twilio.owned.clear()


def unreachable(chain: Chain) -> None:
    chain.wire.refuses = "endpoint"


def answers(key: str, status: int, body: str) -> Callable[[Chain], None]:
    def arrange(chain: Chain) -> None:
        chain.wire.answers[key] = Answer(status, body)

    return arrange


def other_deployment(chain: Chain) -> None:
    body = '<Response><Connect><ConversationRelay url="wss://elsewhere.example.com/dev?token=x"/></Connect></Response>'
    chain.wire.answers["incoming"] = Answer(200, body)


def same_looking_deployment(chain: Chain) -> None:
    body = f'<Response><Connect><ConversationRelay url="{RELAY_URL}?token=x"/></Connect></Response>'
    chain.wire.answers["incoming"] = Answer(200, body)


def no_handshake(chain: Chain) -> None:
    chain.wire.refuses = "websocket"


def mute(chain: Chain) -> None:
    chain.wire.agent.words = ""


def apologizing(chain: Chain) -> None:
    chain.wire.agent.words = APOLOGY


def broken_session(chain: Chain) -> None:
    chain.wire.agent.breaks = True


def unknown_tools(chain: Chain) -> None:
    chain.office.agent(tools=("end_call", "teleport"))


def forbidden_country(chain: Chain) -> None:
    chain.office.twilio.countries["US"] = False


SORRY = "<Response><Say>Sorry, try again.</Say><Hangup/></Response>"


@pytest.mark.accept("I5", "N6")
@pytest.mark.parametrize(
    ("arrange", "link", "told"),
    [
        (break_number, "number", "switched off"),
        (break_agent, "number", "not there"),
        (break_account, "account", "switched off"),
        (break_token, "account", "20003|tell"),
        (drift, "webhook", "demo.twilio.com"),
        (drift_fallback, "webhook", "voice_fallback_url"),
        (move_away, "webhook", "20404"),
        (unreachable, "endpoint", "cannot be reached"),
        (answers("incoming", 403, "<Response/>"), "endpoint", "refuses a signature"),
        (answers("incoming", 502, ""), "endpoint", "HTTP 502"),
        (answers("incoming", 200, SORRY), "endpoint", "Sorry, try again"),
        (answers("incoming", 200, "<html>"), "endpoint", "no relay session"),
        (other_deployment, "endpoint", "another deployment"),
        (answers("status unsigned", 200, "<Response/>"), "signature", "anybody could play Twilio"),
        (answers("status", 503, "<Response/>"), "signature", "HTTP 503"),
        (same_looking_deployment, "session", "no session is stored"),
        (no_handshake, "websocket", "HTTP 403"),
        (mute, "model", "said nothing"),
        (apologizing, "model", "apology"),
        (broken_session, "model", "broke off"),
        (unknown_tools, "tools", "teleport"),
        (forbidden_country, "transfer", "may not call US"),
    ],
    ids=lambda each: each if isinstance(each, str) else getattr(each, "__name__", ""),
)
def test_a_broken_link_is_named_with_its_cure(
    chain: Chain, arrange: Callable[[Chain], None], link: str, told: str
) -> None:
    """The first one that fails; what depends on it is not looked at, the rest is."""
    arrange(chain)

    found = chain.walk()

    links = {each["link"]: each for each in found["links"]}
    assert (False, link) == (found["ok"], found["first_broken"]), found
    assert any(word in links[link]["message"] for word in told.split("|")), links[link]
    assert links[link]["cure"]
    behind = [each for each in CHAIN[CHAIN.index(link) + 1 :] if each not in {"tools", "transfer", "messages"}]
    assert all("skipped" == links[each]["status"] for each in behind)
    assert CHAIN == list(links)


@pytest.mark.parametrize(
    ("chain", "parallel", "status", "fits"),
    [
        ("inline", True, "ok", "TurnDispatch inline fits"),
        ("inline", False, "warning", "TurnDispatch async fits"),
        ("async", True, "ok", "TurnDispatch inline fits"),
        ("async", False, "ok", "TurnDispatch async fits"),
    ],
    indirect=["chain"],
)
def test_it_is_measured_whether_frames_run_in_parallel(chain: Chain, parallel: bool, status: str, fits: str) -> None:
    """A question behind a key press waits for it, or it does not; that decides TurnDispatch."""
    chain.wire.agent.parallel = parallel
    link = chain.links()["parallel_frames"]

    assert status == link["status"]
    assert fits in link["message"]


def test_a_slow_first_model_is_told(chain: Chain) -> None:
    """It was answered, but later than the agent's own patience."""
    chain.wire.agent.takes_s = 3.5

    link = chain.links()["model"]

    assert ("warning", True) == (link["status"], "model_errors" in link["cure"])


def test_the_time_is_bounded(chain: Chain) -> None:
    """However slow everything is: the API's answer comes in time, and says what was not looked at."""
    chain.wire.agent.takes_s = 6.9
    begun = chain.clock.now

    links = chain.links()

    assert chain.clock.now - begun < 30
    assert "skipped" == links["messages"]["status"]
    assert "no time left" in links["messages"]["message"]


def test_a_chain_without_a_transfer_number_is_warned_of(chain: Chain) -> None:
    """Callers whom the agent cannot serve are let go."""
    chain.office.admin.patch(f"{NUMBERS}/{chain.number['id']}", {"transfer_number": None})

    found = chain.walk()

    assert found["ok"]
    assert "warning" == next(each for each in found["links"] if each["link"] == "transfer")["status"]


@pytest.mark.accept("C14")
@pytest.mark.parametrize(
    ("service", "status", "blocks"),
    [
        ({"campaign": "VERIFIED"}, "registered", 0),
        ({"campaign": "IN_PROGRESS"}, "pending", 1),
        ({"campaign": "FAILED"}, "failed", 1),
        ({}, "unregistered", 1),
        ({"senders": []}, "unregistered", 1),
    ],
    ids=str,
)
def test_the_registration_of_a_local_number_is_shown(
    chain: Chain, service: dict[str, Any], status: str, blocks: int
) -> None:
    """As its Messaging Service's campaign has it, and what it blocks meanwhile."""
    known = chain.office.twilio.services["MG1"]
    known.pop("campaign")
    known |= service
    before = chain.office.admin.get(f"{NUMBERS}/{chain.number['id']}").json["registration"]

    chain.walk()

    after = chain.office.admin.get(f"{NUMBERS}/{chain.number['id']}").json["registration"]
    assert ("a2p_10dlc", "unknown") == (before["program"], before["status"])
    assert (status, blocks) == (after["status"], len(after["blocks"]))
    assert ("30034" in str(after["blocks"])) == bool(blocks)


@pytest.mark.accept("C14")
def test_what_twilio_does_not_tell_is_unknown(chain: Chain) -> None:
    """Never guessed."""
    chain.office.twilio.faults["services"] = ["20003"]

    link = chain.links()["messages"]

    shown = chain.office.admin.get(f"{NUMBERS}/{chain.number['id']}").json
    assert ("warning", "unknown", None) == (
        link["status"],
        shown["registration"]["status"],
        shown["messaging_service"],
    )


def test_a_messaging_service_that_takes_the_texts_is_told(chain: Chain) -> None:
    """The number's own sms_url is not asked any more."""
    chain.office.twilio.services["MG1"]["use_inbound_webhook_on_number"] = False

    link = chain.links()["messages"]

    shown = chain.office.admin.get(f"{NUMBERS}/{chain.number['id']}").json["messaging_service"]
    assert "lost" in link["message"]
    assert {"service_sid": "MG1", "uses_number_webhook": False, "inbound_url": None} == shown


def test_a_viewer_does_not_ask_the_model(chain: Chain) -> None:
    """It costs money."""
    viewer = chain.office.desk.viewer(chain.office.org)

    assert 403 == viewer.get(f"{NUMBERS}/{chain.number['id']}/verify").status


def test_an_open_purchase_is_the_first_broken_link(chain: Chain) -> None:
    """Its cure is named."""
    chain.office.twilio.faults = {"create": ["503"]}
    number_id = chain.office.buy(None, 105).json["error"]["details"][0]["number_id"]

    found = chain.office.admin.get(f"{NUMBERS}/{number_id}/verify").json

    assert "number" == found["first_broken"]
    assert "repair" in found["links"][0]["cure"]
