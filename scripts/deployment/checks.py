"""What a deployment needs before it begins, all of it told at once.

Nothing is changed here. One request costs something: each model is asked for one token, as that alone shows whether
this account may use it in this region.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from scripts.deployment.administrators import has_platform_admin, user_pool_of
from scripts.deployment.cloud import LOGIN, Cloud, code_of, text_of
from scripts.deployment.findings import Finding, Stop
from scripts.deployment.stacks import Stack, find_stack
from scripts.deployment.stage import ROOT, Stage

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
CATALOG: Final = "Open the model in the model catalog of Amazon Bedrock's console"
FindPython = Callable[[], str]


def find_python() -> str:
    """The Python 3.13 that the build uses; ``""`` when there is none."""
    found = subprocess.run([ROOT / "scripts" / "find-python", "3.13"], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else ""


def check_all(stage: Stage, cloud: Cloud, email: str, python: FindPython = find_python) -> list[Finding]:
    """Every check; those that need what another has found missing are told as unknown."""
    findings = [check_python(python), check_region(cloud)]
    identity = check_identity(cloud) if findings[1].status != "failed" else _skipped("AWS account", "the region")
    findings.append(identity)
    names = ("stack", "administrator", "API Gateway's logs", "model", "second model")
    if identity.status != "ok":
        return [*findings, *(_skipped(name, "the AWS account") for name in names)]
    try:
        stack = find_stack(cloud, stage.stack_name)
    except Stop as stop:
        return [*findings, Finding("stack", "failed", str(stop), stop.cure)]
    return [
        *findings,
        check_stack(stage, stack),
        check_administrator(cloud, stack, email),
        check_logs_role(stage, cloud, stack),
        check_model(cloud, "model", stage.parameters["ModelId"]),
        check_model(cloud, "second model", stage.parameters["FallbackModelId"]),
    ]


def check_python(python: FindPython) -> Finding:
    """Lambda's Python, to build for it."""
    found = python()
    if found:
        return Finding("Python 3.13", "ok", found)
    return Finding("Python 3.13", "failed", "There is none, and the build needs it.", "pyenv install 3.13")


def check_region(cloud: Cloud) -> Finding:
    """A region, and one that has Bedrock."""
    try:
        region = cloud.region
    except Stop as stop:
        return Finding("region", "failed", str(stop), stop.cure)
    if not region:
        return Finding(
            "region", "failed", "No region is set.", "export AWS_REGION=us-east-1, or a region of AWS_PROFILE"
        )
    if not cloud.offers("bedrock"):
        message = f"{region} is not known to have Amazon Bedrock."
        return Finding("region", "warning", message, "If the models fail below: another AWS_REGION.")
    return Finding("region", "ok", region)


def check_identity(cloud: Cloud) -> Finding:
    """Credentials that work, and whose they are."""
    try:
        who = cloud.client("sts").get_caller_identity()
    except NoCredentialsError:
        return Finding("AWS account", "failed", "There are no AWS credentials.", LOGIN)
    except (BotoCoreError, ClientError) as exc:
        return Finding("AWS account", "failed", f"{code_of(exc)}: {text_of(exc)}", LOGIN)
    return Finding("AWS account", "ok", f"{who['Account']}, as {who['Arn']}")


def check_stack(stage: Stage, stack: Stack | None) -> Finding:
    """A stack that can be made or changed."""
    if stack is None:
        return Finding("stack", "ok", f"{stage.stack_name} will be made.")
    if stack.is_busy:
        return Finding("stack", "failed", f"{stack.name} is {stack.status}.", "Wait until that is over.")
    if not stack.is_usable and stack.status != "REVIEW_IN_PROGRESS":
        cure = f"make destroy STAGE={stage.name}, then deploy again; or mend it in CloudFormation's console."
        return Finding("stack", "failed", f"{stack.name} is {stack.status} and cannot be changed.", cure)
    return Finding("stack", "ok", f"{stack.name} is there ({stack.status}) and will be brought up to date.")


def check_administrator(cloud: Cloud, stack: Stack | None, email: str) -> Finding:
    """Somebody who can log in afterwards."""
    pool = user_pool_of(stack) if stack else ""
    try:
        if not email and pool and has_platform_admin(cloud, pool):
            return Finding("administrator", "ok", "There is one already.")
    except Stop as stop:
        return Finding("administrator", "unknown", str(stop), stop.cure)
    if not email:
        message = "Nobody could log in: an administrator of the platform is invited by e-mail."
        return Finding("administrator", "failed", message, "ADMIN_EMAIL=you@example.com")
    if not EMAIL.fullmatch(email):
        return Finding("administrator", "failed", f"{email!r} is no e-mail address.", "ADMIN_EMAIL=you@example.com")
    return Finding("administrator", "ok", email)


def check_logs_role(stage: Stage, cloud: Cloud, stack: Stack | None) -> Finding:
    """The account's one role for API Gateway's logs: this stack's, somebody else's, or none yet."""
    name = "API Gateway's logs"
    try:
        role = logs_role(cloud)
    except (BotoCoreError, ClientError) as exc:
        cure = "If the deployment fails there, pass PARAMETERS=ApiGatewayLogsRole=existing."
        return Finding(name, "unknown", f"Whether there is a role could not be asked: {code_of(exc)}.", cure)
    wanted, ours = logs_role_parameter(stage, role, stack), is_ours(role, stack)
    if wanted == "existing" and not role:
        message = "ApiGatewayLogsRole=existing, but the account has no such role in this region."
        return Finding(name, "failed", message, "Leave the parameter out: then this stack makes it.")
    if wanted == "create" and role and not ours:
        message = f"ApiGatewayLogsRole=create, but the account has a role already: {role}."
        cure = "Leave the parameter out: then that one is used. With create it would be replaced for every API here."
        return Finding(name, "failed", message, cure)
    return Finding(name, "ok", "The stack makes the account's role." if wanted == "create" else f"{role} is used.")


def logs_role(cloud: Cloud) -> str:
    """ARN of the account's role for API Gateway's logs; ``""`` when it has none."""
    return str(cloud.client("apigateway").get_account().get("cloudwatchRoleArn") or "")


def logs_role_parameter(stage: Stage, role: str, stack: Stack | None) -> str:
    """What ``ApiGatewayLogsRole`` is to be: as given, else as the account is."""
    if "ApiGatewayLogsRole" in stage.given:
        return stage.given["ApiGatewayLogsRole"]
    return "existing" if role and not is_ours(role, stack) else "create"


def is_ours(role: str, stack: Stack | None) -> bool:
    """Whether the stack has made the role."""
    return stack is not None and role.rpartition("/")[2] in stack.of_type("AWS::IAM::Role")


def check_model(cloud: Cloud, name: str, model_id: str) -> Finding:
    """A model that answers, here and now."""
    try:
        cloud.client("bedrock-runtime").converse(
            modelId=model_id,
            messages=[{"role": "user", "content": [{"text": "Say yes."}]}],
            inferenceConfig={"maxTokens": 1},
        )
    except (BotoCoreError, ClientError) as exc:
        return _model_fault(cloud, name, model_id, exc)
    return Finding(name, "ok", f"{model_id} answers.")


def _model_fault(cloud: Cloud, name: str, model_id: str, exc: Exception) -> Finding:
    code, text = code_of(exc), text_of(exc)
    message = f"{model_id}: {code}: {text}"
    lower = text.lower()
    if code == "ThrottlingException":
        return Finding(name, "warning", message, "It may be used; ask for a higher quota before many call.")
    if "is not authorized to perform" in lower:
        cure = "You may not ask it yourself, which says nothing of the functions: try it, or add bedrock:InvokeModel."
        return Finding(name, "unknown", message, cure)
    if "use case details" in lower or code == "FTUFormNotFilled":
        cure = f"{CATALOG} and fill in Anthropic's form, once an account; it takes some minutes."
    elif "on-demand throughput" in lower:
        cure = "Pass the id of an inference profile instead, such as us.amazon.nova-lite-v1:0."
    elif code in {"ValidationException", "ResourceNotFoundException"}:
        cure = (
            f"Is it offered in {cloud.region}? A profile's us., eu. or apac. must fit the region; or another ModelId."
        )
    elif code == "AccessDeniedException":
        cure = f"{CATALOG} in {cloud.region}. It takes aws-marketplace:Subscribe, a payment method, and 15 minutes."
    else:
        cure = f"See that {cloud.region} has Amazon Bedrock and can be reached."
    return Finding(name, "failed", message, cure)


def _skipped(name: str, what: str) -> Finding:
    return Finding(name, "unknown", f"Not looked at: {what} comes first.")
