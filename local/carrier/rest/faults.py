"""Faults the REST side can play, settable at run time: `PUT /local/carrier/rest/faults`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, get_args

FaultKind = Literal[
    "error", "error_processed", "timeout", "timeout_processed", "reset", "reset_processed", "slow", "limit"
]
PROCESSED: Final = frozenset({"error_processed", "timeout_processed", "reset_processed", "slow"})
HANG_MS: Final = 30_000
RESOURCES: Final = frozenset(
    {
        "Accounts",
        "Addresses",
        "AuthTokens",
        "AvailablePhoneNumbers",
        "Calls",
        "DialingPermissions",
        "IncomingPhoneNumbers",
        "Keys",
        "Messages",
    }
)
METHODS: Final = frozenset({"GET", "POST", "DELETE"})


class FaultError(ValueError):
    """A fault that cannot be meant; the message says what was expected."""


@dataclass
class RestFault:
    """What befalls requests.

    Attributes:
        fault: ``error``: answered `status` and `code`, not processed. ``timeout``: nothing happens, and after `ms`
            the connection breaks. ``reset``: it breaks at once. ``error_processed``, ``timeout_processed``,
            ``reset_processed``: the same, but the request has been carried out. ``slow``: carried out and answered
            after `ms`. ``limit``: 429, except for the first `allow` requests of every `per_ms`.
        resource: Only this resource, as its path names it; None means any.
        method: Only this method; None means any.
        account_sid: Only requests with this account's SID in path or credentials; None means any.
        after: How many requests pass unharmed first.
        times: How many are harmed then; None means all.
        status: For errors.
        code: Twilio's code for errors; the status's usual one if left out.
        message: Twilio's sentence for errors.
        ms: How long the slow ones take; timeouts without it take 30 s.
        allow: For ``limit``.
        per_ms: For ``limit``.
    """

    fault: FaultKind
    resource: str | None = None
    method: str | None = None
    account_sid: str | None = None
    after: int = 0
    times: int | None = None
    status: int = 500
    code: int | None = None
    message: str | None = None
    ms: int = 0
    allow: int = 0
    per_ms: int = 1000
    _passed: deque[float] = field(default_factory=deque, repr=False)

    def __post_init__(self) -> None:
        _one_of("fault", self.fault, get_args(FaultKind))
        if self.resource is not None:
            _one_of("resource", self.resource, RESOURCES)
        if self.method is not None:
            _one_of("method", self.method, METHODS)
        if not 400 <= self.status <= 599:
            raise FaultError(f"status is {self.status!r}; expected 400 to 599")

    def concerns(self, resource: str | None, method: str, account_sids: frozenset[str]) -> bool:
        """Whether this is one of the requests it is about."""
        return (
            self.resource in (None, resource)
            and self.method in (None, method)
            and (self.account_sid is None or self.account_sid in account_sids)
        )

    def strikes(self, now_s: float) -> bool:
        """Whether a request it is about is harmed; counts it."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.fault == "limit" and self._allows(now_s):
            return False
        if self.times is None:
            return True
        if self.times <= 0:
            return False
        self.times -= 1
        return True

    def _allows(self, now_s: float) -> bool:
        while self._passed and now_s - self._passed[0] >= self.per_ms / 1000:
            self._passed.popleft()
        if len(self._passed) >= self.allow:
            return False
        self._passed.append(now_s)
        return True

    def describe(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


class RestFaults:
    """Everything the REST side is told to do wrong.

    Args:
        now_s: Tells the time, for limits.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._faults: list[RestFault] = []
        self._now_s = now_s

    def replace(self, document: Mapping[str, Any]) -> None:
        """Take ``{"faults": [...]}`` in place of what there was.

        Raises:
            FaultError: If one of them cannot be meant; nothing is changed then.
        """
        if set(document) != {"faults"} or not isinstance(document["faults"], list):
            raise FaultError('expected {"faults": [{"fault": ...}, ...]}')
        self._faults = [_build(each) for each in document["faults"]]

    def clear(self) -> None:
        self._faults = []

    def strike(self, resource: str | None, method: str, account_sids: frozenset[str]) -> RestFault | None:
        """The fault that strikes this request, if any."""
        for fault in self._faults:
            if fault.concerns(resource, method, account_sids) and fault.strikes(self._now_s()):
                return fault
        return None

    def describe(self) -> dict[str, Any]:
        """As :meth:`replace` takes them, with what is left of `after` and `times`."""
        return {"faults": [fault.describe() for fault in self._faults]}


def _build(document: Any) -> RestFault:
    known = {each.name for each in fields(RestFault) if not each.name.startswith("_")}
    if not isinstance(document, dict) or "fault" not in document:
        raise FaultError(f"{document!r} is not a fault; expected an object with fault and more")
    if unknown := set(document) - known:
        raise FaultError(f"unknown {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    for name in ("after", "times", "status", "code", "ms", "allow", "per_ms"):
        value = document.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise FaultError(f"{name} is {value!r}; expected a whole number")
    return RestFault(**{name: value for name, value in document.items() if value is not None})


def _one_of(name: str, value: Any, allowed: Any) -> None:
    if value not in allowed:
        raise FaultError(f"{name} is {value!r}; expected one of {', '.join(sorted(allowed))}")
