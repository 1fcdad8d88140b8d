"""What belongs to a stage at AWS, and its removal: the stack, and what stays when a stack goes.

Found by the stack's own list while it is there, and by names that only this stage can have, so that a removal that was
cut short finds the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from scripts.deployment.administrators import user_pool_of
from scripts.deployment.cloud import Cloud, attempt, code_of
from scripts.deployment.findings import Say
from scripts.deployment.stacks import Stack, delete_stack, find_stack, managed_bucket, retained
from scripts.deployment.stage import Stage

KEY_WINDOW_DAYS: Final = 7
"""AWS deletes no key sooner."""
STAYS: Final = "the account's role for API Gateway's logs, which every API of the account uses, and SAM's bucket"


@dataclass(frozen=True)
class Number:
    """A phone number that is in a table of the stage."""

    id: str
    phone_number: str
    phone_sid: str


@dataclass(frozen=True)
class Leftovers:
    """Everything of a stage.

    Attributes:
        stack: ``None`` when it is gone already.
        bucket: SAM's; what is deployed lies in it below the stack's name.
    """

    stack: Stack | None
    numbers: tuple[Number, ...]
    tables: tuple[str, ...]
    secrets: tuple[str, ...]
    log_groups: tuple[str, ...]
    keys: tuple[str, ...]
    bucket: str
    artefacts: int

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.stack or self.tables or self.secrets or self.log_groups or self.keys or self.artefacts)

    def lines(self) -> Iterator[str]:
        """What would be removed, for people."""
        if self.stack:
            yield f"stack {self.stack.name} ({self.stack.status}), {len(self.stack.resources)} resources"
        yield from (f"table {name}, with everything in it" for name in self.tables)
        yield from (f"secret {name}" for name in self.secrets)
        yield from (f"key {name}, in {KEY_WINDOW_DAYS} days" for name in self.keys)
        yield from (f"log group {name}" for name in self.log_groups)
        if self.artefacts:
            yield f"{self.artefacts} artefacts in bucket {self.bucket}"


def find_leftovers(stage: Stage, cloud: Cloud) -> Leftovers:
    """Look for everything of a stage.

    Raises:
        Stop: If AWS cannot be asked.
    """
    stack = find_stack(cloud, stage.stack_name)
    kept = dict(stack.resources) if stack else attempt("Listing stacks", lambda: retained(cloud, stage.stack_name))
    tables = attempt("Listing tables", lambda: _tables(stage, cloud, kept))
    bucket = managed_bucket(cloud)
    return Leftovers(
        stack=stack,
        numbers=tuple(number for table in tables for number in _numbers(cloud, table)),
        tables=tables,
        secrets=attempt("Listing secrets", lambda: _secrets(stage, cloud)),
        log_groups=attempt("Listing log groups", lambda: _log_groups(stage, cloud, stack)),
        keys=attempt("Looking at keys", lambda: _keys(cloud, kept)),
        bucket=bucket,
        artefacts=len(_artefacts(cloud, bucket, stage.stack_name)) if bucket else 0,
    )


def remove(stage: Stage, cloud: Cloud, found: Leftovers, say: Say, *, delay_s: float = 15) -> None:
    """Remove everything that was found; numbers are not its business.

    Raises:
        Stop: At the first thing that cannot be removed.
    """
    if found.stack:
        _open_pool(cloud, found.stack)
        say(f"Deleting the stack {found.stack.name}; this takes some minutes")
        delete_stack(cloud, found.stack, delay_s=delay_s)
    for name in found.tables:
        say(f"Deleting table {name}")
        _gone(cloud, "dynamodb", "delete_table", TableName=name)
    for name in attempt("Listing secrets", lambda: _secrets(stage, cloud)):
        say(f"Deleting secret {name}")
        _gone(cloud, "secretsmanager", "delete_secret", SecretId=name, ForceDeleteWithoutRecovery=True)
    for key in found.keys:
        say(f"Scheduling the deletion of key {key}")
        _gone(cloud, "kms", "schedule_key_deletion", KeyId=key, PendingWindowInDays=KEY_WINDOW_DAYS)
    # A function that still ran while the stack went has made its log group anew.
    for name in {*found.log_groups, *attempt("Listing log groups", lambda: _log_groups(stage, cloud, found.stack))}:
        _gone(cloud, "logs", "delete_log_group", logGroupName=name)
    if found.bucket:
        attempt("Deleting artefacts", lambda: _remove_artefacts(cloud, found.bucket, stage.stack_name))


# ---------------------------------------------------------------------------------------------------------------------


def _tables(stage: Stage, cloud: Cloud, kept: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    listed = [physical for kind, physical in kept.values() if kind == "AWS::DynamoDB::Table"]
    begin = tuple(f"{stage.stack_name}-{each}-" for each in stage.tables)
    named = [name for name in cloud.pages("dynamodb", "list_tables", "TableNames") if name.startswith(begin)]
    existing = set(cloud.pages("dynamodb", "list_tables", "TableNames"))
    return tuple(name for name in dict.fromkeys([*listed, *named]) if name in existing)


def _numbers(cloud: Cloud, table: str) -> Iterator[Number]:
    """Numbers that a table knows, whatever their state."""
    settings: dict[str, Any] = {
        "TableName": table,
        "FilterExpression": "begins_with(pk, :number) AND sk = :meta",
        "ExpressionAttributeValues": {":number": {"S": "NUMBER#"}, ":meta": {"S": "META"}},
        "ConsistentRead": True,
    }
    items = attempt(
        f"Reading the numbers in {table}", lambda: list(cloud.pages("dynamodb", "scan", "Items", **settings))
    )
    for item in items:
        text = {name: str(item.get(name, {}).get("S", "")) for name in ("number_id", "phone_number", "phone_sid")}
        yield Number(text["number_id"], text["phone_number"], text["phone_sid"])


def _secrets(stage: Stage, cloud: Cloud) -> tuple[str, ...]:
    filters = [{"Key": "name", "Values": [stage.secret_prefix]}]
    listed = cloud.pages("secretsmanager", "list_secrets", "SecretList", Filters=filters)
    return tuple(each["Name"] for each in listed if each["Name"].startswith(stage.secret_prefix))


def _log_groups(stage: Stage, cloud: Cloud, stack: Stack | None) -> tuple[str, ...]:
    begin = [f"/aws/{service}/{stage.prefix}" for service in ("lambda", "apigateway")]
    apis = [*stack.of_type("AWS::ApiGatewayV2::Api"), *stack.of_type("AWS::ApiGateway::RestApi")] if stack else []
    # API Gateway makes these itself, where execution logging is on.
    begin += [f"API-Gateway-Execution-Logs_{api}/" for api in apis] + [f"/aws/apigateway/{api}/" for api in apis]
    found = [
        each["logGroupName"]
        for prefix in begin
        for each in cloud.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
    ]
    return tuple(dict.fromkeys(found))


def _keys(cloud: Cloud, kept: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    keys = [physical for kind, physical in kept.values() if kind == "AWS::KMS::Key" and physical]
    states = {key: _key_state(cloud, key) for key in keys}
    return tuple(key for key, state in states.items() if state not in {"", "PendingDeletion"})


def _key_state(cloud: Cloud, key: str) -> str:
    try:
        return str(cloud.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])
    except ClientError as exc:
        if code_of(exc) == "NotFoundException":
            return ""
        raise


def _artefacts(cloud: Cloud, bucket: str, stack_name: str) -> list[dict[str, str]]:
    def listed() -> list[dict[str, str]]:
        pages = (
            cloud.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{stack_name}/")
        )
        return [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for page in pages
            for each in [*(page.get("Versions") or ()), *(page.get("DeleteMarkers") or ())]
        ]

    return attempt(f"Listing artefacts in {bucket}", listed)


def _remove_artefacts(cloud: Cloud, bucket: str, stack_name: str) -> None:
    objects = _artefacts(cloud, bucket, stack_name)
    for first in range(0, len(objects), 1000):
        cloud.client("s3").delete_objects(
            Bucket=bucket, Delete={"Objects": objects[first : first + 1000], "Quiet": True}
        )


def _open_pool(cloud: Cloud, stack: Stack) -> None:
    """Take the protection off the user pool, or the stack could not be deleted."""
    pool = user_pool_of(stack)
    if not pool:
        return
    cognito = cloud.client("cognito-idp")
    described = attempt("Looking at the user pool", lambda: cognito.describe_user_pool(UserPoolId=pool)["UserPool"])
    if described.get("DeletionProtection") == "ACTIVE":
        settings = {"UserPoolId": pool, "DeletionProtection": "INACTIVE"}
        attempt("Taking the user pool's protection off", lambda: cognito.update_user_pool(**settings))


def _gone(cloud: Cloud, service: str, operation: str, **parameters: Any) -> None:
    """Remove something; that it is gone already is as good.

    Raises:
        Stop: If AWS refuses.
    """

    def ask() -> None:
        try:
            getattr(cloud.client(service), operation)(**parameters)
        except ClientError as exc:
            if code_of(exc) not in {"ResourceNotFoundException", "NotFoundException"}:
                raise

    attempt(f"{operation} {next(iter(parameters.values()))}", ask)
