"""What is deployed: asserted on the template as SAM expands it, because that is what CloudFormation makes."""

import graphlib
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from ringfold import config
from tests.template.conftest import ROOT, Template
from tests.template.shapes import as_list, names_in, needs_of, resources_of, statements_of, text_of

FUNCTIONS = {"IncomingFunction", "RelayConnectFunction", "RelayMessageFunction", "RelayWatchdogFunction"}

# A star is allowed where AWS gives names below a prefix of ours, or where it asks for one.
ALLOWED_STARS = (
    re.compile(r":secret:/ringfold/\$\{Stage\}/accounts/\*$"),
    re.compile(r":\$\{RelayApi\}/\$\{Stage\}/\*/@connections/\*$"),
    re.compile(r"^arn:aws:bedrock:\*::foundation-model/[^*]+$"),
)


def test_cloudformation_meets_no_circle(expanded: Template) -> None:
    """The resources can be made one after the other: no circle through the functions' environment."""
    order = list(graphlib.TopologicalSorter(needs_of(expanded)).static_order())

    assert set(expanded["Resources"]) == set(order)


def test_every_reference_leads_somewhere(expanded: Template) -> None:
    """Whatever is referred to is a resource, a parameter or one of CloudFormation's own names."""
    known = set(expanded["Resources"]) | set(expanded["Parameters"])
    made_in_place = {"AuthArn", "FunctionArn", "__StageName__", "__ApiId__", "__Stage__"}

    unknown = {
        name
        for part in ("Resources", "Outputs", "Conditions")
        for name in names_in(expanded[part])
        if name not in known | made_in_place and not name.startswith("AWS::")
    }

    assert set() == unknown


def test_every_function_runs_from_a_snapshot_of_its_live_alias(expanded: Template) -> None:
    """All four functions are python3.13 on arm64, with SnapStart, and published under the alias `live`."""
    functions = resources_of(expanded, "AWS::Lambda::Function")
    aliases = resources_of(expanded, "AWS::Lambda::Alias")

    assert set(functions) == FUNCTIONS
    assert {(name, "live") for name in FUNCTIONS} == {
        (alias["FunctionName"]["Ref"], alias["Name"]) for alias in aliases.values()
    }
    for properties in functions.values():
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]
        assert properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_everything_invokes_the_alias(expanded: Template) -> None:
    """Routes, the authorizer and the queue invoke the alias; $LATEST would run without the snapshot."""
    invokers = {
        "AWS::ApiGatewayV2::Integration": "IntegrationUri",
        "AWS::ApiGatewayV2::Authorizer": "AuthorizerUri",
        "AWS::Lambda::EventSourceMapping": "FunctionName",
        "AWS::Lambda::Permission": "FunctionName",
        "AWS::Lambda::EventInvokeConfig": "FunctionName",
    }

    for kind, key in invokers.items():
        for name, properties in resources_of(expanded, kind).items():
            named = {each for each in names_in(properties[key]) if each in expanded["Resources"]}
            by_alias = bool(named) and all(each.endswith("Aliaslive") for each in named)
            assert by_alias or properties.get("Qualifier") == "live", f"{name} invokes {named}"


def test_every_function_has_a_log_group_with_retention(expanded: Template) -> None:
    """Each function writes JSON into a log group of its own name that forgets in time."""
    groups = resources_of(expanded, "AWS::Logs::LogGroup")

    for name, properties in resources_of(expanded, "AWS::Lambda::Function").items():
        logging = properties["LoggingConfig"]
        group = groups[logging["LogGroup"]["Ref"]]
        assert group["LogGroupName"]["Fn::Sub"] == f"/aws/lambda/{properties['FunctionName']['Fn::Sub']}", name
        assert logging["LogFormat"] == "JSON"
    for name, group in groups.items():
        assert "RetentionInDays" in group, name


@pytest.mark.accept("A6")
def test_no_permission_is_wider_than_its_need(expanded: Template) -> None:
    """No statement has a star, except below a prefix of ours and for the region of Bedrock's models."""
    statements = list(statements_of(expanded))
    defaults = {name: each["Default"] for name, each in expanded["Parameters"].items() if "Default" in each}

    for role, statement in statements:
        where = f"{role} {statement['Sid']}"
        assert all("*" not in action for action in as_list(statement["Action"])), where
        for resource in as_list(statement["Resource"]):
            values = defaults[resource["Ref"]].split(",") if resource.get("Ref") in defaults else [resource]
            for value in values:
                arn = value.get("Fn::Sub", "") if isinstance(value, Mapping) else value
                assert "*" not in arn or any(star.search(arn) for star in ALLOWED_STARS), f"{where}: {arn}"
    assert len(statements) > 10


def test_managed_policies_are_lambdas_own(expanded: Template) -> None:
    """Beside our statements stand only AWS's policies for writing logs and for reading a queue."""
    attached = {
        re.sub(r"^.*/", "", text_of(policy).strip('"}'))
        for role in resources_of(expanded, "AWS::IAM::Role").values()
        for policy in role.get("ManagedPolicyArns", [])
    }

    assert attached == {
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaSQSQueueExecutionRole",
        "AmazonAPIGatewayPushToCloudWatchLogs",
    }


@pytest.mark.accept("A6")
def test_only_the_two_that_verify_signatures_read_secrets(expanded: Template) -> None:
    """The functions that think and speak cannot read an account's credentials."""
    readers = {role for role, each in statements_of(expanded) if "secretsmanager" in text_of(each["Action"])}

    assert readers == {"IncomingFunctionRole", "RelayConnectFunctionRole"}


@pytest.mark.accept("A6")
def test_no_secret_stands_in_template_or_environment(expanded: Template) -> None:
    """The relay's key is made by AWS, and the environment holds its ARN only."""
    secrets = resources_of(expanded, "AWS::SecretsManager::Secret")

    assert all("GenerateSecretString" in each and "SecretString" not in each for each in secrets.values())
    for function in resources_of(expanded, "AWS::Lambda::Function").values():
        suspects = [name for name in function["Environment"]["Variables"] if re.search(r"TOKEN|KEY|SECRET", name)]
        assert suspects == ["RELAY_TOKEN_SECRET_ARN", "SECRET_PREFIX"]


def test_environment_and_settings_agree(expanded: Template) -> None:
    """Every setting that config.py reads is in every function's environment, and nothing else is."""
    for name, function in resources_of(expanded, "AWS::Lambda::Function").items():
        assert set(config.NAMES) == set(function["Environment"]["Variables"]), name


def test_http_routes_are_those_of_the_design(expanded: Template) -> None:
    """Exactly Twilio's voice webhooks are reachable, by GET and POST."""
    paths = ("/api/voice/incoming", "/api/voice/status", "/api/voice/action/{conversation_id}")
    routes = resources_of(expanded, "AWS::ApiGatewayV2::Route").values()

    http = {route["RouteKey"] for route in routes if route["ApiId"] == {"Ref": "HttpApi"}}

    assert {f"{method} {path}" for method in ("GET", "POST") for path in paths} == http


@pytest.mark.accept("G6")
def test_a_relay_link_is_admitted_by_the_authorizer_only(expanded: Template) -> None:
    """The WebSocket API has three routes, and $connect asks the authorizer, which asks for a token."""
    routes = {
        route["RouteKey"]: route
        for route in resources_of(expanded, "AWS::ApiGatewayV2::Route").values()
        if route["ApiId"] == {"Ref": "RelayApi"}
    }
    authorizers = resources_of(expanded, "AWS::ApiGatewayV2::Authorizer")

    assert set(routes) == {"$connect", "$disconnect", "$default"}
    assert routes["$connect"]["AuthorizationType"] == "CUSTOM"
    assert authorizers[routes["$connect"]["AuthorizerId"]["Ref"]]["IdentitySource"] == [
        "route.request.querystring.token"
    ]


def test_no_answer_of_ours_travels_as_a_frame(expanded: Template) -> None:
    """There are no route responses: what a handler returns must never reach Twilio."""
    kinds = {resource["Type"] for resource in expanded["Resources"].values()}
    routes = resources_of(expanded, "AWS::ApiGatewayV2::Route").values()

    assert not kinds & {"AWS::ApiGatewayV2::RouteResponse", "AWS::ApiGatewayV2::IntegrationResponse"}
    assert [] == [route["RouteKey"] for route in routes if route.get("RouteResponseSelectionExpression")]


def test_access_logs_carry_no_speech(expanded: Template) -> None:
    """Access logs are JSON lines of ids and outcomes; bodies, queries and data traces are off."""
    stages = resources_of(expanded, "AWS::ApiGatewayV2::Stage")

    assert len(stages) == 2
    for stage in stages.values():
        line = stage["AccessLogSettings"]["Format"]
        assert "$context.requestId" in json.loads(line).values()
        assert not re.search(r"\$input|\$request|body|querystring|\$context\.authorizer\.(?!error)", line)
        assert not stage.get("DefaultRouteSettings", {}).get("DataTraceEnabled")


def test_time_limits_fit_into_each_other(expanded: Template) -> None:
    """An asynchronous turn outlives a frame, is never retried, and the queue waits six times a watchdog's life."""
    functions = resources_of(expanded, "AWS::Lambda::Function")
    integrations = resources_of(expanded, "AWS::ApiGatewayV2::Integration")
    invocations = resources_of(expanded, "AWS::Lambda::EventInvokeConfig")
    queues = resources_of(expanded, "AWS::SQS::Queue")

    assert all(each["TimeoutInMillis"] <= 29_000 for each in integrations.values())
    assert functions["RelayMessageFunction"]["Timeout"] > 29
    assert [(0, 60)] == [
        (each["MaximumRetryAttempts"], each["MaximumEventAgeInSeconds"]) for each in invocations.values()
    ]
    assert queues["WatchdogQueue"]["VisibilityTimeout"] >= 6 * functions["RelayWatchdogFunction"]["Timeout"]


def test_failed_watchdog_messages_are_kept_and_noticed(expanded: Template) -> None:
    """A message that fails twice goes to the dead letters, and an alarm looks at them."""
    queue = resources_of(expanded, "AWS::SQS::Queue")["WatchdogQueue"]
    mapping = resources_of(expanded, "AWS::Lambda::EventSourceMapping")["RelayWatchdogFunctionLooks"]
    alarms = resources_of(expanded, "AWS::CloudWatch::Alarm").values()

    assert names_in(queue["RedrivePolicy"]["deadLetterTargetArn"]) == {"WatchdogDeadLetters"}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert any("WatchdogDeadLetters" in names_in(alarm["Dimensions"]) for alarm in alarms)


def test_every_way_to_fail_has_an_alarm(expanded: Template) -> None:
    """Alarms look at each function's errors and at both kinds of foreign frame."""
    alarms = resources_of(expanded, "AWS::CloudWatch::Alarm").values()

    watched = {(alarm["MetricName"], *(names_in(alarm["Dimensions"]) - {"Stage"})) for alarm in alarms}

    assert {("Errors", name) for name in FUNCTIONS} <= watched
    assert {("IntegrationError", "RelayApi"), ("ExecutionError", "RelayApi")} <= watched


def test_what_a_caller_said_survives_a_deleted_stack(expanded: Template) -> None:
    """Tables are kept when the stack goes, and can be restored to any minute."""
    for name in resources_of(expanded, "AWS::DynamoDB::Table"):
        table = expanded["Resources"][name]
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
        assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_each_stage_can_be_deployed(stage: str, template: Template) -> None:
    """samconfig.toml has all three stages, each with a stack of its own and parameters that exist."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())[stage]["deploy"]["parameters"]
    parameters = dict(each.split("=", 1) for each in settings["parameter_overrides"])

    assert settings["stack_name"] == f"ringfold-{stage}"
    assert parameters["Stage"] == stage
    assert set(parameters) <= set(template["Parameters"])
