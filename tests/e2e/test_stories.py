"""From an empty system to a call that is answered on a number just bought: by API alone, and by the command line.

The stories of the voice channel's plan under "Success Criteria". Everything is the running system's own: the API behind
its authorizer, the purchase through Twilio's SDK, the call through webhooks, relay and model.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest

from local.settings import ROOT
from tests.e2e.admin import Office
from tests.e2e.system import running_system
from tests.twilio_spec import load_spec, needs_spec

pytestmark = pytest.mark.slow

PURCHASED_HOOKS = {
    "VoiceUrl": "/api/voice/incoming",
    "VoiceMethod": "POST",
    "StatusCallback": "/api/voice/status",
    "SmsUrl": "/api/sms/incoming",
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A system without any data, and its administrators."""
    with running_system(tmp_path_factory.mktemp("empty"), DEMO="no") as system:
        yield Office(system)


def converse(office: Office, to: str, folder: Path, *, greeting: str, name: str) -> tuple[int, str]:
    """Call a number, and hold the agent to its greeting and its name; returns status and transcript."""
    script = folder / f"{to}.yaml"
    script.write_text(
        f"about: The number that was just bought is called.\n"
        f"steps:\n"
        f"  - expect: {{contains: {greeting!r}, within_s: 10}}\n"
        f"  - say: Hello, who are you?\n"
        f"  - expect: {{contains: {name!r}, within_s: 15}}\n"
        f"  - say: Thank you very much, goodbye!\n"
        f"  - expect: {{any_of: [goodbye, bye, great day, take care], within_s: 15}}\n"
        f"  - expect_end: {{reason: application, status: ended}}\n"
        f"  - expect_no_violations:\n"
    )
    call = subprocess.run(
        [sys.executable, "-m", "local.call", "--speed", "3", "--to", to, str(script)],
        cwd=ROOT,
        env=os.environ | {"RINGFOLD_HOME": str(office.system.home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return call.returncode, call.stdout + call.stderr


def purchase_of(office: Office, phone_number: str) -> dict[str, str]:
    """The form by which a number was bought at the carrier, once."""
    forms = [
        dict(each["form"])
        for each in office.requests()
        if each["method"] == "POST" and each["path"].endswith("/IncomingPhoneNumbers.json") and each["status"] == 201
    ]
    found = [form for form in forms if form.get("PhoneNumber") == phone_number]
    assert 1 == len(found), forms
    return found[0]


def assert_holds(chain: dict[str, Any]) -> None:
    """Every link from the number to the first word; texts are a link of their own."""
    beside = {"messages", "transfer"}
    broken = [each for each in chain["links"] if each["link"] not in beside and each["status"] != "ok"]
    assert chain["ok"], chain
    assert [] == broken


@pytest.mark.accept("O2", "O4", "B1", "B8", "B9", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8")
def test_an_empty_system_answers_a_call_on_a_number_bought_by_api(office: Office, tmp_path: Path) -> None:
    """The platform's account, a search, a purchase for an organization, its agent and greeting, a call, a release."""
    base = office.system.url
    assert [] == office.run["numbers"]
    assert [] == office.done("GET", "/api/voice/numbers")["numbers"]
    sid, token = office.sign_up("Platform")

    account = office.done(
        "POST",
        "/api/voice/accounts",
        {"scope": "platform", "name": "Platform Twilio", "account_sid": sid, "auth_token": token},
    )
    tested = office.done("POST", f"/api/voice/accounts/{account['id']}/test")
    organization = office.done("POST", "/api/organizations", {"name": "Acme Bicycles"})["id"]
    agent = office.done(
        "POST",
        "/api/agents",
        {"organization_id": organization, "name": "Rita", "instructions": "You are Rita, who answers for Acme."},
    )
    found = office.done("GET", f"/api/voice/numbers/available?area_code=512&account_id={account['id']}")["numbers"]
    wanted = [each["phone_number"] for each in found][:2]
    bought = [
        office.done(
            "POST",
            "/api/voice/numbers",
            {
                "phone_number": number,
                "account_id": account["id"],
                "organization_id": organization,
                "name": f"Line {at}",
                "default_agent_id": agent["id"],
            },
        )
        for at, number in enumerate(wanted)
    ]
    line = f"/api/voice/numbers/{bought[0]['id']}"
    changed = office.done("PATCH", line, {"greeting": "Welcome to Acme Bicycles.", "transfer_number": "+15125550199"})
    shown = office.done("GET", line)
    links = office.done("GET", f"{line}/verify")
    status, transcript = converse(office, wanted[0], tmp_path, greeting="Welcome to Acme Bicycles", name="Rita")

    assert 0 == status, transcript
    assert tested["connection"]["ok"], tested
    assert_holds(links)
    assert all(number.startswith("+1512") for number in wanted)
    form = purchase_of(office, wanted[0])
    expected = {name: value if value == "POST" else base + value for name, value in PURCHASED_HOOKS.items()}
    assert expected == {name: form.get(name) for name in expected}
    assert shown["phone_sid"].startswith("PN")
    assert "/api/voice/incoming" == shown["webhook_path"]
    assert shown["websocket_path"].startswith("/")
    assert f"{base}/api/voice/incoming" == shown["configured_webhook_url"]
    assert ("Welcome to Acme Bicycles.", "+15125550199") == (changed["greeting"], changed["transfer_number"])
    assert "platform" == account["scope"]
    listed = office.done("GET", "/api/voice/numbers", organization=organization)["numbers"]
    assert set(wanted) == {each["phone_number"] for each in listed}

    again = office.ask(
        "POST",
        "/api/voice/numbers",
        {"phone_number": wanted[0], "account_id": account["id"], "organization_id": organization},
    )
    purchase_of(office, wanted[0])
    assert 409 == again.status or bought[0]["id"] == again.document["id"], again.text

    refused = office.ask("DELETE", f"{line}?confirm={wanted[1].replace('+', '%2B')}")
    office.done("DELETE", f"{line}?confirm={wanted[0].replace('+', '%2B')}")
    gone = httpx.post(office.carrier("/calls"), json={"to": wanted[0]}, timeout=10, trust_env=False)
    assert (400, "confirm") == (refused.status, refused.document["error"]["details"][0]["field"])
    assert 404 == gone.status_code
    assert 404 == office.ask("GET", line).status
    released = f"/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers/{shown['phone_sid']}.json"
    assert [204] == [
        each["status"] for each in office.requests() if ("DELETE", released) == (each["method"], each["path"])
    ]


@pytest.mark.accept("O3", "B2", "B3", "B9")
def test_an_organization_brings_its_own_account_and_numbers(office: Office, tmp_path: Path) -> None:
    """By its own administrator's token; nobody else sees any of it, and the platform's accounts are not theirs."""
    mine = office.done("POST", "/api/organizations", {"name": "Harbor Dental"})["id"]
    other = office.done("POST", "/api/organizations", {"name": "Somebody Else"})["id"]
    sid, token = office.sign_up("Harbor Dental")
    owned = httpx.post(
        f"{office.system.url}/local/carrier/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json",
        data={"AreaCode": "512"},
        auth=(sid, token),
        timeout=10,
        trust_env=False,
    ).json()["phone_number"]

    account = office.done(
        "POST",
        "/api/voice/accounts",
        {"scope": "organization", "name": "Ours", "account_sid": sid, "auth_token": token},
        organization=mine,
    )
    agent = office.done(
        "POST", "/api/agents", {"name": "Dora", "instructions": "You are Dora of Harbor Dental."}, organization=mine
    )
    settings = {"account_id": account["id"], "default_agent_id": agent["id"], "greeting": "Harbor Dental, good day."}
    brought = office.done("POST", "/api/voice/numbers/import", {"phone_number": owned, **settings}, organization=mine)
    bought = office.done("POST", "/api/voice/numbers", {"area_code": "512", **settings}, organization=mine)
    links = office.done("GET", f"/api/voice/numbers/{brought['id']}/verify", organization=mine)

    assert_holds(links)
    assert mine == account["organization_id"] == brought["organization_id"] == bought["organization_id"]
    for each in (brought, bought):
        status, transcript = converse(
            office, each["phone_number"], tmp_path, greeting="Harbor Dental, good day", name="Dora"
        )
        assert 0 == status, transcript
    assert [] == office.done("GET", "/api/voice/numbers", organization=other)["numbers"]
    assert [] == office.done("GET", "/api/voice/accounts", organization=other)["accounts"]
    assert 404 == office.ask("GET", f"/api/voice/numbers/{bought['id']}", organization=other).status
    assert [account["id"]] == [
        each["id"] for each in office.done("GET", "/api/voice/accounts", organization=mine)["accounts"]
    ]


@pytest.mark.accept("O2", "O3", "C1", "C5", "I5")
def test_the_same_by_the_command_line(office: Office, tmp_path: Path) -> None:
    """Nothing but ``ringfold`` and a telephone."""
    sid, token = office.sign_up("By hand")
    organization = office.ringfold("organizations", "add", "Corner Bakery")["id"]
    account = office.ringfold(
        "accounts",
        "add",
        "--name",
        "Bakery Twilio",
        "--sid",
        sid,
        "--auth-token-stdin",
        typed=token,
        organization=organization,
    )
    agent = office.ringfold(
        "agents",
        "add",
        "--name",
        "Bea",
        "--instructions",
        "You are Bea of the Corner Bakery.",
        organization=organization,
    )
    found = office.ringfold("numbers", "search", "--area-code", "512", organization=organization)["numbers"]
    number = found[0]["phone_number"]
    greeting = ("--greeting", "Corner Bakery, what can I bake for you?")
    office.ringfold("numbers", "buy", number, "--agent", "Bea", *greeting, "--yes", organization=organization)
    links = office.ringfold("numbers", "verify", number, organization=organization)
    status, transcript = converse(office, number, tmp_path, greeting="Corner Bakery", name="Bea")
    listed = office.ringfold("numbers", "list", organization=organization)["numbers"]
    office.ringfold("numbers", "release", number, "--yes-release", number, organization=organization)

    assert 0 == status, transcript
    assert_holds(links)
    assert [(number, agent["id"])] == [(each["phone_number"], each["default_agent_id"]) for each in listed]
    assert account["organization_id"] == organization
    assert [] == office.ringfold("numbers", "list", organization=organization)["numbers"]


@needs_spec
@pytest.mark.accept("C2", "C12")
def test_every_request_of_the_stories_is_one_that_twilio_describes(office: Office) -> None:
    """Judged on the wire by Twilio's own OpenAPI description; a field it does not know would be found."""
    spec = load_spec()
    requests = [each for each in office.requests() if spec.describes(each["path"])]
    wrong = [
        f"{each['method']} {each['path']}: {problem}"
        for each in requests
        for problem in spec.request_problems(
            each["method"], each["path"], each["query"], each["form"], each["content_type"]
        )
    ]
    bought = next(each for each in requests if each["method"] == "POST" and "PhoneNumber" in dict(each["form"]))
    misspelt = [[name.replace("VoiceUrl", "VoiceURL"), value] for name, value in bought["form"]]

    assert {"GET", "POST", "DELETE"} <= {each["method"] for each in requests}
    assert [] == wrong
    assert ["unknown parameter VoiceURL in the form"] == spec.request_problems(
        "POST", bought["path"], bought["query"], misspelt, bought["content_type"]
    )


@pytest.mark.accept("A6", "A7", "B4", "B5")
def test_no_answer_no_log_and_no_table_tells_a_secret(office: Office) -> None:
    """Neither what was given nor what is stored: Twilio's tokens and the administrators' own."""
    run = office.run
    secrets = {
        *office.told,
        *(each["auth_token"] for each in run["accounts"]),
        str(run["platform_admin_token"]),
        *(str(each[name]) for each in run["organizations"] for name in ("admin_token", "viewer_token")),
    }
    logs = {
        each.name: each.read_text(encoding="utf-8", errors="replace")
        for each in [office.system.log, *office.system.home.joinpath("log").iterdir()]
    }
    tables = [json.dumps(item, default=str) for item in every_item(run["aws_endpoint_url"])]

    assert len(secrets) >= 8
    assert len(office.heard) > 30
    assert {"incoming.log", "relay_message.log"} <= set(logs)
    assert any(run["accounts"][0]["account_sid"] in each for each in tables)
    told = [each[:8] for each in secrets for text in (*office.heard, *logs.values(), *tables) if each in text]
    assert [] == told


def every_item(aws_url: str) -> Iterator[dict[str, Any]]:
    """Whatever any table holds."""
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    client = session.create_client("dynamodb", region_name="us-east-1", endpoint_url=aws_url)
    for name in client.list_tables()["TableNames"]:
        for page in client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
            yield from page["Items"]
