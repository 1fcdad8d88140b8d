"""Calls from the page, in a real browser, through the whole system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.system import System

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ANSWER_MS = 20_000
CODE = "My confirmation code is ABC123."


@pytest.fixture
def phone(page: Page, system: System) -> Iterator[Page]:
    """The page, before a call."""
    page.goto(system.url)
    expect(page.locator("#dial-call")).to_be_enabled()
    yield page
    system.settle()


def place(phone: Page, number: str = "+15125550100") -> None:
    """Call, and listen to the greeting's first words."""
    phone.locator("#dial-to").select_option(number)
    phone.get_by_role("button", name="Call", exact=True).click()
    expect(phone.locator(".line--agent .heard").first).to_contain_text("SkyOwl", timeout=ANSWER_MS)


def say(phone: Page, text: str) -> None:
    phone.get_by_label("What you say").fill(text)
    phone.get_by_label("What you say").press("Enter")


@pytest.mark.accept("G14")
def test_a_question_is_answered_as_it_streams(phone: Page) -> None:
    """Place a call, type, see the answer stream and light up, with the time to its first token."""
    place(phone)
    say(phone, f"{CODE} Is my flight on time?")

    expect(phone.locator(".line--caller")).to_contain_text("ABC123")
    answer = phone.locator(".line--agent", has_text=re.compile("delay|late", re.IGNORECASE)).first
    expect(answer).to_be_visible(timeout=ANSWER_MS)
    expect(answer.locator(".now, .rest").first).to_be_attached()
    expect(phone.locator(".turn").first).to_contain_text("ms")
    expect(phone.locator(".row[data-kind=violation]")).to_have_count(0)


def test_the_traffic_of_both_protocols_is_shown(phone: Page) -> None:
    """Webhook, TwiML, setup, prompt and text frames stand beside the phone, and open to the whole of them."""
    place(phone)
    say(phone, "Hello")
    expect(phone.locator(".row--out").first).to_be_visible(timeout=ANSWER_MS)

    for text in ("/api/voice/incoming", "Connect › ConversationRelay", "callSid", '"Hello"'):
        expect(phone.locator(".row", has_text=text).first).to_be_visible()
    row = phone.locator(".row", has_text="/api/voice/incoming").first
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text("CallSid")
    phone.get_by_label(re.compile("^Webhooks")).uncheck(force=True)
    expect(row).to_be_hidden()


@pytest.mark.accept("E4")
def test_talking_over_the_agent_interrupts_it(phone: Page) -> None:
    """While the agent speaks the button says so; what was not heard is struck out; the new words are answered."""
    place(phone)
    expect(phone.get_by_role("button", name="Interrupt")).to_be_visible()
    say(phone, f"{CODE} Which seat am I in?")

    expect(phone.locator(".line--agent.is-cut").first).to_be_visible()
    expect(phone.locator(".row", has_text="interrupt").first).to_be_visible()
    expect(phone.locator(".line--agent", has_text=re.compile("seat", re.IGNORECASE)).first).to_be_visible(
        timeout=ANSWER_MS
    )
    expect(phone.locator(".row[data-kind=violation]")).to_have_count(0)


@pytest.mark.accept("E5")
def test_keys_can_be_pressed_by_mouse_and_keyboard(phone: Page) -> None:
    """The keypad opens, its keys become dtmf frames in order."""
    place(phone)
    phone.get_by_role("button", name="Keypad").click()
    phone.locator("[data-digit='1']").click()
    phone.locator("[data-digit='2']").click()
    phone.keyboard.press("#")

    expect(phone.locator(".line--keys")).to_contain_text("1 2 #")
    expect(phone.locator(".row--in", has_text="dtmf")).to_have_count(3)


@pytest.mark.accept("E16")
def test_a_dropped_connection_comes_back(phone: Page) -> None:
    """Break the link: the action callback reconnects the caller, who can go on."""
    place(phone)
    say(phone, f"{CODE} Is my flight on time?")
    expect(phone.locator(".turn").first).to_be_visible(timeout=ANSWER_MS)
    phone.get_by_role("button", name="Drop link").click()

    expect(phone.locator(".row", has_text="/api/voice/action/").first).to_be_visible(timeout=ANSWER_MS)
    expect(phone.locator(".row--in", has_text="setup")).to_have_count(2, timeout=ANSWER_MS)
    expect(phone.locator("#call-state")).to_have_text(re.compile("Connected|Speaking"))
    expect(phone.get_by_role("button", name="Say")).to_be_visible(timeout=ANSWER_MS)
    say(phone, "Which seat do I have?")
    expect(phone.locator(".line--agent", has_text=re.compile("seat", re.IGNORECASE)).last).to_be_visible(
        timeout=ANSWER_MS
    )


def test_hanging_up_ends_the_call_and_another_can_be_placed(phone: Page) -> None:
    """After hanging up the status callback goes out and the phone is ready again."""
    place(phone)
    phone.get_by_role("button", name="Hang up").click()

    expect(phone.locator("#call-state")).to_have_text("You hung up", timeout=ANSWER_MS)
    expect(phone.locator(".row", has_text="/api/voice/status").first).to_be_visible()
    phone.get_by_role("button", name="New call").click()
    place(phone)


@pytest.mark.accept("E22")
def test_the_model_can_be_made_to_stall_from_the_page(phone: Page) -> None:
    """With a model that stalls the caller hears words all the same."""
    place(phone)
    phone.get_by_text("Stalls").click()
    expect(phone.locator("#lab .hint")).to_contain_text("Until you change it")
    expect(phone.get_by_role("button", name="Say")).to_be_visible(timeout=ANSWER_MS)
    say(phone, "Is my flight on time?")

    expect(phone.locator(".line--agent").nth(1)).to_be_visible(timeout=ANSWER_MS)


@pytest.mark.accept("O1", "G9")
def test_texts_and_who_it_is_are_shown(phone: Page) -> None:
    """Written on the page, answered, delivered; the conversation with its transcript stands below; a call goes on."""
    phone.locator("#dial-from").evaluate("(input) => { input.closest('details').open = true; }")
    phone.locator("#dial-from").fill("+15125550777")
    phone.locator("#dial-from").press("Tab")
    phone.get_by_role("button", name="Text instead").click()
    phone.get_by_label("What you write").fill(f"My name is Jane Smith. {CODE} Is my flight on time?")
    phone.get_by_label("What you write").press("Enter")

    answer = phone.locator("#texts .line--agent", has_text=re.compile("delay|late", re.IGNORECASE))
    expect(answer).to_be_visible(timeout=ANSWER_MS)
    expect(answer).to_contain_text("delivered", timeout=ANSWER_MS)
    expect(phone.locator(".conversation", has_text="Texts")).to_be_visible(timeout=ANSWER_MS)
    expect(phone.locator(".said--caller")).to_contain_text("ABC123")

    phone.get_by_role("button", name="Back").click()
    place(phone)
    say(phone, "Hi again. Which seat do I have?")
    seat = phone.locator("#captions .line--agent", has_text=re.compile(r"seat \d+", re.IGNORECASE)).first
    expect(seat).to_be_visible(timeout=ANSWER_MS)
    expect(phone.locator(".conversation", has_text="goes on from another")).to_be_visible(timeout=ANSWER_MS)
    phone.get_by_role("button", name="Hang up").click()
    expect(phone.locator("#call-state")).to_have_text("You hung up", timeout=ANSWER_MS)
    expect(phone.locator(".person__name")).to_contain_text("Jane", timeout=45_000)
    if folder := os.environ.get("SCREENSHOTS"):
        phone.screenshot(path=f"{folder}/texts.png", full_page=True)
