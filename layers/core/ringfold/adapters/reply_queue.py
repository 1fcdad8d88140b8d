"""The queue of texts to be answered: SQS FIFO, a group for each thread, so that a thread has one worker at a time."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.core.texts import Thread
from ringfold.errors import DependencyError


class ReplyQueue:
    """Sends through a botocore ``sqs`` client."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client, self._url = client, queue_url

    def put(self, message_id: str, thread: Thread, account_id: str) -> None:
        """Have a text answered; the same text put twice within five minutes is there once.

        Raises:
            DependencyError: If SQS did not take it.
        """
        body = json.dumps({"message_id": message_id, "thread": thread.__dict__, "account_id": account_id})
        try:
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=body,
                MessageGroupId=hashlib.sha256(thread.key.encode()).hexdigest(),
                MessageDeduplicationId=message_id,
            )
        except (ClientError, BotoCoreError) as exc:
            raise DependencyError("sqs", f"send: {type(exc).__name__}", retryable=True) from exc
