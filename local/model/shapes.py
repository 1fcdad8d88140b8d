"""The judge, first part: names, types and ranges of a Converse request, as tables.

The tables are compared with botocore's own model of the service by a test, so they cannot fall behind unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from local.model.errors import invalid

Check = Callable[[str, Any], None]

TOP_LEVEL: Final = frozenset(
    {
        "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields",
        "promptVariables", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig", "serviceTier",
        "outputConfig",
    }
)  # fmt: skip
CONTENT: Final = frozenset(
    {
        "text", "image", "document", "video", "audio", "toolUse", "toolResult", "guardContent", "cachePoint",
        "reasoningContent", "citationsContent", "searchResult", "toolAddition", "toolRemoval",
    }
)  # fmt: skip
TOOL_RESULT_CONTENT: Final = frozenset({"json", "text", "image", "document", "video", "searchResult"})
SYSTEM_CONTENT: Final = frozenset({"text", "guardContent", "cachePoint"})
TOOL: Final = frozenset({"toolSpec", "systemTool", "cachePoint"})
TOOL_CHOICE: Final = frozenset({"auto", "any", "tool"})
TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TOOL_USE_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
MODEL_ID: Final = re.compile(r"[a-zA-Z0-9-:._/]{1,2048}")
NEEDS_PROFILE: Final = re.compile(r"anthropic\.claude-(?:haiku|sonnet|opus)-[4-9]")


def check_shape(model_id: str, body: Any) -> None:
    """Refuse what Bedrock's front refuses before it looks at the conversation.

    Raises:
        BedrockError: ``ValidationException``.
    """
    if not MODEL_ID.fullmatch(model_id):
        raise invalid("The provided model identifier is invalid.")
    if NEEDS_PROFILE.match(model_id):
        raise invalid(
            f"Invocation of model ID {model_id} with on-demand throughput isn’t supported. Retry your request with "
            "the ID or ARN of an inference profile that contains this model."
        )
    _members("the request", body, TOP_LEVEL)
    _list("messages", body.get("messages", []), _message)
    _list("system", body.get("system", []), _system_block)
    _inference("inferenceConfig", body.get("inferenceConfig", {}))
    if "toolConfig" in body:
        _tool_config("toolConfig", body["toolConfig"])


def _message(path: str, value: Any) -> None:
    _members(path, value, frozenset({"role", "content"}), required=("role", "content"))
    if value["role"] not in {"user", "assistant"}:
        _fail(f"{path}.role", "Member must satisfy enum value set: [user, assistant]")
    _list(f"{path}.content", value["content"], _content_block)


def _content_block(path: str, value: Any) -> None:
    kind = _union(path, value, CONTENT)
    if kind == "text":
        _string(f"{path}.text", value["text"])
    elif kind == "toolUse":
        use = value["toolUse"]
        _members(
            f"{path}.toolUse", use, frozenset({"toolUseId", "name", "input", "type"}), ("toolUseId", "name", "input")
        )
        _pattern(f"{path}.toolUse.toolUseId", use["toolUseId"], TOOL_USE_ID)
        _pattern(f"{path}.toolUse.name", use["name"], TOOL_NAME)
        _json_object(f"{path}.toolUse.input", use["input"])
    elif kind == "toolResult":
        _tool_result(f"{path}.toolResult", value["toolResult"])


def _tool_result(path: str, value: Any) -> None:
    _members(path, value, frozenset({"toolUseId", "content", "status", "type"}), ("toolUseId", "content"))
    _pattern(f"{path}.toolUseId", value["toolUseId"], TOOL_USE_ID)
    if value.get("status", "success") not in {"success", "error"}:
        _fail(f"{path}.status", "Member must satisfy enum value set: [success, error]")
    _list(f"{path}.content", value["content"], _tool_result_block)
    if value.get("status") == "error" and not value["content"]:
        raise invalid(f"The content field at {path} cannot be empty when status value is error.")


def _tool_result_block(path: str, value: Any) -> None:
    kind = _union(path, value, TOOL_RESULT_CONTENT)
    if kind == "json":
        _json_object(f"{path}.json", value["json"])
    elif kind == "text":
        _string(f"{path}.text", value["text"])


def _system_block(path: str, value: Any) -> None:
    if _union(path, value, SYSTEM_CONTENT) == "text":
        _string(f"{path}.text", value["text"])
        if not value["text"]:
            _fail(f"{path}.text", "Member must have length greater than or equal to 1")


def _inference(path: str, value: Any) -> None:
    _members(path, value, frozenset({"maxTokens", "temperature", "topP", "stopSequences"}))
    if "maxTokens" in value:
        _number(f"{path}.maxTokens", value["maxTokens"], 1, None, whole=True)
    for name in ("temperature", "topP"):
        if name in value:
            _number(f"{path}.{name}", value[name], 0, 1)
    _list(f"{path}.stopSequences", value.get("stopSequences", []), _string)


def _tool_config(path: str, value: Any) -> None:
    _members(path, value, frozenset({"tools", "toolChoice"}), required=("tools",))
    if value["tools"] == []:
        _fail(f"{path}.tools", "Member must have length greater than or equal to 1")
    _list(f"{path}.tools", value["tools"], _tool)
    if "toolChoice" in value:
        _union(f"{path}.toolChoice", value["toolChoice"], TOOL_CHOICE)


def _tool(path: str, value: Any) -> None:
    if _union(path, value, TOOL) != "toolSpec":
        return
    spec = value["toolSpec"]
    allowed = frozenset({"name", "description", "inputSchema", "strict"})
    _members(f"{path}.toolSpec", spec, allowed, ("name", "inputSchema"))
    _pattern(f"{path}.toolSpec.name", spec["name"], TOOL_NAME)
    if spec.get("description") == "":
        _fail(f"{path}.toolSpec.description", "Member must have length greater than or equal to 1")
    _members(f"{path}.toolSpec.inputSchema", spec["inputSchema"], frozenset({"json"}), ("json",))
    schema = spec["inputSchema"]["json"]
    _json_object(f"{path}.toolSpec.inputSchema.json", schema)
    if schema.get("type") != "object":
        raise invalid(
            f"The value at {path}.toolSpec.inputSchema.json.type must be one of the following: object. "
            "Provide a json schema of type object and try again."
        )


def _fail(path: str, constraint: str) -> NoReturn:
    raise invalid(f"1 validation error detected: Value at '{path}' failed to satisfy constraint: {constraint}")


def _members(path: str, value: Any, allowed: frozenset[str], required: tuple[str, ...] = ()) -> None:
    if not isinstance(value, Mapping):
        _fail(path, "Member must be a structure")
    for name in value:
        if name not in allowed:
            raise invalid(f"{path}: extraneous key [{name}] is not permitted")
    for name in required:
        if value.get(name) is None:
            _fail(f"{path}.{name}", "Member must not be null")


def _union(path: str, value: Any, allowed: frozenset[str]) -> str:
    _members(path, value, allowed)
    if len(value) != 1:
        _fail(path, f"Member must have exactly one of its fields set, it has {sorted(value) or 'none'}")
    return str(next(iter(value)))


def _list(path: str, value: Any, check: Check) -> None:
    if not isinstance(value, list):
        _fail(path, "Member must be a list")
    for index, item in enumerate(value):
        check(f"{path}.{index}", item)


def _string(path: str, value: Any) -> None:
    if not isinstance(value, str):
        _fail(path, "Member must be a string")


def _pattern(path: str, value: Any, pattern: re.Pattern[str]) -> None:
    _string(path, value)
    if not pattern.fullmatch(value):
        _fail(path, f"Member must satisfy regular expression pattern: {pattern.pattern}")


def _number(path: str, value: Any, least: float, most: float | None, *, whole: bool = False) -> None:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        _fail(path, "Member must be a number" if not whole else "Member must be an integer")
    if value < least:
        _fail(path, f"Member must have value greater than or equal to {least}")
    if most is not None and value > most:
        _fail(path, f"Member must have value less than or equal to {most}")


def _json_object(path: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise invalid(
            f"The format of the value at {path} is invalid. Provide a json object for the field and try again."
        )
