"""``make call``: a telephone in the shell, and a player of scripted calls.

python -m local.call                                    type to speak; /help tells the rest
python -m local.call local/calls/reservation.yaml       play a script; status 1 if an expectation fails
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx

from local.calls.player import Control, Player
from local.calls.script import Script, ScriptError, load_script
from local.calls.terminal import ALARM, Screen, piped_lines, typed_lines
from local.carrier import CarrierCall, Line, Manners
from local.carrier.exchange import DEFAULT_CALLER, Directory, load_directory
from local.carrier.webhooks import new_client
from local.settings import ROOT, LocalSettings, load_settings

START_S: Final = 180.0
REPLY_S: Final = 15.0
HELP: Final = """\
Type what you say and press Enter; while the agent speaks, that interrupts it.
  /press 1 2 #   press keys          /drop     break the connection
  /cough         interrupt wordless  /hangup   hang up (so does Ctrl-D)"""


class CallError(Exception):
    """The call cannot be placed; the message says what would help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0, 1 when an expectation failed, 2 when there was no call to speak of."""
    options = parse_options(argv)
    screen = Screen(colour=sys.stdout.isatty(), echo=bool(options.script) or not sys.stdin.isatty())
    settings = load_settings()
    try:
        script = load_script(options.script) if options.script else None
        with system_started(settings) if options.start else contextlib.nullcontext():
            line = find_line(settings, options, script)
            return asyncio.run(run(line, options, script, screen))
    except (CallError, ScriptError) as exc:
        print(exc, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make call", description="Call the running local system.")
    parser.add_argument("script", nargs="?", type=Path, help="a scripted call to play")
    parser.add_argument("--to", default="", help="the number to call (default: the first one)")
    parser.add_argument(
        "--from",
        dest="caller",
        default="",
        help="the caller's number (default: always the same, in a script a new one)",
    )
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster the agent's voice is")
    parser.add_argument("--start", action="store_true", help="start the system for this call, and stop it afterwards")
    return parser.parse_args(argv)


# -- the system ----------------------------------------------------------------------------------------------------


def find_line(settings: LocalSettings, options: argparse.Namespace, script: Script | None) -> Line:
    """Who calls whom.

    Raises:
        CallError: If nothing runs, or the number is not known.
    """
    try:
        directory = load_directory(settings.run_file)
        check_alive(directory)
        to_number = options.to or (script.to if script else "") or first_number(directory)
        caller = options.caller or (script.caller or stranger() if script else DEFAULT_CALLER)
        return directory.line(to_number, caller)
    except LookupError as exc:
        raise CallError(f"{exc.args[0]}") from exc


def stranger() -> str:
    """A caller nobody has heard of, so that no earlier call plays a part in this one."""
    return f"+1555{random.randrange(10**7):07}"


def first_number(directory: Directory) -> str:
    """A number that is answered by one agent, if there is one."""
    fixed = [each for each in directory.numbers if each.get("routing_mode") == "fixed"] or directory.numbers
    if not fixed:
        raise LookupError("the local system has no numbers")
    number: str = fixed[0]["phone_number"]
    return number


def check_alive(directory: Directory) -> None:
    """Make sure that the system of a run file still runs.

    Raises:
        CallError: If nothing answers there.
    """
    try:
        alive = httpx.get(f"{directory.public_base_url}/healthz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        alive = False
    if not alive:
        where = directory.public_base_url
        raise CallError(f"nothing answers at {where}: start the system with `make run`, or add --start")


@contextmanager
def system_started(settings: LocalSettings) -> Iterator[None]:
    """The whole local system, for as long as this lasts."""
    print("Starting the local system ...", flush=True)
    log_path = settings.home / "log" / "call-start.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as log:
        environment = {**os.environ, "RINGFOLD_HOME": str(settings.home), "PORT": str(settings.port)}
        process = subprocess.Popen([sys.executable, "-m", "local"], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_ready(settings, process, log_path)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            if process.poll() is None:
                process.kill()


def _wait_until_ready(settings: LocalSettings, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            ready = httpx.get(f"{settings.local_url}/healthz", timeout=2, trust_env=False).status_code == 200
            if ready and settings.run_file.exists():
                return
        time.sleep(0.2)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise CallError(f"the local system did not start:\n{tail}")


# -- the call ------------------------------------------------------------------------------------------------------


async def run(line: Line, options: argparse.Namespace, script: Script | None, screen: Screen) -> int:
    """Place the call and take part in it."""
    screen.remark(f"calling {line.to_number} from {line.from_number}")
    manners = replace(Manners(), agent_chars_per_s=Manners().agent_chars_per_s * options.speed)
    async with new_client(line.public_base_url) as http:
        control = Control(http, line.public_base_url)
        async with CarrierCall(line, manners, http=http, listener=screen.show) as call:
            if script is not None:
                failure = await Player(call, control, screen.remark).play(script)
                return report(script, failure, screen)
            await converse(call, screen)
    return 0


def report(script: Script, failure: str | None, screen: Screen) -> int:
    if failure is None:
        screen.remark(f"{script.path}: everything came as expected")
        return 0
    screen.line("!", failure, ALARM)
    return 1


async def converse(call: CarrierCall, screen: Screen) -> None:
    """Until one of the two has hung up, or there is nothing more to read."""
    over = asyncio.create_task(call.record.wait_for(lambda each: each.kind == "ended"))
    terminal = sys.stdin.isatty() and os.name == "posix"
    lines = typed_lines(screen) if terminal else piped_lines()
    talking = asyncio.create_task(take_lines(call, lines, screen, wait_for_reply=not terminal))
    await asyncio.wait({over, talking}, return_when=asyncio.FIRST_COMPLETED)
    for task in (over, talking):
        task.cancel()
    await asyncio.gather(over, talking, return_exceptions=True)


async def take_lines(call: CarrierCall, lines: AsyncIterator[str], screen: Screen, *, wait_for_reply: bool) -> None:
    """Do what each line says.

    Args:
        call: In progress.
        lines: What the caller types.
        screen: For help and complaints.
        wait_for_reply: Be polite: let the agent finish, and wait for its answer. For lines that come from a pipe.
    """
    if wait_for_reply:
        with contextlib.suppress(TimeoutError):
            await call.answered()
            await call.reply(REPLY_S)
    async for line in lines:
        try:
            if line == "/hangup":
                break
            await take_line(call, line, screen, politely=wait_for_reply)
            if wait_for_reply:
                await call.reply(REPLY_S)
        except (RuntimeError, TimeoutError) as exc:
            screen.remark(str(exc) or "no answer")
    if wait_for_reply:
        with contextlib.suppress(TimeoutError):
            await call.agent_quiet(REPLY_S)
    await call.hang_up()
    await call.ended()


async def take_line(call: CarrierCall, line: str, screen: Screen, *, politely: bool) -> None:
    """Speak the line, or do what its command says."""
    word, _, rest = line.partition(" ")
    digits = rest.replace(" ", "")
    if not line.startswith("/"):
        await call.say(line, at_once=not politely)
    elif word == "/press" and digits and set(digits) <= set("0123456789*#"):
        await call.press(digits)
    elif word == "/drop":
        await call.drop_link()
    elif word == "/cough":
        await call.say("", at_once=True)
    else:
        for each in HELP.splitlines():
            screen.remark(each)


if __name__ == "__main__":
    sys.exit(main())
