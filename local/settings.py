"""What the person running Ringfold locally may choose, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).resolve().parent.parent
LOOPBACK: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
LOCAL_IDLE_S: Final = "15"
"""A thread of texts is remembered sooner than in a deployment: whoever tries it out does not wait ten minutes."""
LOCAL_REGION: Final = "us-east-1"


class SettingsError(Exception):
    """A setting that cannot be meant; the message says what was expected."""


@dataclass(frozen=True)
class LocalSettings:
    """The local run's settings.

    Attributes:
        port: The one public port.
        public_base_url: Where webhooks are addressed to; a tunnel's URL, or this machine.
        home: The folder `.local`.
        template: The SAM template that is run.
        parameters: Template parameters given by the caller (`TURN_DISPATCH` and the like).
        bedrock_url: Another model endpoint, or None for the scripted model.
        dynamodb_url: Another table engine, or None for MiniStack.
        twilio_api_url: Another Twilio REST endpoint, or None for the carrier.
        real_bedrock: Whether the model is Amazon's, with the caller's own credentials.
        frames: How frames are delivered (`GATEWAY_FRAMES`).
        posts: What befalls posts to connections (`GATEWAY_POSTS`).
        workers: The most workers a function may have.
        demo: Whether the demo's data are put in (`DEMO`); what is in the tables already stays either way.
    """

    port: int
    public_base_url: str
    home: Path
    template: Path
    parameters: Mapping[str, str]
    bedrock_url: str | None
    dynamodb_url: str | None
    twilio_api_url: str | None
    real_bedrock: bool
    frames: str
    posts: str
    workers: int
    demo: bool = True

    @property
    def local_url(self) -> str:
        """The gateway as this machine reaches it."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def relay_url(self) -> str:
        """The WebSocket API as Twilio reaches it."""
        return self.public_base_url.replace("http", "ws", 1) + "/relay"

    @property
    def public_host(self) -> str | None:
        """The host of a tunnel, or None when everything is on this machine."""
        host = urlsplit(self.public_base_url).hostname
        return None if host in {LOOPBACK, "localhost", "::1"} else host

    @property
    def run_file(self) -> Path:
        """Where clients find what they need."""
        return self.home / "run.json"


_PARAMETERS: Final = {
    "STAGE": "Stage",
    "TURN_DISPATCH": "TurnDispatch",
    "HANDSHAKE_SIGNATURE": "HandshakeSignature",
    "MODEL_ID": "ModelId",
    "FALLBACK_MODEL_ID": "FallbackModelId",
    "LOG_LEVEL": "LogLevel",
    "MEMORY_IDLE_S": "MemoryIdleSeconds",
    "FALLBACK_SENTENCE": "FallbackSentence",
    "FALLBACK_LANGUAGE": "FallbackLanguage",
    "FALLBACK_MESSAGE": "FallbackMessage",
}


def load_settings(environ: Mapping[str, str] = os.environ) -> LocalSettings:
    """Read the settings.

    Raises:
        SettingsError: If one of them cannot be meant.
    """
    port = _whole_number(environ, "PORT", DEFAULT_PORT, 1, 65_535)
    public = environ.get("PUBLIC_BASE_URL") or f"http://{LOOPBACK}:{port}"
    if urlsplit(public).scheme not in {"http", "https"} or not urlsplit(public).hostname:
        raise SettingsError(f"PUBLIC_BASE_URL is {public!r}; expected http(s)://host, such as https://name.example")
    model = environ.get("MODEL", "scripted")
    if model not in {"scripted", "bedrock"}:
        raise SettingsError(f"MODEL is {model!r}; expected bedrock (Amazon's, with your credentials) or scripted")
    demo = environ.get("DEMO") or "yes"
    if demo not in {"yes", "no"}:
        raise SettingsError(f"DEMO is {demo!r}; expected yes (the demo's organizations and numbers) or no (nothing)")
    parameters = {"HandshakeSignature": "enforce"}
    parameters["MemoryIdleSeconds"] = LOCAL_IDLE_S
    parameters |= {name: environ[key] for key, name in _PARAMETERS.items() if environ.get(key)}
    return LocalSettings(
        port=port,
        public_base_url=public.rstrip("/"),
        home=Path(environ.get("RINGFOLD_HOME") or ROOT / ".local").resolve(),
        template=Path(environ.get("RINGFOLD_TEMPLATE") or ROOT / "template.yaml").resolve(),
        parameters=parameters,
        bedrock_url=environ.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME") or None,
        dynamodb_url=environ.get("AWS_ENDPOINT_URL_DYNAMODB") or None,
        twilio_api_url=environ.get("TWILIO_API_BASE_URL") or None,
        real_bedrock=model == "bedrock",
        frames=environ.get("GATEWAY_FRAMES", "parallel"),
        posts=environ.get("GATEWAY_POSTS", ""),
        workers=_whole_number(environ, "WORKERS", 64, 1, 1000),
        demo=demo == "yes",
    )


def _whole_number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingsError(f"{name} is {text!r}; expected a whole number from {least} to {most}")
    return int(text)
