"""What the test functions share: a layer."""

import functools
import os
from typing import Any

import botocore.session


def client(service: str, endpoint_url: str | None = None) -> Any:
    """A botocore client, as a function would make it."""
    return botocore.session.Session().create_client(service, endpoint_url=endpoint_url)


@functools.cache
def connections() -> Any:
    """The client of the WebSocket API's @connections."""
    endpoint = os.environ["RELAY_URL"].replace("ws", "http", 1)
    return client("apigatewaymanagementapi", endpoint)
