"""Memory through the whole running system: called, remembered, greeted by name, known by text, forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest

from tests.aws import REGION
from tests.e2e.system import System
from tests.e2e.test_make_call import finish, start_call

pytestmark = pytest.mark.slow

NUMBER, JANE = "+15125550100", "+15125550661"
FIRST = """\
about: Jane tells who she is and what she likes.
steps:
  - expect: {contains: SkyOwl, within_s: 8}
  - say: Hi, my name is Jane Smith, and I am vegetarian. My code is ABC123. Is my flight on time?
  - expect: {any_of: [late, delayed], within_s: 15}
  - say: Thank you, goodbye!
  - expect_end: {reason: application, status: ended}
  - expect_no_violations:
"""
SECOND = """\
about: She calls again and is known by name.
steps:
  - expect: {contains: "Hi Jane, welcome back", within_s: 8}
  - say: Which seat do I have?
  - expect: {within_s: 15}
  - hang_up:
  - expect_no_violations:
"""


@pytest.fixture
def api(system: System) -> Callable[..., Any]:
    """Ask the API as SkyOwl's administrator."""
    token = next(each["admin_token"] for each in system.run["organizations"] if each["id"] == "org_skyowl")

    def ask(path: str, method: str = "GET", **query: str) -> Any:
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.request(method, system.url + path, params=query, headers=headers, timeout=30, trust_env=False)
        return answer.raise_for_status().json()

    return ask


def play(system: System, folder: Path, script: str) -> None:
    path = folder / "call.yaml"
    path.write_text(script)
    status, output = finish(start_call(system, str(path), "--from", JANE))
    assert 0 == status, output


def wait_for(look: Callable[[], Any], within_s: float = 45) -> Any:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError("it did not come in time")


def everything(system: System) -> str:
    """All that every table holds."""
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    client = session.create_client("dynamodb", region_name=REGION, endpoint_url=system.run["aws_endpoint_url"])
    found = []
    for table in client.list_tables()["TableNames"]:
        if "Airline" not in table:
            for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
                found += page["Items"]
    return str(found)


@pytest.mark.accept("H1", "H2", "H3", "H4", "H7", "H11", "M9")
def test_a_caller_is_remembered_and_forgotten(system: System, api: Callable[..., Any], tmp_path: Path) -> None:
    """The second call greets by name; the export has all of it; after the erasure no table knows the number."""
    play(system, tmp_path, FIRST)

    def profile() -> Any:
        found = api("/api/profiles", phone=JANE)["profiles"]
        return found[0] if found and found[0]["name"] else None

    known = wait_for(profile)
    assert "Jane Smith" == known["name"]
    memory = api(f"/api/profiles/{known['id']}/memory")
    assert any("vegetarian" in each["text"].lower() for each in memory["observations"])
    assert "ABC123" not in str(memory["observations"])

    play(system, tmp_path, SECOND)
    wait_for(lambda: len(api(f"/api/profiles/{known['id']}/memory")["summaries"]) >= 2)

    export = api(f"/api/profiles/{known['id']}/export")
    assert 2 == len(export["conversations"])
    assert any("vegetarian" in line["text"] for each in export["conversations"] for line in each["transcript"])

    job = api(f"/api/profiles/{known['id']}", "DELETE")
    receipt = wait_for(lambda: (found := api(f"/api/erasures/{job['id']}"))["state"] == "done" and found)
    assert receipt["counts"]["conversations"] == 2
    assert receipt["counts"]["observations"] >= 1
    assert JANE not in everything(system)
    assert [] == api("/api/profiles", phone=JANE)["profiles"]
