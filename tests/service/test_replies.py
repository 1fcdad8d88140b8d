"""Answering threads over real tables: each text once, in order, together, whatever dies in between."""

from __future__ import annotations

import pytest

from functions.incoming import app as incoming
from ringfold.adapters.directory import agent_key, number_key, read_snapshot
from ringfold.adapters.messages import Refused
from ringfold.adapters.transcripts import Transcripts
from ringfold.core import texts
from ringfold.core.request import call_context
from ringfold.core.session import call_pk
from ringfold.errors import ConfigError, DependencyError
from ringfold.service.replies import HONEST
from tests.aws import Aws
from tests.texts_world import ACCOUNT, CONTACT, NUMBER, THREAD, Killed, TextWorld, build
from tests.world import World, call_params, http_event, relay_of, world

__all__ = ["world"]


@pytest.fixture
def them(world: World, aws: Aws) -> TextWorld:
    return build(world, aws)


def answer(them: TextWorld) -> None:
    them.replies().answer(THREAD, ACCOUNT)


def states(them: TextWorld) -> list[tuple[str, str]]:
    return [(each.direction, each.state) for each in them.texts()]


@pytest.mark.accept("A1", "A2", "A10", "A11", "A19")
def test_a_text_gets_its_answer(them: TextWorld) -> None:
    """Sent with the account's own credentials, stored with its segments, and pointing at what it answers."""
    them.text("Where is my flight?")

    answer(them)

    assert [(CONTACT, "Answer 1.")] == them.twilio.sent
    assert [("in", texts.ANSWERED), ("out", "queued")] == states(them)
    asked, reply = them.texts()
    assert (asked.message_id, "GSM-7", 1, f"SM{1:032x}") == (
        reply.reply_to,
        reply.encoding,
        reply.segments,
        reply.sid,
    )
    assert them.twilio.callbacks[0].endswith(f"/api/sms/status?text={reply.message_id}")


@pytest.mark.accept("A17")
def test_a_delivery_that_comes_again_answers_nothing_twice(them: TextWorld) -> None:
    """The queue may deliver as often as it likes."""
    them.text("Hello")
    for _ in range(3):
        answer(them)

    assert 1 == len(them.twilio.sent)
    assert 1 == len(them.writer.asked)


@pytest.mark.accept("A17")
def test_texts_in_quick_succession_are_answered_together(them: TextWorld) -> None:
    """Ten of them: one answer, which has read all of them in their order."""
    for i in range(10):
        them.text(f"Part {i}")

    for _ in range(10):
        answer(them)

    assert [[f"Part {i}" for i in range(10)]] == them.writer.asked
    assert 1 == len(them.twilio.sent)
    assert {texts.ANSWERED} == {each.state for each in them.texts() if each.direction == "in"}


@pytest.mark.accept("A17")
def test_an_answer_that_another_text_has_overtaken_is_written_again(them: TextWorld) -> None:
    """Nothing is sent of the first."""
    them.text("Is my flight late?")
    them.writer.meanwhile = [lambda: them.text("ABC123, I mean.") and None]

    answer(them)

    assert [(CONTACT, "Answer 2.")] == them.twilio.sent
    assert ["Is my flight late?", "ABC123, I mean."] == them.writer.asked[1]


def test_texts_that_never_stop_coming_are_answered_later(them: TextWorld) -> None:
    """The queue delivers again; nothing is lost."""
    them.text("One")
    them.writer.meanwhile = [lambda: them.text("More") and None] * 9

    with pytest.raises(DependencyError):
        answer(them)
    them.writer.meanwhile = []
    answer(them)

    assert 1 == len(them.twilio.sent)


@pytest.mark.accept("A17")
@pytest.mark.parametrize("when", ["before it was sent", "behind it", "before it was written down"])
def test_a_worker_killed_anywhere_sends_one_answer(them: TextWorld, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twilio is looked at before anything would be sent again."""
    them.text("Hello")
    replies = them.replies()
    if when == "behind it":
        them.twilio.faults = ["lost"]
    elif when == "before it was sent":
        them.twilio.faults = [Killed()]
    else:
        monkeypatch.setattr("ringfold.adapters.texts.Texts.commit", _dies)

    with pytest.raises(Killed):
        replies.answer(THREAD, ACCOUNT)
    monkeypatch.undo()
    answer(them)
    answer(them)

    assert 1 == len(them.twilio.sent), when
    assert [("in", texts.ANSWERED)] == states(them)[:1]
    assert "out" == states(them)[1][0]
    assert states(them)[1][1] in {"queued", "sent"}
    assert (1 if when != "before it was written down" else 0) == them.twilio.looks


def _dies(*_arguments: object) -> None:
    raise Killed


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_twilio_that_fails_is_asked_again_later(them: TextWorld, status: int) -> None:
    """The queue brings the text back; the answer that was written is the one that is sent."""
    them.text("Hello")
    them.twilio.faults = [DependencyError("twilio", f"send: {status}", retryable=True, processed=None)] * 2

    for _ in range(2):
        with pytest.raises(DependencyError):
            answer(them)
    answer(them)

    assert [(CONTACT, "Answer 1.")] == them.twilio.sent
    assert 1 == len(them.writer.asked)


@pytest.mark.accept("A18")
def test_an_opted_out_contact_is_entered_and_left_alone(them: TextWorld) -> None:
    """21610 once; the next text is not even answered."""
    them.text("Hello")
    them.twilio.faults = [Refused(400, "21610")]
    answer(them)

    them.text("Hello again")
    answer(them)

    assert [] == them.twilio.sent
    found = them.texts()
    assert [("failed", "21610")] == [(each.state, each.error_code) for each in found if each.direction == "out"]
    assert "opted out" == found[-1].reason
    assert 1 == len(them.writer.asked)


def test_a_refusal_of_twilios_is_kept_and_not_repeated(them: TextWorld) -> None:
    """A landline takes no texts: tried once."""
    them.text("Hello")
    them.twilio.faults = [Refused(400, "21614")]
    answer(them)
    answer(them)

    assert ("failed", "21614") == (them.texts()[-1].state, them.texts()[-1].error_code)


@pytest.mark.accept("N1")
def test_a_model_that_fails_still_answers_honestly_once(them: TextWorld) -> None:
    """No silence, and no second apology."""
    them.text("Hello")
    them.writer.answers = [""]
    answer(them)
    answer(them)

    assert [(CONTACT, HONEST)] == them.twilio.sent


def test_two_machines_do_not_talk_for_ever(them: TextWorld) -> None:
    """The same words again and again are no longer answered; the reason is kept."""
    for _ in range(7):
        them.text("Thank you for your message!")
        answer(them)

    assert 4 == len(them.twilio.sent)
    assert "loop" == them.texts()[-1].reason


def test_a_contact_has_a_daily_limit(them: TextWorld) -> None:
    """Tomorrow is another day."""
    replies = them.replies(daily=2)
    for i in range(3):
        them.text(f"Question {i}")
        replies.answer(THREAD, ACCOUNT)
        them.world.now += 600

    assert 2 == len(them.twilio.sent)
    assert "daily limit" == them.texts()[-1].reason
    them.world.now += 24 * 3600
    them.text("Good morning")
    replies.answer(THREAD, ACCOUNT)
    assert 3 == len(them.twilio.sent)


@pytest.mark.accept("B7")
def test_a_line_switched_off_meanwhile_sends_nothing(them: TextWorld) -> None:
    """Between the webhook and the answer."""
    them.text("Hello")
    them.world.change(number_key(NUMBER), is_active=False)

    answer(them)

    assert ([], "inactive") == (them.twilio.sent, them.texts()[-1].reason)


def test_a_number_that_is_another_organizations_now_answers_nobody(them: TextWorld) -> None:
    """The text goes to the dead letters with the reason."""
    them.text("Hello")
    them.world.change(number_key(NUMBER), organization_id="org_harbor")

    with pytest.raises(ConfigError, match="not the organization's"):
        answer(them)

    assert [] == them.twilio.sent


@pytest.mark.accept("A19")
def test_a_long_answer_is_sent_in_parts_in_their_order(them: TextWorld) -> None:
    """Each with its own segments."""
    them.text("Tell me everything")
    them.writer.answers = ["A sentence of some length. " * 100]

    answer(them)

    assert 2 == len(them.twilio.sent)
    parts = [each for each in them.texts() if each.direction == "out"]
    assert [body for _, body in them.twilio.sent] == [each.body for each in parts]
    assert all(each.segments >= 7 for each in parts)


@pytest.mark.accept("G15", "H13")
def test_another_organizations_texts_are_not_read(them: TextWorld) -> None:
    """The same contact writes to two organizations: neither agent sees the other's."""
    them.text("To the airline")
    them.store.receive(
        texts.Text(
            "msg_other",
            texts.Thread("org_harbor", "+15125550120", "sms", CONTACT),
            "in",
            "To the dentist",
            int(them.world.now * 1000),
            "acc_harbor",
            sid="SMother",
        )
    )

    answer(them)

    assert [["To the airline"]] == them.writer.asked


def test_what_a_text_costs(them: TextWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests to the table, counted: to receive one, and to answer it."""
    asked: list[str] = []
    client = them.world.dynamodb
    for name in ("batch_get_item", "query", "transact_write_items", "update_item"):
        original = getattr(client, name)

        def counted(_name: str = name, _original: object = original, **arguments: object) -> object:
            asked.append(_name)
            return _original(**arguments)  # type: ignore[operator]

        monkeypatch.setattr(client, name, counted)

    them.text("Hello")
    received = sorted(asked)
    asked.clear()
    answer(them)

    assert received == ["batch_get_item", "batch_get_item", "transact_write_items"]
    assert sorted(asked) == [
        *["batch_get_item"] * 4,
        "query",
        *["transact_write_items"] * 2,
        *["update_item"] * 2,
    ]


# -- one conversation, whichever way it goes -------------------------------------------------------------------------


def ring(them: TextWorld, contact: str = CONTACT, call_sid: str = "CA" + "7" * 32) -> str:
    """The contact calls; what the model is told beforehand."""
    params = call_params(them.world.carriers[ACCOUNT], call_sid, From=contact)
    event = http_event("/api/voice/incoming", params, auth_token=them.world.carriers[ACCOUNT].auth_token)
    assert relay_of(incoming.handler(event, None)) is not None
    snapshot = them.world.item((call_pk(call_sid), "SNAPSHOT"))
    assert snapshot is not None
    return call_context(read_snapshot(snapshot))


@pytest.mark.accept("G7", "G9")
def test_a_call_knows_what_was_texted(them: TextWorld) -> None:
    """Words and answer of the same person, by whichever of the organization's numbers; nobody else's."""
    them.writer.answers = ["OWL-101 is 45 minutes late."]
    them.text("Is flight OWL-101 late? My code is ABC123.")
    answer(them)

    told = ring(them)

    assert "caller: Is flight OWL-101 late? My code is ABC123.\nagent: OWL-101 is 45 minutes late." in told
    assert "not as instructions" in told
    assert "ABC123" not in ring(them, "+15125559999", "CA" + "8" * 32)


@pytest.mark.accept("G9")
def test_an_agent_may_be_told_to_forget(them: TextWorld) -> None:
    """Its window is over, or there is none."""
    them.text("My code is ABC123.")
    answer(them)
    them.world.now += 86_401

    assert "ABC123" not in ring(them)

    them.text("My code is ABC123.")
    answer(them)
    them.world.change(agent_key("org_skyowl", "agt_skyowl_airline"), doc={"recall_window_s": 0})
    assert "ABC123" not in ring(them, call_sid="CA" + "8" * 32)


@pytest.mark.accept("G7")
def test_a_text_knows_what_was_said_on_the_phone(them: TextWorld) -> None:
    """As far as the call has been finished."""
    call_sid = "CA" + "7" * 32
    ring(them, call_sid=call_sid)
    them.text("And now?")
    answer(them)
    assert () == them.writer.told[-1].elsewhere

    tail = [{"role": "caller", "text": "Row twelve, please."}, {"role": "agent", "text": "12A is yours."}]
    keeper = Transcripts(them.world.dynamodb, them.world.aws.table)
    keeper.remember("org_skyowl", CONTACT, call_sid, "caller_hung_up", tail, int(them.world.now * 1000))
    them.text("Which seat was it?")
    answer(them)

    assert tail == [dict(each) for each in them.writer.told[-1].elsewhere]
