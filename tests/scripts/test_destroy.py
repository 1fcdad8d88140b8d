"""Removing what was deployed to AWS on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ringfold_admin.principal import Role
from ringfold_cli.profiles import Profiles
from scripts.deployment.findings import Stop
from scripts.deployment.leftovers import find_leftovers
from scripts.deployment.stacks import find_stack
from tests.admin.desk import build_desk
from tests.aws import Aws
from tests.cli.api import serving
from tests.cli.number_api import a_number
from tests.scripts.conftest import Site

PHONE = "+15125550100"


@pytest.fixture
def deployed(site: Site) -> Site:
    """A stage that is there, with a secret of its own and one of another stage that begins alike."""
    site.make()
    for name in (f"{site.stage.secret_prefix}accounts/acc_1/twilio", f"/ringfold/{site.stage.name}x/other"):
        site.client("secretsmanager").create_secret(Name=name, SecretString="{}")
    site.client("logs").create_log_group(logGroupName=f"/aws/lambda/{site.stage.prefix}incoming")
    return site


def a_bought_number(site: Site) -> None:
    """A number's item in the stage's table, beside one that is none."""
    found = find_stack(site.cloud, site.stage.stack_name)
    assert found
    table = found.resources["Table"][1]
    item = {"pk": f"NUMBER#{PHONE}", "sk": "META", "number_id": "num_1", "phone_number": PHONE, "phone_sid": "PN1"}
    for each in (item, {**item, "sk": "CARRIER"}, {"pk": "NUMBER_ID#num_1", "sk": "META"}):
        site.client("dynamodb").put_item(TableName=table, Item={name: {"S": value} for name, value in each.items()})


def left(site: Site) -> Any:
    return find_leftovers(site.stage, site.cloud)


def test_everything_of_the_stage_is_removed_and_nothing_else(deployed: Site) -> None:
    """Stack, retained tables, secrets, key, logs, artefacts and the login; a protected user pool stands in no way."""
    deployed.deploy()
    key = left(deployed).keys[0]
    artefacts = left(deployed).artefacts

    deployed.destroy(CONFIRM=deployed.stage.name)

    assert artefacts
    assert left(deployed).is_nothing
    assert "PendingDeletion" == deployed.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    assert [] == Profiles(Path(deployed.environ["RINGFOLD_CONFIG_DIR"])).names()
    names = [each["Name"] for each in deployed.client("secretsmanager").list_secrets()["SecretList"]]
    assert f"/ringfold/{deployed.stage.name}x/other" in names
    assert deployed.client("apigateway").get_account().get("cloudwatchRoleArn")


def test_the_name_has_to_be_typed(deployed: Site) -> None:
    """Neither a yes nor silence will do, and where nobody can be asked it has to be given."""
    deployed.answers = ["yes"]
    with pytest.raises(Stop, match="nothing was removed"):
        deployed.destroy()
    deployed.answers = None
    with pytest.raises(Stop, match="nobody can be asked"):
        deployed.destroy()
    before = left(deployed)
    deployed.answers = [deployed.stage.name]

    deployed.destroy()

    assert before.stack
    assert left(deployed).is_nothing


def test_nothing_is_removed_while_numbers_are_bought(deployed: Site) -> None:
    """Without a word about them; the two words that would do are named."""
    a_bought_number(deployed)

    with pytest.raises(Stop, match=r"1 numbers are still there: \+15125550100") as stop:
        deployed.destroy(CONFIRM=deployed.stage.name)

    assert "RELEASE_NUMBERS=yes" in stop.value.cure
    assert left(deployed).stack


def test_numbers_are_given_back_first_when_told(deployed: Site, aws: Aws) -> None:
    """By the API, which confirms each by its number; then the rest goes."""
    a_bought_number(deployed)
    with serving(build_desk(aws, "http://127.0.0.1:9")) as api:
        api.numbers.numbers["num_1"] = a_number("num_1", PHONE)
        told = {"RINGFOLD_URL": api.url, "RINGFOLD_TOKEN": api.token(Role.PLATFORM_ADMIN)}

        deployed.destroy(CONFIRM=deployed.stage.name, RELEASE_NUMBERS="yes", **told)

    assert {} == api.numbers.numbers
    assert [("DELETE", PHONE)] == [(each.method, each.query["confirm"]) for each in api.asked]
    assert f"number {PHONE} (PN1): given back to Twilio" in deployed.text
    assert left(deployed).is_nothing


def test_numbers_that_cannot_be_given_back_keep_everything(deployed: Site) -> None:
    """Nobody is logged in: the stack that would release them stays, and the login is named."""
    a_bought_number(deployed)

    with pytest.raises(Stop, match="not all released") as stop:
        deployed.destroy(CONFIRM=deployed.stage.name, RELEASE_NUMBERS="yes")

    assert f"ringfold login --profile {deployed.stage.name}" in stop.value.cure
    assert left(deployed).stack


def test_numbers_are_left_at_twilio_when_told(deployed: Site) -> None:
    """And named, as Twilio goes on billing them."""
    a_bought_number(deployed)

    deployed.destroy(CONFIRM=deployed.stage.name, RELEASE_NUMBERS="no")

    assert f"number {PHONE} (PN1): stays at Twilio, and is billed" in deployed.text
    assert left(deployed).is_nothing


def test_a_removal_that_was_cut_short_is_finished(deployed: Site) -> None:
    """The stack is gone; its table, secrets, logs and artefacts are found by their names."""
    deployed.unmake()
    before = left(deployed)

    deployed.destroy(CONFIRM=deployed.stage.name)

    assert before.stack is None
    assert (1, 1) == (len(before.tables), len(before.secrets))
    assert left(deployed).is_nothing


def test_numbers_without_an_api_are_for_twilios_console(deployed: Site) -> None:
    """What is left to do by hand is said."""
    a_bought_number(deployed)
    deployed.unmake()

    with pytest.raises(Stop) as stop:
        deployed.destroy(RELEASE_NUMBERS="yes")

    assert "Twilio's console" in stop.value.cure


def test_a_dry_run_tells_and_removes_nothing(deployed: Site) -> None:
    """Numbers included."""
    a_bought_number(deployed)

    deployed.destroy(DRY_RUN="1")

    lines = [line.strip().split()[0] for line in deployed.text.splitlines()[1:]]
    assert {"stack", "table", "secret", "key", "log", "number"} <= set(lines)
    assert left(deployed).stack


def test_what_is_not_there_is_not_removed(site: Site) -> None:
    """A second time, or a stage that never was."""
    site.destroy()

    assert f"There is nothing of {site.stage.name} in us-east-1." == site.text


def test_a_word_that_is_none_is_refused(deployed: Site) -> None:
    """RELEASE_NUMBERS is yes or no."""
    with pytest.raises(Stop, match="RELEASE_NUMBERS is 'maybe'"):
        deployed.destroy(RELEASE_NUMBERS="maybe")
