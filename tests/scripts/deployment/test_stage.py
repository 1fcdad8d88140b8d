from __future__ import annotations

import pytest

from scripts.deployment.stage import StageError, read_stage


def test_a_stage_is_what_samconfig_says_over_the_templates_defaults() -> None:
    """With the names by which everything of it is found."""
    stage = read_stage("prod")

    assert ("ringfold-prod", "ringfold-prod-", "/ringfold/prod/") == (
        stage.stack_name,
        stage.prefix,
        stage.secret_prefix,
    )
    assert {"Stage": "prod", "LogRetentionDays": "90", "UserPoolProtection": "ACTIVE"} == stage.given
    assert "us.amazon.nova-lite-v1:0" == stage.parameters["FallbackModelId"]
    assert ("Table", "AirlineTable") == stage.tables


def test_production_wants_its_change_sets_confirmed() -> None:
    """As samconfig.toml has it; the others do not."""
    assert [False, False, True] == [read_stage(name).confirms for name in ("dev", "staging", "prod")]


def test_the_command_line_wins() -> None:
    """Blanks in quotes, as a shell reads them."""
    stage = read_stage("dev", "LogRetentionDays=1 ModelId='a b'")

    assert {"LogRetentionDays": "1", "ModelId": "a b"}.items() <= stage.given.items()
    assert "a b" == stage.parameters["ModelId"]


@pytest.mark.parametrize("name", ["", "default", "version", "nope"])
def test_a_stage_that_is_none_is_told_with_those_there_are(name: str) -> None:
    """Nothing is deployed by accident."""
    with pytest.raises(StageError, match="dev, staging, prod"):
        read_stage(name)


@pytest.mark.parametrize("overrides", ["Nonsense=1", "LogLevel"])
def test_a_parameter_that_is_none_is_refused(overrides: str) -> None:
    """Before SAM, which says it later and worse."""
    with pytest.raises(StageError, match="parameter"):
        read_stage("dev", overrides)
