"""The stack: its state, outputs and resources, why it failed, and its removal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError, WaiterError

from scripts.deployment.cloud import Cloud, attempt, text_of
from scripts.deployment.findings import Stop

USABLE: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
"""States in which a stack can be changed."""
DELETED_DELAY_S: Final = 15
MANAGED: Final = "aws-sam-cli-managed-default"
"""SAM's own stack, whose bucket holds what is deployed."""


@dataclass(frozen=True)
class Stack:
    """A stack as it is.

    Attributes:
        resources: Logical id → type and physical id.
    """

    name: str
    id: str
    status: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        """Whether it can be changed."""
        return self.status in USABLE

    @property
    def is_busy(self) -> bool:
        """Whether something is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def of_type(self, kind: str) -> list[str]:
        """Physical ids of the resources of a type."""
        return [physical for each, physical in self.resources.values() if each == kind and physical]


def find_stack(cloud: Cloud, name: str) -> Stack | None:
    """A stack by its name.

    Raises:
        Stop: If AWS cannot be asked.
    """
    cloudformation = cloud.client("cloudformation")
    try:
        found = attempt("Looking at the stack", lambda: cloudformation.describe_stacks(StackName=name)["Stacks"])
    except Stop as stop:
        if "does not exist" in str(stop):
            return None
        raise
    described = found[0]
    if described["StackStatus"] == "DELETE_COMPLETE":
        return None
    listed = attempt(
        "Listing the stack's resources",
        lambda: list(cloud.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=name)),
    )
    return Stack(
        name,
        described["StackId"],
        described["StackStatus"],
        {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs") or ()},
        {each["LogicalResourceId"]: (each["ResourceType"], each.get("PhysicalResourceId", "")) for each in listed},
    )


def reasons(cloud: Cloud, stack_name: str, since: datetime) -> list[str]:
    """Why resources failed, the first one first: it is the cause, the others were cancelled for it."""
    found = []
    try:
        events: list[Any] = list(
            cloud.pages("cloudformation", "describe_stack_events", "StackEvents", StackName=stack_name)
        )
    except ClientError:
        return []
    for event in events:
        why = event.get("ResourceStatusReason") or ""
        if event["Timestamp"] >= since and event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in why:
            found.append(f"{event['LogicalResourceId']} ({event['ResourceType']}): {why}")
    return found[::-1]


def retained(cloud: Cloud, stack_name: str) -> dict[str, tuple[str, str]]:
    """What the last deleted stack of this name has left: logical id → type and physical id."""
    deleted = [
        each
        for each in cloud.pages(
            "cloudformation", "list_stacks", "StackSummaries", StackStatusFilter=["DELETE_COMPLETE"]
        )
        if each["StackName"] == stack_name
    ]
    if not deleted:
        return {}
    last = max(deleted, key=lambda each: each.get("DeletionTime") or each["CreationTime"])
    listed = cloud.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=last["StackId"])
    return {
        each["LogicalResourceId"]: (each["ResourceType"], each.get("PhysicalResourceId", ""))
        for each in listed
        if each["ResourceStatus"] == "DELETE_SKIPPED"
    }


def delete_stack(cloud: Cloud, stack: Stack, *, delay_s: float = DELETED_DELAY_S) -> None:
    """Delete a stack and wait for it.

    Raises:
        Stop: If it cannot be deleted, with what stands in the way.
    """
    cloudformation = cloud.client("cloudformation")
    attempt("Deleting the stack", lambda: cloudformation.delete_stack(StackName=stack.name))
    try:
        settings = {"Delay": delay_s, "MaxAttempts": int(3600 / max(delay_s, 1))}
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack.id, WaiterConfig=settings)
    except WaiterError as exc:
        left = find_stack(cloud, stack.id)
        listed = reasons(cloud, stack.id, datetime.min.replace(tzinfo=_zone(cloud, stack)))
        why = f" {listed[0]}" if listed else f" {text_of(exc)}"
        status = left.status if left else "gone"
        raise Stop(f"The stack {stack.name} is {status}.{why}", "Take away what stands in the way.") from exc


def _zone(cloud: Cloud, stack: Stack) -> Any:
    described = cloud.client("cloudformation").describe_stacks(StackName=stack.id)["Stacks"][0]
    return described["CreationTime"].tzinfo


def managed_bucket(cloud: Cloud) -> str:
    """SAM's bucket in this region; ``""`` when there is none."""
    stack = find_stack(cloud, MANAGED)
    return stack.outputs.get("SourceBucket", "") if stack else ""
