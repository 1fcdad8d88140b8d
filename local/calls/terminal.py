"""The call in a terminal: what was said, word by word, and a line to type on.

Keys are read one by one where there is a terminal. While the caller is typing, the agent's words are held back, so
that the two never run into each other; what is piped in is read line by line.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

from local.carrier import Happening

AGENT, CALLER, FAINT, ALARM, PLAIN = "\x1b[36m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"
ENTER: Final = ("\r", "\n")
BACKSPACE: Final = ("\x7f", "\b")
CTRL_C, CTRL_D, CTRL_U, ESCAPE = "\x03", "\x04", "\x15", "\x1b"


class Screen:
    """Writes the call down as it goes.

    Args:
        colour: Whether escape sequences are understood.
        echo: Whether the caller's lines are written too; not where the terminal shows them as they are typed.
    """

    def __init__(self, *, colour: bool, echo: bool) -> None:
        self._colour = colour
        self._echo = echo
        self._speaking: int | None = None
        self._typed = ""
        self._held: list[Happening] = []

    # -- what happens in the call ----------------------------------------------------------------------------------

    def show(self, happening: Happening) -> None:
        """Write one happening down, or hold it back while the caller is typing."""
        if self._typed:
            self._held.append(happening)
            return
        fields = happening.fields
        match happening.kind:
            case "agent_word":
                self._word(fields["utterance"], fields["text"])
            case "agent_cut" if fields["by"] in ("speech", "dtmf") and fields["heard"]:
                self._word(fields["utterance"], "—")
            case "caller" if fields["final"] and self._echo:
                self.line("you", fields["text"], CALLER)
            case "turn":
                self.remark(f"first token after {fields['first_token_ms']} ms")
            case "violation":
                self.line("!", fields["what"], ALARM)
            case "state" if fields.get("relay") in ("up", "down", "failed"):
                self.remark({"up": "connected", "down": "connection lost", "failed": "session failed"}[fields["relay"]])
            case "state" if fields.get("dialing"):
                self.remark(f"dialling {fields['dialing']}")
            case "ended":
                self.remark(f"the call is over ({fields['reason']}, {fields['duration_s']} s)")

    def remark(self, text: str) -> None:
        self.line("", text, FAINT)

    def line(self, who: str, text: str, colour: str) -> None:
        self._break()
        self._write(f"{who:>6}  {text}" if who else f"        {text}", colour)
        self._write("\n")

    def _word(self, utterance: int, text: str) -> None:
        if utterance != self._speaking:
            self._break()
            self._speaking = utterance
            self._write(f"{'agent':>6} ", AGENT)
        self._write(f" {text}", AGENT)

    def _break(self) -> None:
        if self._speaking is not None:
            self._speaking = None
            self._write("\n")

    def _write(self, text: str, colour: str = "") -> None:
        sys.stdout.write(f"{colour}{text}{PLAIN}" if colour and self._colour else text)
        sys.stdout.flush()

    # -- what the caller types -------------------------------------------------------------------------------------

    def typed(self, key: str) -> str | None:
        """Take one key; returns the line when it is complete."""
        if key in ENTER:
            line, self._typed = self._typed, ""
            if line:
                self._write("\n")
            self._release()
            return line
        if key in BACKSPACE and self._typed:
            self._typed = self._typed[:-1]
            self._write("\b \b")
        elif key == CTRL_U:
            self._write("\b \b" * len(self._typed))
            self._typed = ""
        elif key.isprintable():
            if not self._typed:
                self._break()
                self._write(f"{'you':>6}  ", CALLER)
            self._typed += key
            self._write(key, CALLER)
        if not self._typed and key in (*BACKSPACE, CTRL_U):
            self._write("\r\x1b[K")
            self._release()
        return None

    def _release(self) -> None:
        held, self._held = self._held, []
        for happening in held:
            self.show(happening)


@contextmanager
def raw_keys() -> Iterator[None]:
    """Keys come at once and unechoed; signals still work."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def typed_lines(screen: Screen) -> AsyncIterator[str]:
    """Lines typed at the terminal, until Ctrl-D."""
    keys: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def readable() -> None:
        for key in os.read(sys.stdin.fileno(), 1024).decode(errors="ignore") or CTRL_D:
            keys.put_nowait(key)

    with raw_keys():
        loop.add_reader(sys.stdin.fileno(), readable)
        try:
            while (key := await keys.get()) != CTRL_D:
                if key == ESCAPE:  # an arrow or function key: its tail is of no use here
                    with contextlib.suppress(asyncio.QueueEmpty):
                        while not keys.get_nowait().isalpha():
                            continue
                    continue
                line = screen.typed(key)
                if line is not None and line.strip():
                    yield line.strip()
        finally:
            loop.remove_reader(sys.stdin.fileno())


async def piped_lines() -> AsyncIterator[str]:
    """Lines of a pipe or file."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody wants the rest
            for line in itertools.chain(sys.stdin, [""]):
                loop.call_soon_threadsafe(lines.put_nowait, line)

    # A thread that nobody waits for: a pipe that stays open must not keep a finished call from ending.
    threading.Thread(target=read, daemon=True).start()
    while line := await lines.get():
        if line.strip():
            yield line.strip()
