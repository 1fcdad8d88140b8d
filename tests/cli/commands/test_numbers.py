from __future__ import annotations

from typing import Any

import pytest

from tests.cli.api import Asked
from tests.cli.conftest import Outcome, Ringfold
from tests.cli.number_api import a_number

PHONE = "+15125550100"


def buy(ringfold: Ringfold, *more: str) -> Any:
    bought = ringfold("numbers", "buy", PHONE, "--yes", *more, "--json")
    assert 0 == bought.exit_code, bought.stderr
    return bought.json


def asked(ringfold: Ringfold, method: str) -> Asked:
    assert ringfold.api
    return [each for each in ringfold.api.asked if each.method == method][-1]


def an_agent(ringfold: Ringfold, name: str = "Eve") -> str:
    if not ringfold("organizations", "list", "--json").json["organizations"]:
        ringfold("organizations", "add", "Acme")
    made = ringfold("agents", "add", "-o", "Acme", "--name", name, "--instructions", "Be kind.", "--json")
    return str(made.json["id"])


@pytest.mark.accept("C1")
def test_numbers_are_found_by_area_code(ringfold: Ringfold) -> None:
    """The issue's own example: what can be bought, in a table, and how to buy the first."""
    found = ringfold("numbers", "search", "--area-code", "512")

    head, first, _ = found.stdout.splitlines()
    assert ["NUMBER", "LOCALITY", "REGION", "COUNTRY", "CAN", "ADDRESS"] == head.split()
    assert [PHONE, "Austin", "TX", "US", "voice,", "sms", "none"] == first.split()
    assert f"ringfold numbers buy {PHONE}" in found.stderr
    assert {"area_code": "512", "country": "US", "type": "local", "limit": "20"} == asked(ringfold, "GET").query


def test_a_number_is_bought_with_its_settings(ringfold: Ringfold) -> None:
    """Agent by name, pool, voice and attributes go along in the one request that buys it."""
    eve, bob = an_agent(ringfold), an_agent(ringfold, "Bob")
    settings = ["--agent", "Eve", "--mode", "dynamic", "--pool", "Eve", "--pool", "Bob", "--greeting", "Hello."]

    buy(
        ringfold,
        *settings,
        "--voice",
        "en-US-Neural2-A",
        "--relay",
        "speechModel=nova-3",
        "--relay",
        "dtmfDetection=true",
    )

    assert {
        "phone_number": PHONE,
        "default_agent_id": eve,
        "routing_mode": "dynamic",
        "agents": [eve, bob],
        "greeting": "Hello.",
        "tts_voice_id": "en-US-Neural2-A",
        "relay": {"speechModel": "nova-3", "dtmfDetection": True},
    } == asked(ringfold, "POST").body


def test_money_is_spent_only_when_it_is_meant(ringfold: Ringfold) -> None:
    """The question says what will be bought and where; no answer is no."""
    nobody = ringfold("numbers", "buy", PHONE)
    ringfold.terminal = True
    declined = ringfold("numbers", "buy", "--area-code", "512", typed="\n")

    assert [2, 1] == [nobody.exit_code, declined.exit_code]
    assert "the first number of area code 512" in declined.stderr
    assert ringfold.api
    assert [] == ringfold.api.changes()


@pytest.mark.accept("C11")
def test_a_purchase_whose_answer_was_lost_buys_once(ringfold: Ringfold) -> None:
    """The command asks again by itself, with the same key; nothing is bought twice."""
    assert ringfold.api
    ringfold.api.faults = ["lost", (504, {})]

    bought = ringfold("numbers", "buy", "--area-code", "512", "--yes", "--json")

    posts = ringfold.api.changes()
    assert 0 == bought.exit_code, bought.stderr
    assert 3 == len(posts)
    assert 1 == len({each.headers["idempotency-key"] for each in posts})
    assert [bought.json["id"]] == list(ringfold.api.numbers.numbers)


def test_a_command_that_gave_up_can_be_repeated(ringfold: Ringfold) -> None:
    """It says with which key; then nothing is done twice, however often."""
    assert ringfold.api
    ringfold.api.faults = ["lost"] * 5
    gave_up = ringfold("numbers", "buy", PHONE, "--yes")
    key = gave_up.stderr.split()[-1]

    repeated = ringfold("numbers", "buy", PHONE, "--yes", "--idempotency-key", key, "--json")

    assert (3, 0) == (gave_up.exit_code, repeated.exit_code)
    assert 1 == len(ringfold.api.numbers.numbers)


def test_an_owned_number_is_imported(ringfold: Ringfold) -> None:
    """By its phone number or by Twilio's SID."""
    ringfold("numbers", "import", "+15125550177", "--no-configure", "--json")
    first = asked(ringfold, "POST").body
    ringfold("numbers", "import", "PN" + "2" * 32, "--name", "Old line", "--json")

    assert {"phone_number": "+15125550177", "configure": False} == first
    assert {"phone_sid": "PN" + "2" * 32, "name": "Old line"} == asked(ringfold, "POST").body


def test_numbers_are_listed_and_found_by_their_number(ringfold: Ringfold) -> None:
    """A phone number is as good as an id."""
    number = buy(ringfold)

    listed = ringfold("numbers", "list").stdout.splitlines()
    shown = ringfold("numbers", "show", PHONE, "--json").json

    assert [number["id"], PHONE] == listed[1].split()[:2]
    assert number == shown


@pytest.mark.accept("C4")
def test_settings_are_changed_one_by_one(ringfold: Ringfold) -> None:
    """What is not named is not sent; an empty text takes a setting away."""
    buy(ringfold)
    ringfold("numbers", "set", PHONE, "--transfer-number", "+15125550190", "--name", "Front desk")
    first = asked(ringfold, "PATCH").body

    changed = ringfold("numbers", "set", "Front desk", "--no-transfer-number", "--greeting", "", "--inactive", "--json")

    assert {"transfer_number": "+15125550190", "name": "Front desk"} == first
    assert {"transfer_number": None, "greeting": None, "is_active": False} == asked(ringfold, "PATCH").body
    assert '"2"' == asked(ringfold, "PATCH").headers["if-match"]
    assert not changed.json["is_active"]


@pytest.mark.accept("D6")
def test_a_pool_is_edited_without_touching_its_agents(ringfold: Ringfold) -> None:
    """Set, add, remove, list; the agents stay as they are."""
    eve, bob, ann = an_agent(ringfold), an_agent(ringfold, "Bob"), an_agent(ringfold, "Ann")
    buy(ringfold)

    ringfold("numbers", "agents", "set", PHONE, "Eve", "Bob")
    ringfold("numbers", "agents", "add", PHONE, ann)
    left = ringfold("numbers", "agents", "remove", PHONE, "Bob", "--json").json
    listed = ringfold("numbers", "agents", "list", PHONE).stdout.splitlines()

    assert {"agents": [eve, ann]} == left
    assert [[eve, "Eve"], [ann, "Ann"]] == [line.split()[:2] for line in listed[1:]]
    assert bob == ringfold("agents", "show", "Bob", "--json").json["id"]


def chain(outcome: Outcome) -> list[str]:
    return [line.split()[0] for line in outcome.stdout.splitlines() if "about" in line]


@pytest.mark.accept("I5")
def test_the_first_broken_link_is_named(ringfold: Ringfold) -> None:
    """Every link with its state, the broken one with its cure, and an exit code for programs."""
    buy(ringfold)
    whole = ringfold("numbers", "verify", PHONE)
    assert ringfold.api
    ringfold.api.numbers.broken = "webhook"

    broken = ringfold("numbers", "verify", PHONE)
    document = ringfold("numbers", "verify", PHONE, "--json")

    assert (0, ["✓"] * 5) == (whole.exit_code, chain(whole))
    assert (1, ["✓", "✓", "✗", "-", "-"]) == (broken.exit_code, chain(broken))
    assert "→ Repair it." in broken.stdout
    assert (1, "webhook") == (document.exit_code, document.json["first_broken"])


@pytest.mark.accept("C12")
def test_drift_is_shown_and_repaired(ringfold: Ringfold) -> None:
    """What Twilio has against what it should have, and the command that cures it."""
    assert ringfold.api
    drift = [{"field": "voice_url", "expected": "https://right.example/", "configured": None}]
    ringfold.api.numbers.numbers["num_9"] = a_number("num_9", drift=drift)
    ringfold.api.numbers.revisions["num_9"] = 1

    shown = ringfold("numbers", "show", PHONE)
    repaired = ringfold("numbers", "repair", PHONE)

    assert "! At Twilio voice_url is nothing, and should be https://right.example/." in shown.stdout
    assert f"→ ringfold numbers repair {PHONE}" in shown.stdout
    assert f"{PHONE} is configured at Twilio as it should be.\n" == repaired.stdout


@pytest.mark.accept("C11")
def test_a_release_wants_the_number_typed(ringfold: Ringfold) -> None:
    """Neither a yes nor another number will do, on a terminal or in a script."""
    buy(ringfold)
    wrong = ringfold("numbers", "release", PHONE, "--yes-release", "+15125550199")
    ringfold.terminal = True
    yes = ringfold("numbers", "release", PHONE, typed="yes\n")
    assert ringfold.api
    kept = list(ringfold.api.numbers.numbers)

    released = ringfold("numbers", "release", PHONE, typed=f"{PHONE}\n")

    assert [2, 1, 0] == [wrong.exit_code, yes.exit_code, released.exit_code]
    assert (1, {}) == (len(kept), ringfold.api.numbers.numbers)
    assert PHONE == asked(ringfold, "DELETE").query["confirm"]


def test_a_script_names_the_number_it_releases(ringfold: Ringfold) -> None:
    """--yes-release takes the place of typing; with --json nothing is printed, as the API answers nothing."""
    buy(ringfold)

    released = ringfold("numbers", "release", PHONE, "--yes-release", PHONE, "--json")

    assert (0, "") == (released.exit_code, released.stdout)


def test_the_languages_are_listed(ringfold: Ringfold) -> None:
    """By pair of providers; one provider can be picked."""
    listed = ringfold("numbers", "languages", "--tts-provider", "Amazon").stdout.splitlines()
    none = ringfold("numbers", "languages", "--tts-provider", "Nobody").stdout

    assert ["Amazon", "Google", "en-US,", "es-MX"] == listed[1].split()
    assert "There is no such provider.\n" == none


def test_a_number_nobody_has_is_told_with_where_to_look(ringfold: Ringfold) -> None:
    """The command line's own refusal has the API's shape."""
    refused = ringfold("numbers", "show", "+15125550123", "--json")

    assert (1, "not_found") == (refused.exit_code, refused.error["code"])


def test_an_attribute_without_a_value_is_refused(ringfold: Ringfold) -> None:
    """NAME=VALUE, or it cannot be meant."""
    buy(ringfold)

    refused = ringfold("numbers", "set", PHONE, "--relay", "speechModel")

    assert 2 == refused.exit_code
    assert "NAME=VALUE" in refused.stderr
