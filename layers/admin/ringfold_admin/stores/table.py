"""The table as administrators' resources use it: whole items with a revision, changed in transactions.

| item | pk | sk |
|---|---|---|
| a resource | its own key, see the stores | ``META`` |
| its place in a list | ``LIST#{kind}#{scope}`` | the resource's id |
| a change of it | ``AUDIT#{scope}`` | ``{time}#{audit id}`` |

A resource stands in the list of its owner (an organization, or ``platform``) and in the list ``all``. Its places, its
audit entry and the resource itself are written in one transaction: a list never shows what is not there, and nothing
is changed without an entry. Reads are consistent, so what was made a moment ago is seen.

``revision`` counts the changes of a resource; it is the ETag, and every write is conditional on the one that was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from ringfold.adapters import codec
from ringfold.adapters.items import Key, get_many, request, wire_key
from ringfold.errors import ConflictError, DependencyError

Item = dict[str, Any]
ALL: Final = "all"
PLATFORM: Final = "platform"
MOST_KEYS: Final = 100
"""As many keys as BatchGetItem takes."""
_TRIES: Final = 4


class Taken(ConflictError):
    """Something with this key is there already.

    Attributes:
        key: Which of the writes met it.
    """

    def __init__(self, key: Key) -> None:
        super().__init__(f"{key[0]} {key[1]} is there already")
        self.key = key


class Outdated(ConflictError):
    """The item is not the one that was read: it was changed, or is gone."""


@dataclass(frozen=True)
class Write:
    """One action of a transaction.

    Attributes:
        item: What to put, or only the key to delete or to check.
        revision: The revision that must be stored; 0: nothing may be stored; ``None``: whatever is stored.
        must: Attributes that must have these values (``None``: be absent).
    """

    item: Item
    revision: int | None = None
    act: Literal["put", "delete", "check"] = "put"
    must: Mapping[str, Any] | None = None

    @property
    def key(self) -> Key:
        """The item's key."""
        return self.item["pk"], self.item["sk"]


class Table:
    """Reads and writes through a botocore ``dynamodb`` client."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.client = client
        self.name = name

    def get(self, key: Key) -> Item | None:
        """One item, consistently."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Items by their keys; what is absent is left out."""
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        for start in range(0, len(wanted), MOST_KEYS):
            found |= get_many(self._client, self.name, wanted[start : start + MOST_KEYS], "read")
        return found

    def page(
        self, pk: str, *, limit: int, after: str = "", prefix: str = "", newest_first: bool = False
    ) -> tuple[list[Item], str]:
        """One page of a partition, in the order of its sort keys.

        Args:
            pk: The partition.
            limit: As many items at most.
            after: The sort key the page before ended with; ``""`` for the first page.
            prefix: Only sort keys that begin with it.
            newest_first: Backwards.

        Returns:
            The items, and the sort key to go on from; ``""`` when there is no more.
        """
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)" if prefix else "pk = :pk",
            "ExpressionAttributeValues": codec.dump_item({":pk": pk, **({":prefix": prefix} if prefix else {})}),
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
            "Limit": limit + 1,
        }
        if after:
            arguments["ExclusiveStartKey"] = wire_key((pk, after))
        answer = request(self._client.query, "list", **arguments)
        items = [codec.load_item(item) for item in answer.get("Items", [])]
        more = len(items) > limit or "LastEvaluatedKey" in answer
        items = items[:limit]
        return items, str(items[-1]["sk"]) if more and items else ""

    def span(self, pk: str, since_ms: int, until_ms: int | None, limit: int, after: str) -> tuple[list[Item], bool]:
        """Items of a partition whose sort keys begin with a time between two, the newest first.

        Args:
            pk: The partition.
            since_ms: Not older, epoch ms.
            until_ms: Not newer; ``None`` for no end.
            limit: As many at most.
            after: The sort key to go on behind; ``""`` for the first.

        Returns:
            The items, and whether there may be more.
        """
        since_ms = max(since_ms, 0)
        if until_ms is not None and until_ms < since_ms:
            return [], False
        low, high = f"{since_ms:013d}", f"{until_ms:013d}~" if until_ms is not None else "9~"
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": codec.dump_item({":pk": pk, ":low": low, ":high": high}),
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after:
            arguments["ExclusiveStartKey"] = wire_key((pk, after))
        answer = request(self._client.query, "list", **arguments)
        return [codec.load_item(item) for item in answer.get("Items", [])], "LastEvaluatedKey" in answer

    def put(self, item: Item) -> None:
        """Put an item, whatever was there."""
        request(self._client.put_item, "put", TableName=self.name, Item=codec.dump_item(item))

    def write(self, writes: Sequence[Write]) -> None:
        """Write all or nothing.

        Raises:
            Taken: If something is there that may not be.
            Outdated: If an item is not the one that was read.
            ConflictError: If other transactions were in the way again and again.
            DependencyError: If DynamoDB failed.
        """
        actions = [self._action(write) for write in writes]
        for _ in range(_TRIES):
            try:
                request(self._client.transact_write_items, "write", TransactItems=actions)
            except ClientError as exc:
                reasons: list[Any] = list(exc.response.get("CancellationReasons", []))
                codes = [str(reason.get("Code")) for reason in reasons]
                for write, code in zip(writes, codes, strict=False):
                    if code == "ConditionalCheckFailed":
                        raise (Taken(write.key) if write.revision == 0 else Outdated(write.key[0])) from exc
                if "TransactionConflict" not in codes:
                    raise DependencyError("dynamodb", f"write: {codes or exc.response['Error']['Code']}") from exc
            else:
                return
        raise ConflictError("write: other transactions were in the way")

    def actions(self, writes: Sequence[Write]) -> list[dict[str, Any]]:
        """Writes as actions of a transaction, for an adapter that has others of its own in it."""
        return [self._action(write) for write in writes]

    def _action(self, write: Write) -> dict[str, Any]:
        conditions, names, values = [], {}, {}
        if write.revision == 0:
            conditions.append("attribute_not_exists(pk)")
        elif write.revision is not None:
            conditions.append("revision = :revision")
            values[":revision"] = write.revision
        for i, (name, value) in enumerate((write.must or {}).items()):
            names[f"#m{i}"] = name
            if value is None:
                conditions.append(f"attribute_not_exists(#m{i})")
            else:
                conditions.append(f"#m{i} = :m{i}")
                values[f":m{i}"] = value
        about: dict[str, Any] = {"TableName": self.name}
        if conditions:
            about["ConditionExpression"] = " AND ".join(conditions)
        if names:
            about["ExpressionAttributeNames"] = names
        if values:
            about["ExpressionAttributeValues"] = codec.dump_item(values)
        if write.act == "delete":
            return {"Delete": {**about, "Key": wire_key(write.key)}}
        if write.act == "check":
            return {"ConditionCheck": {**about, "Key": wire_key(write.key)}}
        return {"Put": {**about, "Item": codec.dump_item(write.item)}}


def list_pk(kind: str, scope: str) -> str:
    """The partition of a list.

    Args:
        kind: ``accounts``, ``numbers``, ``agents`` or ``organizations``.
        scope: ``all``, ``platform`` or an organization's id.
    """
    return f"LIST#{kind}#{scope}"


def places(kind: str, owner: str | None, resource_id: str, **attributes: Any) -> list[Write]:
    """A resource's places in lists: its owner's and everybody's.

    Args:
        kind: See :func:`list_pk`.
        owner: An organization; ``None`` for the platform.
        resource_id: The resource's id, which the list is sorted by.
        attributes: What it takes to find the resource itself.
    """
    scopes = (ALL, owner or PLATFORM)
    return [Write({"pk": list_pk(kind, scope), "sk": resource_id, **attributes}) for scope in scopes]


def check(key: Key, **must: Any) -> Write:
    """Write only if an item is there, with these attributes (``None``: absent)."""
    return Write({"pk": key[0], "sk": key[1]}, act="check", must={"pk": key[0], **must})


def without(writes: Iterable[Write]) -> list[Write]:
    """The same items, deleted."""
    return [Write({"pk": write.item["pk"], "sk": write.item["sk"]}, act="delete") for write in writes]
