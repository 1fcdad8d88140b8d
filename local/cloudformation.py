"""CloudFormation's YAML and its intrinsic functions, as far as a local run needs them.

`load_yaml` turns every short tag (`!Sub`) into its long form (`Fn::Sub`). `Resolver.resolve` then turns a value into
plain data, lazily: a part of the template nobody asks for may use anything, a part that is asked for and uses an
intrinsic unknown here is a `TemplateError` which names the place.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

PSEUDO_PARAMETERS: Final[Mapping[str, str]] = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "ringfold-local",
    "AWS::URLSuffix": "amazonaws.com",
}
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]+)\}")
_PLAIN_TAGS: Final = frozenset({"Ref", "Condition"})


class TemplateError(Exception):
    """The template asks for something the local run cannot give; the message names the place and the cure."""


class _NoValue:
    """What `!Ref AWS::NoValue` stands for: the property is not there."""


NO_VALUE: Final = _NoValue()


class _Loader(yaml.SafeLoader):
    """A safe loader that understands CloudFormation's short tags."""


def _short_tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    name = suffix if suffix in _PLAIN_TAGS else f"Fn::{suffix}"
    if name == "Fn::GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name: value}


_Loader.add_multi_constructor("!", _short_tag)


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a template file.

    Raises:
        TemplateError: If the file is missing, is not YAML or is not a mapping.
    """
    try:
        with path.open(encoding="utf-8") as file:
            # A subclass of SafeLoader: the tags it adds build plain dictionaries only.
            document = yaml.load(file, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except OSError as exc:
        raise TemplateError(f"cannot read {path}: {exc.strerror}") from exc
    except yaml.YAMLError as exc:
        raise TemplateError(f"{path} is not YAML: {exc}") from exc
    if not isinstance(document, dict):
        raise TemplateError(f"{path}: a mapping was expected, not {type(document).__name__}")
    return document


class Resolver:
    """Turns values of a template into plain data.

    Args:
        document: The template as `load_yaml` gives it.
        parameters: Values that override the parameters' defaults.
        attribute: Answers `Ref` (with the attribute name `Ref`) and `Fn::GetAtt` of a resource.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        parameters: Mapping[str, str],
        attribute: Callable[[str, str], str],
    ) -> None:
        self._document = document
        self._attribute = attribute
        self._conditions: Mapping[str, Any] = document.get("Conditions") or {}
        self.parameters = _parameter_values(document.get("Parameters") or {}, parameters)
        self._functions: Mapping[str, Callable[[Any, str], Any]] = {
            "Ref": self._ref,
            "Condition": lambda name, _where: self.condition(name),
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
            "Fn::Equals": lambda pair, where: self.resolve(pair[0], where) == self.resolve(pair[1], where),
            "Fn::Not": lambda one, where: not self.resolve(one[0], where),
            "Fn::And": lambda all_of, where: all(self.resolve(each, where) for each in all_of),
            "Fn::Or": lambda any_of, where: any(self.resolve(each, where) for each in any_of),
        }

    def resolve(self, value: Any, where: str) -> Any:
        """Give the plain value; properties that are `AWS::NoValue` are left out.

        Args:
            value: Any part of the template.
            where: Its place, for messages.

        Raises:
            TemplateError: If an unknown intrinsic, parameter or resource is used.
        """
        if isinstance(value, list):
            items = [self.resolve(item, where) for item in value]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name in self._functions:
                return self._functions[name](argument, where)
            if name.startswith("Fn::"):
                raise TemplateError(f"{where}: the local run does not know {name}; teach local/cloudformation.py")
        fields = {key: self.resolve(item, f"{where}.{key}") for key, item in value.items()}
        return {key: item for key, item in fields.items() if item is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """Say whether a named condition holds."""
        if name not in self._conditions:
            raise TemplateError(f"condition {name} is not defined")
        return bool(self.resolve(self._conditions[name], f"Conditions.{name}"))

    def _ref(self, name: str, where: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.parameters:
            return self.parameters[name]
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name.endswith((".Alias", ".Version", ".Arn")):  # SAM's own: !Ref RelayMessageFunction.Alias
            return self._get_att(name.rsplit(".", 1), where)
        return self._known(name, "Ref", where)

    def _get_att(self, argument: list[str] | str, where: str) -> str:
        logical_id, name = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._known(logical_id, name, where)

    def _known(self, logical_id: str, name: str, where: str) -> str:
        if logical_id not in self._document.get("Resources", {}):
            raise TemplateError(f"{where}: {logical_id} is neither a parameter nor a resource")
        return self._attribute(logical_id, name)

    def _sub(self, argument: str | list[Any], where: str) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])

        def replace(match: re.Match[str]) -> str:
            name = match.group(1).strip()
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in variables:
                return str(self.resolve(variables[name], where))
            if "." in name:
                return self._get_att(name, where)
            return str(self._ref(name, where))

        return _PLACEHOLDER.sub(replace, text)

    def _join(self, argument: list[Any], where: str) -> str:
        return str(argument[0]).join(str(part) for part in self.resolve(argument[1], where))

    def _select(self, argument: list[Any], where: str) -> Any:
        return self.resolve(argument[1], where)[int(self.resolve(argument[0], where))]

    def _split(self, argument: list[Any], where: str) -> list[str]:
        return str(self.resolve(argument[1], where)).split(str(argument[0]))

    def _find_in_map(self, argument: list[Any], where: str) -> Any:
        name, top, second = (self.resolve(part, where) for part in argument)
        try:
            return self.resolve(self._document["Mappings"][name][top][second], where)
        except KeyError as exc:
            raise TemplateError(f"{where}: no mapping {name}.{top}.{second}") from exc

    def _if(self, argument: list[Any], where: str) -> Any:
        return self.resolve(argument[1] if self.condition(argument[0]) else argument[2], where)


def _parameter_values(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    if unknown := sorted(set(given) - set(declared)):
        raise TemplateError(f"the template has no parameter {', '.join(unknown)}; it has {', '.join(sorted(declared))}")
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        if name in given:
            values[name] = given[name]
        elif "Default" in declaration:
            values[name] = declaration["Default"]
        else:
            raise TemplateError(f"parameter {name} has no default and no value was given")
        allowed = declaration.get("AllowedValues")
        if allowed and str(values[name]) not in [str(each) for each in allowed]:
            raise TemplateError(f"parameter {name} is {values[name]!r}; allowed: {', '.join(map(str, allowed))}")
        pattern = declaration.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, str(values[name])):
            raise TemplateError(f"parameter {name} is {values[name]!r}; it must match {pattern}")
    return values
