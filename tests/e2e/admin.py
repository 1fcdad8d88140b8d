"""An administrator of the running system, by its HTTP API and by the command line, who keeps every answer."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.settings import ROOT
from tests.e2e.system import System

PROGRAM = str(ROOT / "bin" / "ringfold")
PLATFORM = ""
RENEWAL_S = 10.0


@dataclass
class Answer:
    """What the API or a command said."""

    status: int
    document: Any
    text: str


@dataclass
class Office:
    """Administrators at work on one system.

    Attributes:
        heard: Every answer, as text: nothing secret may stand in them.
        told: What was sent that nobody may tell again: Twilio's tokens.
    """

    system: System
    heard: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def run(self) -> dict[str, Any]:
        """What `run.json` holds now."""
        document: dict[str, Any] = json.loads((self.system.home / "run.json").read_text(encoding="utf-8"))
        return document

    def token(self, organization_id: str = PLATFORM) -> str:
        """An administrator's token: the platform's, or an organization's."""
        if not organization_id:
            return str(self.run["platform_admin_token"])
        deadline_s = time.monotonic() + RENEWAL_S
        while time.monotonic() < deadline_s:  # the file follows what the API changed
            for each in self.run["organizations"]:
                if each["id"] == organization_id:
                    return str(each["admin_token"])
            time.sleep(0.05)
        raise LookupError(f"run.json does not hold {organization_id}")

    def ask(self, method: str, path: str, body: object = None, *, organization: str = PLATFORM) -> Answer:
        """Ask the API.

        Args:
            method: HTTP's.
            path: From ``/api`` on, with its query.
            body: A JSON document.
            organization: Whose administrator asks; the platform's without it.
        """
        answer = httpx.request(
            method,
            self.system.url + path,
            json=body,
            headers={"authorization": f"Bearer {self.token(organization)}"},
            timeout=30,
            trust_env=False,
        )
        self.heard.append(answer.text)
        return Answer(answer.status_code, answer.json() if answer.text else None, answer.text)

    def done(self, method: str, path: str, body: object = None, *, organization: str = PLATFORM) -> Any:
        """The document of a request that must succeed."""
        answer = self.ask(method, path, body, organization=organization)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.text}"
        return answer.document

    def ringfold(self, *arguments: str, typed: str = "", organization: str = PLATFORM) -> Any:
        """The document of a command that must succeed."""
        environ = os.environ | {
            "RINGFOLD_URL": self.system.url,
            "RINGFOLD_TOKEN": self.token(organization),
            "RINGFOLD_HOME": str(self.system.home),
        }
        found = subprocess.run(
            [PROGRAM, *arguments, "--json"],
            env=environ,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        self.heard += [found.stdout, found.stderr]
        assert found.returncode == 0, f"ringfold {' '.join(arguments)}: {found.stdout}{found.stderr}"
        return json.loads(found.stdout or "null")

    def sign_up(self, name: str) -> tuple[str, str]:
        """Open an account at the carrier, as one does at Twilio's console; returns SID and auth token."""
        answer = httpx.post(self.carrier("/accounts"), json={"friendly_name": name}, timeout=10, trust_env=False)
        account = answer.raise_for_status().json()
        self.told.append(account["auth_token"])
        return account["sid"], account["auth_token"]

    def carrier(self, path: str) -> str:
        """A URL of the carrier's."""
        return f"{self.system.url}/local/carrier{path}"

    def requests(self) -> list[dict[str, Any]]:
        """Every request that the carrier's REST API was asked, oldest first."""
        answer = httpx.get(self.carrier("/rest/requests"), timeout=10, trust_env=False)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["requests"]
        return found
