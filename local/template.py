"""What the local run needs of `template.yaml`, typed: the template is the only wiring (design D11).

Reading is pure. Names and addresses that only exist once a service made the resource (a queue's URL, a secret's ARN)
are passed in as `attributes`; without them the values AWS would use stand in. So the supervisor reads twice: once to
know what to create, once more to know what the functions are told.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from local.cloudformation import PSEUDO_PARAMETERS, Resolver, TemplateError, load_yaml
from local.resources import (
    Authorizer,
    Function,
    FunctionRef,
    HttpRoute,
    Integration,
    JwtAuthorizer,
    MockApi,
    MockMethod,
    MockResponse,
    Queue,
    QueueSource,
    RelayApi,
    Secret,
    StreamSource,
    Table,
    Template,
)

__all__ = [
    "Attributes",
    "Authorizer",
    "Function",
    "FunctionRef",
    "HttpRoute",
    "Integration",
    "JwtAuthorizer",
    "MockApi",
    "MockMethod",
    "MockResponse",
    "Queue",
    "QueueSource",
    "RelayApi",
    "Secret",
    "Table",
    "Template",
    "TemplateError",
    "parse_function_ref",
    "read_template",
]

Attributes = Mapping[tuple[str, str], str]
"""`(logical id, "Ref" or attribute name)` to value."""

_FUNCTION_IN_ARN: Final = re.compile(r":function:([A-Za-z0-9_-]+)(?::([A-Za-z0-9_$-]+))?")
_ACCOUNT: Final = PSEUDO_PARAMETERS["AWS::AccountId"]
_REGION: Final = PSEUDO_PARAMETERS["AWS::Region"]
_HTTP_TIMEOUT_S: Final = 30.0
_RELAY_TIMEOUT_S: Final = 29.0


def read_template(
    path: Path, parameters: Mapping[str, str] | None = None, attributes: Attributes | None = None
) -> Template:
    """Read a SAM template.

    Args:
        path: The template; folders in it are relative to it.
        parameters: Values instead of the parameters' defaults.
        attributes: What `Ref` and `Fn::GetAtt` give for resources that exist already.

    Raises:
        TemplateError: If what the local run needs is missing, unknown or contradictory.
    """
    return _Reader(path, parameters or {}, attributes or {}).read()


def parse_function_ref(text: str) -> FunctionRef:
    """Read a function's name, partial ARN or ARN, with or without a qualifier.

    Raises:
        TemplateError: If it is none of these.
    """
    if match := _FUNCTION_IN_ARN.search(text):
        return FunctionRef(match.group(1), match.group(2))
    if match := re.fullmatch(r"([A-Za-z0-9_-]+)(?::([A-Za-z0-9_$-]+))?", text):
        return FunctionRef(match.group(1), match.group(2))
    raise TemplateError(f"{text!r} names no Lambda function")


class _Reader:
    def __init__(self, path: Path, parameters: Mapping[str, str], attributes: Attributes) -> None:
        document = load_yaml(path)
        self._base = path.resolve().parent
        self._globals: Mapping[str, Any] = document.get("Globals") or {}
        self._resources: dict[str, Any] = document.get("Resources") or {}
        self._attributes = attributes
        self._unserved: list[str] = []
        self._resolver = Resolver(document, parameters, self._attribute)
        self._live = {
            name: resource
            for name, resource in self._resources.items()
            if "Condition" not in resource or self._resolver.condition(resource["Condition"])
        }

    def read(self) -> Template:
        functions = {name: self._function(name) for name in self._of("AWS::Serverless::Function")}
        routes: list[HttpRoute] = []
        sources: list[QueueSource] = []
        streams: list[StreamSource] = []
        for function in functions.values():
            self._events(function, routes, sources, streams)
        for name in self._apis("HTTP"):
            routes.extend(self._http_route(each) for each in self._of_api("Route", name))
        sources.extend(self._mapping(name) for name in self._of("AWS::Lambda::EventSourceMapping"))
        return Template(
            parameters=self._resolver.parameters,
            functions=functions,
            http_routes=tuple(routes),
            relay=self._relay(),
            queue_sources=tuple(sources),
            stream_sources=tuple(streams),
            tables=tuple(self._table(name) for name in self._of("AWS::DynamoDB::Table")),
            queues=tuple(self._queue(name) for name in self._of("AWS::SQS::Queue")),
            secrets=tuple(self._secret(name) for name in self._of("AWS::SecretsManager::Secret")),
            fallback=self._fallback(),
            unserved=tuple(self._unserved),
        )

    def _of(self, kind: str) -> list[str]:
        return [name for name, resource in self._live.items() if resource.get("Type") == kind]

    def _get(self, name: str, key: str, default: Any = None) -> Any:
        """One property of a resource, resolved; `Globals` are heeded for functions."""
        properties = self._resources[name].get("Properties") or {}
        own = self._resolver.resolve(properties[key], f"{name}.{key}") if key in properties else None
        resource = self._resources[name]
        heeds = resource["Type"].endswith("::Function") and resource.get("IgnoreGlobals") != "*"
        shared = self._globals.get("Function", {}) if heeds else {}
        general = self._resolver.resolve(shared[key], f"Globals.Function.{key}") if key in shared else None
        return _merge(general, own) if own is not None or general is not None else default

    # --- resources' names and addresses ------------------------------------------------------------------------

    def _attribute(self, logical_id: str, name: str) -> str:
        if (logical_id, name) in self._attributes:
            return self._attributes[logical_id, name]
        kind = str(self._resources[logical_id].get("Type"))
        if kind in {"AWS::Serverless::Function", "AWS::Lambda::Function"}:
            return self._function_attribute(logical_id, name)
        physical = self._name(logical_id)
        known = {
            ("AWS::DynamoDB::Table", "Ref"): physical,
            ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{_REGION}:{_ACCOUNT}:table/{physical}",
            ("AWS::DynamoDB::Table", "StreamArn"): f"arn:aws:dynamodb:{_REGION}:{_ACCOUNT}:table/{physical}/stream/now",
            ("AWS::SQS::Queue", "Ref"): f"https://sqs.{_REGION}.amazonaws.com/{_ACCOUNT}/{physical}",
            ("AWS::SQS::Queue", "QueueUrl"): f"https://sqs.{_REGION}.amazonaws.com/{_ACCOUNT}/{physical}",
            ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:{physical}",
            ("AWS::SQS::Queue", "QueueName"): physical,
            ("AWS::SecretsManager::Secret", "Ref"): f"arn:aws:secretsmanager:{_REGION}:{_ACCOUNT}:secret:{physical}",
            ("AWS::SecretsManager::Secret", "Id"): f"arn:aws:secretsmanager:{_REGION}:{_ACCOUNT}:secret:{physical}",
            ("AWS::KMS::Key", "Arn"): f"arn:aws:kms:{_REGION}:{_ACCOUNT}:key/local-{logical_id}",
            ("AWS::Cognito::UserPool", "Ref"): f"{_REGION}_local",
            ("AWS::Cognito::UserPool", "Arn"): f"arn:aws:cognito-idp:{_REGION}:{_ACCOUNT}:userpool/{_REGION}_local",
        }
        if (kind, name) in known:
            return known[kind, name]
        if name == "Ref":
            return f"local-{logical_id}"
        raise TemplateError(f"the local run does not know {logical_id}.{name} (a {kind}); teach local/template.py")

    def _function_attribute(self, logical_id: str, name: str) -> str:
        physical = self._name(logical_id)
        arn = f"arn:aws:lambda:{_REGION}:{_ACCOUNT}:function:{physical}"
        alias = self._get(logical_id, "AutoPublishAlias") if name in {"Alias", "Version"} else None
        values = {"Ref": physical, "Arn": arn, "Alias": f"{arn}:{alias}", "Version": f"{arn}:1"}
        if name not in values or (name == "Alias" and not alias):
            raise TemplateError(f"{logical_id}.{name}: the function has no such attribute")
        return values[name]

    def _name(self, logical_id: str) -> str:
        kind = str(self._resources[logical_id].get("Type"))
        key = {"Function": "FunctionName", "Table": "TableName", "Queue": "QueueName", "Secret": "Name"}.get(
            kind.rsplit("::", 1)[-1]
        )
        given = self._get(logical_id, key) if key else None
        fifo = kind == "AWS::SQS::Queue" and self._get(logical_id, "FifoQueue")
        suffix = ".fifo" if fifo else ""  # CloudFormation puts it behind a name it makes up, too
        return str(given) if given else f"{PSEUDO_PARAMETERS['AWS::StackName']}-{logical_id}{suffix}"

    # --- functions and what invokes them -----------------------------------------------------------------------

    def _function(self, name: str) -> Function:
        folder = self._folder(name, str(self._get(name, "CodeUri", ".")))
        variables = (self._get(name, "Environment") or {}).get("Variables", {})
        asynchronous = self._get(name, "EventInvokeConfig") or {}
        snap_start = (self._get(name, "SnapStart") or {}).get("ApplyOn") == "PublishedVersions"
        alias = self._get(name, "AutoPublishAlias")
        return Function(
            logical_id=name,
            name=self._name(name),
            folder=folder,
            handler=str(self._get(name, "Handler")),
            environment={key: _as_text(value) for key, value in variables.items()},
            timeout_s=float(self._get(name, "Timeout", 3)),
            memory_mb=int(self._get(name, "MemorySize", 128)),
            layers=tuple(self._layer(name, str(arn)) for arn in self._get(name, "Layers") or []),
            snap_start=snap_start and bool(alias),
            alias=alias,
            retries=int(asynchronous.get("MaximumRetryAttempts", 2)),
            max_event_age_s=int(asynchronous.get("MaximumEventAgeInSeconds", 21_600)),
        )

    def _folder(self, name: str, uri: str) -> Path:
        folder = (self._base / uri).resolve()
        if not folder.is_dir():
            raise TemplateError(f"{name}: its folder {uri} does not exist beside the template")
        return folder

    def _layer(self, name: str, ref: str) -> Path:
        for layer in self._of("AWS::Serverless::LayerVersion"):
            if ref in {self._attribute(layer, "Ref"), layer}:
                return self._folder(layer, str(self._get(layer, "ContentUri")))
        raise TemplateError(f"{name}: layer {ref} is not made in this template; the local run has no other layers")

    def _events(
        self,
        function: Function,
        routes: list[HttpRoute],
        sources: list[QueueSource],
        streams: list[StreamSource],
    ) -> None:
        ref = FunctionRef(function.name, function.alias)
        events = (self._resources[function.logical_id].get("Properties") or {}).get("Events") or {}
        for event_name, event in events.items():
            where = f"{function.logical_id}.Events.{event_name}"
            kind = event["Type"]
            if kind == "HttpApi":
                properties = self._resolver.resolve(event.get("Properties") or {}, where)
                integration = Integration(ref, _seconds(properties.get("TimeoutInMillis"), _HTTP_TIMEOUT_S))
                routes.append(HttpRoute(properties["Method"].upper(), properties["Path"], integration))
            elif kind == "SQS":
                properties = self._resolver.resolve(event.get("Properties") or {}, where)
                sources.append(self._queue_source(str(properties["Queue"]), ref, properties))
            elif kind == "DynamoDB":
                properties = self._resolver.resolve(event.get("Properties") or {}, where)
                streams.append(self._stream_source(str(properties["Stream"]), ref, properties))
            else:
                self._unserved.append(f"{where} ({kind})")

    def _mapping(self, name: str) -> QueueSource:
        where = f"{name}.Properties"
        properties = self._resolver.resolve(self._resources[name]["Properties"], where)
        ref = parse_function_ref(str(properties["FunctionName"]))
        return self._queue_source(str(properties["EventSourceArn"]), ref, properties)

    def _queue_source(self, arn: str, ref: FunctionRef, properties: Mapping[str, Any]) -> QueueSource:
        for queue in self._of("AWS::SQS::Queue"):
            if arn == self._attribute(queue, "Arn"):
                break
        else:
            raise TemplateError(f"event source {arn} is not a queue of this template")
        return QueueSource(
            queue=queue,
            function=ref,
            batch_size=int(properties.get("BatchSize", 10)),
            batch_window_s=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
            partial_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            concurrency=int(properties.get("ScalingConfig", {}).get("MaximumConcurrency", 10)),
        )

    def _stream_source(self, arn: str, ref: FunctionRef, properties: Mapping[str, Any]) -> StreamSource:
        for table in self._of("AWS::DynamoDB::Table"):
            if arn == self._attribute(table, "StreamArn"):
                break
        else:
            raise TemplateError(f"event source {arn} is not the stream of a table of this template")
        return StreamSource(
            table=table,
            function=ref,
            batch_size=int(properties.get("BatchSize", 100)),
            partial_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            key_schema=tuple(self._get(table, "KeySchema")),
        )

    # --- the WebSocket API -------------------------------------------------------------------------------------

    def _relay(self) -> RelayApi | None:
        sam, plain = self._of("AWS::Serverless::WebSocketApi"), self._apis("WEBSOCKET")
        if len(sam) + len(plain) > 1:
            raise TemplateError(f"one WebSocket API was expected, not {', '.join(sam + plain)}")
        if sam:
            return self._sam_relay(sam[0])
        return self._plain_relay(plain[0]) if plain else None

    def _sam_relay(self, name: str) -> RelayApi:
        routes = {
            key: Integration(
                parse_function_ref(str(route["FunctionArn"])),
                _seconds(route.get("IntegrationTimeout"), _RELAY_TIMEOUT_S),
            )
            for key, route in self._get(name, "Routes").items()
        }
        auth = self._get(name, "Auth") or {}
        authorizer = None
        if auth.get("AuthType") == "CUSTOM":
            sources = auth.get("IdentitySource") or []
            authorizer = Authorizer(parse_function_ref(str(auth["AuthArn"])), tuple(sources))
        return RelayApi(name, str(self._get(name, "StageName", "default")), self._selection(name), routes, authorizer)

    def _plain_relay(self, name: str) -> RelayApi:
        authorizer = None
        for each in self._of_api("Authorizer", name):
            sources = self._get(each, "IdentitySource") or []
            authorizer = Authorizer(parse_function_ref(str(self._get(each, "AuthorizerUri"))), tuple(sources))
        stages = self._of_api("Stage", name)
        stage = str(self._get(stages[0], "StageName")) if stages else "default"
        return RelayApi(name, stage, self._selection(name), self._routes(name, _RELAY_TIMEOUT_S), authorizer)

    def _selection(self, name: str) -> str:
        return str(self._get(name, "RouteSelectionExpression", "$request.body.action"))

    def _apis(self, protocol: str) -> list[str]:
        return [name for name in self._of("AWS::ApiGatewayV2::Api") if self._get(name, "ProtocolType") == protocol]

    def _routes(self, api: str, timeout_s: float) -> dict[str, Integration]:
        """The routes of an API that is written as plain resources."""
        found = self._of_api("Route", api)
        return {str(self._get(each, "RouteKey")): self._integration(each, timeout_s) for each in found}

    def _integration(self, route: str, timeout_s: float) -> Integration:
        target = self._named(str(self._get(route, "Target")).removeprefix("integrations/"), route)
        ref = parse_function_ref(str(self._get(target, "IntegrationUri")))
        return Integration(ref, _seconds(self._get(target, "TimeoutInMillis"), timeout_s))

    def _named(self, ref: str, where: str) -> str:
        """The logical id behind a `Ref` that was made up here."""
        logical_id = ref.removeprefix("local-")
        if logical_id not in self._live:
            raise TemplateError(f"{where}: {logical_id} is no resource of this template")
        return logical_id

    # --- the HTTP API and the REST API ---------------------------------------------------------------------------

    def _http_route(self, name: str) -> HttpRoute:
        key, integration = str(self._get(name, "RouteKey")), self._integration(name, _HTTP_TIMEOUT_S)
        method, _, path = key.partition(" ")
        route = HttpRoute(method if path else "ANY", path or key, integration)
        kind = self._get(name, "AuthorizationType", "NONE")
        if kind == "NONE":
            return route
        if kind != "JWT":
            raise TemplateError(f"{name}: the local run knows no authorization {kind}; teach local/authorizer.py")
        scopes = tuple(str(each) for each in self._get(name, "AuthorizationScopes") or [])
        return replace(
            route, authorizer=self._jwt_authorizer(str(self._get(name, "AuthorizerId")), name), scopes=scopes
        )

    def _jwt_authorizer(self, ref: str, where: str) -> JwtAuthorizer:
        name = self._named(ref, where)
        source = self._get(name, "IdentitySource")
        if source != ["$request.header.Authorization"]:
            raise TemplateError(f"{name}: its identity source is {source}; the local run looks into Authorization only")
        configuration = self._get(name, "JwtConfiguration")
        return JwtAuthorizer(str(configuration["Issuer"]), tuple(str(each) for each in configuration["Audience"]))

    def _fallback(self) -> MockApi | None:
        found = self._of("AWS::Serverless::Api")
        if len(found) > 1:
            raise TemplateError(f"one REST API was expected, not {', '.join(found)}")
        if not found:
            return None
        paths = self._get(found[0], "DefinitionBody")["paths"]
        methods = {
            (method.upper(), path): self._mock_method(f"{found[0]} {method.upper()} {path}", operation)
            for path, operations in paths.items()
            for method, operation in operations.items()
        }
        return MockApi(found[0], methods)

    def _mock_method(self, where: str, operation: Mapping[str, Any]) -> MockMethod:
        integration = operation["x-amazon-apigateway-integration"]
        responses = integration["responses"]
        if integration["type"] != "mock" or set(responses) != {"default"}:
            raise TemplateError(f"{where}: the local run serves MOCK integrations with a default response only")
        response = responses["default"]
        prefix = "method.response.header."
        headers = {
            name.removeprefix(prefix): str(value).strip("'")
            for name, value in (response.get("responseParameters") or {}).items()
        }
        (template,) = response["responseTemplates"].values()
        return MockMethod(
            integration["requestTemplates"], MockResponse(int(response["statusCode"]), headers, str(template))
        )

    def _of_api(self, kind: str, api: str) -> list[str]:
        ref = self._attribute(api, "Ref")
        return [name for name in self._of(f"AWS::ApiGatewayV2::{kind}") if self._get(name, "ApiId") == ref]

    # --- tables, queues, secrets -------------------------------------------------------------------------------

    def _table(self, name: str) -> Table:
        create: dict[str, Any] = {"TableName": self._name(name), "BillingMode": "PAY_PER_REQUEST"}
        for key in ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            if (value := self._get(name, key)) is not None:
                create[key] = value
        if stream := self._get(name, "StreamSpecification"):
            create["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
        ttl = self._get(name, "TimeToLiveSpecification") or {}
        attribute = ttl.get("AttributeName") if ttl.get("Enabled") else None
        return Table(name, self._name(name), create, attribute)

    def _queue(self, name: str) -> Queue:
        keys = (
            "VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds", "MaximumMessageSize",
            "ReceiveMessageWaitTimeSeconds", "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope",
            "FifoThroughputLimit",
        )  # fmt: skip
        found = {key: self._get(name, key) for key in keys}
        attributes = {key: _as_text(value) for key, value in found.items() if value is not None}
        redrive = self._get(name, "RedrivePolicy") or {}
        dead_letter = None
        if target := redrive.get("deadLetterTargetArn"):
            dead_letter = next(q for q in self._of("AWS::SQS::Queue") if self._attribute(q, "Arn") == target)
        return Queue(name, self._name(name), attributes, dead_letter, int(redrive.get("maxReceiveCount", 0)))

    def _secret(self, name: str) -> Secret:
        return Secret(name, self._name(name), self._get(name, "SecretString"), self._get(name, "GenerateSecretString"))


def _merge(general: Any, own: Any) -> Any:
    """SAM's rule for `Globals`: maps merge, lists add up, anything else is overridden."""
    if isinstance(general, dict) and isinstance(own, dict):
        return {**general, **{key: _merge(general.get(key), value) for key, value in own.items()}}
    if isinstance(general, list) and isinstance(own, list):
        return general + own
    return general if own is None else own


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seconds(milliseconds: Any, default: float) -> float:
    return default if milliseconds is None else int(milliseconds) / 1000
