"""How the model is told to behave: a pace, and rules that each put one fault or scripted reply on matching requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from local.model import faults
from local.model.errors import STATUS
from local.model.pacing import Pace
from local.model.request import ConverseRequest

RULE_FIELDS: Final = frozenset(
    {"fault", "after_tokens", "times", "models", "when_contains", "exception", "stop_reason", "script"}
)
PACE_FIELDS: Final = frozenset({"first_token_ms", "token_ms", "late_headers"})
SCRIPT_FIELDS: Final = frozenset({"text", "tool", "input", "stop_reason"}) | PACE_FIELDS


class BehaviourError(ValueError):
    """The behaviour asked for makes no sense; the message says what was expected."""


@dataclass(frozen=True)
class Plan:
    """What one request will meet."""

    pace: Pace = field(default_factory=Pace)
    fault: str = "none"
    after_tokens: int = 0
    exception: str = ""
    stop_reason: str = ""
    scripted: Mapping[str, Any] | None = None


@dataclass
class Rule:
    """One fault, or a list of scripted replies, for the requests it fits.

    Attributes:
        times: How many more requests it will be put on; ``None`` means until it is changed.
        models: Prefixes of model ids, or ``None`` for every model.
        when_contains: Text the newest utterance must contain, capitals aside; ``""`` fits every request.
        script: Replies still to be given, one a request; when the last is gone the rule is over.
    """

    fault: str = "none"
    after_tokens: int = 3
    times: int | None = None
    models: tuple[str, ...] | None = None
    when_contains: str = ""
    exception: str = ""
    stop_reason: str = ""
    script: list[Mapping[str, Any]] = field(default_factory=list)
    first_token_ms: float | None = None
    token_ms: float | None = None
    late_headers: bool | None = None

    def fits(self, request: ConverseRequest) -> bool:
        """Whether this rule is to be put on this request."""
        if self.times == 0 or (self.fault == "none" and not self.script):
            return False
        if self.models is not None and not request.model_id.startswith(self.models):
            return False
        return self.when_contains.lower() in request.last_utterance.lower()

    def take(self, pace: Pace) -> Plan:
        """Use the rule once."""
        if self.times is not None:
            self.times -= 1
        scripted = self.script.pop(0) if self.script else None
        if self.fault == "slow":
            pace = replace(pace, first_token_ms=faults.SLOW_FIRST_TOKEN_MS)
        pace = _changed(_changed(pace, self.timings()), scripted or {})
        stop_reason = self.stop_reason or str((scripted or {}).get("stop_reason", ""))
        return Plan(pace, self.fault, self.after_tokens, self.exception, stop_reason, scripted)

    def timings(self) -> dict[str, Any]:
        """The timings this rule sets, and no others."""
        values = {name: getattr(self, name) for name in sorted(PACE_FIELDS)}
        return {name: value for name, value in values.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """The rule as it stands now, as JSON."""
        return {name: getattr(self, name) for name in sorted(RULE_FIELDS)} | self.timings()


class BehaviourBook:
    """The behaviour in force. One for each server; asked once for each request."""

    def __init__(self, default_pace: Pace | None = None) -> None:
        """Start without faults, at the given pace."""
        self.default_pace = default_pace or Pace()
        self.pace = self.default_pace
        self.rules: list[Rule] = []

    def take(self, request: ConverseRequest) -> Plan:
        """What this request meets: the first rule that fits, else nothing but the pace."""
        for rule in self.rules:
            if rule.fits(request):
                return rule.take(self.pace)
        return Plan(self.pace)

    def put(self, doc: Any) -> None:
        """Replace the behaviour.

        The timings of the object itself hold until the next change, whatever becomes of its fault; only those of a
        ``slow`` fault belong to the fault. Further rules come under ``rules``, each like the object itself, and
        their timings are theirs alone. The first rule that fits a request is put on it.

        Raises:
            BehaviourError: If a field is unknown or has a wrong value. Nothing changes then.
        """
        if not isinstance(doc, Mapping):
            raise BehaviourError("expected a JSON object")
        top = {name: value for name, value in doc.items() if name != "rules"}
        others = doc.get("rules", [])
        if not isinstance(others, Sequence) or isinstance(others, str):
            raise BehaviourError("rules: expected a list of objects")
        rules = [_parse_rule(rule) for rule in (top, *others)]
        timings = rules[0].timings()
        if rules[0].fault == "slow":
            timings.pop("first_token_ms", None)
        self.pace = _changed(self.default_pace, timings)
        self.rules = rules

    def to_json(self) -> dict[str, Any]:
        """The behaviour in force, counts as they stand now."""
        first, others = (self.rules[0], self.rules[1:]) if self.rules else (Rule(), [])
        return {
            **asdict(self.pace),
            **first.to_json(),
            "rules": [rule.to_json() for rule in others],
        }


def _changed(pace: Pace, timings: Mapping[str, Any]) -> Pace:
    return replace(pace, **{name: timings[name] for name in PACE_FIELDS if name in timings})


def _parse_rule(doc: Any) -> Rule:
    if not isinstance(doc, Mapping):
        raise BehaviourError("rules: expected a list of objects")
    unknown = sorted(set(doc) - RULE_FIELDS - PACE_FIELDS)
    if unknown:
        raise BehaviourError(f"unknown fields {unknown}: expected {sorted(RULE_FIELDS | PACE_FIELDS)} or rules")
    values = {name: value for name, value in doc.items() if value is not None}
    if values.get("fault", "none") not in faults.ALL:
        raise BehaviourError(f"fault {values['fault']!r}: expected one of {', '.join(faults.ALL)}")
    if values.get("exception", "ThrottlingException") not in STATUS:
        raise BehaviourError(f"exception {values['exception']!r}: expected one of {', '.join(STATUS)}")
    for name in ("first_token_ms", "token_ms", "after_tokens", "times"):
        _check_count(name, values.get(name, 0))
    if isinstance(values.get("models"), str | Mapping):
        raise BehaviourError("models: expected a list of model id prefixes, or null")
    if "models" in values:
        values["models"] = tuple(values["models"])
    values["script"] = [_parse_entry(entry) for entry in values.get("script", [])]
    return Rule(**values)


def _parse_entry(entry: Any) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping) or not set(entry) <= SCRIPT_FIELDS or not {"text", "tool"} & set(entry):
        raise BehaviourError(
            f"script: expected objects with text or tool, and of {sorted(SCRIPT_FIELDS)}; got {entry!r}"
        )
    for name in PACE_FIELDS:
        _check_count(name, entry.get(name, 0))
    return entry


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BehaviourError(f"{name}: expected a number of at least 0, got {value!r}")
