"""``make demo``: the SkyOwl story, played and checked.

Jane texts about reservation ABC123 and gets another seat; then she calls, and the agent goes on where the texts ended.
Prints the transcript; exits non-zero, and says why, if it goes otherwise. Uses the running local system, or starts one
of its own, with its own data and on a port of its own, for as long as the story lasts.

python -m local.story
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from local import call
from local.calls.script import parse_script
from local.calls.terminal import AGENT, ALARM, CALLER, Screen
from local.carrier.exchange import load_directory
from local.processes import free_port
from local.settings import LocalSettings, load_settings

REPLY_S: Final = 30.0
PAUSE_S: Final = 0.1
SEAT: Final = re.compile(r"\b\d{1,2}[A-F]\b")


@dataclass(frozen=True)
class Question:
    """A text of Jane's, and what the answer must say: any of these words."""

    text: str
    wanted: tuple[str, ...]


TEXTS: Final = (
    Question("Hi, my reservation is ABC123. Is my flight OWL-101 on time?", ("delayed", "late")),
    Question("Too bad. Can I get an aisle seat at least?", ("aisle",)),
    Question("Yes please!", ("your new seat", "all set", "you're in", "done")),
)
CALL: Final = """\
about: Jane calls after her texts; the agent knows what they were about.
steps:
  - expect: {{contains: SkyOwl, within_s: 10}}
  - say: Hi, we just texted about my flight. Which seat did I get?
  - expect: {{matches: "{seat}", lacks: confirmation code, within_s: 15}}
  - say: Great, thank you. Goodbye!
  - expect_end: {{reason: application, status: ended}}
  - expect_no_violations:
"""
"""Played by ``make call``'s player; ``{seat}`` finds, as it is spoken, the one that the texts ended with."""


class StoryError(Exception):
    """The story went otherwise than it should; the message says where."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0, 1 when the story went otherwise, 2 when nothing could be played."""
    parser = argparse.ArgumentParser(prog="make demo", description="Play the SkyOwl story: texts, then a call.")
    parser.parse_args(argv)
    screen = Screen(colour=sys.stdout.isatty(), echo=True)
    try:
        with _system() as settings:
            return asyncio.run(play(settings, screen))
    except StoryError as exc:
        screen.line("!", str(exc), ALARM)
        return 1
    except (call.CallError, LookupError, httpx.HTTPError) as exc:
        print(exc, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


async def play(settings: LocalSettings, screen: Screen) -> int:
    """Texts, then a call; returns what :func:`main` does.

    Raises:
        StoryError: If an answer is not what it should be.
    """
    directory = load_directory(settings.run_file)
    number, jane = call.first_number(directory), call.stranger()
    screen.remark(f"Jane ({jane}) texts {number}")
    async with httpx.AsyncClient(base_url=directory.public_base_url, timeout=60, trust_env=False) as http:
        said = ""
        for question in TEXTS:
            said = await _text(http, number, jane, question, screen)
    seats = SEAT.findall(said)
    if not seats:
        raise StoryError(f"expected the last answer to name a seat, got {said!r}")
    script = parse_script(CALL.format(seat=f"{seats[-1][:-1]} ?{seats[-1][-1]}"), "the call")
    options = call.parse_options([])
    return await call.run(directory.line(number, jane), options, script, screen)


async def _text(http: httpx.AsyncClient, number: str, jane: str, question: Question, screen: Screen) -> str:
    """Write a text, and wait until its answer has been delivered."""
    before = len(await _answers(http, number, jane))
    screen.line("Jane", question.text, CALLER)
    fields = {"to": number, "from": jane, "body": question.text}
    (await http.post("/local/carrier/messages", json=fields)).raise_for_status()
    until = time.monotonic() + REPLY_S
    while time.monotonic() < until:
        found = (await _answers(http, number, jane))[before:]
        if found and found[-1]["status"] == "delivered":
            body = " ".join(str(each["body"]) for each in found)
            screen.line("agent", body, AGENT)
            if not any(word in body.lower() for word in question.wanted):
                raise StoryError(f"expected one of {', '.join(question.wanted)} in the answer, got {body!r}")
            return body
        await asyncio.sleep(PAUSE_S)
    raise StoryError(f"no answer to {question.text!r} within {REPLY_S:g} s")


async def _answers(http: httpx.AsyncClient, number: str, jane: str) -> list[dict[str, Any]]:
    answer = await http.get("/local/carrier/messages", params={"number": number, "contact": jane})
    return [each for each in answer.json()["messages"] if each["direction"] != "inbound"]


# -- the system ----------------------------------------------------------------------------------------------------


@contextmanager
def _system() -> Iterator[LocalSettings]:
    """The one that runs; else one of its own, with its own data."""
    settings = load_settings()
    with contextlib.suppress(call.CallError, LookupError):
        call.check_alive(load_directory(settings.run_file))
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="ringfold-demo-") as folder:
        (Path(folder) / "tools").symlink_to(settings.home / "tools")
        own = load_settings({**os.environ, "RINGFOLD_HOME": folder, "PORT": str(free_port())})
        with call.system_started(own):
            yield own


if __name__ == "__main__":
    sys.exit(main())
