"""A whole deployment, tried on loopback: built, deployed by the real SAM CLI from the real template, signed in to by
the invitation's own e-mail, and administered by the command line through the deployed API.

What runs there is the artefact: the deployed functions with their layers, behind CloudFormation's API Gateway with its
JWT authorizer over the deployed user pool. Only pydantic's compiled core is added for this machine's processor.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pydantic_core
import pytest

from scripts.deployment.leftovers import find_leftovers
from scripts.deployment.stage import ROOT, read_stage
from tests import cloud as loopback
from tests.scripts.conftest import EMAIL, Site

PASSWORD = "Chosen-by-Ann-and-long-1!"
BUILT_CORE = ROOT / ".aws-sam" / "build" / "AdminLayer" / "python" / "pydantic_core"
ADDED: set[Path] = set()
PROGRAM = str(ROOT / "bin" / "ringfold")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="what is deployed runs on Python 3.13 only"),
]


class Deployed(Site):
    """A stage of the real template."""

    def _run(self, command: Sequence[str]) -> int:
        self.commands.append(list(command))
        more = [] if command[0] == "scripts/build" else ["--config-file", str(self.folder / "samconfig.toml")]
        environ = {**os.environ, **self.environ, "SAM_CLI_TELEMETRY": "0", "PATH": os.environ["PATH"]}
        found = subprocess.run([*command, *more], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        if found.returncode:
            self.said.append(found.stdout + found.stderr)
        for library in Path(pydantic_core.__file__).parent.glob("*.so"):
            added = BUILT_CORE / library.name
            if not added.exists():
                shutil.copy(library, added)
                ADDED.add(added)
        return found.returncode

    def ringfold(self, *arguments: str, typed: str = "") -> Any:
        """A command's document."""
        environ = {**os.environ, **self.environ, "RINGFOLD_PROFILE": self.stage.name, "PATH": os.environ["PATH"]}
        found = subprocess.run(
            [PROGRAM, *arguments, "--json"], env=environ, input=typed, capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout or "null")

    @property
    def password(self) -> str:
        """The one in the invitation's e-mail."""
        with urllib.request.urlopen(f"{self.aws.endpoint}/_ministack/ses/messages") as answer:  # noqa: S310 - loopback
            messages = [each for sent in json.load(answer)["messages"].values() for each in sent]
        text = [each["BodyText"] for each in messages if EMAIL in each["To"]][-1]
        found = re.search(r"temporary password is (\S+)\.$", text)
        assert found, text
        return found[1]


@pytest.fixture
def deployed(site: Site) -> Iterator[Deployed]:
    """The real template under a name of its own; the artefact is left as it is deployed elsewhere."""
    stage = read_stage(site.stage.name, samconfig=site.folder / "samconfig.toml")
    yield Deployed(site.aws, site.folder, stage, site.environ)
    while ADDED:
        ADDED.pop().unlink(missing_ok=True)


@pytest.mark.accept("G13")
def test_what_is_deployed_is_administered_by_its_first_administrator(deployed: Deployed) -> None:
    """Make deploy, the e-mail's password, ringfold, make destroy: nothing in between is made up."""
    deployed.deploy()
    api = deployed.text.partition("answers at https://")[2].partition(".")[0]
    url = f"{deployed.aws.endpoint}/_aws/execute-api/{api}"

    deployed.ringfold("login", "--url", url, "--password-stdin", typed=f"{deployed.password}\n{PASSWORD}\n")
    who = deployed.ringfold("status")
    made = deployed.ringfold("organizations", "add", "Acme")
    listed = deployed.ringfold("organizations", "list")
    trail = deployed.ringfold("audit")
    deployed.destroy(CONFIRM=deployed.stage.name)

    assert ("platform_admin", EMAIL) == (who["principal"]["role"], who["principal"]["name"])
    assert [made] == listed["organizations"]
    assert [(EMAIL, "organization.create")] == [(each["actor_name"], each["action"]) for each in trail["entries"]]
    assert find_leftovers(deployed.stage, deployed.cloud).is_nothing


__all__ = ["loopback"]
