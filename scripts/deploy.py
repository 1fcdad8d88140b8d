"""`make deploy STAGE=dev`: check, build, deploy, invite the first administrator, and say what to do next.

Doing it again is harmless: what is there is brought up to date. From the environment: `STAGE`; `ADMIN_EMAIL`, asked for
where it is needed; `PARAMETERS` (`Name=value …`) over those of samconfig.toml; `DRY_RUN=1` to check only and say what
would be done; `RESEND_INVITATION=yes`. AWS's own variables say which account and region.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from ringfold_cli.profiles import Profile, Profiles, config_folder
from scripts.deployment import checks
from scripts.deployment.administrators import Administrator, ensure_platform_admin, has_platform_admin, user_pool_of
from scripts.deployment.cloud import Cloud, attempt
from scripts.deployment.findings import Say, Stop, failed, say, stopped, tell
from scripts.deployment.stacks import Stack, find_stack, reasons
from scripts.deployment.stage import ROOT, Stage, StageError, read_stage

SAM: Final = ROOT / ".local" / "tools" / "sam" / "bin" / "python"
BASE_URL: Final = ("ApiUrl", "PublicBaseUrl")
CLIENT_ID: Final = ("UserPoolClientId", "AdminClientId")
Run = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Deployment:
    """One deployment.

    Attributes:
        environ: What this was told.
        run: Runs a program to its end; gives its exit status.
        say: Tells whoever watches.
    """

    stage: Stage
    cloud: Cloud
    environ: Mapping[str, str]
    run: Run
    say: Say

    def __call__(self) -> None:
        """Deploy.

        Raises:
            Stop: At the first step that cannot go on.
        """
        email = self._email()
        self.say(f"Checking what {self.stage.name} needs")
        findings = checks.check_all(self.stage, self.cloud, email)
        tell(findings, self.say)
        if failed(findings):
            raise Stop("something is missing; nothing was changed.", "See the lines with → above.")
        parameters = self._parameters()
        commands = (["scripts/build"], self._sam(parameters))
        if self.environ.get("DRY_RUN"):
            self._tell_plan(commands, email)
            return
        self._do("Building", commands[0])
        begun = datetime.now(UTC)
        self._do("Deploying", commands[1], begun)
        stack = find_stack(self.cloud, self.stage.stack_name)
        if stack is None:
            raise Stop("the stack is not there after it was deployed.", "Look at CloudFormation's console.")
        administrator = self._administrator(stack, email)
        profile = self._keep_profile(stack, administrator)
        self._tell_next(stack, administrator, profile)

    # -----------------------------------------------------------------------------------------------------------------

    def _email(self) -> str:
        """The first administrator's; asked for where somebody sits there and nobody is in the pool yet."""
        given = self.environ.get("ADMIN_EMAIL", "").strip()
        if given or self.environ.get("DRY_RUN") or not sys.stdin.isatty():
            return given
        try:
            stack = find_stack(self.cloud, self.stage.stack_name)
            pool = user_pool_of(stack) if stack else ""
            if pool and has_platform_admin(self.cloud, pool):
                return ""
        except Stop:
            return ""  # the checks tell why
        return input("E-mail of the first administrator: ").strip()

    def _parameters(self) -> dict[str, str]:
        """Those given, and the one that depends on the account; where that cannot be asked, the template decides."""
        stack = find_stack(self.cloud, self.stage.stack_name)
        try:
            role = attempt("Looking at API Gateway's settings", lambda: checks.logs_role(self.cloud))
        except Stop:
            return dict(self.stage.given)
        return {**self.stage.given, "ApiGatewayLogsRole": checks.logs_role_parameter(self.stage, role, stack)}

    def _sam(self, parameters: Mapping[str, str]) -> list[str]:
        return [
            *(str(SAM), "-m", "samcli", "deploy"),
            *("--config-env", self.stage.name, "--region", self.cloud.region),
            *("--s3-prefix", self.stage.stack_name, "--no-fail-on-empty-changeset"),
            *([] if self.stage.confirms and sys.stdin.isatty() else ["--no-confirm-changeset"]),
            *("--parameter-overrides", *(_override(name, value) for name, value in sorted(parameters.items()))),
        ]

    def _do(self, what: str, command: Sequence[str], since: datetime | None = None) -> None:
        self.say(f"\n{what}")
        status = self.run(command)
        if status == 0:
            return
        why = reasons(self.cloud, self.stage.stack_name, since) if since else []
        for each in why:
            self.say(f"✗ {each}")
        cure = "Mend the first of these." if why else f"Mend what {shlex.join(command[:4])} complains of above."
        raise Stop(f"{what.lower()} ended with status {status}.", cure)

    def _administrator(self, stack: Stack, email: str) -> Administrator | None:
        pool = user_pool_of(stack)
        if not pool or not email:
            return None
        resend = self.environ.get("RESEND_INVITATION") == "yes"
        return ensure_platform_admin(self.cloud, pool, email, resend=resend)

    def _keep_profile(self, stack: Stack, administrator: Administrator | None) -> Profile:
        """Where the command line finds this deployment; a login that is there stays."""
        profiles = Profiles(config_folder(self.environ))
        known = profiles.load(self.stage.name)
        client = self.cloud.client("cognito-idp")
        made = Profile(
            name=self.stage.name,
            base_url=_output(stack, BASE_URL),
            sign_in_url=f"{client.meta.endpoint_url.rstrip('/')}/",
            client_id=_output(stack, CLIENT_ID),
            email=administrator.email if administrator else (known.email if known else ""),
        )
        if known and (known.base_url, known.client_id) == (made.base_url, made.client_id):
            made = replace(known, sign_in_url=made.sign_in_url, email=made.email or known.email)
        profiles.save(made)
        return made

    def _tell_plan(self, commands: Sequence[Sequence[str]], email: str) -> None:
        self.say("\nWould be done (DRY_RUN):")
        for command in commands:
            self.say(f"  {shlex.join(command)}")
        if email:
            self.say(f"  invite {email} as an administrator of the platform")

    def _tell_next(self, stack: Stack, administrator: Administrator | None, profile: Profile) -> None:
        self.say(f"\n{stack.name} answers at {profile.base_url}")
        if administrator:
            self.say(f"{administrator.email} {_state(administrator)}")
        again = f"RESEND_INVITATION=yes make deploy STAGE={self.stage.name} ADMIN_EMAIL=…"
        login = f"--profile {profile.name} --url {profile.base_url} --region {self.cloud.region}"
        self.say(
            "\nWhat to do next:\n"
            f"  bin/ringfold login --profile {profile.name}\n"
            "  bin/ringfold accounts add --name Main --sid AC…     your Twilio account; asks for its token\n"
            "  bin/ringfold organizations add 'Your name'\n"
            "  bin/ringfold agents add -o 'Your name' --name Eve --instructions-file eve.txt\n"
            "  bin/ringfold numbers search --area-code 512\n"
            "  bin/ringfold numbers buy +1512… -o 'Your name' --agent Eve --greeting 'Hello. How can I help?'\n"
            "  make verify NUMBER=+1512…\n"
            f"\nOn another machine: bin/ringfold login {login} --client-id {profile.client_id}"
            f"\nAn invitation lasts three days; another one: {again}"
        )


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Deploy what the environment says; the exit status."""
    try:
        stage = read_stage(environ.get("STAGE", ""), environ.get("PARAMETERS", ""))
    except StageError as exc:
        print(exc, file=sys.stderr)
        return 2
    deployment = Deployment(stage, Cloud(environ.get("AWS_REGION", ""), stage.region), environ, _run(environ), say)
    try:
        deployment()
    except Stop as stop:
        return stopped(stop, f"make deploy STAGE={stage.name}")
    return 0


def _run(environ: Mapping[str, str]) -> Run:
    def run(command: Sequence[str]) -> int:
        telemetry = {"SAM_CLI_TELEMETRY": "0"}
        return subprocess.run(command, cwd=ROOT, env={**environ, **telemetry}, check=False).returncode

    return run


def _override(name: str, value: str) -> str:
    """A parameter as SAM reads it: what has blanks is quoted."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"' if any(each.isspace() for each in value) else f"{name}={value}"


def _output(stack: Stack, names: Sequence[str]) -> str:
    for name in names:
        if stack.outputs.get(name):
            return stack.outputs[name]
    raise Stop(f"the stack has no output {names[0]}.", "Is the template of this version?")


def _state(administrator: Administrator) -> str:
    if administrator.is_new:
        return "was invited: the e-mail holds a password for once."
    if administrator.has_logged_in:
        return "is an administrator already."
    return "was invited before, and has not logged in yet."


if __name__ == "__main__":
    sys.exit(main())
