from __future__ import annotations

from tests.cli.conftest import Ringfold


def test_the_trail_tells_who_changed_what(ringfold: Ringfold) -> None:
    """The newest change first, with the fields that it touched."""
    made = ringfold("organizations", "add", "Acme", "--json").json["id"]
    ringfold("organizations", "rename", made, "Acme Air")

    entries = ringfold("audit", "--json").json["entries"]
    lines = ringfold("audit").stdout.splitlines()

    assert ["organization.update", "organization.create"] == [each["action"] for each in entries]
    assert ["organization.update", made, "name"] == lines[1].split()[2:]


def test_a_long_trail_is_read_page_by_page(ringfold: Ringfold) -> None:
    """--limit cuts it and says how to go on; --cursor goes on; --all reads everything."""
    for number in range(5):
        ringfold("organizations", "add", f"Number {number}")

    first = ringfold("audit", "--limit", "2")
    cursor = first.stderr.split()[-1]
    second = ringfold("audit", "--limit", "2", "--cursor", cursor, "--json").json
    everything = ringfold("audit", "--all", "--json").json

    assert 3 == len(first.stdout.splitlines())
    assert [each["id"] for each in everything["entries"][2:4]] == [each["id"] for each in second["entries"]]
    assert (5, None) == (len(everything["entries"]), everything["next_cursor"])
