"""What every test shares: one hypothesis profile, no road to a real AWS account."""

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline and no too_slow: the first st.text() of a fresh checkout builds tables and would fail the run.
settings.register_profile(
    "ringfold",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("ringfold")

# Whatever a test starts inherits these, so no forgotten endpoint can reach an account of the person running it.
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
)
os.environ.pop("AWS_PROFILE", None)
os.environ.pop("AWS_SESSION_TOKEN", None)

pytest_plugins = ["tests.aws", "tests.cloud", "tests.world"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: while playwright's browser lives, its event loop runs in this very thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
