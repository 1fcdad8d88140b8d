"""The API as a whole: one error shape, validation, description, and nothing that gets out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfold_admin.api import Api
from ringfold_admin.principal import Role
from tests.admin.desk import Desk
from tests.aws import Aws

ACCOUNT = {"name": "Acme", "account_sid": "AC" + "1" * 32, "auth_token": "auth-token-of-this-test"}


def assert_error(answer: Any) -> None:
    """The one shape."""
    error = answer.json["error"]
    assert {"code", "message", "details"} == set(error)
    assert error["code"]
    assert error["message"]
    assert isinstance(error["details"], list)


def test_without_a_token_nothing_is_told(desk: Desk) -> None:
    """401 on every path but the description's, whether there is such a thing or not."""
    paths = ("/api/voice/accounts", "/api/voice/accounts/acc_x", "/api/organizations", "/api/agents", "/api/audit")

    answers = [desk.get(path) for path in paths]

    assert [401] * len(paths) == [each.status for each in answers]
    assert 1 == len({each.text for each in answers})
    assert_error(answers[0])
    assert 200 == desk.get("/api/openapi.json").status == desk.get("/api/docs").status


def test_an_unknown_path_is_told_in_the_same_shape(desk: Desk) -> None:
    """And a method that a path does not have."""
    for answer in (desk.platform.get("/api/nothing"), desk.platform.put("/api/organizations", {})):
        assert (404, "not_found") == (answer.status, answer.code)
        assert_error(answer)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '"x"',
        "null",
        "1" * 5000,
        "[" * 100_000,
        '{"name": "\\ud800"}',
        '{"name": 1}',
        '{"name": "a", "name2": 1}',
    ],
)
def test_a_body_that_is_none_is_a_400(desk: Desk, body: str) -> None:
    """With what was expected."""
    refused = desk.platform.ask("POST", "/api/organizations", body)

    assert (400, "invalid_request") == (refused.status, refused.code)
    assert_error(refused)


@pytest.mark.parametrize("query", [{"limit": -1}, {"limit": 0}, {"limit": 10**9}, {"limit": "x"}, {"cursor": "x"}])
def test_a_page_that_cannot_be_is_a_400(desk: Desk, query: dict[str, Any]) -> None:
    """The parameter is named."""
    refused = desk.platform.get("/api/voice/accounts", query=query)

    assert 400 == refused.status
    assert next(iter(query)) == refused.json["error"]["details"][0]["field"]


def test_an_idempotency_key_is_honoured_on_a_post(desk: Desk) -> None:
    """The same answer, headers too; another request with it is refused; others' keys are others'."""
    key = {"Idempotency-Key": "k-1"}

    first = desk.platform.post("/api/voice/accounts", ACCOUNT, headers=key)
    second = desk.platform.post("/api/voice/accounts", ACCOUNT, headers=key)
    another = desk.platform.post("/api/voice/accounts", {**ACCOUNT, "name": "Other"}, headers=key)
    elsewhere = desk.platform.post("/api/organizations", {"name": "Acme"}, headers=key)
    ann = desk.as_(Role.PLATFORM_ADMIN, subject="ann").post("/api/organizations", {"name": "Acme"}, headers=key)

    assert (201, first.json, first.etag) == (second.status, second.json, second.etag)
    assert 1 == len(desk.platform.get("/api/voice/accounts").json["accounts"])
    assert [(422, "idempotency_key_reused")] * 2 == [(each.status, each.code) for each in (another, elsewhere)]
    assert 201 == ann.status


def test_a_refused_post_leaves_its_key_free(desk: Desk) -> None:
    """Whoever mends the request may send it with the same key."""
    key = {"Idempotency-Key": "k-1"}

    refused = desk.platform.post("/api/organizations", {"name": ""}, headers=key)
    made = desk.platform.post("/api/organizations", {"name": "Acme"}, headers=key)

    assert (400, 201) == (refused.status, made.status)


def test_a_table_that_is_down_is_a_503(desk: Desk) -> None:
    """Nothing of the cause gets out; the log has it."""
    desk.aws.client("dynamodb").delete_table(TableName=desk.aws.table)

    answers = [
        desk.platform.get("/api/organizations"),
        desk.platform.post("/api/organizations", {"name": "Acme"}),
        desk.platform.post("/api/organizations", {"name": "Acme"}, headers={"Idempotency-Key": "k"}),
    ]

    assert [503] * 3 == [each.status for each in answers]
    for answer in answers:
        assert_error(answer)
        assert "ResourceNotFound" not in answer.text
        assert answer.headers["Retry-After"]
    assert "ResourceNotFound" in "\n".join(desk.lines)


def test_whatever_breaks_is_a_500_without_detail(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of nobody's: logged by kind and place, its words kept in."""

    def broken(*_arguments: object, **_more: object) -> None:
        raise ValueError("the caller's secret words")

    monkeypatch.setattr("ringfold_admin.services.organizations.OrganizationService.list_page", broken)
    answer = desk.platform.get("/api/organizations")

    assert (500, "internal_error") == (answer.status, answer.code)
    assert "secret words" not in answer.text + "".join(desk.lines)
    assert "ValueError" in "".join(desk.lines)


def test_the_description_describes_every_route(desk: Desk) -> None:
    """OpenAPI 3.1; each route has its statuses, errors in the one shape, and a bearer."""
    document = json.loads(desk.get("/api/openapi.json").text)

    assert document["openapi"].startswith("3.1")
    assert [{"bearer": []}] == document["security"]
    assert "bearer" == document["components"]["securitySchemes"]["bearer"]["scheme"]
    for path, operations in document["paths"].items():
        assert path.startswith("/api/")
        for operation in operations.values():
            statuses = set(operation["responses"])
            assert {"400", "401", "403", "500", "503"} <= statuses, path
            assert {"200", "201", "202", "204"} & statuses, path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    schema = response["content"]["application/json"]["schema"]
                    name = "Refusal" if status in {"401", "403", "500", "503"} else "Error"
                    assert {"$ref": f"#/components/schemas/{name}"} == schema, (path, status)
    assert "HTTPValidationError" not in json.dumps(document)


@pytest.fixture(scope="module")
def bare_api(aws_endpoint: str) -> Api:
    """An API whose table does not exist: enough for what is refused before it is asked for."""
    from tests.admin.desk import build_desk  # noqa: PLC0415 - the fixture's own

    desk = build_desk(Aws(aws_endpoint, "no-such-table", "none"), "http://127.0.0.1:9")
    api: Api = desk.api
    return api


events = st.dictionaries(
    st.sampled_from(["version", "rawPath", "headers", "requestContext", "body", "isBase64Encoded", "rawQueryString"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.dictionaries(st.text(max_size=5), st.text()),
)


@given(events)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_event_gets_an_exception_out(bare_api: Api, event: dict[str, Any]) -> None:
    """However odd, an answer of HTTP comes back."""
    answer = bare_api.handle(event, object())

    assert 400 <= answer["statusCode"] < 600 or answer["statusCode"] == 200
