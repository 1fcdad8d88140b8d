"""Ways to look at a template, shared by its tests."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]


def resources_of(template: Template, kind: str) -> dict[str, Mapping[str, Any]]:
    """Logical id to properties, for one type."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def statements_of(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement of every inline policy of every role."""
    for name, role in resources_of(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            _, given, _ = policy.get("Fn::If", ("always", policy, None))
            for statement in given["PolicyDocument"]["Statement"]:
                yield name, statement


def as_list(value: Any) -> list[Any]:
    """AWS allows one where it allows many."""
    return value if isinstance(value, list) else [value]


def names_in(value: Any) -> set[str]:
    """Every logical id, parameter and pseudo parameter a value refers to."""
    found: set[str] = set()
    if isinstance(value, Mapping):
        if set(value) == {"Ref"}:
            return {value["Ref"]}
        if set(value) == {"Fn::GetAtt"}:
            return {str(as_list(value["Fn::GetAtt"])[0]).split(".")[0]}
        if set(value) == {"Fn::Sub"}:
            text = as_list(value["Fn::Sub"])[0]
            found |= {name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)}
        for each in value.values():
            found |= names_in(each)
    elif isinstance(value, list):
        for each in value:
            found |= names_in(each)
    return found


def needs_of(template: Template) -> dict[str, set[str]]:
    """Which resources CloudFormation must have made before it can make each one."""
    resources = template["Resources"]
    return {
        name: (names_in(resource.get("Properties", {})) | set(as_list(resource.get("DependsOn", [])))) & set(resources)
        for name, resource in resources.items()
    }


def text_of(value: Any) -> str:
    """A value as one searchable string."""
    return json.dumps(value, default=str)
