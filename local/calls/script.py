"""Reads a scripted call. A fault in it is told with its line and what was expected there.

    about: Jane asks where her flight is
    to: "+15125550100"          # by default the first number of the local system
    steps:
      - expect: {contains: SkyOwl, within_s: 8, within_ms: 3000}
      - say: Where is my flight? My reservation is ABC123.
      - expect: {any_of: [delayed, late]}
      - barge_in: {after_words: 5, text: "Which seat do I have?"}
      - press: 1 2 #
      - listen: 3                 # until so many words were spoken
      - hang_up:
      - expect_end: {reason: hang-up}
      - expect_no_violations:

``contains``, ``any_of`` and ``matches`` (a regular expression) look, capitals aside, at what the agent has said since
the caller last did something, and so does ``lacks``, for what must not be in it; ``within_s`` is how long to wait,
``within_ms`` how soon the first word must sound. ``dialled: busy`` says what will come of a call that is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

KEYS: Final = re.compile(r"[0-9*#]+")
NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
WITHIN_S: Final = 12.0
END_REASONS: Final = ("hang-up", "application", "stopped", "rejected", "failed")
DIAL_OUTCOMES: Final = ("completed", "busy", "no-answer", "failed")
SESSION_STATUSES: Final = ("completed", "ended", "failed")


class ScriptError(Exception):
    """The script cannot be meant so; the message starts with file and line."""


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class BargeIn:
    text: str
    after_words: int = 1


@dataclass(frozen=True, slots=True)
class Press:
    digits: str


@dataclass(frozen=True, slots=True)
class Drop:
    pass


@dataclass(frozen=True, slots=True)
class Silence:
    seconds: float


@dataclass(frozen=True, slots=True)
class Listen:
    words: int


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True)
class SetModel:
    behaviour: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SetGateway:
    faults: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SetDial:
    outcome: str


@dataclass(frozen=True, slots=True)
class Expect:
    contains: str = ""
    any_of: tuple[str, ...] = ()
    matches: str = ""
    lacks: str = ""
    within_s: float = WITHIN_S
    within_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ExpectEnd:
    reason: str = ""
    status: str = ""
    within_s: float = 30.0


@dataclass(frozen=True, slots=True)
class ExpectNoViolations:
    pass


Action = (
    Say
    | BargeIn
    | Press
    | Drop
    | Silence
    | Listen
    | HangUp
    | SetModel
    | SetGateway
    | SetDial
    | Expect
    | ExpectEnd
    | ExpectNoViolations
)


@dataclass(frozen=True, slots=True)
class Step:
    action: Action
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Script:
    """A scripted call. ``to`` is empty for the first number, ``caller`` for somebody who never called before."""

    path: str
    about: str
    to: str
    caller: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of the file with the line it stands on."""

    of: Any
    line: int
    path: str
    keys: Mapping[str, _Value]
    items: tuple[_Value, ...]

    def fault(self, expected: str) -> ScriptError:
        got = "nothing" if self.of is None else repr(self.of)
        return ScriptError(f"{self.path}:{self.line}: expected {expected}, got {got[:80]}")

    def text(self, what: str) -> str:
        if not isinstance(self.of, str) or not self.of.strip():
            raise self.fault(what)
        return self.of.strip()

    def number(self, what: str, *, least: float = 0) -> float:
        if isinstance(self.of, bool) or not isinstance(self.of, int | float) or self.of < least:
            raise self.fault(what)
        return float(self.of)

    def mapping(self, what: str, allowed: tuple[str, ...]) -> Mapping[str, _Value]:
        if not isinstance(self.of, dict):
            raise self.fault(f"{what}, a mapping of {', '.join(allowed)}")
        for name, value in self.keys.items():
            if name not in allowed:
                raise ScriptError(f"{self.path}:{value.line}: expected one of {', '.join(allowed)}, got {name!r}")
        return self.keys


def load_script(path: Path) -> Script:
    """Read a file.

    Raises:
        ScriptError: If it cannot be read or meant.
    """
    try:
        return parse_script(path.read_text(encoding="utf-8"), str(path))
    except OSError as exc:
        raise ScriptError(f"{path}: cannot be read: {exc.strerror}") from exc


def parse_script(text: str, path: str = "script") -> Script:
    """Read a script's text.

    Raises:
        ScriptError: Naming the line and what was expected there.
    """
    root = _read_yaml(text, path)
    keys = root.mapping("a script", ("about", "to", "from", "steps"))
    if "steps" not in keys:
        raise root.fault("steps, a list of what the caller does")
    if not keys["steps"].items:
        raise keys["steps"].fault("a list of steps")
    return Script(
        path,
        keys["about"].text("a sentence") if "about" in keys else "",
        _phone(keys["to"]) if "to" in keys else "",
        _phone(keys["from"]) if "from" in keys else "",
        tuple(_step(item) for item in keys["steps"].items),
    )


def _read_yaml(text: str, path: str) -> _Value:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ScriptError(f"{path}:{line}: expected YAML: {exc.problem}") from exc
    except yaml.YAMLError as exc:
        raise ScriptError(f"{path}:1: expected YAML: {exc}") from exc
    if node is None:
        raise ScriptError(f"{path}:1: expected a script, got an empty file")
    try:
        return _value(node, path)
    except (yaml.YAMLError, RecursionError) as exc:
        raise ScriptError(f"{path}:1: expected plain values: {exc}") from exc


def _value(node: yaml.Node, path: str) -> _Value:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        keys = {str(key.value): _value(value, path) for key, value in node.value}
        return _Value({name: each.of for name, each in keys.items()}, line, path, keys, ())
    if isinstance(node, yaml.SequenceNode):
        items = tuple(_value(item, path) for item in node.value)
        return _Value([item.of for item in items], line, path, {}, items)
    loader = yaml.SafeLoader("")
    try:
        return _Value(loader.construct_object(node, deep=True), line, path, {}, ())
    finally:
        loader.dispose()


def _phone(value: _Value) -> str:
    if not isinstance(value.of, str) or not NUMBER.fullmatch(value.of):
        raise value.fault('a number in E.164 in quotes, "+15125550100"')
    return value.of


def _step(item: _Value) -> Step:
    if isinstance(item.of, str) and item.of in ACTIONS:
        return Step(ACTIONS[item.of](_Value(None, item.line, item.path, {}, ())), item.line, item.of)
    if not isinstance(item.of, dict) or len(item.of) != 1:
        raise item.fault(f"one step: {', '.join(ACTIONS)}")
    name, value = next(iter(item.keys.items()))
    if name not in ACTIONS:
        raise ScriptError(f"{item.path}:{item.line}: expected one of {', '.join(ACTIONS)}, got {name!r}")
    return Step(ACTIONS[name](value), item.line, name)


def _barge_in(value: _Value) -> Action:
    if isinstance(value.of, str):
        return BargeIn(value.text("what the caller says"))
    keys = value.mapping("what the caller says, or", ("text", "after_words"))
    if "text" not in keys:
        raise value.fault("text, what the caller says")
    words = (
        int(keys["after_words"].number("how many words to listen to, at least 1", least=1))
        if ("after_words" in keys)
        else 1
    )
    return BargeIn(keys["text"].text("what the caller says"), words)


def _press(value: _Value) -> Action:
    digits = re.sub(r"\s", "", str(value.of)) if isinstance(value.of, str | int) else ""
    if not KEYS.fullmatch(digits):
        raise value.fault('keys in quotes, 0-9 * #, as in "1 2 #"')
    return Press(digits)


def _nothing(action: Action) -> Callable[[_Value], Action]:
    def read(value: _Value) -> Action:
        if value.of is not None:
            raise value.fault("nothing after the colon")
        return action

    return read


def _document(build: Callable[[Mapping[str, Any]], Action], what: str) -> Callable[[_Value], Action]:
    def read(value: _Value) -> Action:
        if not isinstance(value.of, dict):
            raise value.fault(what)
        return build(value.of)

    return read


def _expect(value: _Value) -> Action:
    if isinstance(value.of, str):
        return Expect(contains=value.text("what the agent says"))
    known = ("contains", "any_of", "matches", "lacks", "within_s", "within_ms")
    keys = value.mapping("what the agent says, or", known)
    if not keys:
        raise value.fault(f"at least one of {', '.join(known)}")
    options = keys["any_of"].items if "any_of" in keys else ()
    if "any_of" in keys and not options:
        raise keys["any_of"].fault("a list of texts")
    return Expect(
        contains=keys["contains"].text("a text") if "contains" in keys else "",
        any_of=tuple(option.text("a text") for option in options),
        matches=_pattern(keys["matches"]) if "matches" in keys else "",
        lacks=keys["lacks"].text("a text") if "lacks" in keys else "",
        within_s=keys["within_s"].number("seconds") if "within_s" in keys else WITHIN_S,
        within_ms=int(keys["within_ms"].number("milliseconds")) if "within_ms" in keys else None,
    )


def _pattern(value: _Value) -> str:
    text = value.text("a regular expression")
    try:
        re.compile(text)
    except re.error as exc:
        raise value.fault(f"a regular expression ({exc})") from exc
    return text


def _expect_end(value: _Value) -> Action:
    if value.of is None:
        return ExpectEnd()
    keys = value.mapping("how the call ends", ("reason", "status", "within_s"))
    return ExpectEnd(
        reason=_choice(keys["reason"], END_REASONS) if "reason" in keys else "",
        status=_choice(keys["status"], SESSION_STATUSES) if "status" in keys else "",
        within_s=keys["within_s"].number("seconds") if "within_s" in keys else 30.0,
    )


def _choice(value: _Value, allowed: tuple[str, ...]) -> str:
    if value.of not in allowed:
        raise value.fault(f"one of {', '.join(allowed)}")
    return str(value.of)


ACTIONS: Final[Mapping[str, Callable[[_Value], Action]]] = {
    "say": lambda value: Say(value.text("what the caller says")),
    "barge_in": _barge_in,
    "press": _press,
    "silence": lambda value: Silence(value.number("seconds")),
    "listen": lambda value: Listen(int(value.number("how many words to listen to, at least 1", least=1))),
    "drop": _nothing(Drop()),
    "hang_up": _nothing(HangUp()),
    "model": _document(SetModel, "the model's behaviour, a mapping such as {fault: stall}"),
    "gateway": _document(SetGateway, "the gateway's faults, a mapping such as {frames: {mode: shuffle}}"),
    "dialled": lambda value: SetDial(_choice(value, DIAL_OUTCOMES)),
    "expect": _expect,
    "expect_end": _expect_end,
    "expect_no_violations": _nothing(ExpectNoViolations()),
}
