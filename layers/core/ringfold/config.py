"""The settings of a function, read from the environment once, at cold start, all faults told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from ringfold.errors import ConfigError

NAMES: Final = {
    "STAGE": "the deployment stage, for example dev",
    "TABLE_NAME": "the DynamoDB table",
    "AIRLINE_TABLE_NAME": "the demo airline's DynamoDB table",
    "WATCHDOG_QUEUE_URL": "the SQS queue of delayed watchdog messages",
    "PUBLIC_BASE_URL": "https://host of the HTTP API, no trailing slash",
    "RELAY_URL": "wss://host/path of the WebSocket API, no query",
    "CONNECTIONS_URL": "https endpoint of the WebSocket API's @connections",
    "RELAY_TOKEN_SECRET_ARN": "ARN of the secret that signs relay tokens",
    "SECRET_PREFIX": "/ringfold/<stage>/",
    "RELAY_FUNCTION": "name and alias of the function that carries on turns handed over",
    "TURN_DISPATCH": "inline or async",
    "HANDSHAKE_SIGNATURE": "enforce or observe",
    "LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR",
    "MODEL_ID": "a Bedrock model or inference profile id",
    "FALLBACK_MODEL_ID": "a Bedrock model or inference profile id",
}
OPTIONAL: Final = {
    "FALLBACK_URL": "https://host/path of the fallback, no trailing slash; numbers name its /voice and /message",
    "INSIGHTS_QUEUE_URL": "the SQS queue of conversations to be remembered; without it nobody is",
    "MEMORY_IDLE_S": "how long a thread of texts is quiet before it is remembered, in seconds",
    "OUTBOX_TABLE_NAME": "the DynamoDB table whose stream hands texts on",
    "REPLY_QUEUE_URL": "the SQS FIFO queue of texts to be answered",
    "PURCHASE_QUEUE_URL": "the SQS queue of later looks at purchases whose answer was lost",
    "SECRETS_KEY_ID": "ARN of the KMS key that new secrets are encrypted with; without it, the AWS account's default",
    "TWILIO_API_BASE_URL": "https://host where Twilio's REST API is asked instead of at Twilio",
}


@dataclass(frozen=True)
class Settings:
    """One function's settings; see ``NAMES`` and ``OPTIONAL`` for their meaning."""

    stage: str
    table_name: str
    airline_table_name: str
    watchdog_queue_url: str
    public_base_url: str
    relay_url: str
    connections_url: str
    relay_token_secret_arn: str
    secret_prefix: str
    relay_function: str
    turn_dispatch: Literal["inline", "async"]
    handshake_signature: Literal["enforce", "observe"]
    log_level: str
    model_id: str
    fallback_model_id: str
    fallback_url: str = ""
    insights_queue_url: str = ""
    memory_idle_s: str = ""
    outbox_table_name: str = ""
    reply_queue_url: str = ""
    purchase_queue_url: str = ""
    secrets_key_id: str = ""
    twilio_api_base_url: str = ""


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: Naming every setting that is missing or wrong, and what it should be.
    """
    faults = [f"{name} is missing: expected {what}" for name, what in NAMES.items() if not environ.get(name)]
    faults += _wrong(environ)
    if faults:
        raise ConfigError("; ".join(faults) + ". Set them in template.yaml under Globals.Function.Environment")
    values: dict[str, Any] = {name.lower(): environ[name] for name in NAMES}
    values |= {name.lower(): environ.get(name, "") for name in OPTIONAL}
    values["public_base_url"] = values["public_base_url"].rstrip("/")
    values["connections_url"] = values["connections_url"].rstrip("/")
    values["fallback_url"] = values["fallback_url"].rstrip("/")
    return Settings(**values)


def _wrong(environ: Mapping[str, str]) -> list[str]:
    faults = []
    choices = {
        "TURN_DISPATCH": ("inline", "async"),
        "HANDSHAKE_SIGNATURE": ("enforce", "observe"),
        "LOG_LEVEL": ("DEBUG", "INFO", "WARNING", "ERROR"),
    }
    for name, allowed in choices.items():
        if environ.get(name) and environ[name] not in allowed:
            faults.append(f"{name} is {environ[name]!r}: expected {' or '.join(allowed)}")
    schemes = {
        "PUBLIC_BASE_URL": ("https", "http"),
        "RELAY_URL": ("wss", "ws"),
        "CONNECTIONS_URL": ("https", "http"),
        "FALLBACK_URL": ("https", "http"),
        "TWILIO_API_BASE_URL": ("https", "http"),
    }
    expected = {**NAMES, **OPTIONAL}
    for name, allowed_schemes in schemes.items():
        value = environ.get(name, "")
        if value and (urlsplit(value).scheme not in allowed_schemes or "?" in value):
            faults.append(f"{name} is {value!r}: expected {expected[name]}")
    return faults
