"""The queue of conversations to be remembered: SQS, later and off every speaking path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.core.texts import Thread
from ringfold.errors import DependencyError

SETTLE_S: Final = 5
"""A call's end is told more than once; its transcript is complete a moment after the first."""
LONGEST_DELAY_S: Final = 900


class InsightsQueue:
    """Sends through a botocore ``sqs`` client.

    Args:
        client: The client.
        queue_url: The queue; with ``""`` nothing is sent: this deployment remembers nobody.
    """

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client, self._url = client, queue_url

    def call_ended(self, organization_id: str, conversation_id: str) -> None:
        """Have a call remembered.

        Raises:
            DependencyError: If SQS did not take it.
        """
        self._send({"kind": "call", "organization_id": organization_id, "conversation_id": conversation_id}, SETTLE_S)

    def texts_idle(self, thread: Thread, seen: int, delay_s: int) -> None:
        """Have a thread remembered, unless more has been written by then.

        Args:
            thread: The thread.
            seen: How many texts have come so far.
            delay_s: How long it has to be quiet; 15 minutes at most.

        Raises:
            DependencyError: If SQS did not take it.
        """
        self._send({"kind": "texts", "thread": thread.__dict__, "seen": seen}, min(delay_s, LONGEST_DELAY_S))

    def job(self, organization_id: str, job_id: str, delay_s: int = 0) -> None:
        """Have an erasure carried on; see :mod:`ringfold.adapters.erasure`.

        Raises:
            DependencyError: If SQS did not take it.
        """
        self._send({"kind": "job", "organization_id": organization_id, "job_id": job_id}, delay_s)

    def _send(self, message: Mapping[str, Any], delay_s: int) -> None:
        if not self._url:
            return
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message), DelaySeconds=delay_s)
        except (ClientError, BotoCoreError) as exc:
            raise DependencyError("sqs", f"send: {type(exc).__name__}", retryable=True) from exc
