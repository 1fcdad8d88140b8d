"""The message webhooks over real tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ringfold.adapters.directory import account_key, number_key
from ringfold.core import texts, twiml
from ringfold.errors import DependencyError
from tests.aws import Aws
from tests.texts_world import ACCOUNT, CONTACT, NUMBER, THREAD, TextWorld, build
from tests.world import World, world

__all__ = ["world"]

EMPTY = twiml.empty()


@pytest.fixture
def them(world: World, aws: Aws) -> TextWorld:
    return build(world, aws)


@pytest.mark.accept("A1", "A3", "A14", "N3")
def test_a_text_is_stored_before_anybody_answers_it(them: TextWorld) -> None:
    """With everything Twilio told of it; the answer to the webhook is empty and the outbox has it."""
    answer = them.text(
        "Hello",
        NumMedia="1",
        MediaUrl0="https://api.example.com/media/ME1",
        MediaContentType0="image/jpeg",
        NumSegments="2",
    )

    assert (200, EMPTY) == (answer.status, answer.body)
    (text,) = them.texts()
    assert ("Hello", "in", texts.RECEIVED, 2, ACCOUNT) == (
        text.body,
        text.direction,
        text.state,
        text.segments,
        text.account_id,
    )
    assert ({"url": "https://api.example.com/media/ME1", "content_type": "image/jpeg"},) == text.media
    assert [text.message_id] == [each["pk"] for each in them.handed_on()]
    assert THREAD.__dict__ == them.handed_on()[0]["thread"]


@pytest.mark.accept("A17")
def test_a_webhook_delivered_twice_stores_one_text(them: TextWorld) -> None:
    """One after the other, and at the same time."""
    params = them.params("Hello")
    texting = them.texting()
    request = them.request("/api/sms/incoming", params)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: texting.incoming(request), range(6)))

    assert {200} == {each.status for each in answers}
    assert 1 == len(them.texts()) == len(them.handed_on())
    assert 1 == them.store.state(THREAD).received


@pytest.mark.accept("A20")
def test_whatsapp_is_the_same_contact_by_another_channel(them: TextWorld) -> None:
    """Its texts lie with the contact's others, in a thread of their own."""
    them.text("By text")
    them.text("By WhatsApp", From=f"whatsapp:{CONTACT}", To=f"whatsapp:{NUMBER}", WaId="15125551234")

    assert ["By text"] == [each.body for each in them.texts()]
    found = [each for each in them.world.items("TEXTS#") if each["pk"] == f"TEXTS#org_skyowl#{CONTACT}"]
    assert 2 == len(found)
    assert ["sms", "whatsapp"] == sorted(each["thread"]["channel"] for each in them.handed_on())


@pytest.mark.accept("A18")
@pytest.mark.parametrize(("word", "out"), [("STOP", True), ("Unsubscribe", True), ("HELP", False)])
def test_a_keyword_is_no_question(them: TextWorld, word: str, out: bool) -> None:
    """It is stored, the ledger is written, and nobody answers it: Twilio has."""
    answer = them.text(word)

    assert (200, EMPTY, []) == (answer.status, answer.body, them.handed_on())
    assert out == them.store.state(THREAD).opted_out
    assert [texts.IGNORED] == [each.state for each in them.texts()]


@pytest.mark.accept("A18")
def test_start_lifts_what_stop_has_set(them: TextWorld) -> None:
    """And OptOutType of Twilio's advanced opt-out counts like the word."""
    them.text("Basta", OptOutType="STOP")
    assert them.store.state(THREAD).opted_out

    them.text("START")

    assert not them.store.state(THREAD).opted_out


@pytest.mark.accept("G6")
def test_only_twilio_is_believed(them: TextWorld) -> None:
    """A wrong token, another account's number, a SID that is none: 403 without detail, and nothing is stored."""
    wrong = [
        them.text("Hello", token="somebody-elses"),
        them.text("Hello", AccountSid=them.world.carriers["acc_platform"].account_sid),
        them.text("Hello", MessageSid="XX1", SmsSid="XX1"),
    ]

    assert [(403, EMPTY)] * 3 == [(each.status, each.body) for each in wrong]
    assert [] == them.texts() == them.handed_on()


@pytest.mark.accept("B7")
@pytest.mark.parametrize("what", ["number", "account"])
def test_an_inactive_line_keeps_a_text_and_sends_nothing(them: TextWorld, what: str) -> None:
    """Somebody may look at it later; no agent answers."""
    key = number_key(NUMBER) if what == "number" else account_key(ACCOUNT)
    them.world.change(key, is_active=False)
    if what == "account":
        them.world.change(number_key(NUMBER), account_active=False)

    answer = them.text("Hello")

    assert (200, []) == (answer.status, them.handed_on())
    assert [("inactive", texts.IGNORED)] == [(each.reason, each.state) for each in them.texts()]


def test_a_text_to_a_number_we_do_not_know_is_told_in_the_log(them: TextWorld) -> None:
    """Its account is ours, so it is Twilio's; nobody can be answered."""
    answer = them.text("Hello", To="+15125559999")

    assert 200 == answer.status
    assert "text to an unknown number" in [each["message"] for each in them.world.lines]


@pytest.mark.accept("A15")
def test_what_cannot_be_stored_is_refused_loudly(them: TextWorld) -> None:
    """Twilio is told to ask the fallback, and the log has an error: no silent drop."""

    class Broken:
        def receive(self, *_: Any) -> bool:
            raise DependencyError("dynamodb", "down")

    without = them.texting(texts=Broken())
    them.world.secrets_client.delete_secret(
        SecretId=f"{them.world.prefix}accounts/{ACCOUNT}/twilio", ForceDeleteWithoutRecovery=True
    )

    assert (503, EMPTY) == (them.text("Hello").status, them.text("Hello").body)
    assert 503 == them.text("Hello", texting=without).status
    assert "ERROR" in [each["level"] for each in them.world.lines]


@pytest.mark.accept("A11")
def test_reports_take_a_text_further_whatever_their_order(them: TextWorld) -> None:
    """Delivered before sent, twice, by our id or by the SID; the error code is kept."""
    them.text("Hello")
    them.replies().answer(THREAD, ACCOUNT)
    (callback,), sid = them.twilio.callbacks, f"SM{1:032x}"

    for state in ("delivered", "sent", "delivered", "queued"):
        assert 200 == them.report(callback, sid, state).status
    assert "delivered" == them.texts()[-1].state

    them.report("", sid, "read")
    assert "read" == them.texts()[-1].state
    assert 200 == them.report("", "SM" + "9" * 32, "sent").status


@pytest.mark.accept("A18")
def test_a_report_of_an_opt_out_is_entered(them: TextWorld) -> None:
    """21610 comes late, too."""
    them.text("Hello")
    them.replies().answer(THREAD, ACCOUNT)

    them.report(them.twilio.callbacks[0], f"SM{1:032x}", "failed", "21610")

    assert them.store.state(THREAD).opted_out
    assert ("failed", "21610") == (them.texts()[-1].state, them.texts()[-1].error_code)


def test_no_word_of_a_text_stands_in_the_log(them: TextWorld) -> None:
    """Numbers are masked."""
    them.text("My secret is Zyzzyva")
    them.replies().answer(THREAD, ACCOUNT)

    assert "Zyzzyva" not in str(them.world.lines)
    assert CONTACT not in str(them.world.lines)
