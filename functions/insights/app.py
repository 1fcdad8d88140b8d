"""SQS: conversations that are over, or quiet, are remembered, and people who are to be forgotten are.

What could not be done comes again, and is laid aside after the fourth time.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from ringfold import bootstrap_texts as bootstrap
from ringfold.core.texts import Thread
from ringfold.errors import ConfigError
from ringfold.log import Log, about
from ringfold.service.insights import read_message

ERASE_S: Final = 40.0
"""How long one invocation goes on erasing; the rest is the next one's."""
CALL_PAUSE_S: Final = 60

with suppress(ConfigError):
    bootstrap.insights()  # at cold start; a fault is told with the first message


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Take in each message's conversation."""
    failed: list[dict[str, str]] = []
    for record in event.get("Records", []):
        try:
            message = read_message(record["body"])
            if message["kind"] == "job":
                _erase(message["organization_id"], message["job_id"])
            elif message["kind"] == "call":
                bootstrap.insights().call(message["organization_id"], message["conversation_id"])
            else:
                bootstrap.insights().quiet(Thread(**message["thread"]), message["seen"])
        except Exception as exc:  # noqa: BLE001 - the outer edge: one conversation must not stop the others
            Log().error("conversation could not be remembered", **about(exc))
            failed.append({"itemIdentifier": record.get("messageId", "")})
    return {"batchItemFailures": failed}


def _erase(organization_id: str, job_id: str) -> None:
    progress = bootstrap.erasure().run(organization_id, job_id, ERASE_S)
    if progress != "done":
        bootstrap.insights_queue().job(organization_id, job_id, CALL_PAUSE_S if progress == "waiting" else 0)
