from __future__ import annotations

import subprocess

import pytest

from scripts.deployment import checks
from scripts.deployment.cloud import Cloud
from scripts.deployment.findings import Finding
from scripts.deployment.stacks import Stack
from scripts.deployment.stage import Stage, read_stage
from tests.scripts.deployment.stubs import stubbed

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ROLE = "arn:aws:iam::123456789012:role/ringfold-dev-ApiGatewayRole-1"


@pytest.fixture
def stage() -> Stage:
    """The stage dev."""
    return read_stage("dev")


def a_stack(status: str = "UPDATE_COMPLETE", **resources: tuple[str, str]) -> Stack:
    return Stack("ringfold-dev", "arn:stack", status, {}, resources)


def asked(code: str, message: str = "") -> Finding:
    """What a model's refusal comes to."""
    cloud, stubber = stubbed("bedrock-runtime")
    stubber.add_client_error("converse", code, message)
    return checks.check_model(cloud, "model", MODEL)


def test_a_model_is_asked_for_one_token() -> None:
    """That alone shows whether it may be used here; it costs next to nothing."""
    cloud, stubber = stubbed("bedrock-runtime")
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Yes"}]}},
        "stopReason": "max_tokens",
        "usage": {"inputTokens": 9, "outputTokens": 1, "totalTokens": 10},
        "metrics": {"latencyMs": 300},
    }
    messages = [{"role": "user", "content": [{"text": "Say yes."}]}]
    asked = {"modelId": MODEL, "messages": messages, "inferenceConfig": {"maxTokens": 1}}
    stubber.add_response("converse", answer, asked)

    assert Finding("model", "ok", f"{MODEL} answers.") == checks.check_model(cloud, "model", MODEL)


# Messages as Amazon Bedrock gives them (its user guide's error codes, and issues of libraries that met them).
@pytest.mark.parametrize(
    ("code", "message", "status", "cure"),
    [
        (
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            "failed",
            "catalog",
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/a is not authorized to perform: bedrock:InvokeModel on resource: x",
            "unknown",
            "bedrock:InvokeModel",
        ),
        (
            "ResourceNotFoundException",
            "Model use case details have not been submitted for this account.",
            "failed",
            "Anthropic's form",
        ),
        (
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn't supported. Retry with an inference profile",
            "failed",
            "inference profile",
        ),
        ("ValidationException", "The provided model identifier is invalid.", "failed", "us., eu. or apac."),
        ("ResourceNotFoundException", "Model not found.", "failed", "us., eu. or apac."),
        ("ThrottlingException", "Too many tokens, please wait before trying again.", "warning", "quota"),
        ("InternalServerException", "x", "failed", "Amazon Bedrock"),
    ],
)
def test_each_refusal_of_a_model_has_its_cure(code: str, message: str, status: str, cure: str) -> None:
    """What the administrator has to do differs, so the cure does."""
    found = asked(code, message)

    assert status == found.status
    assert cure in found.cure
    assert message in found.message


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("CREATE_COMPLETE", "ok"),
        ("UPDATE_ROLLBACK_COMPLETE", "ok"),
        ("REVIEW_IN_PROGRESS", "ok"),
        ("UPDATE_IN_PROGRESS", "failed"),
        ("ROLLBACK_COMPLETE", "failed"),
        ("DELETE_FAILED", "failed"),
    ],
)
def test_a_stack_is_one_that_can_be_changed_or_says_what_to_do(stage: Stage, status: str, expected: str) -> None:
    """A first deployment that failed leaves one that has to go first."""
    found = checks.check_stack(stage, a_stack(status))

    assert expected == found.status
    assert ("destroy" in found.cure) == (status in {"ROLLBACK_COMPLETE", "DELETE_FAILED"})
    assert "will be made" in checks.check_stack(stage, None).message


@pytest.mark.parametrize(
    ("role", "stack", "given", "expected", "status"),
    [
        ("", None, "", "create", "ok"),
        (ROLE, None, "", "existing", "ok"),
        (ROLE, "ours", "", "create", "ok"),
        (ROLE, None, "create", "create", "failed"),
        ("", None, "existing", "existing", "failed"),
        (ROLE, None, "existing", "existing", "ok"),
    ],
)
def test_the_accounts_one_role_for_logs(
    stage: Stage, role: str, stack: str | None, given: str, expected: str, status: str
) -> None:
    """This stack's own, somebody else's, or none yet: the parameter follows; one that is given is checked."""
    cloud, stubber = stubbed("apigateway")
    stubber.add_response("get_account", {"cloudwatchRoleArn": role} if role else {})
    ours = a_stack(ApiGatewayRole=("AWS::IAM::Role", "ringfold-dev-ApiGatewayRole-1")) if stack else None
    told = Stage(**{**vars(stage), "given": {"ApiGatewayLogsRole": given} if given else {}})

    found = checks.check_logs_role(told, cloud, ours)

    assert (expected, status) == (checks.logs_role_parameter(told, role, ours), found.status)


def test_a_role_that_cannot_be_asked_for_stops_nobody(stage: Stage) -> None:
    """It is said, with what to pass if the deployment fails there."""
    cloud, stubber = stubbed("apigateway")
    stubber.add_client_error("get_account", "AccessDeniedException")

    assert "unknown" == checks.check_logs_role(stage, cloud, None).status


@pytest.mark.parametrize(("email", "status"), [("", "failed"), ("ann", "failed"), ("ann@example.com", "ok")])
def test_an_administrator_is_wanted(email: str, status: str) -> None:
    """Or nobody could log in to what was deployed."""
    assert status == checks.check_administrator(Cloud("us-east-1"), None, email).status


def test_credentials_that_do_not_work_are_told() -> None:
    """Ended, wrong or none: with how to set them up."""
    cloud, stubber = stubbed("sts")
    stubber.add_client_error("get_caller_identity", "ExpiredToken", "The security token is expired")

    found = checks.check_identity(cloud)

    assert ("failed", True) == (found.status, "aws sso login" in found.cure)


def test_what_cannot_be_looked_at_is_unknown(stage: Stage) -> None:
    """Everything is listed, with what comes first."""
    cloud, stubber = stubbed("sts")
    stubber.add_client_error("get_caller_identity", "InvalidClientTokenId")

    found = checks.check_all(stage, cloud, "ann@example.com", python=lambda: "")

    assert ["failed", "ok", "failed", *["unknown"] * 5] == [each.status for each in found]


def test_the_python_of_the_build_is_the_one_lambda_runs() -> None:
    """Where there is one; where there is none, it is said with how to get it."""
    found = checks.find_python()
    if found:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        assert said.startswith("Python 3.13.")

    assert ("failed", "pyenv install 3.13") == (
        checks.check_python(lambda: "").status,
        checks.check_python(lambda: "").cure,
    )
