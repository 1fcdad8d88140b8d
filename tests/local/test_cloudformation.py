"""YAML tags and intrinsic functions."""

from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import Resolver, TemplateError, load_yaml

TEMPLATE = """
Parameters:
  Name: {Type: String, Default: world}
  Empty: {Type: String, Default: ""}
  Needed: {Type: String, AllowedValues: [a, b]}
  Plain: {Type: String, Default: word, AllowedPattern: "[a-z]+"}
Mappings: {Sizes: {small: {cpu: 1}}}
Conditions:
  HasEmpty: !Not [!Equals [!Ref Empty, ""]]
  Both: !And [!Condition HasEmpty, !Equals [a, a]]
  Either: !Or [!Condition HasEmpty, !Equals [a, a]]
Resources:
  Thing: {Type: A::B::C}
Values:
  plain: [1, true, text]
  ref: !Ref Name
  region: !Ref AWS::Region
  att: !GetAtt Thing.Arn.Long
  sub: !Sub "hello ${Name} ${Thing.Arn} ${Thing} ${!literal}"
  sub_with: !Sub ["${A}-${Name}", {A: !Ref Needed}]
  join: !Join ["/", [a, !Ref Name]]
  select: !Select [1, !Split [",", "x,y,z"]]
  find: !FindInMap [Sizes, small, cpu]
  if: [!If [HasEmpty, 1, 2], !If [Both, 1, 2], !If [Either, 1, 2]]
  gone: {keep: 1, drop: !Ref AWS::NoValue, list: [1, !If [HasEmpty, 2, !Ref AWS::NoValue]]}
  long: {Fn::Join: ["", [{Ref: Name}, "!"]]}
  unknown: !ImportValue other
  stranger: !Ref Nobody
"""

EXPECTED = {
    "plain": [1, True, "text"],
    "ref": "world",
    "region": "us-east-1",
    "att": "<Thing Arn.Long>",
    "sub": "hello world <Thing Arn> <Thing Ref> ${literal}",
    "sub_with": "a-world",
    "join": "a/world",
    "select": "y",
    "find": 1,
    "if": [2, 2, 1],
    "gone": {"keep": 1, "list": [1]},
    "long": "world!",
}


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    return load_yaml(path)


def resolver(document: dict[str, Any], **parameters: str) -> Resolver:
    return Resolver(document, {"Needed": "a", **parameters}, lambda logical_id, name: f"<{logical_id} {name}>")


@pytest.mark.parametrize("name", EXPECTED)
def test_intrinsics(document: dict[str, Any], name: str) -> None:
    """Every intrinsic the local run knows gives CloudFormation's value."""
    assert EXPECTED[name] == resolver(document).resolve(document["Values"][name], name)


def test_parameters_override_defaults(document: dict[str, Any]) -> None:
    """A given parameter wins over its default, in conditions too."""
    values = resolver(document, Empty="x", Name="you")

    assert "you" == values.resolve(document["Values"]["ref"], "here")
    assert [1, 1, 1] == values.resolve(document["Values"]["if"], "here")


@pytest.mark.parametrize(
    ("name", "told"),
    [("unknown", "here: the local run does not know Fn::ImportValue"), ("stranger", "here: Nobody is neither")],
)
def test_what_is_unknown_is_named(document: dict[str, Any], name: str, told: str) -> None:
    """An intrinsic or name that cannot be resolved is an error with its place."""
    with pytest.raises(TemplateError, match=told):
        resolver(document).resolve(document["Values"][name], "here")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"Needed": "c"}, "allowed: a, b"),
        ({"Needed": "a", "Other": "x"}, "no parameter Other"),
        ({"Needed": "a", "Plain": "two words"}, "Plain is 'two words'; it must match"),
    ],
)
def test_wrong_parameters(document: dict[str, Any], parameters: dict[str, str], told: str) -> None:
    """A parameter that does not exist or has a value that is not allowed is refused."""
    with pytest.raises(TemplateError, match=told):
        Resolver(document, parameters, lambda _logical_id, _name: "")


def test_parameter_without_a_value(document: dict[str, Any]) -> None:
    """A parameter without default must be given."""
    with pytest.raises(TemplateError, match="Needed has no default"):
        Resolver(document, {}, lambda _logical_id, _name: "")


@pytest.mark.parametrize(("text", "told"), [("a: [", "is not YAML"), ("- a", "a mapping was expected")])
def test_unreadable_files(tmp_path: Path, text: str, told: str) -> None:
    """A file that is no template is refused with its name."""
    path = tmp_path / "template.yaml"
    path.write_text(text)

    with pytest.raises(TemplateError, match=told):
        load_yaml(path)


def test_missing_file(tmp_path: Path) -> None:
    """A missing file is refused with its name."""
    with pytest.raises(TemplateError, match=r"nowhere\.yaml"):
        load_yaml(tmp_path / "nowhere.yaml")
