"""DynamoDB requests with their errors translated, shared by the adapters that keep the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.adapters import codec
from ringfold.errors import ConfigError, ConflictError, DependencyError

Key = tuple[str, str]
"""Partition key and sort key."""
TRANSACTION_TRIES: Final = 4
CONDITION_FAILED: Final = "ConditionalCheckFailedException"
_THROTTLED: Final = frozenset(
    {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "InternalServerError"}
)


def request(operation: Callable[..., Any], what: str, **arguments: Any) -> Any:
    """Send one request.

    Raises:
        DependencyError: Naming the operation; its ``code`` is DynamoDB's own. Conditional failures come out as the
            ``ClientError`` they are, for the caller to read.
    """
    try:
        return operation(**arguments)
    except ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code in {CONDITION_FAILED, "TransactionCanceledException"}:
            raise
        raise DependencyError("dynamodb", f"{what}: {code}", retryable=code in _THROTTLED, code=code) from exc
    except BotoCoreError as exc:
        raise DependencyError("dynamodb", f"{what}: {type(exc).__name__}", retryable=True, processed=None) from exc


def wire_key(key: Key) -> dict[str, dict[str, str]]:
    """A key for the wire."""
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def get_many(client: Any, table: str, keys: Iterable[Key], what: str) -> dict[Key, dict[str, Any]]:
    """Read items in one request, consistently; what is absent is left out.

    Raises:
        DependencyError: Also when DynamoDB leaves keys unprocessed twice.
    """
    wanted: dict[str, Any] = {table: {"Keys": [wire_key(key) for key in dict.fromkeys(keys)], "ConsistentRead": True}}
    found: dict[Key, dict[str, Any]] = {}
    for _ in range(2):
        answer = request(client.batch_get_item, what, RequestItems=wanted)
        for item in answer.get("Responses", {}).get(table, []):
            plain = codec.load_item(item)
            found[(plain["pk"], plain["sk"])] = plain
        wanted = answer.get("UnprocessedKeys") or {}
        if not wanted:
            return found
    raise DependencyError("dynamodb", f"{what}: keys left unprocessed", retryable=True)


def transact(client: Any, what: str, actions: Sequence[Any]) -> None:
    """Write all or nothing; other transactions on the same items are waited for, a few times.

    Raises:
        ConflictError: If a condition does not hold: somebody else was quicker.
        DependencyError: If DynamoDB failed, or others were in the way again and again.
    """
    for _ in range(TRANSACTION_TRIES):
        try:
            request(client.transact_write_items, what, TransactItems=list(actions))
        except ClientError as exc:
            reasons: list[Any] = list(exc.response.get("CancellationReasons", []))
            codes = {str(reason.get("Code")) for reason in reasons}
            if "ConditionalCheckFailed" in codes:
                raise ConflictError(f"{what}: somebody else was quicker") from exc
            if "TransactionConflict" not in codes:
                raise DependencyError("dynamodb", f"{what}: {sorted(codes)}") from exc
        else:
            return
    raise DependencyError("dynamodb", f"{what}: other transactions were in the way", retryable=True)


def update_if(
    client: Any,
    table: str,
    what: str,
    key: Key,
    expression: str,
    condition: str,
    values: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> bool:
    """Update an item if a condition holds; whether it did.

    Raises:
        DependencyError: If DynamoDB failed.
    """
    more: dict[str, Any] = {"ExpressionAttributeNames": dict(names)} if names else {}
    if values:
        more["ExpressionAttributeValues"] = codec.dump_item(values)
    try:
        request(
            client.update_item,
            what,
            TableName=table,
            Key=wire_key(key),
            UpdateExpression=expression,
            ConditionExpression=condition,
            **more,
        )
    except ClientError as exc:
        if exc.response["Error"]["Code"] != CONDITION_FAILED:
            raise DependencyError("dynamodb", f"{what}: {exc.response['Error']['Code']}") from exc
        return False
    return True


def failed_item(exc: ClientError) -> dict[str, Any] | None:
    """The item a condition failed on, if DynamoDB sent it; ``None`` when there is no such item."""
    item: Any = exc.response.get("Item")
    return codec.load_item(item) if item else None


def doc_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object in an item's ``doc``.

    Raises:
        ConfigError: If it is none.
    """
    raw = item.get("doc")
    try:
        doc = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        doc = None
    if not isinstance(doc, dict):
        raise ConfigError(f"item {item.get('pk')!r} {item.get('sk')!r}: its doc is not a JSON object")
    return doc
