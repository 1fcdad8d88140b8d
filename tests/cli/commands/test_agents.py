from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome, Ringfold


@pytest.fixture
def organization(ringfold: Ringfold) -> str:
    """An organization's id."""
    return str(ringfold("organizations", "add", "Acme", "--json").json["id"])


def add(ringfold: Ringfold, organization: str, *more: str) -> Outcome:
    return ringfold("agents", "add", "-o", organization, "--name", "Eve", "--instructions", "Be kind.", *more, "--json")


def test_an_agent_is_made_from_a_file(ringfold: Ringfold, organization: str, tmp_path: Path) -> None:
    """Instructions are long: they come from YAML, and an option wins over it."""
    file = tmp_path / "eve.yaml"
    file.write_text("name: Eve\ntools: [end_call]\nfirst_token_ms: 900\ninstructions: |\n  Be kind.\n  Be brief.\n")

    made = ringfold("agents", "add", "-o", "Acme", "--file", str(file), "--name", "Eva", "--json")

    assert 0 == made.exit_code, made.stderr
    assert ("Eva", "Be kind.\nBe brief.", ["end_call"], 900) == tuple(
        made.json[name] for name in ("name", "instructions", "tools", "first_token_ms")
    )
    assert organization == made.json["organization_id"]


def test_instructions_come_from_a_text_file(ringfold: Ringfold, organization: str, tmp_path: Path) -> None:
    """As they are, whatever is in them."""
    file = tmp_path / "eve.txt"
    file.write_text("You are Eve: be kind.\n- [brackets] {braces}\n")

    made = ringfold("agents", "add", "-o", "Acme", "--name", "Eve", "--instructions-file", str(file), "--json").json

    assert ("Eve", organization) == (made["name"], made["organization_id"])
    assert file.read_text().strip() == made["instructions"].strip()


def test_what_was_shown_can_be_sent_back(ringfold: Ringfold, organization: str, tmp_path: Path) -> None:
    """`show --json`, an editor, `set --file`: what the API adds of its own is left out."""
    agent = add(ringfold, organization, "--tool", "end_call").json
    file = tmp_path / "agent.json"
    file.write_text(json.dumps(agent | {"instructions": "Be brief."}))

    changed = ringfold("agents", "set", agent["id"], "-f", str(file), "--note", "shorter", "--json")

    assert 0 == changed.exit_code, changed.stderr
    assert (2, "Be brief.", ["end_call"]) == tuple(changed.json[k] for k in ("version", "instructions", "tools"))


def test_instructions_come_from_stdin(ringfold: Ringfold, organization: str) -> None:
    """A pipe will do."""
    agent = add(ringfold, organization).json["id"]

    changed = ringfold("agents", "set", agent, "--instructions-file", "-", "--json", typed="Answer in Spanish.\n")

    assert changed.json["instructions"].startswith("Answer in Spanish.")


def test_versions_are_listed_shown_and_put_back(ringfold: Ringfold, organization: str) -> None:
    """An older version is in force again by one command, as a new one."""
    agent = add(ringfold, organization).json["id"]
    ringfold("agents", "set", agent, "--instructions", "Be brief.", "--note", "shorter")

    rolled = ringfold("agents", "rollback", agent, "1", "--json").json
    listed = ringfold("agents", "versions", agent).stdout.splitlines()
    second = ringfold("agents", "show", agent, "--version", "2", "--json").json

    assert (3, "Be kind.") == (rolled["version"], rolled["instructions"])
    assert ["3", "2", "1"] == [line.split()[0] for line in listed[1:]]
    assert ("Be brief.", "shorter") == (second["instructions"], second["note"])


def test_an_unknown_tool_is_named_with_those_there_are(ringfold: Ringfold, organization: str) -> None:
    """The error says what would do."""
    refused = ringfold(
        "agents", "add", "-o", organization, "--name", "Eve", "--instructions", "Be kind.", "--tool", "fly"
    )

    assert 1 == refused.exit_code
    assert "tools  no tool named fly; known: " in refused.stderr
    assert "end_call" in refused.stderr


def test_two_sources_of_instructions_are_one_too_many(ringfold: Ringfold, organization: str) -> None:
    """Nothing is guessed."""
    refused = add(ringfold, organization, "--instructions-file", "x.txt")

    assert 2 == refused.exit_code


def test_missing_pieces_are_asked_for_on_a_terminal_only(ringfold: Ringfold, organization: str) -> None:
    """Elsewhere the option is named."""
    nobody = ringfold("agents", "add", "-o", organization)
    ringfold.terminal = True
    ringfold("agents", "add", "-o", organization, typed="Eve\nBe kind.\n")

    made = ringfold("agents", "show", "Eve", "--json").json
    assert (2, True) == (nobody.exit_code, "--name" in nobody.stderr)
    assert "Be kind." == made["instructions"]


def test_agents_are_listed_and_removed(ringfold: Ringfold, organization: str) -> None:
    """By organization; a removed one is gone."""
    agent = add(ringfold, organization).json["id"]

    listed = ringfold("agents", "list", "-o", "Acme").stdout.splitlines()
    removed = ringfold("agents", "remove", "Eve", "--yes")

    assert [agent, "Eve", organization, "1", "default"] == listed[1].split()[:5]
    assert f"Removed {agent}.\n" == removed.stdout
    assert [] == ringfold("agents", "list", "--json").json["agents"]
