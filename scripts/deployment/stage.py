"""What is to be deployed: a stage of samconfig.toml, with the template's defaults and what the command line says."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.cloudformation import load_yaml

ROOT: Final = Path(__file__).resolve().parents[2]
SAMCONFIG: Final = ROOT / "samconfig.toml"
TEMPLATE: Final = ROOT / "template.yaml"


class StageError(Exception):
    """The stage cannot be meant; the message says what was expected."""


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        region: As samconfig.toml has it; ``""`` when it has none.
        given: Parameters that samconfig.toml or the command line names.
        parameters: All of them, with the template's defaults.
        confirms: Whether samconfig.toml wants every change set confirmed.
        tables: Logical ids of the template's tables, which stay when the stack goes.
    """

    name: str
    stack_name: str
    region: str
    given: Mapping[str, str]
    parameters: Mapping[str, str]
    confirms: bool
    tables: tuple[str, ...]

    @property
    def prefix(self) -> str:
        """What names of functions and log groups begin with."""
        return f"ringfold-{self.name}-"

    @property
    def secret_prefix(self) -> str:
        """What the names of its secrets begin with."""
        return f"/ringfold/{self.name}/"


def read_stage(name: str, overrides: str = "", *, samconfig: Path = SAMCONFIG, template: Path = TEMPLATE) -> Stage:
    """Read a stage.

    Args:
        name: Of its table in samconfig.toml.
        overrides: ``Name=value …`` from the command line; they win over samconfig.toml.
        samconfig: The file.
        template: The template.

    Raises:
        StageError: If there is no such stage, or a parameter is none of the template's.
    """
    config: dict[str, Any] = tomllib.loads(samconfig.read_text())
    stages = [each for each in config if isinstance(config[each], dict) and "deploy" in config[each]]
    if name not in stages:
        raise StageError(f"STAGE is {name!r}; samconfig.toml has {', '.join(stages)}. Such as: make deploy STAGE=dev")
    settings = config[name]["deploy"]["parameters"]
    listed = settings.get("parameter_overrides") or []
    given = {**_pairs(shlex.split(listed) if isinstance(listed, str) else listed), **_pairs(shlex.split(overrides))}
    document: Mapping[str, Any] = load_yaml(template)
    defaults = {key: str(each.get("Default", "")) for key, each in document["Parameters"].items()}
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise StageError(f"The template has no parameter {', '.join(unknown)}; it has {', '.join(sorted(defaults))}.")
    tables = [
        key
        for key, each in document["Resources"].items()
        if each["Type"] == "AWS::DynamoDB::Table" and each.get("DeletionPolicy") == "Retain"
    ]
    return Stage(
        name=name,
        stack_name=str(settings["stack_name"]),
        region=str(settings.get("region") or ""),
        given={"Stage": name, **given},
        parameters={**defaults, "Stage": name, **given},
        confirms=bool(settings.get("confirm_changeset")),
        tables=tuple(tables),
    )


def _pairs(listed: list[str]) -> dict[str, str]:
    pairs = {}
    for each in listed:
        name, equals, value = each.partition("=")
        if not equals:
            raise StageError(f"{each!r} is no parameter: expected Name=value.")
        pairs[name] = value
    return pairs
