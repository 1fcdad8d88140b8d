"""Secrets of an organization's tools."""

from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from ringfold.adapters.tool_secrets import FRESH_S, ToolSecrets
from ringfold.errors import ConfigError, DependencyError
from tests.aws import Aws


@pytest.mark.accept("A16", "F10")
def test_a_secret_is_its_organizations(aws: Aws) -> None:
    """Under its own path; another organization's of the same name is another one."""
    client = aws.client("secretsmanager")
    prefix = f"/ringfold/{aws.table}/"
    client.create_secret(Name=f"{prefix}tools/org_1/crm", SecretString="sesame")
    now = [0.0]
    secrets = ToolSecrets(lambda: client, prefix, lambda: now[0])

    assert "sesame" == secrets.read("org_1", "crm")
    with pytest.raises(ConfigError):
        secrets.read("org_2", "crm")

    client.put_secret_value(SecretId=f"{prefix}tools/org_1/crm", SecretString="open")
    assert "sesame" == secrets.read("org_1", "crm")
    now[0] = FRESH_S
    assert "open" == secrets.read("org_1", "crm")
    client.close()


@pytest.mark.parametrize("name", ["../accounts/acc_1/twilio", "a/b", "", "x" * 65])
def test_a_name_leads_nowhere_else(name: str) -> None:
    """No path inside a name; nothing is asked."""
    with pytest.raises(ConfigError):
        ToolSecrets(lambda: 1 / 0, "/ringfold/dev/").read("org_1", name)


def test_a_text_that_fits_no_header_is_refused(aws: Aws) -> None:
    """A line end in it would be a header of its own."""
    client, prefix = aws.client("secretsmanager"), f"/ringfold/{aws.table}/"
    client.create_secret(Name=f"{prefix}tools/org_1/bad", SecretString="a\r\nX-Admin: 1")

    with pytest.raises(ConfigError):
        ToolSecrets(lambda: client, prefix).read("org_1", "bad")
    client.close()


class Unreachable:
    """A client without a network."""

    def get_secret_value(self, **_: str) -> dict[str, str]:
        raise EndpointConnectionError(endpoint_url="https://secretsmanager")


def test_a_failing_service_is_told() -> None:
    """As one that may be asked again."""
    with pytest.raises(DependencyError):
        ToolSecrets(Unreachable, "/ringfold/dev/").read("org_1", "crm")
