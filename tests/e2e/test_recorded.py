"""The page by itself: its recorded backend and its patterns need no system."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from local.settings import ROOT

pytestmark = pytest.mark.browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A static file server that does not write to the tests' output."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """The console's files over HTTP."""
    handler = functools.partial(Quiet, directory=str(ROOT / "console"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_recorded_call_plays_without_a_system(page: Page, files: str) -> None:
    """With ?recorded the page plays a whole call: captions, interruption, problems, the end."""
    page.goto(f"{files}/?recorded=10")
    page.get_by_role("button", name="Call", exact=True).click()

    expect(page.locator(".line--agent.is-cut")).to_have_count(1)
    expect(page.locator("#call-state")).to_have_text("The agent hung up", timeout=20_000)
    assert page.locator(".turn").count() >= 2
    assert page.locator(".line--caller").count() >= 2


def test_hostile_text_stays_text(page: Page, files: str) -> None:
    """Whatever a name, a caller or a frame holds is shown as it is and never run."""
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(f"{files}/patterns.html")
    for row in page.locator(".row:not([hidden]) summary").all():
        row.click()

    expect(page.locator(".line--caller").first).to_contain_text('<img src=x onerror="alert(1)">')
    assert 0 == page.locator(".captions img, .rows img").count()
    assert [] == dialogs


def test_the_page_is_used_by_keyboard_alone(page: Page, files: str) -> None:
    """Tab reaches the number and the call button; Enter calls; the field to speak in has the focus."""
    page.goto(f"{files}/?recorded=1")
    expect(page.locator("#dial-call")).to_be_enabled()
    page.locator("#dial-to").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#dial-call")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_label("What you say")).to_be_focused()


def test_every_control_has_a_name(page: Page, files: str) -> None:
    """No button, field or switch is without a label."""
    page.goto(f"{files}/?recorded=10")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#in-call")).to_be_visible()

    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select")].filter((element) =>
            !element.closest("[hidden]") && !(element.getAttribute("aria-label") || element.labels?.length
              || element.textContent.trim())).map((element) => element.outerHTML)"""
    )
    assert [] == nameless


def test_words_light_up_in_step_with_the_voice(page: Page, files: str) -> None:
    """Queued words are pale first, and heard one after another."""
    page.goto(f"{files}/?recorded=1")
    page.get_by_role("button", name="Call", exact=True).click()
    first = page.locator(".line--agent").first

    expect(first.locator(".rest")).not_to_be_empty()
    expect(first.locator(".now")).not_to_be_empty()
    expect(first.locator(".rest")).to_be_empty(timeout=10_000)


@pytest.mark.parametrize("voices", [0, 1])
def test_the_voice_switch_follows_the_voices(page: Page, files: str, voices: int) -> None:
    """Without a voice the switch is off and says why; with one the agent's sentences are spoken."""
    page.add_init_script(
        f"""window.spoken = [];
        Object.defineProperty(window, "speechSynthesis", {{ value: {{
          getVoices: () => Array({voices}).fill({{}}), cancel() {{}}, addEventListener() {{}},
          speak: (utterance) => window.spoken.push(utterance.text) }} }});"""
    )
    page.goto(f"{files}/?recorded=10")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#call-state")).to_have_text("The agent hung up", timeout=20_000)

    assert (voices > 0) == bool(page.evaluate("window.spoken.length"))


def test_the_microphone_speaks_for_the_caller(page: Page, files: str) -> None:
    """Where the browser listens, its final words are said; what is said over the agent interrupts first."""
    page.add_init_script(
        """window.SpeechRecognition = class { start() { window.ear = this } stop() {} };
        window.acts = [];"""
    )
    page.goto(f"{files}/?recorded=1")
    page.evaluate(
        """async () => { const { RecordedBackend } = await import("./backend.js");
        RecordedBackend.prototype.act = async (id, what, fields) => (window.acts.push([what, fields?.text]), {}); }"""
    )
    page.get_by_role("button", name="Call", exact=True).click()
    page.get_by_role("button", name="Speak with the microphone").click()
    expect(page.get_by_role("button", name="Interrupt")).to_be_visible()
    page.evaluate(
        """() => { const result = (text, isFinal) => Object.assign([{ transcript: text }], { isFinal });
        window.ear.onresult({ resultIndex: 0, results: [result("wait a", false)] });
        window.ear.onresult({ resultIndex: 0, results: [result("wait a moment", true)] }); }"""
    )

    assert [["interrupt", None], ["say", "wait a moment"]] == page.evaluate("window.acts")
