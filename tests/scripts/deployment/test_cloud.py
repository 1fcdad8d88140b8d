from __future__ import annotations

from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from scripts.deployment.cloud import LOGIN, Cloud, attempt, code_of, text_of
from scripts.deployment.findings import Stop

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized to perform x"}}, "X")


@pytest.fixture(autouse=True)
def nobodys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """AWS settings of nobody."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def test_the_region_is_the_one_named_else_awss_else_samconfigs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_REGION is honoured, which botocore alone does not read."""
    nowhere, fallback = Cloud().region, Cloud("", "eu-west-1").region
    (tmp_path / "config").write_text("[default]\nregion = eu-central-1\n")

    assert ["", "eu-west-1", "eu-central-1", "us-east-1"] == [
        nowhere,
        fallback,
        Cloud("", "eu-west-1").region,
        Cloud("us-east-1", "eu-west-1").region,
    ]


def test_a_profile_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to log in."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(Stop, match="nobody") as stop:
        _ = Cloud(session=botocore.session.Session()).region

    assert LOGIN == stop.value.cure


def test_a_region_is_known_to_have_bedrock_or_not() -> None:
    """By botocore's own list."""
    assert Cloud("us-east-1").offers("bedrock")
    assert not Cloud("ap-east-1").offers("bedrock")


@pytest.mark.parametrize(
    ("error", "said", "cure"),
    [
        (NoCredentialsError(), "there are no AWS credentials", LOGIN),
        (DENIED, "AccessDenied: not authorized", "The AWS identity you deploy with needs this permission."),
        (EndpointConnectionError(endpoint_url="https://x"), "EndpointConnectionError", ""),
    ],
)
def test_what_aws_refuses_is_one_kind_of_stop(error: Exception, said: str, cure: str) -> None:
    """Saying what was tried."""

    def request() -> None:
        raise error

    with pytest.raises(Stop, match=f"Doing it: .*{said}") as stop:
        attempt("Doing it", request)

    assert cure == stop.value.cure


def test_a_client_without_a_region_is_a_stop() -> None:
    """Not a traceback."""
    with pytest.raises(Stop, match="region"):
        Cloud().client("dynamodb")


def test_errors_are_read_alike() -> None:
    """AWS's own, and the library's."""
    assert ("AccessDenied", "not authorized to perform x") == (code_of(DENIED), text_of(DENIED))
    assert "NoCredentialsError" == code_of(NoCredentialsError())
