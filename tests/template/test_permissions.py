"""The permissions in the template against the requests the code makes: neither may fall behind the other."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.template.conftest import ROOT, Template
from tests.template.shapes import as_list, statements_of

CODE = [ROOT / "layers" / "core" / "ringfold" / "adapters", ROOT / "layers" / "core" / "ringfold" / "tools"]

# botocore's name of an operation -> the actions IAM asks for.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "batch_get_item": ("dynamodb:BatchGetItem",),
    "converse_stream": ("bedrock:InvokeModelWithResponseStream",),
    "delete_item": ("dynamodb:DeleteItem",),
    "get_item": ("dynamodb:GetItem",),
    "get_secret_value": ("secretsmanager:GetSecretValue",),
    "invoke": ("lambda:InvokeFunction",),
    "put_item": ("dynamodb:PutItem",),
    "query": ("dynamodb:Query",),
    "send_message": ("sqs:SendMessage",),
    "transact_write_items": ("dynamodb:PutItem", "dynamodb:UpdateItem"),
    "update_item": ("dynamodb:UpdateItem",),
}
NOT_REQUESTS = {"close", "exceptions", "meta", "_endpoint"}


def requests_made() -> dict[str, list[Path]]:
    """Every operation called on something named a client, and where."""
    made: dict[str, list[Path]] = {}
    for path in sorted(path for folder in CODE for path in folder.rglob("*.py")):
        for name in re.findall(r"\b_?client(?:\(\))?\.(\w+)", path.read_text()):
            if name not in NOT_REQUESTS:
                made.setdefault(name, []).append(path)
    return made


def granted(expanded: Template) -> set[str]:
    return {action for _, statement in statements_of(expanded) for action in as_list(statement["Action"])}


@pytest.mark.parametrize("operation", sorted(requests_made()))
def test_every_request_is_permitted(operation: str, expanded: Template) -> None:
    """No adapter or tool makes a request that no function may make."""
    assert operation in ACTIONS, f"{requests_made()[operation]}: say above which actions {operation} needs"
    assert set(ACTIONS[operation]) <= granted(expanded)


def test_nothing_is_permitted_that_nobody_does(expanded: Template) -> None:
    """Each action that is granted is needed by a request the code makes, or by `@connections`."""
    needed = {action for operation in requests_made() for action in ACTIONS[operation]}

    assert granted(expanded) <= needed | {"execute-api:ManageConnections", "bedrock:InvokeModel"}
