"""A stage that is deployed by the scripts' own code and the real SAM CLI to AWS on loopback."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts.deploy import Deployment
from scripts.deployment.cloud import Cloud
from scripts.deployment.stage import ROOT, Stage, read_stage
from scripts.destroy import Removal
from tests import cloud as loopback

STACK = Path(__file__).with_name("stack.yaml")
EMAIL = "ann@example.com"


@dataclass
class Site:
    """A stage of a test's own, and whoever deploys it.

    Attributes:
        commands: What was started.
        fails: Begin of a command that is to fail.
        answers: What is typed when something is asked; ``None``: nobody sits there.
    """

    aws: loopback.Cloud
    folder: Path
    stage: Stage
    environ: dict[str, str]
    said: list[str] = field(default_factory=list)
    commands: list[list[str]] = field(default_factory=list)
    fails: str = ""
    template: Path = STACK
    answers: list[str] | None = None

    @property
    def cloud(self) -> Cloud:
        """AWS as the scripts see it."""
        made = Cloud("us-east-1")
        made._clients |= {name: self.aws.client(name) for name in SERVICES}
        return made

    @property
    def text(self) -> str:
        """Everything that was said."""
        return "\n".join(self.said)

    def make(self) -> None:
        """Have the stack there, quickly: by CloudFormation alone."""
        cloudformation = self.client("cloudformation")
        parameters = [{"ParameterKey": "Stage", "ParameterValue": self.stage.name}]
        body = self.template.read_text()
        name = self.stage.stack_name
        cloudformation.create_stack(StackName=name, TemplateBody=body, Parameters=parameters)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})

    def unmake(self) -> None:
        """Take the stack away as somebody would who knows nothing of the rest."""
        cloudformation, name = self.client("cloudformation"), self.stage.stack_name
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})

    def deploy(self, **environ: str) -> None:
        """`make deploy`."""
        told = {**self.environ, "ADMIN_EMAIL": EMAIL, **environ}
        Deployment(self.stage, self.cloud, told, self._run, self.said.append)()

    def destroy(self, **environ: str) -> None:
        """`make destroy`."""
        ask = None if self.answers is None else self._answer
        Removal(self.stage, self.cloud, {**self.environ, **environ}, ask, self.said.append, delay_s=0.2)()

    def client(self, service: str) -> Any:
        """A client, to look at what is there."""
        return self.aws.client(service)

    def _answer(self, question: str) -> str:
        self.said.append(question)
        assert self.answers is not None
        return self.answers.pop(0)

    def _run(self, command: Sequence[str]) -> int:
        self.commands.append(list(command))
        if self.fails and self.fails in " ".join(command):
            return 1
        if command[0] == "scripts/build":
            return 0
        more = ["--template-file", str(self.template), "--config-file", str(self.folder / "samconfig.toml")]
        found = subprocess.run(
            [*command, *more],
            cwd=ROOT,
            env={**self.environ, "SAM_CLI_TELEMETRY": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode:
            self.said.append(found.stdout + found.stderr)
        return found.returncode


SERVICES = (
    "apigateway",
    "bedrock-runtime",
    "cloudformation",
    "cognito-idp",
    "dynamodb",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sts",
)


@pytest.fixture
def site(cloud: loopback.Cloud, tmp_path: Path) -> Iterator[Site]:
    """A stage of this test's own, which leaves nothing behind."""
    name = f"t{uuid.uuid4().hex[:8]}"
    config = re.sub(r"\bdev\b", name, (ROOT / "samconfig.toml").read_text())
    (tmp_path / "samconfig.toml").write_text(config)
    stage = read_stage(name, samconfig=tmp_path / "samconfig.toml", template=STACK)
    stage = Stage(**{**vars(stage), "parameters": {**MODELS, **stage.parameters}})
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "RINGFOLD_CONFIG_DIR": str(tmp_path / "config")}
    made = Site(cloud, tmp_path, stage, environ | cloud.environ)
    yield made
    made.client("apigateway").update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}]
    )


MODELS = {"ModelId": "us.anthropic.claude-haiku-4-5-20251001-v1:0", "FallbackModelId": "us.amazon.nova-lite-v1:0"}
