"""What the local run reads from a SAM template."""

from pathlib import Path

import pytest

from local.template import FunctionRef, JwtAuthorizer, TemplateError, parse_function_ref, read_template
from tests.local.conftest import STACK

ROOT = Path(__file__).parents[2]


def test_functions() -> None:
    """Functions have names, folders, environment, timeouts, layers and their asynchronous configuration."""
    template = read_template(STACK, {"RelayUrl": "ws://x/relay"})

    web, frames = template.functions["WebFunction"], template.functions["FramesFunction"]
    assert ("test-web", "web", "app.handler", "live", True) == (
        web.name, web.label, web.handler, web.alias, web.snap_start,
    )  # fmt: skip
    assert {
        "STAGE": "test",
        "OWN": "1",
        "RELAY_URL": "ws://x/relay",
        "MOOD": "quiet",
    }.items() <= web.environment.items()
    assert (5.0, 0, 60) == (frames.timeout_s, frames.retries, frames.max_event_age_s)
    assert (str(STACK.parent / "layer"),) == frames.layer_paths
    assert not template.functions["GateFunction"].snap_start


def test_conditions_and_attributes() -> None:
    """Conditions choose values and resources; attributes of existing resources win over the made-up ones."""
    made_up = read_template(STACK, {"Loud": "yes", "RelayUrl": "ws://x"})
    real = read_template(STACK, {}, {("Work", "Ref"): "http://127.0.0.1:1/work"})

    assert "loud" == made_up.functions["WebFunction"].environment["MOOD"]
    assert "Absent" in {queue.logical_id for queue in made_up.queues}
    assert "Absent" not in {queue.logical_id for queue in real.queues}
    assert "http://127.0.0.1:1/work" == real.functions["WebFunction"].environment["QUEUE_URL"]
    assert "wss://local-RelayApi.example/test" == real.functions["WebFunction"].environment["RELAY_URL"]


def test_routes() -> None:
    """HTTP and WebSocket routes name their functions, aliases and timeouts; the authorizer its identity source."""
    template = read_template(STACK)

    routes = {(route.method, route.path): route.integration for route in template.http_routes}
    assert {("POST", "/api/echo"), ("ANY", "/api/items/{item_id}"), ("GET", "/api/files/{path+}")} == {
        key for key, integration in routes.items() if integration.function.name == "test-web"
    }
    assert (FunctionRef("test-web", "live"), 0.5) == (
        routes["ANY", "/api/items/{item_id}"].function,
        routes["ANY", "/api/items/{item_id}"].timeout_s,
    )
    assert template.relay is not None
    assert template.relay.authorizer is not None
    assert ("route.request.querystring.token",) == template.relay.authorizer.identity_sources
    assert 3.0 == template.relay.routes["$connect"].timeout_s
    assert 29.0 == template.relay.routes["$disconnect"].timeout_s
    assert "ringfold-local-FramesFunction" == template.relay.routes["$default"].function.name


def test_routes_behind_a_token() -> None:
    """A route with a JWT authorizer names whose tokens it takes and the scopes that open it."""
    template = read_template(STACK)

    routes = {(route.method, route.path): route for route in template.http_routes}
    authorizer = JwtAuthorizer("https://issuer.example/us-east-1_local", ("local-Client",))
    assert (None, ()) == (routes["GET", "/api/desk/open"].authorizer, routes["GET", "/api/desk/open"].scopes)
    assert (authorizer, ("ringfold/manage",)) == (
        routes["POST", "/api/desk/{proxy+}"].authorizer,
        routes["POST", "/api/desk/{proxy+}"].scopes,
    )
    assert {"test-desk"} == template.unhurried < template.called


def test_globals_can_be_ignored() -> None:
    """A function that ignores the globals has none of their variables and layers."""
    desk = read_template(STACK).functions["DeskFunction"]

    assert ({}, (), "live", 3.0) == (desk.environment, desk.layers, desk.alias, desk.timeout_s)


def test_an_api_that_answers_by_itself() -> None:
    """A REST API's methods have their mapping templates, parameters filled in."""
    fallback = read_template(STACK).fallback

    assert fallback is not None
    assert {("POST", "/voice")} == set(fallback.methods)
    response = fallback.methods["POST", "/voice"].response
    assert (200, {"Content-Type": "text/xml"}) == (response.status, response.headers)
    assert "<R>$context.requestOverride.path.to</R>" == response.template


def test_tables_queues_secrets() -> None:
    """Tables have keys, expiry and streams; queues their dead letters; secrets what is to be made up."""
    template = read_template(STACK)

    (table,) = template.tables
    work = next(queue for queue in template.queues if queue.logical_id == "Work")
    (source,) = template.queue_sources
    (secret,) = template.secrets
    assert ("expires_at", "NEW_IMAGE") == (table.ttl_attribute, table.create["StreamSpecification"]["StreamViewType"])
    assert ("DeadLetters", 2, {"VisibilityTimeout": "1"}) == (work.dead_letter, work.max_receive_count, work.attributes)
    assert ("Work", 5, True) == (source.queue, source.batch_size, source.partial_failures)
    assert ("/test/test/key", 40) == (secret.name, (secret.generate or {})["PasswordLength"])


def test_what_is_not_served_is_told() -> None:
    """Event sources without an engine here are listed, not dropped in silence."""
    assert ("WebFunction.Events.Nightly (Schedule)",) == read_template(STACK).unserved


def test_the_product_s_template_is_served_whole() -> None:
    """Everything in template.yaml that invokes a function is served locally."""
    template = read_template(ROOT / "template.yaml")

    assert () == template.unserved
    assert {"incoming", "relay_connect", "relay_message", "relay_watchdog"} <= {
        function.label for function in template.functions.values()
    }
    assert {"POST", "GET"} == {route.method for route in template.http_routes if route.path == "/api/voice/incoming"}
    assert template.relay is not None
    assert {"$connect", "$disconnect", "$default"} == set(template.relay.routes)
    assert {"RelayWatchdogFunction", "ProvisionFunction", "SmsReplyFunction", "InsightsFunction"} == {
        template.function(each.function).logical_id for each in template.queue_sources
    }
    assert ["OutboxFunction"] == [template.function(each.function).logical_id for each in template.stream_sources]
    assert {"ringfold-dev-provision"} == template.unhurried
    assert "ringfold-dev-token-claims" not in template.called
    assert template.fallback is not None


def test_plain_api_resources(stack_copy: Path) -> None:
    """A WebSocket API and an HTTP API written as plain resources are read like SAM's."""
    text = stack_copy.read_text()
    start, end = text.index("  RelayApi:\n"), text.index("  Table:\n")
    stack_copy.write_text(text[:start] + PLAIN + text[end:])

    template = read_template(stack_copy)

    assert template.relay is not None
    assert template.relay.authorizer is not None
    assert ("test", "$request.body.type") == (template.relay.stage, template.relay.selection)
    assert {"$default": 2.0, "$connect": 29.0} == {key: each.timeout_s for key, each in template.relay.routes.items()}
    assert "ringfold-local-GateFunction" == template.relay.authorizer.function.name
    assert ("GET", "/api/plain") in {(route.method, route.path) for route in template.http_routes}


PLAIN = """
  RelayApi:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: relay, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.type}
  RelayStage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref RelayApi, StageName: test}}
  RelayAuthorizer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref RelayApi
      AuthorizerType: REQUEST
      AuthorizerUri: !Sub arn:aws:apigateway:x:lambda:path/2015-03-31/functions/${GateFunction.Arn}/invocations
      IdentitySource: [route.request.querystring.token]
  FramesIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref RelayApi
      IntegrationType: AWS_PROXY
      TimeoutInMillis: 2000
      IntegrationUri: !Sub arn:aws:apigateway:x:lambda:path/2015-03-31/functions/${FramesFunction.Alias}/invocations
  GateIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref RelayApi, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt GateFunction.Arn}
  DefaultRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref RelayApi, RouteKey: $default, Target: !Sub "integrations/${FramesIntegration}"}
  ConnectRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref RelayApi, RouteKey: $connect, Target: !Join [/, [integrations, !Ref GateIntegration]]}
  HttpApi: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: web, ProtocolType: HTTP}}
  WebIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref HttpApi, IntegrationType: AWS_PROXY, IntegrationUri: !Ref WebFunction.Alias}
  WebRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref HttpApi, RouteKey: GET /api/plain, Target: !Sub "integrations/${WebIntegration}"}

"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("CodeUri: functions/web", "CodeUri: functions/none", "WebFunction: its folder functions/none does not exist"),
        ("[!Ref SharedLayer]", "[arn:aws:lambda:x:1:layer:other:1]", "is not made in this template"),
        ("!GetAtt Work.Arn\n            Batch", "!GetAtt Work.Nothing\n            Batch", "Work.Nothing"),
        ("AuthArn: !Ref GateFunction.Alias", "AuthArn: !Ref GateFunctions.Alias", "GateFunctions"),
        ("AuthorizationType: JWT", "AuthorizationType: AWS_IAM", "knows no authorization AWS_IAM"),
        ("[$request.header.Authorization]", "[$request.querystring.t]", "looks into Authorization only"),
        ("AuthorizerId: !Ref DeskAuthorizer", "AuthorizerId: other", "other is no resource"),
        ("type: mock", "type: http", "serves MOCK integrations with a default response only"),
    ],
)
def test_mistakes_are_explained(stack_copy: Path, old: str, new: str, told: str) -> None:
    """What the local run needs and the template does not give is named."""
    text = stack_copy.read_text()
    assert old in text
    stack_copy.write_text(text.replace(old, new))

    with pytest.raises(TemplateError, match=told):
        read_template(stack_copy)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name", FunctionRef("name")),
        ("name:live", FunctionRef("name", "live")),
        ("arn:aws:lambda:us-east-1:0:function:name", FunctionRef("name")),
        ("0:function:name:7", FunctionRef("name", "7")),
    ],
)
def test_function_names(text: str, expected: FunctionRef) -> None:
    """A function may be named by name, partial ARN and ARN."""
    assert expected == parse_function_ref(text)


def test_bad_function_name() -> None:
    """Anything else is refused."""
    with pytest.raises(TemplateError):
        parse_function_ref("no function/at all")
