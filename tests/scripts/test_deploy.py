"""Deploying, by the real SAM CLI, to AWS on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfold_cli.profiles import Profile, Profiles
from scripts.deployment.findings import Stop
from scripts.deployment.stacks import find_stack
from scripts.deployment.stage import ROOT
from tests.scripts.conftest import EMAIL, Site


def platform_admins(site: Site) -> list[str]:
    """E-mail addresses of those who may do everything."""
    stack = find_stack(site.cloud, site.stage.stack_name)
    assert stack
    pool = stack.resources["AdminUserPool"][1]
    users = site.client("cognito-idp").list_users_in_group(UserPoolId=pool, GroupName="platform_admin")["Users"]
    return [each["Value"] for user in users for each in user["Attributes"] if each["Name"] == "email"]


@pytest.mark.accept("G13")
def test_one_command_checks_deploys_invites_and_says_what_is_next(site: Site) -> None:
    """From nothing to a stack with an administrator, and a command line that knows where it is."""
    site.deploy()

    profile = Profiles(Path(site.environ["RINGFOLD_CONFIG_DIR"])).load(site.stage.name)
    stack = find_stack(site.cloud, site.stage.stack_name)
    assert profile
    assert stack
    assert [EMAIL] == platform_admins(site)
    assert (stack.outputs["PublicBaseUrl"], stack.outputs["AdminClientId"]) == (profile.base_url, profile.client_id)
    assert (EMAIL, "") == (profile.email, profile.access_token)
    assert f"{EMAIL} was invited" in site.text
    assert [f"bin/ringfold login --profile {site.stage.name}", "make verify NUMBER=+1512…"] == [
        line.strip() for line in site.text.splitlines() if line.startswith(("  bin/ringfold login", "  make"))
    ]


def test_deploying_twice_is_harmless(site: Site) -> None:
    """Nobody is invited again unless told, a login stays, and the stack is what it was, its role for logs included."""
    site.deploy()
    first = find_stack(site.cloud, site.stage.stack_name)
    profiles = Profiles(Path(site.environ["RINGFOLD_CONFIG_DIR"]))
    known = profiles.load(site.stage.name)
    assert known
    profiles.save(Profile(**{**vars(known), "access_token": "t", "refresh_token": "r"}))
    site.said.clear()

    site.deploy(ADMIN_EMAIL="")
    site.deploy(RESEND_INVITATION="yes")

    kept = profiles.load(site.stage.name)
    assert kept
    assert ("t", "r", EMAIL) == (kept.access_token, kept.refresh_token, kept.email)
    assert [EMAIL] == platform_admins(site)
    assert first == find_stack(site.cloud, site.stage.stack_name)
    assert "There is one already." in site.text
    assert f"{EMAIL} was invited: " in site.text
    assert ["ApiGatewayLogsRole=create"] * 3 == [
        each for command in site.commands for each in command if each.startswith("ApiGatewayLogsRole")
    ]


def test_everything_that_is_missing_is_told_at_once_and_nothing_is_changed(site: Site) -> None:
    """Each finding with its cure."""
    taken = "arn:aws:iam::000000000000:role/somebody-elses"
    site.client("apigateway").update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": taken}]
    )
    given = {**site.stage.given, "ApiGatewayLogsRole": "create"}
    site.stage = type(site.stage)(**{**vars(site.stage), "given": given})

    with pytest.raises(Stop, match="nothing was changed"):
        site.deploy(ADMIN_EMAIL="not an address")

    assert ["administrator", "API Gateway's logs"] == [
        line[2:].split("  ")[0].strip() for line in site.text.splitlines() if line.startswith("✗")
    ]
    assert [] == site.commands
    assert find_stack(site.cloud, site.stage.stack_name) is None


def test_parameters_reach_the_stack_and_somebody_elses_role_is_used(site: Site) -> None:
    """Blanks and quotes get through SAM's reading; a role for logs of its own would replace the whole account's."""
    taken = "arn:aws:iam::000000000000:role/somebody-elses"
    site.client("apigateway").update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": taken}]
    )
    sentence = 'We\'re closed; call "later" on.'
    given = {**site.stage.given, "FallbackSentence": sentence, "LogRetentionDays": "30"}
    site.stage = type(site.stage)(**{**vars(site.stage), "given": given})

    site.deploy()

    stack = find_stack(site.cloud, site.stage.stack_name)
    assert stack
    assert sentence == stack.outputs["Sentence"]
    assert "ApiGatewayLogsRole=existing" in site.commands[-1]
    assert taken == site.client("apigateway").get_account()["cloudwatchRoleArn"]


@pytest.mark.parametrize(("step", "left"), [("scripts/build", 1), ("samcli", 2)])
def test_a_step_that_fails_says_how_to_go_on(site: Site, step: str, left: int) -> None:
    """Nothing behind it is begun."""
    site.fails = step

    with pytest.raises(Stop) as stop:
        site.deploy()

    assert stop.value.cure.startswith("Mend what ")
    assert left == len(site.commands)
    assert find_stack(site.cloud, site.stage.stack_name) is None


def test_a_template_that_cloudformation_refuses_stops_there(site: Site, tmp_path: Path) -> None:
    """Nobody is invited to what is not there."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(site.template.read_text().replace("Value: !Ref AdminClient", "Value: !GetAtt Table.Nonsense"))
    site.template = bad

    with pytest.raises(Stop, match="deploying ended with status 1"):
        site.deploy()

    assert "What to do next" not in site.text


def test_a_dry_run_changes_nothing(site: Site) -> None:
    """The checks are made, and the commands are told."""
    site.deploy(DRY_RUN="1")

    assert [] == site.commands
    assert "  scripts/build" in site.text
    assert f"  invite {EMAIL} as an administrator of the platform" in site.text
    assert find_stack(site.cloud, site.stage.stack_name) is None


def test_make_tells_an_unknown_stage_what_there_is(tmp_path: Path) -> None:
    """Before anything else is looked at."""
    environ = {**os.environ, "STAGE": "nope", "PYTHONPATH": "cli"}
    command = [sys.executable, "-m", "scripts.deploy"]

    found = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert (2, "") == (found.returncode, found.stdout)
    assert "samconfig.toml has dev, staging, prod" in found.stderr
