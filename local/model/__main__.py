"""Run the model server: ``python -m local.model --port N``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

import uvicorn

from local.model.app import build_app
from local.model.openai_bridge import OpenAIBrain
from local.model.pacing import Pace
from local.model.pieces import Brain
from local.model.scripted import ScriptedBrain


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until told to stop."""
    options = parse_options(argv)
    brain: Brain = ScriptedBrain()
    if options.openai_url:
        brain = OpenAIBrain(options.openai_url, options.openai_model, os.environ.get("OPENAI_API_KEY", ""))
    app = build_app(brain, Pace(options.first_token_ms, options.token_ms, options.late_headers))
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="critical",  # a connection cut by a fault is no error of the server
        timeout_graceful_shutdown=1,
    )


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local.model", description="Amazon Bedrock Runtime on loopback")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--first-token-ms", type=float, default=Pace.first_token_ms)
    parser.add_argument("--token-ms", type=float, default=Pace.token_ms)
    parser.add_argument("--late-headers", action="store_true", help="send a stream's headers with its first token")
    url, name = os.environ.get("MODEL_OPENAI_URL", ""), os.environ.get("MODEL_OPENAI_NAME", "")
    parser.add_argument("--openai-url", default=url, help="answer through this OpenAI-compatible API (…/v1)")
    parser.add_argument("--openai-model", default=name, help="model name there; the request's model id unless given")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
