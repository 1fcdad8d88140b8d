from __future__ import annotations

import pytest

from ringfold_admin.principal import Role
from tests.admin.twilio import Twilio
from tests.cli.conftest import Outcome, Ringfold

SID = "AC" + "1" * 32
TOKEN = "auth-token-of-a-test-0123456789"
NEW_TOKEN = "another-token-of-a-test-0123456789"


def add(ringfold: Ringfold, *more: str, token: str = TOKEN) -> Outcome:
    return ringfold("accounts", "add", "--name", "Main", "--sid", SID, *more, env={"TWILIO_AUTH_TOKEN": token})


@pytest.fixture
def known(twilio: Twilio) -> Twilio:
    """Twilio, with the account."""
    twilio.tokens[SID] = [TOKEN]
    return twilio


@pytest.mark.accept("B1")
def test_an_account_is_added_and_tested_at_once(ringfold: Ringfold, known: Twilio) -> None:
    """One command stores the credentials and says, finding by finding, whether they carry calls."""
    added = add(ringfold)

    assert 0 == added.exit_code, added.stderr
    assert added.stdout.startswith("Added account acc_")
    assert ["✓ credentials", "✓ status", "✓ trial", "? conversation_relay", "✓ geography"] == [
        " ".join(line.split()[:2]) for line in added.stdout.splitlines()[1:] if line[0] in "✓✗!?"
    ]
    assert "→ Look in Twilio's console" in added.stdout


@pytest.mark.accept("P12")
def test_json_is_the_apis_document_and_nothing_else(ringfold: Ringfold, known: Twilio) -> None:
    """A program reads the account, with its test, as the API gives it."""
    added = add(ringfold, "--json")

    assert SID == added.json["account_sid"]
    assert added.json["connection"]["ok"]
    assert added.json == ringfold("accounts", "show", added.json["id"], "--json").json
    assert "" == added.stderr


def test_an_account_that_cannot_carry_calls_is_told_with_its_cures(ringfold: Ringfold, known: Twilio) -> None:
    """It is added all the same, and the exit code says that something is left to do."""
    known.kinds[SID] = "Trial"

    added = add(ringfold)

    assert 1 == added.exit_code
    assert "✗  trial" in added.stdout
    assert "→ Upgrade the account in Twilio's console." in added.stdout
    assert 1 == len(ringfold("accounts", "list", "--json").json["accounts"])


def test_the_token_comes_from_stdin_too(ringfold: Ringfold, known: Twilio) -> None:
    """For programs: one line of stdin; a second one is the API key's secret."""
    arguments = ["accounts", "add", "--name", "Main", "--sid", SID, "--api-key-sid", "SK" + "2" * 32]

    added = ringfold(*arguments, "--auth-token-stdin", "--no-test", "--json", typed=f"{TOKEN}\nsecret-of-the-key-012\n")

    assert 0 == added.exit_code, added.stderr
    assert "SK" + "2" * 32 == added.json["api_key_sid"]
    assert {"auth_token": TOKEN, "api_key_secret": "secret-of-the-key-012"}.items() <= (
        ringfold.api.asked[-1].body.items() if ringfold.api else {}.items()
    )


def test_the_token_is_asked_for_on_a_terminal(ringfold: Ringfold, known: Twilio) -> None:
    """Whoever sits there types it, and it is not printed."""
    ringfold.terminal = True

    added = ringfold("accounts", "add", "--name", "Main", "--sid", SID, typed=f"{TOKEN}\n")

    assert 0 == added.exit_code, added.stderr
    assert TOKEN not in added.stdout + added.stderr


def test_without_a_token_nothing_is_sent(ringfold: Ringfold) -> None:
    """Where nobody can be asked, the ways to give the token are named."""
    refused = ringfold("accounts", "add", "--name", "Main", "--sid", SID)

    assert 2 == refused.exit_code
    assert "→ Set TWILIO_AUTH_TOKEN or pass --auth-token-stdin\n" in refused.stderr
    assert ringfold.api
    assert [] == ringfold.api.changes()


def test_the_request_can_be_shown_without_its_secrets(ringfold: Ringfold, known: Twilio) -> None:
    """--show-request prints what was asked of the API, as curl, with neither token in it."""
    added = add(ringfold, "--no-test", "--show-request")

    assert "curl -X POST http://" in added.stderr
    assert "/api/voice/accounts" in added.stderr
    assert '"Authorization: Bearer $RINGFOLD_TOKEN"' in added.stderr
    assert '"auth_token": "<auth_token>"' in added.stderr
    assert TOKEN not in added.stderr
    assert ringfold.environ["RINGFOLD_TOKEN"] not in added.stderr


def test_a_field_that_cannot_be_meant_is_named(ringfold: Ringfold) -> None:
    """The API's own words: the field, and what was expected; never what was sent."""
    refused = ringfold("accounts", "add", "--name", "Main", "--sid", "AC1", env={"TWILIO_AUTH_TOKEN": TOKEN})

    assert 1 == refused.exit_code
    assert "account_sid" in refused.stderr
    assert "should match pattern" in refused.stderr
    assert TOKEN not in refused.stderr


@pytest.mark.accept("B2")
def test_an_organizations_admin_adds_their_own_account(ringfold: Ringfold, known: Twilio) -> None:
    """Bring your own Twilio: the account is the organization's, and another organization does not see it."""
    acme = ringfold("organizations", "add", "Acme", "--json").json["id"]
    bolt = ringfold("organizations", "add", "Bolt", "--json").json["id"]

    added = add(ringfold.as_role(Role.ORGANIZATION_ADMIN, acme), "--json")
    seen = ringfold.as_role(Role.ORGANIZATION_ADMIN, bolt)("accounts", "list", "--json")

    assert ("organization", acme) == (added.json["scope"], added.json["organization_id"])
    assert [] == seen.json["accounts"]


def test_a_twilio_sid_stands_for_an_account(ringfold: Ringfold, known: Twilio) -> None:
    """The SID is what an administrator has at hand."""
    added = add(ringfold, "--no-test", "--json").json

    assert added == ringfold("accounts", "show", SID, "--json").json


def test_tokens_rotate_by_one_command(ringfold: Ringfold, known: Twilio) -> None:
    """Twilio makes and promotes a token; both are accepted until the old one is dropped."""
    account = add(ringfold, "--no-test", "--json").json["id"]

    rotated = ringfold("accounts", "rotate", account, "--json").json
    dropped = ringfold("accounts", "set", account, "--drop-secondary-token", "--json").json

    assert [True, False] == [rotated["has_secondary_token"], dropped["has_secondary_token"]]
    assert ["secondary-token-number-1"] == known.tokens[SID]


def test_settings_are_changed_and_taken_away(ringfold: Ringfold, known: Twilio) -> None:
    """A flag sets, its opposite takes away; what is not named stays."""
    account = add(ringfold, "--no-test", "--base-url", "https://voice.example.com", "--json").json["id"]

    ringfold("accounts", "set", account, "--inactive", "--name", "Second")
    changed = ringfold("accounts", "set", account, "--no-base-url", "--json").json

    assert ("Second", False, None) == (changed["name"], changed["is_active"], changed["base_url"])


def test_a_new_token_is_read_from_stdin(ringfold: Ringfold, known: Twilio) -> None:
    """The old one becomes the secondary."""
    account = add(ringfold, "--no-test", "--json").json["id"]

    changed = ringfold("accounts", "set", account, "--auth-token-stdin", "--json", typed=f"{NEW_TOKEN}\n")

    assert changed.json["has_secondary_token"]


def test_a_change_of_nothing_is_no_change(ringfold: Ringfold, known: Twilio) -> None:
    """Nothing is asked of the API but what is there."""
    account = add(ringfold, "--no-test", "--json").json["id"]
    assert ringfold.api
    before = len(ringfold.api.asked)

    refused = ringfold("accounts", "set", account)

    assert 2 == refused.exit_code
    assert before == len(ringfold.api.asked)


def test_an_account_is_removed_for_good(ringfold: Ringfold, known: Twilio) -> None:
    """After the question was answered."""
    account = add(ringfold, "--no-test", "--json").json["id"]
    ringfold.terminal = True

    removed = ringfold("accounts", "remove", account, typed="y\n")

    assert 0 == removed.exit_code
    assert 1 == ringfold("accounts", "show", account).exit_code
