from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scripts.deployment.findings import Stop
from scripts.deployment.stacks import Stack, delete_stack, find_stack, reasons, retained
from tests.scripts.deployment.stubs import stubbed

NOW = datetime(2026, 11, 26, 5, tzinfo=UTC)
NAME = "ringfold-dev"
ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/ringfold-dev/1"


def event(logical_id: str, status: str, why: str = "", at: datetime = NOW) -> dict[str, Any]:
    return {
        "StackId": ID,
        "EventId": f"{logical_id}-{status}",
        "StackName": NAME,
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::DynamoDB::Table",
        "Timestamp": at,
        "ResourceStatus": status,
        "ResourceStatusReason": why,
    }


def resource(logical_id: str, status: str, kind: str = "AWS::DynamoDB::Table") -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": f"{NAME}-{logical_id}-1",
        "ResourceType": kind,
        "LastUpdatedTimestamp": NOW,
        "ResourceStatus": status,
    }


def described(status: str) -> dict[str, Any]:
    return {"Stacks": [{"StackName": NAME, "StackId": ID, "StackStatus": status, "CreationTime": NOW}]}


def test_the_cause_of_a_failure_is_told_first() -> None:
    """Of this deployment only, and not what was cancelled for it."""
    cloud, stubber = stubbed("cloudformation")
    events = [
        event("Function", "CREATE_FAILED", "Resource creation cancelled"),
        event("Role", "CREATE_FAILED", "second"),
        event("Table", "CREATE_FAILED", "limit exceeded"),
        event("Table", "CREATE_IN_PROGRESS"),
        event("Old", "UPDATE_FAILED", "last week", NOW - timedelta(days=7)),
    ]
    stubber.add_response("describe_stack_events", {"StackEvents": events}, {"StackName": NAME})

    found = reasons(cloud, NAME, NOW - timedelta(minutes=5))

    assert ["Table (AWS::DynamoDB::Table): limit exceeded", "Role (AWS::DynamoDB::Table): second"] == found


def test_a_failure_without_a_stack_has_no_reasons() -> None:
    """Then SAM has said what there is to say."""
    cloud, stubber = stubbed("cloudformation")
    stubber.add_client_error("describe_stack_events", "ValidationError", "Stack [ringfold-dev] does not exist")

    assert [] == reasons(cloud, NAME, NOW)


def test_what_the_last_deleted_stack_has_left_is_known() -> None:
    """CloudFormation remembers for ninety days what it was told to keep; older stacks' is somebody's business."""
    cloud, stubber = stubbed("cloudformation")
    summaries = [
        {
            "StackName": NAME,
            "StackId": f"{ID}-{n}",
            "StackStatus": "DELETE_COMPLETE",
            "CreationTime": NOW,
            "DeletionTime": at,
        }
        for n, at in enumerate([NOW - timedelta(days=30), NOW])
    ] + [{"StackName": "other", "StackStatus": "DELETE_COMPLETE", "CreationTime": NOW + timedelta(days=1)}]
    listed = [resource("Table", "DELETE_SKIPPED"), resource("Queue", "DELETE_COMPLETE", "AWS::SQS::Queue")]
    stubber.add_response("list_stacks", {"StackSummaries": summaries}, {"StackStatusFilter": ["DELETE_COMPLETE"]})
    stubber.add_response("list_stack_resources", {"StackResourceSummaries": listed}, {"StackName": f"{ID}-1"})

    assert {"Table": ("AWS::DynamoDB::Table", "ringfold-dev-Table-1")} == retained(cloud, NAME)


def test_a_stack_that_never_was_has_left_nothing() -> None:
    """No list is asked for."""
    cloud, stubber = stubbed("cloudformation")
    stubber.add_response("list_stacks", {"StackSummaries": []})

    assert {} == retained(cloud, NAME)


def test_a_stack_is_found_with_its_outputs_and_resources() -> None:
    """One that was deleted is not there."""
    cloud, stubber = stubbed("cloudformation")
    there = described("CREATE_COMPLETE")
    there["Stacks"][0]["Outputs"] = [{"OutputKey": "PublicBaseUrl", "OutputValue": "https://x.example"}]
    stubber.add_response("describe_stacks", there, {"StackName": NAME})
    stubber.add_response(
        "list_stack_resources", {"StackResourceSummaries": [resource("Table", "CREATE_COMPLETE")]}, {"StackName": NAME}
    )
    stubber.add_response("describe_stacks", described("DELETE_COMPLETE"))
    stubber.add_client_error("describe_stacks", "ValidationError", f"Stack with id {NAME} does not exist")

    found = find_stack(cloud, NAME)

    resources = {"Table": ("AWS::DynamoDB::Table", "ringfold-dev-Table-1")}
    assert Stack(NAME, ID, "CREATE_COMPLETE", {"PublicBaseUrl": "https://x.example"}, resources) == found
    assert ["ringfold-dev-Table-1"] == found.of_type("AWS::DynamoDB::Table")
    assert [None, None] == [find_stack(cloud, NAME), find_stack(cloud, NAME)]


def test_a_stack_that_cannot_be_asked_for_is_a_stop() -> None:
    """That is not the same as none."""
    cloud, stubber = stubbed("cloudformation")
    stubber.add_client_error("describe_stacks", "AccessDenied", "not authorized to perform")

    with pytest.raises(Stop, match="Looking at the stack"):
        find_stack(cloud, NAME)


def test_a_stack_that_does_not_go_says_what_holds_it() -> None:
    """CloudFormation's own reason."""
    cloud, stubber = stubbed("cloudformation")
    stack = Stack(NAME, ID, "CREATE_COMPLETE")
    stubber.add_response("delete_stack", {}, {"StackName": NAME})
    stubber.add_response("describe_stacks", described("DELETE_FAILED"), {"StackName": ID})
    stubber.add_response("describe_stacks", described("DELETE_FAILED"))
    stubber.add_response("list_stack_resources", {"StackResourceSummaries": []})
    stubber.add_response("describe_stacks", described("DELETE_FAILED"))
    stubber.add_response(
        "describe_stack_events", {"StackEvents": [event("Pool", "DELETE_FAILED", "it is protected")]}, {"StackName": ID}
    )

    with pytest.raises(Stop, match=r"DELETE_FAILED.* Pool .*it is protected"):
        delete_stack(cloud, stack, delay_s=0)
