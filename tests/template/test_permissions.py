"""The permissions in the template against the requests the code makes: neither may fall behind the other."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.template.conftest import ROOT, Template
from tests.template.shapes import as_list, statements_of

CODE = [
    ROOT / "layers" / "core" / "ringfold" / "adapters",
    ROOT / "layers" / "core" / "ringfold" / "tools",
    ROOT / "layers" / "admin" / "ringfold_admin",
]
CARRIER = ROOT / "layers" / "admin" / "ringfold_admin" / "carrier"  # its client is Twilio's

# botocore's name of an operation -> the actions IAM asks for.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "batch_get_item": ("dynamodb:BatchGetItem",),
    "change_message_visibility": ("sqs:ChangeMessageVisibility",),
    "converse_stream": ("bedrock:InvokeModelWithResponseStream",),
    "create_secret": ("secretsmanager:CreateSecret",),
    "delete_item": ("dynamodb:DeleteItem",),
    "delete_secret": ("secretsmanager:DeleteSecret",),
    "get_item": ("dynamodb:GetItem",),
    "get_secret_value": ("secretsmanager:GetSecretValue",),
    "invoke": ("lambda:InvokeFunction",),
    "put_item": ("dynamodb:PutItem",),
    "put_secret_value": ("secretsmanager:PutSecretValue",),
    "query": ("dynamodb:Query",),
    "send_message": ("sqs:SendMessage",),
    "transact_write_items": (
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    ),
    "update_item": ("dynamodb:UpdateItem",),
}
NOT_REQUESTS = {"close", "exceptions", "meta", "_endpoint"}

# What AWS does on a caller's behalf asks for these.
ON_BEHALF = {
    "execute-api:ManageConnections",  # posts to @connections are signed by hand
    "bedrock:InvokeModel",  # a profile asks for both
    "kms:Decrypt",  # Secrets Manager, with the caller's permissions
    "kms:GenerateDataKey",
}


def requests_made() -> dict[str, list[Path]]:
    """Every operation called on something named a client, and where."""
    made: dict[str, list[Path]] = {}
    for path in sorted(path for folder in CODE for path in folder.rglob("*.py") if CARRIER not in path.parents):
        for name in re.findall(r"(?:\b_?client(?:\(\))?\.|\b_call\(\s*\")([a-z_]+)", path.read_text()):
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

    assert granted(expanded) <= needed | ON_BEHALF
