"""`make destroy STAGE=dev`: remove everything of a stage, its phone numbers only when told.

From the environment: `STAGE`; `RELEASE_NUMBERS`: `yes` gives every number back to Twilio first, `no` leaves them at
Twilio, which goes on billing them, and without it nothing is removed while there are numbers; `CONFIRM`, the stage's
name, instead of typing it; `DRY_RUN=1` to say what would be removed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from ringfold_cli.client import READ_TIMEOUT_S, Client
from ringfold_cli.faults import Fault
from ringfold_cli.profiles import Profiles, config_folder
from ringfold_cli.shell import NUMBERS, one
from ringfold_cli.target import Choice, Finder
from scripts.deployment.cloud import Cloud
from scripts.deployment.findings import Say, Stop, say, stopped
from scripts.deployment.leftovers import STAYS, Leftovers, Number, find_leftovers, remove
from scripts.deployment.stage import ROOT, Stage, StageError, read_stage

CHOICES: Final = "RELEASE_NUMBERS=yes gives them back to Twilio, RELEASE_NUMBERS=no leaves them there, billed"


@dataclass(frozen=True)
class Removal:
    """One removal.

    Attributes:
        environ: What this was told.
        ask: Gets a line from whoever sits there; ``None`` where nobody does.
        say: Tells whoever watches.
        delay_s: Seconds between looks at the stack.
    """

    stage: Stage
    cloud: Cloud
    environ: Mapping[str, str]
    ask: Callable[[str], str] | None
    say: Say
    delay_s: float = 15

    def __call__(self) -> None:
        """Remove the stage.

        Raises:
            Stop: At the first step that cannot go on.
        """
        found = find_leftovers(self.stage, self.cloud)
        if found.is_nothing:
            self.say(f"There is nothing of {self.stage.name} in {self.cloud.region}.")
            self._forget()
            return
        release = self._release(found)
        self._tell(found, release=release)
        if self.environ.get("DRY_RUN"):
            return
        self._confirm()
        if release:
            self._give_back(found.numbers)
        remove(self.stage, self.cloud, found, self.say, delay_s=self.delay_s)
        self._forget()
        self.say(f"\nNothing of {self.stage.name} is left, but {STAYS}.")

    # -----------------------------------------------------------------------------------------------------------------

    def _release(self, found: Leftovers) -> bool:
        """Whether numbers are given back.

        Raises:
            Stop: While there are some and nothing was said of them.
        """
        said = self.environ.get("RELEASE_NUMBERS", "")
        if said not in {"", "yes", "no"}:
            raise Stop(f"RELEASE_NUMBERS is {said!r}.", f"{CHOICES}.")
        if not found.numbers or said == "no" or self.environ.get("DRY_RUN"):
            return bool(found.numbers) and said == "yes"
        if said != "yes":
            listed = ", ".join(each.phone_number for each in found.numbers[:10])
            raise Stop(f"{len(found.numbers)} numbers are still there: {listed}.", f"{CHOICES}.")
        if found.stack is None:
            raise Stop(
                "the numbers cannot be released: the API that would do it is gone.",
                "Release them in Twilio's console, then RELEASE_NUMBERS=no.",
            )
        return True

    def _tell(self, found: Leftovers, *, release: bool) -> None:
        self.say(
            f"Of {self.stage.name} in {self.cloud.region} {'would' if self._dry else 'will'} be removed, for good:"
        )
        for line in found.lines():
            self.say(f"  {line}")
        for number in found.numbers:
            fate = "given back to Twilio" if release else "stays at Twilio, and is billed"
            if not self.environ.get("RELEASE_NUMBERS"):
                fate = f"keeps everything else here, unless {CHOICES}"
            self.say(f"  number {number.phone_number} ({number.phone_sid or 'not bought yet'}): {fate}")

    @property
    def _dry(self) -> bool:
        return bool(self.environ.get("DRY_RUN"))

    def _confirm(self) -> None:
        given = self.environ.get("CONFIRM", "")
        if not given:
            if self.ask is None:
                raise Stop("nobody can be asked here; nothing was removed.", f"CONFIRM={self.stage.name}")
            given = self.ask(f"Type the stage's name ({self.stage.name}) to go on: ").strip()
        if given != self.stage.name:
            raise Stop(f"{given!r} is not {self.stage.name}; nothing was removed.")

    def _give_back(self, numbers: tuple[Number, ...]) -> None:
        """Release numbers by the API, so that Twilio and the tables agree; stop at the first that cannot be."""
        choice = Choice(
            url=self.environ.get("RINGFOLD_URL", ""),
            token=self.environ.get("RINGFOLD_TOKEN", ""),
            profile="" if self.environ.get("RINGFOLD_URL") else self.stage.name,
        )
        profiles = Profiles(config_folder(self.environ))
        with httpx.Client(timeout=READ_TIMEOUT_S) as http:
            try:
                finder = Finder(profiles, ROOT / ".local" / "run.json", time.time, http)
                client = Client(finder.find(choice), http, time.sleep, self.say)
                for number in numbers:
                    self.say(f"Releasing {number.phone_number}")
                    client.delete(one(NUMBERS, number.id), {"confirm": number.phone_number})
            except Fault as fault:
                cure = fault.hint or f"Is an administrator logged in? bin/ringfold login --profile {self.stage.name}"
                raise Stop(f"the numbers were not all released: {fault.message}", cure) from fault

    def _forget(self) -> None:
        Profiles(config_folder(self.environ)).remove(self.stage.name)


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Remove the stage the environment names; the exit status."""
    try:
        stage = read_stage(environ.get("STAGE", ""))
    except StageError as exc:
        print(str(exc).replace("make deploy", "make destroy"), file=sys.stderr)
        return 2
    removal = Removal(
        stage, Cloud(environ.get("AWS_REGION", ""), stage.region), environ, input if sys.stdin.isatty() else None, say
    )
    try:
        removal()
    except Stop as stop:
        return stopped(stop, f"make destroy STAGE={stage.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
