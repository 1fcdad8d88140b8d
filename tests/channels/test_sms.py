"""Texts as a channel, and a third channel that is one module."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from local.settings import ROOT
from ringfold.adapters.threads import Threads
from ringfold.channels.sms import MOST_PARTS, SMS, WHATSAPP, write_texts
from ringfold.core.channel import Channel
from ringfold.core.commands import ModelSaid, ModelStopped
from ringfold.log import Log
from ringfold.service.answerer import Answerer
from ringfold.service.toolrunner import ToolRunner
from ringfold.tools.end_call import END_CALL
from ringfold.tools.registry import Registry, Tool
from tests.service.test_answerer import SNAPSHOT, Script


@pytest.mark.accept("G3")
def test_a_text_is_to_be_two_or_three_sentences() -> None:
    """With the details inline; the same on WhatsApp."""
    assert "two or three sentences" in SMS.rules
    assert "key details inline" in SMS.rules
    assert SMS.rules == WHATSAPP.rules


@pytest.mark.accept("A19")
def test_an_answer_becomes_texts_that_twilio_takes() -> None:
    """Plain, split, and not without end."""
    assert ["Flight OWL-101 is late."] == write_texts("**Flight** OWL-101 is late.")
    assert 2 == len(write_texts("A sentence of some length. " * 100))
    assert MOST_PARTS == len(write_texts("A sentence of some length. " * 1000))
    assert [] == write_texts("  \n ")


@pytest.mark.accept("A12", "A13", "G18")
def test_a_third_channel_is_a_module_of_its_own() -> None:
    """A kiosk: nothing of the core knows it; tools for every channel are offered there at once, others are not."""
    kiosk = Channel("kiosk", "You are shown on a kiosk's screen: answer in one line of capital letters.")
    asked: list[dict[str, Any]] = []
    model = Script([[ModelSaid(0, "GATE B14."), ModelStopped(0, "end_turn")]], asked)
    everywhere = Tool("look", "Look.", {"type": "object", "properties": {}}, lambda _a, _c: {})
    threads, log = Threads(), Log("ERROR", lambda _line: None)
    tools = ToolRunner(Registry.of([everywhere, END_CALL]), threads, log, channel=kiosk.name)

    answerer = Answerer(kiosk, model, tools, threads, ("m1", "m2"), log)
    written = answerer.answer(SNAPSHOT, [{"role": "user", "content": [{"text": "Where?"}]}], "cnv_1")

    assert "GATE B14." == written.text
    assert asked[0]["system"][0]["text"].endswith(kiosk.rules)
    assert ["look"] == [each["toolSpec"]["name"] for each in asked[0]["toolConfig"]["tools"]]


def test_the_core_names_no_channel_but_the_voice() -> None:
    """Whoever adds one finds nothing there to edit."""
    found = subprocess.run(
        ["git", "grep", "-lE", "['\"](sms|whatsapp)['\"]", "--", "core", "tools"],
        cwd=ROOT / "layers" / "core" / "ringfold",
        capture_output=True,
        text=True,
        check=False,
    )

    assert {"core/texts.py"} == set(found.stdout.split())
