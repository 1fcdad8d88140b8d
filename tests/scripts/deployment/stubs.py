"""AWS's answers that MiniStack cannot be made to give, through botocore's own Stubber, which checks what is asked."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.stub import Stubber

from scripts.deployment.cloud import Cloud

REGION = "us-east-1"


def stubbed(service: str, cloud: Cloud | None = None) -> tuple[Cloud, Stubber]:
    """A cloud whose client of a service is answered by a stubber, which is active."""
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    client: Any = session.create_client(service, region_name=REGION)
    made = cloud or Cloud(REGION)
    made._clients[service] = client
    stubber = Stubber(client)
    stubber.activate()
    return made, stubber
