"""The running API held to its own OpenAPI document by schemathesis, with a token of each role and with none.

Whatever is generated: no 5xx, no status the document does not have, and every answer of the shape it promises.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.admin import Office
from tests.e2e.system import running_system

pytestmark = pytest.mark.slow

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROLES = ["platform_admin", "organization_admin", "organization_viewer", "nobody", "garbage"]
EXAMPLES = 250


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A system with the demo in it, which nobody else uses."""
    with running_system(tmp_path_factory.mktemp("contract")) as system:
        yield Office(system)


@pytest.fixture(scope="module")
def operations(office: Office) -> list[Any]:
    """Every operation the document describes."""
    document = httpx.get(office.system.url + "/api/openapi.json", timeout=30, trust_env=False).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=office.system.url)
    return [result.ok() for result in schema.get_all_operations()]


def headers_of(office: Office, role: str) -> dict[str, str]:
    run = office.run
    skyowl = next(each for each in run["organizations"] if each["id"] == "org_skyowl")
    tokens = {
        "platform_admin": run["platform_admin_token"],
        "organization_admin": skyowl["admin_token"],
        "organization_viewer": skyowl["viewer_token"],
        "garbage": "a.b.c",
    }
    return {"authorization": f"Bearer {tokens[role]}"} if role in tokens else {}


def known_ids(run: dict[str, Any], path: str) -> list[str]:
    """Ids of things that were there at the start, for a path with an id in it."""
    kind = path.removeprefix("/api/").removeprefix("voice/").partition("/")[0]
    return [each["id"] for each in run.get(kind, [])] or ["agt_skyowl_airline"]


@pytest.mark.accept("C7", "C12")
def test_nothing_of_the_demo_differs_from_what_twilio_has(office: Office) -> None:
    """Its numbers are configured there as the API would configure them, fallbacks included."""
    numbers = [office.done("GET", f"/api/voice/numbers/{each['id']}") for each in office.system.run["numbers"]]

    assert len(numbers) == 3
    assert [[]] * 3 == [each["drift"] for each in numbers]


@pytest.mark.accept("O4")
@pytest.mark.parametrize("role", ROLES)
def test_the_api_is_what_its_document_says(office: Office, operations: list[Any], role: str) -> None:
    """Half of the requests are about things that are there, of one's own organization and of others."""
    headers = headers_of(office, role)
    statuses: dict[str, int] = {}

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def hold(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(operations))
        case = data.draw(operation.as_strategy())
        names = [name for name in case.path_parameters or {} if name.endswith("_id")]
        if names and data.draw(st.booleans()):
            ids = known_ids(office.system.run, operation.path)
            case.path_parameters = {**case.path_parameters, names[0]: data.draw(st.sampled_from(ids))}
        case.headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
        answer = case.call(headers=headers, timeout=30)
        statuses[str(answer.status_code)] = statuses.get(str(answer.status_code), 0) + 1
        case.validate_response(answer, checks=CHECKS)

    hold()

    refused = {"nobody", "garbage"}
    assert set(statuses) == {"401"} if role in refused else {"400", "404"} <= set(statuses), statuses


def test_the_contract_would_notice(office: Office, operations: list[Any]) -> None:
    """A status and a shape that the document does not have are found."""
    operation = next(each for each in operations if each.path == "/api/organizations" and each.method == "get")
    case = operation.Case()
    answer = case.call(headers=headers_of(office, "platform_admin"), timeout=30)
    case.validate_response(answer, checks=CHECKS)

    answer.status_code = 418
    with pytest.raises(FailureGroup, match="Undocumented status code"):
        case.validate_response(answer, checks=[status_code_conformance])
