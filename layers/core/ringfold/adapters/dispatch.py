"""Carrying a turn on in an asynchronous invocation of the relay function (design D7, A11)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.errors import DependencyError


class LambdaDispatch:
    """Invokes a function asynchronously with ``{"ringfold_turn": {"call_sid", "key", "part"}}``.

    Args:
        client: Gives the botocore ``lambda`` client; asked for only when a turn is handed over.
        function_name: The function.
    """

    def __init__(self, client: Callable[[], Any], function_name: str) -> None:
        self._client, self._name = client, function_name

    def turn(self, call_sid: str, key: str, part: int) -> None:
        """Hand a part of a turn over; delivered twice it runs once, since it is claimed.

        Raises:
            DependencyError: If Lambda did not accept it.
        """
        payload = json.dumps({"ringfold_turn": {"call_sid": call_sid, "key": key, "part": part}}).encode()
        try:
            self._client().invoke(FunctionName=self._name, InvocationType="Event", Payload=payload)
        except (ClientError, BotoCoreError) as exc:
            raise DependencyError("lambda", f"invoke: {type(exc).__name__}") from exc
