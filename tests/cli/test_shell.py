from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Ringfold


def test_with_nothing_given_the_local_run_is_meant(ringfold: Ringfold) -> None:
    """As the platform, or as somebody of it; `.local/run.json` says where and with which token."""
    assert ringfold.api
    home = Path(ringfold.environ["RINGFOLD_HOME"])
    home.mkdir()
    run = {
        "public_base_url": ringfold.environ.pop("RINGFOLD_URL"),
        "platform_admin_token": ringfold.environ.pop("RINGFOLD_TOKEN"),
        "organizations": [],
    }
    (home / "run.json").write_text(json.dumps(run))
    made = ringfold("organizations", "add", "Acme", "--json")
    somebody = ringfold("organizations", "list", "--as", "organization:org_1", "--json")

    assert 0 == made.exit_code, made.stderr
    assert "the local run" == ringfold("status", "--json").json["source"]
    assert 2 == somebody.exit_code


def test_an_id_is_not_looked_up(ringfold: Ringfold) -> None:
    """One request is enough for what is named exactly."""
    made = ringfold("organizations", "add", "Acme", "--json").json["id"]
    assert ringfold.api
    ringfold.api.asked.clear()

    ringfold("organizations", "show", made)

    assert [("GET", f"/api/organizations/{made}")] == [(each.method, each.path) for each in ringfold.api.asked]


def test_an_account_nobody_named_is_found_by_whom_one_asks(ringfold: Ringfold) -> None:
    """A name of something else leads nowhere, and says where to look."""
    refused = ringfold("agents", "show", "Nobody")

    assert 1 == refused.exit_code
    assert "→ List those you can see: ringfold agents list" in refused.stderr
