from __future__ import annotations

from ringfold_admin.principal import Role
from tests.cli.api import Asked
from tests.cli.conftest import Ringfold


def add(ringfold: Ringfold, name: str = "Acme") -> str:
    return str(ringfold("organizations", "add", name, "--json").json["id"])


def test_an_organization_is_made_shown_renamed_and_removed(ringfold: Ringfold) -> None:
    """The commands carry an organization through its life."""
    made = ringfold("organizations", "add", "Acme", "--json").json
    ringfold("organizations", "rename", made["id"], "Acme Air")

    shown = ringfold("organizations", "show", made["id"], "--json").json
    removed = ringfold("organizations", "remove", made["id"], "--yes")
    left = ringfold("organizations", "list", "--json").json

    assert ("Acme", "Acme Air") == (made["name"], shown["name"])
    assert (0, f"Removed {made['id']}.\n") == (removed.exit_code, removed.stdout)
    assert {"organizations": [], "next_cursor": None} == left


def test_people_get_tables(ringfold: Ringfold) -> None:
    """Without --json a list is a table with a head, an id whole in every row."""
    ids = [add(ringfold, name) for name in ("Acme", "Bolt")]

    head, *rows = ringfold("organizations", "list").stdout.splitlines()

    assert ["ID", "NAME", "CREATED"] == head.split()
    assert [[ids[0], "Acme"], [ids[1], "Bolt"]] == [row.split()[:2] for row in rows]


def test_a_name_may_stand_for_an_id(ringfold: Ringfold) -> None:
    """Whoever knows the name need not look the id up."""
    made = add(ringfold, "Acme Air")

    shown = ringfold("organizations", "show", "Acme Air", "--json")

    assert made == shown.json["id"]


def test_a_name_that_two_have_is_no_answer(ringfold: Ringfold) -> None:
    """Which one is meant is asked, with the ids, instead of guessed."""
    ids = {add(ringfold, "Acme"), add(ringfold, "Acme")}

    refused = ringfold("organizations", "remove", "Acme", "--yes")

    assert 2 == refused.exit_code
    assert ids == {word.strip(".,") for word in refused.stderr.split() if word.startswith("org_")}


def test_nothing_is_removed_unless_it_is_meant(ringfold: Ringfold) -> None:
    """A removal is asked about on a terminal, and refused where nobody can be asked."""
    made = add(ringfold)

    nobody = ringfold("organizations", "remove", made)
    ringfold.terminal = True
    declined = ringfold("organizations", "remove", made, typed="n\n")

    assert [2, 1] == [nobody.exit_code, declined.exit_code]
    assert "--yes" in nobody.stderr
    assert made == ringfold("organizations", "show", made, "--json").json["id"]


def test_a_change_holds_to_what_was_read(ringfold: Ringfold) -> None:
    """Somebody else's change in between is shown, with the difference, and not overwritten."""
    made = add(ringfold)
    api = ringfold.api
    assert api

    def somebody_else(asked: Asked) -> None:
        if asked.method == "PATCH":
            api.meanwhile = None
            api.desk.platform.patch(f"/api/organizations/{made}", {"name": "Apex"})

    api.meanwhile = somebody_else

    refused = ringfold("organizations", "rename", made, "Acme Air", "--json")

    assert 1 == refused.exit_code
    assert "precondition_failed" == refused.error["code"]
    assert [{"field": "name", "message": "was Acme, is now Apex; you want Acme Air"}] == refused.error["details"]
    assert "Apex" == ringfold("organizations", "show", made, "--json").json["name"]


def test_what_a_role_may_not_do_has_its_own_exit_code(ringfold: Ringfold) -> None:
    """A viewer is told so, by the API's words."""
    made = add(ringfold)

    refused = ringfold.as_role(Role.ORGANIZATION_VIEWER, made)("organizations", "add", "Bolt")

    assert 4 == refused.exit_code
    assert "forbidden" in refused.stderr
