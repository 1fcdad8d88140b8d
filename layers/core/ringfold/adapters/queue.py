"""The watchdog's delayed messages on SQS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.errors import DependencyError


class WatchdogQueue:
    """Sends delayed messages; a message looks at the call when it arrives, so a repeat or a late one is harmless."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client, self._url = client, queue_url

    def arm(
        self, call_sid: str, key: str, delay_s: int, event: Mapping[str, Any] | None, link: tuple[int, str] | None
    ) -> None:
        """Have somebody look at the call after ``delay_s`` seconds.

        Args:
            call_sid: The call.
            key: The event that makes the look needed.
            delay_s: 0 to 900.
            event: The event itself, in case the one who sends this dies before it is stored.
            link: (generation, connection id) it came on.

        Raises:
            DependencyError: If SQS failed.
        """
        body = json.dumps({"call_sid": call_sid, "key": key, "event": event, "link": link})
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_s)
        except (ClientError, BotoCoreError) as exc:
            raise DependencyError("sqs", f"send: {type(exc).__name__}") from exc
