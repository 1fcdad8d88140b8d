"""AWS's services on this machine: MiniStack is started, and the template's tables, queues and secrets are made in it.

Everything is made through botocore over the wire, idempotently, so that another engine may stand behind any of the
endpoints (`AWS_ENDPOINT_URL_DYNAMODB`).
"""

import contextlib
import functools
import json
import os
import secrets
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.processes import Process, StartError, free_port
from local.settings import LOOPBACK, LocalSettings
from local.template import Queue, Secret, Table, Template

SERVICES: Final = "dynamodb,sqs,secretsmanager,events,scheduler,sts,iam,logs,monitoring,cognito-idp,ssm"
KEYS: Final = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
_EXCLUDED: Final = "ExcludeCharacters"
# Nothing of the user's own AWS configuration: not a profile, not a file.
_OWN_CONFIGURATION: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


@dataclass(frozen=True)
class Endpoints:
    """Where the services are.

    Attributes:
        region: The AWS region everything is signed for.
        dynamodb: Table engine and its streams; every other service is at `aws`.
    """

    region: str
    aws: str
    dynamodb: str

    def client(self, service: str) -> Any:
        """A botocore client for one of the services, with the local run's own keys."""
        session = botocore.session.Session(session_vars=_OWN_CONFIGURATION)
        session.set_credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
        url = self.dynamodb if service.startswith("dynamodb") else self.aws
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=30, proxies={}
        )
        return session.create_client(service, region_name=self.region, endpoint_url=url, config=config)


def start_ministack(settings: LocalSettings) -> tuple[Process, int]:
    """Start MiniStack with its state under `.local/state`; returns it and the port it will listen on.

    Raises:
        StartError: If it is not installed.
    """
    python = settings.home / "tools" / "ministack" / "bin" / "python"
    if not python.exists():
        raise StartError(f"MiniStack is not installed at {python.parent.parent}; `make run` installs it")
    state = settings.home / "state" / "aws"
    scratch = settings.home / "tmp"
    for folder in (state, scratch):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = free_port()
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_DATA_DIR": str(scratch / "s3"),
        "SERVICES": SERVICES,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    log = settings.home / "log" / "aws.log"
    return Process("MiniStack", [str(python), "-m", "ministack"], environment, log), port


def make_resources(template: Template, endpoints: Endpoints) -> dict[tuple[str, str], str]:
    """Make every table, queue and secret of the template that is not there yet.

    Returns:
        What `Ref` and `Fn::GetAtt` of them give.

    Raises:
        StartError: If a service refuses.
    """
    attributes: dict[tuple[str, str], str] = {}
    try:
        dynamodb = endpoints.client("dynamodb")
        wait_until_reachable(dynamodb.list_tables, endpoints.dynamodb)
        for table in template.tables:
            attributes |= _make_table(dynamodb, table)
        attributes |= _make_queues(endpoints, template.queues)
        manager = endpoints.client("secretsmanager")
        for secret in template.secrets:
            arn = make_secret(manager, secret.name, functools.partial(_secret_value, secret))
            attributes |= {(secret.logical_id, "Ref"): arn, (secret.logical_id, "Id"): arn}
    except (BotoCoreError, ClientError) as exc:
        raise StartError(f"a local AWS service refused: {exc}") from exc
    return attributes


def wait_until_reachable(request: Callable[[], Any], url: str, timeout_s: float = 30.0) -> None:
    """Repeat a harmless request until somebody answers.

    Raises:
        StartError: If nobody does.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            request()
            return
        except ClientError as exc:
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                return
        except BotoCoreError:
            pass
        if time.monotonic() > deadline:
            raise StartError(f"nothing answers at {url}; is AWS_ENDPOINT_URL_DYNAMODB right?")
        time.sleep(0.1)


def _make_table(dynamodb: Any, table: Table) -> dict[tuple[str, str], str]:
    with contextlib.suppress(dynamodb.exceptions.ResourceInUseException):
        _create_table(dynamodb, table)
    description = _active_table(dynamodb, table.name)
    if table.ttl_attribute:
        _enable_ttl(dynamodb, table.name, table.ttl_attribute)
    attributes = {(table.logical_id, "Arn"): description["TableArn"]}
    if "LatestStreamArn" in description:
        attributes[table.logical_id, "StreamArn"] = description["LatestStreamArn"]
    return attributes


def _create_table(dynamodb: Any, table: Table) -> None:
    """Create it; without its stream where the engine has none (the product's calls need no stream)."""
    try:
        dynamodb.create_table(**table.create)
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "ResourceInUseException" or "StreamSpecification" not in table.create:
            raise
        print(f"table {table.name}: no stream here ({exc.response['Error']['Code']})")
        dynamodb.create_table(**{key: value for key, value in table.create.items() if key != "StreamSpecification"})


def _active_table(dynamodb: Any, name: str, timeout_s: float = 30.0) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        description: dict[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
        if description["TableStatus"] == "ACTIVE":
            return description
        time.sleep(0.1)
    raise StartError(f"table {name} does not become active")


def _enable_ttl(dynamodb: Any, name: str, attribute: str) -> None:
    """Turn expiry on; an engine without it keeps items longer, which is harmless (code checks the time itself)."""
    try:
        status = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
        if status not in {"ENABLED", "ENABLING"}:
            specification = {"Enabled": True, "AttributeName": attribute}
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    except ClientError as exc:
        print(f"table {name}: expiry is not available here ({exc.response['Error']['Code']})")


def _make_queues(endpoints: Endpoints, queues: tuple[Queue, ...]) -> dict[tuple[str, str], str]:
    sqs = endpoints.client("sqs")
    found: dict[tuple[str, str], str] = {}
    for queue in sorted(queues, key=lambda each: each.dead_letter is not None):
        attributes = dict(queue.attributes)
        if queue.dead_letter:
            redrive = {
                "deadLetterTargetArn": found[queue.dead_letter, "Arn"],
                "maxReceiveCount": queue.max_receive_count,
            }
            attributes["RedrivePolicy"] = json.dumps(redrive)
        url = _same_host(_queue_url(sqs, queue.name, attributes), endpoints.aws)
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        values = {"Ref": url, "QueueUrl": url, "Arn": arn, "QueueName": queue.name}
        found |= {(queue.logical_id, name): value for name, value in values.items()}
    return found


def _queue_url(sqs: Any, name: str, attributes: Mapping[str, str]) -> str:
    """Find or make a queue; one that was made with other attributes gets the present ones."""
    try:
        url = str(sqs.get_queue_url(QueueName=name)["QueueUrl"])
    except sqs.exceptions.QueueDoesNotExist:
        return str(sqs.create_queue(QueueName=name, Attributes=dict(attributes))["QueueUrl"])
    changeable = {key: value for key, value in attributes.items() if key != "FifoQueue"}
    if changeable:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=changeable)
    return url


def _same_host(url: str, endpoint: str) -> str:
    """A queue's URL with the engine's own address: clients send requests to the URL's host."""
    return urlunsplit(urlsplit(url)._replace(netloc=urlsplit(endpoint).netloc, scheme=urlsplit(endpoint).scheme))


def make_secret(manager: Any, name: str, value: Callable[[], str]) -> str:
    """Make a secret unless it exists; returns its ARN. The value is asked for only when it is needed."""
    try:
        return str(manager.describe_secret(SecretId=name)["ARN"])
    except manager.exceptions.ResourceNotFoundException:
        return str(manager.create_secret(Name=name, SecretString=value())["ARN"])


def _secret_value(secret: Secret) -> str:
    if secret.value is not None:
        return secret.value
    generate = secret.generate or {}
    generated = random_password(generate)
    key = generate.get("GenerateStringKey")
    if not key:
        return generated
    return json.dumps({**json.loads(generate.get("SecretStringTemplate", "{}")), key: generated})


def random_password(generate: Mapping[str, Any]) -> str:
    """Make up a value as `GenerateSecretString` asks."""
    kinds = {
        "ExcludeLowercase": string.ascii_lowercase,
        "ExcludeUppercase": string.ascii_uppercase,
        "ExcludeNumbers": string.digits,
        "ExcludePunctuation": string.punctuation,
    }
    allowed = "".join(letters for key, letters in kinds.items() if not generate.get(key))
    excluded = str(generate.get(_EXCLUDED, ""))
    alphabet = [letter for letter in allowed if letter not in excluded]
    return "".join(secrets.choice(alphabet) for _ in range(int(generate.get("PasswordLength", 32))))
