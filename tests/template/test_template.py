"""What is deployed: asserted on the template as SAM expands it, because that is what CloudFormation makes."""

import graphlib
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from ringfold import config
from ringfold_admin.principal import SCOPES, Role
from tests.template.conftest import ROOT, Template
from tests.template.shapes import as_list, names_in, needs_of, resources_of, statements_of, text_of

ON_A_CALL = {"IncomingFunction", "RelayConnectFunction", "RelayMessageFunction", "RelayWatchdogFunction"}
SNAPPED = ON_A_CALL | {
    "ProvisionFunction",
    "SmsWebhookFunction",
    "OutboxFunction",
    "SmsReplyFunction",
    "InsightsFunction",
}
FUNCTIONS = SNAPPED | {"TokenClaimsFunction"}

# A star is allowed where AWS gives names below a prefix of ours, or where it asks for one.
ALLOWED_STARS = (
    re.compile(r":secret:/ringfold/\$\{Stage\}/(?:accounts|tools)/\*$"),
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
    """All functions are python3.13 on arm64 and published as `live`; all but the tiny one start from a snapshot."""
    functions = resources_of(expanded, "AWS::Lambda::Function")
    aliases = resources_of(expanded, "AWS::Lambda::Alias")

    assert expanded["Parameters"]["SnapStart"]["Default"] == "PublishedVersions"
    assert set(functions) == FUNCTIONS
    assert {(name, "live") for name in FUNCTIONS} == {
        (alias["FunctionName"]["Ref"], alias["Name"]) for alias in aliases.values()
    }
    for name, properties in functions.items():
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]
        assert properties.get("SnapStart") == ({"ApplyOn": {"Ref": "SnapStart"}} if name in SNAPPED else None)


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
            if properties.get("AuthorizerType") == "JWT":
                continue  # it invokes nothing
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
        where = f"{role} {statement.get('Sid', 'SAM wrote it')}"
        assert all("*" not in action for action in as_list(statement["Action"])), where
        for resource in as_list(statement["Resource"]):
            values = defaults[resource["Ref"]].split(",") if resource.get("Ref") in defaults else [resource]
            for value in values:
                arn = value.get("Fn::Sub", "") if isinstance(value, Mapping) else value
                assert "*" not in arn or any(star.search(arn) for star in ALLOWED_STARS), f"{where}: {arn}"
    assert len(statements) > 10


def test_managed_policies_are_lambdas_own(expanded: Template) -> None:
    """Beside our statements stand only AWS's policies for writing logs and for reading a queue or a stream."""
    attached = {
        re.sub(r"^.*/", "", text_of(policy).strip('"}'))
        for role in resources_of(expanded, "AWS::IAM::Role").values()
        for policy in role.get("ManagedPolicyArns", [])
    }

    assert attached == {
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaDynamoDBExecutionRole",
        "AWSLambdaSQSQueueExecutionRole",
        "AmazonAPIGatewayPushToCloudWatchLogs",
    }


@pytest.mark.accept("A6", "A16")
def test_a_function_reads_only_the_secrets_it_needs(expanded: Template) -> None:
    """Who verifies signatures, sends texts or administers; what speaks reads the secrets of own tools only."""
    readers = {
        role for role, each in statements_of(expanded) if re.search("secretsmanager|kms", text_of(each["Action"]))
    }
    writers = {role for role, each in statements_of(expanded) if re.search("(Create|Put|Delete)Secret", text_of(each))}
    read = {text_of(each["Resource"]) for _, each in statements_of(expanded) if "GetSecretValue" in text_of(each)}

    texting = {"SmsWebhookFunctionRole", "SmsReplyFunctionRole"}
    speaking = {"RelayMessageFunctionRole", "RelayWatchdogFunctionRole"}
    of_tools = [
        (role, "secret:/ringfold/${Stage}/tools/*" in text_of(each["Resource"]))
        for role, each in statements_of(expanded)
        if role in speaking and "secretsmanager" in text_of(each["Action"])
    ]

    assert {(role, True) for role in speaking} == set(of_tools)
    assert readers == {"IncomingFunctionRole", "RelayConnectFunctionRole", "ProvisionFunctionRole", *speaking, *texting}
    assert writers == {"ProvisionFunctionRole"}
    known = ("secret:/ringfold/${Stage}/accounts/*", "secret:/ringfold/${Stage}/tools/*", "RelayTokenSecret")
    assert all(any(name in each for name in known) for each in read)
    assert "Policies" not in expanded["Resources"]["TokenClaimsFunctionRole"]["Properties"]


@pytest.mark.accept("B5")
def test_secrets_are_encrypted_with_the_key_of_the_stack(expanded: Template) -> None:
    """The stack's secret and those the API makes use a key that rotates, and only through Secrets Manager."""
    key = expanded["Resources"]["SecretsKmsKey"]
    uses = [each for _, each in statements_of(expanded) if "kms:" in text_of(each["Action"])]
    provision = resources_of(expanded, "AWS::Lambda::Function")["ProvisionFunction"]["Environment"]["Variables"]

    assert expanded["Parameters"]["SecretsKey"]["Default"] == "stack"
    assert key["Properties"]["EnableKeyRotation"]
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"
    for secret in resources_of(expanded, "AWS::SecretsManager::Secret").values():
        assert names_in(secret["KmsKeyId"]["Fn::If"][1]) == {"SecretsKmsKey"}
    assert names_in(provision["SECRETS_KEY_ID"]["Fn::If"][1]) == {"SecretsKmsKey"}
    assert len(uses) == 7
    for each in uses:
        assert names_in(each["Resource"]) == {"SecretsKmsKey"}
        assert list(each["Condition"]["StringEquals"]) == ["kms:ViaService"]


@pytest.mark.accept("A8")
def test_every_stage_finds_credentials_by_the_same_rule(expanded: Template) -> None:
    """A stage differs from another, and from the local run, in the prefix of its secrets only."""
    for name, function in resources_of(expanded, "AWS::Lambda::Function").items():
        if name in SNAPPED:
            assert function["Environment"]["Variables"]["SECRET_PREFIX"] == {"Fn::Sub": "/ringfold/${Stage}/"}


@pytest.mark.accept("A6")
def test_no_secret_stands_in_template_or_environment(expanded: Template) -> None:
    """The relay's key is made by AWS, and the environment holds its ARN only."""
    secrets = resources_of(expanded, "AWS::SecretsManager::Secret")

    assert all("GenerateSecretString" in each and "SecretString" not in each for each in secrets.values())
    for function in resources_of(expanded, "AWS::Lambda::Function").values():
        variables = function.get("Environment", {"Variables": {}})["Variables"]
        suspects = {name for name in variables if re.search(r"TOKEN|KEY|SECRET", name)}
        assert suspects <= {"RELAY_TOKEN_SECRET_ARN", "SECRET_PREFIX", "SECRETS_KEY_ID"}


def test_environment_and_settings_agree(expanded: Template) -> None:
    """A function is told what config.py reads and nothing else; what only administration needs, only that is told."""
    for name, function in resources_of(expanded, "AWS::Lambda::Function").items():
        told = set(function.get("Environment", {"Variables": {}})["Variables"])
        texting, idle, insights = {"OUTBOX_TABLE_NAME", "REPLY_QUEUE_URL"}, "MEMORY_IDLE_S", "INSIGHTS_QUEUE_URL"
        wanted = {
            "TokenClaimsFunction": set(),
            "IncomingFunction": {*config.NAMES, insights},
            "ProvisionFunction": {*config.NAMES, *config.OPTIONAL} - texting - {idle},
            "InsightsFunction": {*config.NAMES, *texting, insights},
            "SmsWebhookFunction": {*config.NAMES, *texting},
            "OutboxFunction": {*config.NAMES, *texting},
            "SmsReplyFunction": {*config.NAMES, *texting, idle, insights, "TWILIO_API_BASE_URL"},
        }
        assert wanted.get(name, set(config.NAMES)) == told, name


WEBHOOKS = (
    "/api/voice/incoming",
    "/api/voice/status",
    "/api/voice/action/{conversation_id}",
    "/api/sms/incoming",
    "/api/sms/status",
    "/api/voice/whisper/{conversation_id}",
)


def http_routes(expanded: Template) -> dict[str, Mapping[str, Any]]:
    routes = resources_of(expanded, "AWS::ApiGatewayV2::Route").values()
    return {route["RouteKey"]: route for route in routes if route["ApiId"] == {"Ref": "HttpApi"}}


def test_what_is_open_is_signed_or_public(expanded: Template) -> None:
    """Without a token, exactly Twilio's webhooks and the API's own description are reachable."""
    unguarded = {key for key, route in http_routes(expanded).items() if route.get("AuthorizationType") != "JWT"}

    signed = {f"{method} {path}" for method in ("GET", "POST") for path in WEBHOOKS}
    assert signed | {"GET /api/openapi.json", "GET /api/docs"} == unguarded


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_the_routes_it_may(expanded: Template, role: Role) -> None:
    """Every other path asks the user pool's authorizer: any role may read, an administrator may change."""
    guarded = {key: route for key, route in http_routes(expanded).items() if route.get("AuthorizationType") == "JWT"}

    opened = {key for key, route in guarded.items() if set(route["AuthorizationScopes"]) & set(SCOPES[role])}

    everything = {f"{method} /api/{{proxy+}}" for method in ("GET", "POST", "PATCH", "PUT", "DELETE")}
    assert everything == set(guarded)
    assert ({"GET /api/{proxy+}"} if role is Role.ORGANIZATION_VIEWER else everything) == opened
    assert {"AdminAuthorizer"} == set().union(*(names_in(route["AuthorizerId"]) for route in guarded.values()))


def test_tokens_are_of_this_pool_and_client(expanded: Template) -> None:
    """The authorizer takes tokens of the stack's own pool, made for its own client."""
    authorizer = expanded["Resources"]["AdminAuthorizer"]["Properties"]

    assert authorizer["AuthorizerType"] == "JWT"
    assert "${AdminUserPool}" in authorizer["JwtConfiguration"]["Issuer"]["Fn::Sub"]
    assert authorizer["JwtConfiguration"]["Audience"] == [{"Ref": "AdminClient"}]


def test_nobody_makes_themselves_an_administrator(expanded: Template) -> None:
    """There is no sign-up, no login page that grants scopes, and nobody writes their own organization."""
    pool = expanded["Resources"]["AdminUserPool"]["Properties"]
    client = expanded["Resources"]["AdminClient"]["Properties"]
    groups = {each["GroupName"] for each in resources_of(expanded, "AWS::Cognito::UserPoolGroup").values()}

    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["LambdaConfig"]["PreTokenGenerationConfig"]["LambdaVersion"] == "V2_0"
    assert names_in(pool["LambdaConfig"]["PreTokenGenerationConfig"]["LambdaArn"]) == {"TokenClaimsFunctionAliaslive"}
    assert "custom:organization_id" not in client["WriteAttributes"]
    assert not {"AllowedOAuthFlows", "AllowedOAuthScopes", "AllowedOAuthFlowsUserPoolClient"} & set(client)
    assert "AWS::Cognito::UserPoolDomain" not in {each["Type"] for each in expanded["Resources"].values()}
    assert groups == {role.value for role in Role}


@pytest.mark.accept("C13")
def test_the_fallback_runs_none_of_our_code(expanded: Template) -> None:
    """Every method of the fallback is a MOCK integration, and nothing it needs refers to another part of the stack."""
    api = resources_of(expanded, "AWS::ApiGateway::RestApi")["FallbackApi"]
    parts = {name: each for name, each in needs_of(expanded).items() if name.startswith("FallbackApi")}
    methods = {(path, method): each for path, of in api["Body"]["paths"].items() for method, each in of.items()}

    assert {(path, method) for path in ("/voice", "/message") for method in ("get", "post")} == set(methods)
    assert {each["x-amazon-apigateway-integration"]["type"] for each in methods.values()} == {"mock"}
    assert all(need.startswith("FallbackApi") for needs in parts.values() for need in needs)
    assert names_in(api["Body"]) <= {"FallbackSentence", "FallbackLanguage", "FallbackMessage"}


# What costs nothing while nothing happens: paid by the request, or not at all.
FREE_WHILE_IDLE = {
    "AWS::ApiGateway::Account", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage",
    "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage",
    "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient", "AWS::Cognito::UserPoolGroup",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::IAM::Role", "AWS::KMS::Alias",
    "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion", "AWS::Lambda::Permission", "AWS::SQS::Queue",
}  # fmt: skip
# Storage, secrets and their key; alarms beyond the ten that are free; a version's snapshot while it is used.
PAID_WHILE_IDLE = {
    "AWS::CloudWatch::Alarm", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Lambda::Version", "AWS::Logs::LogGroup",
    "AWS::SecretsManager::Secret",
}  # fmt: skip


@pytest.mark.accept("O5")
def test_an_idle_deployment_costs_storage_and_secrets(expanded: Template) -> None:
    """Nothing is reserved: what is no storage, secret, alarm or snapshot (a parameter) is paid by the request."""
    kinds = {resource["Type"] for resource in expanded["Resources"].values()}
    tables = resources_of(expanded, "AWS::DynamoDB::Table").values()
    aliases = resources_of(expanded, "AWS::Lambda::Alias").values()
    stages = resources_of(expanded, "AWS::ApiGateway::Stage").values()

    assert kinds <= FREE_WHILE_IDLE | PAID_WHILE_IDLE
    assert {table["BillingMode"] for table in tables} == {"PAY_PER_REQUEST"}
    assert not any("ProvisionedConcurrencyConfig" in alias for alias in aliases)
    assert not any(stage.get("CacheClusterEnabled") for stage in stages)


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
    assert queues["PurchaseQueue"]["VisibilityTimeout"] >= 6 * functions["ProvisionFunction"]["Timeout"]
    assert queues["ReplyQueue"]["VisibilityTimeout"] >= 6 * functions["SmsReplyFunction"]["Timeout"]
    assert queues["InsightsQueue"]["VisibilityTimeout"] >= 6 * functions["InsightsFunction"]["Timeout"]
    assert functions["TokenClaimsFunction"]["Timeout"] <= 5  # Cognito waits no longer


@pytest.mark.parametrize(
    ("queue", "letters", "source"),
    [
        ("WatchdogQueue", "WatchdogDeadLetters", "RelayWatchdogFunctionLooks"),
        ("PurchaseQueue", "PurchaseDeadLetters", "ProvisionFunctionPurchases"),
        ("ReplyQueue", "ReplyDeadLetters", "SmsReplyFunctionWaiting"),
        ("InsightsQueue", "InsightsDeadLetters", "InsightsFunctionOver"),
    ],
)
def test_failed_messages_are_kept_and_noticed(expanded: Template, queue: str, letters: str, source: str) -> None:
    """A message that fails again and again goes to the dead letters, and an alarm looks at them."""
    properties = resources_of(expanded, "AWS::SQS::Queue")[queue]
    mapping = resources_of(expanded, "AWS::Lambda::EventSourceMapping")[source]
    alarms = resources_of(expanded, "AWS::CloudWatch::Alarm").values()

    assert names_in(properties["RedrivePolicy"]["deadLetterTargetArn"]) == {letters}
    assert names_in(mapping["EventSourceArn"]) == {queue}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert any(letters in names_in(alarm.get("Dimensions", [])) for alarm in alarms)


def test_every_way_to_fail_has_an_alarm(expanded: Template) -> None:
    """Alarms look at each function's errors, at both kinds of foreign frame, and at the fallback's use and failure."""
    alarms = resources_of(expanded, "AWS::CloudWatch::Alarm").values()

    watched = {(alarm["MetricName"], *(names_in(alarm.get("Dimensions", [])) - {"Stage"})) for alarm in alarms}

    assert {("Errors", name) for name in FUNCTIONS} <= watched
    assert {("IntegrationError", "RelayApi"), ("ExecutionError", "RelayApi")} <= watched
    assert {("TurnsBlind",), ("ForeignSetups",), ("RelayErrors",)} <= watched
    assert {
        (alarm["MetricName"], text_of(alarm["Dimensions"][0]["Value"]))
        for alarm in alarms
        if alarm.get("Dimensions", [{"Name": ""}])[0]["Name"] == "ApiName"
    } == {(metric, '{"Fn::Sub": "ringfold-${Stage}-fallback"}') for metric in ("Count", "5XXError")}


def test_what_a_caller_said_survives_a_deleted_stack(expanded: Template) -> None:
    """Tables are kept when the stack goes, and can be restored to any minute."""
    for name in resources_of(expanded, "AWS::DynamoDB::Table"):
        if name == "OutboxTable":
            continue  # what it names is in the other table
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
